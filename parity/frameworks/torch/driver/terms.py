"""What a loss is made of: losses of outputs and targets, or one that no entry reads, kept whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from parity.frameworks.torch.driver.calls import Call, Ref, behind, key_of
from parity.frameworks.torch.driver.own_modules import RANDOM
from parity.frameworks.torch.driver.tracer import UnclearError


@dataclass(kw_only=True)
class Term:
    """A loss that is part of what is minimised.

    Args:
        call: of the loss.
        part: as a word; None of one that is opaque.
        share: that it is multiplied by.
        outputs: what it is of.
        targets: what these should be; None of an opaque loss of no targets.
        beside: of an opaque loss, what it reads of the model beside the outputs.
        why: what stands in the way of reading an opaque loss, and what it is called.
        together: the rows and places of its outputs were put together on their way to it, the classes standing last.
        weights: what the losses of its rows are multiplied by; None where all count alike.
    """

    call: Call
    part: dict[str, Any] | None
    share: float
    outputs: Ref
    targets: Ref | None
    beside: Sequence[Ref] = field(default_factory=tuple)
    why: tuple[str, str] = ("", "")
    weights: Ref | None = None
    together: bool = False


def trains(call: Call) -> bool:
    """Return whether a call is one of a module with parameters."""
    return call.name == "module" and next(call.what.parameters(), None) is not None


def depends(ref: Ref) -> bool:
    """Return whether a tensor comes from a module with parameters, or is a parameter."""
    return isinstance(ref.tensor, nn.Parameter) or any(
        (one.call is not None and trains(one.call)) or isinstance(one.tensor, nn.Parameter) for one in behind(ref)
    )


def opaque_term(loss: Ref, error: UnclearError) -> Term:
    """Return what is minimised as one loss, of which nothing is known but what it reads.

    Args:
        loss: that gradients are taken from.
        error: why it is read as nothing else.

    Raises:
        UnclearError: the same, when it reads no output of a model, parameters, or rows of several kinds, or draws.
    """
    if loss.call is None or loss.tensor.numel() != 1:
        raise error
    outputs, data, calls = _read(loss, error)
    rows = len(outputs[0].tensor) if outputs and outputs[0].tensor.dim() else 0
    targets = [one for one in data if one.tensor.dim() and len(one.tensor) == rows]
    if len(targets) > 1:  # Some may be computed of the others.
        outputs, data, calls = _read(loss, error, whole=True)
        targets = [one for one in data if one.tensor.dim() and len(one.tensor) == rows]
    if not outputs or any(one.name in RANDOM for one in calls):
        raise error
    if len(targets) > 1 or not rows:
        raise error
    aimed = targets[0] if targets else None
    alike = [one for one in outputs if aimed is not None and one.tensor.shape == aimed.tensor.shape]
    main = (alike or outputs)[0]
    who = next((one.within for one in calls if one.within not in ("", "<module>")), "what is minimised")
    needs = f"{error.refusal.needs}; here is {error.refusal.what.rstrip(',')}"
    return Term(
        call=loss.call, part=None, share=1.0, outputs=main, targets=aimed, why=(who, needs),
        beside=[one for one in outputs if one is not main],
    )  # fmt: skip


TAKING = frozenset({"rows", "module", "__getitem__", "index_select", "gather", "take", "masked_select"})
"""Calls that give rows of data: what they are given is no batch."""


def of_batch(ref: Ref) -> bool:
    """Return whether a tensor is made of rows of data, and so another one in each batch."""
    return any(one.call is not None and one.call.name in TAKING and one.tensor.dim() > 0 for one in behind(ref))


def _made_of_rows(ref: Ref) -> list[Call]:
    """Return the call that computes data of other data, row by row, such as ``1 - targets``; none where none does."""
    call, rows = ref.call, len(ref.tensor) if ref.tensor.dim() else 0
    if call is None or call.name in TAKING:
        return []
    given = [one for one in call.refs() if one.tensor.dim() and len(one.tensor) == rows]
    return [call] if given and rows else []


def _read(loss: Ref, error: UnclearError, whole: bool = False) -> tuple[list[Ref], list[Ref], list[Call]]:
    """Return the outputs of modules that a loss is made of, in the order in which they were given, data, and calls.

    Args:
        loss: that is minimised.
        error: why it is read as nothing else.
        whole: go on to the data that other data are computed of.
    """
    waiting, met = [loss], set()
    outputs: list[Ref] = []
    data: list[Ref] = []
    calls: list[Call] = []
    while waiting:
        one = waiting.pop()
        if key_of(one) in met:
            continue
        met.add(key_of(one))
        if isinstance(one.tensor, nn.Parameter):
            raise error  # A penalty: its gradient comes on top of what a layer gets.
        if not depends(one):
            made = _made_of_rows(one) if whole else []
            calls += made
            waiting += [ref for call in made for ref in call.refs()]
            data += [] if made else [one]
        elif one.call is not None and trains(one.call):
            outputs.append(one)
        elif one.call is not None:
            calls.append(one.call)
            waiting += one.call.refs()
    return sorted(outputs, key=lambda one: repr(one.path)), data, calls
