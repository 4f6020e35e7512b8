"""Moments: those of the whole from chunks, weights as repetitions, offsets that cost nothing."""

import numpy as np
import pytest

from isthmus.fitting import moments as module
from isthmus.fitting.moments import column_moments, moments_of

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(1500, 4)) @ GENERATOR.normal(size=(4, 4)) + 3.0
WEIGHTS = GENERATOR.integers(0, 4, size=1500)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_NUMBERS", 1)
    monkeypatch.setattr(module, "CHUNK_ROWS", 200)


def assert_same(found, expected, rtol=1e-12):
    assert found.count == expected.count
    np.testing.assert_allclose(found.mean, expected.mean, rtol=rtol)
    np.testing.assert_allclose(found.scatter, expected.scatter, rtol=rtol, atol=rtol * expected.scatter.max())


def test_chunks_make_the_covariance_of_the_whole():
    moments = moments_of(ROWS)
    np.testing.assert_allclose(moments.mean, ROWS.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance(ddof=1), np.cov(ROWS.T), rtol=1e-12)
    np.testing.assert_array_equal(moments.scatter, moments.scatter.T)


def test_parts_add_up():
    parts = moments_of(ROWS[:700], WEIGHTS[:700]).add(ROWS[700:], WEIGHTS[700:])
    assert_same(parts, moments_of(ROWS, WEIGHTS))


def test_whole_weights_are_repeated_rows():
    assert_same(moments_of(ROWS, WEIGHTS), moments_of(np.repeat(ROWS, WEIGHTS, axis=0)))


def test_chunks_without_weight_are_left_out():
    weights = np.where(np.arange(1500) < 600, 0.0, 1.0)
    assert_same(moments_of(ROWS, weights), moments_of(ROWS[600:]))


@pytest.mark.parametrize("offset", [1e6, -1e9])
def test_an_offset_costs_no_digits(offset):
    rows = np.round(ROWS * 1024) / 1024
    shifted = moments_of(rows + offset, WEIGHTS)
    np.testing.assert_allclose(shifted.scatter, moments_of(rows, WEIGHTS).scatter, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.int64, bool])
def test_rows_of_any_type_are_summed_in_float64(kind):
    rows = np.abs(100 * ROWS).astype(kind)
    np.testing.assert_allclose(moments_of(rows).covariance(), np.cov(rows.T.astype(float), ddof=0), rtol=1e-12)


def test_rows_are_read_from_disk(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    assert_same(moments_of(np.load(tmp_path / "rows.npy", mmap_mode="r")), moments_of(ROWS))


def test_column_moments_are_the_diagonal():
    count, mean, squares = column_moments(ROWS, WEIGHTS)
    whole = moments_of(ROWS, WEIGHTS)
    assert count == whole.count
    np.testing.assert_allclose(mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(squares, whole.scatter.diagonal(), rtol=1e-12)


@pytest.mark.parametrize("weights", [-np.ones(1500), np.zeros(1500), np.ones(3), np.full(1500, np.nan)])
def test_what_is_no_weight_is_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        moments_of(ROWS, weights)


def test_a_single_row_has_no_unbiased_covariance():
    with pytest.raises(ValueError, match="more than 1"):
        moments_of(ROWS[:1]).covariance(ddof=1)
