"""CSV files as people have them: encodings, numbers and holes as they spell them, names that need mending."""

import math
import re
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from file_bytes import numbers
from isthmus.data import DataError, read_table
from isthmus.data.csv_files import text_columns
from isthmus.data.csv_text import read_text
from isthmus.data.spelling import HOLES, HOLES_AMONG_NUMBERS, STYLES, NumberStyle

HOLE = None


def read(tmp_path, content):
    """Each column's name and values: numbers, words, or None in a hole."""
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    columns = {}
    for column in read_table(str(path)).columns:
        said = column.values.tolist()
        if column.categories is not None:
            said = [column.categories[code] if column.observed[row] else HOLE for row, code in enumerate(said)]
        columns[column.name] = [value if seen else HOLE for value, seen in zip(said, column.observed, strict=True)]
    return columns


NUMBERS = {
    "thousands, quoted": ('a,b\n"1,234",1\n"12,345,678.5",2\n5,3\n', [1234, 12345678.5, 5], "1,234.5"),
    "thousands by commas alone": ('a,b\n"1,234",1\n"5,678",2\n', [1234, 5678], "1,234.5"),
    "thousands by spaces": ("a;b\n1 234;1\n12 345 678;2\n7;3\n", [1234, 12345678, 7], "1 234.5"),
    "thousands by hard spaces": ("a;b\n1\u00a0234,5;1\n7;3\n", [1234.5, 7], "1\u00a0234,5"),
    "thousands by apostrophes": ("a,b\n1'234.5,1\n-7,3\n", [1234.5, -7], "1'234.5"),
    "decimal commas": ("a;b\n3,14;1\n-2;2\n", [3.14, -2], "1234,5"),
    "decimal commas and points": ("a;b\n1.234,5;1\n999,25;2\n", [1234.5, 999.25], "1.234,5"),
    "points alone, among decimal commas": ("a;b\n1.234;0,5\n9;1\n", [1234, 9], "1.234,5"),
    "a comma that the rest decides": ("a;b\n1,234;0,5\n9,876;1\n", [1.234, 9.876], "1234,5"),
    "a point that the rest decides": ("a;b\n1,234;0.5\n9,876;1\n", [1234, 9876], "1,234.5"),
    "an eighth": ("a;b\n0,125;1\n1,250;2\n", [0.125, 1.25], "1234,5"),
    "holes among them": ("a;b\n3,14;1\n?;2\n-;3\n;4\n2,5;5\n", [3.14, HOLE, HOLE, HOLE, 2.5], "1234,5"),
}


@pytest.mark.filterwarnings("ignore:.* were read as written like:UserWarning")
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_in_another_style_are_numbers_and_said_to_be(tmp_path, name):
    content, expected, style = NUMBERS[name]
    with pytest.warns(UserWarning, match=f"t.csv: numbers in columns 'a'.* were read as written like \"{style}\""):
        assert read(tmp_path, content)["a"] == expected


PLAIN = {
    "currency and percent": ("a,b\n$5,10%\n$7,20%\n", {"a": ["$5", "$7"], "b": ["10%", "20%"]}),
    "telephone numbers": ("a\n030 123 456\n040 123 456\n", {"a": ["030 123 456", "040 123 456"]}),
    "groups of two": ('a,b\n"12,34,567",1\n"1,2",2\n', {"a": ["12,34,567", "1,2"], "b": [1, 2]}),
    "points in a file of commas": ("a,b\n1.234,2\n", {"a": [1.234], "b": [2]}),
    "dashes among words": ("a\nx\n-\nNone\n.\n", {"a": ["x", "-", "None", "."]}),
    "dashes among numbers": ("a\n1\n-\nNone\n.\n", {"a": [1, HOLE, HOLE, HOLE]}),
    "a question mark among words": ("a\nx\n?\nwhy?\n", {"a": ["x", HOLE, "why?"]}),
    "holes in spaces": ("a, b, c\n1, ?, x\n NA, 2, NaN\n", {"a": [1, HOLE], "b": [HOLE, 2], "c": [" x", HOLE]}),
    "holes among dates": ("d,t\n1970-01-02,10:00\n-,?\nNaT,\n", {"d": [86400, HOLE, HOLE], "t": [36000, HOLE, HOLE]}),
    "holes among truth values": ("a\ntrue\n-\nfalse\n", {"a": ["true", HOLE, "false"]}),
    "only dashes": ("a,b\n-,1\n-,2\n", {"a": ["-", "-"], "b": [1, 2]}),
    "dates out of range": (
        "d,e\n99999-01-01,3000-01-01 00:00:00.5\n2020-01-02,2020-01-02\n",
        {"d": ["99999-01-01", "2020-01-02"], "e": ["3000-01-01 00:00:00.5", "2020-01-02"]},
    ),
    "the year 0": ("d\n0000-01-01\n", {"d": [-62167219200]}),
    "a zone": ("d\n1970-01-01T02:00:00+02:00\n1970-01-01T00:00:01Z\n", {"d": [0, 1]}),
    "times of day": ("t\n01:30\n00:00\n", {"t": [5400, 0]}),
    "the index of pandas": (",x\n0,1.5\n1,2.5\n", {"index": [0, 1], "x": [1.5, 2.5]}),
    "the index of pandas, read and written": ("Unnamed: 0,x\n0,1.5\n", {"index": [0], "x": [1.5]}),
    "numbered columns of pandas": (",0,1\n0,1.5,2\n", {"index": [0], "0": [1.5], "1": [2]}),
    "nameless columns": ("index,,x,\n1,2,3,4\n", {"index": [1], "unnamed_1": [2], "x": [3], "unnamed_3": [4]}),
    "names in spaces": (" a , b\n1,2\n", {"a": [1], "b": [2]}),
    "no header, dates": ("2020-01-02,1\n2020-01-03,2\n", {"x0": [1577923200, 1578009600], "x1": [1, 2]}),
    "a row of holes": ("a,b\n1,x\n,\n2,y\n", {"a": [1, HOLE, 2], "b": ["x", HOLE, "y"]}),
    "blank lines": ("\n\na,b\n1,x\n\n2,y\n\n\n", {"a": [1, 2], "b": ["x", "y"]}),
    "blank lines in one column": ("\na\n1\n\n2\n\n\n", {"a": [1, HOLE, 2]}),
    "quoted holes": ('a,b\n"",1\n"NA",""\nx,2\n', {"a": [HOLE, HOLE, "x"], "b": [1, HOLE, 2]}),
    "quoted line ends": ('a,b\n"x\r\ny",1\n"""z,",2\n', {"a": ["x\r\ny", '"z,'], "b": [1, 2]}),
    "delimiters in quotes": ('a,b\n"1;2;3",1\n"4;5;6",2\n', {"a": ["1;2;3", "4;5;6"], "b": [1, 2]}),
    "Excel's first line": ("sep=;\r\na;b\r\n1;x\r\n", {"a": [1], "b": ["x"]}),
    "a very long field": ("a,b\n" + "x" * 3_000_000 + ",1\ny,2\n", {"a": ["x" * 3_000_000, "y"], "b": [1, 2]}),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_file_is_read_without_a_word(tmp_path, name):
    content, expected = PLAIN[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(tmp_path, content) == expected


def test_one_word_leaves_a_column_words(tmp_path):
    with pytest.warns(UserWarning, match="columns 'a' were") as caught:
        columns = read(tmp_path, "a;b\n3,14;x\n2,5;1,5\n")
    assert columns == {"a": [3.14, 2.5], "b": ["x", "1,5"]}
    assert len(caught) == 1


ENCODED = {
    "cp1252": ("stadt,größe\nKöln,1\n„Z“,2\n".encode("cp1252"), "cp1252"),
    "Latin-1": ("stadt,größe\nKöln,1\n\x81,2\n".encode("latin-1"), "latin-1"),
    "far below": (b"stadt,gr\xf6\xdfe\n" + b"K\xf6ln,1\n" * 10**4, "cp1252"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_a_guessed_encoding_is_said(tmp_path, name):
    content, encoding = ENCODED[name]
    with pytest.warns(UserWarning, match=rf"t\.csv is not UTF-8 text and was read as {encoding}; save it as UTF-8"):
        columns = read(tmp_path, content)
    assert list(columns) == ["stadt", "größe"]
    assert columns["stadt"][0] == "Köln"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_encoding_that_says_its_name_needs_no_word(tmp_path, encoding):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns = read(tmp_path, "stadt,größe\r\nKöln,1\r\n".encode(encoding))
    assert columns == {"stadt": ["Köln"], "größe": [1]}


def test_infinity_names_file_and_column(tmp_path):
    with pytest.raises(DataError, match=r"column 'a' of .*t\.csv contains infinity \(first in row 1\)"):
        read(tmp_path, "a,b\n1,2\ninf,3\n")


def test_ten_thousand_categories_are_categories(tmp_path):
    columns = read(tmp_path, "a,b\n" + "".join(f"town {i},{i}\n" for i in range(10_000)))
    assert columns["a"] == [f"town {i}" for i in range(10_000)]


def test_numbers_of_any_style_are_numbers_to_a_data_set(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n3,14;1 000\n-;2\n")
    with pytest.warns(UserWarning, match="columns '[ab]'"):
        values = numbers(read_table(str(tmp_path / "t.csv")))
    np.testing.assert_array_equal(values, [[3.14, 1000], [math.nan, 2]])


def test_the_lists_of_holes_are_those_of_the_documentation():
    assert {"", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "?", "<NA>"} <= HOLES
    assert not HOLES & HOLES_AMONG_NUMBERS
    assert "None" not in HOLES


@settings(deadline=None, max_examples=200)
@given(style=st.sampled_from([*STYLES, NumberStyle("", ".")]), value=st.floats(-1e12, 1e12), decimals=st.integers(0, 4))
def test_a_number_reads_as_it_was_written(style, value, decimals):
    text = style.write(value, decimals)
    assert style.fits([text])
    assert style.read(text) == float(f"{value:.{decimals}f}")


QUOTED = re.compile(r'"(?:[^"]|"")*+".*', re.DOTALL)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(alphabet='ab 1"",,\n\n\r;', min_size=3, max_size=40))
def test_fields_lie_where_arrow_reads_them(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content.encode())
    try:
        text = read_text(tmp_path / "t.csv")
        if text.body >= text.end or len(set(text.names)) < len(text.names):
            return
        expected = [list(row.values()) for row in text_columns(text, raw=True).to_pylist()]
    except DataError:
        return
    records = [[text.content[slice(*field)] for field in text.fields(record)] for record in text.records()]
    if all(QUOTED.fullmatch(field) for record in records for field in record if field.startswith('"')):
        assert [[text.unquoted(field) for field in text.fields(record)] for record in text.records()] == expected
