"""The driver of Keras 2: its layers by name, TensorFlow's tensors, gradients and steps."""

from __future__ import annotations

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.driver import TensorFlowDriver
from parity.frameworks.tensorflow.driver.tensors import Taps, host, masked, noised, reached
from parity.frameworks.tensorflow.driver.watching import this_call
from parity.frameworks.tf_keras.driver import generators as keras2_generators
from parity.frameworks.tf_keras.driver import legacy
from parity.frameworks.tf_keras.driver.keras2 import DROPOUT, LEGACY, NORMAL, RANDOM, keras
from parity.run.driver.layouts import View
from parity.run.driver.objects import built, called, restore, weights_for
from parity.run.driver.programs import ProgramError
from parity.run.probe import Guide
from parity.tensors import itself


class Keras2Driver(TensorFlowDriver):
    """A Keras 2 program: layers are wrapped at ``call``, the optimizer at ``apply_gradients``."""

    generators: ClassVar[Any] = keras2_generators
    runs_in_float32 = False  # Its layers are made in the worker's float type.

    def prepare(self) -> None:
        """Set Keras's float type, and count layers' names from the start."""
        self.computing()
        keras.backend.clear_session()
        keras.backend.set_floatx(self.precision)
        legacy.exact_numbers()

    @classmethod
    def replace_dropout(cls) -> None:
        """Replace what Keras's layers draw from."""
        RANDOM.dropout = _dropout
        RANDOM.random_normal = _normal
        super().replace_dropout()

    def build_model(self) -> Any:
        """Return the program's model, built: one that does not say what it reads is shown a row of zeros."""
        model = self._built(self._found("model", "build_model", "Model"))
        if not isinstance(model, keras.Model):
            raise ProgramError(f"the model is a {type(model).__name__}; it must be a keras.Model of Keras 2")
        row = tuple(self.bindings.get("input", ()))
        if row and not (model.built and model.variables):
            called(model, self.given(np.zeros((1, *row))), training=False)
        return model

    def given(self, x: np.ndarray) -> Any:
        """Return a batch's inputs as a functional model takes them: a tensor, or a list of several."""
        found = super().given(x)
        return list(found) if isinstance(found, tuple) else found

    def build_optimizer(self) -> Any:
        """Return the program's optimizer, its slots made."""
        made = self._made("optimizer", "build_optimizer", self.model)
        if LEGACY and isinstance(made, legacy.OPTIMIZER):
            return legacy.built(made, self.model.trainable_variables)
        return built(made, self.model.trainable_variables)

    def usual_step(self) -> Callable[..., Any]:
        """Return tape, loss with the layers' own losses, gradients, update, in a graph."""

        @tf.function  # type: ignore[untyped-decorator]
        def step(
            model: Any, loss_fn: Any, optimizer: Any, x: tf.Tensor, y: tf.Tensor, sample_weights: Any = None
        ) -> tf.Tensor:  # fmt: skip
            with tf.GradientTape() as tape:
                loss = loss_fn(y, called(model, x, training=True), **weights_for(loss_fn, sample_weights))
                loss = sum(model.losses, loss)
            variables = model.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return loss

        return step

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return the layers' variables as ``layer.variable``, and the layers, in order."""
        layers = [one for one in self.model.layers if not isinstance(one, keras.layers.InputLayer)]
        found = [
            {
                "path": f"{layer.name}.{value.name.rpartition('/')[2].partition(':')[0]}",
                "shape": list(value.shape),
                "trainable": bool(value.trainable),
            }
            for layer in layers
            for value in layer.weights
        ]
        kinds = [{"path": one.name, "kind": type(one).__name__} for one in layers]
        return {"parameters": found, "layers": kinds, **self.optimizer_facts()}

    def parameter(self, name: str) -> Any:
        """Return the layer's variable."""
        name, _, path = self.bindings["weights"][name]["attribute"].partition(".")
        layer = self.model.get_layer(name)
        if path == "kernel" and not hasattr(layer, path):
            path = "depthwise_kernel"  # As Keras 2 calls it.
        return reached(layer, path)

    def slot(self, attribute: str, name: str) -> Any:
        """Return the variable of a slot, or the one that all parameters share."""
        if LEGACY and isinstance(self.updating, legacy.OPTIMIZER):
            return legacy.kept(self.updating, attribute, self.parameter(name))
        own = attribute if hasattr(self.updating, attribute) else attribute.lstrip("_")  # As Lion calls it.
        return super().slot(own, name)

    def view(self, key: str, output: dict[str, Any]) -> View:
        """Return how an output is seen, with the activation that the program applies as a function behind it."""
        source = output.get("then")
        if source is None:
            return View(key, output)
        function = keras.activations.get(eval(source, {"keras": keras}))
        return View(key, output, lambda value: host(function(tf.constant(value))))

    def wrap_layer(self, view: View, taps: Taps, signals: bool, guide: Guide | None) -> Callable[[], None]:
        """Let a layer's ``call`` report its output, or the logits that Keras remembers behind it."""
        output = view.output
        target = self.model.get_layer(output["attribute"]) if output["attribute"] else self.model
        logits = output["point"] == "logits" and view.meaning is None
        before, counted = target.__dict__.get("call"), this_call(view)
        call = before or target.call

        def fed(x: Any, *args: Any, **kwargs: Any) -> Any:
            return call(self.tapped(view, x, taps, signals, guide), *args, **kwargs)

        def watched(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            if not counted():
                return value
            behind = getattr(value, "_keras_logits", None)
            mask = getattr(value, "_keras_mask", None)  # A layer that masks leaves it on what it returns.
            if logits and behind is not None:
                seen = self.tapped(view, behind, taps, signals, guide)
                again = getattr(target, "activation", None)
                value = tf.identity(value) if again is None else again(seen)
                value._keras_logits = seen
                return value
            plain = View(itself(view.name), {**output, "point": "output"}, view.then) if logits else view
            seen = self.tapped(plain, tf.convert_to_tensor(value), taps, signals, guide)
            for name, kept in (("_keras_logits", behind), ("_keras_mask", mask)):
                if kept is not None:
                    setattr(seen, name, kept)
            return seen

        object.__setattr__(target, "call", fed if output["point"] == "input" else watched)
        return partial(restore, target, "call", before)


DRIVER = Keras2Driver


def _dropout(self: Any, inputs: Any, rate: float, noise_shape: Any = None) -> Any:
    """Return what the active driver says is kept, in the place of Keras's dropout."""
    return masked(inputs, rate, noise_shape, own=partial(DROPOUT, self))


def _normal(self: Any, shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, **how: Any) -> Any:
    """Return normal numbers that the active driver deals to a layer, in the place of Keras's."""
    return noised(shape, mean, stddev, dtype or keras.backend.floatx(), own=partial(NORMAL, self), **how)
