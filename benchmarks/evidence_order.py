"""Bounds on log p(x) beside its exact value, on linear-Gaussian VAEs of 2, 10 and 50 latents, with standard errors.

    python benchmarks/evidence_order.py [--latents 2 10 50] [--rows N] [--temperatures N] [--chains N] [--k N]
                                        [--start posterior|prior] [--seed N] [--out FILE]

In expectation ELBO <= IWAE_k <= IWAE_2k <= log p(x) <= reverse AIS, and AIS <= log p(x). The models are random; their
q(z | x) has the exact posterior's mean and no correlations, and is 1.2 times too wide. Rows are simulated from
each model, whose exact posterior draws start the way back. A difference is from the exact value, paired by row, in nats
per row; its standard error is Monte Carlo's, the rows given.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.distributions import Normal
from scipy import stats

import isthmus
from isthmus.evidence.annealed import bidirectional_monte_carlo
from isthmus.inference import sample_importance_weights

NOISE, WIDENING = 0.7, 1.2


class LinearVAE(isthmus.ProbabilisticModel):
    """z ~ N(0, I), x ~ N(W z, 0.7^2 I), q(z | x) a diagonal normal around A x."""

    W: Array
    A: Array
    scales: Array
    noise: float = eqx.field(static=True)

    def prior(self, c=None):
        return Normal(jnp.zeros(self.W.shape[1]), 1.0).to_event(1)

    def likelihood(self, z, c=None, *, key=None):
        return Normal(self.W @ z, self.noise).to_event(1)

    def posterior(self, x, c=None, *, key=None):
        return Normal(self.A @ x, self.scales).to_event(1)


@dataclass(frozen=True)
class Case:
    """A model, rows drawn from it, their exact log p(x) [row] and exact posterior draws [row, chain, latent]."""

    model: LinearVAE
    rows: np.ndarray
    log_evidence: np.ndarray
    draws: np.ndarray


def make_case(latent: int, rows: int, chains: int, seed: int) -> Case:
    """Twice as many columns as latents."""
    generator = np.random.default_rng(seed)
    W = generator.normal(size=(2 * latent, latent))
    covariance = np.linalg.inv(np.eye(latent) + W.T @ W / NOISE**2)
    A = covariance @ W.T / NOISE**2
    scales = WIDENING * np.sqrt(np.diag(covariance))
    x = generator.normal(size=(rows, latent)) @ W.T + NOISE * generator.normal(size=(rows, 2 * latent))
    x = x.astype(np.float32).astype(np.float64)
    noise = generator.normal(size=(rows, chains, latent))
    draws = (x @ A.T)[:, None] + noise @ np.linalg.cholesky(covariance).T
    marginal = stats.multivariate_normal(np.zeros(2 * latent), W @ W.T + NOISE**2 * np.eye(2 * latent))
    model = LinearVAE(jnp.asarray(W), jnp.asarray(A), jnp.asarray(scales), NOISE)
    return Case(model, x.astype(np.float32), marginal.logpdf(x), draws)


def measure(case: Case, arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Each bound's difference from the exact value, its standard error, and the seconds it took."""
    found: dict[str, dict[str, Any]] = {}

    def record(name: str, values: np.ndarray, variances: np.ndarray, began: float) -> None:
        differences = values - case.log_evidence
        found[name] = {
            "difference": float(differences.mean()),
            "stderr": float(np.sqrt(variances.sum()) / len(variances)),
            "seconds": time.perf_counter() - began,
        }

    for k in (arguments.k, 2 * arguments.k):
        began = time.perf_counter()
        sampled = sample_importance_weights(case.model, case.rows, k, arguments.seed)
        if not found:
            record("ELBO", sampled.elbo, sampled.elbo_variance, began)
        record(f"IWAE {k}", sampled.log_evidence, sampled.log_evidence_variance, began)
    began = time.perf_counter()
    both = bidirectional_monte_carlo(
        case.model,
        case.rows,
        case.draws,
        temperatures=arguments.temperatures,
        chains=arguments.chains,
        start=arguments.start,
        seed=arguments.seed,
    )
    record("AIS", both.forward.log_evidence, both.forward.log_evidence_variance, began)
    record("reverse AIS", both.log_evidence_upper, both.log_evidence_upper_variance, began)
    return found


def report(latent: int, case: Case, found: dict[str, dict[str, Any]]) -> str:
    """The result for people."""
    lines = [f"{latent} latents, {len(case.rows)} rows: exact log p(x) {case.log_evidence.mean():.3f} nats per row"]
    lines += [
        f"  {name:<14}{entry['difference']:+10.4f}  (stderr {entry['stderr']:.4f}, {entry['seconds']:.1f} s)"
        for name, entry in found.items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latents", type=int, nargs="+", default=[2, 10, 50])
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--temperatures", type=int, default=1000)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--start", choices=("posterior", "prior"), default="posterior")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    results = {}
    print(f"{arguments.temperatures} temperatures from the {arguments.start}, {arguments.chains} chains")
    for latent in arguments.latents:
        case = make_case(latent, arguments.rows, arguments.chains, arguments.seed)
        results[latent] = measure(case, arguments)
        print(report(latent, case, results[latent]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps({"settings": vars(arguments), "found": results}, indent=2, default=str))


if __name__ == "__main__":
    main()
