"""What a raw TensorFlow program computes, operation by operation, while it runs as itself.

``tf.function`` is run eagerly, so that every operation is seen with its numbers. Functions of TensorFlow's that are
several operations, and parts of Keras's, are one operation here, called after the function.
"""

from __future__ import annotations

import contextlib
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps
from typing import Any

import tensorflow as tf
from tensorflow.python import pywrap_tfe
from tensorflow.python.eager import backprop
from tensorflow.python.framework import op_callbacks

from parity.frameworks.tensorflow.driver.chain import is_single, is_value
from parity.frameworks.tensorflow.driver.generators import DROPOUT
from parity.frameworks.tensorflow.driver.taped import SingleSets, TapedOperation, TapedStep
from parity.run.driver.base import Driver
from parity.run.here import line_here

FUNCTIONS = {
    "tf.nn": ("dropout", "gelu", "silu", "swish", "conv1d", "batch_normalization", "embedding_lookup", "moments",
              "max_pool1d", "avg_pool1d", "softmax_cross_entropy_with_logits", "sigmoid_cross_entropy_with_logits",
              "sparse_softmax_cross_entropy_with_logits"),
    "tf": ("clip_by_global_norm", "clip_by_norm", "tensordot"),
    "tf.math": ("log_sigmoid",),
}  # fmt: skip
"""Functions that are several operations, by the module that people find them in."""

DRAWS = ("RandomStandardNormal", "RandomUniform", "TruncatedNormal", "StatelessRandomNormalV2",
         "StatelessRandomUniformV2", "StatelessTruncatedNormalV2")  # fmt: skip
"""Operations that draw numbers."""

BEHIND_DRAWS = ("Mul", "AddV2", "Sub", "RealDiv", "Reshape", "Cast", "Identity", "Transpose", "Neg")
"""What stands between a draw and the variable that it starts."""

MOST = 20_000
"""Operations that are kept of a step."""

NUMBERS = 200
"""Operations of single numbers that are kept ahead of the first step."""

STEPS = 3  # The last of them ends at its optimizer, or at the next gradient.


class Recorder:
    """Records a program's steps.

    Args:
        full: is called when enough steps were recorded, or when what is seen cannot be read.
        at_once: enough is what stands ahead of the first gradient.
    """

    def __init__(self, full: Callable[[Recorder], None], at_once: bool = False) -> None:
        self.full, self._at_once = full, at_once
        self.steps: list[TapedStep] = []
        self.variables: dict[int, Any] = {}
        self.places: dict[int, str] = {}
        self.starts: dict[int, Any] = {}
        self.before: dict[int, Any] = {}
        self.drawn: dict[int, TapedOperation] = {}
        self.datasets: list[Any] = []
        self.tested: list[tuple[Any, str]] = []
        self.sets = SingleSets()
        self.odd: list[tuple[str, str, str]] = []
        self._into: list[TapedOperation] | None = None
        self._step: TapedStep | None = None
        self._quiet = self._tapes = 0
        self._alone, self._creating = True, False
        self._ahead: deque[TapedOperation] = deque(maxlen=NUMBERS)
        self._patched: list[tuple[Any, str, Any, bool]] = []

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Record within it what the program does."""
        eagerly, driver = tf.config.functions_run_eagerly(), Driver.active
        self._alone = alone = driver is None or driver.runs_in_float32
        if alone:
            Driver.active = None  # The program runs as itself, in float32, and draws its masks itself.
        tf.config.run_functions_eagerly(True)
        keras = sys.modules.get("keras")
        keras = keras if hasattr(keras, "config") else None  # It may be the one that imports TensorFlow.
        kind = keras.config.floatx() if keras is not None else ""
        if keras is not None and alone:
            keras.config.set_floatx("float32")  # A program before this one may have left another.
        self._patch_tensorflow()
        op_callbacks.add_op_callback(self._operation)
        try:
            with tf.variable_creator_scope(self._created):
                yield
        finally:
            op_callbacks.remove_op_callback(self._operation)
            for owner, name, plain, own in reversed(self._patched):
                setattr(owner, name, plain) if own else delattr(owner, name)
            tf.config.run_functions_eagerly(eagerly)
            Driver.active = driver
            if keras is not None:  # Which the program may have set, too.
                keras.config.set_floatx(kind)

    def ended(self) -> None:
        """See that the program has come to its end: what it did until then is all that there is."""
        if self.steps:
            self.full(self)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Record nothing within it."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def _patch(self, owner: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        plain = getattr(owner, name)
        self._patched.append((owner, name, plain, name in vars(owner)))
        setattr(owner, name, wraps(plain)(around(plain)))

    def _patch_tensorflow(self) -> None:
        for module, names in FUNCTIONS.items():
            owner = {"tf": tf, "tf.nn": tf.nn, "tf.math": tf.math}[module]
            for name in names:
                self._patch(owner, name, partial(self._as_one, f"{module}.{name}"))
        if (
            Driver.active is None and tf.nn.dropout.__wrapped__ is not DROPOUT
        ):  # In a worker, which deals masks of its own.
            tf.nn.dropout = self._as_one("tf.nn.dropout", DROPOUT)
        tape = backprop.GradientTape
        self._patch(tape, "__enter__", self._entering)
        self._patch(tape, "__exit__", self._leaving)
        self._patch(tape, "gradient", self._differentiating)
        self._patch(tf.data.Dataset, "__iter__", self._iterating)
        base = next(one for one in type(tf.constant(0)).__mro__ if "__bool__" in vars(one))
        self._patch(base, "__bool__", self._testing)
        self._patch(tf, "clip_by_value", lambda plain: self._as_one("tf.clip_by_value", plain, behind=True))
        self._patch(tf, "custom_gradient", lambda plain: lambda f: self._as_one("tf.custom_gradient", plain(f)))
        self._patch(tf.compat.v1.Session, "run", self._in_a_session)
        self._patch(pywrap_tfe, "TFE_Py_FastPathExecute", self._read_first)

    def _patch_keras(self) -> None:
        """Make parts of Keras's, where the program has imported it, one operation each."""
        keras: Any = sys.modules.get("keras")
        if keras is None or any(owner is getattr(keras, "Layer", None) for owner, *_ in self._patched):
            return
        self._patch(keras.Layer, "__call__", lambda plain: self._as_one("keras.Layer", plain))
        self._patch(keras.Loss, "__call__", lambda plain: self._as_one("keras.Loss", plain))
        for name, one in list(vars(keras.losses).items()):
            if callable(one) and not isinstance(one, type) and name not in ("get", "serialize", "deserialize"):
                self._patch(keras.losses, name, partial(self._as_one, f"keras.losses.{name}"))
        self._patch(keras.Optimizer, "apply", self._applying)

    def _created(self, following: Callable[..., Any], **given: Any) -> Any:
        into, self._into, self._creating = self._into, None, True  # What makes a slot is no part of a step.
        try:
            found = following(**given)
        finally:
            self._into, self._creating = into, False
        handle = getattr(found, "handle", None)
        if handle is not None:
            self.variables[id(handle)] = found
            self.places[id(handle)] = line_here()
        return found

    def _operation(
        self, kind: Any, inputs: Sequence[Any], attrs: Any, outputs: Sequence[Any], op_name: Any = None,
        graph: Any = None,
    ) -> None:  # fmt: skip
        del op_name
        if self._quiet or graph is not None:
            return
        kind = kind.decode() if isinstance(kind, bytes) else str(kind)
        if self._into is None:
            if not self.steps and all(is_single(one) for one in outputs):
                self._ahead.append(self._made(kind, inputs, attrs, outputs, line_here()))
            if kind in DRAWS or (kind in BEHIND_DRAWS and any(id(one) in self.drawn for one in inputs)):
                self.drawn[id(outputs[0])] = self._made(kind, inputs, attrs, outputs, "")
        elif len(self._into) < MOST:
            self._into.append(self._made(kind, inputs, attrs, outputs, line_here()))
            if self._step is not None and self._into is self._step.after:
                self._step.stand(inputs)
        if kind == "AssignVariableOp" and not self._creating and is_single(inputs[1]):
            self.sets.note(inputs, len(self.steps))
        first = not self.steps or self._creating
        if kind == "AssignVariableOp" and id(inputs[0]) not in self.starts and first:
            self.starts[id(inputs[0])] = inputs[1]

    @staticmethod
    def _made(kind: str, inputs: Any, attrs: Any, outputs: Any, place: str) -> TapedOperation:
        attributes = dict(zip(attrs[::2], attrs[1::2], strict=True)) if attrs else {}
        return TapedOperation(kind, tuple(inputs), attributes, tuple(outputs), place)

    def _read_first(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        """Return what runs an operation such that variables it is given are read by an operation of their own."""

        def read(one: Any) -> Any:
            if isinstance(one, tf.Variable):
                return tf.convert_to_tensor(one)
            several = isinstance(one, list | tuple) and any(isinstance(each, tf.Variable) for each in one)
            return [read(each) for each in one] if several else one

        def execute(*args: Any) -> Any:
            return plain(*args) if self._quiet or self._into is None else plain(*map(read, args))

        return execute

    def _as_one(self, title: str, plain: Callable[..., Any], behind: bool = False) -> Callable[..., Any]:
        """Return a function that is one operation, under the tape as well, or only behind the gradient."""

        def one(*args: Any, **kwargs: Any) -> Any:
            taping = self._step is not None and self._into is self._step.taped
            if self._quiet or self._into is None or (behind and taping):
                return plain(*args, **kwargs)
            with self.quiet():
                found = plain(*args, **kwargs)
            flat = [given for given in tf.nest.flatten((list(args), kwargs)) if is_value(given)]
            outputs = [given for given in tf.nest.flatten(found) if tf.is_tensor(given)]
            self._into.append(TapedOperation(title, flat, {}, outputs, line_here(), (plain, args, kwargs)))
            return found

        return one

    def _entering(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def entering(tape: Any) -> Any:
            if not self._quiet:
                self._patch_keras()
                self._tapes += 1
                if self._tapes > 1:
                    self._odd("tf.GradientTape in a tf.GradientTape", "one gradient of one loss")
                if not self.steps:
                    self.before = dict(self._values())
                ahead = self.steps[-1].after if self.steps else self._ahead
                self._step = TapedStep(ahead=[op for op in ahead if all(map(is_single, op.outputs)) and op.outputs])
                self._into = self._step.taped
            return plain(tape)

        return entering

    def _leaving(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def leaving(tape: Any, *error: Any) -> Any:
            if not self._quiet:
                self._tapes -= 1
                self._into = None if self._step is None else self._step.after  # Ahead of the gradient, too.
            return plain(tape, *error)

        return leaving

    def _differentiating(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            if self._quiet or self._step is None:
                return plain(tape, target, sources, *args, **kwargs)
            flat = list(tf.nest.flatten(sources))
            step = self._step
            if tf.distribute.has_strategy():
                self._odd("a step under tf.distribute", "a program on one device")
            if step.loss is not None:
                self._odd("a second tape.gradient of one step", "one loss, and one set of variables that it trains")
            if self.steps and [id(one) for one in self.steps[0].sources] != [id(one) for one in flat]:
                self._odd("a second set of variables, trained by a loss of its own,", "one loss that trains all")
            if len(self.steps) == STEPS:
                self.full(self)
            if not self.steps:  # What was made within the tape held its start; a pass may have moved it.
                self.before = {**dict(self._values()), **self.starts, **self.before}
                if self._at_once:
                    self.full(self)
            with self.quiet():
                found = plain(tape, target, sources, *args, **kwargs)
            step.loss, step.sources, step.gradients = target, flat, list(tf.nest.flatten(found))
            step.place = line_here()
            self.steps.append(step)
            self._into = step.after
            return found

        return gradient

    def _values(self) -> Iterator[tuple[int, Any]]:
        """Return what variables hold, by their handles."""
        with self.quiet():
            for handle, variable in self.variables.items():
                with contextlib.suppress(Exception):  # One that was deleted.
                    yield handle, variable.read_value()

    def _applying(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def apply(optimizer: Any, grads: Any, trainable_variables: Any = None) -> Any:
            if self._quiet or not self.steps:
                return plain(optimizer, grads, trainable_variables)
            step = self.steps[-1]
            if step.optimizer is not None:
                self._odd("a second optimizer", "one optimizer")
            grads = list(grads)
            variables = trainable_variables if trainable_variables is not None else optimizer._trainable_variables
            step.optimizer, step.applied = optimizer, (grads, list(variables))
            if len(self.steps) == STEPS:
                self.full(self)
            with self.quiet():
                return plain(optimizer, grads, trainable_variables)

        return apply

    def _iterating(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def iterating(dataset: Any) -> Any:
            if not self._quiet:
                self.datasets.append(dataset)
            return plain(dataset) if self._alone else self._widened(plain(dataset))

        return iterating

    def _widened(self, dealt: Any) -> Iterator[Any]:
        """Deal out rows in the float type of a worker's layers: a loss that is written out mixes no types."""
        dtype = tf.as_dtype(sys.modules["keras"].config.floatx())
        for rows in dealt:
            with self.quiet():
                found = tf.nest.map_structure(partial(in_type, dtype), rows)
            yield found

    def _testing(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def testing(tensor: Any) -> bool:
            if not self._quiet and self._tapes:
                self.tested.append((tensor, line_here()))
            return bool(plain(tensor))

        return testing

    def _in_a_session(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        del plain

        def run(*args: Any, **kwargs: Any) -> Any:
            del args, kwargs
            self._odd("tf.compat.v1.Session, a graph of TensorFlow 1,", "TensorFlow 2: a tf.GradientTape")

        return run

    def _odd(self, what: str, needs: str) -> None:
        """End the program: what it does cannot be read."""
        self.odd.append((what, line_here(), needs))
        self.full(self)


def in_type(dtype: Any, value: Any) -> Any:
    """Return a tensor of floats in a type, without a word to whoever records; anything else as it is."""
    floats = tf.is_tensor(value) and value.dtype.is_floating and value.dtype != dtype
    return tf.raw_ops.Cast(x=value, DstT=dtype) if floats else value
