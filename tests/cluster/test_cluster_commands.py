"""The command line's part in Ray: which calls are wrong, and what must not be imported too early."""

import subprocess
import sys

import pytest

from command_line import call

WRONG = {
    "an address without Ray": (["embed", "run", "in", "-o", "out", "--address", "h:1"], "--address goes with --ray"),
    "columns to keep without Ray": (["score", "run", "in", "-o", "out", "--keep", "id"], "--keep goes with --ray"),
    "a fit's address without Ray": (["fit", "digits", "--address", "h:1"], "--address goes with --ray"),
    "two ways to join": (["fit", "digits", "--ray", "2", "--hosts", "auto"], "leave out --hosts"),
}


@pytest.mark.parametrize("name", WRONG)
def test_calls_that_cannot_be_are_told(monkeypatch, capsys, name):
    arguments, said = WRONG[name]
    assert call(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err


def test_nothing_computes_before_processes_have_joined():
    # jax refuses to join where a computation was made, and libraries make some when they are imported.
    modules = "isthmus.cli.application, isthmus.cli.hosts, isthmus.cli.options, isthmus.cluster.supervision"
    said = "assert not {'jax', 'blackjax', 'ray'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"import sys, {modules}; {said}"], check=True)
