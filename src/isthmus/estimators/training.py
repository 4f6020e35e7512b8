"""From an assembled model and rows to a trained one: what a configuration stands for, and the latent size."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from isthmus.estimators.configuration import VAEConfiguration
from isthmus.estimators.matrix_rows import Assemble
from isthmus.fitting import Fit, FitRecord
from isthmus.inference import fit, sample_importance_weights
from isthmus.inference.objectives import Objective, elbo, importance_weighted, trimmed_importance_weighted
from isthmus.models import Architecture, Observation, VariationalAutoencoder, choose_architecture, hide_values
from isthmus.models.assembly import LARGEST_LATENT
from isthmus.models.growth import grow_latent
from isthmus.models.rows import row_count

if TYPE_CHECKING:
    from isthmus.estimators.inspection import Inspected

STEP_BUDGET = 4000
"""Without max_epochs a fit takes about so many steps, and at least FEWEST_EPOCHS passes over the rows."""
FEWEST_EPOCHS = 30
MOST_STEPS = 20_000
"""Passes over millions of rows are not worth their time: without max_epochs no fit takes more steps than this."""
MOST_HELD_OUT = 5000
"""Rows held out for early stopping, at most: each look scores all of them."""
DRAWS_WITH_HOLES = 5
INITIALISATION_STREAM = 2**32 - 1
"""Weights start from a key that no training step has."""
SIZE_DRAWS = 64
HELD_OUT_STREAM, CALIBRATION_STREAM, BOOTSTRAP_STREAM = 3, 4, 5


@dataclass(frozen=True)
class SizeTried:
    """A latent size on the path: the held-out bound on log p(x) in nats, and its gain over the size before with the
    standard error of that difference over rows; None at the first."""

    n_components: int
    bound: float
    gain: float | None
    stderr: float | None


@dataclass(frozen=True)
class Trained:
    """The fit, the untrained model of the same shape, its architecture, and the latent sizes that were tried."""

    fit: Fit
    untrained: VariationalAutoencoder
    architecture: Architecture
    path: tuple[SizeTried, ...] = ()


def train(
    seen: "Inspected", configuration: VAEConfiguration, on_record: Callable[[FitRecord], None] | None = None
) -> Trained:
    """A trained model for what a fit has seen of its rows; its latent size as asked for, or chosen."""
    asked, columns = configuration.n_components, seen.rows.column_count
    # A single column has no structure for a latent to find, and is fitted nonetheless.
    alone = asked in (None, "auto") and columns == 1 and isinstance(seen.training, Observation)
    architecture = choose_architecture(
        columns,
        None if asked == "auto" else asked,
        configuration.hidden_sizes,
        configuration.activation,
        configuration.overcomplete or alone,
    )
    if asked != "auto" or columns == 1:
        return train_one(seen.assemble, architecture, seen.training, configuration, on_record)
    largest = min(columns - 1, LARGEST_LATENT)
    return train_path(seen.assemble, architecture, largest, seen.training, configuration, on_record)


def train_one(
    assemble: Assemble,
    architecture: Architecture,
    rows: Any,
    configuration: VAEConfiguration,
    on_record: Callable[[FitRecord], None] | None = None,
) -> Trained:
    """A model of one architecture."""
    untrained = assemble(architecture, _key(configuration))
    training, held_out = split_rows(rows, _held_out_share(configuration, rows), configuration, HELD_OUT_STREAM)
    return Trained(_fit(untrained, training, held_out, configuration, on_record), untrained, architecture)


def train_path(
    assemble: Assemble,
    architecture: Architecture,
    largest: int,
    rows: Any,
    configuration: VAEConfiguration,
    on_record: Callable[[FitRecord], None] | None = None,
) -> Trained:
    """Latent sizes 1, 2, 4, ... up to `largest`, each started from the one before, until the held-out bound gains less
    than twice the standard error of its paired difference; the last size that gained is kept."""
    training, held_out = split_rows(rows, _held_out_share(configuration, rows), configuration, HELD_OUT_STREAM)
    judged = training if held_out is None else held_out
    best: Trained | None = None
    best_bounds, tried = np.zeros(0), []
    for size in [*(2**i for i in range(math.ceil(math.log2(largest)))), largest]:
        sized = replace(architecture, latent_size=size)
        untrained = assemble(sized, _key(configuration))
        start = untrained if best is None else grow_latent(best.fit.model, untrained)
        fitted = _fit(start, training, held_out, configuration, on_record)
        bounds = sample_importance_weights(fitted.model, judged, SIZE_DRAWS).log_evidence
        difference = bounds - best_bounds if best is not None else None
        gain = None if difference is None else float(difference.mean())
        stderr = None if difference is None else float(difference.std(ddof=1) / math.sqrt(len(difference)))
        tried.append(SizeTried(size, float(bounds.mean()), gain, stderr))
        if gain is not None and stderr is not None and not gain > 2.0 * stderr:
            break
        best, best_bounds = Trained(fitted, untrained, sized), bounds
    assert best is not None
    return replace(best, path=tuple(tried))


def refit_on_bootstrap(
    assemble: Assemble, architecture: Architecture, rows: Any, configuration: VAEConfiguration
) -> VariationalAutoencoder:
    """A model fitted to as many rows drawn with replacement; those that were not drawn decide when to stop."""
    count = row_count(rows)
    drawn = np.random.default_rng([BOOTSTRAP_STREAM, configuration.random_state]).integers(count, size=count)
    left = np.setdiff1d(np.arange(count), drawn)
    training, held_out = (jax.tree.map(lambda a, i=i: np.asarray(a)[i], rows) for i in (drawn, left))
    fitted = _fit(assemble(architecture, _key(configuration)), training, held_out if len(left) else None, configuration)
    return fitted.model


def split_rows(rows: Any, share: float, configuration: VAEConfiguration, stream: int) -> tuple[Any, Any]:
    """(most rows, the share of them set aside), at random; None where the share is less than a row."""
    kept, aside = split_indices(row_count(rows), share, configuration, stream)
    if aside is None:
        return rows, None
    kept_rows, taken = (jax.tree.map(lambda a, i=i: a[i], rows) for i in (kept, aside))
    return kept_rows, taken


def split_indices(
    count: int, share: float, configuration: VAEConfiguration, stream: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """(row numbers kept, row numbers set aside), at random; None where the share is less than a row, or all rows."""
    aside = math.ceil(share * count)
    if aside == 0 or aside >= count:
        return np.arange(count), None
    order = np.random.default_rng([stream, configuration.random_state]).permutation(count)
    return order[aside:], order[:aside]


def epochs(configuration: VAEConfiguration, rows: int) -> float:
    """Passes over the rows: as asked for, or about 4,000 steps, at least 30 passes, at most 20,000 steps."""
    if configuration.max_epochs is not None:
        return configuration.max_epochs
    batch = configuration.batch_size
    return min(max(STEP_BUDGET * batch / rows, FEWEST_EPOCHS), MOST_STEPS * batch / rows)


def draws(configuration: VAEConfiguration, rows: Any) -> int:
    """Posterior draws a row and step: as asked for; else 1, and more where values are missing, for what is missing
    widens the posterior beyond what one normal can follow."""
    if configuration.draws is not None:
        return configuration.draws
    return DRAWS_WITH_HOLES if isinstance(rows, Observation) and not np.all(rows.observed) else 1


def _fit(
    start: VariationalAutoencoder,
    training: Any,
    held_out: Any,
    configuration: VAEConfiguration,
    on_record: Callable[[FitRecord], None] | None = None,
) -> Fit:
    samples = draws(configuration, training)
    return fit(
        start,
        training,
        _objective(configuration.trim, samples),
        held_out=held_out,
        samples=samples,
        beta=configuration.beta,
        warm_up=configuration.warm_up,
        epochs=epochs(configuration, row_count(training) + (0 if held_out is None else row_count(held_out))),
        batch_size=configuration.batch_size,
        learning_rate=configuration.learning_rate,
        patience=configuration.patience,
        seed=configuration.random_state,
        on_record=on_record,
        # Rows of which different parts are hidden are not comparable, and trimming compares them.
        corruption=hide_values if isinstance(training, Observation) and configuration.trim == 0 else None,
        held_out_trim=configuration.trim,
    )


@lru_cache(maxsize=8)
def _objective(trim: float, samples: int) -> Objective:
    """Made once for each pair: the compiled step takes it for a constant, and another object would be compiled anew."""
    if trim > 0:
        return partial(trimmed_importance_weighted, share=trim)
    return elbo if samples == 1 else importance_weighted


def _held_out_share(configuration: VAEConfiguration, rows: Any) -> float:
    return min(configuration.validation_fraction, MOST_HELD_OUT / row_count(rows))


def _key(configuration: VAEConfiguration) -> jax.Array:
    seed = jax.random.key(configuration.random_state, impl="threefry2x32")
    return jax.random.fold_in(seed, INITIALISATION_STREAM)
