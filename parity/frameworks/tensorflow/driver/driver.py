"""The raw TensorFlow driver, and what it shares with the Keras driver."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver import generators as tensorflow_generators
from parity.frameworks.tensorflow.driver.gpus import scope, seen_gpus
from parity.frameworks.tensorflow.driver.kernels import kept_kernels
from parity.frameworks.tensorflow.driver.on_device import lying
from parity.frameworks.tensorflow.driver.registered import forget_graphs
from parity.frameworks.tensorflow.driver.repeats import set_determinism_off
from parity.frameworks.tensorflow.driver.tensors import (
    applied,
    held,
    host,
    masked,
    module_of,
    noised,
    reached,
    unbound,
)
from parity.frameworks.tensorflow.driver.watching import TensorFlowWatching
from parity.frameworks.tensorflow.driver.wide import float_type_of_keras, wide_variables
from parity.run.driver.base import widening
from parity.run.driver.objects import built, called, facts_of, weights_for
from parity.run.driver.programs import loss_told


class TensorFlowDriver(TensorFlowWatching):
    """A raw TensorFlow program: a ``tf.Module`` with a method per layer.

    A watched step is the program's own step traced a second time, with the tensors among its outputs, so that it runs
    in a graph as the free run does. Only under a guide, which needs values in between, it runs eagerly.
    """

    generators: ClassVar[Any] = tensorflow_generators
    gpus = staticmethod(seen_gpus)
    targets_first = True
    update_method = "apply_gradients"  # What a train step calls on the optimizer.
    runs_in_float32 = True
    _order: dict[int, int] | None = None

    def prepare(self) -> None:
        """Compute on the device; let a program that uses Keras's optimizers or losses have the precision there, too."""
        self.computing()
        float_type_of_keras(self.file, self.precision)

    def computing(self) -> None:
        """Compute on the device, as exactly as the side is to."""
        scope(self.place)
        set_determinism_off()
        exec("\n".join(self.bindings.get("settings", ())), {"tf": tf})

    def seed_generators(self) -> None:
        """Seed what TensorFlow draws from."""
        with self.kernels():
            super().seed_generators()

    def kernels(self) -> AbstractContextManager[Any]:
        """Return within what TensorFlow's kernels stay, where the program draws nothing that counts."""
        return nullcontext() if self.draws else kept_kernels()

    def making(self) -> AbstractContextManager[Any]:
        """Return within which a program written by hand makes its variables in the worker's float type."""
        return wide_variables() if widening() else nullcontext()

    @classmethod
    def set_threads(cls, threads: int) -> None:
        """Limit TensorFlow's two thread pools."""
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

    def build_model(self) -> Any:
        """Return the program's module, made with the precision where it takes one."""
        found = self._found("model", "build_model", "Model")
        taken = inspect.signature(found).parameters.values() if callable(found) else ()
        needed = any(one.name == "dtype" or one.default is one.empty for one in taken)  # Not a `name=None`.
        made = self._built(found, *([tf.as_dtype(self.precision)] if needed else []))
        row = self.bindings.get("input", ())
        return module_of(made, self.given(np.zeros((1, *row))) if row else None)

    def build_optimizer(self) -> Any:
        """Return the program's optimizer, which may be one of Keras's."""
        return built(super().build_optimizer(), self.model.trainable_variables)

    @classmethod
    def replace_dropout(cls) -> None:
        """Replace ``tf.nn.dropout`` and ``tf.random.normal``."""
        tf.nn.dropout, tf.random.normal = masked, noised

    def stepping(self, step: Any) -> Any:
        """Return the step of a compiled program as XLA compiles it, or as it is where it is to be watched.

        It has no branch or loop that a graph would have to be told of; to look for one is a tenth of tracing it.
        """
        if self.by_hand or not hasattr(step, "python_function"):
            return step
        jit = step._jit_compile if self.compiled else None
        return tf.function(step.python_function, jit_compile=jit, autograph=False)

    def usual_step(self) -> Callable[..., Any]:
        """Return tape, loss, gradients, update, in a graph."""
        losses, update = self.losses, self.update

        @tf.function  # type: ignore[untyped-decorator]
        def step(
            model: Any, loss_fn: Any, optimizer: Any, x: tf.Tensor, y: tf.Tensor, sample_weights: Any = None
        ) -> tf.Tensor:  # fmt: skip
            with tf.GradientTape() as tape:
                of_batch = loss_fn(y, called(model, x, training=True), **weights_for(loss_fn, sample_weights))
                loss, scaled = losses(model, optimizer, of_batch)
            variables = model.trainable_variables
            update(optimizer, tape.gradient(scaled, variables), variables)
            return loss

        return step

    @staticmethod
    def losses(model: Any, optimizer: Any, loss: Any) -> tuple[Any, Any]:
        """Return the loss that a step tells, and what its gradients are of: that of the batch, both times.

        Args:
            model: of the program.
            optimizer: of the program.
            loss: of the batch.
        """
        del model, optimizer
        return loss, loss

    @staticmethod
    def update(optimizer: Any, gradients: Any, variables: Any) -> None:
        """Hand an optimizer gradients and variables."""
        applied(optimizer, gradients, variables)

    def fuse_update(self) -> None:
        """Compile the update with XLA, and no more: dropout masks come from outside the graph."""
        plain = getattr(self.optimizer, self.update_method)

        def update(gradients: Any, variables: Any) -> None:  # Called once, while the step is traced.
            tf.function(lambda given: plain(given, variables), jit_compile=True)(list(gradients))

        setattr(self.optimizer, self.update_method, update)

    def tensor(self, x: np.ndarray) -> tf.Tensor:
        """Return rows as a tensor."""
        return tf.constant(x, tf.int64 if x.dtype.kind == "i" else self.precision)

    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Call the program's ``train_step``."""
        batch, more = self._batch(x, y)
        return self.attempt(
            lambda: float(loss_told(self.train_step(self.model, self.loss_fn, self.optimizer, *batch, **more)))
        )

    def raw(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return what the model returns, in evaluation or in training."""
        self.activate()
        rows = self.given(x)
        # A compiled program, whose loss applies the last activation, predicts with it.
        applies = self.bindings["ending"] and not training
        outputs = predicted(self.model, rows) if applies else called(self.model, rows, training)
        return self.host_outputs(outputs, tf.is_tensor, lambda one, _: host(one))

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return the variables by attribute, and the methods that a layer may be."""
        found = [{"path": path, "shape": list(one.shape), "trainable": one.trainable} for path, one in held(self.model)]
        methods = [name for name, value in vars(type(self.model)).items() if inspect.isfunction(value)]
        layers = [{"path": name, "kind": "method"} for name in methods if not name.startswith("_")]
        return {"parameters": found, "layers": layers, **self.optimizer_facts()}

    def _unbound(self) -> list[Any]:
        bound = {id(self.parameter(name)) for name in self.bindings["weights"]}
        bound.add(id(getattr(self.optimizer, "iterations", None)))  # A count is set by itself.
        return unbound(self.model, None if self.bindings["slots"] else self.updating, bound)

    def leftovers(self) -> dict[str, np.ndarray]:
        """Return what an optimizer keeps whose slots are not known."""
        return {str(index): host(one) for index, one in enumerate(self._unbound())}

    def set_leftovers(self, values: dict[str, np.ndarray]) -> None:
        """Put it back."""
        for index, one in enumerate(self._unbound()):
            if str(index) in values:
                self.write(one, values[str(index)])

    def optimizer_facts(self) -> dict[str, Any]:
        """Return what is known of the optimizer."""
        return facts_of(self.updating)

    def parameter(self, name: str) -> Any:
        """Return the variable."""
        return reached(self.model, self.bindings["weights"][name]["attribute"])

    def read(self, variable: Any) -> np.ndarray:
        """Return the variable's value."""
        return lying(variable)

    def write(self, variable: Any, value: np.ndarray) -> None:
        """Assign the variable."""
        kind = getattr(variable, "_dtype", variable.dtype)  # Of Keras's, ``dtype`` is that in which it is to be read.
        variable.assign(tf.cast(np.asarray(value), kind))

    def raw_slots(self) -> list[tuple[str, np.ndarray, list[int] | None]]:
        """Return the slots; a ``tf.Module`` looks for its variables every time it is asked, so it is asked once."""
        with self._asked_once():
            return super().raw_slots()

    def set_slots(self, values: Callable[[str], np.ndarray | None], iterations: int) -> None:
        """Set the slots."""
        with self._asked_once():
            super().set_slots(values, iterations)

    def close(self) -> None:
        """Let go of the program, and of what TensorFlow keeps of its graphs by itself."""
        super().close()
        forget_graphs()

    @contextmanager
    def _asked_once(self) -> Iterator[None]:
        self._order = self._places()
        try:
            yield
        finally:
            self._order = None

    def _places(self) -> dict[int, int]:
        """Return where each of the model's trainable variables stands, by its id."""
        return {id(one): index for index, one in enumerate(self.model.trainable_variables)}

    def optimized(self, name: str) -> bool:
        """Return whether the parameter is one of the model's trainable variables."""
        return id(self.parameter(name)) in (self._order or self._places())

    def slot(self, attribute: str, name: str) -> Any:
        """Return the variable of a slot: they stand in the order of the model's trainable variables, or it is one."""
        kept = getattr(self.updating, attribute)
        return kept[(self._order or self._places())[id(self.parameter(name))]] if isinstance(kept, Sequence) else kept

    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return a slot's value."""
        return self.read(self.slot(attribute, name))

    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Assign a slot."""
        self.write(self.slot(attribute, name), value)

    def iterations(self) -> int | None:
        """Return the optimizer's counter."""
        counter = getattr(self.optimizer, "iterations", None)
        return None if counter is None else int(getattr(counter, "numpy", lambda: counter)())

    def set_iterations(self, iterations: int) -> None:
        """Set the optimizer's counter."""
        counter = getattr(self.optimizer, "iterations", None)
        if isinstance(counter, int):
            self.optimizer.iterations = iterations
        elif counter is not None:
            counter.assign(iterations)


def predicted(model: Any, given: Any) -> Any:
    """Return what a compiled program predicts from an input, or from several."""
    return model.predict(*given) if isinstance(given, tuple) else model.predict(given)


DRIVER = TensorFlowDriver
