"""The trivial solution of an autoencoder: a map that copies any row, and so has learned nothing of these.

Rows whose columns are permuted independently keep every column's values and lose what holds them together. A map that
copies reconstructs them as well as real rows; one that has learned the structure cannot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.information import Estimate

PERMUTATIONS, BLOCKS = 8, 10
COPY = 0.9
"""A fit with a latent at least as large as the data and a copy index beyond this is a copy."""

Reconstruct = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Copying:
    """How far a map copies.

    copy_index: clip(1 - E|r(x~) - x~|^2 / E|x~ - m|^2, 0, 1) over permuted rows x~; 1 for a map that copies.
    r_squared: 1 - E|r(x) - x|^2 / E|x - m|^2 over real rows, not clipped.
    """

    copy_index: Estimate
    r_squared: Estimate


def measure_copying(
    reconstruct: Reconstruct, rows: np.ndarray, centre: np.ndarray, scale: np.ndarray | float = 1.0, seed: int = 0
) -> Copying | None:
    """The copy index of a map, on rows [row, column] that it was not fitted to; None where the rows do not vary.

    centre: the training rows' mean m, [column].  scale: the unit of each column in which errors are squared.
    Standard errors are by the delta method for a ratio of means: over 8 permutations of each column, and over rows.
    """
    generator = np.random.default_rng(seed)
    real = _explained(reconstruct, rows, centre, scale)
    if real is None:
        return None
    shuffled = (generator.permuted(rows, axis=0) for _ in range(PERMUTATIONS))
    indices = [_explained(reconstruct, some, centre, scale)[0] for some in shuffled]  # type: ignore[index]
    sampling = float(np.std(indices, ddof=1) / np.sqrt(PERMUTATIONS))
    over_rows = _error_over_rows(reconstruct, rows, centre, scale, generator)
    return Copying(
        Estimate(float(np.clip(np.mean(indices), 0.0, 1.0)), "share", "estimate", sampling, over_rows),
        Estimate(real[0], "share", "exact", 0.0, _standard_error(real[1])),
    )


def projection(axes: np.ndarray, centre: np.ndarray) -> Reconstruct:
    """The map of principal components: m + U U^T (x - m); axes: [column, k], orthonormal."""
    return lambda rows: centre + ((rows - centre) @ axes) @ axes.T


def diagnose_copying(ledger: Mapping[str, Estimate | None], latent: int, columns: int) -> list[str]:
    """Sentences on a fit that is a copy: that it is one, and the remedies; none where it is not.

    latent: the latent's size; columns: the data's.
    """
    entry = ledger.get("copy_index")
    if entry is None or latent < columns or float(entry) <= COPY:
        return []
    return [
        f"This fit is a copy: its latent of {latent} is not below the {columns} columns, and it reconstructs rows "
        f"whose columns were shuffled as well as real ones (copy index {float(entry):.2f}). It has learned nothing of "
        f"what holds the columns together. Pass n_components < {columns}, use DenoisingAutoencoder (or more noise), "
        "add sparsity=TopK(...) or L1(...), or take a VAE, whose rate makes copying costly."
    ]


def _explained(
    reconstruct: Reconstruct, rows: np.ndarray, centre: np.ndarray, scale: Any
) -> tuple[float, np.ndarray] | None:
    """(1 - A / B, what each row adds to its linearised error) for A = E|r(x) - x|^2 and B = E|x - m|^2."""
    errors = (((reconstruct(rows) - rows) * scale) ** 2).sum(1)
    spreads = (((rows - centre) * scale) ** 2).sum(1)
    if not spreads.any():
        return None
    ratio = errors.mean() / spreads.mean()
    return float(1.0 - ratio), (errors - ratio * spreads) / spreads.mean()


def _error_over_rows(
    reconstruct: Reconstruct, rows: np.ndarray, centre: np.ndarray, scale: Any, generator: np.random.Generator
) -> float | None:
    """The standard error of the index over rows.

    A permuted row is no longer one of the rows. But where columns are permuted within blocks of rows, blocks stay
    independent of each other, and the mean over a block has all that its rows contribute. In blocks of few rows it
    errs on the large side: chance ties columns together there.
    """
    blocks = np.array_split(generator.permutation(len(rows)), min(BLOCKS, len(rows)))
    means = np.zeros((PERMUTATIONS, len(blocks)))
    for of_blocks in means:
        shuffled = [generator.permuted(rows[block], axis=0) for block in blocks]
        found = _explained(reconstruct, np.concatenate(shuffled), centre, scale)
        assert found is not None
        parts = np.split(found[1], np.cumsum([len(block) for block in blocks])[:-1])
        of_blocks[:] = [part.mean() for part in parts]
    return _standard_error(means.mean(0))


def _standard_error(influences: np.ndarray) -> float | None:
    return float(influences.std(ddof=1) / np.sqrt(len(influences))) if len(influences) > 1 else None
