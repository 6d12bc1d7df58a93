"""Attention by its numbers: which rows of which projections are query, key and value, with how many heads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from parity.frameworks.torch.driver.own_parameters import matrix_of

HIDDEN = -1e4
"""A score below which a place is not seen."""

NEAR = 1e-4
"""Relative difference that rounding of float32 may make."""

FEW = 4
"""Rows that are looked at."""


@dataclass(frozen=True)
class Piece:
    """Numbers of a projection's output that are a query, key or value: of all heads, in order.

    Args:
        linear: the projection.
        rows: of its matrix; None for all.
    """

    linear: nn.Linear
    rows: tuple[int, ...] | None = None

    @property
    def weight(self) -> torch.Tensor:
        """The matrix (out, in) as it is now."""
        matrix = matrix_of(self.linear)
        return matrix if self.rows is None else matrix[list(self.rows)]

    @property
    def bias(self) -> torch.Tensor | None:
        """The bias as it is now."""
        found = self.linear.bias
        return found if found is None or self.rows is None else found[list(self.rows)]


@dataclass(frozen=True)
class Fit:
    """An attention that computes what a program did.

    Args:
        pieces: the projections of query, key and value.
        heads: how many.
        causal: whether a place does not see those behind it.
        factor: what its scores are times those of a spec's attention, q k^T / sqrt(key_dim).
    """

    pieces: Sequence[Piece]
    heads: int
    causal: bool
    factor: float


def ways(linears: Sequence[nn.Linear], heads: int) -> Iterator[Sequence[Piece]]:
    """Return the ways in which projections may be query, key and value."""
    every: dict[int, list[tuple[int, ...]]] = {1: [(3,)], 2: [(1, 2), (2, 1)], 3: [(1, 1, 1)]}
    shares = every[len(linears)]
    for counts in shares:
        if any(one.out_features % (count * heads) for one, count in zip(linears, counts, strict=True)):
            continue
        for apart in (False, True) if max(counts) > 1 else (False,):
            pieces = [piece for one, count in zip(linears, counts, strict=True)
                      for piece in _cut(one, count, heads, apart)]  # fmt: skip
            for order in itertools.permutations(range(3)):
                yield [pieces[at] for at in order]


def _cut(linear: nn.Linear, count: int, heads: int, apart: bool) -> list[Piece]:
    """Return the pieces of a projection: one behind the other, or, ``apart``, those of each head side by side."""
    if count == 1:
        return [Piece(linear)]
    numbers = torch.arange(linear.out_features)
    size = linear.out_features // (count * heads)
    numbers = numbers.view(heads, count, size).transpose(0, 1) if apart else numbers.view(count, heads, size)
    return [Piece(linear, tuple(one.flatten().tolist())) for one in numbers]


def fit_of(
    pieces: Sequence[Piece], given: Mapping[int, Any], heads: int, scores: torch.Tensor | None, mixed: torch.Tensor,
    scale: float | None = None,
) -> Fit | None:  # fmt: skip
    """Return the attention that computes what a program did; None where none does.

    Args:
        pieces: taken for query, key and value.
        given: by the identity of a projection, what it read.
        heads: how many.
        scores: what the program's softmax read; None where it has no softmax of its own.
        mixed: what its output read.
        scale: what a function of PyTorch's was told to multiply scores by.
    """
    if pieces[0].weight.shape[0] != pieces[1].weight.shape[0]:
        return None
    few = min(FEW, len(mixed))
    with torch.no_grad():
        q, k, v = (_headed(piece, given[id(piece.linear)][:few], heads) for piece in pieces)
        own = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        behind = torch.ones(own.shape[-2:], dtype=torch.bool).triu(1)
        for causal in (False, True):
            if causal and own.shape[-1] != own.shape[-2]:
                continue
            hidden = behind if causal else torch.zeros_like(behind)
            factor = 1.0 if scale is None else _plain(scale * q.shape[-1] ** 0.5)
            if scores is not None:
                factor = _factor(own, scores.reshape(len(mixed), *own.shape[1:])[:few].double(), hidden)
            found = (factor * own).masked_fill(hidden, -torch.inf).softmax(-1) @ v
            if factor and _near(found.transpose(1, 2).flatten(2), mixed[:few].double()):
                return Fit(pieces, heads, causal, factor)
    return None


def _headed(piece: Piece, x: torch.Tensor, heads: int) -> torch.Tensor:
    bias = piece.bias
    found = functional.linear(x.double(), piece.weight.double(), None if bias is None else bias.double())
    return found.unflatten(-1, (heads, -1)).transpose(1, 2)


def _factor(own: torch.Tensor, scores: torch.Tensor, hidden: torch.Tensor) -> float:
    """Return what scores of a program are times one's own; 0 where no number is that, or others are seen."""
    unseen = scores <= HIDDEN
    if not bool((unseen == hidden).all()):
        return 0.0
    own, scores = own.masked_fill(hidden, 0.0), scores.masked_fill(unseen, 0.0)
    factor = float((own * scores).sum() / (own * own).sum().clamp_min(torch.finfo(own.dtype).tiny))
    if not _near(factor * own, scores):
        return 0.0
    return _plain(factor)


def _plain(factor: float) -> float:
    return 1.0 if abs(factor - 1.0) <= NEAR else factor


def _near(one: torch.Tensor, other: torch.Tensor) -> bool:
    size = float(other.norm())
    return one.shape == other.shape and size > 0.0 and float((one - other).norm()) <= NEAR * size
