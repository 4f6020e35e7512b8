"""The records of a run as a report needs them, and one error for records that do not fit together."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jinja2 import TemplateError


@contextmanager
def one_error_for_damage(path: Path) -> Iterator[None]:
    """Turn what any damaged record makes of a page or a table into one ValueError that names the run.

    Records are JSON that anyone may have edited: nothing but showing them tells whether they fit together.
    """
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        TemplateError,
    ) as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ValueError(f"the records of {path} do not fit together ({what}); fit again, or restore a copy") from error
