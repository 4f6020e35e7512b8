"""The terminal's dialect: argument parsing, input and output, and nothing else.

Heavy imports happen inside the commands, so that `isthmus --help` answers at once.
"""

from isthmus.cli.application import main

__all__ = ["main"]
