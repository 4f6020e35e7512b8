"""The command line, called in this process."""

import sys

import pytest

from isthmus.cli import main


def call(patch, *arguments):
    """The exit status of `isthmus` with these arguments; patch: a MonkeyPatch."""
    patch.setattr(sys, "argv", ["isthmus", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code
