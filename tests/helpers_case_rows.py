"""Rows of the cases that no source has: invented ones, and digits in another order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]


def line() -> Arrays:
    """Return 64 points near y = 5 x + 2; targets flat, (64,)."""
    draw = np.random.default_rng(0)
    x = draw.uniform(-1, 1, size=(64, 1))
    return {"X": x, "y": (5 * x + 2 + 0.1 * draw.normal(size=x.shape))[:, 0]}


def wide() -> Arrays:
    """Return a linear regression of 200 features that 40 rows do not settle."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(40, 200))
    return {"X": x, "y": x @ np.full((200, 1), 0.05) + 0.05 + 0.01 * draw.normal(size=(40, 1))}


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 600 digits, pixels from 0 to 1."""
    from sklearn.datasets import load_digits  # Every process that collects tests would wait for it.

    x, y = load_digits(return_X_y=True)
    return x[:600] / 16, y[:600]


def sorted_digits() -> Arrays:
    """Return digits class by class."""
    x, y = digits()
    order = np.argsort(y, kind="stable")
    return {"X": x[order], "y": y[order]}


def mixed_digits() -> Arrays:
    """Return the same rows in a drawn order."""
    known = sorted_digits()
    order = np.random.default_rng(0).permutation(600)
    return {name: one[order] for name, one in known.items()}


def copies() -> Arrays:
    """Return digits to be given back as they are, and targets that were shuffled apart from them."""
    x, _ = digits()
    return {"X": x, "same": x, "apart": x[np.random.default_rng(0).permutation(600)]}


def cites() -> Arrays:
    """Return nodes of a graph whose features their neighbours have in part: summed up by two normalizations.

    D^-1/2 A D^-1/2 X and D^-1 A X, A with loops; a node cites mostly its own class.
    """
    draw = np.random.default_rng(0)
    y = draw.integers(4, size=300)
    near = draw.random((300, 300)) < np.where(y[:, None] == y, 0.04, 0.004) * draw.uniform(0.2, 3, size=(300, 1))
    a = np.maximum(near | near.T, np.eye(300, dtype=bool)).astype(float)
    features = (draw.random((300, 24)) < 0.1 + 0.15 * (np.arange(24) % 4 == y[:, None])).astype(float)
    degree = a.sum(axis=1, keepdims=True)
    return {"symmetric": a / np.sqrt(degree * degree.T) @ features, "by_row": a / degree @ features, "y": y}


def picture() -> Arrays:
    """Return the places of an image of 20 x 20 and how bright they are."""
    places = np.stack(np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 20)), axis=-1).reshape(-1, 2)
    waves = np.concatenate([np.sin(np.pi * k * places) for k in (1, 2)], axis=1)
    bright = 0.5 + 0.5 * np.sin(6 * places[:, :1]) * np.cos(5 * places[:, 1:])
    return {"X": np.concatenate([places, waves], axis=1), "y": bright}


def counting() -> Arrays:
    """Return four sequences that count by tens, with the next number; and pieces of waves with the next value."""
    start = np.arange(10.0, 50.0, 10.0)[:, None]
    draw = np.random.default_rng(0)
    phase = draw.uniform(0, 2 * np.pi, size=(400, 1)) + draw.uniform(0.3, 0.9, size=(400, 1)) * np.arange(13)
    return {
        "X": (start + 10 * np.arange(3))[:, :, None], "y": start + 30,
        "waves": np.sin(phase[:, :12, None]), "after": np.sin(phase[:, 12:]),
    }  # fmt: skip


ROWS: dict[str, Callable[[], Arrays]] = {
    one.__name__: one for one in (line, wide, sorted_digits, mixed_digits, copies, cites, picture, counting)
}


def write(spec: str, folder: Path) -> None:
    """Write the files of rows that a spec names.

    Args:
        spec: its text.
        folder: to write into.
    """
    for name, make in ROWS.items():
        if f"{name}.npz" in spec:
            np.savez(folder / f"{name}.npz", **make())
