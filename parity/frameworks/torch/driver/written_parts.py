"""Normalizations and activations that a program writes out, told by computing them: RMSNorm, LayerNorm, GELU.

The calls between one tensor and another are made again in float64 on numbers of several sizes, with made-up
parameters. What then gives what a part of PyTorch's gives is that part: an epsilon must be one of the numbers that
stand there.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from parity.frameworks.torch.driver.calls import exchanged, leaves
from parity.frameworks.torch.driver.joined import JoinedCalls
from parity.frameworks.torch.driver.tracer import CallValue
from parity.run.told import ToldNode, call_of

SIGNS = frozenset({"rsqrt", "sqrt", "pow", "__pow__", "square", "tanh", "erf", "norm", "var", "std", "var_mean"})
"""Functions, one of which such a part is written with."""

ALLOWED = SIGNS | {
    "add", "__add__", "__radd__", "sub", "__sub__", "rsub", "__rsub__", "mul", "__mul__", "__rmul__", "div",
    "truediv", "true_divide", "__rdiv__", "__truediv__", "__rtruediv__", "reciprocal", "neg", "mean", "sum",
}  # fmt: skip

CASTS = frozenset({"to", "float", "double", "type_as", "type", "half", "bfloat16"})
"""Functions that change a type, which is float64 here."""

MOST = 16
"""JoinedCalls that one part is written with, at most."""

SIZES = (1e-3, 1.0)
"""Of numbers on which calls are made again: an epsilon shows where they are small."""

NEAR = 1e-9
"""Relative difference in float64 that another order of the same sums may make."""


@dataclass(frozen=True)
class _Region:
    """JoinedCalls between one tensor and another.

    Args:
        nodes: in order.
        source: the value that they are computed from.
    """

    nodes: list[ToldNode]
    source: str


def written_parts(calls: JoinedCalls) -> None:
    """Put parts of PyTorch's in the place of calls that compute the same."""
    for name in [one.name for one in reversed(calls.nodes)]:
        end = calls.node(name)
        if end is None or not _joins(end):
            continue
        for region in _regions(calls, end):
            if not any(_plain(one) in SIGNS for one in region.nodes):
                continue
            part = _part(calls, region)
            if part is not None:
                _take(calls, region, *part)
                break


def _plain(node: ToldNode) -> str:
    return node.part.partition(".")[2]


def _joins(node: ToldNode) -> bool:
    return node.function and _plain(node) in ALLOWED | CASTS and node.part.startswith("torch.")


def _regions(calls: JoinedCalls, end: ToldNode) -> Iterator[_Region]:
    """Yield the calls behind one tensor that lead to a call alone, the fewest first."""
    inside, order = {end.name}, {one.name: number for number, one in enumerate(calls.nodes)}
    while len(inside) <= MOST:
        nodes = [one for one in calls.nodes if one.name in inside]
        edge = list(dict.fromkeys(read for one in nodes for read in one.reads if call_of(read) not in inside))
        if len(edge) == 1 and len(nodes) > 1:
            yield _Region(nodes, edge[0])
        ready = [one for read in edge if (one := calls.node(read)) is not None and _joins(one)
                 and one.name == read and one.name not in calls.outputs
                 and all(reader.name in inside for reader in calls.readers(one.name))]  # fmt: skip
        if not ready:
            return
        inside.add(max(ready, key=lambda one: order[one.name]).name)


def _numbers(calls: JoinedCalls, region: _Region) -> list[float]:
    """Return the numbers that a program writes in some calls."""
    given = [calls.given[one.name] for one in region.nodes]
    every = [value for one in given for _, value in leaves((one.args, dict(one.kwargs)))]
    return [float(one) for one in every if isinstance(one, int | float) and not isinstance(one, bool)]


def _again(calls: JoinedCalls, region: _Region, x: torch.Tensor, own: Mapping[int, torch.Tensor]) -> torch.Tensor:
    """Return what calls give of another tensor and other parameters."""
    known = {region.source: x}

    def now(one: Any) -> Any:
        if isinstance(one, CallValue):
            return known[calls.now(one.name)]
        if not isinstance(one, torch.Tensor):
            return one
        kept = calls.parameters.own(one)
        if kept is not None:
            return own[id(kept.parameter)]
        return one.detach().double() if one.is_floating_point() else one

    for node in region.nodes:
        given = calls.given[node.name]
        args, kwargs = exchanged((given.args, dict(given.kwargs)), now)
        known[node.name] = args[0] if _plain(node) in CASTS else given.function(*args, **kwargs)
    return known[region.nodes[-1].name]


Made = tuple[nn.Module | None, dict[str, Any]]


def _part(calls: JoinedCalls, region: _Region) -> Made | None:
    """Return the part that some calls are: a module, or what ``F.gelu`` is told; None where they are none."""
    owned = [key for one in region.nodes for key in calls.given[one.name].owned]
    own = {key: calls.parameters.known(key) for key, _ in owned}
    channels = calls.values[0][region.source].shape[-1]
    if len(own) > 2 or any(tuple(one.shape) != (channels,) for one in own.values()):
        return None
    made = {key: torch.linspace(0.5, 1.5 + number, channels, dtype=torch.float64) for number, key in enumerate(own)}
    shape = (3, *calls.values[0][region.source].shape[1:])
    generator = torch.Generator().manual_seed(0)
    rows = [size * torch.randn(shape, generator=generator, dtype=torch.float64) for size in SIZES]
    rows += [rows[-1] + 1.0]
    try:
        with torch.no_grad():
            found = [_again(calls, region, one, made) for one in rows]
    except (RuntimeError, TypeError, ValueError, KeyError, IndexError):
        return None
    if any(one.shape != shape or one.dtype != torch.float64 for one in found):
        return None
    epsilons = [one for one in dict.fromkeys(_numbers(calls, region)) if 0.0 < one < 0.1]
    for candidate, computed in _candidates(own, made, channels, epsilons):
        if all(_near(computed(x), one) for x, one in zip(rows, found, strict=True)):
            return candidate
    return None


def _candidates(
    own: Mapping[int, nn.Parameter], made: Mapping[int, torch.Tensor], channels: int, epsilons: Sequence[float]
) -> Iterator[tuple[Made, Callable[[torch.Tensor], torch.Tensor]]]:
    """Yield the parts that calls with these parameters may be, and what computes each."""
    if not own:
        for kind in ("tanh", "none"):
            yield (None, {"approximate": kind}), partial(functional.gelu, approximate=kind)
    keys = list(own)
    for epsilon in epsilons:
        if len(keys) == 1 and hasattr(nn, "RMSNorm"):
            norm = nn.RMSNorm(channels, epsilon, device="meta")
            norm.weight = own[keys[0]]
            yield (norm, {}), partial(_scaled, scale=made[keys[0]], epsilon=epsilon)
        for weight, *more in itertools.permutations(keys) if keys else ():
            layer = nn.LayerNorm(channels, epsilon, device="meta")
            layer.weight, layer.bias = own[weight], own[more[0]] if more else None
            told = {"weight": made[weight], "bias": made[more[0]] if more else None, "eps": epsilon}
            yield (layer, {}), partial(functional.layer_norm, normalized_shape=(channels,), **told)


def _scaled(x: torch.Tensor, scale: torch.Tensor, epsilon: float) -> torch.Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon) * scale


def _near(one: torch.Tensor, other: torch.Tensor) -> bool:
    return float((one - other).norm()) <= NEAR * float(other.norm())


def _take(calls: JoinedCalls, region: _Region, module: nn.Module | None, told: Mapping[str, Any]) -> None:
    """Put a part in the place of some calls."""
    first, last = region.nodes[0], region.nodes[-1]
    if module is None:
        name = calls.title(region.nodes) or calls.free("gelu")
        found = calls.join(region.nodes, last, name, region.source)
        found.part, found.arguments, found.place = "F.gelu", dict(told), first.place
        return
    name = calls.title(region.nodes) or next(one.name for one in region.nodes if calls.given[one.name].owned)
    found = calls.join(region.nodes, last, name, region.source)
    calls.told_as(found, module, region.source)
