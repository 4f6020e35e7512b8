"""Distributions whose mutual information is known: samplers beside their truths, in nats.

After Czyz, Grabowski, Vogt, Beerenwinkel and Marx 2023, Beyond Normal: on the evaluation of mutual information
estimators, and Gao, Kannan, Oh and Viswanath 2017, Estimating mutual information for discrete-continuous mixtures.
Information does not change when x or y is mapped bijectively; so one truth serves many shapes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import special, stats

Sampler = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]
Map = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Case:
    """sample(generator, rows) -> (x [row, d], y [row, e]) with mutual information `truth`; discrete where x takes few
    values."""

    truth: float
    sample: Sampler
    dimensions: tuple[int, int] = (1, 1)
    discrete: bool = False

    def mapped(self, x_map: Map, y_map: Map, dimensions: tuple[int, int] | None = None) -> "Case":
        """The case seen through two bijections."""

        def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
            x, y = self.sample(rng, rows)
            return x_map(x), y_map(y)

        return Case(self.truth, sample, dimensions or self.dimensions, self.discrete)


def normal(correlations: np.ndarray) -> Case:
    """Standard normals x and y whose cross-correlation matrix [d, e] is given: each is white by itself."""
    cross = np.atleast_2d(correlations)
    residual = np.linalg.cholesky(np.eye(cross.shape[1]) - cross.T @ cross)

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal((rows, cross.shape[0]))
        return x, x @ cross + rng.standard_normal((rows, cross.shape[1])) @ residual.T

    return Case(-np.log(np.diag(residual)).sum(), sample, cross.shape)


def normal_of_information(nats: float, pairs: int = 1, dimension: int = 1) -> Case:
    """Normals whose first `pairs` pairs of coordinates share the information equally."""
    correlations = np.zeros(dimension)
    correlations[:pairs] = np.sqrt(-np.expm1(-2 * nats / pairs))
    return normal(np.diag(correlations))


def dense_normal(dimension: int, correlation: float) -> Case:
    """Normals all of whose coordinates, within x, within y and across, have one correlation."""
    within = np.full((dimension, dimension), correlation) + (1 - correlation) * np.eye(dimension)
    root = np.linalg.cholesky(within)
    inverse = np.linalg.inv(root)
    white = normal(inverse @ np.full((dimension, dimension), correlation) @ inverse.T)
    return white.mapped(lambda x: x @ root.T, lambda y: y @ root.T)


def student(degrees: float, normal_case: Case) -> Case:
    """A multivariate Student: a normal divided by one common root of a chi-square over its degrees of freedom."""
    d, e = normal_case.dimensions

    def term(dimension: int) -> float:
        half = (degrees + dimension) / 2
        return special.gammaln(half) - half * special.digamma(half)

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = normal_case.sample(rng, rows)
        scale = np.sqrt(degrees / rng.chisquare(degrees, (rows, 1)))
        return x * scale, y * scale

    return Case(normal_case.truth + term(0) + term(d + e) - term(d) - term(e), sample, (d, e))


def additive_noise(width: float) -> Case:
    """x uniform on [0, 1], y = x + noise uniform on [-width, width]."""
    truth = width - np.log(2 * width) if width < 0.5 else 1 / (4 * width)

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.random((rows, 1))
        return x, x + rng.uniform(-width, width, (rows, 1))

    return Case(truth, sample)


def wrapped(turns: int, width: float, dimension: int = 1) -> Case:
    """x uniform on the circle [0, 1), y = turns x + noise uniform on an arc of the given width, wrapped to [0, 1)."""

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x, noise = rng.random((2, rows, dimension))
        return x, (turns * x + width * noise) % 1

    return Case(-dimension * np.log(width), sample, (dimension, dimension))


def wrapped_von_mises(concentration: float) -> Case:
    """x uniform on the circle [0, 2 pi), y = x + von Mises noise, wrapped."""

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.uniform(0, 2 * np.pi, (rows, 1))
        return x, (x + rng.vonmises(0, concentration, (rows, 1))) % (2 * np.pi)

    return Case(np.log(2 * np.pi) - float(stats.vonmises(concentration).entropy()), sample)


def uniform_mixture(components: int, dimension: int = 1) -> Case:
    """Uniform on equally likely, disjoint pairs of cubes: which cube x lies in tells which one y lies in."""
    order = np.random.default_rng(components).permutation(components)

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        component = rng.integers(components, size=(rows, 1))
        x, y = rng.random((2, rows, dimension))
        return component + x, order[component] + y

    return Case(np.log(components), sample, (dimension, dimension))


def disc() -> Case:
    """A point uniform on the unit disc."""

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        radius, angle = np.sqrt(rng.random((rows, 1))), rng.uniform(0, 2 * np.pi, (rows, 1))
        return radius * np.cos(angle), radius * np.sin(angle)

    return Case(np.log(np.pi) - 1, sample)


def gamma_exponential(shape: float) -> Case:
    """x gamma, y exponential with rate x."""

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.gamma(shape, size=(rows, 1))
        return x, rng.exponential(size=(rows, 1)) / x

    return Case(special.digamma(shape + 1) - np.log(shape), sample)


def label_and_uniform(labels: int) -> Case:
    """x one of so many integers, y uniform on [x, x + 2]."""

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.integers(labels, size=(rows, 1))
        return x, x + rng.uniform(0, 2, (rows, 1))

    return Case(np.log(labels) - (labels - 1) * np.log(2) / labels, sample, discrete=True)


def label_and_normal(distance: float, dimension: int = 1) -> Case:
    """x 0 or 1, y normal about x times the distance on the first of its coordinates."""
    grid = np.linspace(-12, distance + 12, 40001)
    density = 0.5 * (stats.norm.pdf(grid) + stats.norm.pdf(grid - distance))
    entropy = -np.trapezoid(special.xlogy(density, density), grid)

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = rng.integers(2, size=(rows, 1)), rng.standard_normal((rows, dimension))
        y[:, :1] += distance * x
        return x, y

    return Case(entropy - 0.5 * np.log(2 * np.pi * np.e), sample, (1, dimension), discrete=True)


def zero_inflated_poisson(zeros: float) -> Case:
    """x exponential; y zero with the given probability, else Poisson with mean x."""
    x, counts = np.linspace(0, 60, 60001), np.arange(200)
    likelihood = (1 - zeros) * stats.poisson.pmf(counts[:, None], x) + zeros * (counts[:, None] == 0)
    density = np.exp(-x)
    marginal = np.trapezoid(density * likelihood, x)
    conditional = np.trapezoid(density * special.entr(likelihood).sum(0), x)

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.exponential(size=(rows, 1))
        return x, np.where(rng.random((rows, 1)) < zeros, 0, rng.poisson(x)).astype(float)

    return Case(special.entr(marginal).sum() - conditional, sample)


def half_atoms(correlation: float, agreement: float) -> Case:
    """By a coin: normals of a correlation, or a pair of signs that agree with a probability."""

    def sample(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = normal(np.array([[correlation]])).sample(rng, rows)
        atom = rng.random((rows, 1)) < 0.5
        sign = np.sign(rng.random((rows, 1)) - 0.5)
        other = np.where(rng.random((rows, 1)) < agreement, sign, -sign)
        return np.where(atom, sign, x), np.where(atom, other, y)

    signs = np.log(2) - special.entr([agreement, 1 - agreement]).sum()
    return Case(np.log(2) + 0.5 * (signs - 0.5 * np.log1p(-(correlation**2))), sample)


def half_cube(x: np.ndarray) -> np.ndarray:
    return np.sign(x) * np.abs(x) ** 1.5


def wiggly(x: np.ndarray) -> np.ndarray:
    return x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1)


def swiss_roll(x: np.ndarray) -> np.ndarray:
    """A number to a point of the plane, along a spiral from three quarters to nine quarters of a turn."""
    angle = 1.5 * np.pi * (1 + 2 * special.ndtr(x))
    return np.concatenate([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 21


def spiral(x: np.ndarray, speed: float = 1 / 3) -> np.ndarray:
    """Turned in the planes of neighbouring axes by an angle that grows with the squared length, which it keeps."""
    angle = speed * np.sum(x**2, axis=1)
    cosine, sine, turned = np.cos(angle), np.sin(angle), x.copy()
    for i in range(x.shape[1] - 1):
        a, b = turned[:, i].copy(), turned[:, i + 1].copy()
        turned[:, i], turned[:, i + 1] = cosine * a - sine * b, sine * a + cosine * b
    return turned


def same(x: np.ndarray) -> np.ndarray:
    return x


_BIVARIATE, _FIVE = normal(np.array([[0.75]])), normal_of_information(1.02, pairs=2, dimension=5)
_THREE = normal_of_information(1.02, pairs=2, dimension=3)

CASES = {
    "normal, independent": normal(np.array([[0.0]])),
    "normal, correlation 0.75": _BIVARIATE,
    "normal, 2 nats": normal_of_information(2.0),
    "normal, 5 nats": normal_of_information(5.0),
    "half-cube of normal": _BIVARIATE.mapped(half_cube, half_cube),
    "normal to uniform": _BIVARIATE.mapped(special.ndtr, special.ndtr),
    "wiggly normal": _BIVARIATE.mapped(wiggly, wiggly),
    "Student 1, independent scores": student(1, normal(np.array([[0.0]]))),
    "Student 3, correlation 0.9": student(3, normal(np.array([[0.9]]))),
    "asinh of Student 1": student(1, _BIVARIATE).mapped(np.arcsinh, np.arcsinh),
    "uniform noise 0.75": additive_noise(0.75),
    "uniform noise 0.1": additive_noise(0.1),
    "uniform noise 0.004": additive_noise(0.004),
    "wrapped, 1 turn, arc 0.2": wrapped(1, 0.2),
    "wrapped, 3 turns, arc 0.3": wrapped(3, 0.3),
    "wrapped von Mises": wrapped_von_mises(2.0),
    "uniform mixture, 5 squares": uniform_mixture(5),
    "uniform disc": disc(),
    "gamma and exponential": gamma_exponential(1.0),
    "label and uniform": label_and_uniform(5),
    "label and normal": label_and_normal(2.0),
    "zero-inflated Poisson": zero_inflated_poisson(0.15),
    "half atoms": half_atoms(0.9, 0.9),
    "swiss roll 2 x 1": _BIVARIATE.mapped(swiss_roll, same, (2, 1)),
    "dense normal 2 x 2": dense_normal(2, 0.5),
    "dense normal 5 x 5": dense_normal(5, 0.5),
    "normal 3 x 3": _THREE,
    "normal 5 x 5": _FIVE,
    "normal 5 x 5, 2 nats": normal_of_information(2.0, pairs=5, dimension=5),
    "normal 10 x 10, 5 nats": normal_of_information(5.0, pairs=10, dimension=10),
    "normal 20 x 20, 2 nats": normal_of_information(2.0, pairs=4, dimension=20),
    "half-cube of normal 5 x 5": _FIVE.mapped(half_cube, half_cube),
    "normal to uniform 3 x 3": _THREE.mapped(special.ndtr, special.ndtr),
    "Student 1, 2 x 2": student(1, normal_of_information(0.5, pairs=1, dimension=2)),
    "Student 2, 3 x 3": student(2, _THREE),
    "Student 3, 5 x 5": student(3, _FIVE),
    "asinh of Student 2, 3 x 3": student(2, _THREE).mapped(np.arcsinh, np.arcsinh),
    "spiral of normal 3 x 3": _THREE.mapped(spiral, partial(spiral, speed=-1 / 3)),
    "spiral of normal 5 x 5": _FIVE.mapped(spiral, partial(spiral, speed=-1 / 3)),
    "wrapped 2 x 2": wrapped(1, 0.4, dimension=2),
    "uniform mixture, 4 cubes 3 x 3": uniform_mixture(4, dimension=3),
    "label and normal 1 x 3": label_and_normal(2.0, dimension=3),
}
