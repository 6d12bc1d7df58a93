"""The real leaf set: Kaggle's "Leaf Classification", after Mallah, Cope and Orwell (2013)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import ClassVar

from parity.data.reading import read_file
from parity.data.sources import FOLDER, Raw, Source, real_file

FILES = ("leaf.npz", "train.csv")
"""What the set is called in that folder, in the order they are looked for."""
REAL = "a14867f6709c93899a8d0ba8f71f5f90b90bb75ffdd20546c4dc42e442a9c62f"
"""sha256 over the float32 values (990, 192) and the int16 labels (990,) of the real set."""

HOW_TO_GET_IT = (
    "get Kaggle's train.csv (https://www.kaggle.com/c/leaf-classification) and give it with --data train.csv, or put "
    f"it into the folder that {FOLDER} names (the UCI set behind it is on OpenML: ids 1491, 1492 and 1493); "
    "or take the generated stand-in, source: leaf_like, which needs no file"
)


def is_real(raw: Raw) -> bool:
    """Return whether rows are the real leaf set, to the last bit of float32 and in its own order."""
    numbers = raw.x.dtype.kind == "f" and raw.y.dtype.kind in "iu"
    if not numbers or raw.x.shape != (990, 192) or raw.y.shape != (990,):
        return False
    parts = raw.x.astype("<f4").tobytes(), raw.y.astype("<i2").tobytes()
    return hashlib.sha256(b"".join(parts)).hexdigest() == REAL


def described(raw: Raw) -> Raw:
    """Return rows with words that call them the real leaf set only when they are."""
    words = "the real leaf set" if is_real(raw) else "not the real leaf set"
    return replace(raw, description=f"{raw.description}, {words}")


class Leaf(Source):
    """990 real leaves of 99 species: margin, shape and texture, 64 values each.

    The labels number the species by sorted name, 0..98.
    """

    name: ClassVar[str] = "leaf"
    summary: ClassVar[str] = f"the real leaf set: 990 rows of 192, 99 classes; from --data or {FOLDER}"
    csv_target: ClassVar[str | None] = "species"

    def read(self) -> Raw:
        """Return the set from the folder that ``PARITY_DATA`` names.

        Raises:
            DataError: it is not there; says how to get it.
        """
        path = real_file(self.name, FILES, HOW_TO_GET_IT)
        return self.recognise(read_file(path, x="X", y="species" if path.suffix == ".csv" else "y"))

    def recognise(self, raw: Raw) -> Raw:
        """Return the rows, called the real leaf set only when they are."""
        return described(raw)
