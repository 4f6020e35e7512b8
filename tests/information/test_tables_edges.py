"""At the edges of probability: zeros, the smallest of numbers, one cell, and tables that are no tables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.information.dependence import conditional_mutual_information, mutual_information, total_correlation
from isthmus.information.divergence import (
    f_divergence,
    jensen_shannon,
    jensen_shannon_distance,
    kl_divergence,
    renyi_divergence,
)
from isthmus.information.entropies import cross_entropy, entropy, surprisal
from isthmus.information.generators import CHI_SQUARED, SQUARED_HELLINGER, TOTAL_VARIATION, Generator
from oracles import tables as oracle

# Each divergence, and what it gives of two tables that share no cell.
DIVERGENCES = {
    "Kullback and Leibler": (kl_divergence, np.inf),
    "Jensen and Shannon": (jensen_shannon, np.log(2)),
    "distance": (jensen_shannon_distance, np.sqrt(np.log(2))),
    "total variation": (lambda p, q: f_divergence(p, q, TOTAL_VARIATION), 1.0),
    "squared Hellinger": (lambda p, q: f_divergence(p, q, SQUARED_HELLINGER), 1.0),
    "chi squared": (lambda p, q: f_divergence(p, q, CHI_SQUARED), np.inf),
    **{
        f"Renyi {alpha}": (lambda p, q, alpha=alpha: renyi_divergence(p, q, alpha), np.inf)
        for alpha in (0.0, 0.5, 1.0, 1.0 + 1e-12, 2.0, 1e3, np.inf)
    },
}
BOUNDED = ("Jensen and Shannon", "distance", "total variation", "squared Hellinger")
each_divergence = pytest.mark.parametrize("name", DIVERGENCES)
WEIGHTS = st.one_of(st.sampled_from([0.0, 5e-324, 1e-308, 1e-300, 1e-16, 1.0]), st.floats(0.0, 1.0))


@st.composite
def pairs_of_tables(draw):
    size = draw(st.integers(1, 6))
    tables = []
    for _ in range(2):
        weights = np.array(draw(st.lists(WEIGHTS, min_size=size, max_size=size)))
        weights[draw(st.integers(0, size - 1))] += 1.0
        tables.append(weights / weights.sum())
    return tables


@settings(deadline=None, max_examples=300)
@given(pairs_of_tables())
def test_every_divergence_is_a_number_and_infinite_only_where_a_cell_is_missed(pair):
    p, q = pair
    for name, (divergence, _) in DIVERGENCES.items():
        value = divergence(p, q).value
        assert value >= 0, name
        assert divergence(p, p).value == 0, name
        if name in BOUNDED or np.all(q[p > 0] > 0):
            assert np.isfinite(value) or name == "chi squared", name
    assert np.isinf(kl_divergence(p, q).value) == bool(np.any(q[p > 0] == 0))


@settings(deadline=None, max_examples=200)
@given(pairs_of_tables())
def test_sums_over_the_smallest_of_cells_are_right(pair):
    p, q = pair
    for ours, theirs in (
        (entropy(p), oracle.entropy(p)),
        (cross_entropy(p, q), oracle.cross_entropy(p, q)),
        (kl_divergence(p, q), oracle.kl_divergence(p, q)),
        (renyi_divergence(p, q, np.inf), oracle.renyi_divergence(p, q, np.inf)),
    ):
        np.testing.assert_allclose(ours.value, theirs, rtol=1e-12, atol=1e-14)


@each_divergence
def test_what_shares_no_cell_is_as_far_apart_as_can_be(name):
    divergence, farthest = DIVERGENCES[name]
    np.testing.assert_allclose(divergence([0.25, 0.75, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]).value, farthest, rtol=1e-15)


@each_divergence
def test_no_derivative_is_nan_and_it_is_finite_where_the_value_is(name):
    divergence, _ = DIVERGENCES[name]
    tables = {
        "shared": ([0.3, 0.7, 0.0], [0.5, 0.5, 0.0]),
        "equal": ([0.3, 0.7, 0.0], [0.3, 0.7, 0.0]),
        "more in q": ([0.3, 0.7, 0.0], [0.3, 0.3, 0.4]),
        "more in p": ([0.3, 0.3, 0.4], [0.3, 0.7, 0.0]),
        "apart": ([0.0, 0.0, 1.0], [0.3, 0.7, 0.0]),
        "hardly": ([1e-30, 1.0, 0.0], [1.0, 1e-30, 0.0]),
    }
    gradient = jax.jit(jax.value_and_grad(lambda p, q: divergence(p, q).value, argnums=(0, 1)))
    for p, q in tables.values():
        with jax.enable_x64(True):
            value, gradients = gradient(jnp.array(p), jnp.array(q))
        assert not np.isnan(value)
        assert not np.isnan(gradients).any()
        assert np.isfinite(gradients).all() or np.isinf(value)


def test_a_cell_of_no_probability_says_nothing_and_one_of_all_says_nothing_either():
    assert entropy([0.0, 1.0, 0.0]).value == 0.0
    assert entropy([1.0]).value == 0.0
    assert entropy(1.0).value == 0.0
    assert kl_divergence([1.0], [1.0]).value == 0.0
    assert mutual_information([[1.0]]).value == 0.0
    assert total_correlation(np.ones((1, 1, 1))).value == 0.0
    np.testing.assert_array_equal(surprisal([0.0, 1.0]).value, [np.inf, 0.0])


def test_the_least_of_cells_count_for_what_they_are():
    tiny = np.array([1e-300, 1.0])
    np.testing.assert_allclose(entropy(tiny).value, 1e-300 * 300 * np.log(10), rtol=1e-12)
    np.testing.assert_allclose(kl_divergence(tiny[::-1], tiny).value, 300 * np.log(10), rtol=1e-12)
    np.testing.assert_allclose(surprisal(1e-300).value, 300 * np.log(10), rtol=1e-12)
    np.testing.assert_allclose(mutual_information(np.diag(tiny)).value, entropy(tiny).value, rtol=1e-12)


REFUSED = {
    "sums to less": (lambda: entropy([0.3, 0.6]), r"p, of shape \(2,\), sums to 0.9 over axes \(0,\); expected 1"),
    "one of a batch": (lambda: entropy([[0.5, 0.5], [0.5, 0.6]], axis=1), "sums to 1.1 over axes"),
    "the second": (lambda: kl_divergence([1.0, 0.0], [1.0, 1.0]), "q, of shape .*, sums to 2 over"),
    "a batch taken for events": (lambda: entropy(np.full((3, 2), 0.5)), "sums to 3 over axes .*axis="),
    "negative": (lambda: entropy([[1.5], [-0.5]]), r"p\[1, 0\] is -0.5; expected a probability"),
    "nan": (lambda: entropy([np.nan, 1.0]), r"p\[0\] is nan"),
    "infinite": (lambda: entropy([np.inf, 1.0]), "sums to inf"),
    "empty": (lambda: entropy([]), r"shape \(0,\) is empty; expected at least one cell"),
    "empty events": (lambda: entropy(np.ones((3, 0)), axis=1), "is empty"),
    "shapes": (
        lambda: kl_divergence([0.5, 0.5], [0.2, 0.3, 0.5]),
        r"tables of shapes \(2,\) and \(3,\) do not broadcast together",
    ),
    "traced shapes": (lambda: jax.jit(kl_divergence)(jnp.ones(2), jnp.ones(3)), "do not broadcast together"),
    "an axis too many": (lambda: entropy([0.5, 0.5], axis=1), "axis 1 is out of bounds"),
    "a surprisal above one": (lambda: surprisal([0.5, 1.5]), "cell of 1.5; expected a probability, at most 1"),
    "a negative order": (
        lambda: renyi_divergence([1.0], [1.0], -1.0),
        "alpha is -1.0; expected a number from 0 to inf",
    ),
    "an order that is none": (lambda: renyi_divergence([1.0], [1.0], np.nan), "alpha is nan"),
    "no groups": (lambda: mutual_information(np.full((2, 2, 2), 1 / 8)), r"variables \(0, 1, 2\); say which make up"),
    "one group": (lambda: mutual_information(np.full((2, 2), 1 / 4), 0), "say which make up each group"),
    "nothing given": (lambda: conditional_mutual_information(np.full((2, 2), 1 / 4), 0, 1), "say which make up"),
    "groups that overlap": (lambda: mutual_information(np.full((2, 2), 1 / 4), 0, (0, 1)), "must be apart"),
    "a group of the batch": (lambda: mutual_information(np.full((2, 2, 2), 1 / 4), 0, 1, axis=(1, 2)), "must be apart"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_probability_is_refused_in_words(name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_point_is_for_distributions():
    with pytest.raises(TypeError, match="x= is for a numpyro distribution"):
        surprisal([0.5, 0.5], 1)


def test_an_empty_batch_is_a_batch():
    assert kl_divergence(np.ones((0, 1)), [1.0], axis=1).value.shape == (0,)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, jnp.bfloat16])
def test_tables_in_low_precision_are_taken_as_they_sum(dtype):
    table = jax.nn.softmax(jnp.asarray(np.random.default_rng(3).normal(size=1000), dtype))
    value = entropy(table).value
    assert value.dtype == np.float64
    np.testing.assert_allclose(value, oracle.entropy(np.asarray(table, np.float64)), rtol=1e-12)


def test_counts_and_lists_are_tables_too():
    assert entropy([0, 1, 0]).value == 0.0
    assert kl_divergence([[0, 1]], [[0.5, 0.5]]).value == np.log(2)


def test_a_generator_of_ones_own():
    # The triangular discrimination, sum (p - q)^2 / (p + q).
    triangular = Generator.of(lambda t: (t - 1) ** 2 / (t + 1), at_zero=1.0, at_infinity=1.0)
    p, q = np.array([0.2, 0.8, 0.0]), np.array([0.5, 0.1, 0.4])
    np.testing.assert_allclose(f_divergence(p, q, triangular).value, np.sum((p - q) ** 2 / (p + q)), rtol=1e-14)
    written_in_jax = Generator.of(lambda t: jnp.square(t - 1) / (t + 1), at_zero=1.0, at_infinity=1.0)
    np.testing.assert_allclose(f_divergence(p, q, written_in_jax).value, np.sum((p - q) ** 2 / (p + q)), rtol=1e-14)
