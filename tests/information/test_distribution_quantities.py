"""Closed forms of numpyro distributions are the integrals and sums that scipy.stats gives, to 1e-8 or 1e-9 nats."""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro.distributions import transforms
from numpyro.distributions.kl import kl_divergence as numpyro_kl_divergence
from scipy import stats

from isthmus.information.divergence import f_divergence, jensen_shannon, kl_divergence, renyi_divergence
from isthmus.information.entropies import cross_entropy, entropy, surprisal
from isthmus.information.generators import CHI_SQUARED, KULLBACK_LEIBLER, SQUARED_HELLINGER, TOTAL_VARIATION
from oracles import divergence as quadrature
from oracles import tables as oracle

INFINITY = np.inf


class Kumaraswamy(stats.rv_continuous):
    """Of distribution function 1 - (1 - x^a)^b, which scipy lacks."""

    def _logpdf(self, x, a, b):
        return np.log(a * b) + (a - 1) * np.log(x) + (b - 1) * np.log1p(-(x**a))

    def _ppf(self, u, a, b):
        return (-np.expm1(np.log1p(-u) / b)) ** (1 / a)

    def _isf(self, u, a, b):
        return (-np.expm1(np.log(u) / b)) ** (1 / a)


kumaraswamy = Kumaraswamy(a=0, b=1, shapes="a, b")


def scaled(family):
    return lambda *shape_and_rate: family(*shape_and_rate[:-1], scale=1 / shape_and_rate[-1])


# numpyro's distribution, scipy's of the same parameters, and the parameters of p and of q.
CONTINUOUS = {
    "normal": (dist.Normal, stats.norm, (0.3, 1.2), (1.0, 0.7)),
    "half normal": (dist.HalfNormal, lambda s: stats.halfnorm(scale=s), (0.8,), (1.8,)),
    "laplace": (dist.Laplace, stats.laplace, (0.2, 1.3), (-0.2, 0.7)),
    "cauchy": (dist.Cauchy, stats.cauchy, (0.2, 1.3), (0.7, 0.5)),
    "half cauchy": (dist.HalfCauchy, lambda s: stats.halfcauchy(scale=s), (1.3,), (0.3,)),
    "logistic": (dist.Logistic, stats.logistic, (0.2, 1.3), (0.5, 1.0)),
    "gumbel": (dist.Gumbel, stats.gumbel_r, (0.2, 1.3), (-0.2, 1.7)),
    "student": (dist.StudentT, stats.t, (5.5, 0.2, 1.3), (9.0, 0.0, 1.0)),
    "exponential": (dist.Exponential, scaled(stats.expon), (1.7,), (0.6,)),
    "gamma": (dist.Gamma, scaled(stats.gamma), (2.3, 1.7), (0.6, 0.7)),
    "chi-squared": (dist.Chi2, stats.chi2, (3.0,), (5.0,)),
    "inverse gamma": (dist.InverseGamma, lambda a, b: stats.invgamma(a, scale=b), (4.3, 1.7), (3.3, 0.7)),
    "weibull": (dist.Weibull, lambda s, k: stats.weibull_min(k, scale=s), (1.3, 1.7), (0.9, 2.7)),
    "log-normal": (dist.LogNormal, lambda m, s: stats.lognorm(s, scale=np.exp(m)), (0.3, 0.4), (-0.3, 0.6)),
    "pareto": (dist.Pareto, lambda s, a: stats.pareto(a, scale=s), (1.3, 5.5), (0.9, 4.5)),
    "log-uniform": (dist.LogUniform, stats.loguniform, (0.3, 2.5), (0.2, 3.0)),
    "beta": (dist.Beta, stats.beta, (2.3, 0.7), (1.3, 1.7)),
    "kumaraswamy": (dist.Kumaraswamy, kumaraswamy, (2.3, 0.7), (0.8, 3.7)),
    "uniform": (dist.Uniform, lambda low, high: stats.uniform(low, high - low), (0.2, 0.7), (0.1, 0.95)),
}
REAL = ("normal", "laplace", "logistic", "gumbel", "student")
UNIT = ("beta", "kumaraswamy", "uniform")
POSITIVE = ("half normal", "gamma", "weibull", "log-normal", "pareto", "log-uniform", *UNIT)
# Which p have KL(p || q) in closed form, for each q; pairs of exponential families have tests of their own.
KNOWN = {
    "normal": (*REAL, *POSITIVE),
    "half normal": POSITIVE,
    "laplace": ("normal", "laplace"),
    "cauchy": ("cauchy",),
    "half cauchy": ("half cauchy",),
    "gumbel": ("normal", "gumbel", "exponential", "gamma", "chi-squared", "laplace", "uniform"),
    "exponential": ("inverse gamma", *POSITIVE),
    "gamma": POSITIVE,
    "chi-squared": ("weibull", "uniform"),
    "inverse gamma": ("inverse gamma",),
    "weibull": ("weibull", "exponential", "gamma", "chi-squared", "log-normal", "kumaraswamy", "uniform"),
    "log-normal": ("log-normal",),
    "pareto": ("pareto",),
    "log-uniform": ("log-uniform",),
    "beta": UNIT,
    "uniform": ("uniform",),
}
NOWHERE = {
    "real against positive": (lambda: dist.Normal(0.0, 1.0), lambda: dist.Gamma(2.0, 1.0)),
    "positive against the unit interval": (lambda: dist.Gamma(2.0, 1.0), lambda: dist.Beta(2.0, 1.0)),
    "wide against narrow": (lambda: dist.Uniform(0.0, 2.0), lambda: dist.Uniform(0.0, 1.0)),
    "below a threshold": (lambda: dist.Pareto(1.0, 2.0), lambda: dist.Pareto(1.5, 2.0)),
    "no variance": (lambda: dist.Cauchy(0.0, 1.0), lambda: dist.Normal(0.0, 1.0)),
    "no mean": (lambda: dist.HalfCauchy(1.0), lambda: dist.Exponential(1.0)),
    "no end": (lambda: dist.Poisson(1.0), lambda: dist.Binomial(10, 0.3)),
    "more trials": (lambda: dist.Binomial(11, 0.3), lambda: dist.Binomial(10, 0.3)),
    "a category missing": (lambda: dist.Categorical(np.full(3, 1 / 3)), lambda: dist.Categorical(np.full(2, 0.5))),
    "a moved support": (
        lambda: dist.Exponential(1.0),
        lambda: dist.TransformedDistribution(dist.Exponential(1.0), transforms.AffineTransform(0.5, 1.0)),
    ),
    "a thin support": (
        lambda: dist.MultivariateNormal(np.zeros(3), np.eye(3)),
        lambda: dist.Dirichlet(np.ones(3)),
    ),
    "one of two components": (
        lambda: dist.Uniform(np.zeros(2), np.array([1.0, 2.0])).to_event(1),
        lambda: dist.Uniform(np.zeros(2), np.ones(2)).to_event(1),
    ),
}


def ours(name, which):
    with jax.enable_x64(True):
        return CONTINUOUS[name][0](*(np.float64(value) for value in CONTINUOUS[name][2 + which]))


def theirs(name, which):
    return THEIRS[name][which]


THEIRS = {name: [family(*p), family(*q)] for name, (_, family, p, q) in CONTINUOUS.items()}


def kink(name):
    return THEIRS[name][1].median() if name == "laplace" else None


def close(actual, expected, rtol=1e-8, atol=1e-9):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_entropy_is_the_integral(name):
    estimate = entropy(ours(name, 0))
    assert (estimate.direction, estimate.measure, estimate.stderr) == ("exact", "lebesgue", 0.0)
    close(estimate.value, quadrature.entropy(theirs(name, 0)))


@pytest.mark.parametrize("q", KNOWN)
def test_divergence_and_cross_entropy_are_the_integrals(q):
    for p in KNOWN[q]:
        divergence, cross = kl_divergence(ours(p, 0), ours(q, 1)), cross_entropy(ours(p, 0), ours(q, 1))
        assert divergence.direction == cross.direction == "exact"
        if np.isfinite(divergence.value):
            close(divergence.value, quadrature.kl_divergence(theirs(p, 0), theirs(q, 1), kink(q)))
            close(cross.value, quadrature.cross_entropy(theirs(p, 0), theirs(q, 1), kink(q)))


@pytest.mark.parametrize("name", [name for name in KNOWN if name in KNOWN[name]])
def test_nothing_diverges_from_itself_and_the_order_matters(name):
    p, q = ours(name, 0), ours(name, 1)
    assert kl_divergence(p, p).value == 0.0
    forward, backward = kl_divergence(p, q).value, kl_divergence(q, p).value
    assert min(forward, backward) > 0
    if "cauchy" not in name:
        assert abs(forward - backward) > 1e-3


@pytest.mark.parametrize("name", NOWHERE)
def test_what_lies_off_the_support_is_infinitely_far(name):
    p, q = (make() for make in NOWHERE[name])
    for estimate in (kl_divergence(p, q), cross_entropy(p, q)):
        assert (np.max(estimate.value), estimate.direction) == (INFINITY, "exact")


RENYI = {
    "normal": (0.9, 1.3),
    "log-normal": (0.5,),
    "inverse gamma": (1.1,),
    "uniform": (0.0, 0.5, 2.0, INFINITY),
}


@pytest.mark.parametrize("name", RENYI)
def test_renyi_and_what_follows_from_it_are_the_integrals(name):
    p, q = ours(name, 0), ours(name, 1)
    p_theirs, q_theirs = theirs(name, 0), theirs(name, 1)
    for alpha in RENYI[name]:

        def power(x, order=alpha - 1):
            return np.exp(order * (p_theirs.logpdf(x) - q_theirs.logpdf(x)))

        estimate = renyi_divergence(p, q, alpha)
        assert estimate.direction == "exact"
        if 0 < alpha < INFINITY:
            close(estimate.value, np.log(quadrature.expectation(p_theirs, power)) / (alpha - 1))
    close(f_divergence(p, q, KULLBACK_LEIBLER).value, kl_divergence(p, q).value)
    affinity = quadrature.expectation(p_theirs, lambda x: np.exp((q_theirs.logpdf(x) - p_theirs.logpdf(x)) / 2))
    close(f_divergence(p, q, SQUARED_HELLINGER).value, 1 - affinity)


def test_uniform_distributions_are_tables_of_what_they_share():
    p, q = dist.Uniform(0.0, 2.0), dist.Uniform(1.0, 4.0)
    table = ([0.5, 0.5, 0.0], [1 / 3, 0.0, 2 / 3])
    for divergence in (jensen_shannon, lambda p, q: f_divergence(p, q, TOTAL_VARIATION)):
        assert divergence(p, q).direction == "exact"
        close(divergence(p, q).value, divergence(*table).value)
    assert renyi_divergence(p, q, 0.0).value == pytest.approx(np.log(3))
    assert renyi_divergence(dist.Uniform(1.0, 2.0), q, INFINITY).value == pytest.approx(np.log(3))
    assert renyi_divergence(p, q, INFINITY).value == INFINITY


# numpyro's distribution, and the masses of its first values: more than it has, or all that count.
DISCRETE = {
    "bernoulli": (lambda: dist.Bernoulli(0.3), stats.bernoulli(0.3)),
    "categorical": (lambda: dist.Categorical(np.array([0.1, 0.6, 0.0, 0.3])), None),
    "binomial": (lambda: dist.Binomial(10, 0.3), stats.binom(10, 0.3)),
    "beta-binomial": (lambda: dist.BetaBinomial(2.0, 3.0, 10), stats.betabinom(10, 2.0, 3.0)),
    "uniform": (lambda: dist.DiscreteUniform(0, 12), stats.randint(0, 13)),
    "poisson": (lambda: dist.Poisson(2.5), stats.poisson(2.5)),
    "mixture": (
        lambda: dist.MixtureSameFamily(dist.Categorical(np.array([0.4, 0.6])), dist.Bernoulli(np.array([0.9, 0.2]))),
        stats.bernoulli(0.48),
    ),
    "inflated": (lambda: dist.ZeroInflatedDistribution(dist.Binomial(10, 0.3), gate=0.2), None),
}
MASSES = {
    "categorical": np.array([0.1, 0.6, 0.0, 0.3]),
    "inflated": 0.8 * stats.binom(10, 0.3).pmf(np.arange(100)) + 0.2 * (np.arange(100) == 0),
}
FINITE = tuple(name for name in DISCRETE if name != "poisson")


def masses(name):
    table = MASSES[name] if name in MASSES else DISCRETE[name][1].pmf(np.arange(100))
    return np.concatenate([table, np.zeros(100 - len(table))])


def discrete(name):
    with jax.enable_x64(True):
        return DISCRETE[name][0]()


@pytest.mark.parametrize("name", DISCRETE)
def test_entropy_is_the_sum(name):
    estimate = entropy(discrete(name))
    assert (estimate.direction, estimate.measure) == ("exact", "counting")
    close(estimate.value, oracle.entropy(masses(name)))


@pytest.mark.parametrize("q", DISCRETE)
def test_divergences_of_the_discrete_are_the_sums(q):
    for p in DISCRETE:
        tables, pair = (masses(p), masses(q)), (discrete(p), discrete(q))
        # Beyond the 100 values an infinite support goes on.
        missed = p not in FINITE and q in FINITE
        kl = INFINITY if missed else oracle.kl_divergence(*tables)
        close(kl_divergence(*pair).value, kl)
        close(cross_entropy(*pair).value, INFINITY if missed else oracle.cross_entropy(*tables))
        if p in FINITE or q in FINITE:
            close(jensen_shannon(*pair).value, oracle.jensen_shannon(*tables))
            close(f_divergence(*pair, TOTAL_VARIATION).value, oracle.total_variation(*tables))
            close(f_divergence(*pair, CHI_SQUARED).value, INFINITY if missed else oracle.chi_squared(*tables))
            close(renyi_divergence(*pair, INFINITY).value, oracle.renyi_divergence(*tables, INFINITY))


def test_masses_too_small_for_numbers_are_not_taken_for_zero():
    p, q = dist.Binomial(1000, 0.5), dist.BetaBinomial(1.0, 1e6, 1000)
    cells = np.arange(1001)
    log_q = stats.betabinom(1000, 1.0, 1e6).logpmf(cells)
    assert np.exp(log_q).min() == 0
    close(cross_entropy(p, q).value, -np.sum(stats.binom(1000, 0.5).pmf(cells) * log_q))


REGISTRY = {
    "normals": lambda: (dist.Normal(0.0, 1.0), dist.Normal(1.0, 2.0)),
    "multivariate normals": lambda: (
        dist.MultivariateNormal(np.zeros(3), np.eye(3) + 0.3),
        dist.MultivariateNormal(np.ones(3), 2 * np.eye(3) - 0.2),
    ),
    "normals and a circulant": lambda: (
        dist.Normal(np.arange(4.0), 1.5).to_event(1),
        dist.CirculantNormal(np.zeros(4), np.array([2.0, 0.5, 0.1, 0.5])),
    ),
    "betas": lambda: (dist.Beta(2.0, 3.0), dist.Beta(0.5, 1.5)),
    "categoricals": lambda: (
        dist.Categorical(probs=np.array([0.2, 0.3, 0.5])),
        dist.Categorical(probs=np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])),
    ),
    "dirichlets": lambda: (dist.Dirichlet(np.array([1.0, 2.0, 3.0])), dist.Dirichlet(np.array([2.0, 2.0, 0.7]))),
    "gammas": lambda: (dist.Gamma(2.0, 3.0), dist.Gamma(1.5, 0.7)),
    "a weibull and a gamma": lambda: (dist.Weibull(1.3, 1.7), dist.Gamma(2.3, 1.7)),
    "a point": lambda: (dist.Delta(0.3), dist.Normal(0.0, 1.0)),
    "a point of density": lambda: (dist.Delta(np.array([0.3, 1.0]), 0.5, 1), dist.Normal(np.zeros(2), 1).to_event(1)),
    "independent gammas": lambda: (
        dist.Gamma(2.0, 3.0).expand([2, 3]).to_event(2),
        dist.Gamma(1.5, 0.7).expand([5, 2, 3]).to_event(2),
    ),
    "expanded betas": lambda: (dist.Beta(2.0, 3.0).expand([4]), dist.Beta(0.5, 1.5).expand([3, 4])),
    "masked normals": lambda: (
        dist.Normal(np.zeros(3), 1.0).mask(np.array([True, False, True])),
        dist.Normal(np.ones(3), 2.0).mask(np.array([True, True, False])),
    ),
}


@pytest.mark.parametrize("name", REGISTRY)
def test_numpyro_says_the_same_of_every_pair_it_knows(name):
    with jax.enable_x64(True):
        p, q = REGISTRY[name]()
        expected = np.asarray(numpyro_kl_divergence(p, q))
    estimate = kl_divergence(p, q)
    assert (estimate.direction, np.shape(estimate.value)) == (
        "exact",
        np.broadcast_shapes(p.batch_shape, q.batch_shape),
    )
    np.testing.assert_allclose(estimate.value, expected, rtol=1e-10)


def test_surprisal_is_minus_the_log_density_and_infinite_off_the_support():
    np.testing.assert_allclose(surprisal(dist.Normal(0.0, 1.0), 1.0).value, 0.5 + 0.5 * np.log(2 * np.pi), rtol=1e-14)
    estimate = surprisal(dist.Gamma(2.0, 1.0), np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_allclose(estimate.value, [INFINITY, INFINITY, 2 - np.log(2)], rtol=1e-14)
    assert (estimate.measure, surprisal(dist.Poisson(1.0), 2).measure) == ("lebesgue", "counting")


REFUSED = {
    "event shapes": (
        lambda: kl_divergence(dist.Dirichlet(np.ones(2)), dist.Dirichlet(np.ones(3))),
        r"Dirichlet has events of shape \(2,\), Dirichlet of shape \(3,\)",
    ),
    "batches": (
        lambda: kl_divergence(dist.Normal(np.zeros(2), 1.0), dist.Normal(np.zeros(3), 1.0)),
        r"batches of shapes \(2,\) and \(3,\) do not broadcast",
    ),
    "measures": (
        lambda: jensen_shannon(dist.Poisson(1.0), dist.Gamma(1.0, 1.0)),
        "Poisson is discrete and Gamma continuous; neither has a density",
    ),
    "a point and a density": (
        lambda: jensen_shannon(dist.Delta(0.0), dist.Normal(0.0, 1.0)),
        "Delta is discrete and Normal continuous",
    ),
    "no key": (
        lambda: kl_divergence(dist.StudentT(3.0).expand([2]).to_event(1), dist.Laplace(np.zeros(2)).to_event(1)),
        r"no closed form of KL\(StudentT \|\| Laplace\) is known; pass key=jax.random.key\(0\)",
    ),
    "no key for a distance": (lambda: jensen_shannon(dist.Normal(), dist.Normal()), r"JS\(Normal, Normal\)"),
    "no point": (lambda: surprisal(dist.Normal(0.0, 1.0)), "surprisal of Normal is that of a point: pass x"),
    "a single draw": (
        lambda: jensen_shannon(dist.Normal(), dist.Normal(), key=jax.random.key(0), draws=1),
        "draws is 1",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_compared_is_refused_in_words(name):
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        call()


def test_a_table_and_a_distribution_are_not_compared():
    with pytest.raises(TypeError, match="two probability tables or two numpyro distributions, got ndarray and Normal"):
        kl_divergence(np.ones(1), dist.Normal(0.0, 1.0))
    with pytest.raises(TypeError, match="axis= is for tables"):
        entropy(dist.Normal(0.0, 1.0), axis=0)
