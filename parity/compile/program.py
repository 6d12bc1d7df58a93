"""What compiling gives: the source of a program, and where the canonical tensors live in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


def to_first(rank: int) -> tuple[int, ...]:
    """Return the axes that bring the channels of a (N, ..., C) batch to the front: (0, rank, 1, ...).

    Args:
        rank: of a row, without the batch axis.
    """
    return (0, rank, *range(1, rank))


def to_last(rank: int) -> tuple[int, ...]:
    """Return the axes that bring the channels of a (N, C, ...) batch to the end: (0, 2, ..., 1)."""
    return (0, *range(2, rank + 1), 1)


@dataclass(frozen=True, kw_only=True)
class Weight:
    """Where a canonical parameter lives.

    Args:
        attribute: dotted path from the model.
        axes: canonical value permuted by these is the framework's; None where both are the same.
        trainable: False for running statistics.
    """

    attribute: str
    axes: tuple[int, ...] | None = None
    trainable: bool = True


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a layer's output can be seen.

    Args:
        attribute: layer, method or module of the model.
        axes: the framework's value permuted by these is canonical; None where both are the same.
        point: ``output``; ``logits`` where the program leaves the last activation to the loss; ``input`` where it is
            seen as what the layer after it, at ``attribute``, takes in.
        shape: canonical, without the batch axis, where the program's own layout must be told from it.
    """

    attribute: str
    axes: tuple[int, ...] | None = None
    point: str = "output"
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Bindings:
    """Canonical names to places in one program; plain data, since it is sent to a worker.

    Args:
        weights: ``layer.parameter`` to its place.
        outputs: layer to where its output is seen.
        slots: optimizer slot to (attribute, scale); canonical value = scale * stored value.
        mask_axes: for each dropout call of a step, the permutation from the canonical mask to the program's
            tensor, or None.
        masks: number of the mask that each of these calls takes.
        mask_shapes: of each of these calls, the canonical shape of a row, where the program's own layout must be told
            from it.
        ending: activation that the loss applies in place of the model (``softmax``), to be applied to predictions.
        names: what a hand-written program calls the parts of the contract.
    """

    weights: Mapping[str, Weight]
    outputs: Mapping[str, Output]
    slots: Mapping[str, tuple[str, float]]
    mask_axes: tuple[tuple[int, ...] | None, ...] = ()
    masks: tuple[int, ...] = ()
    mask_shapes: tuple[tuple[int, ...], ...] = ()
    ending: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return the bindings as dicts, lists, strings and numbers."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


@dataclass(frozen=True, kw_only=True)
class Program:
    """A compiled side.

    Args:
        framework: it is written in.
        source: of a module that runs on its own.
        bindings: where the canonical tensors live in it.
        file_name: a good name for the file.
        path: of a program written by hand, which is run where it stands.
        files: SHA-256 of that file and of each that it imports from beside it, by their path from its folder: as they
            were when it was matched, which is what is run, or nothing is.
        unmatched: in words, what of it was matched to nothing.
    """

    framework: str
    source: str
    bindings: Bindings = field(repr=False)
    file_name: str
    path: str | None = None
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    unmatched: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()
