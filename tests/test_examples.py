"""The examples, the code blocks of the README and the docs, and the docstrings' examples all run."""

import doctest
import importlib
import pkgutil
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import isthmus
from mixed_frame import mixed_frame

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [
    module.name for module in pkgutil.walk_packages(isthmus.__path__, "isthmus.") if "__main__" not in module.name
]


def python_blocks(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_examples_run(example, capsys):
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=lambda path: path.name)
def test_code_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # As they stand on the page, but fits whose length is not given are shorter: what they reach is not looked at.
    monkeypatch.setattr("isthmus.estimators.training.STEP_BUDGET", 200)
    mixed_frame(60).to_csv("mytable.csv", index=False)
    mixed_frame(10, seed=1).to_csv("new.csv", index=False)
    exec(compile("\n".join(python_blocks(page)), str(page), "exec"), {})


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_an_own_model_takes_fewer_than_forty_lines():
    assert len((ROOT / "examples/own_model.py").read_text().splitlines()) < 40


def test_importing_starts_nothing():
    code = (
        "import isthmus, sys; assert 'jax' not in sys.modules\n"
        "isthmus.fit; import jax; assert not jax.config.jax_enable_x64"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_resolves():
    for name in isthmus.__all__:
        assert getattr(isthmus, name) is not None
    with pytest.raises(AttributeError):
        isthmus.nothing  # noqa: B018
