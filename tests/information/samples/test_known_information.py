"""Where information is known, estimates lie within four of their standard errors; and they obey its laws."""

import numpy as np
import pytest
from scipy import special

from isthmus.information.samples import (
    conditional_mutual_information,
    entropy,
    info_nce,
    kl_divergence,
    mutual_information,
    permutation_p_value,
)
from isthmus.information.samples.canonical import canonical
from isthmus.information.samples.rows import normal_scores
from known_information import CASES, label_and_normal

# Where the default is known to stay low: sharp edges beyond two nats.
TOO_FINE = {"uniform noise 0.004"}
QUICK = [name for name, case in CASES.items() if sum(case.dimensions) <= 6 and name not in TOO_FINE]
ROWS = 1000


def draw(name, seed=0, rows=ROWS):
    return CASES[name].sample(np.random.default_rng([seed, 21]), rows)


@pytest.mark.parametrize("name", QUICK)
def test_mutual_information_is_near_the_truth(name):
    estimate = mutual_information(*draw(name))
    assert (estimate.unit, estimate.direction, estimate.measure) == ("nats", "estimate", None)
    assert abs(estimate.value - CASES[name].truth) < 4 * estimate.stderr
    assert estimate.stderr < 0.15


@pytest.mark.parametrize(
    "name", ["normal 5 x 5, 2 nats", "Student 3, 5 x 5", "normal, 5 nats", "wrapped 2 x 2", "spiral of normal 5 x 5"]
)
def test_what_many_dimensions_and_strong_dependence_hide_is_put_back(name):
    x, y = draw(name, rows=500)
    plain = mutual_information(x, y, method="ksg1", standard_error=False).value
    assert abs(mutual_information(x, y).value - CASES[name].truth) < 0.35 * abs(plain - CASES[name].truth)


@pytest.mark.parametrize("name", ["spiral of normal 3 x 3", "Student 3, 5 x 5"])
def test_what_functions_share_is_not_more_than_there_is(name):
    """Though functions of a Student's columns that are uncorrelated still depend on one another."""
    x, y = (normal_scores(v) for v in draw(name))
    found = canonical(x, y, np.random.default_rng(0))
    assert found is not None
    assert found.held_out < found.fitted
    of_functions = mutual_information(found.f, found.g)
    assert of_functions.value < CASES[name].truth + 3 * of_functions.stderr


def test_independent_vectors_have_no_functions_in_common():
    x, y = np.random.default_rng(26).normal(size=(2, ROWS, 3))
    assert canonical(x, y, np.random.default_rng(0)) is None


def test_what_many_columns_hide_of_a_label_is_put_back():
    x, y = label_and_normal(2.0, dimension=10).sample(np.random.default_rng([0, 21]), ROWS)
    estimate, truth = mutual_information(x, y), CASES["label and normal"].truth
    plain = mutual_information(x, y, method="mixed", standard_error=False).value
    assert abs(estimate.value - truth) < min(3 * estimate.stderr, 0.5 * abs(plain - truth))


@pytest.mark.parametrize("name", ["normal, correlation 0.75", "Student 1, 2 x 2", "label and normal", "half atoms"])
def test_neither_order_nor_scale_matters(name):
    x, y = draw(name)
    estimate, shuffled = mutual_information(x, y), np.random.default_rng(1).permutation(ROWS)
    assert mutual_information(y, x) == estimate
    assert mutual_information(x[shuffled], y[shuffled]) == estimate
    bent = np.arcsinh(x) if x.dtype.kind == "f" else x
    assert mutual_information(bent, 5 + 1e3 * y**3) == estimate


@pytest.mark.parametrize("method", ["ksg1", "ksg2", "mixed", "local_gaussian"])
def test_the_published_estimators_are_near_the_truth_of_a_pair_of_normals(method):
    estimate = mutual_information(*draw("normal, correlation 0.75"), method=method, k=5)
    assert abs(estimate.value - CASES["normal, correlation 0.75"].truth) < 4 * estimate.stderr


def test_local_gaussian_repairs_strong_dependence():
    x, y = draw("normal, 5 nats")
    repaired, plain = (
        mutual_information(x, y, method=m, k=12, standard_error=False).value for m in ("local_gaussian", "ksg2")
    )
    assert abs(repaired - 5) < 0.5 * abs(plain - 5)


def test_rounding_changes_little():
    x, y = draw("normal, correlation 0.75")
    estimate = mutual_information(x, y)
    assert mutual_information(x.round(4), y.round(4)).value == pytest.approx(estimate.value, abs=estimate.stderr / 4)


def normal_entropy(dimension):
    return 0.5 * dimension * np.log(2 * np.pi * np.e)


ENTROPIES = {
    "normal": (lambda rng: rng.normal(size=ROWS), normal_entropy(1)),
    "uniform on a large interval": (lambda rng: rng.uniform(0, 1e9, ROWS), np.log(1e9)),
    "Student with 2 degrees": (
        lambda rng: rng.standard_t(2, ROWS),
        special.psi(1.5) * 1.5 - special.psi(1) * 1.5 + 0.5 * np.log(2) + special.betaln(1, 0.5),
    ),
    "normal in 3 dimensions": (lambda rng: rng.normal(size=(ROWS, 3)) * [1, 10, 100], normal_entropy(3) + np.log(1e3)),
    "normal, rounded": (lambda rng: rng.normal(size=ROWS).round(2), normal_entropy(1)),
}


@pytest.mark.parametrize("name", ENTROPIES)
def test_differential_entropy_is_near_the_truth(name):
    sample, truth = ENTROPIES[name]
    estimate = entropy(sample(np.random.default_rng(22)))
    assert (estimate.unit, estimate.measure) == ("nats", "lebesgue")
    assert abs(estimate.value - truth) < 4 * estimate.stderr


@pytest.mark.parametrize("dimension", [1, 2])
def test_divergence_of_normals_is_near_the_truth(dimension):
    rng = np.random.default_rng(23)
    estimate = kl_divergence(rng.normal(size=(ROWS, dimension)), rng.normal(1, 2, size=(2 * ROWS, dimension)))
    assert abs(estimate.value - dimension * (np.log(2) + 2 / 8 - 0.5)) < 4 * estimate.stderr


def test_what_a_common_cause_explains_is_not_conditional_information():
    rng = np.random.default_rng(24)
    z, noise = rng.normal(size=ROWS), rng.normal(size=(2, ROWS))
    explained = conditional_mutual_information(z + noise[0], z + noise[1], z)
    assert abs(explained.value) < 4 * explained.stderr
    # A sum, of which something is known, binds its independent terms.
    joint = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 2.5]])
    truth = 0.5 * np.log(
        np.linalg.det(joint[np.ix_([0, 2], [0, 2])])
        * np.linalg.det(joint[np.ix_([1, 2], [1, 2])])
        / (joint[2, 2] * np.linalg.det(joint))
    )
    bound = conditional_mutual_information(*noise, noise.sum(axis=0) + np.sqrt(0.5) * rng.normal(size=ROWS))
    assert abs(bound.value - truth) < 4 * bound.stderr


@pytest.mark.parametrize(
    "name", ["normal, independent", "normal, correlation 0.75", "Student 3, 5 x 5", "wrapped, 3 turns, arc 0.3"]
)
def test_info_nce_is_a_lower_bound(name):
    bound = info_nce(*draw(name, rows=2000), batch=100)
    assert bound.direction == "lower"
    assert bound.value < CASES[name].truth + 3 * bound.stderr
    assert bound.value <= np.log(100)


def test_info_nce_is_tight_where_its_critic_is_right():
    bound = info_nce(*draw("normal 3 x 3", rows=2000), batch=100)
    assert bound.value == pytest.approx(CASES["normal 3 x 3"].truth, abs=4 * bound.stderr)


def test_p_values_are_small_for_dependence_and_uniform_without():
    x, y = draw("wrapped, 3 turns, arc 0.3", rows=150)
    assert permutation_p_value(x, y, permutations=19) == 1 / 20

    def correlation(a, b):
        return abs(np.corrcoef(a, b)[0, 1])

    rng = np.random.default_rng(25)
    values = [
        permutation_p_value(*rng.normal(size=(2, 30)), permutations=9, seed=i, statistic=correlation)
        for i in range(400)
    ]
    # Uniform on 1/10 ... 1: chi-square with 9 degrees of freedom, at one in 10,000.
    counts = np.bincount((10 * np.array(values)).round().astype(int), minlength=11)[1:]
    assert np.sum((counts - 40) ** 2 / 40) < 33.7


def test_a_seed_settles_all():
    x, y = draw("normal 3 x 3", rows=300)
    assert mutual_information(x, y, seed=1) == mutual_information(x, y, seed=1)
    assert info_nce(x, y, seed=1) == info_nce(x, y, seed=1)
    assert entropy(x, seed=1) == entropy(x, seed=1)
