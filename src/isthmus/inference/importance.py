"""Importance sampling from q(z | x): log-weights of rows at any number of draws, streamed.

The noise of a row follows from the row's own content and from nothing else. So a score never depends on a row's
neighbours or on the call, while distinct rows have independent noise, which is what the standard error of a mean over
rows assumes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from isthmus.information.precision import in_float32
from isthmus.models import ProbabilisticModel
from isthmus.models.rows import chunk_size, chunks, row_count
from isthmus.models.terms import Terms, terms_of_row

DRAWS_AT_ONCE = 64
BLOCKS_AHEAD = 2
"""So many blocks of draws are under way on the device while the host sums those before them."""


@dataclass(frozen=True)
class ImportanceSampling:
    """What `draws` posterior draws say of each row, in nats, float64, [row].

    log_likelihood: mean over draws of log p(x | z); rate: KL(q(z | x) || p(z)), in closed form where one is known;
    log_evidence: log of the mean importance weight, a lower bound of log p(x) in expectation. Each has beside it the
    variance of its Monte Carlo error (that of log_evidence by the delta method).
    elbo: log_likelihood - rate; elbo_variance takes the two parts' errors together.
    kl_terms: the rate of each latent dimension, [row, dimension], or None.
    column_log_likelihood: log_likelihood of each column, [row, column], or None where the model has no columns.
    """

    draws: int
    log_likelihood: np.ndarray
    log_likelihood_variance: np.ndarray
    rate: np.ndarray
    rate_variance: np.ndarray
    elbo: np.ndarray
    elbo_variance: np.ndarray
    log_evidence: np.ndarray
    log_evidence_variance: np.ndarray
    kl_terms: np.ndarray | None
    column_log_likelihood: np.ndarray | None = None
    column_log_likelihood_variance: np.ndarray | None = None


@in_float32
def sample_importance_weights(
    model: ProbabilisticModel, rows: Any, draws: int = 1, seed: int = 0, *, by_column: bool = False
) -> ImportanceSampling:
    """Draw z ~ q(z | x) `draws` times for each row and summarise the log-weights log p(x, z) - log q(z | x).

    rows: arrays [row, ...] (a pytree), in the model's units.  Draws are made in fixed chunks and summed in float64 as
    they come, so memory does not grow with `draws`.  by_column: keep the likelihood of each column too, where the model
    has columns. Raises ValueError for draws < 1.
    """
    if draws < 1:
        raise ValueError(f"draws is {draws}; expected at least 1")
    count, at_once = row_count(rows), min(1 << (draws - 1).bit_length(), DRAWS_AT_ONCE)
    key = jax.random.key(seed, impl="threefry2x32")
    blocks = (
        (place, used, _chunk_terms(model, chunk, np.int32(first), np.int32(used), at_once, key, by_column))
        for place, chunk in enumerate(chunks(rows, chunk_size(rows, copies=at_once)))
        for first in range(0, draws, at_once)
        for used in (min(at_once, draws - first),)
    )
    parts = [_summarise(of_chunk) for _, of_chunk in groupby(_begun_ahead(blocks), key=itemgetter(0))]
    joined = {name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}
    return ImportanceSampling(draws=draws, **{"kl_terms": None, **joined})


def _begun_ahead(blocks: Iterable[tuple[int, int, Any]]) -> Iterator[tuple[int, int, Any]]:
    """The blocks in order, each begun before those ahead of it are looked at: a call returns before its arrays are
    computed."""
    waiting: deque[tuple[int, int, Any]] = deque()
    for block in blocks:
        waiting.append(block)
        if len(waiting) > BLOCKS_AHEAD:
            yield waiting.popleft()
    yield from waiting


def _summarise(blocks: Iterable[tuple[int, int, Any]]) -> dict[str, np.ndarray]:
    """What the blocks of draws of one chunk say of its rows; each is (the chunk's place, draws used, terms)."""
    log_likelihood, rate, elbo, weight, columns = _Moments(), _Moments(), _Moments(), _LogMean(), _Moments()
    kl_terms = None
    for _, count, terms in blocks:
        used = slice(0, count)
        likelihoods, log_weights, ratios = (np.asarray(part, np.float64)[:, used] for part in terms[:3])
        kl_terms = None if terms[3] is None else np.asarray(terms[3], np.float64)
        closed = None if kl_terms is None else np.broadcast_to(kl_terms.sum(-1, keepdims=True), likelihoods.shape)
        rates = ratios if closed is None else closed
        log_likelihood.add(likelihoods)
        rate.add(rates)
        elbo.add(likelihoods - rates)
        weight.add(log_weights)
        if terms[4] is not None:
            mean, squares = (np.asarray(part, np.float64) for part in terms[4])
            columns.merge(count, mean, squares)
    summary = {
        "log_likelihood": log_likelihood.mean,
        "log_likelihood_variance": log_likelihood.variance_of_mean,
        "rate": rate.mean,
        "rate_variance": rate.variance_of_mean,
        "elbo": log_likelihood.mean - rate.mean,
        "elbo_variance": elbo.variance_of_mean,
        "log_evidence": weight.log_mean,
        "log_evidence_variance": weight.variance,
    }
    if kl_terms is not None:
        summary["kl_terms"] = kl_terms
    if columns.count:
        summary["column_log_likelihood"] = columns.mean
        summary["column_log_likelihood_variance"] = columns.variance_of_mean
    return summary


@eqx.filter_jit
def _chunk_terms(
    model: ProbabilisticModel, chunk: Any, first: Any, used: Any, at_once: int, key: Array, by_column: bool
) -> tuple[Array, Array, Array, Array | None, tuple[Array, Array] | None]:
    def of_row(row):
        terms = terms_of_row(model, row, content_key(key, row, first), samples=at_once)
        # Summed here: [row, k, column] numbers are too many to carry to the host.
        return terms, _moments_of_draws(terms.column_log_likelihood, used) if by_column else None

    terms: Terms
    terms, columns = jax.vmap(of_row)(chunk)
    return terms.log_likelihood, terms.log_weights, terms.log_posterior - terms.log_prior, terms.kl_terms, columns


def _moments_of_draws(values: Array | None, used: Array) -> tuple[Array, Array] | None:
    """Mean of the first `used` of the draws, and sum of squared deviations from it, [k, column] to [column]."""
    if values is None:
        return None
    counted = (jnp.arange(values.shape[0]) < used)[:, None]
    mean = jnp.sum(jnp.where(counted, values, 0.0), axis=0) / used
    return mean, jnp.sum(jnp.where(counted, (values - mean) ** 2, 0.0), axis=0)


def content_key(key: Array, row: Any, block: Array) -> Array:
    """A key that follows from a row's content and the block of draws."""
    return jax.random.fold_in(jax.random.fold_in(key, _content_hash(row)), block)


def _content_hash(row: Any) -> Array:
    """32 bits that follow from a row's numbers: the sum over them of what is left when each bit pattern, plus a random
    number of its place, has been mixed.

    Mixed, because the low bits of small whole numbers are all zero in floating point, and a product keeps them so.
    """
    total = jnp.zeros((), jnp.uint32)
    for position, leaf in enumerate(jax.tree.leaves(row)):
        number = jnp.asarray(leaf, jnp.result_type(float))
        bits = lax.bitcast_convert_type(jnp.where(number == 0, 0.0, number), jnp.uint32).ravel()
        total = total + jnp.sum(_mixed(_mixed(bits) + _place_numbers(position, bits.size)), dtype=jnp.uint32)
    return total


@lru_cache(maxsize=16)
def _place_numbers(position: int, count: int) -> np.ndarray:
    # Drawn here, not in what is compiled: every function that scores rows would compile the generator once more.
    with jax.ensure_compile_time_eval():
        return np.asarray(jax.random.bits(jax.random.key(position, impl="threefry2x32"), (count,), jnp.uint32))


def _mixed(bits: Array) -> Array:
    """Every bit of the result depends on every bit given (the finaliser of MurmurHash3, Appleby 2011)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    return bits ^ (bits >> 16)


class _Moments:
    """Mean and variance over the draws seen so far (Chan, Golub and LeVeque 1983)."""

    def __init__(self):
        self.count, self.mean, self.squares = 0, np.zeros(()), np.zeros(())

    def add(self, values: np.ndarray) -> None:
        mean = values.mean(1)
        with np.errstate(invalid="ignore"):
            squares = ((values - mean[:, None]) ** 2).sum(1)
        self.merge(values.shape[1], mean, squares)

    def merge(self, count: int, mean: np.ndarray, squares: np.ndarray) -> None:
        """Add `count` draws with this mean and this sum of squared deviations from it."""
        total = self.count + count
        with np.errstate(invalid="ignore"):
            between = (mean - self.mean) ** 2 * (self.count * count / total)
            # A weighted mean, not mean plus shift: infinities stay infinite instead of becoming inf - inf.
            self.mean = self.mean * (self.count / total) + mean * (count / total)
        self.squares = self.squares + squares + between
        self.count = total

    @property
    def variance_of_mean(self) -> np.ndarray:
        if self.count == 1:
            return np.full_like(self.mean, np.nan)
        return self.squares / (self.count - 1) / self.count


class _LogMean:
    """Logarithm of the mean of exp(log-weights) over the draws seen so far."""

    def __init__(self):
        self.count, self.log_sum, self.log_square_sum = 0, np.array(-np.inf), np.array(-np.inf)

    def add(self, log_weights: np.ndarray) -> None:
        self.count += log_weights.shape[1]
        self.log_sum = np.logaddexp(self.log_sum, np.logaddexp.reduce(log_weights, axis=1))
        self.log_square_sum = np.logaddexp(self.log_square_sum, np.logaddexp.reduce(2.0 * log_weights, axis=1))

    @property
    def log_mean(self) -> np.ndarray:
        return self.log_sum - np.log(self.count)

    @property
    def variance(self) -> np.ndarray:
        if self.count == 1:
            return np.full_like(self.log_sum, np.nan)
        # By the delta method: the squared coefficient of variation of the mean weight.
        with np.errstate(invalid="ignore"):
            concentration = np.exp(self.log_square_sum - 2.0 * self.log_sum)
        return np.maximum(concentration - 1.0 / self.count, 0.0) * self.count / (self.count - 1)
