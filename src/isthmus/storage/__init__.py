"""What is kept on disk: the model file and the run directory.

In come NumPy arrays, plain JSON values and bytes; out go files that are whole or absent. This room knows no model:
what the arrays mean is written in the metadata by the floors above.

    atomic          bytes to a file, so that a kill at any instant leaves the old file or the new one
    strict_json     JSON with one spelling for each value; no NaN, no duplicate keys
    model_file      arrays and metadata in one checked safetensors file; loading runs no code from it
    run_directory   the names of the files of a run
"""

from isthmus.storage.atomic import open_atomically, write_atomically, write_together
from isthmus.storage.model_file import (
    ModelFileError,
    model_file_content,
    read_model_file,
    require_header_room,
    write_model_file,
)
from isthmus.storage.run_directory import RunDirectory

__all__ = [
    "ModelFileError",
    "RunDirectory",
    "model_file_content",
    "open_atomically",
    "read_model_file",
    "require_header_room",
    "write_atomically",
    "write_model_file",
    "write_together",
]
