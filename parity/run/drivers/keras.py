"""The Keras driver, on the TensorFlow backend."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from parity.run.drivers.layouts import laid_out
from parity.run.drivers.tensorflow import Taps, TensorFlowDriver, host, masked
from parity.run.probe import Guide


class KerasDriver(TensorFlowDriver):
    """A Keras program: layers are wrapped at ``call``, the optimizer at ``apply``."""

    module_name = "keras"
    update_method = "apply"

    def prepare(self) -> None:
        """Set Keras's float type, let Python floats reach float64 unrounded, and count layers' names from the start."""
        keras.src.utils.naming.reset_uids()  # Else the same program, opened twice, has a dropout and then a dropout_1.
        keras.config.set_floatx(self.precision)
        # Layers go by the policy, which is made from floatx once and then stays, whatever floatx becomes.
        keras.config.set_dtype_policy(self.precision)
        if self.precision == "float64":
            keep_python_floats_exact()

    def build_model(self) -> Any:
        """Return the program's model, built."""
        return self._built(self._found("model", "build_model", "Model"))

    @classmethod
    def replace_dropout(cls) -> None:
        """Replace the function that ``keras.layers.Dropout`` calls, in the backend's random module."""
        keras.src.backend.random.dropout = masked

    def build_optimizer(self) -> Any:
        """Return the program's optimizer, its slots made: Keras else makes them in the first step."""
        optimizer = super().build_optimizer()
        if not getattr(optimizer, "built", True):
            optimizer.build(self.model.trainable_variables)
        return optimizer

    def usual_step(self) -> Callable[..., Any]:
        """Return tape, loss with the layers' own losses, gradients, update, in a graph."""

        @tf.function  # type: ignore[untyped-decorator]
        def step(model: Any, loss_fn: Any, optimizer: Any, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = loss_fn(y, model(x, training=True))
                loss = sum(model.losses, loss)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        return step

    def close(self) -> None:
        """Let go of the program, and of what Keras keeps of every model by itself."""
        variables = [*self.model.variables, *getattr(self.optimizer, "variables", [])]
        super().close()
        for variable in variables:
            free(variable)
        keras.backend.clear_session()

    def wrap_layer(
        self, layer: str, output: dict[str, Any], taps: Taps, signals: bool, guide: Guide | None
    ) -> Callable[[], None]:
        """Let a layer's ``call`` report its output, or the logits that Keras remembers behind it."""
        target, logits = self.model.get_layer(output["attribute"]), output["point"] == "logits"
        # A layer may be seen by what it takes in and by what it puts out: the second wraps the first.
        call = target.__dict__.get("call", target.call)

        def fed(x: Any, *args: Any, **kwargs: Any) -> Any:
            axes = laid_out(output, x.shape)
            return call(self.tapped(layer, x, axes, taps, signals, guide), *args, **kwargs)

        def watched(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            behind = getattr(value, "_keras_logits", None)
            if logits and behind is not None:
                seen = self.tapped(f"{layer}.logits", behind, output["axes"], taps, signals, guide)
                value = tf.identity(value)
                value._keras_logits = seen
                return value
            seen = self.tapped(layer, tf.convert_to_tensor(value), output["axes"], taps, signals, guide)
            if behind is not None:
                seen._keras_logits = behind
            return seen

        object.__setattr__(target, "call", fed if output["point"] == "input" else watched)
        return lambda: target.__dict__.pop("call", None)

    def wrap_optimizer(self, taps: Taps, guide: Guide | None) -> Callable[[], None]:
        """Let ``apply``, which ``apply_gradients`` calls too, report what it is given."""
        optimizer, apply = self.optimizer, self.optimizer.apply

        def watched(gradients: Any, variables: Any = None) -> Any:
            known = variables if variables is not None else optimizer._trainable_variables
            pairs = self.report_gradients(list(zip(gradients, known, strict=True)), taps, guide)
            return apply([gradient for gradient, _ in pairs], variables)

        object.__setattr__(optimizer, "apply", watched)
        return lambda: object.__delattr__(optimizer, "apply")

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return outputs in evaluation mode."""
        self.activate()
        return host(self.model(tf.constant(x, self.precision), training=False))

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return the layers' variables as ``layer.variable``, and the layers, in order."""
        layers = [layer for layer in self.model.layers if not isinstance(layer, keras.layers.InputLayer)]
        found = [
            {"path": f"{layer.name}.{value.name}", "shape": list(value.shape), "trainable": bool(value.trainable)}
            for layer in layers
            for value in layer.weights
            if value.dtype.startswith(("float", "bfloat"))
        ]
        kinds = [{"path": layer.name, "kind": type(layer).__name__} for layer in layers]
        return {"parameters": found, "layers": kinds, **self.optimizer_facts()}

    def parameter(self, name: str) -> Any:
        """Return the layer's variable."""
        layer, parameter = self.bindings["weights"][name]["attribute"].split(".")
        return getattr(self.model.get_layer(layer), parameter)

    def optimized(self, name: str) -> bool:
        """Return whether the optimizer was built with the parameter."""
        return self.optimizer._var_key(self.parameter(name)) in self.optimizer._trainable_variables_indices

    def slot(self, attribute: str, name: str) -> Any:
        """Return the variable of a slot, or the one that all parameters share."""
        kept = getattr(self.optimizer, attribute)
        shared = not isinstance(kept, list)
        return kept if shared else kept[self.optimizer._get_variable_index(self.parameter(name))]


def free(variable: Any) -> None:
    """Give back the memory of a variable that nothing reads any more: an empty tensor takes the place of its value.

    TensorFlow keeps the handles of what a compiled Keras step read for as long as the process lives, and with them the
    weights and two slots, 12 bytes a parameter of every run; no Python object is left that could be let go.
    """
    value = getattr(variable, "value", None)
    if isinstance(value, tf.Variable):
        tf.raw_ops.AssignVariableOp(resource=value.handle, value=tf.zeros([0], value.dtype))


def keep_python_floats_exact() -> None:
    """Let Keras turn Python floats into float64 tensors without passing through float32.

    ``ops.cast(0.9, "float64")`` is ``tf.cast``, which makes 0.9 a float32 first: momentum, betas and schedules
    of a float64 program are then off by 1e-8, far above what float64 lockstep can see. Only the measuring
    instrument is changed: in float32 nothing would differ.
    """
    core = keras.src.backend.tensorflow.core
    originals = {"cast": core.cast, "convert_to_tensor": core.convert_to_tensor}
    if getattr(core.cast, "exact", False):
        return

    def cast(x: Any, dtype: Any) -> Any:
        if isinstance(x, float) and keras.backend.standardize_dtype(dtype).startswith("float"):
            return tf.constant(x, keras.backend.standardize_dtype(dtype))
        return originals["cast"](x, dtype)

    def convert_to_tensor(x: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        if isinstance(x, float) and dtype is None:
            dtype = keras.config.floatx()
        return originals["convert_to_tensor"](x, dtype, *args, **kwargs)

    cast.exact = True  # type: ignore[attr-defined]
    replaced = {"cast": cast, "convert_to_tensor": convert_to_tensor}
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("keras.src.backend"):
            for name, original in originals.items():
                if getattr(module, name, None) is original:
                    setattr(module, name, replaced[name])
