"""A model that computes its own loss: ``logits, loss = model(x, y)``, as nanoGPT's and those of Hugging Face do.

Seen from outside such a model reads its targets and gives a number. Taken for a model and a loss, it ends where its
loss begins: it gives what the loss function inside is given, by row, and the targets are none of its inputs.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from parity.frameworks.torch.driver.calls import Call, Origins, Ref, behind, exchanged, key_of, leaves
from parity.frameworks.torch.driver.loss_terms import ALIKE, RESHAPES, aimed, by_row, is_loss, terms_of
from parity.frameworks.torch.driver.terms import Term, depends
from parity.frameworks.torch.driver.tracer import UnclearError
from parity.frameworks.torch.driver.words import bound

WHOLE = "_parity_whole"
"""Attribute of a forward that ends where the loss begins: the one that goes on."""


@dataclass(frozen=True)
class Ending:
    """Where a model that computes its own loss ends.

    Args:
        given: what it is called with: of a tensor its number among the inputs, or the shape of a row of a target.
        numbers: of the loss functions within one call of it, counted from 0.
        shapes: of a row of what each of these is given.
    """

    given: tuple[Any, dict[str, Any]]
    numbers: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class _Target:
    shape: tuple[int, ...]
    kind: torch.dtype


@dataclass(frozen=True)
class _Input:
    number: int


def cut(call: Call, found: Any, inner: Origins, outer: Origins) -> None:
    """Let the loss that a model gives come from a model that ends where the loss begins; of any other, do nothing.

    Args:
        call: of the model.
        found: what it gave.
        inner: from which call within it each tensor comes.
        outer: takes from where the loss comes.
    """
    for _, loss in leaves(found):
        if not isinstance(loss, torch.Tensor) or loss.dim() or not loss.requires_grad:
            continue
        ref = inner.ref(loss)
        try:
            losses = list(terms_of(ref, 1.0, call.place))
        except UnclearError:
            continue
        if ref.call is not None and _divided(call, ref, losses):
            outer.gave_at(loss, ref.call, ref.path)


def _divided(call: Call, loss: Ref, losses: Sequence[Term]) -> bool:
    """Cut what a model computes in two, where its losses are of rows of its own and of targets that it was given."""
    mine = {key_of(one): one for one in call.refs()}
    aims = [one.targets for one in losses if one.targets is not None]
    targets = {key for one in aims for ref in behind(one) if (key := key_of(ref)) in mine and ref.tensor.dim()}
    if not targets or any(one.call.name != "module" and not is_loss(one.call.what) for one in losses):
        return False
    rows = len(mine[next(iter(targets))].tensor)
    ends = [end for one in losses if (end := by_row(one.outputs, rows)) is not None and depends(end)]
    read = {key_of(ref) for end in ends for ref in behind(end)}
    inputs = [one for key, one in mine.items() if key in read]
    if len(ends) < len(losses) or targets & read or not inputs:
        return False
    order = {key_of(one): number for number, one in enumerate(inputs)}

    def told(value: Any) -> Any:
        if not isinstance(value, Ref):
            return value
        key, tensor = key_of(value), value.tensor
        if key in order:
            return _Input(order[key])
        by_rows = tensor.dim() and len(tensor) == rows  # Of the loss alone, as the targets are.
        return _Target(tuple(tensor.shape[1:]), tensor.dtype) if by_rows else tensor.detach()

    shapes = tuple(tuple(one.tensor.shape[1:]) for one in ends)
    ending = Ending(exchanged((call.args, dict(call.kwargs)), told), tuple(one.call.losses for one in losses), shapes)
    model = Call(call.what, "module", tuple(inputs), {}, call.place, call.modes, call.grad, call.within, call.autocast,
                 call.buffers, ending=ending)  # fmt: skip
    known = {key_of(one): number for number, one in enumerate(ends)}
    for ref in list(behind(loss)):
        for one in [ref, *(ref.call.refs() if ref.call is not None else ())]:
            number = known.get(key_of(one))
            if number is not None:
                one.call, one.path = model, (number,) if len(ends) > 1 else ()
    return True


def end_there(call: Call) -> None:
    """Let a model that is called again end where its loss begins."""
    model, ending = call.what, call.ending
    if ending is None:
        return
    whole = getattr(model.forward, WHOLE, model.forward)

    @functools.wraps(whole)
    def forward(*tensors: torch.Tensor) -> Any:
        rows = len(tensors[0])

        def given(one: Any) -> Any:
            if isinstance(one, _Target):
                return torch.zeros((rows, *one.shape), dtype=one.kind, device=tensors[0].device)
            return tensors[one.number] if isinstance(one, _Input) else one

        seen = _Given()
        args, kwargs = exchanged(ending.given, given)
        with seen:
            whole(*args, **kwargs)
        ends = [seen.ahead(number, (rows, *shape))
                for number, shape in zip(ending.numbers, ending.shapes, strict=True)]  # fmt: skip
        return ends[0] if len(ends) == 1 else tuple(ends)

    setattr(forward, WHOLE, whole)
    model.forward = forward


class _Given(TorchFunctionMode):  # type: ignore[misc]
    """Keeps what loss functions are given, call by call; none is computed."""

    def __init__(self) -> None:
        super().__init__()
        self._given: list[torch.Tensor] = []
        self._sources = WeakTensorKeyDictionary()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if is_loss(func):
            told = bound(func, args, kwargs)
            outputs, targets = aimed(told)
            self._given.append(outputs)
            return outputs.new_zeros(targets.shape if told.get("reduction") == "none" else ())
        found = func(*args, **kwargs)
        if (
            getattr(func, "__name__", "") in RESHAPES | ALIKE
            and isinstance(found, torch.Tensor)
            and found is not args[0]
        ):
            self._sources[found] = args[0]
        return found

    def ahead(self, number: int, shape: tuple[int, ...]) -> torch.Tensor:
        """Return what a loss function was given, as it was when it had a shape."""
        found = self._given[number]
        while tuple(found.shape) != shape:
            found = self._sources[found]
        return found
