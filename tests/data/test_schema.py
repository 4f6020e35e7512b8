"""The schema of a table: what columns are taken for, and the way of their values to a model and back."""

import json
import warnings
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from isthmus.data import DataError, TableSchema, choose_schema, table_from_frame
from isthmus.data.kinds import KINDS
from isthmus.data.likelihood_names import LIKELIHOODS

MANY = [f"{i:05d}" for i in range(20_000)]
ROWS = 60
GENERATOR = np.random.default_rng(0)
GRADES = ["low", "mid", "high"]
FRAME = pd.DataFrame(
    {
        "height": GENERATOR.normal(170.0, 8.0, ROWS),
        "seconds": 1.7e9 + GENERATOR.normal(0.0, 3e4, ROWS),
        "jump": np.append(GENERATOR.normal(0.0, 1.0, ROWS - 1), 1e4),
        "price": GENERATOR.lognormal(3.0, 1.5, ROWS),
        "visits": GENERATOR.poisson(np.full(ROWS, 4.0)),
        "clicks": GENERATOR.geometric(0.05, ROWS),
        "smoker": np.tile(["no", "yes", "yes"], ROWS // 3),
        "side": np.tile([-1.0, 2.5], ROWS // 2),
        "town": [f"town {i % 7}" for i in range(ROWS)],
        "grade": pd.Categorical([GRADES[i % 3] for i in range(ROWS)], categories=GRADES, ordered=True),
        "stars": 1 + np.arange(ROWS) % 5,
        "day": pd.to_datetime(np.int64(1.7e9) + 86400 * GENERATOR.integers(0, 900, ROWS), unit="s"),
        "planet": ["earth"] * ROWS,
    }
)
TAKEN_AS = {
    "height": ("real", "normal"),
    "seconds": ("real", "normal"),
    "jump": ("real", "student_t"),
    "price": ("positive", "log_normal"),
    "visits": ("count", "poisson"),
    "clicks": ("count", "negative_binomial"),
    "smoker": ("binary", "bernoulli"),
    "side": ("binary", "bernoulli"),
    "town": ("categorical", "categorical"),
    "grade": ("ordinal", "cumulative_logit"),
    "stars": ("ordinal", "cumulative_logit"),
    "day": ("datetime", "normal"),
    "planet": ("categorical", "categorical"),
}
TABLE = table_from_frame(FRAME)
SCHEMA = choose_schema(TABLE)


def schema_of(**columns):
    return choose_schema(table_from_frame(pd.DataFrame(columns)))


def column_of(schema, name):
    return schema.columns[schema.names.index(name)]


@pytest.mark.parametrize("name", TAKEN_AS)
def test_each_kind_has_its_likelihood(name):
    column = column_of(SCHEMA, name)
    assert (column.kind, column.likelihood) == TAKEN_AS[name]
    assert column.reason


def test_every_likelihood_and_every_kind_but_identifiers_is_chosen_somewhere():
    assert {likelihood for _, likelihood in TAKEN_AS.values()} == set(LIKELIHOODS)
    assert {kind for kind, _ in TAKEN_AS.values()} == set(KINDS) - {"identifier"}


REQUESTS = {
    "a likelihood of another kind": ("price", "student_t", ("real", "student_t")),
    "a kind": ("stars", "real", ("real", "normal")),
    "words told apart, though in order": ("grade", "categorical", ("categorical", "categorical")),
    "grades as counts": ("stars", "count", ("count", "poisson")),
    "counts as grades": ("visits", "ordinal", ("ordinal", "cumulative_logit")),
    "a moment stays one under a normal": ("day", "student_t", ("datetime", "student_t")),
    "two words in order": ("smoker", "ordinal", ("ordinal", "cumulative_logit")),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_overrules_inspection(case):
    name, wish, taken_as = REQUESTS[case]
    column = column_of(choose_schema(TABLE, {name: wish}), name)
    assert (column.kind, column.likelihood, column.reason) == (*taken_as, "requested")


REFUSED = {
    "no such column": ("weight", "real", "no column 'weight' in X"),
    "no such kind": ("height", "gauss", "column 'height' cannot be 'gauss'; expected a kind"),
    "three levels as two": ("grade", "binary", "column 'grade' cannot be binary: it holds 3 different"),
    "words as numbers": ("town", "real", "column 'town' cannot be real: it holds words such as 'town 0'"),
    "numbers as moments": ("height", "datetime", "column 'height' cannot be datetime"),
    "a sign where there is none": ("side", "log_normal", "column 'side' cannot be positive: it holds -1"),
    "fractions as counts": ("price", "poisson", "column 'price' cannot be a count: it holds"),
    "one grade": ("planet", "ordinal", "column 'planet' cannot be ordinal: it never varies"),
    "one word as a number": ("planet", "normal", "column 'planet' cannot be real: it holds words"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_values_cannot_be_is_refused_by_name(case):
    name, wish, message = REFUSED[case]
    with pytest.raises(DataError, match=message):
        choose_schema(TABLE, {name: wish})


def test_a_number_that_never_varies_is_no_measurement():
    with pytest.raises(DataError, match="column 'a' cannot be real: it never varies"):
        choose_schema(table_from_frame(pd.DataFrame({"a": [2.0] * 9})), {"a": "real"})


@pytest.mark.parametrize("name", TAKEN_AS)
def test_values_come_back(name):
    place = SCHEMA.names.index(name)
    values, observed = SCHEMA.encode(TABLE)
    back, given = SCHEMA.decode(values).columns[place], TABLE.columns[place]
    assert observed.all()
    assert values.dtype == np.float32
    assert (back.categories, back.ordered, back.temporal) == (given.categories, given.ordered, given.temporal)
    column = SCHEMA.columns[place]
    if column.levels is not None or column.kind == "count":
        np.testing.assert_array_equal(back.values, given.values)
    else:
        # float32 resolves each u to 6e-8 of itself; of log x that is the relative error of x.
        size = given.values if column.kind == "positive" else 1.0
        error = 2.0**-24 * np.maximum(np.abs(values[:, place]), 1e-3) * column.scale * size
        assert (np.abs(back.values - given.values) <= 2.0 * error + 1e-14 * np.abs(given.values)).all()


def test_holes_are_unobserved_and_zero():
    holed = FRAME.where(pd.Series(np.arange(ROWS) % 2 == 0), axis=0)
    values, observed = SCHEMA.encode(table_from_frame(holed))
    np.testing.assert_array_equal(observed, np.tile([[True], [False]], (ROWS // 2, len(TAKEN_AS))))
    assert (values[1::2] == 0).all()
    np.testing.assert_array_equal(values[::2], SCHEMA.encode(TABLE)[0][::2])


@pytest.mark.parametrize(
    ("name", "value", "shown"), [("town", "Ys", "'Ys'"), ("stars", 9, "9"), ("side", 0.0, "0"), ("planet", "mars", "")]
)
def test_a_value_that_training_did_not_hold_is_unseen_with_a_warning(name, value, shown):
    row = FRAME[:2].astype({name: object}).assign(**{name: [FRAME[name][0], value]}).infer_objects()
    with pytest.warns(UserWarning, match=f"column '{name}' holds {shown}.* 1 in {ROWS + 1}"):
        values, observed = SCHEMA.encode(table_from_frame(row))
    assert values[1, SCHEMA.names.index(name)] == -1
    assert values[0, SCHEMA.names.index(name)] >= 0
    assert observed.all()


def test_a_missing_column_is_unobserved_with_a_warning():
    with pytest.warns(UserWarning, match="lacks column 'town': taken as unobserved"):
        values, observed = SCHEMA.encode(table_from_frame(FRAME.drop(columns="town")))
    place = SCHEMA.names.index("town")
    assert not observed[:, place].any()
    assert np.delete(observed, place, axis=1).all()
    np.testing.assert_array_equal(np.delete(values, place, 1), np.delete(SCHEMA.encode(TABLE)[0], place, 1))


def test_a_table_without_any_of_the_columns_is_refused():
    with pytest.raises(DataError, match="none of the 13 columns"):
        SCHEMA.encode(table_from_frame(pd.DataFrame({"other": [1.0, 2.0]})))


def test_columns_are_found_by_name_in_any_order():
    np.testing.assert_array_equal(
        SCHEMA.encode(table_from_frame(FRAME[FRAME.columns[::-1]])), SCHEMA.encode(TABLE), strict=True
    )


def test_an_unknown_column_is_left_out_with_a_warning():
    with pytest.warns(UserWarning, match="has column 'shoe', which the model was not fitted to: left out"):
        values, _ = SCHEMA.encode(table_from_frame(FRAME.assign(shoe=42.0)))
    np.testing.assert_array_equal(values, SCHEMA.encode(TABLE)[0])


@pytest.mark.parametrize("value", ["tall", pd.Timestamp("2024-01-31")])
def test_a_column_of_another_type_is_refused_by_name(value):
    with pytest.raises(DataError, match="column 'height'"):
        SCHEMA.encode(table_from_frame(FRAME.astype({"height": object}).assign(height=value)))


SET_ASIDE = {
    "an identifier": ([f"customer {i}" for i in range(40)], None, "identifier"),
    "an identifier by request": ([1.0, 2.0] * 20, {"a": "identifier"}, "as requested"),
    "no value": ([np.nan] * 40, None, "holds no value"),
    "more words than are told apart": ([f"word {i}" for i in range(1001)] * 2, None, "1001 different words"),
}


@pytest.mark.parametrize("case", SET_ASIDE)
def test_what_cannot_be_modelled_is_set_aside_with_a_warning_and_left_out_in_silence(case):
    values, requested, reason = SET_ASIDE[case]
    frame = pd.DataFrame({"a": values, "b": np.linspace(0.0, 1.0, len(values))})
    with pytest.warns(UserWarning, match=f"column 'a' is set aside: .*{reason}"):
        schema = choose_schema(table_from_frame(frame), requested)
    assert schema.names == ("b",)
    assert [name for name, _ in schema.set_aside] == ["a"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert schema.encode(table_from_frame(frame))[0].shape == (len(values), 1)


def test_a_table_of_nothing_but_columns_set_aside_is_refused():
    with pytest.warns(UserWarning, match="set aside"), pytest.raises(DataError, match="no column to model"):
        schema_of(a=[np.nan, np.nan])


@pytest.mark.parametrize("value", [3.0, "earth", pd.Timestamp("2024-01-31"), True])
def test_a_constant_column_has_one_level(value):
    schema = schema_of(a=[value] * 5)
    (column,) = schema.columns
    assert (column.likelihood, len(column.levels or ()), column.shares) == ("categorical", 1, (1.0,))
    table = table_from_frame(pd.DataFrame({"a": [value]}))
    values, _ = schema.encode(table)
    assert values == 0
    assert schema.decode(values).columns[0].as_text() == table.columns[0].as_text()


def test_ordered_words_keep_a_level_that_was_never_seen():
    seen = pd.Categorical(["low", "high", "top", "low"], categories=[*GRADES, "top"], ordered=True)
    (column,) = schema_of(a=seen).columns
    assert column.levels == (*GRADES, "top")
    np.testing.assert_allclose(column.shares or (), [3 / 8, 1 / 8, 2 / 8, 2 / 8])


def test_two_of_three_ordered_words_are_no_coin():
    seen = pd.Categorical(["low", "high"] * 10, categories=GRADES, ordered=True)
    (column,) = schema_of(a=seen).columns
    assert column.likelihood == ("bernoulli" if len(column.levels or ()) == 2 else "cumulative_logit")


def test_whole_numbers_beyond_counting_are_measured():
    (column,) = schema_of(a=np.append(1, GENERATOR.geometric(1e-5, ROWS))).columns
    assert column.kind == "positive"


def test_a_schema_survives_json():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = choose_schema(table_from_frame(FRAME.assign(name=[f"customer {i}" for i in range(ROWS)])))
    assert schema.set_aside
    again = TypeAdapter(TableSchema).validate_python(json.loads(json.dumps(asdict(schema))))
    assert again == schema
    assert [list(map(type, column.levels or ())) for column in again.columns] == [
        list(map(type, column.levels or ())) for column in schema.columns
    ]


def test_more_levels_than_are_told_apart_are_set_aside_or_refused():
    """20,000 ordered categories are set aside by inspection, and refused of any kind that tells values apart."""
    ordered = pd.Categorical(MANY[:ROWS], categories=MANY, ordered=True)
    frame = pd.DataFrame({"level": ordered, "height": np.arange(float(ROWS))})
    with pytest.warns(UserWarning, match="'level' is set aside: it has 20000 ordered categories, and 16384 at most"):
        assert choose_schema(table_from_frame(frame)).names == ("height",)
    numbers = pd.DataFrame({"level": np.arange(20_000.0)})
    for table, kind in ((frame, "ordinal"), (numbers, "ordinal"), (numbers, "categorical")):
        with pytest.raises(DataError, match="column 'level' has 20000 levels, and at most 16384 are told apart"):
            choose_schema(table_from_frame(table), {"level": kind})
