"""Cross-entropies that programs of PyTorch write out: labels times logarithms, or the logarithm at the label.

``-(y * torch.log(p)).sum(1).mean()``, ``-F.log_softmax(z, 1)[range(len(y)), y].mean()``, ``nn.NLLLoss()(p.log(), y)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from parity.frameworks.torch.driver.calls import Call, Ref
from parity.frameworks.torch.driver.terms import depends

PROBABILITIES = "from_probabilities"
"""Argument that a loss is told beside PyTorch's own: it is given what a softmax gives."""

NEAR = 1e-4
"""Within which probabilities in float32 add up to 1."""

LEAST = 1e-6
"""The largest probability at which a program may hold smaller ones and still have the loss of a softmax, but there."""

SHAPING = frozenset({"squeeze", "view", "reshape", "flatten"})
LABELS = frozenset({"unsqueeze", "view", "reshape", "long", "to", "type"})
"""Functions that labels go through on their way to an index."""


WHOLE = (0.0, 1.0)
"""Between which all probabilities are."""


@dataclass(frozen=True)
class _Of:
    """What a loss is of: outputs, whether these are logarithms, and between which they are held if they are not."""

    outputs: Ref
    logs: bool
    held: tuple[float, float] = WHOLE


@dataclass(frozen=True)
class EntropyByHand:
    """A cross-entropy that was written out.

    Args:
        of: what a softmax gives, or the logarithms of that.
        targets: rows that say how much each class counts, or the numbers of classes.
        kind: of the targets, ``rows`` or ``index``.
        reduction: ``mean`` over the rows, or ``sum``.
        factor: that it is multiplied by; below 0 of one without its sign.
    """

    of: _Of
    targets: Ref
    kind: str
    reduction: str
    factor: float

    @property
    def part(self) -> dict[str, Any]:
        """The loss as a word."""
        told: dict[str, Any] = {"reduction": self.reduction} | ({} if self.of.logs else {PROBABILITIES: True})
        told |= {"divisor": "rows"} if self.reduction == "mean" else {}
        seen = {"targets": self.kind, "stretches": False, "held": self.of.held}
        return {"part": "nn.CrossEntropyLoss", "arguments": told, "own": {}, "seen": seen}


def written_entropy(call: Call) -> EntropyByHand | None:
    """Return the cross-entropy that a mean or a sum is; None of another.

    Args:
        call: of the mean or the sum, over all that it is given.
    """
    if call.name not in ("mean", "sum") or len(call.args) != 1 or call.kwargs or len(call.refs()) != 1:
        return None
    sign, inner = _positive(call.refs()[0])
    picked = _at_labels(inner)
    if picked is not None:
        return EntropyByHand(*picked, "index", call.name, -sign)
    classes = _over_classes(inner)
    more, product = _positive(classes or inner)
    found = _product(product)
    if found is None:
        return None
    of, targets, other = found
    factor = -sign * more * other
    factor /= of.outputs.tensor.shape[1] if classes is None and call.name == "mean" else 1
    return EntropyByHand(of, targets, "rows", call.name, factor)


def behind_logarithm(ref: Ref) -> Ref | None:
    """Return the probabilities that a tensor is the logarithms of; None where it is no such thing."""
    found = _logarithms(ref)
    return found.outputs if found is not None and not found.logs and found.held == WHOLE else None


def _positive(ref: Ref) -> tuple[float, Ref]:
    """Return the sign of a tensor, and it without that."""
    sign = 1.0
    while ref.call is not None and ref.call.name in ("neg", "negative", "__neg__") and ref.call.refs():
        sign, ref = -sign, ref.call.refs()[0]
    return sign, ref


def _over_classes(ref: Ref) -> Ref | None:
    """Return what is summed over the classes of each row; None where nothing is."""
    call = ref.call
    if call is None or call.name != "sum" or len(call.refs()) != 1:
        return None
    said = call.kwargs.get("dim", call.kwargs.get("axis", call.args[1] if len(call.args) > 1 else None))
    axis = said[0] if isinstance(said, tuple | list) and len(said) == 1 else said
    return call.refs()[0] if axis in (1, -1) and call.refs()[0].tensor.dim() == 2 else None


def _product(ref: Ref) -> tuple[_Of, Ref, float] | None:
    """Return the outputs, the targets and the sign of a product of labels and logarithms; None of another."""
    call = ref.call
    if call is None or call.name not in ("mul", "multiply", "rmul", "__mul__", "__rmul__") or len(call.refs()) != 2:
        return None
    for one, targets in (call.refs(), call.refs()[::-1]):
        sign, logs = _positive(one)
        found = _logarithms(logs)
        turned, targets = _positive(targets)
        if found is not None and not depends(targets) and targets.tensor.shape == logs.tensor.shape:
            return found, targets, sign * turned
    return None


def _logarithms(ref: Ref) -> _Of | None:
    """Return what a loss is of, and whether that is logarithms; None of no logarithms of probabilities of classes."""
    call = ref.call
    if call is None or ref.tensor.dim() != 2 or not depends(ref):
        return None
    if call.name != "log":
        return _Of(ref, True) if _sums_to_1(ref.tensor.exp()) and call.name in ("log_softmax", "module") else None
    of, low, high = call.refs()[0], *WHOLE
    while (inner := of.call) is not None and inner.name in ("clamp", "clip", "clamp_min") and len(inner.refs()) == 1:
        bounds = [inner.kwargs.get(name, inner.args[at] if len(inner.args) > at else None)
                  for at, name in ((1, "min"), (2, "max"))]  # fmt: skip
        low, high = max(low, bounds[0] or 0.0), min(high, 1.0 if bounds[1] is None else bounds[1])
        of = inner.refs()[0]
    little = low <= LEAST and high >= 1.0 - LEAST
    return _Of(of, False, (low, high)) if little and _sums_to_1(of.tensor) else None


def _sums_to_1(rows: torch.Tensor) -> bool:
    """Return whether rows are probabilities."""
    return bool((rows >= 0.0).all()) and bool(((rows.sum(1) - 1.0).abs() < NEAR).all())


def _at_labels(ref: Ref) -> tuple[_Of, Ref] | None:
    """Return what is taken at each row's label, of logarithms or before the logarithm, and the labels."""
    call = ref.call
    while call is not None and call.name in SHAPING and len(call.refs()) == 1:
        ref = call.refs()[0]
        call = ref.call
    before = call is not None and call.name == "log"
    taken = call.refs()[0] if call is not None and before else ref
    source = taken.call
    if source is None or source.name not in ("__getitem__", "gather") or not source.refs():
        return None
    whole, labels = source.refs()[0], _labels(source)
    if labels is None or depends(labels) or whole.tensor.dim() != 2 or labels.tensor.dim() != 1:
        return None
    rows = torch.arange(len(labels.tensor), device=labels.tensor.device)
    if len(rows) != len(whole.tensor) or labels.tensor.is_floating_point():
        return None
    if not torch.equal(whole.tensor[rows, labels.tensor.long()], taken.tensor.reshape(-1)):
        return None
    if source.name == "__getitem__":  # With as many rows as there were: ``range(len(y))`` is a number of rows by now.
        source.what, source.args = _picked, (whole, labels)
    if before:
        return (_Of(whole, False), labels) if _sums_to_1(whole.tensor) and depends(whole) else None
    found = _logarithms(whole)
    return None if found is None else (found, labels)


def _picked(whole: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return what stands at each row's label."""
    return whole[torch.arange(len(labels), device=labels.device), labels.long()]


def _labels(source: Call) -> Ref | None:
    """Return the labels that an index is made of, a number for each row."""
    given = source.refs()[1:]
    ref = given[-1] if given else None
    while ref is not None and ref.tensor.dim() != 1:
        call = ref.call
        ref = call.refs()[0] if call is not None and call.name in LABELS and len(call.refs()) == 1 else None
    return ref
