"""The denoising estimator: its noise in the columns' own units, the score that it learns, and that it does not copy."""

import warnings

import numpy as np
import pytest

from autoencoder_cases import FACTOR, IMAGES, LINEAR, SMALL, WINE, fitted, table
from isthmus import DenoisingAutoencoder
from isthmus.estimators.autoencoder_training import choose_corruption, noise_units
from isthmus.estimators.configuration import DenoisingConfiguration
from isthmus.estimators.inspection import inspect_rows
from isthmus.estimators.parts import as_record
from isthmus.models import GaussianNoise, Masking, SaltAndPepper, Uniform

MEAN, COVARIANCE = np.array([3.0, -100.0]), np.array([[1.0, 16.0], [16.0, 400.0]])
NORMAL = np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, size=2000)


WITH_A_CONSTANT = np.column_stack([NORMAL, np.full(len(NORMAL), 7.0)])


@pytest.fixture(scope="module")
def denoiser():
    """A linear network without a bottleneck can be E[x | x~] exactly where all is normal."""
    with pytest.warns(UserWarning, match="1 of 3 columns is constant"):
        return DenoisingAutoencoder(3, corruption=GaussianNoise(0.5), **{**LINEAR, "batch_size": 128}).fit(
            WITH_A_CONSTANT
        )


def test_the_score_of_a_normal_is_learned(denoiser):
    """grad log N(x; m, S + D) = -(S + D)^-1 (x - m), D the variance of the noise; a constant column has none."""
    smoothed = np.cov(NORMAL.T) + np.diag(denoiser.noise_scale_[:2] ** 2)
    rows = np.random.default_rng(1).multivariate_normal(NORMAL.mean(0), smoothed, size=500)
    exact = -(rows - NORMAL.mean(0)) @ np.linalg.inv(smoothed)
    found = denoiser.score_function(np.column_stack([rows, np.full(500, 7.0)]))
    assert (np.sqrt(((found[:, :2] - exact) ** 2).mean(0)) < 0.1 * np.sqrt((exact**2).mean(0))).all()
    assert (found[:, 2] == 0).all()


def test_rows_come_back_with_less_noise_than_they_had(denoiser):
    noise = denoiser.noise_scale_ * np.random.default_rng(2).normal(size=WITH_A_CONSTANT.shape)
    denoised = denoiser.reconstruct(WITH_A_CONSTANT + noise)
    spread = NORMAL.std(0)
    error = (((denoised[:, :2] - NORMAL) / spread) ** 2).sum(1).mean()
    # The best there is: tr S - tr S (S + D)^-1 S in units of the spreads, where the noise is 0.5.
    S = np.corrcoef(NORMAL.T)
    best = np.trace(S - S @ np.linalg.inv(S + 0.25 * np.eye(2)) @ S)
    assert abs(error - best) < 0.1 * best


def looked_at(rows, **arguments):
    estimator = DenoisingAutoencoder(**arguments)
    return inspect_rows(estimator, rows, DenoisingConfiguration(**arguments))


def test_the_noise_is_in_the_columns_own_units(denoiser):
    np.testing.assert_allclose(fitted("normal noise").noise_scale_, 0.5 * WINE.std(0), rtol=1e-6)
    np.testing.assert_allclose(denoiser.noise_scale_, [*(0.5 * NORMAL.std(0)), 0.0], rtol=1e-6)


@pytest.mark.parametrize("rows", [WINE, IMAGES], ids=["a scale in common", "pixels"])
def test_columns_in_one_unit_have_noise_in_common(rows):
    seen = looked_at(rows, scale="per_feature" if rows is IMAGES else "global")
    pooled = np.sqrt((rows.std(0) ** 2).mean())
    np.testing.assert_allclose(noise_units(seen).spread.array * seen.rows.scale, pooled, rtol=1e-5)


def test_words_and_counts_take_no_normal_noise_and_know_their_ends():
    units = noise_units(looked_at(table(), columns={"visits": "poisson"}))
    assert units.spread.array.tolist() == [1.0, 0.0, 0.0]
    assert units.low.array[1:].tolist() == [0.0, 0.0]
    assert units.high.array[1:].tolist() == [table()["visits"].max(), 2.0]


REFUSED = {"levels of noise": "log_uniform", "swaps": "'swap', 'level': 0.15}.* on table rows"}


@pytest.mark.parametrize("name", REFUSED)
def test_other_noise_has_no_score(name):
    with pytest.raises(ValueError, match=f"{REFUSED[name]}.*the score needs rows of numbers and corruption=Gaussian"):
        fitted(name).score_function(table() if name == "swaps" else WINE)


def test_noise_that_was_not_asked_for_suits_the_rows():
    assert fitted("swaps").assumptions_["corruption"] == {"kind": "swap", "level": 0.15}
    assert "corruption" in fitted("swaps").assumptions_["automatic"]
    assert "corruption" not in fitted("normal noise").assumptions_["automatic"]
    for rows in (IMAGES, WINE):
        assert as_record(choose_corruption(None, looked_at(rows))) == {"kind": "masking", "level": 0.3}


def test_noise_may_be_named_or_described():
    named, described, made = (
        DenoisingAutoencoder(3, corruption=corruption, **SMALL).fit(WINE).score(WINE)
        for corruption in ("gaussian", {"kind": "gaussian", "level": 0.3}, GaussianNoise(np.float32(0.3)))
    )
    assert named == described
    assert abs(made - named) < 1e-3
    assert fitted("normal noise").score(WINE) != named


def test_fits_that_differ_in_the_level_of_noise_share_one_compilation(monkeypatch):
    traces = []
    plain = SaltAndPepper.corrupt
    monkeypatch.setattr(SaltAndPepper, "corrupt", lambda self, *args: traces.append(None) or plain(self, *args))
    for level, seed in ((0.1, 0), (0.3, 0), (1, 1)):
        corruption = SaltAndPepper(level)
        DenoisingAutoencoder(3, corruption=corruption, random_state=seed, validation_fraction=0.0, **SMALL).fit(WINE)
    assert len(traces) == 1


def test_an_overcomplete_fit_that_denoises_is_no_copy():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = DenoisingAutoencoder(4, corruption=GaussianNoise(1.0), **LINEAR).fit(FACTOR)
    # Of standardised columns of correlation S the best map is A = S (S + I)^-1, and |x~ - A x~|^2 is tr (I - A)^2.
    S = np.corrcoef(FACTOR.T)
    left = np.eye(4) - S @ np.linalg.inv(S + np.eye(4))
    ledger = model.ledger(FACTOR)
    assert abs(ledger["copy_index"].value - (1 - (left**2).sum() / 4)) < 0.05
    assert abs(ledger["r_squared"].value - (1 - np.trace(left @ S @ left.T) / 4)) < 0.05


WRONG = {
    "an unknown kind": ({"kind": "blur"}, "corruption is .*: .* is not a corruption; expected one of GaussianNoise"),
    "a field too many": ({"kind": "masking", "share": 0.5}, "corruption is .* is not a corruption"),
    "a share above 1": (Masking(1.5), "corruption is .*: the level of Masking is 1.5; expected a share from 0 to 1"),
    "a level of no range": (Masking(Uniform(0.9, 0.1)), "the level of Masking is .*; expected a share from 0 to 1"),
    "a number": (0.3, "corruption is 0.3: 0.3 is not a corruption"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_noise_is_refused_with_one_clear_error(case):
    corruption, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        DenoisingAutoencoder(3, corruption=corruption, **SMALL).fit(WINE)
