"""The raw TensorFlow driver, and what it shares with the Keras driver."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from parity.run.drivers.base import Driver, Watch


class TensorFlowDriver(Driver):
    """A raw TensorFlow program: a ``tf.Module`` with a method per layer."""

    module_name = "tensorflow"

    def prepare(self) -> None:
        """Nothing: a raw TensorFlow model is made in its precision."""

    @classmethod
    def set_threads(cls, threads: int) -> None:
        """Limit TensorFlow's two thread pools."""
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

    def build_model(self) -> Any:
        """Return the program's module."""
        make = getattr(self.module, "build_model", None) or self._named("Model")
        return make(tf.as_dtype(self.precision))

    def masked(self, x: tf.Tensor, rate: float, **ignored: Any) -> tf.Tensor:
        """Return x with what :meth:`draw` says kept, in place of the framework's dropout."""
        if rate == 0.0:
            return x
        keep = tf.numpy_function(
            lambda shape, p: self.draw(tuple(shape), float(p)), [tf.shape(x), tf.constant(rate, tf.float64)], tf.bool
        )
        return tf.where(tf.ensure_shape(keep, x.shape), x * (1.0 / (1.0 - rate)), tf.zeros_like(x))

    def replace_dropout(self) -> None:
        """Replace ``tf.nn.dropout``."""
        tf.nn.dropout = self.masked

    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Call the program's ``train_step``."""
        step = self._named("train_step")
        return float(step(self.model, self.loss_fn, self.optimizer, tf.constant(x), tf.constant(y)).numpy())

    def watched_step(self, x: np.ndarray, y: np.ndarray, number: int, watch: Watch) -> float:
        """Take a step eagerly, with layers and optimizer wrapped, and unwrap them again."""
        undo: list[Callable[[], None]] = []
        for layer, output in self.bindings["outputs"].items():
            undo.append(self.wrap_layer(layer, output, watch))
        undo.append(self.wrap_optimizer(watch))
        tf.config.run_functions_eagerly(True)
        try:
            return self.step(x, y, number)
        finally:
            tf.config.run_functions_eagerly(False)
            for restore in undo:
                restore()

    def wrap_layer(self, layer: str, output: dict[str, Any], watch: Watch) -> Callable[[], None]:
        """Let a layer's method report its output; return what takes that back."""
        method = getattr(self.model, output["attribute"])
        name = layer if output["point"] == "output" else f"{layer}.{output['point']}"

        def watched(*args: Any, **kwargs: Any) -> Any:
            value = method(*args, **kwargs)
            watch("forward", name, value.numpy())
            return value

        object.__setattr__(self.model, output["attribute"], watched)
        return lambda: object.__delattr__(self.model, output["attribute"])

    def wrap_optimizer(self, watch: Watch) -> Callable[[], None]:
        """Let ``apply_gradients`` report what it is given; return what takes that back."""
        optimizer, apply = self.optimizer, self.optimizer.apply_gradients

        def watched(gradients: Any, variables: Any = None, *args: Any, **kwargs: Any) -> Any:
            pairs = list(gradients) if variables is None else list(zip(gradients, variables, strict=True))
            self.report_gradients(pairs, watch)
            return apply(pairs, *args, **kwargs) if variables is None else apply(gradients, variables, *args, **kwargs)

        object.__setattr__(optimizer, "apply_gradients", watched)
        return lambda: object.__delattr__(optimizer, "apply_gradients")

    def report_gradients(self, pairs: list[tuple[Any, Any]], watch: Watch) -> None:
        """Hand the gradients of (gradient, variable) pairs to ``watch`` by their canonical names."""
        names = {id(self.parameter(name)): name for name in self.bindings["weights"]}
        for gradient, variable in pairs:
            name = names.get(id(variable))
            if name is not None and gradient is not None:
                watch("gradient", name, self._out(name, tf.convert_to_tensor(gradient).numpy()))

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return outputs in evaluation mode."""
        if self.bindings["ending"]:
            return self.model.predict(tf.constant(x)).numpy()
        return self.model(tf.constant(x), training=False).numpy()

    def parameter(self, name: str) -> Any:
        """Return the variable."""
        return getattr(self.model, self.bindings["weights"][name]["attribute"])

    def read(self, variable: Any) -> np.ndarray:
        """Return the variable's value."""
        return variable.numpy()

    def write(self, variable: Any, value: np.ndarray) -> None:
        """Assign the variable."""
        variable.assign(np.asarray(value))

    def slot(self, attribute: str, name: str) -> Any:
        """Return the variable of a slot: they stand in the order of the model's trainable variables."""
        parameter = self.parameter(name)
        index = next(i for i, one in enumerate(self.model.trainable_variables) if one is parameter)
        return getattr(self.optimizer, attribute)[index]

    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return a slot's value."""
        return self.read(self.slot(attribute, name))

    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Assign a slot."""
        self.write(self.slot(attribute, name), value)

    def set_iterations(self, iterations: int) -> None:
        """Set the optimizer's counter."""
        self.optimizer.iterations.assign(iterations)
