"""The aggregate posterior q(z), the mean of q(z | x) over x: what the latent says of x, and how q(z) misses the prior.

    rate = KL(q(z | x) || p(z)) = I_q(x; z) + KL(q(z) || p(z))
    KL(q(z) || p(z)) = total correlation of z + sum over dimensions of KL(q(z_j) || p(z_j)),  where p(z) is a product

Rows stand for x: q(z) is taken for the mixture of N of their posteriors. With a draw's own row counted, the mixture is
too high there, and the information errs on the low side, never above log N; with it left out, on the high side. Hoffman
and Johnson 2016, ELBO surgery; Poole, Ozair, van den Oord, Alemi and Tucker 2019, On variational bounds of mutual
information; Chen, Li, Grosse and Duvenaud 2018, Isolating sources of disentanglement.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import logsumexp
from numpyro.distributions import Independent, MultivariateNormal, Normal

from isthmus.inference.importance import ImportanceSampling, content_key
from isthmus.information import Estimate
from isthmus.information.estimate import mean_over_rows
from isthmus.information.precision import in_float32
from isthmus.models import ProbabilisticModel
from isthmus.models.rows import map_rows, row_count

AGGREGATE_ROWS, DRAWS = 1024, 4
"""Rows, at most, whose posteriors are mixed; draws of each."""
DRAWS_AT_ONCE = 128
AGGREGATE_STREAM = 40


@dataclass(frozen=True)
class AggregatePosterior:
    """What the mixture of N posteriors says, in nats; rows: N.

    mutual_information: own row counted ("lower", at most log N); mutual_information_upper: left out, or the rate, which
    bounds it too, where that is less ("upper").  marginal_kl ("upper") and marginal_kl_lower: the rate less these.
    dimension_wise_kl: the sum over dimensions of KL(q(z_j) || p(z_j)), and total_correlation, the rest of marginal_kl:
    estimates, None where posterior or prior is no product of normals.
    """

    rows: int
    mutual_information: Estimate
    mutual_information_upper: Estimate
    marginal_kl: Estimate
    marginal_kl_lower: Estimate
    total_correlation: Estimate | None
    dimension_wise_kl: Estimate | None

    def entries(self) -> dict[str, Estimate | None]:
        """By the ledger's keys."""
        return {
            "mutual_information": self.mutual_information,
            "mutual_information_upper": self.mutual_information_upper,
            "marginal_kl": self.marginal_kl,
            "marginal_kl_lower": self.marginal_kl_lower,
            "total_correlation": self.total_correlation,
            "dimension_wise_kl": self.dimension_wise_kl,
        }


@in_float32
def measure_aggregate(
    model: ProbabilisticModel, rows: Any, sampled: ImportanceSampling, seed: int = 0
) -> AggregatePosterior | None:
    """The aggregate posterior over rows, arrays [row, ...] in the model's units; None for fewer than two rows, or where
    a rate is not finite.

    sampled: what `sample_importance_weights` made of the same rows: their rates are read.  Of more than 1,024 rows a
    seeded choice is taken, and the mean rate remains that of all.
    """
    rate = sampled.rate
    if row_count(rows) < 2 or not np.isfinite(rate).all():
        return None
    chosen = _choose(row_count(rows), seed)
    rows = jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], rows)
    key = jax.random.key(seed + AGGREGATE_STREAM, impl="threefry2x32")
    latents, own = map_rows(_draw, (model, key), rows)
    if sampled.kl_terms is not None and is_product_of_normals(model, rows):
        mean, scale = map_rows(_moments, model, rows)
        return _summed_up(_pairs_of_normals(mean, scale, latents, own), own, rate, chosen)
    return _summed_up(_pairs(partial(_densities, model, rows), latents, own), own, rate, chosen, sampled.rate_variance)


@in_float32
def aggregate_of_normals(
    mean: np.ndarray, scale: np.ndarray, rate: np.ndarray, seed: int = 0
) -> AggregatePosterior | None:
    """The same of posteriors known as normals: mean [row, dimension].

    scale: of the same shape, or, where dimensions hang together, the lower Cholesky factor of each covariance, [row,
    dimension, dimension]; then there is no split by dimension.
    """
    if len(mean) < 2:
        return None
    chosen = _choose(len(mean), seed)
    generator = np.random.default_rng([AGGREGATE_STREAM, seed])
    mean, scale = (np.asarray(part[chosen], np.float32) for part in (mean, scale))
    noise = generator.standard_normal((len(chosen), DRAWS, mean.shape[1])).astype(np.float32)
    if scale.ndim == 2:
        latents = mean[:, None] + scale[:, None] * noise
        own = np.asarray(Normal(mean[:, None], scale[:, None]).log_prob(latents).sum(-1))
        return _summed_up(_pairs_of_normals(mean, scale, latents, own), own, rate, chosen)
    latents = mean[:, None] + noise @ np.swapaxes(scale, 1, 2)
    own = np.asarray(MultivariateNormal(mean[:, None], scale_tril=scale[:, None]).log_prob(latents))
    return _summed_up(_pairs(partial(_joint_densities, mean, scale), latents, own), own, rate, chosen)


def _summed_up(
    pairs: "_Pairs",
    own: np.ndarray,
    rate: np.ndarray,
    chosen: np.ndarray,
    rate_variance: np.ndarray | None = None,
) -> AggregatePosterior:
    count, mean_rate = len(chosen), float(np.mean(rate))
    counted, left_out = own - pairs.mixture + np.log(count), own - pairs.others + np.log(count - 1)
    lower = _mean(counted, "lower", shares=pairs.shares)
    upper = _mean(left_out, "upper", shares=pairs.shares)
    beyond = _mean(rate[chosen, None] - counted, "upper", shares=2.0 - pairs.shares)
    beyond_lower = replace(beyond, value=mean_rate - float(upper), direction="lower")
    if float(upper) > mean_rate:
        upper = mean_over_rows(rate, direction="upper", variances=rate_variance)
        beyond_lower = Estimate(0.0, "nats", "lower", 0.0, 0.0)
    wise, correlation = None, None
    if pairs.marginal is not None:
        marginal = (pairs.marginal + np.log(count)).sum(-1)
        wise = _mean(rate[chosen, None] - marginal, "estimate", value=mean_rate - float(marginal.mean()))
        correlation = _mean(marginal - counted, "estimate")
    return AggregatePosterior(
        rows=count,
        mutual_information=lower,
        mutual_information_upper=upper,
        marginal_kl=replace(beyond, value=mean_rate - float(lower)),
        marginal_kl_lower=beyond_lower,
        total_correlation=correlation,
        dimension_wise_kl=wise,
    )


def _choose(rows: int, seed: int) -> np.ndarray:
    if rows <= AGGREGATE_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng([AGGREGATE_STREAM, seed]).choice(rows, AGGREGATE_ROWS, replace=False))


@dataclass(frozen=True)
class _Pairs:
    """Sums over all rows at the draws of each, [row, draw]: log of the sum of q(z | x_j) over j, and over j other than
    the draw's own; shares: of each row in the mixtures at the draws of all, [row], 1 on average.  marginal: log
    q(z_k | x) less the log of the sum of q(z_k | x_j), [row, draw, dimension]."""

    mixture: np.ndarray
    others: np.ndarray
    shares: np.ndarray
    marginal: np.ndarray | None = None


def _pairs_of_normals(mean: np.ndarray, scale: np.ndarray, latents: np.ndarray, own: np.ndarray) -> _Pairs:
    found = _pairs(partial(_normal_densities, mean, scale), latents, own)
    draws = own.shape[1]
    marginal = [
        np.asarray(_marginals(mean, scale, z, owners), np.float64)[:real] for z, owners, real in _blocks(latents, draws)
    ]
    return replace(found, marginal=np.concatenate(marginal).reshape(*own.shape, -1))


def _pairs(densities: Callable[[Array], Array], latents: np.ndarray, own: np.ndarray) -> _Pairs:
    """densities: from draws [draw, ...] to log q(z | x_j) of each row j at each, [row, draw]."""
    mixture, others, shares = [], [], np.zeros(len(own))
    for z, owners, real in _blocks(latents, own.shape[1]):
        sums, rest, weights = _mix(densities(z), owners, jnp.arange(DRAWS_AT_ONCE) < real)
        mixture.append(np.asarray(sums, np.float64)[:real])
        others.append(np.asarray(rest, np.float64)[:real])
        shares += np.asarray(weights, np.float64) / own.shape[1]
    return _Pairs(np.concatenate(mixture).reshape(own.shape), np.concatenate(others).reshape(own.shape), shares)


def _blocks(latents: np.ndarray, draws: int) -> Iterator[tuple[Array, Array, int]]:
    """(draws, the row that each is of, how many of them are not padding) in blocks of one size."""
    flat = latents.reshape(-1, *latents.shape[2:])
    for first in range(0, len(flat), DRAWS_AT_ONCE):
        places = np.minimum(np.arange(first, first + DRAWS_AT_ONCE), len(flat) - 1)
        yield jnp.asarray(flat[places]), jnp.asarray(places // draws), min(DRAWS_AT_ONCE, len(flat) - first)


def _mean(
    terms: np.ndarray, direction: Any, *, shares: np.ndarray | None = None, value: float | None = None
) -> Estimate:
    """The mean of terms [row, draw], or another value, with the errors of that mean.

    shares: a row counts twice where given: by its own draws, and by its share in the mixture at those of all rows,
    which is 1 on average.
    """
    found = mean_over_rows(terms.mean(1), direction=direction, variances=terms.var(1, ddof=1) / terms.shape[1])
    influence = terms.mean(1) - (0.0 if shares is None else shares - 1.0)
    over_rows = mean_over_rows(influence).stderr_rows
    return Estimate(found.value if value is None else value, "nats", direction, found.stderr, over_rows)


def _draw(model_and_key: tuple[ProbabilisticModel, Array], row: Any) -> tuple[Array, Array]:
    model, key = model_and_key
    posterior = model.posterior(row)
    keys = jax.random.split(content_key(key, row, jnp.int32(0)), DRAWS)
    latents = jax.vmap(posterior.sample)(keys)
    return latents, jax.vmap(posterior.log_prob)(latents)


def _moments(model: ProbabilisticModel, row: Any) -> tuple[Array, Array]:
    posterior: Any = model.posterior(row)
    return posterior.base_dist.loc, posterior.base_dist.scale


def is_product_of_normals(model: ProbabilisticModel, rows: Any) -> bool:
    """Whether posterior and prior are independent normals, as numpyro writes them."""
    first = jax.tree.map(lambda leaf: np.asarray(leaf)[0], rows)
    # Traced and not run: one operation after the other, an encoder compiles for half a second.
    pair = eqx.filter_eval_shape(lambda model, row: (model.posterior(row), model.prior()), model, first)
    return all(isinstance(part, Independent) and isinstance(part.base_dist, Normal) for part in pair)


@eqx.filter_jit
def _densities(model: ProbabilisticModel, rows: Any, z: Array) -> Array:
    """log q(z | x_j) of each row at each draw, [row, draw]."""
    return jax.vmap(lambda row: jax.vmap(model.posterior(row).log_prob)(z))(rows)


@jax.jit
def _normal_densities(mean: Array, scale: Array, z: Array) -> Array:
    """The same of diagonal normals: a sum over dimensions, one after the other, so that no array holds them all."""
    return jax.lax.fori_loop(
        0,
        mean.shape[1],
        lambda k, total: total + Normal(mean[:, k, None], scale[:, k, None]).log_prob(z[None, :, k]),
        jnp.zeros((mean.shape[0], z.shape[0])),
    )


@jax.jit
def _joint_densities(mean: Array, scale: Array, z: Array) -> Array:
    """The same of normals whose dimensions hang together."""
    return jax.vmap(lambda mean, scale: MultivariateNormal(mean, scale_tril=scale).log_prob(z))(mean, scale)


@jax.jit
def _mix(densities: Array, owners: Array, real: Array) -> tuple[Array, Array, Array]:
    """(log-sum over rows, over all but each draw's owner, [draw]; each row's share summed over real draws, [row])."""
    sums = logsumexp(densities, axis=0)
    excluded = jnp.arange(densities.shape[0])[:, None] == owners
    rest = logsumexp(jnp.where(excluded, -jnp.inf, densities), axis=0)
    return sums, rest, jnp.sum(jnp.where(real, jnp.exp(densities - sums), 0.0), axis=1)


@jax.jit
def _marginals(mean: Array, scale: Array, z: Array, owners: Array) -> Array:
    """log q(z_k | x) of the draw's owner less the log-sum of q(z_k | x_j) over rows, [draw, dimension]."""

    def of_dimension(mean, scale, z):
        densities = Normal(mean[:, None], scale[:, None]).log_prob(z)
        return densities[owners, jnp.arange(z.shape[0])] - logsumexp(densities, axis=0)

    return jax.lax.map(lambda parts: of_dimension(*parts), (mean.T, scale.T, z.T)).T
