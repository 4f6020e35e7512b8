"""The data sets that ship with scikit-learn: no download, no network."""

from typing import Any

import numpy as np

from isthmus.data.dataset import Dataset

_DESCRIPTIONS = {
    "digits": "1,797 grey images of handwritten digits, 8 x 8, values 0 to 16",
    "wine": "178 wines, 13 chemical measurements",
    "breast_cancer": "569 tumours, 30 measurements of their cell nuclei",
    "iris": "150 flowers, 4 measurements",
    "diabetes": "442 patients, 10 measurements, in their own units",
}


def bundled_names() -> dict[str, str]:
    """The names of the bundled data sets, each with one line of description."""
    return dict(_DESCRIPTIONS)


def load_bundled(name: str) -> Dataset:
    """The bundled data set `name`; KeyError where there is none."""
    if name not in _DESCRIPTIONS:
        raise KeyError(f"no bundled data set is named {name!r}; there are {', '.join(_DESCRIPTIONS)}")
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}
    bunch: Any = getattr(datasets, f"load_{name}")(**options)
    names = tuple(str(column) for column in bunch.feature_names)
    image_shape = (8, 8) if name == "digits" else None
    return Dataset(name, np.asarray(bunch.data), names, np.asarray(bunch.target), image_shape)
