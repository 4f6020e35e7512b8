"""Conjugate models beside textbooks' formulae, scipy's densities and scikit-learn."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import stats
from sklearn.mixture import BayesianGaussianMixture

from conjugate_cases import (
    BERNOULLI,
    BITS,
    COLUMNS,
    COUNTS,
    EXACT,
    LINEAR,
    MIXTURES,
    NORMAL,
    POISSON,
    REGRESSION,
    SIZE,
    TOPICS,
    X,
)
from isthmus.inference.conjugate import (
    ColumnsLikelihood,
    IndependentRows,
    LatentDirichletAllocation,
    MeanFieldRegression,
    Mixture,
    NormalLikelihood,
    Sweep,
    VariationalModel,
    coordinate_ascent,
    stochastic_natural_gradient,
)
from isthmus.inference.conjugate.likelihood import family_divergence
from isthmus.information import families
from isthmus.information.families import NormalInverseWishart
from oracles import conjugate as oracle


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def parts(natural):
    """Location, strength, degrees and scale of a normal-Wishart."""
    prior = NORMAL.to_prior(natural)
    return np.asarray(prior.location), float(prior.strength), float(prior.degrees), np.asarray(prior.scale)


@pytest.fixture(scope="module")
def normals():
    with jax.enable_x64(True):
        return coordinate_ascent(MIXTURES["mixture of normals"].model, X, tolerance=1e-10)


def test_the_exact_posteriors_are_those_of_the_information_room():
    normal = coordinate_ascent(EXACT["normal"].model, X).parameters
    expected = NormalInverseWishart(*parts(NORMAL.prior)).update(X)
    np.testing.assert_allclose(NORMAL.from_prior(expected), normal, rtol=1e-9, atol=1e-9)
    bits = BERNOULLI.to_numpyro(coordinate_ascent(EXACT["bernoulli"].model, BITS).parameters)
    np.testing.assert_allclose(bits.concentration1, 0.5 + BITS.sum(axis=0))
    np.testing.assert_allclose(bits.concentration0, 0.7 + (1 - BITS).sum(axis=0))
    rates = POISSON.to_numpyro(coordinate_ascent(EXACT["poisson"].model, COUNTS).parameters)
    np.testing.assert_allclose(rates.mean, (1.5 + COUNTS.sum(axis=0)) / (0.1 + len(COUNTS)))
    np.testing.assert_allclose(rates.variance, (1.5 + COUNTS.sum(axis=0)) / (0.1 + len(COUNTS)) ** 2)


def test_regression_has_the_textbook_posterior_and_evidence():
    fit = coordinate_ascent(EXACT["regression"].model, REGRESSION)
    *expected, evidence = oracle.regression_posterior(*REGRESSION, 0.5, 2.0, 1.5)
    for ours, theirs in zip(LINEAR.unpack(fit.parameters), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert fit.bound == pytest.approx(evidence, rel=1e-12)


def test_mean_field_regression_shrinks_variances_as_known_and_keeps_the_identity():
    """log p = ELBO + KL(q || posterior), the KL from 20,000 draws at seed 0, within four standard errors."""
    model = MeanFieldRegression(LINEAR)
    fit = coordinate_ascent(model, REGRESSION, tolerance=1e-13)
    mean, precision, a, b, evidence = oracle.regression_posterior(*REGRESSION, 0.5, 2.0, 1.5)
    weights = LINEAR.normal.to_numpyro(fit.parameters["weights"])
    noise = families.Gamma().to_numpyro(fit.parameters["precision"])
    np.testing.assert_allclose(weights.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(weights.covariance_matrix, np.linalg.inv(precision) * b / a, rtol=1e-6)
    assert noise.mean == pytest.approx(a / b, rel=1e-6)
    assert noise.variance == pytest.approx(a / b**2 * a / (a + COLUMNS / 2), rel=1e-6)
    rng = np.random.default_rng(0)
    w = rng.multivariate_normal(weights.mean, weights.covariance_matrix, 20_000)
    tau = rng.gamma(noise.concentration, 1 / noise.rate, 20_000)
    exact = stats.gamma(a, scale=1 / b).logpdf(tau) + stats.multivariate_normal(
        np.zeros(COLUMNS), np.linalg.inv(precision)
    ).logpdf((w - mean) * np.sqrt(tau)[:, None])
    gaps = np.asarray(weights.log_prob(w) + noise.log_prob(tau)) - exact - 0.5 * COLUMNS * np.log(tau)
    assert abs(evidence - fit.bound - gaps.mean()) < 4 * gaps.std() / np.sqrt(len(gaps))
    assert evidence > fit.bound


def test_the_divergence_of_normal_wisharts_is_that_of_draws():
    """300 draws at seed 0 of scipy's Wishart, within four standard errors."""
    natural, other = posterior(NORMAL, X[:30]), NORMAL.prior
    location, strength, degrees, scale = parts(natural)
    rng = np.random.default_rng(0)
    precisions = stats.wishart(float(degrees), np.linalg.inv(scale)).rvs(300, random_state=rng)
    means = np.stack([rng.multivariate_normal(location, np.linalg.inv(strength * p)) for p in precisions])
    log_ratios = [
        oracle.normal_wishart_log_density(m, p, *parts(natural))
        - oracle.normal_wishart_log_density(m, p, *parts(other))
        for m, p in zip(means, precisions, strict=True)
    ]
    error = np.std(log_ratios) / np.sqrt(len(log_ratios))
    assert abs(np.mean(log_ratios) - NORMAL.divergence(natural)) < 4 * error


def posterior(likelihood, rows):
    return likelihood.prior + np.sum(likelihood.coordinates(rows)[0], axis=0)


def test_divergences_are_those_of_the_families():
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.1, 5.0, (2, 4))
    for family in (families.Dirichlet(4), families.Dirichlet(3)):
        size = family.size
        ours = family_divergence(family, p[:size], q[:size])
        assert ours == pytest.approx(float(family.kl_divergence(p[:size], q[:size])), rel=1e-9)
    beta, bits = families.Beta(), posterior(BERNOULLI, BITS)
    expected = sum(
        float(beta.kl_divergence(a, b))
        for a, b in zip(bits.reshape(-1, 2), BERNOULLI.prior.reshape(-1, 2), strict=True)
    )
    assert BERNOULLI.divergence(bits) == pytest.approx(expected, rel=1e-9)


def test_predictive_densities_are_students_negative_binomial_and_bernoulli():
    x = np.array([1.0, 0.5, -2.0])
    location, strength, degrees, scale = parts(posterior(NORMAL, X))
    freedom = degrees - COLUMNS + 1
    student = stats.multivariate_t(location, scale * (1 + strength) / (strength * freedom), freedom)
    assert NORMAL.log_predictive(posterior(NORMAL, X), x) == pytest.approx(student.logpdf(x), rel=1e-9)
    a, b, x = 1.5 + COUNTS.sum(axis=0), 0.1 + len(COUNTS), np.array([3.0, 0.0, 7.0])
    expected = stats.nbinom(a, b / (b + 1)).logpmf(x).sum()
    assert POISSON.log_predictive(posterior(POISSON, COUNTS), x) == pytest.approx(expected, rel=1e-9)
    p = (0.5 + BITS.sum(axis=0)) / (1.2 + len(BITS))
    expected = np.log(np.where(BITS[0] == 1, p, 1 - p)).sum()
    assert BERNOULLI.log_predictive(posterior(BERNOULLI, BITS), BITS[0]) == pytest.approx(expected, rel=1e-9)


def test_a_step_of_a_mixture_is_the_textbooks(normals):
    model, parameters = MIXTURES["mixture of normals"].model, normals.parameters
    components = [parts(natural) for natural in parameters["components"]]
    responsibilities, bounds = oracle.mixture_step(X, parameters["weights"] + 1, components)
    np.testing.assert_allclose(model.responsibilities(parameters, X), responsibilities, atol=1e-9)
    np.testing.assert_allclose(model.local_step(parameters, X, ()).bounds, bounds, rtol=1e-9)


def test_a_step_of_topics_is_the_textbooks():
    counts = TOPICS["topics"].rows[:10]
    model = LatentDirichletAllocation(SIZE, counts.shape[1], 0.3, 0.2, iterations=7, tolerance=0.0)
    topics = np.random.default_rng(0).gamma(2.0, 1.0, (SIZE, counts.shape[1]))
    step = model.local_step(topics - 1, counts, model.initial_local(counts))
    for ours, theirs in zip(step, oracle.topic_step(counts, topics, 0.3, 7), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_topics_are_those_that_wrote_the_documents():
    fit = coordinate_ascent(TOPICS["topics"].model, TOPICS["topics"].rows, starts=3)
    favourites = {tuple(sorted(np.argsort(topic)[-5:])) for topic in fit.parameters}
    assert favourites == {tuple(range(5 * i, 5 * i + 5)) for i in range(SIZE)}
    proportions = TOPICS["topics"].model.transform(fit.parameters, TOPICS["topics"].rows)
    np.testing.assert_allclose(proportions.sum(axis=1), 1.0)


def test_the_bound_is_that_of_scikit_learn_up_to_its_constants(normals):
    theirs = BayesianGaussianMixture(
        n_components=SIZE,
        weight_concentration_prior_type="dirichlet_distribution",
        reg_covar=0.0,
        tol=1e-10,
        max_iter=500,
        random_state=0,
    ).fit(X)
    constant = oracle.scikit_learn_constant(X, SIZE, 1 / SIZE, 1.0, COLUMNS, np.cov(X.T))
    assert normals.bound == pytest.approx(theirs.lower_bound_ + constant, rel=1e-8)
    responsibilities = MIXTURES["mixture of normals"].model.responsibilities(normals.parameters, X)
    np.testing.assert_allclose(
        np.sort(responsibilities.sum(axis=0)), np.sort(theirs.predict_proba(X).sum(axis=0)), rtol=1e-4
    )


CATEGORIES = ColumnsLikelihood(families.Categorical(3), dist.Dirichlet(np.ones((2, 3))))
TIMES = ColumnsLikelihood(families.Exponential(), dist.Gamma(np.ones(2), 1.0))
OUTSIDE = {
    "a category too many": (CATEGORIES, [2, 7], "column 1 holds 7 .*whole numbers from 0 to 2"),
    "a negative category": (CATEGORIES, [-1, 2], "column 0 holds -1 .*whole numbers from 0 to 2"),
    "half a category": (CATEGORIES, [0, 1.9], "column 1 holds 1.9 .*whole numbers from 0 to 2"),
    "half a bit": (BERNOULLI, [0, 1, 0.5, 1, 0, 1], "column 2 holds 0.5 .*0 or 1"),
    "three bits": (BERNOULLI, [0, 3, 0, 1, 0, 1], "column 1 holds 3 .*0 or 1"),
    "half a count": (POISSON, [1, 2.5, 0], "column 1 holds 2.5 .*whole numbers of at least 0"),
    "a negative time": (TIMES, [0.5, -0.5], "column 1 holds -0.5 .*at least 0"),
    "a missing bit": (BERNOULLI, [0, 3, 0, 1, 0], r"expected \[row, 6\]"),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_rows_outside_the_support_are_refused_at_every_door(what):
    likelihood, row, message = OUTSIDE[what]
    inside = np.ones((1, len(row)))
    likelihood.check_rows(np.ones((1, likelihood.columns)))
    rows = np.concatenate([inside, [row]])
    for enter in (
        lambda: coordinate_ascent(Mixture(likelihood, 2), rows),
        lambda: stochastic_natural_gradient(Mixture(likelihood, 2), rows),
        lambda: IndependentRows(likelihood).log_evidence(rows),
    ):
        with pytest.raises(ValueError, match=message):
            enter()


class SoundOnceStartedAgain(VariationalModel):
    """Its ELBO is its parameter, which is nan at the first start and 1 at others."""

    starts: ClassVar[int] = 2

    def check_rows(self, rows):
        pass

    def initialise(self, rows, key):
        first = jax.random.fold_in(jax.random.key(0), 0)
        return jnp.where((jax.random.key_data(key) == jax.random.key_data(first)).all(), jnp.nan, 1.0)

    def initial_local(self, rows):
        return ()

    def sweep(self, parameters, rows, local):
        return Sweep(parameters, local, parameters)


def test_starts_that_end_in_nan_are_passed_over_until_none_is_left():
    model = SoundOnceStartedAgain()
    assert coordinate_ascent(model, X).bound == 1.0
    with pytest.raises(ValueError, match="the ELBO is nan after each of 1 starts"):
        coordinate_ascent(model, X, starts=1)


REFUSED = {
    "negative counts of words": lambda: coordinate_ascent(TOPICS["topics"].model, -TOPICS["topics"].rows),
    "words that no topic knows": lambda: coordinate_ascent(TOPICS["topics"].model, TOPICS["topics"].rows[:, 1:]),
    "a regression without y": lambda: coordinate_ascent(EXACT["regression"].model, REGRESSION[0]),
    "columns that no normal has": lambda: coordinate_ascent(EXACT["normal"].model, X[:, 1:]),
    "rows that are not finite": lambda: coordinate_ascent(EXACT["normal"].model, np.where(X > 3, np.nan, X)),
    "rows of several lengths": lambda: coordinate_ascent(EXACT["regression"].model, (X, X[:5, 0])),
    "no starts": lambda: coordinate_ascent(EXACT["normal"].model, X, starts=0),
    "a delay below one": lambda: stochastic_natural_gradient(EXACT["normal"].model, X, delay=0.0),
    "no components": lambda: Mixture(NORMAL, 0),
    "no concentration": lambda: Mixture(NORMAL, 2, concentration=0.0),
    "topics too sparse": lambda: LatentDirichletAllocation(3, 20, topic_concentration=0.001),
    "a singular covariance": lambda: NormalLikelihood.from_rows(X[:, [0, 0]]),
    "one prior for all columns": lambda: ColumnsLikelihood(families.Bernoulli(), dist.Beta(1.0, 1.0)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_say_what_was_expected(what):
    with pytest.raises(ValueError, match=r"expected|leave out"):
        REFUSED[what]()


def test_a_family_without_a_conjugate_prior_and_an_ascent_cut_short_are_told():
    with pytest.raises(TypeError, match="VonMises"):
        ColumnsLikelihood(families.VonMises(), dist.Gamma(np.ones(2), 1.0))
    with pytest.warns(UserWarning, match="max_iterations=2"):
        coordinate_ascent(IndependentRows(NORMAL), X, max_iterations=2, tolerance=0.0)
