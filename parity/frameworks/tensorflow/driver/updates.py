"""How a raw TensorFlow program moves its variables: an optimizer of Keras's, or assignments of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.frameworks.tensorflow.driver.chain import number_of
from parity.frameworks.tensorflow.driver.clips import LIMITS, clipped_in, clipping_told
from parity.frameworks.tensorflow.driver.replay import ASSIGNS
from parity.frameworks.tensorflow.driver.same_update import SameUpdate
from parity.frameworks.tensorflow.driver.seen import Recorded, changed_by_hand
from parity.frameworks.tensorflow.driver.taped import TapedOperation, TapedStep
from parity.frameworks.tensorflow.driver.told_rates import at_set_rates
from parity.run.decimals import decimal_of
from parity.run.told import Told, ToldRefusal, Word

MOST = 4
"""Ways in which variables may be moved, as many as a program has groups of them."""

LENGTH = 24
"""Numbers of a variable that an update is tried on."""


def update_word(seen: Recorded, told: Told, write: Callable[[str, Any], str]) -> Word:
    """Return how variables are moved, as a word.

    Args:
        seen: of the program.
        told: takes what cannot be told.
        write: writes an array under a name.
    """
    last, clipped = seen.steps[-1], seen.clipped
    if last.optimizer is not None:
        from parity.frameworks.keras.driver.groups import exclusions
        from parity.frameworks.keras.driver.words import optimizer_word

        if exclusions(last.optimizer) and last.optimizer.weight_decay:
            told.refused.append(ToldRefusal(what="variables of the program's own that are left out of the weight decay",
                                            place=last.place, needs="layers of Keras's"))  # fmt: skip
        told.refused += changed_by_hand(seen)
        word = at_set_rates(optimizer_word(last.optimizer), seen, told)
        return {**clipping_told(word, clipped, told), "framework": "keras"}
    clipping_told({"arguments": {}}, clipped, told)
    moved = seen.update(last)
    if not moved:
        told.refused.append(ToldRefusal(what="an update, which assigns no variable,", place=last.place,
                                        needs="apply_gradients, or assignments behind tape.gradient"))  # fmt: skip
        return {"entry": "sgd"}
    same = seen.same_update
    numbers = sorted(same.numbers if same is not None else
                     {one for step in seen.steps for one in _numbers(seen, step)})  # fmt: skip
    runs = _runs(seen)
    if isinstance(runs, str):
        told.refused.append(ToldRefusal(what=f"an update that is written out, with {runs},", place=moved[-1].place,
                                        needs="an optimizer that moves variables so"))  # fmt: skip
        return {"entry": "sgd"}
    groups = [
        {"weights": write(f"update:weights:{number}", weights), "gradients": write(f"update:gradients:{number}", by)}
        for number, (weights, by, _) in enumerate(runs)
    ]
    if len(runs) > 1:
        _tell_groups(seen, told, [handles for *_, handles in runs])
    found = {"groups": groups, "numbers": numbers, "place": moved[-1].place, "around": clipped.fields}
    asked = None if same is None else same.asked
    return {"fit": found if asked is None else {**found, "rates": asked.tried, "asked": asked.word}}


def _tell_groups(seen: Recorded, told: Told, groups: list[list[int]]) -> None:
    """Tell which parameters are moved in which way; what these ways are is told by the numbers."""
    numbers = {handle: number for number, handles in enumerate(groups) for handle in handles}
    told.groups = [{} for _ in groups]
    for node in told.nodes:
        held = seen.graph.layers.get(node.name, {})
        node.groups = {field.removesuffix("_initializer"): numbers[handle] for field, handle in held.items()
                       if handle in numbers}  # fmt: skip


def _numbers(seen: Recorded, step: TapedStep) -> set[float]:
    """Return the single numbers that an update is given as they are written."""
    known, operations = seen.chain.variables, seen.update(step)
    made = {id(one) for op in operations for one in op.outputs}
    told = [op for op in operations if op.kind not in LIMITS]
    given = [one for op in told for one in op.inputs if id(one) not in known and id(one) not in made]
    return {abs(decimal_of(float(number_of(one)))) for one in given if one.dtype.is_floating and not len(one.shape)}


Run = tuple[np.ndarray, np.ndarray, list[int]]
"""Weights before and behind each step, gradients, and the variables that move so, by their handles."""


def _runs(seen: Recorded) -> list[Run] | str:
    """Return the ways in which variables move; or why that is not known."""
    step = seen.steps[-1]
    handles = {handle: None for one in step.sources if (handle := seen.handle_of(one)) is not None}
    found: list[Run] = []
    for handle in handles:
        one = _Interpreter(seen, handle).run()
        if isinstance(one, str):
            return one
        same = next((run for run in found if np.allclose(one[0], run[0], rtol=1e-12, atol=0.0)), None)
        if same is not None:
            same[2].append(handle)
        elif len(found) == MOST:
            return f"{seen.names.get(handle) or 'a variable'} moved otherwise than {MOST} others, each in its own way"
        else:
            found.append((*one, [handle]))
    return found or "no variable"


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "AddV2": np.add, "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "RealDiv": np.divide, "Neg": np.negative,
    "Square": np.square, "Sqrt": np.sqrt, "Rsqrt": lambda x: 1.0 / np.sqrt(x), "Pow": np.power, "Abs": np.abs,
    "Maximum": np.maximum, "Minimum": np.minimum, "Sign": np.sign, "Reciprocal": lambda x: 1.0 / x,
    "Identity": lambda x: x, "Cast": lambda x: x, "ZerosLike": np.zeros_like, "Exp": np.exp,
    "AddN": lambda *x: sum(x), "DivNoNan": lambda x, y: np.where(y == 0.0, 0.0, x / np.where(y == 0.0, 1.0, y)),
}  # fmt: skip
"""Operations of an update, number by number."""


class _Interpreter:
    """Runs the updates of the recorded steps in float64, on numbers of one variable that are made up.

    Numbers that a program writes are the decimals that float32 keeps as they are.
    """

    def __init__(self, seen: Recorded, handle: int) -> None:
        self.seen, self.handle = seen, handle
        generator = np.random.default_rng(0)
        self.weight = generator.normal(size=LENGTH)
        self.steps = [generator.normal(size=LENGTH) for _ in seen.steps]
        self.shape = tuple(int(one) for one in seen.chain.variables[self.handle].shape)

    def run(self) -> tuple[np.ndarray, np.ndarray] | str:
        """Return weights before and behind each step, and gradients; or the operation that cannot be run."""
        state: dict[int, Any] = {self.handle: self.weight}
        weights, same, every = [self.weight], self.seen.same_update, self.seen.steps
        operations = None if same is None else same.of({self.handle})
        for number, gradient in enumerate(self.steps, 1):
            step = every[number - 1] if same is None else every[-1]
            values: dict[int, Any] = {} if same is None else self._handed(same, state, number)
            for source, one in zip(step.sources, step.gradients, strict=True):
                if one is not None and self.seen.handle_of(source) == self.handle:
                    values[id(one)] = gradient
            for op in self.seen.update(step, {self.handle}) if operations is None else operations:
                try:
                    failed = self._take(op, values, state)
                except (ValueError, TypeError, KeyError, ZeroDivisionError):
                    failed = op.kind
                if failed:
                    return failed
            weights.append(np.array(state[self.handle]))
            for read, one in same.carried.items() if same is not None else ():
                if id(one.made) in values:
                    state[read] = values[id(one.made)]
        return np.array(weights), np.array(self.steps)

    def _handed(self, same: SameUpdate, state: dict[int, Any], number: int) -> dict[int, Any]:
        """Return what a step is handed: tensors of the one before, and numbers of the count."""
        for read, one in same.carried.items():
            if read not in state and one.start.shape in ((), self.shape):
                state[read] = self._as_one(one.start.astype(np.float64))
        handed = {read: state[read] for read in same.carried if read in state}
        return handed | {read: one.at(float(number)) for read, one in same.counted.items()}

    def _as_one(self, start: np.ndarray) -> Any:
        """Return what a slot starts at, of as many numbers as the variable that is tried; a single number as it is."""
        if start.shape != self.shape:
            return start
        if np.ptp(start):
            raise ValueError("a slot that starts at several numbers")
        return np.full(LENGTH, start.flat[0])

    def _state(self, handle: int, state: dict[int, Any]) -> Any:
        if handle not in state:
            state[handle] = self._as_one(number_of(self.seen.start(handle)).astype(np.float64))
        return state[handle]

    def _take(self, op: TapedOperation, values: dict[int, Any], state: dict[int, Any]) -> str:
        """Run an operation; return its kind where that is none that is known."""
        if op.kind == "ReadVariableOp":
            values[id(op.outputs[0])] = self._state(id(op.inputs[0]), state)
            return ""
        if op.kind in ASSIGNS:
            handle = id(op.inputs[0])
            before, value = self._state(handle, state), self._value(op.inputs[1], values)
            state[handle] = {"AssignVariableOp": value, "AssignAddVariableOp": before + value,
                             "AssignSubVariableOp": before - value}[op.kind]  # fmt: skip
            return ""
        if op.kind in LIMITS:  # What numbers it gives depends on all gradients, or is cut: it is told apart.
            clipped = clipped_in(next(one for one in self.seen.steps if op in one.after))
            known = {out: values[id(source)] for out, source in clipped.sources.items() if id(source) in values}
            values.update(known)
            return ""
        function = FUNCTIONS.get(op.kind)
        if function is None:
            return op.kind
        values[id(op.outputs[0])] = function(*(self._value(one, values) for one in op.inputs))
        return ""

    def _value(self, tensor: Any, values: dict[int, Any]) -> Any:
        if id(tensor) in values:
            return values[id(tensor)]
        array = number_of(tensor)
        if array.dtype.kind == "f" and array.size == 1:
            return decimal_of(float(array))
        if array.size == 1:
            return float(array)
        if array.shape == self.shape and not np.ptp(array):
            return np.full(LENGTH, decimal_of(float(array.flat[0])))
        raise ValueError("numbers that are no single ones")
