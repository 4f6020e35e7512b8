"""What the laws over random members leave out: domains, suprema, products, the natural gradient, concentration 0."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from isthmus.information import families
from oracles.families import QUICKLY


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(
    ("family", "inside", "outside"),
    [
        (families.Bernoulli(), [40.0], [np.inf]),
        (families.Poisson(), [40.0], [np.inf]),
        (families.Geometric(), [-1e-9], [0.0]),
        (families.Exponential(), [-1e-9], [0.0]),
        (families.Gamma(), [-0.999, -1.0], [-1.0, -1.0]),
        (families.InverseGamma(), [-1.001, -1.0], [-1.0, -1.0]),
        (families.Beta(), [-0.999, 3.0], [3.0, -1.0]),
        (families.Normal(), [5.0, -1e-9], [5.0, 0.0]),
        (families.MultivariateNormal(2), [1.0, 1.0, -0.5, 0.9, -0.5], [1.0, 1.0, -0.5, 1.0, -0.5]),
        (families.VonMises(), [0.0, 0.0], [np.inf, 0.0]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, families.ExponentialFamily) else "",
)
def test_the_domain_is_where_the_density_can_be_normalised(family, inside, outside):
    assert family.in_domain(jnp.array(inside))
    assert not family.in_domain(jnp.array(outside))


# direction, and the supremum of direction . T(x).
SUPREMA = [
    (families.Binomial(5), [2.0], 10.0),
    (families.Categorical(3), [-1.0, -2.0], 0.0),
    (families.Poisson(), [-1.0], 0.0),
    (families.Poisson(), [1.0], np.inf),
    (families.Gamma(), [2.0, -3.0], 2 * np.log(2 / 3) - 2),
    (families.Gamma(), [0.0, 0.0], 0.0),
    (families.Gamma(), [-1.0, -1.0], np.inf),
    (families.InverseGamma(), [-2.0, -3.0], 2 * np.log(2 / 3) - 2),
    (families.Beta(), [1.0, 3.0], np.log(1 / 4) + 3 * np.log(3 / 4)),
    (families.Beta(), [1.0, -1.0], np.inf),
    (families.Normal(), [2.0, -1.0], 1.0),
    (families.Normal(), [1.0, 0.0], np.inf),
    (families.MultivariateNormal(2), [2.0, 0.0, -1.0, 0.0, 0.0], 1.0),
    (families.MultivariateNormal(2), [2.0, 1.0, -1.0, 0.0, 0.0], np.inf),
    (families.VonMises(), [3.0, -4.0], 5.0),
]


@pytest.mark.parametrize(("family", "direction", "supremum"), SUPREMA)
def test_the_largest_statistic_is_the_supremum(family, direction, supremum):
    np.testing.assert_allclose(family.largest_statistic(jnp.array(direction)), supremum)


def test_renyi_s_divergence_is_infinite_where_its_integral_is():
    family = families.Normal()
    narrow, wide = (family.natural_from_numpyro(family.to_numpyro(jnp.array([0.0, -0.5 / s**2]))) for s in (1.0, 2.0))
    orders = np.array([1.2, 4 / 3 - 1e-6, 4 / 3 + 1e-6, 2.0])
    divergences = jax.vmap(lambda order: family.renyi_divergence(wide, narrow, order))(orders)
    np.testing.assert_array_equal(np.isinf(divergences), [False, False, True, True])
    # Gil, Alajaji and Linder 2013: log(t / s) + log(t^2 / v) / (2 (alpha - 1)), v = alpha t^2 + (1 - alpha) s^2.
    np.testing.assert_allclose(divergences[0], -np.log(2) + np.log(1 / (1.2 - 0.2 * 4)) / 0.4, rtol=1e-12)


def test_a_product_of_powers_is_the_density_of_that_product():
    family = families.Normal()
    naturals = jnp.stack(
        [family.natural_from_numpyro(family.to_numpyro(jnp.array(n))) for n in ([1.0, -0.5], [0.0, -2.0])]
    )
    product = family.product(naturals, jnp.array([1.0, 0.5]))
    np.testing.assert_allclose(product, [1.0, -1.5])
    x = np.linspace(-2, 2, 5)
    scale = 1 / np.sqrt(3.0)
    target = stats.norm.logpdf(x, 1.0, 1.0) + 0.5 * stats.norm.logpdf(x, 0.0, 0.5)
    ratio = target - stats.norm.logpdf(x, 1 / 3, scale)
    np.testing.assert_allclose(ratio, ratio[0])


def test_tempering_below_nothing_has_no_density():
    family = families.Exponential()
    assert np.isnan(family.product(jnp.array([[-2.0]]), jnp.array([-1.0]))).all()


def test_the_natural_gradient_is_the_gradient_in_mean_coordinates():
    family, natural = families.Gamma(), jnp.array([1.5, -0.7])
    mean = family.mean_from_natural(natural)

    def objective(natural):
        return family.kl_divergence(natural, jnp.array([0.3, -2.0]))

    in_mean = jax.jit(jax.grad(lambda mean: objective(family.natural_from_mean(mean))), compiler_options=QUICKLY)(mean)
    np.testing.assert_allclose(
        family.natural_gradient(natural, jax.jit(jax.grad(objective))(natural)), in_mean, rtol=1e-9
    )


def test_maximum_likelihood_is_that_of_scipy():
    rows = stats.gamma.rvs(2.5, scale=0.7, size=500, random_state=2)
    natural = families.Gamma().maximum_likelihood(rows)
    concentration, _, scale = stats.gamma.fit(rows, floc=0)
    np.testing.assert_allclose(natural, [concentration - 1, -1 / scale], rtol=1e-6)


def test_a_von_mises_of_no_concentration_is_uniform():
    family = families.VonMises()

    @partial(jax.jit, compiler_options=QUICKLY)
    def quantities(natural):
        return (
            family.mean_from_natural(natural),
            family.fisher_information(natural),
            family.entropy(natural),
            family.natural_from_mean(natural),
            jax.jacobian(family.natural_from_mean)(natural),
        )

    mean, fisher, entropy, inverse, slope = quantities(jnp.zeros(2))
    np.testing.assert_array_equal(mean, 0.0)
    np.testing.assert_allclose(fisher, np.eye(2) / 2)
    np.testing.assert_allclose(entropy, np.log(2 * np.pi))
    np.testing.assert_array_equal(inverse, 0.0)
    np.testing.assert_allclose(slope, 2 * np.eye(2))


def test_float32_is_kept():
    with jax.enable_x64(False):
        family = families.Gamma()
        p, q = jnp.array([1.0, -2.0]), jnp.array([0.999, -2.001])
        divergence = family.kl_divergence(p, q)
        assert divergence.dtype == jnp.float32
        assert family.kl_divergence(p, p) == 0
    np.testing.assert_allclose(divergence, family.kl_divergence(*map(jnp.float64, (p, q))), rtol=1e-3)
