"""Noise: what it changes, by how much, and what it never reads."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from cases import LIKELIHOODS
from isthmus.fitting import Noise, TrainingSettings, fit_reconstruction
from isthmus.models import (
    Annealed,
    Architecture,
    Constant,
    FeatureSwap,
    Fixed,
    GaussianNoise,
    LogUniform,
    Masking,
    NoiseUnits,
    Observation,
    SaltAndPepper,
    Uniform,
    assemble_autoencoder,
    matrix_ends,
)

ROWS, COLUMNS = 4000, 4
KEY = jax.random.key(0)
SPREAD = np.array([0.5, 2.0, 0.0, 1.0], np.float32)
VALUES = jnp.asarray(np.random.default_rng(0).normal(5.0, 1.0, (ROWS, COLUMNS)), jnp.float32)
LOW, HIGH = VALUES.min(0), VALUES.max(0)
UNITS = NoiseUnits(Fixed(jnp.asarray(SPREAD)), Fixed(LOW), Fixed(HIGH))
HOLED = Observation(
    jnp.where(jnp.arange(ROWS)[:, None] % 3 == jnp.arange(COLUMNS) % 3, 0.0, VALUES),
    jnp.arange(ROWS)[:, None] % 3 != jnp.arange(COLUMNS) % 3,
)
CORRUPTIONS = [GaussianNoise, Masking, SaltAndPepper, FeatureSwap]
SHARE = 0.3
SHARE_ERROR = np.sqrt(SHARE * (1 - SHARE) / ROWS)
LEVELS = {
    "constant": (Constant(0.4), lambda progress: stats.uniform(0.4 - 1e-6, 2e-6)),
    "uniform": (Uniform(0.1, 0.5), lambda progress: stats.uniform(0.1, 0.4)),
    "log-uniform": (LogUniform(0.01, 1.0), lambda progress: stats.loguniform(0.01, 1.0)),
    "annealed": (Annealed(1.0, 0.2), lambda progress: stats.uniform(1.0 - 0.8 * progress - 1e-6, 2e-6)),
}


@jax.jit
def corrupted(corruption, rows=VALUES, key=KEY, progress=0.0):
    return corruption(rows, UNITS, key, progress)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_at_level_zero_nothing_changes(kind):
    np.testing.assert_array_equal(corrupted(kind(0.0)), VALUES)
    found = corrupted(kind(0.0), HOLED)
    np.testing.assert_array_equal(found.values, HOLED.values)
    np.testing.assert_array_equal(found.observed, HOLED.observed)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_noise_differs_from_step_to_step_and_from_row_to_row(kind):
    rows = jnp.broadcast_to(jnp.arange(ROWS)[:, None] % 7, (ROWS, COLUMNS)).astype(jnp.float32)
    one, again, other = (np.asarray(corrupted(kind(0.5), rows, key)) for key in (KEY, KEY, jax.random.key(1)))
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.2
    assert len(np.unique(one[:7] - np.asarray(rows[:7]), axis=0)) > 1


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_no_hole_becomes_a_value(kind):
    found = corrupted(kind(0.9), HOLED)
    assert not (found.observed & ~HOLED.observed).any()
    hidden = (HOLED.observed & ~found.observed).mean(0)
    expected = 0.9 * HOLED.observed.mean(0) if kind is Masking else 0.0
    np.testing.assert_allclose(hidden, expected, atol=0.05)


def test_gaussian_noise_has_the_level_in_spreads_of_each_column():
    noise = np.asarray(corrupted(GaussianNoise(0.5)) - VALUES, np.float64)
    scale = 0.5 * SPREAD
    assert (abs(noise.mean(0)) <= 4 * scale / np.sqrt(ROWS)).all()
    assert (abs(noise.std(0) - scale) <= 4 * scale / np.sqrt(2 * ROWS) + 1e-7).all()
    assert stats.kstest(noise[:, 1] / scale[1], "norm").pvalue > 1e-3


@pytest.mark.parametrize("kind", [Masking, SaltAndPepper, FeatureSwap])
def test_the_share_that_was_asked_for_is_changed(kind):
    found = np.asarray(corrupted(kind(SHARE)))
    changed = (found != VALUES).mean(0)
    # A value exchanged for itself, or at the end already, is no change.
    assert (abs(changed - SHARE) < 4 * SHARE_ERROR + 2 / ROWS).all()
    if kind is Masking:
        assert (found[found != VALUES] == 0).all()


def test_salt_and_pepper_are_the_ends_that_were_seen():
    found = np.asarray(corrupted(SaltAndPepper(SHARE)))
    low, high = (((found == end) & (found != VALUES)).mean(0) for end in (LOW, HIGH))
    np.testing.assert_allclose(low + high, (found != VALUES).mean(0))
    assert (abs(low - SHARE / 2) < 4 * SHARE_ERROR).all()


def test_swapping_keeps_the_values_of_each_column_and_cuts_what_ties_them():
    rows = jnp.asarray(np.random.default_rng(1).normal(size=(ROWS, 1)) * [1.0, 2.0, 3.0, 4.0], jnp.float32)
    found = np.asarray(corrupted(FeatureSwap(0.5), rows))
    for column, values in zip(found.T, np.asarray(rows).T, strict=True):
        assert np.isin(column, values).all()
        assert stats.ks_2samp(column, values).pvalue > 1e-3
    np.testing.assert_allclose(np.corrcoef(found.T)[0, 1:], 0.25, atol=4 / np.sqrt(ROWS))


def test_swapping_never_reads_a_hole():
    rows = Observation(jnp.where(HOLED.observed, VALUES, jnp.nan), HOLED.observed)
    found = corrupted(FeatureSwap(0.9), rows)
    assert np.isfinite(found.values[found.observed]).all()
    assert (found.values != rows.values)[rows.observed].mean() > 0.5


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", LEVELS)
def test_levels_are_drawn_for_each_row_as_they_say(name, progress):
    level, law = LEVELS[name]
    drawn = np.asarray(level(KEY, ROWS, jnp.float32(progress)), np.float64)
    assert drawn.shape == (ROWS, 1)
    expected = law(progress)
    assert (expected.ppf(0) - 1e-6 <= drawn).all()
    assert (drawn <= expected.ppf(1) + 1e-6).all()
    if name in ("uniform", "log-uniform"):
        assert stats.kstest(drawn[:, 0], expected.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", LEVELS)
def test_a_level_is_one_for_a_whole_row(name):
    level, law = LEVELS[name]
    shares = (np.asarray(corrupted(Masking(level), jnp.ones((ROWS, 400), jnp.float32), KEY, 0.5)) == 0).mean(1)
    spread = np.sqrt(law(0.5).var() + 0.25 / 400)
    assert abs(shares.mean() - law(0.5).mean()) < 4 * spread / np.sqrt(ROWS)
    assert abs(shares.var() - law(0.5).var()) < 0.25 / 400 + 0.1 * law(0.5).var()


def test_fits_that_differ_in_the_level_of_noise_and_the_cost_of_the_latent_share_one_compilation(monkeypatch):
    traces = []
    plain = GaussianNoise.corrupt
    monkeypatch.setattr(GaussianNoise, "corrupt", lambda self, *args: traces.append(None) or plain(self, *args))
    case = LIKELIHOODS["normal, fixed scale"]
    ends = matrix_ends(case.choice, case.columns, case.standardisation)
    model = assemble_autoencoder(ends, Architecture(2, (8,), "tanh"), KEY)
    ones = Fixed(jnp.ones(case.rows.shape[1]))
    rows, settings = case.standardised_rows, TrainingSettings(steps=4, batch_size=16)
    losses = set()
    for level, cost in ((0.1, 0.0), (0.5, 0.0), (0.5, 0.3), (1, 0)):
        noise = Noise(GaussianNoise(level), NoiseUnits(ones, ones, ones))
        losses.add(fit_reconstruction(model, rows, None, settings, noise, cost).history[-1].loss)
    assert len(traces) == 1
    assert len(losses) == 4
