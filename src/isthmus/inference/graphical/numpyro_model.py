"""The log joint of a model written in numpyro: a function whose latent sites are drawn and whose data are observed."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array
from jax.flatten_util import ravel_pytree
from numpyro import handlers
from numpyro.distributions import ImproperUniform, MaskedDistribution, biject_to
from numpyro.infer.util import constrain_fn

from isthmus.inference.graphical.data import Arguments
from isthmus.inference.graphical.log_joint import LogJoint, Unravel, log_jacobian

Trace = dict[str, dict[str, Any]]


class NumpyroJoint(LogJoint):
    """The log joint of a numpyro model, whose datum is its arguments (args, kwargs), in float64.

    Latent sites are its unobserved ones, each in the unconstrained coordinates of its support; observed sites and
    factors make the likelihood. Arrays among the arguments are traced, so that new data of the same shapes need no
    compilation; whatever else is among them belongs to the model.
    """

    function: Callable[..., Any] = eqx.field(static=True)
    size: int = eqx.field(static=True)
    unravel: Unravel = eqx.field(static=True)
    double_precision: bool = eqx.field(static=True, default=True)

    def log_prior(self, x: Arguments, u: Array) -> Array:
        unconstrained, sites = self.unravel(u), self._sites(x, u)
        terms = [
            _site_log_prob(sites[name]) + log_jacobian(sites[name]["fn"], value, sites[name]["value"])
            for name, value in unconstrained.items()
        ]
        return sum(terms, jnp.zeros(()))

    def log_likelihood(self, x: Arguments, u: Array) -> Array:
        observed = [site for site in self._sites(x, u).values() if is_observed(site)]
        return sum((_site_log_prob(site) for site in observed), jnp.zeros(()))

    def sample_prior(self, x: Arguments, key: Array) -> Array:
        return ravel_pytree(unconstrained_sites(trace_model(self.function, x, key)))[0]

    def latents(self, x: Arguments, u: Array) -> dict[str, Array]:
        return constrain_fn(self.function, *x, self.unravel(u), return_deterministic=True)

    def posterior_moments(self, x: Arguments) -> None:
        return None

    def _sites(self, x: Arguments, u: Array) -> Trace:
        args, kwargs = x
        values = constrain_fn(self.function, args, kwargs, self.unravel(u))
        return handlers.trace(handlers.substitute(self._seeded(), data=values)).get_trace(*args, **kwargs)

    def _seeded(self) -> Callable[..., Any]:
        # Every latent site is substituted; the key serves numpyro's own bookkeeping.
        return handlers.seed(self.function, jax.random.key(0))


def trace_model(function: Callable[..., Any], x: Arguments, key: Array) -> Trace:
    """The sites of a run of the model, with latents drawn from the prior."""
    args, kwargs = x
    return handlers.trace(handlers.seed(function, key)).get_trace(*args, **kwargs)


def unconstrained_sites(trace: Trace) -> dict[str, Array]:
    """The unconstrained value of each latent site."""
    return {name: biject_to(site["fn"].support).inv(site["value"]) for name, site in trace.items() if is_latent(site)}


def is_latent(site: dict[str, Any]) -> bool:
    return site["type"] == "sample" and not site["is_observed"]


def is_observed(site: dict[str, Any]) -> bool:
    return site["type"] == "sample" and site["is_observed"]


def check_sites(function: Callable[..., Any], x: Arguments) -> Trace:
    """The sites of a run of the model; ValueError, naming one, where the posterior is no density of real vectors."""
    try:
        trace = trace_model(handlers.substitute(function, substitute_fn=_check_site), x, jax.random.key(0))
    except (TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f"the model cannot be run at the data ({error}); expected its arguments, a tuple of them or a dict by "
            "name, numbers in arrays"
        ) from error
    for name, site in trace.items():
        if is_latent(site) and site["scale"] is not None:
            raise ValueError(
                f"site {name!r} of the model is scaled, so that its prior does not integrate to one; take the "
                "scale, or the subsampled plate, off it"
            )
    if not any(is_latent(site) for site in trace.values()):
        raise ValueError(
            "the model has no latent site: every sample statement is observed, and nothing is left to infer"
        )
    return trace


def _check_site(site: dict[str, Any]) -> None:
    """Asked for a value before the site is sampled, it has none to offer."""
    if not is_latent(site):
        return
    if getattr(site["fn"].support, "is_discrete", False):
        raise ValueError(
            f"site {site['name']!r} of the model is discrete ({type(site['fn']).__name__}), and neither gradients nor "
            "unconstrained coordinates exist there; sum it out of the model, or, where it takes few values, use "
            "isthmus.evidence.exact_evidence"
        )
    if isinstance(site["fn"], MaskedDistribution):
        raise ValueError(
            f"site {site['name']!r} of the model is latent and masked, so that its prior does not integrate to one; "
            "leave masked values out of the model, or of the data"
        )
    if isinstance(_innermost(site["fn"]), ImproperUniform):
        raise ValueError(
            f"site {site['name']!r} of the model has an improper prior, under which the evidence does not exist; give "
            "it a distribution that integrates to one"
        )


def _innermost(distribution: Any) -> Any:
    while hasattr(distribution, "base_dist") and not isinstance(distribution, ImproperUniform):
        distribution = distribution.base_dist
    return distribution


def _site_log_prob(site: dict[str, Any]) -> Array:
    log_prob = site["fn"].log_prob(site["value"])
    return jnp.sum(log_prob if site["scale"] is None else site["scale"] * log_prob)
