"""Riemannian geometry and Fisher information by slow numerical integration, of functions of NumPy arrays."""

import numpy as np
from scipy import integrate, stats

STEP = 1e-4


def fisher_information(distribution, parameters):
    """E[score score^T] of scipy.stats distributions, distribution(*parameters), [parameter, parameter]."""
    parameters = np.asarray(parameters, float)
    x, weight = _grid(distribution(*parameters))
    scores = np.array([_score(distribution, parameters, i, x) for i in range(len(parameters))])
    return (weight * scores) @ scores.T


def kl_divergence(p, q):
    """KL(p || q) of two scipy.stats distributions."""
    x, weight = _grid(p)
    return weight @ (_log_density(p, x) - _log_density(q, x))


def line_length(squared_speed, start, end):
    """The integral of the root of the metric [1, 1] from one value of a single parameter to another."""
    return abs(integrate.quad(lambda x: np.sqrt(squared_speed(x)), start, end, epsabs=1e-13)[0])


def shoot(metric, start, velocity):
    """Where the geodesic arrives, after unit time, that leaves `start` with a velocity, [parameter] each."""
    size = len(start)

    def flow(_, state):
        position, speed = state[:size], state[size:]
        slopes = np.array([_slope(metric, position, i) for i in range(size)])  # d_i G_jk
        # G a = -(d_i G_jk) v_i v_k + (d_j G_ik) v_i v_k / 2
        force = -np.einsum("ijk,i,k->j", slopes, speed, speed) + 0.5 * np.einsum("jik,i,k->j", slopes, speed, speed)
        return np.concatenate([speed, np.linalg.solve(metric(position), force)])

    both = np.concatenate([start, velocity])
    return integrate.solve_ivp(flow, (0, 1), both, method="DOP853", rtol=1e-11, atol=1e-12).y[:size, -1]


def path_length(metric, positions):
    """The sum of sqrt(dx . G dx) over the steps of a fine path, [point, parameter]."""
    steps, middles = np.diff(positions, axis=0), (positions[1:] + positions[:-1]) / 2
    return sum(np.sqrt(step @ metric(middle) @ step) for step, middle in zip(steps, middles, strict=True))


def _grid(distribution):
    """Points and weights of an expectation: the first integers, or the images of evenly spaced normal quantiles, for
    which the trapezoidal rule is of very high order."""
    if isinstance(distribution.dist, stats.rv_discrete):
        x = np.arange(1000)
        x = x[distribution.pmf(x) > 0]
        return x, distribution.pmf(x)
    t = np.linspace(-8.2, 8.2, 2001)
    x = np.where(t < 0, distribution.ppf(stats.norm.cdf(t)), distribution.isf(stats.norm.sf(t)))
    return x, stats.norm.pdf(t) * (t[1] - t[0])


def _log_density(distribution, x):
    return distribution.logpmf(x) if isinstance(distribution.dist, stats.rv_discrete) else distribution.logpdf(x)


def _score(distribution, parameters, i, x):
    moved = np.eye(len(parameters))[i] * STEP
    upper, lower = (_log_density(distribution(*(parameters + sign * moved)), x) for sign in (1, -1))
    return (upper - lower) / (2 * STEP)


def _slope(metric, position, i):
    moved = np.eye(len(position))[i] * STEP
    near = (metric(position + moved) - metric(position - moved)) / (2 * STEP)
    far = (metric(position + 2 * moved) - metric(position - 2 * moved)) / (4 * STEP)
    return (4 * near - far) / 3
