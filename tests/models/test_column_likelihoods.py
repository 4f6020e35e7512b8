"""Laws of the likelihoods of mixed columns: each a density in its column's own units, holes left out of the sum."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from isthmus.data import choose_schema, table_from_frame
from isthmus.data.likelihood_names import LIKELIHOODS
from isthmus.models import Observation
from isthmus.models.column_assembly import make_column_likelihoods
from oracles.column_likelihoods import distribution, log_prob

ROWS, MOST_ROWS, DRAWS = 80, 8192, 4000
GENERATOR = np.random.default_rng(0)
GRADES = ["low", "mid", "high"]
CASES = {
    "height": ("normal", GENERATOR.normal(170.0, 8.0, ROWS)),
    "visits": ("poisson", GENERATOR.poisson(4.0, ROWS)),
    "colour": ("categorical", GENERATOR.choice(["red", "green", "blue"], ROWS, p=[0.6, 0.3, 0.1])),
    "price": ("log_normal", GENERATOR.lognormal(3.0, 1.0, ROWS)),
    "stars": ("cumulative_logit", 1 + GENERATOR.binomial(4, 0.6, ROWS)),
    "smoker": ("bernoulli", GENERATOR.choice(["no", "yes"], ROWS, p=[0.8, 0.2])),
    "jump": ("student_t", 1e3 * GENERATOR.standard_t(3, ROWS)),
    "street": ("categorical", GENERATOR.choice([f"street {i}" for i in range(9)], ROWS)),
    "clicks": ("negative_binomial", GENERATOR.negative_binomial(2, 0.1, ROWS)),
    "second": ("normal", 1.7e9 + GENERATOR.normal(0.0, 3e4, ROWS)),
    "grade": ("cumulative_logit", pd.Categorical(GENERATOR.choice(GRADES, ROWS), categories=GRADES, ordered=True)),
    "town": ("categorical", GENERATOR.choice(["Ely", "Rye", "Wem", "Ware"], ROWS)),
    "dose": ("log_normal", GENERATOR.lognormal(-14.0, 0.5, ROWS)),
    "side": ("bernoulli", GENERATOR.choice([-1.0, 2.5], ROWS)),
    "marks": ("cumulative_logit", GENERATOR.integers(0, 9, ROWS)),
}
"""Each column with its likelihood; those of one likelihood stand apart, with different numbers of levels."""
SCHEMA = choose_schema(
    table_from_frame(pd.DataFrame({name: values for name, (_, values) in CASES.items()})),
    {name: likelihood for name, (likelihood, _) in CASES.items()},
)
FAMILY = make_column_likelihoods(SCHEMA)
START = FAMILY.initial_outputs()
SOME = [START + 0.5 * jax.random.normal(jax.random.key(seed), START.shape) for seed in (1, 2)]
COLUMNS = {column.name: column for column in SCHEMA.columns}
MEASURED = [name for name, column in COLUMNS.items() if column.levels is None]
TOLD_APART = [name for name, column in COLUMNS.items() if column.levels is not None]
CONTINUOUS = [name for name in MEASURED if COLUMNS[name].kind != "count"]
COUNTS = [name for name in MEASURED if COLUMNS[name].kind == "count"]


def outputs_of(name, outputs):
    """The outputs of one column, [output]; in the decoder's outputs each group's stand together."""
    place, first = SCHEMA.names.index(name), 0
    for group, places in zip(FAMILY.groups, FAMILY.places, strict=True):
        rows = group.initial_outputs().shape[0]
        if place in places:
            return np.asarray(outputs[first : first + rows * len(places)].reshape(rows, -1)[:, places.index(place)])
        first += rows * len(places)
    raise KeyError(name)


@eqx.filter_jit
def _log_probs(family, outputs, rows):
    return jax.vmap(family(outputs).log_probs)(rows)


@eqx.filter_jit
def expectation_of(family, outputs):
    return family(outputs).expectation


@eqx.filter_jit
def from_expectation(family, averages):
    return family(family.initial_outputs()).from_expectation(averages)


def averaged(family, several):
    """The values that the mean of several members' expectations stands for, [column]."""
    expectations = [expectation_of(family, outputs) for outputs in several]
    return np.asarray(from_expectation(family, jax.tree.map(lambda *parts: sum(parts) / len(parts), *expectations)))


@eqx.filter_jit
def location_of(family, outputs):
    return family(outputs).mean


def log_probs(outputs, values, observed=None):
    """[row, column], of values in the model's units; padded, so that all calls share one compilation."""
    rows = np.zeros((MOST_ROWS, values.shape[1]), np.float32), np.ones((MOST_ROWS, values.shape[1]), bool)
    for array, given in zip(rows, (values, True if observed is None else observed), strict=True):
        array[: len(values)] = given
    return np.asarray(_log_probs(FAMILY, outputs, Observation(*rows)), np.float64)[: len(values)]


def log_probs_of(name, outputs, column_values):
    """[row], of values of one column in the model's units, whatever stands in the others."""
    place = SCHEMA.names.index(name)
    values = np.zeros((len(column_values), len(SCHEMA.names)))
    values[:, place] = column_values
    return log_probs(outputs, values)[:, place]


def raw(name, values):
    """Values in the column's own units; numbers of levels as they are."""
    column = COLUMNS[name]
    return np.asarray(values, np.float64) if column.levels is not None else column.decode(values).values


VALUES, OBSERVED = SCHEMA.encode(table_from_frame(pd.DataFrame({name: values for name, (_, values) in CASES.items()})))


@pytest.fixture(scope="module")
def draws():
    """Rows drawn from the members that SOME choose, [member, draw, column], in the model's units."""
    keys = jax.random.split(jax.random.key(3), DRAWS)
    sample = eqx.filter_jit(lambda family, outputs: jax.vmap(family(outputs).sample)(keys))
    return [np.asarray(sample(FAMILY, outputs).values) for outputs in SOME]


def test_every_likelihood_is_a_case():
    assert {likelihood for likelihood, _ in CASES.values()} == set(LIKELIHOODS)
    assert {column.name: column.likelihood for column in SCHEMA.columns} == {n: c[0] for n, c in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_density_of_the_column_in_its_own_units(name):
    place = SCHEMA.names.index(name)
    found = log_probs(SOME[0], VALUES)[:, place]
    expected = log_prob(COLUMNS[name], outputs_of(name, SOME[0]), raw(name, VALUES[:, place]))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", TOLD_APART)
def test_the_masses_of_the_levels_and_of_what_was_never_seen_sum_to_one(name):
    column = COLUMNS[name]
    masses = np.exp(log_probs_of(name, SOME[0], np.arange(-1, len(column.levels or ()))))
    np.testing.assert_allclose(masses[0], 1 / (ROWS + 1), rtol=1e-5)
    np.testing.assert_allclose(masses.sum(), 1.0, atol=1e-5)


@pytest.mark.parametrize("name", COUNTS)
def test_the_masses_of_counts_sum_to_one_and_are_zero_elsewhere(name):
    np.testing.assert_allclose(np.exp(log_probs_of(name, SOME[0], np.arange(2000))).sum(), 1.0, atol=1e-4)
    assert (log_probs_of(name, SOME[0], [-1.0, 0.5]) == -np.inf).all()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_densities_integrate_to_one_in_the_columns_own_units(name):
    u = np.float32(np.sinh(np.linspace(-6.0, 6.0, 8001)))
    x = raw(name, u)
    np.testing.assert_allclose(np.trapezoid(np.exp(log_probs_of(name, SOME[0], u)), x), 1.0, rtol=1e-3)


def test_a_positive_column_gives_no_density_to_zero():
    assert log_probs_of("price", SOME[0], [-np.inf]) == -np.inf


@pytest.mark.parametrize("name", TOLD_APART)
def test_training_starts_at_the_shares_of_the_levels(name):
    column = COLUMNS[name]
    masses = np.exp(log_probs_of(name, START, np.arange(len(column.levels or ()))))
    np.testing.assert_allclose(masses * (ROWS + 1) / ROWS, column.shares or (), rtol=1e-4)


@pytest.mark.parametrize("name", MEASURED)
def test_training_starts_at_the_moments_of_the_column(name):
    place, column = SCHEMA.names.index(name), COLUMNS[name]
    found = distribution(column, outputs_of(name, START))
    x = raw(name, VALUES[:, place])
    if column.likelihood == "log_normal":
        np.testing.assert_allclose(found.median(), np.exp(np.log(x).mean()), rtol=1e-4)
        np.testing.assert_allclose(found.cdf(np.exp(np.log(x).mean() + np.log(x).std())), stats.norm.cdf(1), rtol=0.01)
        return
    np.testing.assert_allclose(found.mean(), x.mean(), rtol=1e-4, atol=1e-4 * column.scale)
    if column.likelihood in ("normal", "negative_binomial"):
        np.testing.assert_allclose(found.std(), x.std(), rtol=0.01)


@pytest.mark.parametrize("size", [-50.0, -1.0, 50.0])
@pytest.mark.parametrize("value", ["as trained", "far away", "never seen"])
def test_gradients_are_finite_at_extreme_outputs_and_in_holes(size, value):
    levels = np.array([column.levels is not None for column in SCHEMA.columns])
    counts = np.array([column.kind == "count" for column in SCHEMA.columns])
    row = VALUES[0]
    if value == "far away":
        row = np.where(levels, row, np.where(counts, 1e5, -1e6)).astype(np.float32)
    elif value == "never seen":
        row = np.where(levels, -1.0, row).astype(np.float32)
    signs = jnp.where(jnp.arange(len(START)) % 2 == 0, 1.0, -1.0)
    for outputs in (jnp.full(len(START), size), size * signs):
        for observed in (np.ones(len(row), bool), np.arange(len(row)) % 2 == 0, np.zeros(len(row), bool)):
            log_p, gradients = _value_and_gradients(FAMILY, outputs, Observation(row, observed))
            assert np.isfinite(log_p)
            assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


@eqx.filter_jit
def _value_and_gradients(family, outputs, row):
    return eqx.filter_value_and_grad(lambda both: both[0](both[1]).log_prob(row))((family, outputs))


@pytest.mark.parametrize("name", CASES)
def test_samples_follow_the_density(name, draws):
    place, column = SCHEMA.names.index(name), COLUMNS[name]
    x = raw(name, draws[0][:, place])
    found = distribution(column, outputs_of(name, SOME[0]))
    points = found.ppf([0.05, 0.3, 0.5, 0.7, 0.95])
    expected = found.cdf(points)
    stderr = np.sqrt(expected * (1 - expected) / DRAWS)
    below = (x[:, None] <= points).mean(0)
    assert (np.abs(below - expected) <= 4.5 * stderr + 1e-6).all()


@pytest.mark.parametrize("name", CASES)
def test_an_average_of_expectations_stands_for_the_mean_or_the_likeliest_level(name, draws):
    place, column = SCHEMA.names.index(name), COLUMNS[name]
    found = raw(name, averaged(FAMILY, SOME)[[place]])[0]
    mixed = [distribution(column, outputs_of(name, outputs)) for outputs in SOME]
    x = raw(name, np.concatenate([drawn[:, place] for drawn in draws]))
    if column.levels is None:
        np.testing.assert_allclose(found, np.mean([part.mean() for part in mixed]), rtol=1e-4, atol=1e-5 * column.scale)
        assert abs(found - x.mean()) < 5 * x.std() / np.sqrt(len(x))
    else:
        levels = np.arange(len(column.levels))
        assert found == np.argmax(np.sum([part.pmf(levels) for part in mixed], axis=0))
        shares = np.bincount(x.astype(int), minlength=len(levels)) / len(x)
        assert shares[int(found)] > shares.max() - 5 / np.sqrt(len(x))


def test_the_mean_of_numbers_over_many_orders_of_magnitude_is_finite():
    frame = pd.DataFrame({"a": 10.0 ** np.random.default_rng(0).uniform(-30, 30, 100)})
    schema = choose_schema(table_from_frame(frame))
    family = make_column_likelihoods(schema)
    for shift in (-3.0, 0.0, 3.0):
        assert np.isfinite(averaged(family, [jnp.array([shift])])).all()


def count_log_probs(likelihood, counts, outputs):
    """(found, expected) of a table with one column of counts."""
    schema = choose_schema(table_from_frame(pd.DataFrame({"a": counts})), {"a": likelihood})
    member = make_column_likelihoods(schema)(jnp.asarray(outputs))
    found = jax.vmap(member.log_prob)(Observation(counts.astype(np.float32)[:, None], np.ones((len(counts), 1), bool)))
    return np.asarray(found, np.float64), log_prob(schema.columns[0], outputs, counts)


COUNTED = {"poisson": [0.0], "negative_binomial": [0.0, 0.0], "negative_binomial, nearly a poisson": [0.0, 12.0]}


@pytest.mark.parametrize("mean", [4.0, 100.0, 9000.0])
@pytest.mark.parametrize("name", COUNTED)
def test_counts_keep_their_digits_in_float32(name, mean):
    counts = np.random.default_rng(0).poisson(mean, ROWS).astype(float)
    found, expected = count_log_probs(name.split(",")[0], counts, COUNTED[name])
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_holes_are_left_out_of_the_sum_exactly():
    observed = np.random.default_rng(1).random(VALUES.shape) < 0.6
    whole = log_probs(SOME[0], VALUES)
    for values in (np.where(observed, VALUES, 0.0), np.where(observed, VALUES, np.nan)):
        np.testing.assert_array_equal(log_probs(SOME[0], values, observed), np.where(observed, whole, 0.0))


def test_of_nothing_the_log_probability_is_zero():
    assert (log_probs(SOME[0], VALUES, np.zeros(VALUES.shape, bool)).sum(1) == 0).all()


def test_columns_of_one_likelihood_share_a_group():
    assert sorted(place for places in FAMILY.places for place in places) == list(range(len(CASES)))
    assert len(FAMILY.groups) < len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_location_of_each_column_stands_in_its_place(name):
    column, found = COLUMNS[name], np.take(location_of(FAMILY, START), [SCHEMA.names.index(name)])
    alone = distribution(column, outputs_of(name, START))
    if column.levels is not None:
        assert np.round(found) == np.argmax(column.shares or ())
    else:
        np.testing.assert_allclose(raw(name, found), alone.mean(), rtol=1e-5, atol=1e-5 * column.scale)


def test_a_member_is_made_outside_compiled_functions_too():
    assert np.isfinite(FAMILY(START).log_prob(Observation(VALUES[0], OBSERVED[0])))


def test_the_measure_is_mixed_where_kinds_are():
    assert FAMILY.measure == "mixed"
    assert [group.measure for group in FAMILY.groups].count("counting") == 7
