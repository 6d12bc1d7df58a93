"""Parameters that a program moves itself, without an optimizer: by a rate times their gradients, or not read."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

MOVES = 3
"""Steps that are looked at."""

DIGITS = 6
"""Of a rate, at most: float32 shows no more of what was written."""

NEAR = 2.0
"""Roundings of float32 within which a number is where the rule has it: one of the product, one of the difference."""


@dataclass
class _Move:
    """One step: what stood there, the gradient, and what stood there behind it; a tensor for each parameter."""

    before: list[torch.Tensor]
    gradients: list[torch.Tensor | None]
    after: list[torch.Tensor] = field(default_factory=list)


class MovedByHand:
    """Watches how parameters move from one backward pass to the next.

    ``rate`` is what gradients were multiplied by, None where no rate moves all numbers so.
    """

    def __init__(self) -> None:
        self.parameters: dict[int, nn.Parameter] = {}
        self.rate: float | None = None
        self._moves: list[_Move] = []

    @property
    def begun(self) -> bool:
        """Whether a backward pass was seen."""
        return bool(self._moves)

    def know(self, module: nn.Module) -> None:
        """Take in the parameters of a module that is called."""
        if not self._moves:
            self.parameters |= {id(one): one for one in module.parameters() if one.requires_grad}

    def ahead(self) -> bool:
        """See the parameters ahead of a backward pass; return whether they moved often enough to say how."""
        values = [one.detach().clone() for one in self.parameters.values()]
        if self._moves:
            self._moves[-1].after = values
            if all(map(torch.equal, self._moves[-1].before, values)):
                self._moves.clear()  # Gradients are only gathered.
        if len(self._moves) == MOVES:
            self.rate = _rate_of(self._moves)
            return True
        self._moves.append(_Move(values, []))
        return False

    def behind(self) -> None:
        """See the gradients that a backward pass left."""
        self._moves[-1].gradients = [
            None if one.grad is None else one.grad.detach().clone() for one in self.parameters.values()
        ]

    @property
    def note(self) -> str:
        """Return what a reader of the spec should know; empty where nothing was moved by hand."""
        if self.rate is None:
            return ""
        return (
            f"Its updates are written out: in {MOVES} steps every number moved by -{self.rate:g} times its gradient, "
            "as far as float32 shows."
        )


def _rate_of(moves: list[_Move]) -> float | None:
    """Return the rate by which all numbers moved in all steps, the shortest decimal; None where there is none."""
    largest, rate = 0.0, 0.0
    for move in moves:
        for before, gradient, after in zip(move.before, move.gradients, move.after, strict=True):
            if gradient is not None and float(gradient.abs().max()) > largest:
                largest, at = float(gradient.abs().max()), gradient.abs().argmax()
                apart = before.flatten()[at].double() - after.flatten()[at].double()
                rate = float(apart / gradient.flatten()[at].double())
    if not 0.0 < rate < float("inf"):
        return None
    candidates = [float(f"{rate:.{digits}g}") for digits in range(1, DIGITS + 1)]
    return next((one for one in candidates if all(_moved_so(move, one) for move in moves)), None)


def _moved_so(move: _Move, rate: float) -> bool:
    for before, gradient, after in zip(move.before, move.gradients, move.after, strict=True):
        step = torch.zeros_like(before).double() if gradient is None else rate * gradient.double()
        size = torch.maximum(before.abs().double(), step.abs())
        allowed = NEAR * torch.finfo(before.dtype).eps * size
        if not bool(((before.double() - step - after.double()).abs() <= allowed).all()):
            return False
    return True
