"""Latent Dirichlet allocation: documents as mixtures of topics, topics as distributions over words."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import digamma

from isthmus.inference.conjugate.likelihood import family_divergence
from isthmus.inference.conjugate.model import ConjugateModel, LocalStep, Parameters
from isthmus.information.families import Dirichlet
from isthmus.information.precision import in_float64

_LEAST_CONCENTRATION = 0.005
_CANDIDATES, _TRIAL_ROUNDS, _ROUNDS, _ROUND_ITERATIONS = 6, 12, 20, 4
_SCORING_ITERATIONS = 200
_CHUNK = 128


class LatentDirichletAllocation(ConjugateModel):
    """Rows are documents, counts [word]; each word has a topic drawn from its document's proportions.

    topics, words: their numbers. document_concentration, topic_concentration: of the symmetric Dirichlet priors of a
        document's topics and a topic's words, 1 / topics where None. iterations: at most so many updates of a
        document's proportions in one step, fewer where no concentration changes by more than `tolerance`; documents
        are scored after 200 at most.

    The parameters are the topics' natural coordinates, [topic, word], and the local state q's concentrations,
    [document, topic]. A document is a sequence of words, so that no multinomial coefficient is counted. Blei, Ng and
    Jordan 2003; Hoffman, Blei and Bach 2010, Online learning for latent Dirichlet allocation. Raises ValueError for
    concentrations below 0.005, whose expected logarithms leave the range of float64's exponentials.
    """

    starts: ClassVar[int] = 3
    topics: int = eqx.field(static=True)
    words: int = eqx.field(static=True)
    document_concentration: float = eqx.field(static=True)
    topic_concentration: float = eqx.field(static=True)
    iterations: int = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)

    def __init__(
        self,
        topics: int,
        words: int,
        document_concentration: float | None = None,
        topic_concentration: float | None = None,
        iterations: int = 10,
        tolerance: float = 1e-3,
    ):
        self.topics, self.words = topics, words
        self.document_concentration = _concentration("document_concentration", document_concentration, topics)
        self.topic_concentration = _concentration("topic_concentration", topic_concentration, topics)
        self.iterations, self.tolerance = iterations, tolerance

    @property
    def prior(self) -> Array:
        return jnp.full((self.topics, self.words), self.topic_concentration - 1.0)

    def check_rows(self, rows: Any) -> None:
        rows = np.asarray(rows)
        if rows.shape[1:] != (self.words,):
            raise ValueError(f"rows of shape {rows.shape}; expected counts [document, {self.words}]")
        if (rows < 0).any():
            document, word = np.argwhere(rows < 0)[0]
            raise ValueError(
                f"word {word} is counted {rows[document, word]:g} times in document {document}; expected counts of at "
                "least 0"
            )

    def initialise(self, rows: Array, key: Array) -> Parameters:
        """The best of six draws near the uniform distribution, after rounds of updates in which documents start afresh.

        A document that goes on from its last proportions cannot return to a topic that it gave up, and it gives topics
        up on the noise of the first rounds: on simulated documents that costs .2 nats a word.
        """

        def trial(key: Array) -> tuple[Array, Array]:
            drawn = jax.random.gamma(key, 100.0, (self.topics, self.words)) / 100.0 - 1.0
            tried = self._refine(drawn, rows, _TRIAL_ROUNDS)
            return tried, jnp.sum(self._fresh_step(tried, rows, _ROUND_ITERATIONS).bounds) - self.divergence(tried)

        tried, bounds = jax.lax.map(trial, jax.random.split(key, _CANDIDATES))
        return self._refine(tried[jnp.argmax(bounds)], rows, _ROUNDS)

    def initial_local(self, rows: Array) -> Array:
        """Proportions that are uniform, as certain as the documents are long."""
        length = jnp.sum(rows, axis=1, keepdims=True)
        return jnp.broadcast_to(self.document_concentration + length / self.topics, (len(rows), self.topics))

    def local_step(self, parameters: Parameters, rows: Array, local: Array) -> LocalStep:
        return self._step(parameters, rows, local, self.iterations)

    def _refine(self, parameters: Parameters, rows: Array, rounds: int) -> Parameters:
        def refine(_: int, parameters: Array) -> Array:
            return self.optimum(self._fresh_step(parameters, rows, _ROUND_ITERATIONS).statistics)

        return jax.lax.fori_loop(0, rounds, refine, parameters)

    def _fresh_step(self, parameters: Parameters, rows: Array, iterations: int) -> LocalStep:
        return self._step(parameters, rows, self.initial_local(rows), iterations)

    def _step(self, parameters: Parameters, rows: Array, local: Array, iterations: int) -> LocalStep:
        log_words = _expected_log(parameters + 1.0)
        largest = jnp.max(log_words, axis=0)
        words = jnp.exp(log_words - largest)
        local = self._proportions(rows, words, local, iterations)
        log_topics = _expected_log(local)
        topics = jnp.exp(log_topics)
        mixed = topics @ words
        bounds = jnp.sum(rows * (jnp.log(mixed) + largest), axis=1) - self._document_divergence(local)
        return LocalStep(words * (topics.T @ (rows / mixed)), bounds, local)

    def divergence(self, parameters: Parameters) -> Array:
        return jnp.sum(family_divergence(Dirichlet(self.words), parameters, self.prior))

    @in_float64
    @eqx.filter_jit
    def transform(self, parameters: Parameters, rows: Array) -> Array:
        """E[topic proportions] of documents, [document, topic]."""
        local = self._fresh_step(parameters, rows, _SCORING_ITERATIONS).local
        return local / jnp.sum(local, axis=1, keepdims=True)

    @in_float64
    @eqx.filter_jit
    def document_bounds(self, parameters: Parameters, rows: Array) -> Array:
        """Bounds on log p(words of a document) in nats, topics averaged over q, [document]."""
        return self._fresh_step(parameters, rows, _SCORING_ITERATIONS).bounds

    def _proportions(self, rows: Array, words: Array, local: Array, iterations: int) -> Array:
        """q's concentrations at their fixed point, from exp E[log words], [topic, word], up to a factor a word.

        Documents go in chunks that a processor's cache holds, and each chunk until it stands; the last is filled up
        with the first document.
        """
        empty = -len(rows) % _CHUNK
        chunks = jax.tree.map(lambda leaf: _chunks(leaf, empty), (rows, local))
        found = jax.lax.map(lambda chunk: self._settle(chunk[0], words, chunk[1], iterations), chunks)
        return found.reshape(-1, self.topics)[: len(rows)]

    def _settle(self, rows: Array, words: Array, local: Array, iterations: int) -> Array:
        def update(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            count, before, _ = state
            topics = jnp.exp(_expected_log(before))
            after = self.document_concentration + topics * ((rows / (topics @ words)) @ words.T)
            return count + 1, after, jnp.max(jnp.mean(jnp.abs(after - before), axis=1))

        def unsettled(state: tuple[Array, Array, Array]) -> Array:
            return (state[0] < iterations) & (state[2] > self.tolerance)

        return jax.lax.while_loop(unsettled, update, (jnp.asarray(0), local, jnp.asarray(jnp.inf)))[1]

    def _document_divergence(self, local: Array) -> Array:
        """KL(q(proportions) || p(proportions)), [document]."""
        prior = jnp.full(self.topics, self.document_concentration - 1.0)
        return family_divergence(Dirichlet(self.topics), local - 1.0, prior)


def _chunks(leaf: Array, empty: int) -> Array:
    """[chunk, row, ...] of rows, the first row again `empty` times at the end."""
    filled = jnp.concatenate([leaf, jnp.broadcast_to(leaf[0], (empty, leaf.shape[1]))])
    return filled.reshape(-1, _CHUNK, leaf.shape[1])


def _expected_log(concentrations: Array) -> Array:
    """E[log x] of Dirichlet x, over the last axis."""
    return digamma(concentrations) - digamma(jnp.sum(concentrations, axis=-1, keepdims=True))


def _concentration(name: str, value: float | None, topics: Any) -> float:
    chosen = 1.0 / topics if value is None else float(value)
    if not chosen >= _LEAST_CONCENTRATION:
        raise ValueError(f"{name} is {chosen}; expected at least {_LEAST_CONCENTRATION}")
    return chosen
