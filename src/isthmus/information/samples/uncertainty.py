"""How sure an estimate from samples is: its standard error by subsampling."""

from collections.abc import Callable

import numpy as np

_BLOCKS, _BLOCK_ROWS = 32, 64


def subsampling_error(estimate: Callable[..., float], seed: int, k: int, *samples: np.ndarray) -> float | None:
    """The standard error of estimate(*samples), from its spread over up to 32 disjoint blocks of the rows [row, d].

    Samples of equally many rows keep their rows together. An estimate's variance falls as one over its rows (Politis
    and Romano 1994), so that of all the rows is that of a block over the number of blocks. None below two blocks of 64
    rows, or of 8k.
    """
    fewest = min(len(sample) for sample in samples)
    blocks = min(_BLOCKS, fewest // max(_BLOCK_ROWS, 8 * k))
    if blocks < 2:
        return None
    orders = {rows: np.random.default_rng([seed, rows]).permutation(rows) for rows in map(len, samples)}
    parts = [np.array_split(sample[orders[len(sample)]], blocks) for sample in samples]
    values = [estimate(*block) for block in zip(*parts, strict=True)]
    return float(np.std(values, ddof=1) / np.sqrt(blocks))
