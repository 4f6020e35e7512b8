"""The page of a comparison, from a record and exhibits made by hand."""

import numpy as np
import pytest

from isthmus.information import Estimate
from isthmus.report import write_comparison_report
from isthmus.report.compare_page import HEADINGS

TITLES = {"linear": ("PCA", "PCA"), "fa": ("factor analysis", "FA"), "vae": ("VAE", "VAE")}


def model(name, error=None, **columns):
    title, label = TITLES[name]
    found = {key: columns.get(key) for key in HEADINGS}
    return {
        "title": title,
        "label": label,
        "latent": 2,
        "columns": {key: None if entry is None else entry.to_dict() for key, entry in found.items()},
        "blanks": {key: error or "it has no <prior>" for key, entry in found.items() if entry is None},
        "parameters": None if error else 1234,
        "seconds": None if error else 0.5,
        "error": error,
        "warnings": [],
    }


def record(gap=-3.0):
    nats = Estimate(12.5, "nats", "exact", 0.0, 0.25)
    best = Estimate(-20.0, "nats", "lower", 0.0, 0.5)
    difference = Estimate(gap, "nats", "upper", 0.0, 0.5)
    return {
        "data": "t",
        "latent": 2,
        "seed": 0,
        "epochs": None,
        "columns": 3,
        "training_rows": 80,
        "test_rows": 20,
        "measure": "lebesgue",
        "corruption": {"kind": "gaussian", "level": 0.5, "description": "noise"},
        "best_log_likelihood": "vae",
        "notes": [],
        "models": {
            "linear": model("linear", error="column 'a' holds words"),
            "fa": model("fa", distortion=nats, rate=nats, log_likelihood=best, log_likelihood_to_best=difference),
            "vae": model("vae", distortion=nats, rate=nats, log_likelihood=best),
        },
    }


def numbers(image_shape=None):
    rows = np.arange(12.0).reshape(4, 3) if image_shape is None else np.ones((4, 6))
    names = ["a", "b", "c"] if image_shape is None else list("abcdef")
    blocks = {"originals": rows, "FA": rows + 1, "VAE": rows}
    return {"columns": names, "image_shape": image_shape, "numeric": True, "clean": blocks, "corrupted": blocks}


def words():
    blocks = {"originals": [["red", ""]], "VAE": [["blue", "2"]]}
    return {"columns": ["colour", "size"], "image_shape": None, "numeric": False, "clean": blocks, "corrupted": blocks}


@pytest.mark.parametrize("exhibits", [numbers(), numbers((2, 3)), words()])
def test_a_page_is_drawn_of_tables_images_and_words(tmp_path, exhibits):
    page = write_comparison_report(record(), exhibits, tmp_path / "compare.html").read_text()
    assert "12.500" in page
    assert "1,234" in page
    assert "column &#39;a&#39; holds words" in page
    assert "it has no &lt;prior&gt;" in page
    assert ("<td>blue</td>" in page) == (not exhibits["numeric"])


@pytest.mark.parametrize(
    ("gap", "sentence"),
    [(-3.0, "Factor analysis lies at least 3 ± 0.5 nats a row below it."), (-0.5, "cannot be told from it")],
)
def test_the_verdict_follows_from_two_standard_errors(tmp_path, gap, sentence):
    page = write_comparison_report(record(gap), numbers(), tmp_path / "compare.html").read_text()
    assert sentence in page
