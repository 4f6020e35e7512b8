"""The tables of cases. A new likelihood or model costs one line here and inherits every law."""

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from isthmus.data import Columns, Standardisation, inspect_columns
from isthmus.models import (
    Architecture,
    Ends,
    Fixed,
    Likelihood,
    LikelihoodChoice,
    MatrixInputs,
    VariationalAutoencoder,
    assemble_vae,
    choose_likelihood,
    choose_standardisation,
    make_likelihood,
)

ROWS, COLUMNS, LATENT = 64, 6, 2


@dataclass(frozen=True)
class LikelihoodCase:
    """Arguments of choose_likelihood, and rows that suit them."""

    kind: str
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> np.ndarray:
        """[ROWS, COLUMNS] dependent columns of the right kind, in units of their own."""
        generator = np.random.default_rng(7)
        factor = generator.normal(size=(ROWS, 1)) + 0.5 * generator.normal(size=(ROWS, COLUMNS))
        if self.kind == "normal":
            return factor * np.array([1.0, 10.0, 0.1, 3.0, 1.0, 1.0]) + np.array([0.0, 100.0, 0.0, -5.0, 0.0, 1e6])
        maximum = self.kwargs.get("maximum", 1)
        return np.clip(np.round(maximum * (0.5 + 0.3 * factor)), 0, maximum)

    @property
    def columns(self) -> Columns:
        return inspect_columns(self.rows, tuple("abcdef"))

    @property
    def choice(self) -> LikelihoodChoice:
        return choose_likelihood(self.columns, self.kind, **self.kwargs)

    @property
    def standardisation(self) -> Standardisation:
        return choose_standardisation(self.choice, self.columns)

    @property
    def family(self) -> Likelihood:
        return make_likelihood(self.choice, self.columns, self.standardisation)

    @property
    def standardised_rows(self) -> np.ndarray:
        return self.standardisation.apply(self.rows)

    def model(self, seed: int = 0) -> VariationalAutoencoder:
        """An untrained VAE whose posterior is far from its prior, so that no law holds trivially."""
        model = assemble_vae(
            Ends(
                MatrixInputs(*(Fixed(jnp.asarray(of(self.standardised_rows, 0))) for of in (np.mean, np.std))),
                self.family,
            ),
            Architecture(LATENT, (8,), "tanh"),
            jax.random.key(seed),
        )
        return model


LIKELIHOODS = {
    "bernoulli": LikelihoodCase("bernoulli"),
    "binomial": LikelihoodCase("binomial", {"maximum": 16}),
    "discretised logistic, 16": LikelihoodCase("discretised_logistic", {"maximum": 16}),
    "discretised logistic, 255": LikelihoodCase("discretised_logistic", {"maximum": 255}),
    "normal, fixed scale": LikelihoodCase("normal", {"scale": 0.5}),
    "normal, global scale": LikelihoodCase("normal", {"scale": "global"}),
    "normal, per-feature scale": LikelihoodCase("normal", {"scale": "per_feature"}),
}
COUNTING = [name for name, case in LIKELIHOODS.items() if case.kind != "normal"]
LEBESGUE = [name for name, case in LIKELIHOODS.items() if case.kind == "normal"]
