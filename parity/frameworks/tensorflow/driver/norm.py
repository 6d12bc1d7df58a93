"""A batch norm of a raw TensorFlow program: what it gives, and made-up numbers on which operations are held to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.chain import OperationChain, number_of
from parity.frameworks.tensorflow.driver.replay import TapeReplay
from parity.frameworks.tensorflow.driver.taped import TapedOperation

NEAR = 1e-9
"""Relative difference within which two tensors in float64 are one."""


@dataclass(frozen=True)
class Statistic:
    """A running statistic.

    Args:
        handle: of its variable.
        kind: ``mean``, ``biased`` or ``unbiased``.
        momentum: share that it keeps.
        moves: operations that move it, in order, behind those of the norm.
    """

    handle: int
    kind: str
    momentum: float
    moves: tuple[TapedOperation, ...]


@dataclass(frozen=True)
class Norm:
    """A batch norm.

    Args:
        x: tensor that it reads.
        last: operation that gives what it gives.
        inside: identities of its operations.
        gamma: handle of the vector that scales; None for none.
        beta: handle of the one that shifts; None for none.
        axis: of the channels, -1 or 1.
        epsilon: that is added to the variance.
        statistics: that it keeps; a mean and a variance of one momentum where it is whole.
    """

    x: Any
    last: TapedOperation
    inside: frozenset[int]
    gamma: int | None
    beta: int | None
    axis: int
    epsilon: float
    statistics: tuple[Statistic, ...] = ()

    def kept(self, *kinds: str) -> int | None:
        """Return the handle of a running statistic of some kinds; None where there is none, or several."""
        found = [one.handle for one in self.statistics if one.kind in kinds]
        return found[0] if len(found) == 1 else None

    @property
    def mean(self) -> int | None:
        """Return the handle of the running mean."""
        return self.kept("mean")

    @property
    def variance(self) -> int | None:
        """Return the handle of the running variance."""
        return self.kept("biased", "unbiased")

    @property
    def fault(self) -> str:
        """Return what a spec would have to say of it that none can; empty for nothing."""
        if self.mean is None or self.variance is None or len(self.statistics) != 2:
            return "a batch_norm without a running mean and variance that keep a share and take the rest of each batch"
        if len({one.momentum for one in self.statistics}) > 1:
            shares = " and ".join(f"{one.momentum:g}" for one in self.statistics)
            return f"a batch_norm whose running mean and variance have momenta of their own, {shares}"
        return ""

    def settled(self, variables: Any, x: Any) -> Any:
        """Return what it gives in evaluation.

        Args:
            variables: by their handles.
            x: that it reads.
        """
        mean, variance = self.mean, self.variance
        assert mean is not None
        assert variance is not None
        return normalized(
            self, x, *(None if one is None else tf.convert_to_tensor(variables[one])
                       for one in (mean, variance, self.gamma, self.beta)),
        )  # fmt: skip


def vectors_of(x: Any, axis: int) -> list[list[int]]:
    """Return the shapes that a number of each channel may be kept in."""
    channels, rank = int(x.shape[axis]), len(x.shape)
    stretched = [[channels if at == axis % rank else 1 for at in range(start, rank)] for start in range(rank)]
    return [[channels], *stretched]


def alike(first: Sequence[Any], second: Sequence[Any]) -> bool:
    """Return whether tensors are the same up to rounding, each for each."""
    for one, other in zip(first, second, strict=True):
        if (one is None) != (other is None):
            return False
        if one is not None:
            a, b = np.ravel(number_of(one)), np.ravel(number_of(other))
            if a.shape != b.shape or not np.allclose(a, b, rtol=NEAR, atol=NEAR * float(np.abs(b).max(initial=0.0))):
                return False
    return True


def _shaped(norm: Norm, x: Any, vector: Any) -> Any:
    """Return a number of each channel as it lies beside a tensor."""
    shape = [1] * len(x.shape)
    shape[norm.axis] = -1
    return tf.reshape(vector, shape)


def axes_of(norm: Norm, x: Any) -> list[int]:
    """Return the axes that a norm takes moments over."""
    rank = len(x.shape)
    return [at for at in range(rank) if at != norm.axis % rank]


def normalized(norm: Norm, x: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Any:
    """Return a tensor that is normalized; arguments as ``tf.nn.batch_normalization``'s, a number of each channel."""
    mean, variance, gamma, beta = (
        one if one is None else _shaped(norm, x, one) for one in (mean, variance, gamma, beta)
    )
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, norm.epsilon)


class MadeUp:
    """Made-up numbers that operations and a batch norm are held against each other on.

    Args:
        chain: of the program.
        x: that is normalized.
        handles: of the variables that are read.
        axis: of the channels.
    """

    def __init__(self, chain: OperationChain, x: Any, handles: Sequence[int], axis: int) -> None:
        generator = np.random.default_rng(0)
        self.chain, self.read, self.axis = chain, x, axis
        sizes, channels = [int(one) for one in x.shape], axis % len(x.shape)
        scale = 1.0 + generator.random([size if at == channels else 1 for at, size in enumerate(sizes)])
        self.x = tf.constant(generator.normal(size=sizes) * scale + scale)
        self.variables = {
            one: tf.Variable(generator.random([int(size) for size in chain.variables[one].shape]) + 0.5)
            for one in handles
        }
        self.weights = tf.constant(generator.normal(size=self.x.shape))

    def of_program(self, inside: Sequence[TapedOperation], y: Any) -> list[Any]:
        """Return what operations make of them, and its gradients by what they read and by each variable."""
        replay = TapeReplay(self.chain, self.variables, tf.float64)
        return self._with_gradients(lambda: replay.run(inside, {id(self.read): self.x})[id(y)])

    def of_norm(self, norm: Norm) -> list[Any]:
        """Return the same of a batch norm."""

        def compute() -> Any:
            mean, variance = tf.nn.moments(self.x, axes_of(norm, self.x))
            vectors = (None if one is None else self.variables[one] for one in (norm.gamma, norm.beta))
            return normalized(norm, self.x, mean, variance, *vectors)

        return self._with_gradients(compute)

    def _with_gradients(self, compute: Callable[[], Any]) -> list[Any]:
        sources = [self.x, *self.variables.values()]
        with tf.GradientTape() as tape:
            tape.watch(self.x)
            y = compute()
            loss = tf.reduce_sum(y * self.weights)
        return [y, *tape.gradient(loss, sources)]
