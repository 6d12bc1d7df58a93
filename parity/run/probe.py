"""Probes: what is done with everything a watched step computes.

A driver hands every tensor to a probe as it lies in the framework, with the permutation that makes it canonical. A
probe keeps its digest, or the tensor itself in an exchange; a :class:`Guide` also tells the driver what to go on with
in the place of what it computed, so that each op is judged on the reference side's inputs.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from parity.rows import beside
from parity.run.axes import inverse, permuted
from parity.run.digest import RECORD, digest, digests
from parity.run.exchange import Exchange
from parity.run.on_device import Far

TRACED = ("batch", "forward", "gradient", "update", "state", "metric")
"""Phases of a step that have tensors of their own, in the order in which it computes them."""


Seen = tuple[str, str, "np.ndarray | Far", Sequence[int] | None]
"""Phase, name, value and axes, as :meth:`Probe.see` takes them."""


class Probe(Protocol):
    """Takes what a step computes."""

    def see(self, phase: str, name: str, value: np.ndarray | Far, axes: Sequence[int] | None = None) -> None:
        """Take a tensor.

        Args:
            phase: of the step.
            name: canonical.
            value: as it lies in the framework; it may be overwritten once this returns.
            axes: ``value.transpose(axes)`` is canonical; None where the value is.
        """


class DigestProbe:
    """Keeps a digest of every tensor.

    Args:
        exact: digest in float64 whatever the tensor's precision: for lockstep, where differences are small.
    """

    def __init__(self, exact: bool = False) -> None:
        self.exact = exact
        self.names: list[tuple[str, str]] = []
        self.records: list[np.ndarray] = []

    def see(self, phase: str, name: str, value: np.ndarray | Far, axes: Sequence[int] | None = None) -> None:
        """Take the digest, as the tensor lies."""
        self.names.append((phase, name))
        if isinstance(value, Far):
            self.records.append(value.digest(inverse(axes)))
            return
        if self.exact:
            value = value.astype(np.float64, copy=False)
        self.records.append(digest(value, inverse(axes)))

    def see_all(self, seen: Sequence[Seen]) -> None:
        """Take the digests of many tensors that stay as they are until this returns, side by side."""
        self.names += [(phase, name) for phase, name, _, _ in seen]
        near = iter(digests([(value, inverse(axes)) for _, _, value, axes in seen if not isinstance(value, Far)]))
        self.records += [
            value.digest(inverse(axes)) if isinstance(value, Far) else next(near) for _, _, value, axes in seen
        ]

    def packed(self) -> bytes:
        """Return the digests, one after another."""
        return np.array(self.records, RECORD).tobytes()


def see_all(probe: Probe, seen: Sequence[Seen]) -> None:
    """Hand many tensors to a probe: at once where it takes nothing but digests in their own precision."""
    if type(probe) is DigestProbe and not probe.exact:
        probe.see_all(seen)
        return
    for one in seen:
        probe.see(*one)


class TensorProbe(DigestProbe):
    """Keeps every tensor, and its digest.

    Args:
        exchange: takes them as ``phase/name``, in canonical layout.
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exact=True)
        self.exchange = exchange

    def see(self, phase: str, name: str, value: np.ndarray | Far, axes: Sequence[int] | None = None) -> None:
        """Put the canonical tensor into the exchange."""
        super().see(phase, name, value, axes)
        self.exchange.put(f"{phase}/{name}", permuted(np.asarray(value), axes))


class Guide:
    """The reference side's tensors of the same step, in the place of what a side computes.

    Args:
        exchange: that the reference side's :class:`TensorProbe` wrote to.
        names: (phase, tensor) of everything in it.
    """

    def __init__(self, exchange: Exchange, names: Sequence[tuple[str, str]]) -> None:
        self.exchange, self.names = exchange, {(phase, name) for phase, name in names}

    def batch(self, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Return the reference side's batch in the place of one, where their rows are alike.

        Args:
            x: inputs, (N, ...).
            y: targets, (N, ...).
            weights: of the rows, which are kept where the reference side's have none; None for none.

        Returns:
            inputs, and targets with the weights beside them.
        """
        given = [np.array(self.exchange.get(f"batch/{name}")) for name in ("x", "y")]
        if all(one.shape[1:] == mine.shape[1:] for one, mine in zip(given, (x, y), strict=True)):
            x, y = (one.astype(x.dtype) for one in given)
        if weights is not None and ("batch", "sample_weights") in self.names:
            theirs = np.array(self.exchange.get("batch/sample_weights")).astype(x.dtype)
            weights = theirs if theirs.shape == weights.shape else weights
        return x, beside(y, weights)

    def instead(self, phase: str, name: str, shape: Sequence[int], axes: Sequence[int] | None) -> np.ndarray | None:
        """Return what to go on with, laid out as the framework has it, or None where the reference has no such tensor.

        Args:
            phase: ``forward`` or ``gradient``.
            name: canonical.
            shape: of the framework's tensor.
            axes: ``value.transpose(axes)`` of the framework's value is canonical.
        """
        if (phase, name) not in self.names:
            return None
        value = self.exchange.get(f"{phase}/{name}")
        if value.ndim != len(shape):
            return None
        value = permuted(value, inverse(axes))
        return np.array(value) if value.shape == tuple(shape) else None
