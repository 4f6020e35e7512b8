"""What all tests of commands call."""

import pytest

from command_line import call


@pytest.fixture
def run_command(monkeypatch, capsys):
    """Call the command line in this process: (exit status, standard output, standard error)."""

    def run(*arguments):
        status = call(monkeypatch, *arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
