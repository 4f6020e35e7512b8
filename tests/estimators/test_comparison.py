"""The ladder on one data set: the same columns for every model, each an estimate or a blank that says why."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from isthmus.data import Dataset, Table, load_bundled, table_from_frame
from isthmus.data.table import table_from_array
from isthmus.estimators.comparison import compare
from isthmus.estimators.corrupted_rows import choose_test_corruption, corrupt_once
from isthmus.estimators.ladder import make_plan
from isthmus.estimators.rung_measures import COLUMNS
from isthmus.estimators.runs import numbers_of, split_test_rows
from isthmus.information import Estimate
from mixed_frame import mixed_frame

LINEAR = ("linear", "ppca", "fa")
NETWORKS = ("autoencoder", "overcomplete", "denoising", "vae")
WITHOUT_PRIOR = ("linear", "autoencoder", "overcomplete", "denoising")


def some(name: str, count: int) -> Dataset:
    data = load_bundled(name)
    return data.rows(np.random.default_rng(0).permutation(len(data.values))[:count])


def estimate(record, model, key) -> Estimate:
    return Estimate.from_dict(record["models"][model]["columns"][key])


@pytest.fixture(scope="module")
def digits():
    return compare(some("digits", 200), 4, epochs=2)


def check_cells(record):
    for model in record["models"].values():
        assert list(model["columns"]) == list(COLUMNS)
        for key, entry in model["columns"].items():
            assert (entry is None) == (key in model["blanks"])
            assert entry is None or entry["stderr_rows"] is not None


def test_every_cell_is_an_estimate_with_its_error_or_a_blank_with_its_reason(digits):
    assert tuple(digits.record["models"]) == (*LINEAR, *NETWORKS)
    check_cells(digits.record)
    for model in digits.record["models"].values():
        assert model["error"] is None
        assert model["seconds"] > 0
        assert model["parameters"] > 0


def test_without_a_prior_there_is_no_rate_and_no_log_likelihood(digits):
    for name in WITHOUT_PRIOR:
        columns = digits.record["models"][name]["columns"]
        assert columns["distortion"] is not None
        for key in ("rate", "log_likelihood", "log_likelihood_to_best", "bits_per_dimension"):
            assert columns[key] is None
            assert "no prior" in digits.record["models"][name]["blanks"][key]


def test_whole_numbers_have_log_probabilities_in_every_model(digits):
    record = digits.record
    assert record["measure"] == "counting"
    for name in ("ppca", "fa", "vae"):
        bound, bits = (estimate(record, name, key) for key in ("log_likelihood", "bits_per_dimension"))
        assert (bound.direction, bits.direction) == ("lower", "upper")
        np.testing.assert_allclose(float(bits), -float(bound) / np.log(2) / 64)


def test_the_best_is_told_by_paired_differences(digits):
    record = digits.record
    best = record["best_log_likelihood"]
    assert record["models"][best]["columns"]["log_likelihood_to_best"] is None
    for name in {"ppca", "fa", "vae"} - {best}:
        difference = estimate(record, name, "log_likelihood_to_best")
        expected = float(estimate(record, name, "log_likelihood")) - float(estimate(record, best, "log_likelihood"))
        np.testing.assert_allclose(float(difference), expected)
        assert float(difference) <= 0
        alone = estimate(record, name, "log_likelihood").stderr_rows
        assert difference.stderr_rows < 2 * alone


def test_the_squared_errors_are_those_of_pca_on_the_same_rows(digits):
    training, test = split_test_rows(some("digits", 200), 0)
    plan = make_plan(training, 4)
    spread = training.values.std(0)
    corrupted = corrupt_once(choose_test_corruption(plan.rows), test, plan.names, spread)
    pca = PCA(4).fit(training.values)
    for key, given in (("squared_error", test.values), ("squared_error_corrupted", corrupted.values)):
        made = pca.inverse_transform(pca.transform(given))
        expected = ((test.values - made) ** 2).sum(1).mean()
        np.testing.assert_allclose(float(estimate(digits.record, "linear", key)), expected, rtol=1e-9)


def test_pictures_show_what_every_model_made_of_the_same_rows(digits):
    exhibits = digits.exhibits
    assert exhibits["image_shape"] == (8, 8)
    for kind in ("clean", "corrupted"):
        shapes = {rows.shape for rows in exhibits[kind].values()}
        assert len(exhibits[kind]) == 8
        assert shapes == {(12, 64)}
    share = (exhibits["corrupted"]["originals"] != exhibits["clean"]["originals"]).mean()
    assert 0 < share < 0.3


def test_the_over_complete_latent_is_twice_the_columns_and_held_back_for_wide_data(digits):
    assert digits.record["models"]["overcomplete"]["latent"] == 128
    assert digits.record["models"]["vae"]["latent"] == 4
    wide = make_plan(np.random.default_rng(0).normal(size=(20, 300)), None)
    assert wide.overcomplete == 512
    assert "held to 512" in wide.notes[0]


def test_a_table_of_numbers_has_the_squared_errors_of_the_array():
    data = some("wine", 120)
    table = table_from_array(np.asarray(data.values, float), data.names)
    of_array, of_table = (compare(rows, 2, names=("linear",)).record for rows in (data, table))
    for key in ("squared_error", "r_squared", "copy_index", "copy_index_of_pca"):
        np.testing.assert_allclose(float(estimate(of_table, "linear", key)), float(estimate(of_array, "linear", key)))


def test_where_the_network_has_densities_so_have_linear_models_and_their_log_likelihood_is_exact():
    record = compare(some("wine", 120), 2, names=LINEAR).record
    assert record["measure"] == "lebesgue"
    assert estimate(record, "fa", "log_likelihood").direction == "exact"
    assert record["models"]["fa"]["columns"]["bits_per_dimension"] is None
    assert any("'proline'" in note for note in record["notes"])


def test_counts_beside_large_whole_numbers_have_each_the_measure_of_the_network():
    generator = np.random.default_rng(0)
    factor = generator.normal(size=200)
    columns = [generator.poisson(np.exp(0.5 * factor + 1)), np.round(50 * factor + 500), factor]
    record = compare(table_from_array(np.column_stack(columns), ("seen", "metres", "height")), 1, names=LINEAR).record
    check_cells(record)
    for name in LINEAR:
        model = record["models"][name]
        assert model["columns"]["squared_error"] is not None
        assert model["columns"]["distortion"] is not None
    assert record["measure"] == "mixed"
    assert estimate(record, "fa", "log_likelihood").direction == "lower"


def test_words_are_refused_by_linear_models_in_a_row_of_their_own():
    record = compare(table_from_frame(mixed_frame(100)), 2, epochs=1, names=("linear", "fa", "autoencoder")).record
    check_cells(record)
    for name in ("linear", "fa"):
        assert "holds words" in record["models"][name]["error"]
    assert record["models"]["autoencoder"]["columns"]["distortion_corrupted"] is not None
    assert any("'person' is set aside" in note for note in record["notes"])


def test_holes_are_taken_by_probabilistic_linear_models_and_refused_by_pca():
    data = some("iris", 100)
    holed = np.where(np.random.default_rng(1).random(data.values.shape) < 0.1, np.nan, data.values)
    record = compare(table_from_array(holed, data.names), 2, names=LINEAR).record
    check_cells(record)
    assert "contains NaN" in record["models"]["linear"]["error"]
    for name in ("ppca", "fa"):
        assert record["models"][name]["error"] is None
        assert estimate(record, name, "log_likelihood").direction == "exact"
        assert "without holes" in record["models"][name]["blanks"]["copy_index"]


def test_where_no_model_can_be_fitted_the_comparison_fails():
    words = Table("t", tuple(c for c in table_from_frame(mixed_frame(40)).columns if c.categories is not None))
    with pytest.raises(ValueError, match="no model can be fitted to t"):
        compare(words, 1, names=("linear",))


def test_a_latent_that_is_no_bottleneck_is_refused():
    with pytest.raises(ValueError, match="latent size 13 is not below the 13 columns"):
        compare(some("wine", 50), 13)


def test_corruption_is_the_same_every_time_and_keeps_to_its_kind():
    data = load_bundled("iris")
    plan = make_plan(data, 2)
    corruption = choose_test_corruption(plan.rows)
    spread = np.ones(4)
    noisy = [corrupt_once(corruption, data, plan.names, spread).values for _ in range(2)]
    np.testing.assert_array_equal(*noisy)
    assert abs((noisy[0] - data.values).std() - 0.5) < 0.05


def test_swapped_values_come_from_the_same_column_and_holes_stay():
    table = table_from_frame(mixed_frame(80))
    plan = make_plan(table, 2)
    swapped = corrupt_once(choose_test_corruption(plan.rows), table, plan.names, np.ones(len(plan.names)))
    changed = 0
    for before, after in zip(table.columns, swapped.columns, strict=True):
        np.testing.assert_array_equal(before.observed, after.observed)
        assert set(after.values[after.observed]) <= set(before.values[before.observed])
        changed += int((before.values != after.values)[before.observed].sum())
    assert 0 < changed < 0.2 * numbers_of(table, plan.names).size
