"""Batch norms as raw TensorFlow programs write them: told by computing them on other numbers, not by how they look.

What makes of a tensor, its moments over all axes but that of the channels and a vector or two what batch norm makes of
them, gradients included, is one; what moves two variables towards these moments keeps its running statistics.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.chain import READS, OperationChain, arguments_of, number_of
from parity.frameworks.tensorflow.driver.norm import MadeUp, Norm, Statistic, alike, axes_of, vectors_of
from parity.frameworks.tensorflow.driver.replay import ASSIGNS, TapeReplay
from parity.frameworks.tensorflow.driver.taped import TapedOperation
from parity.run.decimals import decimal_of

MOMENTS = ("tf.nn.moments", "Mean", "Sum", "FusedBatchNormV3")
"""Operations that take moments of what they are given first."""

MOST = 40
"""Operations of a batch norm at most."""

TRIED = 16
"""Tensors behind the moments that are held against a batch norm, at most."""

LARGEST = 0.1
"""Above which nobody has an epsilon."""


def norms_in(chain: OperationChain, operations: Sequence[TapedOperation], trained: Collection[int]) -> list[Norm]:
    """Return the batch norms of a program.

    Args:
        chain: of all operations of a step, those behind its gradient, too.
        operations: from the rows to the outputs, in order.
        trained: handles of variables that are trained.
    """
    found: list[Norm] = []
    taken: set[int] = set()
    for op in operations:
        x = op.inputs[0] if op.kind in MOMENTS and op.inputs else None
        if id(op) not in taken and x is not None and _of_channels(chain, op):
            one = _norm_of(chain, operations, op, x)
            if one is not None:
                found.append(one)
                taken |= one.inside
    kept = {id(one): _statistics(chain, one, trained, found) for one in found}
    return [replace(one, statistics=kept[id(one)]) for one in found]


def _of_channels(chain: OperationChain, op: TapedOperation) -> bool:
    """Return whether an operation takes moments over the rows of a batch, and of more than one column."""
    x = op.inputs[0]
    rank = len(x.shape)
    if not chain.moves(x) or chain.handle(x) is not None or rank not in (2, 3, 4) or int(x.shape[0]) != chain.rows:
        return False
    if op.kind == "FusedBatchNormV3":
        return True
    axes = arguments_of(op)["axes"] if op.call is not None else op.inputs[1]
    over = {int(one) % rank for one in np.ravel(number_of(axes))}
    return 0 in over and len(over) == rank - 1


def _norm_of(chain: OperationChain, operations: Sequence[TapedOperation], first: TapedOperation, x: Any) -> Norm | None:
    """Return the batch norm that begins with moments: the longest that is one and that nothing looks into."""
    best, misses, at = None, 0, operations.index(first)
    for op in operations[at:]:
        y = op.outputs[0] if op.outputs else None
        if y is None or list(y.shape) != list(x.shape):
            continue
        inside = _between(chain, y, {id(x)}, _reads)
        if inside is None or first not in inside:
            continue
        one = _fitting(chain, x, op, inside)
        if one is not None and not _seen_inside(operations, one):
            best, misses = one, 0
        else:
            misses += 1
        if misses > (2 if best else TRIED):
            break
    return best


def _reads(op: TapedOperation) -> Sequence[Any]:
    """Return what an operation makes its outputs of; in training, fused, the first of them is made of no statistics."""
    return op.inputs[:3] if op.kind == "FusedBatchNormV3" and op.attributes["is_training"] else op.inputs


def _between(
    chain: OperationChain, tensor: Any, ends: Collection[int],
    reads: Callable[[TapedOperation], Sequence[Any]] = lambda op: op.inputs,
) -> list[TapedOperation] | None:  # fmt: skip
    """Return the operations that make a tensor of others, variables and numbers, in order; None of what is none."""
    wanted, found = [tensor], dict[int, TapedOperation]()
    while wanted:
        one = wanted.pop()
        op = chain.producer(one)
        if id(one) in ends or (op is not None and id(op) in found):
            continue
        if op is None:
            if chain.handle(one) is None and chain.moves(one):
                return None
            continue
        if chain.brought(one) or len(found) == MOST:
            return None
        found[id(op)] = op
        wanted += list(reads(op))
    return [op for op in chain.operations if id(op) in found]


def _seen_inside(operations: Sequence[TapedOperation], norm: Norm) -> bool:
    """Return whether something else reads what is computed within a norm."""
    inner = {id(out) for op in operations if id(op) in norm.inside for out in op.outputs} - {id(norm.last.outputs[0])}
    return any(id(one) in inner for op in operations if id(op) not in norm.inside for one in op.inputs)


def _handles(
    chain: OperationChain, inside: Sequence[TapedOperation],
    reads: Callable[[TapedOperation], Sequence[Any]] = lambda op: op.inputs,
) -> list[int]:  # fmt: skip
    """Return the variables that operations make something of."""
    given = [chain.handle(one) for op in inside if op.kind not in READS for one in reads(op)]
    return list(dict.fromkeys(one for one in given if one is not None))


def _numbers(inside: Sequence[TapedOperation]) -> list[float]:
    """Return the numbers that operations are given as they are written."""
    given = [one for op in inside for one in (*op.inputs, *_said(op))]
    every = [float(number_of(one)) for one in given if _is_number(one)]
    return list(dict.fromkeys(decimal_of(one) for one in every if 0.0 < one <= LARGEST))


def _said(op: TapedOperation) -> list[Any]:
    attribute = [op.attributes["epsilon"]] if "epsilon" in op.attributes else []
    return attribute if op.call is None else [*attribute, *op.call[1], *op.call[2].values()]


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return True
    return tf.is_tensor(value) and value.dtype.is_floating and not len(value.shape)


def _fitting(chain: OperationChain, x: Any, last: TapedOperation, inside: Sequence[TapedOperation]) -> Norm | None:
    """Return the batch norm that operations are by values and gradients on made-up numbers; None of none."""
    handles = _handles(chain, inside, _reads)
    if len(handles) > 2:
        return None
    for axis in (-1, 1) if len(x.shape) > 2 else (-1,):
        if any(list(chain.variables[one].shape) not in vectors_of(x, axis) for one in handles):
            continue
        numbers = MadeUp(chain, x, handles, axis)
        try:
            expected = numbers.of_program(inside, last.outputs[0])
        except (tf.errors.OpError, ValueError, TypeError, KeyError):
            return None
        for gamma, beta in _roles(handles):
            for epsilon in _numbers(inside):
                norm = Norm(x, last, frozenset(map(id, inside)), gamma, beta, axis, epsilon)
                if alike(numbers.of_norm(norm), expected):
                    return norm
    return None


def _roles(handles: Sequence[int]) -> list[tuple[int | None, int | None]]:
    """Return the ways in which variables are gamma and beta: each is one of the two."""
    return [pair for pair in dict.fromkeys(permutations([*handles, None, None], 2)) if {*handles} <= {*pair}]


def _statistics(
    chain: OperationChain, norm: Norm, trained: Collection[int], norms: Sequence[Norm]
) -> tuple[Statistic, ...]:
    """Return the running statistics of a batch norm."""
    found = []
    for op in chain.operations:
        if op.kind not in ASSIGNS or id(op.inputs[0]) in trained or id(op.inputs[0]) not in chain.variables:
            continue
        handle = id(op.inputs[0])
        inside = _between(chain, op.inputs[1], {id(one.x) for one in norms})
        read = {id(one) for each in inside or () for one in each.inputs} | {id(op.inputs[1])}
        if inside is None or id(norm.x) not in read:
            continue
        told = _statistic(chain, norm, handle, [*inside, op])
        if told is not None:
            moves = tuple(one for one in [*inside, op] if id(one) not in norm.inside)
            found.append(Statistic(handle, *told, moves))
    return tuple(found)


def _statistic(
    chain: OperationChain, norm: Norm, handle: int, operations: Sequence[TapedOperation]
) -> tuple[str, float] | None:
    """Return which statistic a variable is moved towards, and which share it keeps; None where that is no such move."""
    handles = [*dict.fromkeys([handle, *_handles(chain, operations)])]
    if any(list(chain.variables[one].shape) not in vectors_of(norm.x, norm.axis) for one in handles):
        return None
    numbers = MadeUp(chain, norm.x, handles, norm.axis)
    variable = numbers.variables[handle]
    old = np.ravel(number_of(variable))
    try:
        TapeReplay(chain, numbers.variables, tf.float64).run(operations, {id(norm.x): numbers.x})
    except (tf.errors.OpError, ValueError, TypeError, KeyError):
        return None
    new, axes = np.ravel(number_of(variable)), axes_of(norm, norm.x)
    values, x = int(np.prod([int(norm.x.shape[one]) for one in axes])), numbers.x.numpy()
    moments = {"mean": x.mean(axis=tuple(axes)), "biased": x.var(axis=tuple(axes))}
    moments["unbiased"] = moments["biased"] * values / max(values - 1, 1)
    for kind, moment in moments.items():
        share = float(f"{np.median((new - moment) / (old - moment)):.12g}")
        if 0.0 <= share < 1.0 and alike([new], [share * old + (1.0 - share) * moment]):
            return kind, share
    return None


def moves_of(norms: Sequence[Norm]) -> Iterator[TapedOperation]:
    """Return the operations that move running statistics, in order and each once."""
    met: set[int] = set()
    for op in (one for norm in norms for each in norm.statistics for one in each.moves):
        if id(op) not in met:
            met.add(id(op))
            yield op
