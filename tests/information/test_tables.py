"""Quantities of probability tables agree with sums in plain Python, and obey the laws of information.

Random tables are Dirichlet's, some with cells of zero; 1,000 cases a law, seed 4. Laws hold to 1e-12 nats.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from isthmus.information.dependence import conditional_mutual_information, mutual_information, total_correlation
from isthmus.information.divergence import (
    f_divergence,
    jensen_shannon,
    jensen_shannon_distance,
    kl_divergence,
    renyi_divergence,
)
from isthmus.information.entropies import cross_entropy, entropy, surprisal
from isthmus.information.generators import (
    CHI_SQUARED,
    JENSEN_SHANNON,
    KULLBACK_LEIBLER,
    SQUARED_HELLINGER,
    TOTAL_VARIATION,
)
from oracles import tables as oracle

CASES, TOLERANCE = 1_000, 1e-12
ORDERS = (0.0, 0.25, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0, np.inf)


def random_tables(seed, *shape, zeros=0.0):
    """[CASES, *shape], each summing to one, with a fraction of cells that are zero."""
    generator = np.random.default_rng(seed)
    cells = generator.gamma(0.7, size=(CASES, *shape)) * (generator.random((CASES, *shape)) >= zeros)
    cells.reshape(CASES, -1)[:, 0] += 1e-3
    return cells / cells.reshape(CASES, -1).sum(1).reshape(CASES, *(1 for _ in shape))


P, Q, R = (random_tables(4 + i, 6) for i in range(3))
SPARSE_P, SPARSE_Q = (random_tables(7 + i, 6, zeros=0.4) for i in range(2))
PAIRS = {"dense": (P, Q), "sparse": (SPARSE_P, SPARSE_Q), "sparse against dense": (SPARSE_P, Q)}
JOINTS = {"dense": random_tables(10, 3, 4, 2), "sparse": random_tables(11, 3, 4, 2, zeros=0.5)}
DIVERGENCES = {
    "Kullback and Leibler": (lambda p, q, axis=-1: kl_divergence(p, q, axis=axis), oracle.kl_divergence),
    "Jensen and Shannon": (lambda p, q, axis=-1: jensen_shannon(p, q, axis=axis), oracle.jensen_shannon),
    "total variation": (
        lambda p, q, axis=-1: f_divergence(p, q, TOTAL_VARIATION, axis=axis),
        oracle.total_variation,
    ),
    "squared Hellinger": (
        lambda p, q, axis=-1: f_divergence(p, q, SQUARED_HELLINGER, axis=axis),
        oracle.squared_hellinger,
    ),
    "chi squared": (lambda p, q, axis=-1: f_divergence(p, q, CHI_SQUARED, axis=axis), oracle.chi_squared),
    **{
        f"Renyi {alpha}": (
            lambda p, q, axis=-1, alpha=alpha: renyi_divergence(p, q, alpha, axis=axis),
            lambda p, q, alpha=alpha: oracle.renyi_divergence(p, q, alpha),
        )
        for alpha in ORDERS
    },
}
each_divergence = pytest.mark.parametrize("name", DIVERGENCES)
each_pair = pytest.mark.parametrize("pair", PAIRS)
each_joint = pytest.mark.parametrize("joint", JOINTS)


def close(actual, expected, **kwargs):
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=TOLERANCE, **kwargs)


@each_pair
@each_divergence
def test_a_divergence_is_the_sum_over_cells(name, pair):
    ours, theirs = DIVERGENCES[name]
    p, q = PAIRS[pair]
    value = ours(p, q).value
    assert value.shape == (CASES,)
    close(value[:100], [theirs(*cells) for cells in zip(p[:100], q[:100], strict=True)])


@each_pair
def test_entropies_are_the_sums_over_cells(pair):
    p, q = PAIRS[pair]
    close(entropy(p, axis=-1).value[:100], [oracle.entropy(cells) for cells in p[:100]])
    expected = [oracle.cross_entropy(*cells) for cells in zip(p[:100], q[:100], strict=True)]
    close(cross_entropy(p, q, axis=-1).value[:100], expected)


def test_entropy_is_that_of_scipy():
    close(entropy(P, axis=-1).value, stats.entropy(P, axis=-1))
    close(kl_divergence(P, Q, axis=-1).value, stats.entropy(P, Q, axis=-1))


@each_pair
@each_divergence
def test_no_divergence_is_negative_or_nan_and_it_is_zero_at_equality_and_nowhere_else(name, pair):
    ours, _ = DIVERGENCES[name]
    p, q = PAIRS[pair]
    value, same = ours(p, q).value, ours(p, p).value
    assert np.all(value >= 0)
    np.testing.assert_array_equal(same, 0.0)
    if name != "Renyi 0.0":
        assert np.all(value[np.abs(p - q).max(1) > 1e-6] > 0)


def test_kullback_and_leibler_is_not_symmetric():
    gap = np.abs(kl_divergence(P, Q, axis=-1).value - kl_divergence(Q, P, axis=-1).value)
    assert np.mean(gap > 1e-3) > 0.99


@each_pair
def test_cross_entropy_is_entropy_and_divergence(pair):
    p, q = PAIRS[pair]
    close(cross_entropy(p, q, axis=-1).value, entropy(p, axis=-1).value + kl_divergence(p, q, axis=-1).value)


@each_joint
def test_the_chain_rule(joint):
    p, q = JOINTS[joint].reshape(CASES, 3, 8), random_tables(12, 3, 8)
    p_x, q_x = p.sum(2), q.sum(2)
    with np.errstate(invalid="ignore"):
        p_given, q_given = (np.where(m[..., None] > 0, j / m[..., None], 1 / 8) for j, m in ((p, p_x), (q, q_x)))
    within = (p_x * kl_divergence(p_given, q_given, axis=-1).value).sum(1)
    close(kl_divergence(p, q, axis=(1, 2)).value, kl_divergence(p_x, q_x, axis=1).value + within)
    conditional = (p_x * entropy(p_given, axis=-1).value).sum(1)
    close(entropy(p, axis=(1, 2)).value, entropy(p_x, axis=1).value + conditional)


@each_pair
@each_divergence
def test_no_channel_tells_two_inputs_better_apart(name, pair):
    ours, _ = DIVERGENCES[name]
    channel = np.random.default_rng(13).dirichlet(np.full(4, 0.5), size=(CASES, 6))
    p, q = PAIRS[pair]
    before, after = ours(p, q).value, ours(*((t[:, None] @ channel)[:, 0] for t in (p, q))).value
    assert np.all(after <= before + 1e-10)


@each_pair
@each_divergence
def test_the_order_of_the_cells_makes_no_difference(name, pair):
    ours, _ = DIVERGENCES[name]
    permutation = np.argsort(np.random.default_rng(14).random((CASES, 6)), axis=1)
    p, q = PAIRS[pair]
    shuffled = (np.take_along_axis(table, permutation, axis=1) for table in (p, q))
    close(ours(*shuffled).value, ours(p, q).value)


@each_pair
def test_renyi_grows_with_its_order_through_kullback_and_leibler_at_one(pair):
    p, q = PAIRS[pair]
    values = np.stack([renyi_divergence(p, q, alpha, axis=-1).value for alpha in ORDERS])
    assert np.all(values[1:] >= values[:-1] - TOLERANCE)
    if pair == "dense":
        kl = kl_divergence(p, q, axis=-1).value
        for step in (1e-4, 1e-7, 1e-10):
            below, above = (renyi_divergence(p, q, 1 + sign * step, axis=-1).value for sign in (-1, 1))
            assert np.all(below <= kl + TOLERANCE)
            assert np.all(above >= kl - TOLERANCE)
            np.testing.assert_allclose(above, below, atol=300 * step + 1e-9)


@each_pair
def test_jensen_shannon_is_symmetric_and_at_most_log_2_and_its_root_is_a_metric(pair):
    p, q = PAIRS[pair]
    between = jensen_shannon(p, q, axis=-1).value
    close(between, jensen_shannon(q, p, axis=-1).value)
    assert np.all(between <= np.log(2) + TOLERANCE)
    first, second, across = (jensen_shannon_distance(*sides, axis=-1) for sides in ((p, R), (R, q), (p, q)))
    assert across.unit == "root nats"
    close(across.value**2, between)
    assert np.all(across.value <= first.value + second.value + TOLERANCE)


@each_pair
def test_a_divergence_has_the_value_of_its_generator(pair):
    p, q = PAIRS[pair]
    close(f_divergence(p, q, KULLBACK_LEIBLER, axis=-1).value, kl_divergence(p, q, axis=-1).value)
    close(f_divergence(p, q, JENSEN_SHANNON, axis=-1).value, jensen_shannon(p, q, axis=-1).value)


@each_joint
def test_mutual_information_is_the_sum_over_cells(joint):
    tables = JOINTS[joint]
    pairs = mutual_information(tables, 1, (2, 3), axis=(1, 2, 3)).value
    conditional = conditional_mutual_information(tables, 3, 1, 2, axis=(1, 2, 3)).value
    total = total_correlation(tables, axis=(1, 2, 3)).value
    for i, table in enumerate(tables[:100]):
        close(pairs[i], oracle.mutual_information(table, (0,), (1, 2)))
        close(conditional[i], oracle.mutual_information(table, (2,), (0,), (1,)))
        close(total[i], oracle.total_correlation(table))


@each_joint
def test_mutual_information_is_symmetric_and_what_the_joint_loses_to_independence(joint):
    table = JOINTS[joint].sum(3)
    value = mutual_information(table, 1, 2, axis=(1, 2)).value
    close(value, mutual_information(table, 2, 1, axis=(1, 2)).value)
    close(value, kl_divergence(table, table.sum(2, keepdims=True) * table.sum(1, keepdims=True), axis=(1, 2)).value)
    close(value, total_correlation(table, axis=(1, 2)).value)
    close(value, mutual_information(JOINTS[joint], 1, 2, axis=(1, 2, 3)).value)
    assert np.all(value >= 0)
    for axis in (1, 2):
        assert np.all(value <= entropy(table.sum(3 - axis), axis=1).value + TOLERANCE)


def test_a_variable_tells_all_of_itself_and_nothing_of_an_independent_one():
    twice = P[:, :, None] * np.eye(6)
    close(mutual_information(twice, 1, 2, axis=(1, 2)).value, entropy(P, axis=-1).value)
    close(mutual_information(P[:, :, None] * Q[:, None], 1, 2, axis=(1, 2)).value, 0.0)


@each_joint
def test_information_of_a_pair_is_added_up_one_by_one(joint):
    tables, axes = JOINTS[joint], (1, 2, 3)
    both = mutual_information(tables, 1, (2, 3), axis=axes).value
    first = mutual_information(tables, 1, 3, axis=axes).value
    close(both, first + conditional_mutual_information(tables, 1, 2, 3, axis=axes).value)


def test_axes_and_groups_may_be_left_out():
    joint = JOINTS["dense"][0]
    close(conditional_mutual_information(joint).value, conditional_mutual_information(joint, 0, 1, 2).value)
    close(mutual_information(joint.sum(2)).value, mutual_information(joint, 0, 1).value)
    close(mutual_information(joint, -3, (-2, -1)).value, mutual_information(joint, 0, (1, 2)).value)


def test_any_axes_may_be_the_events():
    table = JOINTS["sparse"]
    close(entropy(table, axis=(1, -1, 2)).value, [entropy(t).value for t in table])
    moved = np.moveaxis(table.reshape(CASES, 24), 0, 1)
    close(kl_divergence(moved, moved[:, :1] * 0.5 + moved * 0.5, axis=0).value[0], 0.0)


def test_tables_broadcast():
    value = kl_divergence(P[:, None], Q[:50], axis=-1).value
    assert value.shape == (CASES, 50)
    close(value[3, 4], kl_divergence(P[3], Q[4]).value)


def test_an_estimate_says_what_it_is():
    estimates = [entropy(P[0]), kl_divergence(P[0], Q[0]), f_divergence(P[0], Q[0], TOTAL_VARIATION)]
    assert {e.direction for e in estimates} == {"exact"}
    assert [(e.unit, e.measure) for e in estimates] == [("nats", "counting"), ("nats", None), ("dimensionless", None)]
    assert surprisal(0.25).in_unit("bits").value == 2.0
    assert entropy([0.5, 0.5]).in_unit("bits").value == 1.0
    assert all(isinstance(e.value, float) for e in estimates)


TRACED = {
    **{
        name: DIVERGENCES[name][0]
        for name in DIVERGENCES
        if name not in ("Renyi 0.25", "Renyi 0.9", "Renyi 1.0", "Renyi 10.0")
    },
    "entropy": lambda p, q: entropy(p, axis=-1),
    "cross-entropy": lambda p, q: cross_entropy(p, q, axis=-1),
    "surprisal": lambda p, q: surprisal(p),
    "distance": lambda p, q: jensen_shannon_distance(p, q, axis=-1),
    "mutual information": lambda p, q: mutual_information(p[..., None] * q[..., None, :], -2, -1, axis=(-2, -1)),
    "total correlation": lambda p, q: total_correlation(p.reshape(-1, 2, 3), axis=(-2, -1)),
}


@pytest.mark.parametrize("name", TRACED)
def test_traced_and_concrete_tables_give_the_same_and_no_derivative_is_nan(name):
    def along(p, q, t, d_p, d_q):
        return TRACED[name](p + t * d_p, q + t * d_q).value

    with jax.enable_x64(True):
        gradient = jax.jit(jax.value_and_grad(lambda p, q: _sum_of_finite(TRACED[name](p, q).value), argnums=(0, 1)))
        for p, q in PAIRS.values():
            value, (p_gradient, q_gradient) = gradient(jnp.asarray(p), jnp.asarray(q))
            concrete = TRACED[name](p, q).value
            close(value, concrete[np.isfinite(concrete)].sum())
            assert np.all(np.isfinite(p_gradient))
            assert np.all(np.isfinite(q_gradient))
        # The derivative along a direction within the dense tables, beside a central difference.
        p_step, q_step = 1e-3 * (R - P) * P.min(1, keepdims=True), 1e-3 * (R - Q) * Q.min(1, keepdims=True)
        value, (p_gradient, q_gradient) = gradient(jnp.asarray(P), jnp.asarray(Q))
        slope = np.sum(p_gradient * p_step + q_gradient * q_step)
        ahead, behind = (np.sum(along(P, Q, t, p_step, q_step)) for t in (1.0, -1.0))
        np.testing.assert_allclose(slope, (ahead - behind) / 2, rtol=1e-4, atol=1e-9)


def _sum_of_finite(values):
    return jnp.sum(jnp.where(jnp.isfinite(values), values, 0.0))
