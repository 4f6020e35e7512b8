"""Options that hold more than one value, taken apart. No heavy import here."""

from isthmus.cli.errors import WrongCall


def parse_columns(text: str | None) -> dict[str, str] | None:
    """{name: kind or likelihood} from NAME=KIND,NAME=KIND; WrongCall for anything else."""
    if text is None:
        return None
    pairs = [part.rpartition("=") for part in text.split(",")]
    if not all(name and kind for name, _, kind in pairs):
        raise WrongCall(f"--columns is {text!r}; expected NAME=KIND,NAME=KIND, such as age=count,zip=categorical")
    return {name.strip(): kind.strip() for name, _, kind in pairs}
