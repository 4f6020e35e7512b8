"""What a hostile hand may write into a model file under a checksum that fits: content that no fit ever saved."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

Generator = np.random.Generator
Record = tuple[dict[str, np.ndarray], dict[str, Any]]


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 7, 2**20, 2**31, 2**63, 10**30, 10**4000),
    *(0.5, -0.0, 1e-300, 5e-324, 1e308, -1e308, 1.0000001),
    *("", "x", "x0", "a" * 10_000, "NaN", "inf", "1e999", "\u202egnp", "\x1b[31m", "<script>", "{{7*7}}", "__class__"),
    *("os.system", "VAE", "LinearAutoencoder", "table", "matrix", "real", "normal", "binomial", "masking", "__init__"),
    *([], {}, [[]], [0], [1, 2], [None], ["x", "x"], {"kind": "masking"}, {"kind": {}}, {"kind": "l1", "weight": 1}),
    *({"kind": "top_k", "kept": 10**9}, {"kind": "gaussian", "level": {"kind": "uniform", "low": 2, "high": 1}}),
    *({"levels": {}}, [1] * 5000, _nested(200), [2**19] * 3, [10**9], ["\u0430"], {"": ""}),
)
"""Wrong types, ends of ranges, repetitions, look-alike letters, depth."""
SIZES = (0, 1, 2, 3, 5, 2**19, 2**20, 2**31, 2**62, 10**18, -1)
FLOATS = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-300, 1e30, 1e300, -0.0)
DTYPES = ("bool", "int8", "uint64", "float16", "float32", "float64", "complex64")


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The paths of all values in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replace_value(record: Record, generator: Generator) -> Record:
    """A value of the metadata by one from VALUES, or by another value of the metadata."""
    arrays, metadata = record
    paths = [path for path in places(metadata) if path]
    value = VALUES[generator.integers(len(VALUES))]
    if generator.random() < 0.2:
        value = copy.deepcopy(_at(metadata, paths[generator.integers(len(paths))]))
    path = paths[generator.integers(len(paths))]
    _at(metadata, path[:-1])[path[-1]] = value
    return arrays, metadata


def resize(record: Record, generator: Generator) -> Record:
    """A size of the architecture, or of what counts rows and columns, by another."""
    arrays, metadata = record
    size = int(SIZES[generator.integers(len(SIZES))])
    architecture = metadata["architecture"]
    keys = [*architecture, "calibration_rows"]
    key = keys[generator.integers(len(keys))]
    if key == "calibration_rows":
        metadata[key] = size
    elif key in ("hidden_sizes", "image_shape"):
        architecture[key] = [size] * int(generator.choice([1, 2, 3, 50, 3000]))
    else:
        architecture[key] = size
    return arrays, metadata


def delete_value(record: Record, generator: Generator) -> Record:
    """A value of the metadata is lost."""
    arrays, metadata = record
    paths = [path for path in places(metadata) if path]
    path = paths[generator.integers(len(paths))]
    del _at(metadata, path[:-1])[path[-1]]
    return arrays, metadata


def repeat_value(record: Record, generator: Generator) -> Record:
    """A list gets one of its items again, many times over in one case of four."""
    arrays, metadata = record
    lists = [path for path in places(metadata) if isinstance(_at(metadata, path), list) and _at(metadata, path)]
    if lists:
        found = _at(metadata, lists[generator.integers(len(lists))])
        found.extend([copy.deepcopy(found[0])] * int(generator.choice([1, 1, 1, 2000])))
    return arrays, metadata


def add_value(record: Record, generator: Generator) -> Record:
    """An object of the metadata gets a key that no fit writes."""
    arrays, metadata = record
    objects = [path for path in places(metadata) if isinstance(_at(metadata, path), dict)]
    name = str(generator.choice(["__class__", "self", "x", "encoder", "random_state\u200b", "cls", "modules"]))
    _at(metadata, objects[generator.integers(len(objects))])[name] = VALUES[generator.integers(len(VALUES))]
    return arrays, metadata


def change_numbers(record: Record, generator: Generator) -> Record:
    """A number of an array, or all of them, by one at which arithmetic fails."""
    arrays, metadata = record
    name = _name(arrays, generator)
    array, value = arrays[name].astype(arrays[name].dtype), FLOATS[generator.integers(len(FLOATS))]
    if array.size:
        with np.errstate(all="ignore"):
            array.reshape(-1)[generator.integers(array.size) if generator.random() < 0.7 else slice(None)] = value
    return {**arrays, name: array}, metadata


def change_shape(record: Record, generator: Generator) -> Record:
    """An array of another shape: transposed, flattened, cut, doubled, empty with a length beyond any memory."""
    arrays, metadata = record
    name = _name(arrays, generator)
    array = arrays[name]
    shapes = (
        array.T,
        array.reshape(-1),
        array[None],
        np.concatenate([np.atleast_1d(array)] * 2),
        np.atleast_1d(array)[:-1],
        np.zeros((0, 2**40), array.dtype),
        np.zeros((2**30, 0, 3), array.dtype),
        np.zeros((0,), array.dtype),
        np.zeros((1,) * 40, array.dtype),
    )
    return {**arrays, name: np.array(shapes[generator.integers(len(shapes))])}, metadata


def change_type(record: Record, generator: Generator) -> Record:
    """An array of another type."""
    arrays, metadata = record
    name = _name(arrays, generator)
    with np.errstate(all="ignore"):
        return {**arrays, name: arrays[name].real.astype(str(generator.choice(DTYPES)))}, metadata


def change_names(record: Record, generator: Generator) -> Record:
    """An array is lost, stands under the name of another, or under one that looks like its own."""
    arrays, metadata = record
    name, other = _name(arrays, generator), _name(arrays, generator)
    kept = {key: array for key, array in arrays.items() if key != name}
    ways = (
        kept,
        {**kept, name: arrays[other], other: arrays[name]},
        {**kept, name.replace("a", "\u0430"): arrays[name]},
        {**arrays, name + "\u200b": arrays[name]},
        {**arrays, "": arrays[name]},
        {**arrays, "calibration.observed": arrays[name]},
        {**arrays, "../../x": arrays[name]},
    )
    return dict(ways[generator.integers(len(ways))]), metadata


RECORD_MUTATIONS = {
    function.__name__: function
    for function in (
        replace_value,
        resize,
        delete_value,
        repeat_value,
        add_value,
        change_numbers,
        change_shape,
        change_type,
        change_names,
    )
}
_WEIGHTS = np.array([8, 3, 2, 2, 2, 4, 2, 1, 2]) / 26


def mutated_record(record: Record, generator: Generator) -> tuple[str, Record]:
    """(what was done, arrays and metadata): one mutation, or in one case of five two."""
    arrays, metadata = dict(record[0]), copy.deepcopy(record[1])
    chosen = generator.choice(list(RECORD_MUTATIONS), size=1 if generator.random() < 0.8 else 2, p=_WEIGHTS)
    for name in chosen:
        try:
            arrays, metadata = RECORD_MUTATIONS[name]((arrays, metadata), generator)
        except (KeyError, TypeError, AttributeError):
            continue  # a mutation before this one took away what it works on
    return "+".join(chosen), (arrays, metadata)


def _at(value: Any, path: tuple) -> Any:
    for key in path:
        value = value[key]
    return value


def _name(arrays: dict[str, np.ndarray], generator: Generator) -> str:
    return list(arrays)[generator.integers(len(arrays))]
