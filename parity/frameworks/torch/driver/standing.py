"""What a loop must leave as it is for its steps to be its optimizer's: gradients until a step, weights behind it.

What stands in a loop between ``backward`` and ``step``, or behind ``step``, is no call of a layer and none of a loss:
it shows in the numbers alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from parity.frameworks.torch.driver.places import path_of

Numbers = dict[int, tuple[nn.Parameter, torch.Tensor | None]]


class Standing:
    """Numbers of parameters as they were left, to see whether a program changes them itself."""

    def __init__(self) -> None:
        self._gradients: Numbers = {}
        self._weights: Numbers = {}

    def leave_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Keep gradients as a backward pass, or what clips them, leaves them."""
        self._gradients = {id(one): (one, _copied(one.grad)) for one in parameters if one.requires_grad}

    def leave_weights(self, parameters: Iterable[nn.Parameter]) -> None:
        """Keep weights as a step leaves them."""
        self._weights = {id(one): (one, _copied(one)) for one in parameters}

    def gradients_changed(self) -> list[nn.Parameter]:
        """Return the parameters whose gradients are others than were left."""
        return [one for one, kept in self._gradients.values() if not _same(one.grad, kept)]

    def weights_changed(self) -> list[nn.Parameter]:
        """Return the parameters that are others than a step left them."""
        return [one for one, kept in self._weights.values() if not _same(one, kept)]


def named_in(parameters: Sequence[nn.Parameter], modules: Iterable[Any]) -> str:
    """Return parameters by what they are called in modules, in brackets behind a space; empty where they are in none.

    Args:
        parameters: to be named.
        modules: that may have them, and functions, which have none.
    """
    places = [one for one in modules if isinstance(one, nn.Module)]
    paths = [
        path for one in parameters for path in [next(filter(None, (path_of(one, of) for of in places)), "")] if path
    ]
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return f" ({', '.join(paths[:3])}{more})" if paths else ""


def _copied(values: torch.Tensor | None) -> torch.Tensor | None:
    return None if values is None else values.detach().clone()


def _same(one: torch.Tensor | None, other: torch.Tensor | None) -> bool:
    """Return whether numbers are the same; of sparse ones, none of which is clipped in place, that is not asked."""
    if one is None or other is None:
        return one is other
    if one.shape != other.shape or one.is_sparse or other.is_sparse:
        return one.shape == other.shape
    return bool(torch.allclose(one, other, rtol=0.0, atol=0.0, equal_nan=True))
