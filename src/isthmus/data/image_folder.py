"""A folder of images, all of one size, as rows of grey pixels."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from isthmus.data.dataset import DataError, Dataset, from_array
from isthmus.data.room import require_room
from isthmus.data.row_streams import RowReader

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
MOST_PIXELS = 2**20
"""Of an image: each is a column of a matrix."""
_BYTE_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")


class ImageFolder(RowReader):
    """The images of a folder and of those below it, by name; a sub-folder's name is the label of its images."""

    def __init__(self, directory: Path, paths: list[Path]):
        self._paths = paths
        height, width = _pixels(paths[0]).shape
        self.name, self.image_shape = str(directory), (height, width)
        self._labels = [path.relative_to(directory).parent.as_posix() for path in paths]
        self._labelled = len(set(self._labels)) > 1
        self.names = tuple(f"x{i}" for i in range(height * width))
        self.row_count = len(paths)

    def chunks(self, size: int) -> Iterator[Dataset]:
        for first in range(0, self.row_count, size):
            yield self.take(np.arange(first, min(first + size, self.row_count)))

    def take(self, numbers: np.ndarray) -> Dataset:
        images = np.stack([self._image(self._paths[number]) for number in numbers])
        labels = np.array([self._labels[number] for number in numbers]) if self._labelled else None
        return from_array(self.name, images, labels)

    def _image(self, path: Path) -> np.ndarray:
        pixels = _pixels(path)
        if pixels.shape != self.image_shape:
            (height, width), (expected_height, expected_width) = pixels.shape, self.image_shape or (0, 0)
            raise DataError(
                f"{path} is {width} x {height} pixels and {self._paths[0].name} is {expected_width} x "
                f"{expected_height}; expected images of one size: crop or scale them"
            )
        return pixels


def find_images(directory: Path) -> list[Path]:
    """The images of a directory and of those below it, by name."""
    found = [path for path in directory.rglob("*") if path.suffix.lower() in IMAGE_ENDINGS and path.is_file()]
    return sorted(
        (path for path in found if not any(part.startswith(".") for part in path.relative_to(directory).parts)),
        key=lambda path: path.relative_to(directory).parts,
    )


def _pixels(path: Path) -> np.ndarray:
    """Grey values from 0 to 255, [height, width]; colours by their luma."""
    try:
        require_room(path, path.stat().st_size)
        # From memory: of a file Pillow asks for as many bytes as a damaged length announces, there or not.
        with Image.open(BytesIO(path.read_bytes())) as image:
            _require_possible(path, image)
            return np.asarray(image.convert("L"))
    except DataError:
        raise
    except Exception as error:  # on damaged bytes Pillow's readers raise a dozen kinds between them
        reason = str(error) or type(error).__name__
        raise DataError(f"{path} cannot be read as an image: {reason}; write it again, or leave it out") from None


def _require_possible(path: Path, image: Image.Image) -> None:
    """DataError for pixels that are no bytes, and for more of them than a row takes, before any is decoded."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise DataError(f"{path} is {width} x {height} pixels; expected at most {MOST_PIXELS} in all: scale it down")
    if image.mode not in _BYTE_MODES:
        raise DataError(f"{path} has pixels of type {image.mode}; expected 8 bits a channel: convert it")
