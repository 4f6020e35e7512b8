"""What `embed`, `score` and `impute` do with --ray, once their arguments are parsed."""

from pathlib import Path

from isthmus.cli.errors import WrongCall
from isthmus.cli.output import say
from isthmus.cluster import connected, embed_folder, impute_folder, score_folder
from isthmus.estimators import COMMAND_LINE_NAMES, load


def embed_parts_command(run: Path, source: str, output: Path, address: str | None, keep: tuple[str, ...]) -> None:
    """Write the latents of a folder of Parquet files to another."""
    with connected(address):
        estimator = load(run)
        rows = embed_folder(estimator, source, output, keep=keep)
    say(f"{rows} rows of {estimator.n_components_} columns  {output}")


def score_parts_command(
    run: Path,
    source: str,
    output: Path,
    address: str | None,
    keep: tuple[str, ...],
    false_positive_rate: float | None,
) -> None:
    """Write the scores of a folder of Parquet files to another."""
    with connected(address):
        estimator = load(run)
        rows = score_folder(estimator, source, output, keep=keep, false_positive_rate=false_positive_rate)
    say(f"{rows} rows scored  {output}")


def impute_parts_command(run: Path, source: str, output: Path, address: str | None) -> None:
    """Write a folder of Parquet files to another, with only its holes changed."""
    estimator = load(run)
    if not hasattr(estimator, "impute"):
        able = [name for name, kind in COMMAND_LINE_NAMES.items() if hasattr(kind, "impute")]
        raise WrongCall(
            f"{run} holds a model of type {type(estimator).__name__}, which has no prior and so cannot impute; fit one "
            f"that can: --model {', '.join(able)}"
        )
    with connected(address):
        rows = impute_folder(estimator, source, output)
    say(f"{rows} rows written  {output}")
