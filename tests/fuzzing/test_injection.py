"""Names of columns, words, labels and files are shown, never obeyed: by pages, terminals, spreadsheets, JSON."""

import csv
import io
import json
import warnings
from html.parser import HTMLParser

import numpy as np
import plotly.graph_objects as go
import pytest
from hostile_words import CONTROLS, FORMULAS, HOSTILE_WORDS, MARKUP

from isthmus.cli import output
from isthmus.cli.errors import WrongCall, one_clear_error
from isthmus.data import fill_file, read_table, write_table
from isthmus.data.formulas import as_text, is_formula
from isthmus.data.table import Column, Table
from isthmus.evidence import measure_dependence
from isthmus.report import write_dependence_report, write_report
from isthmus.report.pages import render
from isthmus.storage import RunDirectory, strict_json
from isthmus.storage.visible import visible


class Elements(HTMLParser):
    """The names of the elements of a page, and what its scripts say."""

    def __init__(self, page):
        super().__init__()
        self.found, self.scripts, self.attributes = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        if self.found and self.found[-1] == "script":
            self.scripts.append(data)


def table_named(names, words=HOSTILE_WORDS):
    generator = np.random.default_rng(41)
    seen = np.ones(60, bool)
    numbers = [Column(name, generator.normal(size=60), seen) for name in names]
    categories = tuple(sorted(words))
    codes = generator.integers(len(categories), size=60)
    return Table("<i>source</i>.csv", (*numbers, Column("<b>word</b>", codes, seen, categories)))


def assert_inert(page):
    elements = Elements(page)
    assert not {"img", "a", "i", "b"} & set(elements.found)
    assert not {name for name in elements.attributes if name.startswith("on")}
    assert not any(control in page[page.index("<body>") :] for control in CONTROLS)


def test_the_page_of_a_table_shows_hostile_names(tmp_path):
    found = measure_dependence(table_named(HOSTILE_WORDS))
    page = write_dependence_report(found, tmp_path / "dependence.html").read_text(encoding="utf-8")
    assert_inert(page)
    assert "{{ 7*7 }}" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_figure_takes_no_text_for_markup_and_ends_no_script():
    figure = go.Figure(go.Heatmap(z=[[1.0] * len(HOSTILE_WORDS)], x=list(HOSTILE_WORDS), y=np.array(["</script>"])))
    page = render("dependence_page.html.jinja", {"heat_map": figure}, **EMPTY_PAGE)
    body = page[page.index("<body>") :]
    for word in MARKUP:
        assert word not in body
    assert body.count("</script>") == body.count("<script")
    # What plotly is given is text too: it would make a link of an <a> in a label.
    assert "\\u003ca href" not in body
    assert "&lt;a href" in body


EMPTY_PAGE = {
    "record": {"data": "x", "rows": 1, "rows_used": 1},
    "sentence": "",
    "edges": [],
    "entropies": [],
}


@pytest.mark.parametrize("word", HOSTILE_WORDS)
def test_the_terminal_shows_hostile_text(capsys, word):
    output.say(f"data {word}")
    table = output._estimates("column", "entropy")
    table.add_row(output.escape(word), "", "", "")
    output.print_whole(table)
    told = capsys.readouterr().out
    assert not any(control in told for control in CONTROLS)
    assert visible(word).replace("\n", "\\n") in told


def test_errors_and_warnings_show_hostile_text(capsys):
    def fail():
        with one_clear_error():
            warnings.warn("column '\x1b[2J\u202e'", UserWarning, stacklevel=1)
            raise WrongCall("no file '\x1b]0;x\x07'")

    with pytest.raises(SystemExit):
        fail()
    told = capsys.readouterr().err
    assert told == "warning: column '\\x1b[2J\\u202e'\nerror: no file '\\x1b]0;x\\x07'\n"


@pytest.mark.parametrize("word", FORMULAS)
def test_formulas_in_a_file_that_we_write_are_text(tmp_path, word):
    with pytest.warns(UserWarning, match="behind an apostrophe"):
        write_table(tmp_path / "t.csv", table_named([word], words=[word, "plain"]))
    rows = list(csv.reader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"), newline="")))
    assert rows[0][0] == f"'{word}"
    assert {row[1] for row in rows[1:]} == {f"'{word}", "plain"}
    write_table(tmp_path / "t.parquet", table_named([word]))
    assert read_table(str(tmp_path / "t.parquet")).columns[0].name == word


@pytest.mark.parametrize("word", ["-1", "+2.5", "-1,234.5", "plain", "a=b", "", "1-2", "-inf"])
def test_numbers_and_plain_words_are_no_formulas(word):
    assert not is_formula(word)
    assert as_text(word) == word


def test_numbers_are_written_as_they_are(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_table(tmp_path / "t.csv", np.array([[-1.5, 2.0]]), ("a", "b"))
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "-1.5,2"


def test_filling_keeps_a_files_own_formulas_and_brings_none(tmp_path):
    source, output_file = tmp_path / "t.csv", tmp_path / "filled.csv"
    source.write_bytes(b"=name,word\n1,=1+1\n2,\n3,\n")
    words = ("=1+1", "=evil()")
    filled = Column("word", np.array([0, 0, 1]), np.ones(3, bool), words)
    fill_file(source, output_file, Table("x", (filled,)))
    assert output_file.read_bytes() == b"=name,word\n1,=1+1\n2,=1+1\n3,'=evil()\n"


@pytest.mark.parametrize("word", HOSTILE_WORDS)
def test_json_keeps_hostile_text(word):
    assert strict_json.decode(json.dumps({word: word})) == {word: word}


DAMAGED = {
    "no object": "[]",
    "not JSON": "{",
    "nothing in it": '{"run": 1, "model": [], "assumptions": {}, "ledger": {}}',
    "a ledger of words": '{"run": "x", "model": "VAE", "assumptions": {"columns": 1}, "ledger": {"rate": "x"}}',
    "assumptions that are none": '{"run": "x", "model": "VAE", "assumptions": null, "ledger": {"rate": null}}',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_records_that_do_not_fit_together_are_one_error(tmp_path, name):
    from isthmus.storage import write_model_file

    run = RunDirectory.create(tmp_path / "run")
    write_model_file(run.model, {}, {})
    write_model_file(run.exhibits, {}, {})
    run.history.write_text("{}\n")
    run.ledger.write_text(DAMAGED[name])
    with pytest.raises(ValueError, match=r"run.* (is damaged|is no record|do not fit together)"):
        write_report(run.path)
    assert not run.report.exists()
