"""An update that a program writes out, as one that is the same in every step.

What differs from step to step is then no operation: a number that goes by the count of steps, and tensors that the
program keeps in Python and hands on from one step to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.chain import READS, OperationChain, number_of
from parity.frameworks.tensorflow.driver.counted import Counted, RateTable, counted
from parity.frameworks.tensorflow.driver.replay import ASSIGNS, TapeReplay
from parity.frameworks.tensorflow.driver.told_rates import table_of
from parity.run.asked_rates import asked_rate
from parity.run.decimals import decimal_of, shares_of

if TYPE_CHECKING:
    from parity.frameworks.tensorflow.driver.seen import Recorded
    from parity.frameworks.tensorflow.driver.taped import TapedOperation, TapedStep

FILLS = ("ZerosLike", "Fill", "OnesLike", "Identity", "Cast", "Shape", "Pack", "StridedSlice", "Const")
"""Operations that make a tensor of one number."""

NEAR = 1e-5
"""Relative difference within which two float32 steps are one."""


@dataclass(frozen=True)
class Carried:
    """A tensor that is handed from one step to the next.

    Args:
        start: what it is ahead of the first.
        read: as the last step reads it.
        made: as the last step makes it anew.
    """

    start: np.ndarray
    read: Any
    made: Any


@dataclass
class SameUpdate:
    """The update of every step.

    Args:
        operations: of the last step, in order.
        counted: by the identity of a tensor that the last step reads, how it goes by the count of steps.
        carried: by the identity of a tensor that the last step reads.
        numbers: single ones that the program writes, and those that the counted ones are made of.
    """

    operations: list[TapedOperation]
    counted: dict[int, Counted | RateTable] = field(default_factory=dict)
    carried: dict[int, Carried] = field(default_factory=dict)
    numbers: set[float] = field(default_factory=set)

    @property
    def asked(self) -> RateTable | None:
        """The rate that a line of the program gives by a count."""
        return next((one for one in self.counted.values() if isinstance(one, RateTable)), None)

    def of(self, handles: Collection[int]) -> list[TapedOperation]:
        """Return the operations that move some variables, with all that their assignments read."""
        chain = OperationChain(self.operations, {})
        wanted = [op for op in self.operations if op.kind in ASSIGNS and id(op.inputs[0]) in handles]
        found = set[int]()
        while wanted:
            op = wanted.pop()
            if id(op) in found:
                continue
            found.add(id(op))
            for one in op.inputs:
                carried = self.carried.get(id(one))
                made = [chain.producer(one), chain.producer(carried.made) if carried is not None else None]
                wanted += [each for each in made if each is not None]
            if op.kind in READS:
                wanted += [one for one in self.operations if one.kind in ASSIGNS and one.inputs[0] is op.inputs[0]]
        return [op for op in self.operations if id(op) in found]


def same_update(seen: Recorded) -> SameUpdate | None:
    """Return the update of a program's steps; None where they are not alike, or a number goes nobody knows how."""
    if len(seen.steps) < 2:
        return None
    for operations in ([[*one.ahead, *one.after] for one in seen.steps], [one.after for one in seen.steps]):
        found = _Steps(seen, operations, seen.steps).update()
        if found is not None:
            return found
    return _begun_by_gradients(seen) if len(seen.steps) > 2 else None


def _begun_by_gradients(seen: Recorded) -> SameUpdate | None:
    """Return an update whose first step takes the gradients for what later ones add them to, as from zeros they would.

    ``v = g if v is None else 0.9 * v + g``: believed where all the variables move in the first step as they do then.
    """
    found = _Steps(seen, [one.after for one in seen.steps[1:]], seen.steps[1:]).update()
    first = [number_of(one) for one in seen.steps[0].gradients if one is not None]
    if found is None or found.counted or not found.carried:
        return None
    if not all(any(np.array_equal(one.start, each) for each in first) for one in found.carried.values()):
        return None
    found.carried = {read: replace(one, start=np.zeros_like(one.start)) for read, one in found.carried.items()}
    return found if _moves_so(seen, found) else None


def _moves_so(seen: Recorded, update: SameUpdate) -> bool:
    """Return whether the variables that are trained move in the first step as an update moves them."""
    with seen.recorder.quiet():
        variables = {handle: tf.Variable(tf.cast(seen.start(handle), tf.float64)) for handle in seen.trained}
        known: dict[int, Any] = {read: tf.cast(one.start, tf.float64) for read, one in update.carried.items()}
        for source, first, last in zip(seen.steps[0].sources, seen.steps[0].gradients, seen.steps[-1].gradients,
                                       strict=True):  # fmt: skip
            if first is None or seen.handle_of(source) not in variables:
                return False
            known[id(last)] = tf.cast(first, tf.float64)
        try:
            TapeReplay(seen.chain, variables, tf.float64).run(update.operations, known)
        except KeyError:  # It moves more than these.
            return False
    reads = {id(op.inputs[0]): op.outputs[0] for op in reversed(seen.steps[1].taped) if op.kind in READS}
    return variables.keys() <= reads.keys() and all(
        np.allclose(number_of(one), number_of(reads[handle]), rtol=NEAR, atol=NEAR) for handle, one in variables.items()
    )


class _Steps:
    """The steps of a program beside each other.

    Args:
        seen: of the program.
        operations: of each step.
        steps: those.
    """

    def __init__(
        self, seen: Recorded, operations: Sequence[list[TapedOperation]], steps: Sequence[TapedStep]
    ) -> None:  # fmt: skip
        self.seen, self.steps, self.last = seen, steps, operations[-1]
        self.chains = [OperationChain(one, seen.chain.variables) for one in operations]
        self.keys = [_keyed(one) for one in operations]
        self.twins = [{key: op for op, key in keys.values()} for keys in self.keys]
        self.places: dict[int, str] = {}
        self.gradients = [
            {id(one): seen.handle_of(source) for source, one in zip(step.sources, step.gradients, strict=True)}
            for step in self.steps
        ]

    def update(self) -> SameUpdate | None:
        """Return the update of all steps, seen from the last of them."""
        last = len(self.steps) - 1
        found = SameUpdate([])
        waiting = [op for op in self._moving() if op.kind in ASSIGNS]
        taken: dict[int, TapedOperation] = {}
        leaves: dict[int, list[Any]] = {}
        while waiting:
            op = waiting.pop()
            if id(op) in taken:
                continue
            taken[id(op)] = op
            if op.kind in READS:
                waiting += [one for one in self.last if one.kind in ASSIGNS and one.inputs[0] is op.inputs[0]]
            for at, one in enumerate(op.inputs):
                every = [self._given(step, op, at) for step in range(last + 1)]
                if any(each is None for each in every):
                    return None
                kind = self._kind(last, one)
                if kind == "made":
                    waiting += self._producers(self.chains[last], one)
                if kind == "carried":
                    carried = self._carried(every)
                    if carried is None:
                        return None
                    found.carried[id(one)] = carried
                    waiting += self._producers(self.chains[last], carried.made)
                elif not self._alike(kind, every):
                    return None
                elif kind == "number":
                    if id(one) in leaves and not _equal(leaves[id(one)], every):
                        return None
                    leaves[id(one)] = every
                    self.places[id(one)] = op.place
        found.operations = [op for op in self.last if id(op) in taken]
        return found if self._numbers(found, leaves) else None

    def _alike(self, kind: str, every: Sequence[Any]) -> bool:
        """Return whether what an operation is given in each step is of a kind, and the same of that."""
        if any(self._kind(step, each) != kind for step, each in enumerate(every)):
            return False
        same: dict[str, Callable[[int, Any], Any]] = {
            "made": self._key,
            "gradient": lambda step, each: self.gradients[step][id(each)],
            "variable": lambda step, each: id(each),
            "number": lambda step, each: None,
        }
        return len({same[kind](step, each) for step, each in enumerate(every)}) == 1

    def _moving(self) -> list[TapedOperation]:
        """Return the operations of the last step that assign what is trained, or what that reads."""
        return self.seen.update(self.steps[-1])

    def _given(self, step: int, op: TapedOperation, at: int) -> Any:
        """Return what the twin of an operation of the last step is given in a step; None where it has no twin."""
        twin = self.twins[step].get(self.keys[-1][id(op)][1])
        return None if twin is None or len(twin.inputs) != len(op.inputs) else twin.inputs[at]

    @staticmethod
    def _producers(chain: OperationChain, tensor: Any) -> list[TapedOperation]:
        op = chain.producer(tensor)
        return [] if op is None else [op]

    def _kind(self, step: int, tensor: Any) -> str:
        """Return what a tensor is to a step: a gradient, a variable, made in it, handed to it, or a number."""
        if id(tensor) in self.gradients[step]:
            return "gradient"
        if id(tensor) in self.seen.chain.variables:
            return "variable"
        if self.chains[step].producer(tensor) is not None:
            return "made"
        return "carried" if step and self.chains[step - 1].producer(tensor) is not None else "number"

    def _key(self, step: int, tensor: Any) -> tuple[Any, int]:
        """Return which operation of a step gives a tensor, and which of its outputs it is."""
        op, number = self.chains[step].by_output[id(tensor)]
        return self.keys[step][id(op)][1], number

    def _carried(self, every: Sequence[Any]) -> Carried | None:
        """Return a tensor that every step but the first is handed by the one before; None where it is not so."""
        last = len(every) - 1
        keys = set()
        for step in range(1, last + 1):
            if self._kind(step, every[step]) != "carried":
                return None
            keys.add(self._key(step - 1, every[step]))
        if len(keys) != 1:
            return None
        ((key, number),) = keys
        twin = self.twins[last].get(key)
        filled = all(op.kind in FILLS for op in self.chains[0].needed(every[0]) if op.kind not in READS)
        if twin is None or not filled or self._kind(0, every[0]) not in ("made", "number"):
            return None
        return Carried(number_of(every[0]), every[last], twin.outputs[number])

    def _numbers(self, found: SameUpdate, leaves: Mapping[int, Sequence[Any]]) -> bool:
        """Take in the numbers that steps are given; return whether all of those that change are told."""
        changing: dict[int, list[float]] = {}
        for one, every in leaves.items():
            arrays = [number_of(each) for each in every]
            if any(each.shape != arrays[0].shape for each in arrays):
                return False
            asked = self._asked(one, arrays)
            if asked is not None:
                if found.asked is not None and found.asked.table != asked.table:
                    return False
                found.counted[one] = asked
                found.numbers |= set(asked.numbers)
            elif all(np.array_equal(each, arrays[0]) for each in arrays):
                if arrays[0].dtype.kind == "f" and not arrays[0].ndim:
                    found.numbers.add(abs(decimal_of(float(arrays[0]))))
            elif arrays[0].ndim:
                return False
            else:
                changing[one] = [float(each) for each in arrays]
        shares = shares_of(found.numbers)
        for one, values in changing.items():
            told = counted(values, shares)
            if told is None:
                return False
            found.counted[one] = told
            found.numbers |= set(told.numbers)
        return True

    def _asked(self, one: int, arrays: Sequence[np.ndarray]) -> RateTable | None:
        """Return a number as a rate that a line of the program gives by a count, where it is one that changes."""
        if arrays[0].dtype.kind != "f" or arrays[0].ndim:
            return None
        values = [float(each) for each in arrays]
        known = counted(values, ()) if len(set(values)) > 1 else None
        if known is not None and known.power == 1.0:  # What means are short of, or a decay: a rule has those itself.
            return None
        places = [step.stood.get(self.places[one], []) for step in self.steps]
        told = asked_rate(places, values) if all(places) else None
        return None if told is None else table_of(told, self.seen.rows)


def _keyed(operations: Sequence[TapedOperation]) -> dict[int, tuple[TapedOperation, tuple[str, str, int]]]:
    """Return the operations of a step, each with what it is called in any step: kind, line, and the how many-th."""
    met: Counter[tuple[str, str]] = Counter()
    found = {}
    for op in operations:
        found[id(op)] = (op, (op.kind, op.place, met[op.kind, op.place]))
        met[op.kind, op.place] += 1
    return found


def _equal(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return all(np.array_equal(number_of(one), number_of(other)) for one, other in zip(first, second, strict=True))
