"""A model in one file: named arrays and JSON metadata in the safetensors format, checked to the last bit.

The format (https://github.com/huggingface/safetensors) is eight bytes of header length, a JSON header, then raw
tensors. Ours adds one metadata entry, `isthmus`, whose JSON holds the metadata and a SHA-256 over metadata and tensors.
A file is accepted only if it is byte for byte what `write_model_file` would write from its own content: whatever a
lenient parser would forgive is refused.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from isthmus.storage import strict_json
from isthmus.storage.atomic import write_atomically

FORMAT = 1
MAXIMUM_HEADER_BYTES = 64 * 2**20
MAXIMUM_HEADER_VALUES = 2**21
"""In Python each value takes some 100 bytes, and a few bytes of text can announce one."""
_DTYPES = frozenset(f"{kind}{8 * size}" for kind in ("int", "uint") for size in (1, 2, 4, 8)) | {
    "bool",
    "float16",
    "float32",
    "float64",
    "complex64",
}
_RESERVED = "__metadata__"
_FOREIGN = {
    b"PK\x03\x04": "a zip archive (PyTorch checkpoints and .npz files are zip archives)",
    b"\x93NUMPY": "a .npy array",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
}


class ModelFileError(ValueError):
    """A file that is not a whole, unaltered isthmus model file; the message names the file and the reason."""


def write_model_file(path: Path | str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> None:
    """Write arrays and JSON metadata to `path`, atomically; raises what `model_file_content` does, and OSError."""
    write_atomically(path, model_file_content(path, arrays, metadata))


def model_file_content(path: Path | str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> bytes:
    """The bytes of a model file that is to be written to `path`. Equal content gives equal bytes.

    Raises ModelFileError where the file could not be read back: for arrays of objects or text, an
    array named __metadata__, and a header beyond MAXIMUM_HEADER_BYTES; ValueError for metadata that JSON cannot hold.
    """
    for name, array in arrays.items():
        if name == _RESERVED or np.asarray(array).dtype.name not in _DTYPES:
            raise ModelFileError(
                f"{path} cannot hold an array {name!r} of type {np.asarray(array).dtype}; expected a type among "
                f"{', '.join(sorted(_DTYPES))}, and a name other than {_RESERVED}"
            )
    content = _serialise(arrays, metadata)
    _require_header(path, content)
    return content


def require_header_room(metadata: Mapping[str, Any], spare: float = 0.1) -> None:
    """ModelFileError where metadata fill more of a header than they may, less a share for what is written with them.

    To be asked before work is done whose result could not be written.
    """
    _require_header("the model file", _serialise({}, metadata), 1 - spare)


def _require_header(path: Path | str, content: bytes, share: float = 1.0) -> None:
    header = int.from_bytes(content[:8], "little")
    if (values := _values(content, header)) > share * MAXIMUM_HEADER_VALUES:
        raise ModelFileError(
            f"{path} would need a header of {values} values, and the most allowed are {MAXIMUM_HEADER_VALUES}; keep "
            f"them in arrays"
        )
    if header > share * MAXIMUM_HEADER_BYTES:
        raise ModelFileError(
            f"{path} would need a header of {header} bytes, and the largest allowed is {MAXIMUM_HEADER_BYTES}; keep "
            f"large values in arrays"
        )


def read_model_file(path: Path | str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write_model_file` wrote: (arrays, metadata).

    Raises ModelFileError for anything else: another kind of file, a truncated or altered one, one of a newer format;
    FileNotFoundError where there is none. Nothing in the file is executed, and the header's length is checked before
    the header is read.
    """
    path = Path(path)
    with path.open("rb") as file:
        prefix = file.read(8)
        _check_prefix(path, prefix)
        content = prefix + file.read()
    arrays, metadata = _parse(path, content)
    if not _is_canonical(content, arrays, metadata):
        raise ModelFileError(f"{path} was altered or damaged: its bytes do not match its checksum; restore a copy")
    return arrays, metadata


def _check_prefix(path: Path, prefix: bytes) -> None:
    header, size = int.from_bytes(prefix, "little"), path.stat().st_size
    if len(prefix) == 8 and header <= MAXIMUM_HEADER_BYTES:
        # Before the signatures: a header of 640 bytes announces itself with the first two bytes of a pickle.
        if header > size - 8:
            raise ModelFileError(f"{path} is cut off: its header of {header} bytes has {_bytes(size - 8)} left")
        return
    for signature, kind in _FOREIGN.items():
        if prefix.startswith(signature):
            raise ModelFileError(f"{path} is {kind}, not an isthmus model file; pass a run made by `isthmus fit`")
    if len(prefix) < 8:
        raise ModelFileError(f"{path} is {_bytes(len(prefix))} long, too short for a model file; it was cut off")
    raise ModelFileError(
        f"{path} is not an isthmus model file: it announces a header of {header} bytes, and the largest allowed is "
        f"{MAXIMUM_HEADER_BYTES}"
    )


def _parse(path: Path, content: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    length = int.from_bytes(content[:8], "little")
    if (values := _values(content, length)) > MAXIMUM_HEADER_VALUES:
        raise ModelFileError(f"{path} is not an isthmus model file: its header holds {values} values")
    try:
        header = strict_json.decode(content[8 : 8 + length])
        envelope = strict_json.decode(header[_RESERVED]["isthmus"])
        version, metadata = envelope["format"], envelope["metadata"]
    except (ValueError, KeyError, TypeError):
        raise ModelFileError(f"{path} is not an isthmus model file: its header holds no isthmus metadata") from None
    if isinstance(version, int) and version > FORMAT:
        raise ModelFileError(
            f"{path} has model file format {version}, and this version reads up to {FORMAT}; upgrade isthmus"
        )
    try:
        return safetensors.numpy.load(content), metadata
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path} is cut off or damaged: {error}") from None


def _is_canonical(content: bytes, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> bool:
    try:
        return _serialise(arrays, metadata) == content
    except (ValueError, RecursionError):
        return False  # half a surrogate pair, say: `strict_json` reads it and no writer of ours made it


def _serialise(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> bytes:
    arrays = {name: _native(arrays[name]) for name in sorted(arrays)}
    envelope = {"format": FORMAT, "metadata": metadata, "sha256": _checksum(arrays, metadata)}
    return safetensors.numpy.save(arrays, {"isthmus": strict_json.encode(envelope)})


def _values(content: bytes, header: int) -> int:
    """How many values the header holds at most: each follows a comma or an opening bracket."""
    return sum(content.count(mark, 8, 8 + header) for mark in (b",", b"[", b"{"))


def _native(array: np.ndarray) -> np.ndarray:
    array = np.asarray(array, order="C")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _checksum(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(strict_json.encode(metadata).encode())
    for name, array in arrays.items():
        digest.update(strict_json.encode([name, str(array.dtype), list(array.shape)]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"
