"""What a program computes with tensors, call by call, and from which call each tensor comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils.weak import WeakTensorKeyDictionary

from parity.frameworks.torch.driver.batch_rows import BatchRows

PARTS_OF = (list, tuple, dict)
"""What tensors are handed round in."""

SILENT = frozenset({
    "size", "dim", "numel", "__len__", "__get__", "is_floating_point", "backward", "item", "tolist", "numpy", "storage",
    "__bool__", "__float__", "__int__", "__format__", "__repr__", "register_hook", "requires_grad_", "__set__", "type",
    "stride", "is_contiguous", "data_ptr", "__hash__", "untyped_storage", "_set_grad_enabled", "element_size",
    "retain_grad",
})  # fmt: skip
"""Functions that make no tensor of tensors."""

Path = tuple[Any, ...]
"""Where a tensor stands in what a call gave: indices and keys, from the outside in."""


PLACE = "_place"
"""By what the line that makes a scheduler is kept beside its state."""


def optimizer_of(scheduler: Any) -> Any:
    """Return the optimizer whose rate a scheduler sets; one that stands around another, as accelerate's, is that."""
    found = getattr(scheduler, "optimizer", None)
    while isinstance(inner := getattr(found, "optimizer", None), torch.optim.Optimizer):
        found = inner
    return found


@dataclass(eq=False)
class Call:
    """A call of a function or of a module, or a batch that a loader gave.

    Args:
        what: the function, the module or the loader.
        name: of the function; ``module`` or ``rows`` of the others.
        args, kwargs: what it was given, each tensor as a :class:`Ref`.
        place: line of the program.
        modes: of a module, each module in it and whether that was in training.
        grad: whether gradients were recorded.
        within: the function of the program that it stands in.
        autocast: the type of the ``autocast`` that it was within; empty outside of one.
        buffers: of a module that was called ahead of the first backward pass, its buffers and what they held before.
        losses: loss functions that were called ahead of it, within the model that it stands in.
        ending: where a model ends that computes its own loss (:mod:`parity.frameworks.torch.driver.own_loss`).
    """

    what: Any
    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    modes: list[tuple[Any, bool]] = field(default_factory=list)
    grad: bool = True
    within: str = ""
    autocast: str = ""
    buffers: list[tuple[torch.Tensor, torch.Tensor]] = field(default_factory=list)
    losses: int = 0
    ending: Any = None

    def refs(self) -> list[Ref]:
        """Return the tensors that it was given, in order."""
        return [one for _, one in leaves((self.args, dict(self.kwargs))) if isinstance(one, Ref)]


@dataclass(eq=False)
class Ref:
    """A tensor as it was when it was handed on: where it came from, None where no call that was seen gave it."""

    tensor: torch.Tensor
    call: Call | None = None
    path: Path = ()


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Return all that lists, tuples and dicts hold, with its path."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from leaves(one, (*path, number))
    else:
        yield path, value


def tensors_in(value: Any) -> list[torch.Tensor]:
    """Return all tensors that lists, tuples and dicts hold, in order."""
    return [one for _, one in leaves(value) if isinstance(one, torch.Tensor)]


def listed(value: Any) -> list[Any]:
    """Return what a list, a tuple or a dict holds one below; of anything else, it alone."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def exchanged(value: Any, by: Callable[[Any], Any]) -> Any:
    """Return lists, tuples and dicts with everything in them as a function makes it."""
    if isinstance(value, dict):
        return {key: exchanged(one, by) for key, one in value.items()}
    if isinstance(value, list | tuple):
        found = [exchanged(one, by) for one in value]
        plain = type(value) in PARTS_OF
        return type(value)(found) if plain else type(value)(*found) if hasattr(value, "_fields") else tuple(found)
    return by(value)


def part_at(value: Any, path: Path) -> Any:
    """Return what stands at a path."""
    for one in path:
        value = value[one]
    return value


class Origins:
    """From which call each tensor that is alive comes.

    Args:
        outer: that know what these do not.
    """

    def __init__(self, outer: Origins | None = None) -> None:
        self._known, self.outer = WeakTensorKeyDictionary(), outer

    def ref(self, tensor: torch.Tensor) -> Ref:
        """Return a tensor as it is now."""
        if self.outer is not None and tensor not in self._known:
            return self.outer.ref(tensor)
        call, path = self._known.get(tensor, (None, ()))
        return Ref(tensor, call, path)

    def given(self, value: Any) -> Any:
        """Return what a call is given, each tensor as a :class:`Ref`."""
        return exchanged(value, lambda one: self.ref(one) if isinstance(one, torch.Tensor) else one)

    def gave(self, call: Call, value: Any) -> None:
        """Keep that a call gave all tensors of a value."""
        for path, one in leaves(value):
            if isinstance(one, torch.Tensor):
                self.gave_at(one, call, path)

    def gave_at(self, tensor: torch.Tensor, call: Call, path: Path) -> None:
        """Keep where a tensor stands in what a call gave."""
        self._known[tensor] = (call, path)


class Replay:
    """Calls once more, on other tensors.

    Args:
        known: by :func:`key_of` of a tensor, what stands in its place.
        constant: what a tensor that no call gave is taken for.
        module: what a module is called as.
    """

    def __init__(
        self, known: Mapping[Any, Any], constant: Callable[[torch.Tensor], Any] | None = None,
        module: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        self._known = dict(known)
        self._constant = constant or (lambda one: one)
        self._module = module or (lambda one: one)
        self._gave: dict[int, Any] = {}
        self.made: list[Call] = []
        """The calls that were made once more."""

    @property
    def _rows(self) -> int | None:
        """How many rows there are now; None where no tensor tells."""
        return next((len(one) for one in self._known.values() if isinstance(one, torch.Tensor) and one.dim()), None)

    def _now(self, one: Any) -> Any:
        """Return what an argument is now."""
        if isinstance(one, BatchRows):
            rows = self._rows
            return float(one) if rows is None else rows
        return self.value(one) if isinstance(one, Ref) else one

    def value(self, ref: Ref) -> Any:
        """Return what a tensor is now."""
        key = key_of(ref)
        if key in self._known:
            return self._known[key]
        if ref.call is None or ref.call.name == "rows":  # Rows that nobody gives anew are those that were seen.
            return self._constant(ref.tensor)
        return part_at(self._called(ref.call), ref.path)

    def _called(self, call: Call) -> Any:
        if id(call) not in self._gave:
            self.made.append(call)
            what = self._module(call.what) if call.name == "module" else call.what
            self._gave[id(call)] = what(*exchanged(call.args, self._now), **exchanged(dict(call.kwargs), self._now))
        return self._gave[id(call)]


def key_of(ref: Ref) -> Any:
    """Return what two references to one tensor have in common."""
    return (id(ref.call), ref.path) if ref.call is not None else id(ref.tensor)


def behind(ref: Ref, ends: Iterable[Any] = ()) -> Iterator[Ref]:
    """Return a tensor and all from which it was made, each once.

    Args:
        ref: the tensor.
        ends: what :func:`key_of` gives of those that are gone no further than, which are left out.
    """
    waiting, met = [ref], set(ends)
    while waiting:
        one = waiting.pop()
        if key_of(one) in met:
            continue
        met.add(key_of(one))
        yield one
        waiting += one.call.refs() if one.call is not None else []
