"""Differences that cannot be apart: the width of a head, its activation, its loss, and the form of the targets.

A head of one sigmoid and one of two softmax outputs are two ways to say the same. A network with the width of one and
the loss or the targets of the other is none that anybody has, and mostly none that runs: so they are one difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from parity.ops import ShapeError
from parity.spec.differences import Difference
from parity.spec.resolve import Resolved

TARGETS = ("data.y", "data.one_hot", "data.targets")
"""Fields that say in which form the targets are."""


def joined(a: Resolved, b: Resolved, found: Sequence[Difference]) -> list[Difference]:
    """Return the differences of two sides, those that make up another kind of head joined to one.

    It stands where the first of them stood; its ``parts`` are what they were.

    Args:
        a: first side.
        b: second side.
        found: their differences.
    """
    for output in a.views:
        found = _joined(a, b, output, found)
    return list(found)


def _joined(a: Resolved, b: Resolved, output: str, found: Sequence[Difference]) -> list[Difference]:
    """Return what :func:`joined` does, of one output."""
    parts = _head(a.views[output], b.views[output], found, a.named("loss", output))
    if len(parts) < 2:
        return list(found)
    first = next(index for index, one in enumerate(found) if one in parts)
    rest = [one for one in found if one not in parts]
    return [*rest[:first], _made(parts), *rest[first:]]


def _made(parts: Sequence[Difference]) -> Difference:
    """Return one difference of several."""
    origins = [", ".join(dict.fromkeys(texts)) for texts in zip(*((one.a_origin, one.b_origin) for one in parts),
                                                                  strict=True)]  # fmt: skip
    return Difference(
        path=" + ".join(one.path for one in parts),
        paths=tuple(path for one in parts for path in one.paths),
        a=", ".join(one.a for one in parts),
        b=", ".join(one.b for one in parts),
        a_origin=origins[0],
        b_origin=origins[1],
        layers=tuple(dict.fromkeys(name for one in parts for name in one.layers)),
        parts=tuple(parts),
    )


def _head(a: Resolved, b: Resolved, found: Sequence[Difference], loss: str) -> list[Difference]:
    """Return the differences that make up another kind of head; none where it is the same.

    Args:
        a: first side, as it is seen from the output.
        b: second side.
        found: their differences.
        loss: path of the loss of the output.
    """
    live = [one for one in found if not one.inert]
    try:
        shapes = [side.last.output_shape for side in (a, b)]
    except ShapeError:
        return []
    if shapes[0] != shapes[1]:
        last = set(_behind(a)) | set(_behind(b))
        return [one for one in live if one.path in TARGETS or _of_loss(one, loss) or (set(one.layers) & last)]
    losses = {side.config.loss.kind for side in (a, b)}
    forms = [one for one in live if one.path in TARGETS[1:] and _counts(one)]
    return [one for one in live if one in forms or one.path == loss] if forms and len(losses) == 2 else []


def _of_loss(one: Difference, loss: str) -> bool:
    return one.path == loss or one.path.startswith(f"{loss}.")


def _counts(one: Difference) -> bool:
    """Return whether targets are numbers of classes on one side and one-hot rows on the other."""
    return one.path == "data.one_hot" or "index" in (one.a, one.b)


def _behind(side: Resolved) -> Iterator[str]:
    """Yield the layer that gives the outputs their shape, and what stands behind it."""
    shape = side.last.output_shape
    for layer in side.graph.back(side.last):
        yield layer.name
        if layer.parameters or layer.input_shape != shape:
            return
