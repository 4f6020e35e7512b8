"""Everything that is not a whole, unaltered model file is refused by one ModelFileError that names the file."""

import gzip
import json
import pickle
import struct

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from file_bytes import npy, npz
from isthmus.storage import ModelFileError, model_file, read_model_file, write_model_file

ARRAYS = {"é": np.arange(2, dtype=np.float32), "b": np.array(True)}
METADATA = {"x": 1e300, "s": 'é"', "n": [None, 1]}


def with_header(header, data=b""):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header)) + header + data


def with_envelope(envelope):
    return with_header(json.dumps({"__metadata__": {"isthmus": envelope}}))


FOREIGN = {
    "empty file": (b"", "0 bytes long, too short"),
    "seven bytes": (b"\0" * 7, "7 bytes long, too short"),
    "npz": (npz(x=np.ones(3)), "a zip archive"),
    "npy": (npy(np.ones(3)), "a .npy array"),
    "gzip": (gzip.compress(b"model", mtime=1), "a gzip file"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + b"\0" * 100, "an HDF5 file"),
    "text": (b"this is not a model file", "announces a header"),
    "zeros": (b"\0" * 100, "holds no isthmus metadata"),
    "one byte more than allowed": (
        struct.pack("<Q", model_file.MAXIMUM_HEADER_BYTES + 1) + b"{}",
        "largest allowed is 67108864",
    ),
    "the longest header there can be": (b"\xff" * 8 + b"{}", "largest allowed"),
    "header beyond the file": (struct.pack("<Q", 640) + b"{}", "cut off: its header of 640 bytes has 2 bytes left"),
    "safetensors": (safetensors.numpy.save(ARRAYS), "holds no isthmus metadata"),
    "safetensors with other metadata": (safetensors.numpy.save(ARRAYS, {"format": "pt"}), "no isthmus metadata"),
    "header that is no object": (with_header("[1]"), "no isthmus metadata"),
    "header that is not UTF-8": (with_header(b"\xff" * 8), "no isthmus metadata"),
    "header nested too deeply": (with_header("[" * 10**5), "no isthmus metadata"),
    "metadata that is no object": (with_header('{"__metadata__":"x"}'), "no isthmus metadata"),
    "envelope that is no object": (with_envelope("[]"), "no isthmus metadata"),
    "repeated key in the header": (with_header('{"__metadata__":{},"__metadata__":{}}'), "no isthmus metadata"),
    "repeated key in the metadata": (with_envelope('{"format":1,"metadata":{"a":1,"a":2}}'), "no isthmus metadata"),
    "NaN in the metadata": (with_envelope('{"format":1,"metadata":{"a":NaN}}'), "no isthmus metadata"),
    "overflow in the metadata": (with_envelope('{"format":1,"metadata":{"a":1e999}}'), "no isthmus metadata"),
    "half a surrogate pair": (with_envelope('{"format":1,"metadata":"\\ud800"}'), "altered or damaged"),
    "no checksum": (with_envelope('{"format":1,"metadata":{}}'), "altered or damaged"),
    "older format": (with_envelope('{"format":0,"metadata":{}}'), "altered or damaged"),
    "newer format": (with_envelope('{"format":2,"metadata":{}}'), "format 2, and this version reads up to 1; upgrade"),
}
FOREIGN |= {
    f"pickle, protocol {protocol}": (pickle.dumps(METADATA, protocol), "a pickle" if protocol > 1 else "header")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def whole(path):
    write_model_file(path, ARRAYS, METADATA)
    return path.read_bytes()


def refusal(path, content):
    """The message with which `content` is refused; it is one line, names the file, and hides no other error."""
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        read_model_file(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


@pytest.mark.parametrize("name", FOREIGN)
def test_other_files_are_refused_by_what_they_are(path, name):
    content, reason = FOREIGN[name]
    assert reason in refusal(path, content)


def test_a_file_cut_off_anywhere_is_refused(path, whole):
    for length in range(len(whole)):
        refusal(path, whole[:length])


def test_any_single_flipped_bit_is_refused(path, whole):
    for position in range(8 * len(whole)):
        altered = bytearray(whole)
        altered[position // 8] ^= 1 << position % 8
        refusal(path, bytes(altered))


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_replaced_bytes_are_refused(path, whole, data):
    start = data.draw(st.integers(0, len(whole) - 1))
    stop = data.draw(st.integers(start, len(whole)))
    altered = whole[:start] + data.draw(st.binary(max_size=12)) + whole[stop:]
    if altered != whole:
        refusal(path, altered)


@pytest.mark.parametrize("junk", [b"\0", b" ", b"\n", b"junk", b"{}"])
def test_trailing_junk_is_refused(path, whole, junk):
    refusal(path, whole + junk)


@pytest.mark.parametrize("swap", [(b"[2]", b"[1]"), (b'"F32"', b'"I32"'), (b'"b"', b'"c"'), (b"1e+300", b"1e+301")])
def test_an_edit_that_keeps_the_layout_is_refused(path, whole, swap):
    assert whole.count(swap[0]) == 1
    refusal(path, whole.replace(*swap))


def test_a_file_of_a_newer_format_asks_for_an_upgrade(path, monkeypatch):
    monkeypatch.setattr(model_file, "FORMAT", 2)
    write_model_file(path, ARRAYS, METADATA)
    monkeypatch.undo()
    assert "upgrade isthmus" in refusal(path, path.read_bytes())
