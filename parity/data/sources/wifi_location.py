"""The real Wi-Fi set: crowdsourced fingerprints of a building in Tampere, Lohan et al. (2017), CC BY 4.0."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from parity.data.reading import read_file
from parity.data.sources import FOLDER, Raw, Source, real_file
from parity.errors import DataError
from parity.lazy import np

FILE = "wifi_location.npz"
"""What the set is called in the folder of real sets."""
ARRAYS = ("X64", "Y")
"""Signal strengths of 64 access points, 0 where one was not heard, and the place where they were heard, in metres."""
UNSAID = ("X", "y")
"""What a spec calls them that does not say."""
REAL = "cc9410998ae604b90901b7c68c8a8fe253801b32bf2a6c9ddf2dea20b71d91ae"
"""sha256 over the float32 values (4648, 64) and the float32 places (4648, 3) of the real set."""

HOW_TO_GET_IT = (
    f"get the record from Zenodo (doi 10.5281/zenodo.889798), keep the strengths of 64 access points as {ARRAYS[0]} "
    f"and the places as {ARRAYS[1]} in an .npz, and give it with --data {FILE}, or put it into the folder that "
    f"{FOLDER} names; or take the generated stand-in, source: wifi_like, which needs no file"
)


def is_real(raw: Raw) -> bool:
    """Return whether rows are the real set as it is stored, to the last bit of float32 and in its own order."""
    if (raw.x.shape, raw.y.shape) != ((4648, 64), (4648, 3)) or {raw.x.dtype.kind, raw.y.dtype.kind} != {"f"}:
        return False
    parts = raw.x.astype("<f4").tobytes(), raw.y.astype("<f4").tobytes()
    return hashlib.sha256(b"".join(parts)).hexdigest() == REAL


def prepared(raw: Raw) -> Raw:
    """Return rows as a regression takes them: those that heard anything, places scaled to [0, 1], one axis more.

    A row of zeros heard no access point and says nothing. Every coordinate is scaled by the least and the greatest
    value of the rows kept, so that these two, and whatever is equal to them, become exactly 0 and 1. Places (rows, 3)
    become targets (rows, 3, 1), a column for each coordinate. Faulty rows are returned as they are, for the checks to
    refuse.

    Args:
        raw: strengths (rows, access points) and places (rows, coordinates), as they are stored.

    Raises:
        DataError: every row is zeros.
    """
    good = {raw.x.dtype.kind, raw.y.dtype.kind} <= set("biuf") and raw.x.ndim == raw.y.ndim == 2
    if not good or len(raw.x) != len(raw.y):
        return raw
    heard = (raw.x != 0).any(axis=1)
    if not heard.any():
        raise DataError(
            f"data ({raw.description}): all {len(heard)} rows are zeros, so that none heard an access point; expected "
            "strengths above 0 where one was heard"
        )
    y = raw.y[heard].astype(np.float64)
    if not np.isfinite(y).all():
        return raw
    scaled = (y - y.min(axis=0)) / np.where(np.ptp(y, axis=0) == 0, 1, np.ptp(y, axis=0))
    dropped = len(heard) - len(y)
    words = f"{raw.description}, places scaled to [0, 1]"
    if dropped:
        words += f", {dropped} row{'' if dropped == 1 else 's'} of zeros left out"
    return replace(raw, x=raw.x[heard], y=scaled[..., None], description=words)


def described(raw: Raw) -> Raw:
    """Return prepared rows with words that call them the real Wi-Fi set only when they are."""
    words = "the real Wi-Fi set" if is_real(raw) else "not the real Wi-Fi set"
    return prepared(replace(raw, description=f"{raw.description}, {words}"))


def read_places(file: Path, x: str | tuple[str, ...], y: str | tuple[str, ...]) -> Raw:
    """Return the rows of a file, prepared, called the real Wi-Fi set only when they are.

    Args:
        file: an .npz or .csv.
        x: name of the array of strengths; the set's own where a spec leaves both names as they are.
        y: name of the array of places, or of their column in a .csv.

    Raises:
        DataError: it cannot be read, or does not hold what was asked for.
    """
    if file.suffix.lower() == ".npz" and (x, y) == UNSAID:
        x, y = ARRAYS
    return described(read_file(file, x=x, y=y))


class WifiLocation(Source):
    """4109 real fingerprints: which of 64 access points were heard how strongly, and where, on five floors."""

    name: ClassVar[str] = "wifi_location"
    summary: ClassVar[str] = f"the real Wi-Fi set: 4109 rows of 64, targets (3, 1) in [0, 1]; from --data or {FOLDER}"
    classes: ClassVar[bool] = False

    def read(self) -> Raw:
        """Return the set from the folder that ``PARITY_DATA`` names.

        Raises:
            DataError: it is not there; says how to get it.
        """
        return read_places(real_file(self.name, [FILE], HOW_TO_GET_IT), *UNSAID)

    def read_given(self, file: Path, *, x: str | tuple[str, ...], y: str | tuple[str, ...]) -> Raw:
        """Return a user's rows prepared, called the real Wi-Fi set only when they are."""
        return read_places(file, x, y)
