"""Divergences agree with quadrature, are never negative, vanish where the two are one, and are not symmetric."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isthmus.information.divergence import kl_divergence, kl_terms
from oracles.divergence import kl_by_quadrature


def normal(mean, scale):
    return dist.Normal(jnp.asarray(mean, float), jnp.asarray(scale, float)).to_event(1)


def scipy_gamma(concentration, rate):
    return stats.gamma(concentration, scale=1 / rate)


PAIRS = {
    "normals": (dist.Normal, stats.norm, (0.5, 2.0), (-1.0, 1.0)),
    "narrow against wide": (dist.Normal, stats.norm, (0.0, 0.01), (0.1, 1.0)),
    "wide against narrow": (dist.Normal, stats.norm, (3.0, 5.0), (0.0, 0.5)),
    "gammas": (dist.Gamma, scipy_gamma, (2.0, 3.0), (1.5, 0.7)),
    "betas": (dist.Beta, stats.beta, (2.0, 3.0), (1.5, 4.0)),
}
# The same three normals, N(m, s), spelt in every way that makes a diagonal normal of three dimensions.
SPELLINGS = {
    "full": lambda m, s: normal([m, m, m], [s, s, s]),
    "broadcast": lambda m, s: normal([m, m, m], s),
    "expanded": lambda m, s: dist.Normal(m, s).expand([3]).to_event(1),
    "expanded twice": lambda m, s: dist.Normal(m, jnp.full(3, s)).expand([1, 3]).expand([4, 3]).to_event(1),
    "expanded as events": lambda m, s: normal([m, m, m], s).expand([4]),
    "a batch": lambda m, s: normal(jnp.full((4, 3), m), s),
    "expanded between": lambda m, s: dist.Normal(jnp.full((4, 1), m), s).expand([4, 3]).to_event(1),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_closed_form_is_the_integral(name):
    ours, theirs, p, q = PAIRS[name]
    expected = kl_by_quadrature(theirs(*p), theirs(*q))
    np.testing.assert_allclose(kl_divergence(ours(*p), ours(*q)).value, expected, rtol=1e-6)


def test_the_terms_are_the_integrals_of_each_dimension():
    means, scales = np.array([0.0, 1.0, -3.0]), np.array([1.0, 0.1, 4.0])
    terms = kl_terms(normal(means, scales), normal([0.5, 1.0, 0.0], [2.0, 1.0, 4.0]))
    others = zip(means, scales, [0.5, 1.0, 0.0], [2.0, 1.0, 4.0], strict=True)
    expected = [kl_by_quadrature(stats.norm(m, s), stats.norm(n, t)) for m, s, n, t in others]
    np.testing.assert_allclose(terms, expected, rtol=2e-5)


@pytest.mark.parametrize("q_name", SPELLINGS)
@pytest.mark.parametrize("p_name", SPELLINGS)
def test_a_pair_does_not_depend_on_its_spelling(p_name, q_name):
    p, q = SPELLINGS[p_name](1.0, 0.5), SPELLINGS[q_name](0.0, 2.0)
    batch = np.broadcast_shapes(p.batch_shape, q.batch_shape)
    expected = kl_by_quadrature(stats.norm(1.0, 0.5), stats.norm(0.0, 2.0))
    terms, total = kl_terms(p, q), kl_divergence(p, q).value
    assert (terms.shape, total.shape) == ((*batch, 3), batch)
    np.testing.assert_allclose(terms, expected, rtol=2e-5)
    np.testing.assert_allclose(total, 3 * expected, rtol=2e-5)


@pytest.mark.parametrize("name", PAIRS)
def test_the_order_matters_and_nothing_is_zero_but_the_pair_of_one_with_itself(name):
    ours, _, p, q = PAIRS[name]
    forward, backward = kl_divergence(ours(*p), ours(*q)).value, kl_divergence(ours(*q), ours(*p)).value
    assert abs(forward - backward) > 1e-2 * forward
    assert min(forward, backward) > 0
    assert [kl_divergence(ours(*pair), ours(*pair)).value for pair in (p, q)] == [0.0, 0.0]


MEANS, SCALES = st.floats(-1e3, 1e3, width=32), st.floats(2.0**-10, 2.0**10, width=32)
JITTED = jax.jit(lambda m, s, n, t: kl_terms(normal(m, s), normal(n, t)))


@settings(deadline=None, max_examples=200)
@given(mean=MEANS, scale=SCALES, other_mean=MEANS, other_scale=SCALES)
def test_no_term_is_negative_and_none_is_zero_where_the_two_differ(mean, scale, other_mean, other_scale):
    terms = JITTED([mean], [scale], [other_mean], [other_scale])
    assert terms[0] >= 0
    if abs(np.log(scale / other_scale)) > 1e-2 or abs(mean - other_mean) > 1e-2 * other_scale:
        assert terms[0] > 0


@settings(deadline=None, max_examples=200)
@given(scale=SCALES, steps=st.integers(-1000, 1000))
def test_no_term_is_negative_between_close_neighbours(scale, steps):
    neighbour = np.float32(scale) * np.float32(1 + steps * 2.0**-23)
    assert JITTED([0.0], [scale], [0.0], [neighbour])[0] >= 0


@settings(deadline=None, max_examples=100)
@given(mean=MEANS, scale=SCALES)
def test_a_distribution_does_not_diverge_from_itself(mean, scale):
    assert JITTED([mean], [scale], [mean], [scale])[0] == 0


def test_the_gradient_vanishes_where_the_two_are_one():
    gradient = jax.grad(lambda m, s: kl_divergence(normal(m, s), normal([0.3], [1.7])).value, argnums=(0, 1))
    np.testing.assert_allclose(gradient(jnp.array([0.3]), jnp.array([1.7])), 0.0, atol=1e-6)


@pytest.mark.parametrize("name", ["gammas", "betas"])
def test_other_pairs_have_no_terms_and_are_summed_over_dimensions(name):
    ours, _, p, q = PAIRS[name]
    wide = [ours(*(jnp.full(3, value) for value in pair)).to_event(1) for pair in (p, q)]
    assert kl_terms(*wide) is None
    np.testing.assert_allclose(kl_divergence(*wide).value, 3 * kl_divergence(ours(*p), ours(*q)).value, rtol=1e-5)
