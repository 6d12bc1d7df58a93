"""Public pairs of a faulty program and its posted correction: their specs, their rows, what was said to be wrong.

The specs, ``public/NUMBER.yaml``, say what the two programs are, in the words of this project; NUMBER is that of the
post. Their rows are made here as the posts make them, with fewer rows where there are many. Three posts came with a
file, which is read from the folder that ``PARITY_DATA`` names. ``public/labels.yaml`` has the kinds of fault.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.spec.yaml import parse_yaml

FOLDER = Path(__file__).with_name("public")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A faulty program and its correction.

    Args:
        post: its number.
        file: the spec.
        posted: kinds of fault by the posted correction.
        later: by a later study.
    """

    post: str
    file: Path
    posted: tuple[str, ...]
    later: tuple[str, ...]

    def plain(self, folder: Path) -> dict[str, Any]:
        """Return the spec as plain data, its rows written into a folder.

        Raises:
            LookupError: when they come with a file that is not at hand.
        """
        np.savez(folder / "rows.npz", **rows(self.post))  # type: ignore[arg-type]
        spec: dict[str, Any] = parse_yaml(self.file.read_text(encoding="utf-8"), self.file.name)[0]
        spec["data"]["source"] = str(folder / "rows.npz")
        return spec


def pairs() -> list[Pair]:
    """Return all pairs, in the order of their numbers."""
    labels: Mapping[int, Any] = parse_yaml((FOLDER / "labels.yaml").read_text(encoding="utf-8"), "labels.yaml")[0]
    return [
        Pair(post=str(post), file=FOLDER / f"{post}.yaml", posted=tuple(one["posted"]), later=tuple(one["later"]))
        for post, one in sorted(labels.items())
    ]


def rows(post: str) -> Arrays:
    """Return the arrays of a pair.

    Raises:
        LookupError: when they come with a file that is not at hand, or of a package that is not installed.
    """
    return MADE[post]() if post in MADE else from_file(post)


def from_file(post: str) -> Arrays:
    """Return the arrays that came with a post."""
    folder = os.environ.get("PARITY_DATA")
    file = Path(folder or ".") / f"so{post}.npz"
    if not folder or not file.is_file():
        raise LookupError(f"{post} left out: its rows came with a file, so{post}.npz of the folder PARITY_DATA names")
    with np.load(file) as kept:
        return {name: kept[name] for name in kept.files}


def bits() -> Arrays:
    """Return rows of 128 ones, which are yes, and of 128 zeros, which are no."""
    answers = np.repeat([1.0, 0.0], 500)[:, None]
    return {"X": np.repeat(answers, 128, axis=1), "y": answers}


def a_plane() -> Arrays:
    """Return 2 a + b + c / 2 + 2.2 of three numbers up to 100, as it is and divided by 2.2."""
    x = np.random.default_rng(0).uniform(0.0, 100.0, (2000, 3))
    y = (x @ [2.0, 1.0, 0.5] + 2.2)[:, None]
    return {"X": x, "plain": y, "divided": y / 2.2}


def exclusive_or() -> Arrays:
    """Return the four rows of exclusive or, two of them twice."""
    x = np.asarray([[1, 1], [0, 0], [1, 0], [0, 1], [1, 1], [0, 0]], dtype=np.float64)
    return {"X": x, "y": (x[:, :1] != x[:, 1:]).astype(np.float64)}


def drawn_apart() -> Arrays:
    """Return five numbers a row, and five that have nothing to do with them."""
    random = np.random.default_rng(2)
    return {"X": random.uniform(size=(200, 5, 1)), "y": random.uniform(size=(200, 5, 1))}


def noisy_parabola() -> Arrays:
    """Return 5 x^2 and a normal error of 2.2, x from 0 to 4.9."""
    x = np.arange(50)[:, None] / 10.0
    return {"X": x, "y": 5.0 * x**2 + np.random.default_rng(0).normal(scale=2.2, size=x.shape)}


def counts() -> Arrays:
    """Return four counts a row, and whether the first is above the last but for chance: 68 % are, 79 % can be told."""
    random = np.random.default_rng(0)
    x = random.poisson([14.7, 12.9, 12.1, 10.2], (800, 4)).astype(np.float64)
    won = (x[:, 0] - x[:, 3] + random.logistic(scale=3.5, size=800) > 0.0).astype(np.int64)
    return {"X": x, "answers": won[:, None].astype(np.float64), "numbers": won}


def irises() -> Arrays:
    """Return half of the irises."""
    try:
        from sklearn.datasets import load_iris
    except ImportError:
        raise LookupError("51930566 left out: its rows are scikit-learn's irises, which is not installed") from None
    kept = load_iris()
    chosen = np.random.default_rng(0).permutation(len(kept.data))[:75]
    return {"X": kept.data[chosen], "y": kept.target[chosen].astype(np.int64)}


MADE: Mapping[str, Callable[[], Arrays]] = {
    "31880720": bits,
    "33969059": a_plane,
    "34311586": exclusive_or,
    "45337371": drawn_apart,
    "48934338": noisy_parabola,
    "50481178": counts,
    "51930566": irises,
}
"""How the rows are made, by post."""
