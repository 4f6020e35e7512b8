"""A directory of Parquet parts, or of images."""

from pathlib import Path

import numpy as np

from isthmus.data.dataset import DataError, Dataset
from isthmus.data.image_folder import IMAGE_ENDINGS, ImageFolder, find_images
from isthmus.data.parquet_parts import ParquetParts, find_parts
from isthmus.data.room import require_room
from isthmus.data.row_streams import RowReader
from isthmus.data.table import Table


def open_directory(directory: Path) -> RowReader:
    """The Parquet parts or the images of a directory. DataError where it holds neither, or both."""
    parts, images = find_parts(directory), find_images(directory)
    if bool(parts) == bool(images):
        what = f"{len(parts)} Parquet files and {len(images)} images" if parts else "neither"
        raise DataError(
            f"{directory} holds {what}; expected .parquet parts, or images ({', '.join(IMAGE_ENDINGS)}), in it or below"
        )
    return ParquetParts(str(directory), parts) if parts else ImageFolder(directory, images)


def read_source(source: RowReader) -> Dataset | Table:
    """All rows of a source. DataError where they are more than memory takes."""
    if isinstance(source, ParquetParts):
        return source.read()
    require_room(source.name, source.decoded_bytes)
    return source.take(np.arange(source.row_count))
