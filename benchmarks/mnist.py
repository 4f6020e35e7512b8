"""MNIST's grey images, as the shared data have them."""

import gzip
import sys
from pathlib import Path

import numpy as np

DIRECTORY = Path(__file__).resolve().parents[2] / "shared/data/mnist"


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(training images [60000, 784] of bytes, their labels, test images [10000, 784], their labels)."""
    if not DIRECTORY.is_dir():
        sys.exit(f"{DIRECTORY} is absent; this benchmark reads MNIST's four IDX files from there")
    found = [
        _bytes(f"{part}-{what}-ubyte.gz", offset)
        for part in ("train", "t10k")
        for what, offset in (("images-idx3", 16), ("labels-idx1", 8))
    ]
    return found[0].reshape(-1, 784), found[1], found[2].reshape(-1, 784), found[3]


def _bytes(name: str, offset: int) -> np.ndarray:
    return np.frombuffer(gzip.decompress((DIRECTORY / name).read_bytes()), np.uint8, offset=offset)
