"""What is called a model: log joints agree with their parts, and what is none is refused at the door."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.infer.util import potential_energy

from graphical_models import EFFECTS, ERRORS, eight_schools
from isthmus.inference import Renyi, ReverseKL, as_problem, fit_posterior, log_joint, sample_posterior
from linear_gaussian_model import LinearGaussian, random_model, simulated_rows


def test_a_numpyro_model_has_the_density_that_numpyro_gives_it():
    data = {"schools": 8, "errors": ERRORS, "effects": EFFECTS}
    problem = as_problem(eight_schools, data)
    with jax.enable_x64(True):
        u = jnp.asarray(np.random.default_rng(0).normal(size=problem.joint.size))
        ours = problem.joint.log_density(((), data), u)
        theirs = -potential_energy(eight_schools, (), data, problem.joint.unravel(u))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_prior_and_jacobian_integrate_to_one():
    # One bounded and one positive site: the density of u = (logit of the first, log of the second) must be normalised.
    joint = log_joint({"a": dist.Beta(2.0, 3.0), "b": dist.Gamma(2.0, 1.5)}, lambda x, z: 0.0 * z["a"])
    with jax.enable_x64(True):
        grid = jnp.linspace(-14, 14, 601)
        u = jnp.stack(jnp.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
        mass = jnp.sum(jnp.exp(jax.vmap(lambda u: joint.log_prior(None, u))(u))) * (grid[1] - grid[0]) ** 2
        drawn = joint.latents(None, joint.sample_prior(None, jax.random.key(0)))
    np.testing.assert_allclose(mass, 1.0, atol=1e-4)
    assert 0 < drawn["a"] < 1
    assert drawn["b"] > 0


def test_a_three_method_model_has_its_own_log_joint():
    model = random_model(1)
    rows = simulated_rows(model, 2)
    problem = as_problem(model, rows)
    u = np.ones(2, np.float32)
    np.testing.assert_allclose(problem.joint.log_density(rows[0], u), model.log_joint(rows[0], u), rtol=1e-6)


def discrete(y):
    z = numpyro.sample("z", dist.Bernoulli(0.5))
    numpyro.sample("y", dist.Normal(z, 1.0), obs=y)


def improper(y):
    z = numpyro.sample("z", dist.ImproperUniform(dist.constraints.real, (), ()))
    numpyro.sample("y", dist.Normal(z, 1.0), obs=y)


def all_observed(y):
    numpyro.sample("y", dist.Normal(0.0, 1.0), obs=y)


def masked(y):
    with numpyro.handlers.mask(mask=jnp.array(False)):
        z = numpyro.sample("z", dist.Normal(0.0, 1.0))
    numpyro.sample("y", dist.Normal(z, 1.0), obs=y)


def half_observed(y, seen):
    z = numpyro.sample("z", dist.Normal(0.0, 1.0))
    with numpyro.plate("row", len(y)):
        numpyro.sample("y", dist.Normal(z, 1.0), obs=y, obs_mask=seen)


def scaled(y):
    with numpyro.handlers.scale(scale=2.0):
        z = numpyro.sample("z", dist.Normal(0.0, 1.0))
    numpyro.sample("y", dist.Normal(z, 1.0), obs=y)


class Bounded(LinearGaussian):
    """A prior whose latents are positive."""

    def prior(self, c=None):
        return dist.HalfNormal(jnp.ones(self.W.shape[1])).to_event(1)


def bounded():
    plain = random_model(0)
    return Bounded(plain.W, plain.m, plain.sigma, plain.A, plain.b, plain.scale)


NORMAL = dist.Normal(0.0, 1.0)
REFUSED = {
    "a discrete site": (lambda: (discrete, (np.ones(3),)), "site 'z' of the model is discrete"),
    "an improper prior": (lambda: (improper, (np.ones(3),)), "site 'z' of the model has an improper prior"),
    "nothing latent": (lambda: (all_observed, (np.ones(3),)), "no latent site"),
    "a discrete prior": (lambda: (log_joint(dist.Poisson(1.0), lambda x, z: 0.0), None), "the prior is discrete"),
    "no number": (
        lambda: (log_joint(NORMAL, lambda x, z: z * jnp.nan), None),
        "likelihood's log-density is not finite",
    ),
    "infinite": (lambda: (log_joint(NORMAL, lambda x, z: z - jnp.inf), None), "likelihood's log-density is not finite"),
    "many numbers": (lambda: (log_joint(NORMAL, lambda x, z: x - z), np.ones(3)), r"shape \(3,\) at one z"),
    "shapes": (lambda: (random_model(0), np.ones((2, 7), np.float32)), "a row has shape .*7.*, and the model makes"),
    "rows of a log joint": (
        lambda: (log_joint(dist.Normal(0.0, jnp.ones(4)).to_event(1), lambda x, z: x @ z), np.ones(3)),
        "cannot be evaluated at the data",
    ),
    "a masked site": (lambda: (masked, (np.ones(3),)), "site 'z' of the model is latent and masked"),
    "holes by mask": (
        lambda: (half_observed, (np.ones(3), np.array([True, False, True]))),
        "site 'y_unobserved' of the model is latent and masked",
    ),
    "a scaled site": (lambda: (scaled, (np.ones(3),)), "site 'z' of the model is scaled"),
    "a masked prior": (lambda: (log_joint(NORMAL.mask(False), lambda x, z: 0.0), None), "the prior is masked"),
    "a bounded prior": (lambda: (bounded(), np.zeros((2, 5), np.float32)), "the prior over z .* is bounded"),
    "one column": (
        lambda: (random_model(0), np.ones((2, 1), np.float32)),
        "a row has shape .*1.*, and the model makes",
    ),
    "one row": (lambda: (random_model(0), np.ones(5, np.float32)), "and the model makes rows of"),
    "a bare array": (lambda: (discrete, np.ones(3)), "data is a ndarray; expected a numpyro model's arguments"),
    "a model that fails": (lambda: (discrete, ()), "the model cannot be run at the data"),
    "no data": (lambda: (random_model(0), None), "data is None"),
    "NaN in data": (lambda: (random_model(0), np.full((2, 5), np.nan, np.float32)), "row 0 of the data holds NaN"),
}


@pytest.mark.parametrize("name", list(REFUSED))
@pytest.mark.parametrize("remedy", [sample_posterior, fit_posterior], ids=["sampled", "fitted"])
def test_what_is_no_graphical_model_is_refused(remedy, name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        remedy(*make())


def test_what_is_no_model_at_all_is_refused():
    with pytest.raises(TypeError, match="expected a three-method model"):
        as_problem(3)
    with pytest.raises(TypeError, match="expected numpyro distributions"):
        log_joint({"a": 1.0}, lambda x, z: 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"family": "cauchy"}, "family is 'cauchy'; expected one of 'mean_field'"),
        ({"objective": "l2"}, "objective is 'l2'"),
        ({"objective": ReverseKL}, "or an instance such as"),
        ({"family": int}, "or a NormalFamily class"),
        ({"each_row": True}, "each_row=True, and the data hold no arrays"),
        ({"start": "posterior"}, "only of three-method models"),
        ({"steps": 0}, "steps is 0; expected at least 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
    ],
)
def test_arguments_of_a_fit_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit_posterior(log_joint(NORMAL, lambda x, z: 0.0 * z), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "gibbs"}, "method is 'gibbs'; expected 'nuts', 'hmc' or 'importance'"),
        ({"draws": 1}, "draws is 1; expected at least 4"),
        ({"target_acceptance": 1.5}, "target_acceptance is 1.5"),
    ],
)
def test_arguments_of_a_sampler_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        sample_posterior(log_joint(NORMAL, lambda x, z: 0.0 * z), **arguments)


def test_renyi_of_a_negative_order_is_no_bound_to_maximise():
    with pytest.raises(ValueError, match="alpha is -1"):
        Renyi(-1.0)
