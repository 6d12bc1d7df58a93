"""Real CIFAR-10 images (Krizhevsky, 2009), training images first and test images behind them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from parity.data.reading import read_file, read_npz
from parity.data.sources import FOLDER, Raw, Source, real_file
from parity.errors import DataError
from parity.lazy import np

FILES = ("cifar10_2500.npz", "cifar10.npz")
"""What the set is called in that folder, in the order they are looked for."""
PARTS = ("x_train", "y_train", "x_test", "y_test")
"""Its arrays, as ``keras.datasets.cifar10.load_data()`` gives them."""
REAL = "6f3f65fa15b5c5c5b371bf7c5d72e3a2b17ef2d9b730f2ce8c211dc9fb17ad0b"
"""sha256 over the bytes of the 2,500 images and of their labels, training and test rows one after another."""

HOW_TO_GET_IT = (
    "write keras.datasets.cifar10.load_data() (or OpenML 40927) to a file with numpy.savez(FILE, x_train=..., "
    "y_train=..., x_test=..., y_test=...) and give it with --data FILE, or put it as cifar10.npz into the folder that "
    f"{FOLDER} names; or take the generated stand-in, source: cifar_like, which needs no file"
)


def read_images(file: Path, x: str | tuple[str, ...], y: str | tuple[str, ...]) -> Raw:
    """Return the images of a file, training rows first: ``validation_split`` then keeps the test rows.

    Args:
        file: an .npz with ``x_train``, ``y_train``, ``x_test`` and ``y_test``; or with one array of images and one of
            labels, which stay in their order.
        x: name of the images where there is one array of them.
        y: name of the labels there.

    Raises:
        DataError: it cannot be read, or the parts do not fit together.
    """
    if file.suffix.lower() != ".npz" or not file.is_file() or not _has_parts(file):
        return described(read_file(file, x=x, y=y))
    train, test = read_npz(file, *PARTS[:2]), read_npz(file, *PARTS[2:])
    if train.x.shape[1:] != test.x.shape[1:]:
        raise DataError(
            f"data file {file}: a row of x_train has shape {train.x.shape[1:]}, one of x_test {test.x.shape[1:]}; "
            "expected the same"
        )
    # Keras has the labels as a column.
    labels = [part.y.reshape(len(part.y)) if part.y.size == len(part.y) else part.y for part in (train, test)]
    whole = Raw(x=np.concatenate([train.x, test.x]), y=np.concatenate(labels), description=file.name)
    found = described(whole)
    count = f"{len(train.x)} training images, then {len(test.x)} test images"
    return replace(found, description=f"{found.description}, {count}")


def _has_parts(file: Path) -> bool:
    try:
        with np.load(file, allow_pickle=False) as archive:
            return set(PARTS) <= set(archive.files)
    except (OSError, ValueError):
        return False  # Whoever reads it says what is wrong.


def described(raw: Raw) -> Raw:
    """Return rows with words that call them real CIFAR-10 images only when they are known to be."""
    words = "real CIFAR-10 images" if is_real(raw) else "not known to be real CIFAR-10 images"
    return replace(raw, description=f"{raw.description}, {words}")


def is_real(raw: Raw) -> bool:
    """Return whether rows are the 2,500 images that are known here, in their order."""
    if raw.x.dtype != np.uint8 or raw.x.shape != (2500, 32, 32, 3) or raw.y.dtype.kind not in "iu":
        return False
    digest = hashlib.sha256(np.ascontiguousarray(raw.x).tobytes())
    digest.update(raw.y.astype(np.uint8).tobytes())
    return digest.hexdigest() == REAL


class Cifar10(Source):
    """Photographs of 32 x 32 pixels in 10 classes, (rows, columns, colours) of 0..255.

    The training rows come first, the test rows behind them: of 2,000 and 500, ``validation_split: 0.2`` keeps exactly
    the test rows for validation.
    """

    name: ClassVar[str] = "cifar10"
    summary: ClassVar[str] = f"real CIFAR-10 images, (32, 32, 3), 10 classes, test rows last; from --data or {FOLDER}"

    def read(self) -> Raw:
        """Return the set from the folder that ``PARITY_DATA`` names.

        Raises:
            DataError: it is not there; says how to get it.
        """
        return read_images(real_file(self.name, FILES, HOW_TO_GET_IT), "X", "y")

    def read_given(self, file: Path, *, x: str | tuple[str, ...], y: str | tuple[str, ...]) -> Raw:
        """Return a user's images, whichever way the file holds them."""
        return read_images(file, x, y)
