"""A data set in memory."""

from collections import Counter
from dataclasses import dataclass

import numpy as np


class DataError(ValueError):
    """Data that cannot be used as they are; the message names the place, what was expected, and what to do."""


@dataclass(frozen=True)
class Dataset:
    """Rows of numbers and what their source says about them.

    values: [row, column], in the source's own type (bytes of images stay bytes).
    names: one a column.
    labels: [row], for colouring pictures only; no model sees them.
    image_shape: (height, width) where a row is an image.
    first_row: the number that messages give the first row: where these are some of a stream's rows, its place there.
    """

    source: str
    values: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray | None = None
    image_shape: tuple[int, int] | None = None
    first_row: int = 0

    def rows(self, index: np.ndarray) -> "Dataset":
        """The same data set with these rows only."""
        labels = None if self.labels is None else self.labels[index]
        return Dataset(self.source, self.values[index], self.names, labels, self.image_shape)


def from_array(source: str, values: np.ndarray, labels: np.ndarray | None = None) -> Dataset:
    """A Dataset from [row, column] numbers, or from [row, height, width] images."""
    if values.dtype.kind not in "biuf":
        raise DataError(f"{source} holds values of type {values.dtype}; expected real numbers")
    if values.ndim not in (2, 3):
        raise DataError(f"{source} has shape {values.shape}; expected rows x columns, or rows x height x width")
    if values.size == 0:
        raise DataError(f"{source} is empty: its shape is {values.shape}; expected at least two rows and a column")
    image_shape = (values.shape[1], values.shape[2]) if values.ndim == 3 else None
    values = values.reshape(len(values), -1)
    if labels is not None and labels.shape != (len(values),):
        raise DataError(f"{source} has {len(values)} rows and labels of shape {labels.shape}; expected one a row")
    return Dataset(source, values, anonymous_names(values.shape[1]), labels, image_shape)


def anonymous_names(columns: int) -> tuple[str, ...]:
    """The names of columns that came without: x0, x1, ..."""
    return tuple(f"x{i}" for i in range(columns))


def require_distinct(source: object, names: list[str]) -> None:
    """DataError where a name is repeated."""
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise DataError(f"{source} has two columns named {sorted(repeated)[0]!r}; give each column a name of its own")
