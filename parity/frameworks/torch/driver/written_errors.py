"""Losses of errors that programs of PyTorch write out: a ``torch.where`` of a parabola and a line, a logarithm of cosh.

Told by what they make of numbers that are made up, held against PyTorch's own losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from parity.frameworks.torch.driver.calls import Call, Ref, Replay, behind, key_of, leaves
from parity.frameworks.torch.driver.terms import depends, of_batch
from parity.frameworks.torch.driver.words import own_of
from parity.run.decimals import decimal_of
from parity.run.made_up_errors import elements_of

NEAR = 1e-9
"""Relative difference of losses within which two are one: those of a program have float32's decimals in them."""


@dataclass(frozen=True)
class ErrorsByHand:
    """A loss of errors that was written out.

    Args:
        call: that puts the losses of the elements together.
        outputs: that it reads.
        targets: what these should be.
        part: the loss as a word, of which this is the mean or the sum, times the factor.
        factor: that it is multiplied by.
    """

    call: Call
    outputs: Ref
    targets: Ref
    part: dict[str, Any]
    factor: float


def written_errors(call: Call) -> ErrorsByHand | None:
    """Return the loss whose mean or sum over all elements a call is; None where it is none of errors."""
    if call.name not in ("mean", "sum") or len(call.args) != 1 or call.kwargs or len(call.refs()) != 1:
        return None
    (rows,) = call.refs()
    outputs, targets = _met(rows)
    if outputs is None or targets is None:
        return None
    inside = list(behind(rows, {key_of(outputs), key_of(targets)}))
    if any((one.call is None and (depends(one) or one.tensor.numel() > 1)) or (of_batch(one) and not depends(one))
           for one in inside):  # fmt: skip
        return None  # It reads parameters, or more than these two.
    numbers = list(_numbers(inside))

    def computed(x: Any, y: Any) -> Any:
        known = {key_of(outputs): torch.from_numpy(x), key_of(targets): torch.from_numpy(y)}
        with torch.no_grad():
            return Replay(known, _exactly).value(rows).numpy()

    try:
        told = elements_of([list(one.tensor.shape) for one in (outputs, targets)], computed, numbers)
    except (RuntimeError, TypeError, ValueError):
        return None
    found = None if told is None else _fitting(told)
    if found is None:
        return None
    part, factor = found
    return ErrorsByHand(call, outputs, targets, {**part, "arguments": {**part["arguments"], "reduction": call.name}},
                         factor)  # fmt: skip


def _met(rows: Ref) -> tuple[Ref | None, Ref | None]:
    """Return the last two tensors that meet of which one is trained and the other data; None where none do."""
    waiting, met = [rows], set[Any]()
    while waiting:
        one = waiting.pop(0)
        if key_of(one) in met or one.call is None or one.call.name in ("module", "rows"):
            continue
        met.add(key_of(one))
        given = one.call.refs()
        trained, data = [ref for ref in given if depends(ref)], [ref for ref in given if _is_data(ref)]
        if len(trained) == 1 == len(data) and len(given) == 2:
            return trained[0], data[0]
        waiting += trained
    return None, None


def _is_data(ref: Ref) -> bool:
    return not depends(ref) and ref.tensor.dim() > 0 and ref.tensor.numel() > 1


def _numbers(inside: list[Ref]) -> Iterator[float]:
    """Yield the numbers that a loss is written with."""
    for one in inside:
        if one.call is None and one.tensor.numel() == 1:
            yield decimal_of(float(one.tensor))
        elif one.call is not None:
            given = (leaf for _, leaf in leaves((one.call.args, dict(one.call.kwargs))))
            yield from (float(leaf) for leaf in given if isinstance(leaf, int | float) and not isinstance(leaf, bool))


def _exactly(constant: torch.Tensor) -> torch.Tensor:
    return torch.tensor(decimal_of(float(constant)), dtype=torch.float64) if constant.numel() == 1 else constant


def _log_cosh(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    e = (x - y).abs()
    return e + torch.log1p(torch.exp(-2.0 * e)) - math.log(2.0)


def _candidates(numbers: list[float]) -> Iterator[tuple[dict[str, Any], Callable[..., torch.Tensor], dict[str, Any]]]:
    """Yield losses as words, and what computes each of them, with its arguments."""

    def word(name: str, **told: float) -> dict[str, Any]:
        return {"part": name, "arguments": told, "own": own_of(name)}

    yield word("nn.MSELoss"), functional.mse_loss, {"reduction": "none"}
    yield word("nn.L1Loss"), functional.l1_loss, {"reduction": "none"}
    for bound in sorted({1.0, *map(abs, numbers)} - {0.0}):
        yield word("nn.SmoothL1Loss", beta=bound), functional.smooth_l1_loss, {"reduction": "none", "beta": bound}
        yield word("nn.HuberLoss", delta=bound), functional.huber_loss, {"reduction": "none", "delta": bound}
    yield {"part": "log cosh", "entry": "log_cosh", "arguments": {}, "own": {}}, _log_cosh, {}


def _fitting(told: Mapping[str, Any]) -> tuple[dict[str, Any], float] | None:
    """Return the loss that makes these values, and by which factor: 1 where some loss needs none."""
    x, y, wanted = (torch.tensor(told[name], dtype=torch.float64) for name in ("outputs", "targets", "values"))
    found: list[tuple[dict[str, Any], float]] = []
    for part, function, given in _candidates(told["numbers"]):
        made = function(x, y, **given)
        most = int(made.abs().argmax())
        factor = float(f"{float(wanted[most] / made[most]):.9g}")
        if factor > 0.0 and torch.allclose(factor * made, wanted, rtol=NEAR, atol=1e-12):
            found.append((part, factor))
    return min(found, key=lambda one: one[1] != 1.0, default=None)
