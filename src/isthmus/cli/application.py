"""The commands and their arguments."""

import io
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.compilation_cache import use_compilation_cache
from isthmus.cli.errors import WrongCall, one_clear_error, stop

app = typer.Typer(
    name="isthmus",
    help="Autoencoders and variational inference, with a ledger in nats of everything that passes the bottleneck.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Data = Annotated[
    str,
    typer.Argument(
        help="A bundled name, a .csv, .parquet, .npy, .npz or IDX file, a folder of Parquet parts or of images."
    ),
]
Run = Annotated[Path, typer.Argument(help="A run directory made by `isthmus fit`.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="A .csv, .parquet or .npy file to write.")]
Filled = Annotated[Path, typer.Option("-o", "--output", help="The file to write, of the same ending as DATA.")]
Stream = Annotated[
    bool | None,
    typer.Option(
        "--stream/--no-stream", help="Read rows from disk as they are needed, or all at once; by their size if absent."
    ),
]
OnRay = Annotated[
    bool, typer.Option("--ray", help="DATA and FILE are folders of Parquet files; share the work out by Ray.")
]
Address = Annotated[str | None, typer.Option(help="With --ray: of a Ray cluster, host:port; this machine if absent.")]
Keep = Annotated[
    list[str] | None, typer.Option(help="With --ray: a column of DATA to write too; may be given repeatedly.")
]
Gaps = Annotated[bool, typer.Option("--gaps", help="Of a VAE: bound log p(x) by annealing too, and split the gap.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, to standard output.")]


def _on_ray(ray: bool, address: str | None, keep: list[str] | None = None) -> bool:
    """Whether Ray is asked for; WrongCall where only its options are."""
    if not ray and (address is not None or keep):
        raise WrongCall(
            f"{'--address' if address is not None else '--keep'} goes with --ray; add it, or leave both out"
        )
    return ray


def _print_version(asked: bool) -> None:
    if asked:
        from isthmus import __version__

        print(__version__)  # noqa: T201
        raise typer.Exit


@app.callback()
def isthmus(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None: ...


@app.command()
def datasets() -> None:
    """List the bundled data sets."""
    from isthmus.cli.commands import list_datasets

    list_datasets()


@app.command()
def fit(
    data: Data,
    model: Annotated[str, typer.Option(help="linear, ppca, fa, autoencoder, denoising or vae.")] = "vae",
    latent: Annotated[
        str | None, typer.Option(help="Latent size; auto (vae): by held-out bound; by the number of columns if absent.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run directory; runs/DATA if absent.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed, data and machine give the same model.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training rows, at most.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Kinds or likelihoods of columns that inspection gets wrong: age=count,zip=categorical."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file of model arguments; options win over it.")] = None,
    gaps: Gaps = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint of a fit that was stopped.")
    ] = False,
    checkpoint_minutes: Annotated[
        float, typer.Option(min=0.0, help="Minutes between checkpoints; SIGTERM and Ctrl-C write one too.")
    ] = 5.0,
    hosts: Annotated[
        str | None,
        typer.Option(
            help="Train on several processes: ADDRESS:PORT,COUNT,RANK, or auto under SLURM, Open MPI or Kubernetes."
        ),
    ] = None,
    heartbeat: Annotated[
        int, typer.Option(min=1, help="Of --hosts: seconds of silence after which a process is taken for dead.")
    ] = 30,
    stream: Stream = None,
    ray: Annotated[
        int | None, typer.Option(min=1, help="Train on so many processes of a Ray cluster; restart all if one dies.")
    ] = None,
    address: Address = None,
    as_json: Json = False,
) -> None:
    """Fit a model to DATA; print its ledger on rows it never saw; write the run."""
    from isthmus.cli.hosts import join_hosts
    from isthmus.cli.options import parse_columns

    size = int(latent) if latent is not None and latent.removeprefix("-").isdecimal() else latent
    options = {"n_components": size, "random_state": seed, "max_epochs": epochs, "columns": parse_columns(columns)}
    given = {key: value for key, value in options.items() if value is not None}
    survival = {"resume": resume, "minutes": checkpoint_minutes}
    if _on_ray(ray is not None, address):
        from isthmus.cli.cluster_commands import supervised_fit_command

        if hosts is not None:
            raise WrongCall("--ray joins its processes by itself; leave out --hosts")
        place = {"processes": ray or 1, "address": address, "heartbeat": heartbeat}
        supervised_fit_command(data, model, given, out, config, as_json, gaps, stream, **survival, **place)
        return
    # Before the estimators are imported: some of what they import computes at once, and then it is too late to join.
    host = join_hosts(hosts, heartbeat)
    from isthmus.cli.fitting import fit_command

    fit_command(data, model, given, out, config, as_json, gaps, stream, **survival, host=host)


@app.command()
def compare(
    data: Data,
    latent: Annotated[
        int | None, typer.Option(min=1, help="Latent size of all models; by the number of columns if absent.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows set aside and of every fit.")] = 0,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training rows, at most.")] = None,
    out: Annotated[Path | None, typer.Option(help="For compare.json and compare.html; runs/compare-DATA.")] = None,
    as_json: Json = False,
) -> None:
    """Fit PCA, its probabilistic kin, autoencoders and a VAE to DATA; measure all on rows they never saw."""
    from isthmus.cli.comparing import compare_command

    compare_command(data, latent, seed, epochs, out, as_json)


@app.command()
def ledger(
    run: Run,
    data: Annotated[str | None, typer.Argument(help="Other rows than the run's own test rows.")] = None,
    gaps: Gaps = False,
    as_json: Json = False,
) -> None:
    """Print the ledger of RUN, on its own test rows or on DATA."""
    from isthmus.cli.commands import ledger_command

    ledger_command(run, data, as_json, gaps)


@app.command()
def embed(
    run: Run,
    data: Data,
    output: Output,
    stream: Stream = None,
    ray: OnRay = False,
    address: Address = None,
    keep: Keep = None,
) -> None:
    """Write the latent of each row of DATA: the posterior mean where the model has one."""
    if _on_ray(ray, address, keep):
        from isthmus.cli.cluster_commands import embed_parts_command

        embed_parts_command(run, data, output, address, tuple(keep or ()))
        return
    from isthmus.cli.commands import transform_command

    transform_command(run, data, output, "transform", stream)


@app.command()
def reconstruct(run: Run, data: Data, output: Output, stream: Stream = None) -> None:
    """Write each row of DATA as it comes out of the bottleneck."""
    from isthmus.cli.commands import transform_command

    transform_command(run, data, output, "reconstruct", stream)


@app.command()
def impute(
    run: Run, data: Data, output: Filled, stream: Stream = None, ray: OnRay = False, address: Address = None
) -> None:
    """Write DATA again with only its holes changed: each filled by its conditional mean or likeliest value.

    For models with a prior: ppca, fa, vae."""
    if _on_ray(ray, address):
        from isthmus.cli.cluster_commands import impute_parts_command

        impute_parts_command(run, data, output, address)
        return
    from isthmus.cli.commands import impute_command

    impute_command(run, data, output, stream)


@app.command()
def score(
    run: Run,
    data: Data,
    output: Output,
    fpr: Annotated[float | None, typer.Option(help="Call rows anomalies at this false-positive rate.")] = None,
    stream: Stream = None,
    ray: OnRay = False,
    address: Address = None,
    keep: Keep = None,
) -> None:
    """Write log p(x) of each row of DATA, its p-value as an anomaly, and what each column contributes.

    Of models without a prior, autoencoders, it is log p(x | z)."""
    if _on_ray(ray, address, keep):
        from isthmus.cli.cluster_commands import score_parts_command

        score_parts_command(run, data, output, address, tuple(keep or ()), fpr)
        return
    from isthmus.cli.commands import score_command

    score_command(run, data, output, fpr, stream)


@app.command()
def sample(
    run: Run,
    output: Output,
    n: Annotated[int, typer.Option("-n", min=1, help="How many rows.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other rows.")] = 0,
) -> None:
    """Write new rows drawn from the model of RUN, one with a prior: ppca, fa, vae."""
    from isthmus.cli.commands import sample_command

    sample_command(run, output, n, seed)


@app.command()
def measure(
    data: Data,
    rows: Annotated[int, typer.Option(min=20, help="Measure so many rows at most, at random.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows chosen and of the estimates.")] = 0,
    out: Annotated[Path | None, typer.Option(help="A directory for dependence.json and dependence.html.")] = None,
    as_json: Json = False,
) -> None:
    """Measure the columns of DATA: their entropies, and the information between every two of them."""
    from isthmus.cli.measuring import measure_command

    measure_command(data, rows, seed, out, as_json)


@app.command()
def report(run: Run) -> None:
    """Draw the HTML report of RUN again from its records."""
    from isthmus.cli.commands import report_command

    report_command(run)


def _ask_for_determinism() -> None:
    """The same seed, data and machine give the same model on GPUs too, whose sums come in any order unless asked."""
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_gpu_deterministic_ops" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()


def main() -> None:
    """The entry point: exit status 0, 1 (the work failed) or 2 (the call was wrong)."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without "±" shows a question mark rather than no ledger.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    _ask_for_determinism()
    use_compilation_cache()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with one_clear_error():
        app()
    sys.exit(0)
