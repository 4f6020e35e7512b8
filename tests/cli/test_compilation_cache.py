"""What the command line compiles is kept for its next call, where the user alone can write; imports change nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus.cli import compilation_cache
from isthmus.cli.compilation_cache import JAX_DIRECTORY, VARIABLE, use_compilation_cache

POSIX = pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are those of POSIX")


def test_jax_is_told_of_a_directory_of_this_compiler_and_processor(tmp_path):
    environment = {VARIABLE: str(tmp_path)}
    place = use_compilation_cache(environment)
    assert place is not None
    assert place.parent == tmp_path
    assert place.name.startswith("jaxlib-")
    assert environment[JAX_DIRECTORY] == str(place)
    assert place.stat().st_mode & 0o077 == 0 or os.name == "nt"


def test_another_processor_has_another_directory(tmp_path, monkeypatch):
    first = use_compilation_cache({VARIABLE: str(tmp_path)})
    other = tmp_path / "cpuinfo"
    other.write_text("flags\t: fpu avx9\n")
    monkeypatch.setattr(compilation_cache, "PROCESSOR", other)
    assert use_compilation_cache({VARIABLE: str(tmp_path)}) != first


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a place of their own")
def test_the_users_cache_is_the_default(tmp_path):
    place = use_compilation_cache({"XDG_CACHE_HOME": str(tmp_path)})
    assert place is not None
    assert place.parent == tmp_path / "isthmus"


@pytest.mark.parametrize("environment", [{VARIABLE: "off"}, {JAX_DIRECTORY: "elsewhere"}], ids=str)
def test_a_choice_already_made_is_left_alone(environment):
    before = dict(environment)
    assert use_compilation_cache(environment) is None
    assert environment == before


@POSIX
def test_a_directory_that_others_can_write_to_is_not_used(tmp_path):
    place = use_compilation_cache({VARIABLE: str(tmp_path)})
    assert place is not None
    place.chmod(0o777)
    assert use_compilation_cache({VARIABLE: str(tmp_path)}) is None


def test_where_no_directory_can_be_made_nothing_is_kept(tmp_path):
    (tmp_path / "file").write_text("in the way")
    environment = {VARIABLE: str(tmp_path / "file")}
    assert use_compilation_cache(environment) is None
    assert JAX_DIRECTORY not in environment


def test_more_than_is_worth_keeping_is_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr(compilation_cache, "MOST_BYTES", 10)
    place = use_compilation_cache({VARIABLE: str(tmp_path)})
    assert place is not None
    (place / "small").write_bytes(bytes(10))
    use_compilation_cache({VARIABLE: str(tmp_path)})
    assert (place / "small").exists()
    (place / "more").write_bytes(bytes(1))
    use_compilation_cache({VARIABLE: str(tmp_path)})
    assert list(place.iterdir()) == []


def test_importing_isthmus_asks_for_nothing(tmp_path):
    code = (
        "import os, isthmus, isthmus.cli, isthmus.models, jax\n"
        "assert jax.config.jax_compilation_cache_dir is None\n"
        "assert not [name for name in os.environ if name.startswith('JAX_')]"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=Path(tmp_path))


@pytest.mark.slow
def test_a_warm_cache_gives_the_same_model_to_the_bit(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    models = []
    for run in ("cold", "warm"):
        command = [sys.executable, "-m", "isthmus", "fit", "wine", "--epochs", "3", "--out", str(tmp_path / run)]
        environment = {**kept, VARIABLE: str(tmp_path / "cache")}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        models.append((tmp_path / run / "model.safetensors").read_bytes())
    assert any((tmp_path / "cache").rglob("*-cache"))
    assert models[0] == models[1]
