"""How tensors start that nobody saw filled: their program is built with eight seeds, and they are measured."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.errors import WorkerError
from parity.lazy import np
from parity.reading.measured import LEAST, StartMeasured, measured, measured_gates, within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parity.run.session import Session
    from parity.run.told import Told, ToldNode, Word

SEEDS = 8
"""With which a program is built, as it is itself among them."""

SECONDS = 60.0
"""That building it again may take in all; then it is measured by what was drawn until then."""

OF_LAYER = "fan_in_uniform"
"""The rule that scales by what feeds a layer, kernel and bias alike."""

FEW = 8
"""Numbers that are enough to hold them against one rule: a program that can be run again gives as many of one place."""

Place = tuple[dict[str, "Word"], str]
"""A mapping, and the key in it under which a word of a start stands."""


def starts_of(node: ToldNode) -> Iterator[Place]:
    """Return where words of starts stand in what is told of a layer: among its arguments, or in ``starts``."""
    for told in (node.arguments, node.arguments.get("starts", {})):
        for name, word in list(told.items()):
            if isinstance(word, Mapping) and "start" in word:
                yield told, name


def draw_again(
    session: Session, program: Mapping[str, Any], told: Told, arrays: dict[str, NDArray[Any]], folder: Path
) -> None:
    """Build a program with more seeds, where the numbers that its tensors start at have to be measured.

    The names of the draws go to the words, the draws themselves to the arrays. Where a program fails with another seed,
    or is another one, there are fewer.

    Args:
        session: that ran it.
        program: as of :func:`~parity.run.watched.taken`.
        told: of it; changed.
        arrays: that it wrote; changed.
        folder: for what is exchanged.
    """
    words = [where[name]["start"] for node in told.nodes for where, name in starts_of(node)]
    words = [one for one in words if "number" in one and "arrays" in one]
    if told.refused or all(_is_level(arrays[one["arrays"][0]]) for one in words):
        return
    begun = time.monotonic()
    for seed in range(1, SEEDS):
        if seed > 1 and (time.monotonic() - begun) * seed / (seed - 1) > SECONDS:  # As long as those before it.
            return
        try:
            answer = session.ask(
                "redrawn", program=dict(program), number=seed, wanted=[one["number"] for one in words],
                folder=str(folder),
            )  # fmt: skip
        except WorkerError as error:
            told.notes.append(f"With another seed it fails, so that its tensors are measured by less: {error.what}.")
            return
        if "unwatched" in answer:
            return
        drawn = [np.load(folder / f"{place}.npy", allow_pickle=False) for place in range(len(words))]
        if any(one.shape != arrays[word["arrays"][0]].shape for one, word in zip(drawn, words, strict=True)):
            return
        for one, word in zip(drawn, words, strict=True):
            name = f"{word['arrays'][0]}, seed {seed}"
            arrays[name] = one
            word["arrays"].append(name)


def _is_level(array: NDArray[Any]) -> bool:
    """Return whether numbers are surely no draw: all are alike, or the only one is 0 or 1."""
    flat = array.ravel()
    return bool((flat == flat[0]).all()) and (flat.size > 1 or flat[0] in (0.0, 1.0)) if flat.size else True


def starts_measured(
    words: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, NDArray[Any]]
) -> dict[str, StartMeasured]:  # fmt: skip
    """Return how the tensors of one layer start, by name.

    What is too small to be told by itself is told by what starts the layer's other tensor, where that is the rule which
    scales by what feeds the layer, and its numbers are such as that rule draws.

    Args:
        words: of its tensors that are measured, by name.
        arrays: with their draws.
    """
    draws = {name: _draws(one, arrays) for name, one in words.items()}
    found = {
        name: measured_gates(draws[name], one["gates"], **_fans(one)) if one.get("gates") else
        measured(draws[name], **_fans(one)) for name, one in words.items()
    }  # fmt: skip
    if any(one.entry == OF_LAYER for one in found.values()):
        for name, one in found.items():
            count, again = sum(draw.size for draw in draws[name]), "number" in words[name]
            enough = FEW <= count < LEAST or (count < FEW and not again)
            if one.entry is None and enough and within(draws[name], OF_LAYER, **_fans(words[name])):
                sentence = f"{one.sentence}, but they are such as {OF_LAYER} draws, by which the layer starts"
                found[name] = StartMeasured(entry=OF_LAYER, sentence=sentence)
    return found


def _draws(said: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Sequence[NDArray[Any]]:
    """Return the draws of a tensor in the canonical layout."""
    every = [np.asarray(arrays[name]) for name in said["arrays"]]
    return [one.transpose(said["axes"]) for one in every] if "axes" in said else every


def _fans(said: Mapping[str, Any]) -> dict[str, int]:
    return {**fans_of(said["shape"]), "feeds": int(said.get("feeds", 0))}


def fans_of(shape: list[int]) -> dict[str, int]:
    """Return the fans of a tensor in the canonical layout.

    >>> fans_of([3, 3, 8, 16])
    {'fan_in': 72, 'fan_out': 144}
    """
    if len(shape) < 2:
        return {"fan_in": shape[0] if shape else 1, "fan_out": shape[0] if shape else 1}
    window = math.prod(shape[:-2])
    return {"fan_in": window * shape[-2], "fan_out": window * shape[-1]}
