"""A filled CSV file differs from its source in the holes only, byte by byte, and says what fills them."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holed_frames import filled_like_the_last
from isthmus.data import DataError, read_table
from isthmus.data.filling import fill_file

HOLES = ["", "NA", "NaN", "null", "?"]
VALUES = {
    "integers": st.integers(-999, 999).map(str),
    "fractions": st.integers(-99999, 99999).map(lambda value: f"{value / 100:.2f}"),
    "words": st.sampled_from(["red", "grün", 'with "quotes"', "a,b;c\td", "two\nlines", " padded ", "x"]),
    "days": st.dates().map(str),
    "moments": st.datetimes(timezones=st.just(None)).map(lambda moment: str(moment.replace(microsecond=0))),
    "truth": st.sampled_from(["True", "False"]),
}


@st.composite
def files(draw):
    """(a pattern with a group in each hole, the text) of a file with a header and holes."""
    delimiter, line_end = draw(st.sampled_from([",", ";", "\t"])), draw(st.sampled_from(["\n", "\r\n"]))
    quoted, last = draw(st.booleans()), draw(st.booleans())
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=2, max_size=4))
    rows = [[draw(st.sampled_from(HOLES) | VALUES[kind]) for kind in kinds] for _ in range(draw(st.integers(1, 6)))]

    def spelled(kind, said):
        said = said.replace(".", ",") if kind == "fractions" and delimiter == ";" else said
        plain = not quoted and not any(mark in said for mark in (delimiter, '"', "\n"))
        return said if plain else '"' + said.replace('"', '""') + '"'

    lines = [[f"{kind} {i}" for i, kind in enumerate(kinds)]]
    lines += [[spelled(kind, said) for kind, said in zip(kinds, row, strict=True)] for row in rows]
    pattern = [[re.escape(name) for name in lines[0]]]
    for line, row in zip(lines[1:], rows, strict=True):
        pattern.append(["(.*?)" if said in HOLES else re.escape(field) for field, said in zip(line, row, strict=True)])
    text, law = (line_end.join(delimiter.join(line) for line in table) for table in (lines, pattern))
    return law + line_end * last, text + line_end * last


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=files(), encoding=st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16"]))
def test_only_holes_change(tmp_path, file, encoding):
    law, text = file
    source, output = tmp_path / "t.csv", tmp_path / "filled.csv"
    source.write_bytes(text.encode(encoding))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        table = filled_like_the_last(read_table(str(source)))
        fill_file(source, output, table)
        again = read_table(str(output))
    assert re.fullmatch(law, output.read_bytes().decode(encoding), re.DOTALL)
    assert output.read_bytes().startswith(source.read_bytes()[:2])
    for column, expected in zip(again.columns, table.columns, strict=True):
        assert (column.name, column.categories) == (expected.name, expected.categories)
        assert column.observed.all()
        np.testing.assert_array_equal(column.values, expected.values)


PIECES = st.sampled_from([*'a1-+.,;"\n\r\t 0:?é', "NA", "1,5", "2020-01-02", "10:20", "1 234", "1.234", "inf", "1e400"])


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=40) | st.lists(PIECES, min_size=1).map("".join).map(str.encode))
def test_any_bytes_are_a_table_or_refused(tmp_path, content):
    source, output = tmp_path / "t.csv", tmp_path / "filled.csv"
    source.write_bytes(content)
    try:
        table = read_table(str(source))
        fill_file(source, output, filled_like_the_last(table))
    except DataError as error:
        assert "t.csv" in str(error)  # noqa: PT017
        return
    fill_file(source, output, table)
    assert output.read_bytes() == content


# What the file holds, the numbers or words that fill the holes of its column "a", and what it holds then.
SPELLED = {
    "as many decimals as there are": ("a,b\n1.5,x\n,y\n0.25,z\n", [2 / 3], "a,b\n1.5,x\n0.67,y\n0.25,z\n"),
    "whole numbers": ("a,b\n1,x\n,y\n", [2.7], "a,b\n1,x\n3,y\n"),
    "whole numbers as pandas holds them": ("a,b\n1.0,x\n,y\n", [2.7], "a,b\n1.0,x\n3.0,y\n"),
    "no minus before zero": ("a,b\n0.1,x\n,y\n", [-0.01], "a,b\n0.1,x\n0.0,y\n"),
    "exponents": ("a,b\n1e-9,x\n,y\n", [2.5e-9], "a,b\n1e-9,x\n2.5e-09,y\n"),
    "decimal commas": ("a;b\n1,5;x\n?;y\n", [-2.25], "a;b\n1,5;x\n-2,2;y\n"),
    "decimal commas, quoted": ('a,b\n"1,5",x\nNA,y\n', [2.5], 'a,b\n"1,5",x\n"2,5",y\n'),
    "thousands": ("a;b\n1 234,5;x\n;y\n", [9876543], "a;b\n1 234,5;x\n9 876 543,0;y\n"),
    "spaces around": ("a , b\n 1 , x\n NA , y\n", [7], "a , b\n 1 , x\n 7 , y\n"),
    "quoted holes": ('"a","b"\r\n"1","x"\r\n"","y"\r\n', [7], '"a","b"\r\n"1","x"\r\n"7","y"\r\n'),
    "one column": ("a\n1\n\n3", [2], "a\n1\n2\n3"),
    "no header": ("1,x\n,2020\n", [3], "1,x\n3,2020\n"),
    "an unnamed index": (",a\n0,1\n1,\n", [7], ",a\n0,1\n1,7\n"),
    "words": ("a,b\nred,1\n,2\nblue,3\n", ["red"], "a,b\nred,1\nred,2\nblue,3\n"),
    "words that want quotes": ('a,b\n"x, ""y""",1\n,2\nz,3\n', ['x, "y"'], 'a,b\n"x, ""y""",1\n"x, ""y""",2\nz,3\n'),
    "truth values": ("a,b\nTrue,1\n,2\n", ["true"], "a,b\nTrue,1\nTrue,2\n"),
    "days": ("a,b\n1970-01-02,1\n,2\n", [200_000], "a,b\n1970-01-02,1\n1970-01-03,2\n"),
    "days out of reach": ("a,b\n1970-01-02,1\n,2\n", [1e15], "a,b\n1970-01-02,1\n9999-12-31,2\n"),
    "moments": ("a,b\n1970-01-02T03:00,1\n-,2\n", [86_400 * 2 + 3601], "a,b\n1970-01-02T03:00,1\n1970-01-03T01:00,2\n"),
    "midnights": ("a,b\n1970-01-02 00:00:00,1\n,2\n", [1e5], "a,b\n1970-01-02 00:00:00,1\n1970-01-02 00:00:00,2\n"),
    "parts of seconds": (
        "a,b\n1970-01-01 00:00:00.25,1\n,2\n",
        [7.126],
        "a,b\n1970-01-01 00:00:00.25,1\n1970-01-01 00:00:07.13,2\n",
    ),
    "zones": (
        "a,b\n1970-01-01T02:00:00+02:00,1\n,2\n1970-01-01T00:00:01Z,3\n",
        [60],
        "a,b\n1970-01-01T02:00:00+02:00,1\n1970-01-01T02:01:00+02:00,2\n1970-01-01T00:00:01Z,3\n",
    ),
    "times of day": ("a,b\n01:30,1\n,2\n00:01,3\n", [7261], "a,b\n01:30,1\n02:01,2\n00:01,3\n"),
    "times beyond the day": ("a,b\n01:30:01,1\n,2\n", [1e6], "a,b\n01:30:01,1\n23:59:59,2\n"),
    "Excel's first line": ("sep=;\na;b\n1,5;1\n;2\n", [2], "sep=;\na;b\n1,5;1\n2,0;2\n"),
    "carriage returns": ("a,b\r1,x\r,y\r", [2], "a,b\r1,x\r2,y\r"),
    "quoted line ends before": ('a,b\n1,"x\n\ny"\n,z\n', [2], 'a,b\n1,"x\n\ny"\n2,z\n'),
}


def fill(tmp_path, content, values, name="a"):
    """What the file holds once the holes of a column are filled; the table of that column alone fills them."""
    source = tmp_path / "t.csv"
    source.write_bytes(content.encode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        table = read_table(str(source))
    column = next((column for column in table.columns if column.name == name), table.columns[0])
    said = [column.categories.index(value) for value in values] if column.categories else values
    filled = column.values.copy()
    filled[~column.observed] = said
    column = replace(column, values=filled, observed=np.ones_like(column.observed))
    fill_file(source, tmp_path / "filled.csv", replace(table, columns=(column,)))
    return (tmp_path / "filled.csv").read_bytes().decode()


@pytest.mark.parametrize("name", SPELLED)
def test_what_fills_a_hole_is_spelled_as_its_column(tmp_path, name):
    content, values, expected = SPELLED[name]
    assert fill(tmp_path, content, values) == expected


def test_a_hole_without_a_value_stays(tmp_path):
    source = tmp_path / "t.csv"
    source.write_text("a,b\n1,\nNA,x\n3,?\n")
    table = read_table(str(source))
    fill_file(source, tmp_path / "filled.csv", table)
    assert (tmp_path / "filled.csv").read_bytes() == source.read_bytes()


def test_a_file_is_filled_in_place(tmp_path):
    source = tmp_path / "t.tsv"
    source.write_text("a\tb\n1\t\n2\t5\n")
    fill_file(source, source, filled_like_the_last(read_table(str(source))))
    assert source.read_text() == "a\tb\n1\t5\n2\t5\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,\n2,5\n3,6\n", r"t\.csv has 3 rows and what should fill it has 2; fill the table that was read"),
        ("a,c\n1,\n2,5\n", r"t\.csv has no column 'b' to fill"),
        ("a,b\n1,\n2,x\n", "column 'b' holds categories, and what should fill it does not"),
        ("a,b\n1,\n2,3,4\n", "line 3 has 3 fields, expected 2"),
    ],
)
def test_a_table_of_another_file_is_refused(tmp_path, content, reason):
    (tmp_path / "of.csv").write_text("a,b\n1,\n2,5\n")
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=reason):
        fill_file(tmp_path / "t.csv", tmp_path / "out.csv", filled_like_the_last(read_table(str(tmp_path / "of.csv"))))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("source", "output", "reason"),
    [
        ("t.csv", "t.parquet", "cannot be filled into .*; expected the same ending of both"),
        ("t.npz", "t2.npz", r"one of \.csv, \.tsv, \.parquet, \.npy"),
        ("t.csv", "absent/t.csv", "there is no directory .*absent"),
    ],
)
def test_a_place_that_cannot_be_filled_is_refused(tmp_path, source, output, reason):
    with pytest.raises(DataError, match=reason):
        fill_file(tmp_path / source, tmp_path / output, read_table("iris"))


def test_what_is_no_number_fills_nothing(tmp_path):
    with pytest.raises(DataError, match="column 'a' would be filled with NaN or infinity"):
        fill(tmp_path, "a,b\n1,x\n,y\n", [np.nan])
