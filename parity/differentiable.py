"""NumPy that can be differentiated: autograd's, what the frameworks take at corners where autograd takes another value.

An entry computes with this module in place of NumPy, and its gradients follow: nobody writes one. Given plain arrays it
is NumPy. Of the slopes that there are at a corner, these are taken:

=============== =================================================================================
``where``       that of the branch taken: a relu is written with it, and has slope 0 at 0
``abs``         0 at 0, as in every framework
``clip``        1 within the limits and at them, as in every framework; autograd's is 0 at them
``largest``     1 for the first of equal ones, as in every framework's pooling; autograd shares it out
``maximum``     half for each of two equal ones, in PyTorch as well; TensorFlow takes the first: in no
                entry the slope depends on it
=============== =================================================================================

autograd knows no assignment to a part of an array, and none in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import autograd.numpy as base
import numpy
from autograd import make_vjp
from autograd.extend import SparseObject, defvjp, notrace_primitive, primitive, vspace


def __getattr__(name: str) -> Any:
    """Return what is autograd's, of NumPy's functions or of scipy's special ones."""
    try:
        return getattr(base, name)
    except AttributeError:
        from parity import special  # Not before one is asked for: scipy takes its time.

        return getattr(special, name)


def pulled(
    function: Callable[..., Any], at: Mapping[str, numpy.ndarray], slope: numpy.ndarray
) -> dict[str, numpy.ndarray]:  # fmt: skip
    """Return the gradient of a scalar with respect to each argument of a function, given the one of its output.

    Args:
        function: of the arguments by name, to one array.
        at: the arguments.
        slope: the gradient with respect to the output.
    """
    back, _ = make_vjp(lambda values: function(**dict(zip(at, values, strict=True))))(tuple(at.values()))
    return dict(zip(at, back(slope), strict=True))


def log_softmax(z: numpy.ndarray) -> numpy.ndarray:
    """Return z - log(sum(exp(z))) along the last axis, where exp never overflows."""
    shifted = z - constant(z).max(axis=-1, keepdims=True)
    return shifted - base.log(base.exp(shifted).sum(axis=-1, keepdims=True))


def softplus(x: numpy.ndarray) -> numpy.ndarray:
    """Return log(1 + exp(x)), where exp never overflows."""
    return base.logaddexp(0.0, x)


def picked(rows: numpy.ndarray, numbers: numpy.ndarray) -> numpy.ndarray:
    """Return of each row, along the last axis, the one whose number is said."""
    flat = rows.reshape(numbers.size, -1)
    return flat[numpy.arange(numbers.size), numbers.ravel().astype(int)].reshape(numbers.shape)


def every_step(x: numpy.ndarray, steps: tuple[int, ...]) -> numpy.ndarray:
    """Return a mask of so many steps of each row of x that leaves none out."""
    return numpy.ones((len(x), *steps), bool)


def width(x: numpy.ndarray) -> int:
    """Return the length of the last axis."""
    return int(x.shape[-1])


def weight_of(like: numpy.ndarray, weights: Sequence[float], numbers: numpy.ndarray) -> numpy.ndarray:
    """Return the weights whose numbers are said; where a framework has tensors of several kinds, one of a kind."""
    del like
    return numpy.asarray(weights)[numbers.astype(int)]


def piece(t: float, edges: Sequence[float], values: Sequence[float]) -> float:
    """Return of the values the one whose number is that of the edges that t is beyond."""
    return values[sum(bool(t > edge) for edge in edges)]


def xlogx(x: numpy.ndarray) -> numpy.ndarray:
    """Return x log x, 0 at 0; taken for a constant."""
    return x * numpy.log(numpy.where(x > 0.0, x, 1.0))


@primitive  # type: ignore[untyped-decorator]
def tanh(x: numpy.ndarray) -> numpy.ndarray:
    """Return the hyperbolic tangent y; its slope is 1 - y^2, where autograd's goes by cosh, which overflows."""
    return numpy.tanh(x)


@primitive  # type: ignore[untyped-decorator]
def log_sigmoid(x: numpy.ndarray) -> numpy.ndarray:
    """Return -log(1 + exp(-x)), where exp never overflows."""
    return numpy.minimum(x, 0.0) - numpy.log1p(numpy.exp(-numpy.abs(x)))


@primitive  # type: ignore[untyped-decorator]
def clip(x: numpy.ndarray, low: float, high: float) -> numpy.ndarray:
    """Return x within limits."""
    return numpy.clip(x, low, high)


@primitive  # type: ignore[untyped-decorator]
def largest(x: numpy.ndarray) -> numpy.ndarray:
    """Return the largest values along the first axis."""
    return numpy.max(x, axis=0)


@primitive  # type: ignore[untyped-decorator]
def cut(x: numpy.ndarray, where: tuple[slice, ...]) -> numpy.ndarray:
    """Return ``x[where]``; its slope is put back slice by slice, where autograd does so number by number."""
    return x[where]


@primitive  # type: ignore[untyped-decorator]
def looked_up(table: numpy.ndarray, numbers: numpy.ndarray) -> numpy.ndarray:
    """Return the rows of a table that have some numbers; these have no slope, a row adds up those of its places."""
    return table[numbers.astype(int)]


@notrace_primitive  # type: ignore[untyped-decorator]
def constant(x: numpy.ndarray) -> numpy.ndarray:
    """Return x, taken for a constant: what is added and taken off again has no slope."""
    return x


def _clip_back(y: numpy.ndarray, x: numpy.ndarray, low: float, high: float) -> Any:
    return lambda dy: dy * ((x >= low) & (x <= high))


def _largest_back(y: numpy.ndarray, x: numpy.ndarray) -> Any:
    first = x.argmax(axis=0)
    return lambda dy: numpy.stack([numpy.where(first == row, dy, 0.0) for row in range(len(x))])


def _cut_back(y: numpy.ndarray, x: numpy.ndarray, where: tuple[slice, ...]) -> Any:
    def put_back(dx: numpy.ndarray, dy: numpy.ndarray) -> numpy.ndarray:
        dx[where] += dy
        return dx

    return lambda dy: SparseObject(vspace(x), lambda dx: put_back(dx, dy))


def _looked_up_back(y: numpy.ndarray, table: numpy.ndarray, numbers: numpy.ndarray) -> Any:
    def back(dy: numpy.ndarray) -> numpy.ndarray:
        found = numpy.zeros_like(table)
        numpy.add.at(found, numbers.astype(int), dy)
        return found

    return back


def _no_slope(y: numpy.ndarray, table: numpy.ndarray, numbers: numpy.ndarray) -> Any:
    return lambda dy: numpy.zeros_like(numbers)


defvjp(looked_up, _looked_up_back, _no_slope)
defvjp(tanh, lambda y, x: lambda dy: dy * (1.0 - y * y))
defvjp(log_sigmoid, lambda y, x: lambda dy: dy * numpy.exp(y - x))
defvjp(clip, _clip_back, None, None)
defvjp(largest, _largest_back)
defvjp(cut, _cut_back, None)
