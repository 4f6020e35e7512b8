"""The rungs that `compare` fits to one data set, from PCA to the VAE, all with one latent size and one measure."""

import warnings
from dataclasses import dataclass
from typing import Any

from isthmus.data import Table
from isthmus.estimators.estimator import LatentEstimator
from isthmus.estimators.inspection import inspect_rows
from isthmus.estimators.matrix_rows import MatrixRows
from isthmus.estimators.real_rows import RealRows
from isthmus.estimators.registry import COMMAND_LINE_NAMES
from isthmus.estimators.table_rows import TableRows
from isthmus.estimators.vae import VAE
from isthmus.models import Corruption, choose_latent_size

MOST_OVERCOMPLETE = 512
"""An over-complete latent is twice as large as the columns up to this; of wider data as large as they are."""
DENSITIES = ("normal", "student_t", "log_normal")
"""The likelihoods of a table's columns that are densities."""


@dataclass(frozen=True)
class Rung:
    """A model of the ladder: its name, what it is, in words and in short, and the estimator before its fit."""

    name: str
    title: str
    label: str
    estimator: LatentEstimator


@dataclass(frozen=True)
class Plan:
    """What all rungs share.

    names: the columns that networks model.  measures: of each, "counting" or "lebesgue", as the VAE has it.  rows: how
    a network would take the rows.  latent, overcomplete: sizes.  notes: what was decided, in sentences.
    """

    names: tuple[str, ...]
    measures: dict[str, str]
    rows: MatrixRows | TableRows
    latent: int
    overcomplete: int
    notes: tuple[str, ...]


def make_plan(training: Any, latent: int | None) -> Plan:
    """Look at the training rows once. ValueError for rows that no network takes, and for a latent that is no
    bottleneck."""
    constant = [c.name for c in training.columns if c.constant] if isinstance(training, Table) else []
    if constant:
        # A constant has no measure of its own by which all models could take it.
        kept = tuple(column for column in training.columns if column.name not in constant)
        training = Table(training.source, kept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the fits warn of the same
        unfitted = VAE()
        rows = inspect_rows(unfitted, training, VAE.configuration_type.checked({})).rows
    columns = len(rows.names)
    size = choose_latent_size(columns, latent)
    over = 2 * columns if columns <= MOST_OVERCOMPLETE // 2 else max(columns, MOST_OVERCOMPLETE)
    notes = [f"Column {name!r} is constant, and left out." for name in constant]
    if over < 2 * columns:
        notes.append(f"The over-complete latent is held to {over}: twice the {columns} columns would be {2 * columns}.")
    if isinstance(rows, TableRows):
        notes += [f"Column {name!r} is set aside: {reason}." for name, reason in rows.schema.set_aside]
    return Plan(rows.names, column_measures(rows), rows, size, over, tuple(notes))


def make_ladder(plan: Plan, corruption: Corruption, seed: int, epochs: int | None) -> list[Rung]:
    """The rungs in order. Where the VAE has probabilities, linear models fill unit intervals, so as to have them too.

    The denoising autoencoder trains on the corruption that the comparison judges by; no other model sees it.
    """
    trained: dict[str, Any] = {"max_epochs": epochs, "random_state": seed}
    noise = {"corruption": corruption}
    counted = tuple(name for name, measure in plan.measures.items() if measure == "counting")
    dequantise: dict[str, Any] = {"dequantise": counted or False, "random_state": seed}
    bottleneck = plan.latent
    asked: list[tuple[str, str, str, str, int, dict[str, Any]]] = [
        ("linear", "PCA", "PCA", "linear", bottleneck, dequantise),
        ("ppca", "probabilistic PCA", "pPCA", "ppca", bottleneck, dequantise),
        ("fa", "factor analysis", "FA", "fa", bottleneck, dequantise),
        ("autoencoder", "deep autoencoder", "deep AE", "autoencoder", bottleneck, trained),
        ("overcomplete", "over-complete autoencoder", "over-complete", "autoencoder", plan.overcomplete, trained),
        ("denoising", "denoising autoencoder", "denoising", "denoising", bottleneck, {**trained, **noise}),
        ("vae", "VAE", "VAE", "vae", bottleneck, trained),
    ]
    return [
        Rung(name, title, label, _estimator(kind, {**arguments, "n_components": size}, size >= len(plan.names)))
        for name, title, label, kind, size, arguments in asked
    ]


def _estimator(kind: str, arguments: dict[str, Any], overcomplete: bool) -> LatentEstimator:
    return COMMAND_LINE_NAMES[kind](**arguments, **({"overcomplete": True} if overcomplete else {}))


def column_measures(rows: Any) -> dict[str, str]:
    """What log p of each column is taken with respect to: "counting" where it is a log-probability, "lebesgue" where it
    is a log-density in the column's own units."""
    if isinstance(rows, TableRows):
        counted = [column.likelihood not in DENSITIES for column in rows.schema.columns]
    elif isinstance(rows, RealRows):
        counted = list(rows.whole)
    else:
        counted = [rows.choice.kind != "normal"] * len(rows.names)
    return {name: "counting" if flag else "lebesgue" for name, flag in zip(rows.names, counted, strict=True)}


def difference_of_measures(rows: Any, plan: Plan) -> str | None:
    """Why a model's log p cannot be compared with the VAE's; None where it can."""
    own = column_measures(rows)
    if set(own) != set(plan.measures):
        return "it models other columns than the VAE does"
    for name, measure in plan.measures.items():
        if own[name] != measure:
            mine, other = ("density" if of == "lebesgue" else "probability" for of in (own[name], measure))
            return f"another measure: column {name!r} has a {mine} here and a {other} in the VAE"
    return None
