"""Acceptance runs of the ladder, by `make accept`: the figures of docs/benchmarks.md, held to what was promised."""

import json

import pytest
from benchmark_runs import load_benchmark, need_shared, run_benchmark

pytestmark = pytest.mark.slow


def test_the_linear_rungs_meet_closed_forms_and_scikit_learn(tmp_path):
    need_shared("mnist")
    run_benchmark("linear_models", "--out", tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())
    *sizes, descent = found["mnist"]
    for row in sizes:
        assert row["found"] == pytest.approx(row["published"], abs=6e-4), row
    assert descent["principal angle"] < 1e-3
    for row in found["scikit-learn"]:
        for kind in ("PCA", "FactorAnalysis"):
            assert row[kind][0] == pytest.approx(row[kind][1], rel=1e-6), row
    for row in found["linear VAE"]:
        assert abs(row["maximum"] - row["elbo"]) < 0.05, row
        assert row["floor"] < 0.01 * row["scale"], row


def test_the_score_of_smoothed_densities_is_found(tmp_path):
    run_benchmark("score_function", "--out", tmp_path / "out.json")
    for name, found in json.loads((tmp_path / "out.json").read_text()).items():
        assert found["error"] <= 0.05, name


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_the_over_complete_autoencoder_copies_and_the_denoising_one_does_not(name, tmp_path):
    if name == "mnist":
        need_shared("mnist")
    rows = tmp_path / "rows.jsonl"
    run_benchmark("overcomplete", "--sets", name, "--rows", rows)
    plain, denoising = (json.loads(line) for line in rows.read_text().splitlines())
    assert plain["copy_index"] > 0.9
    assert denoising["copy_index"] < 0.5
    assert denoising["psnr"] >= plain["psnr"] + 3


def test_the_deep_autoencoder_is_at_hinton_and_salakhutdinovs_mark(tmp_path):
    need_shared("mnist")
    run_benchmark("deep_autoencoder", "--out", tmp_path / "out.json")
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["squared error"]["test"] <= 3.00


def test_memory_of_the_incremental_path_is_flat():
    few, many = load_benchmark("linear_speed").memory()
    assert many["peak"] < 1.1 * few["peak"]
