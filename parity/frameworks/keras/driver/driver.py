"""The Keras driver, on the TensorFlow backend."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from parity.frameworks.keras.driver import generators as keras_generators
from parity.frameworks.keras.driver.wide import wide_layers
from parity.frameworks.tensorflow.driver.driver import TensorFlowDriver
from parity.frameworks.tensorflow.driver.tensors import Taps, built, called, host, masked, restore
from parity.frameworks.tensorflow.driver.wide import widening
from parity.run.driver.layouts import View
from parity.run.driver.programs import ProgramError, loss_told
from parity.run.probe import Guide


class KerasDriver(TensorFlowDriver):
    """A Keras program: layers are wrapped at ``call``, the optimizer at ``apply``."""

    generators: ClassVar[Any] = keras_generators
    update_method = "apply"

    def prepare(self) -> None:
        """Set Keras's float type, let Python floats reach float64 unrounded, and count layers' names from the start."""
        self.computing()
        keras.src.utils.naming.reset_uids()  # Else the same program, opened twice, has a dropout and then a dropout_1.
        keras.config.set_floatx(self.precision)
        # Layers go by the policy, which is made from floatx once and then stays, whatever floatx becomes.
        keras.config.set_dtype_policy(self.precision)
        if self.precision == "float64":
            keep_python_floats_exact()

    def build_model(self) -> Any:
        """Return the program's model, built: one that does not say what it reads is shown a row of zeros."""
        model = self._built(self._found("model", "build_model", "Model"))
        if not isinstance(model, keras.Model):
            raise ProgramError(f"the model is a {type(model).__name__}; it must be a keras.Model")
        row = tuple(self.bindings.get("input", ()))
        if row and not (model.built and model.variables):
            model(tf.zeros((1, *row), self.precision), training=False)
        return model

    def making(self) -> AbstractContextManager[Any]:
        """Return within which a program written by hand gives its layers the worker's float type, whatever they say."""
        return wide_layers() if widening() else nullcontext()

    def build_loss(self) -> Any:
        """Return the program's loss, or the one that its model was compiled with."""
        if self.has("loss", "build_loss") or not getattr(self.model, "compiled", False):
            return super().build_loss()
        model = self.model

        def compiled(y_true: Any, y_pred: Any) -> Any:
            if model._compile_loss is None:
                return tf.zeros((), y_pred.dtype)  # All of it is in the model's own losses.
            return model._compile_loss(y_true, y_pred, None)

        return compiled

    @classmethod
    def replace_dropout(cls) -> None:
        """Replace the function that ``keras.layers.Dropout`` calls, in the backend's random module."""
        keras.src.backend.random.dropout = partial(masked, own=keras_generators.DROPOUT)

    def build_optimizer(self) -> Any:
        """Return the program's optimizer, its slots made: Keras else makes them in the first step."""
        compiled = getattr(self.model, "compiled", False) and not self.has("optimizer", "build_optimizer")
        return built(self.model.optimizer, self.model.trainable_variables) if compiled else super().build_optimizer()

    def usual_step(self) -> Callable[..., Any]:
        """Return tape, loss with the layers' own losses, gradients, update, in a graph; or the model's own step."""
        if self._steps_itself():
            return model_step

        @tf.function  # type: ignore[untyped-decorator]
        def step(model: Any, loss_fn: Any, optimizer: Any, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = loss_fn(y, called(model, x, training=True))
                loss = sum(model.losses, loss)
                scaled = optimizer.scale_loss(loss)  # As it is for most; Keras's own step asks, too.
            optimizer.apply(tape.gradient(scaled, model.trainable_variables), model.trainable_variables)
            return loss

        return step

    @property
    def own_step(self) -> bool:
        """Whether the step is the program's own, or its model's."""
        return super().own_step or self._steps_itself()

    def _steps_itself(self) -> bool:
        """Return whether the model's class has a step or a loss of its own, as Keras's guides write them."""
        return any(
            getattr(type(self.model), name) is not getattr(keras.Model, name) for name in ("train_step", "compute_loss")
        )

    def close(self) -> None:
        """Let go of the program, and of what Keras keeps of every model by itself."""
        variables = [*self.model.variables, *getattr(self.optimizer, "variables", [])]
        super().close()
        for variable in variables:
            free(variable)
        keras.backend.clear_session()

    def view(self, key: str, output: dict[str, Any]) -> View:
        """Return how an output is seen, with the activation that the program applies as a function behind it."""
        source = output.get("then")
        if source is None:
            return View(key, output)
        function = keras.activations.get(eval(source, {"keras": keras}))
        return View(key, output, lambda value: host(function(tf.constant(value))))

    def wrap_layer(self, view: View, taps: Taps, signals: bool, guide: Guide | None) -> Callable[[], None]:
        """Let a layer's ``call``, or the model's, report its output, or the logits that Keras remembers behind it."""
        output = view.output
        target, logits = self._part(output["attribute"]), output["point"] == "logits" and view.meaning is None
        # A layer may be seen by what it takes in and by what it puts out: the second wraps the first.
        before = target.__dict__.get("call")
        call = before or target.call

        def fed(x: Any, *args: Any, **kwargs: Any) -> Any:
            return call(self.tapped(view, x, taps, signals, guide), *args, **kwargs)

        def watched(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            behind = getattr(value, "_keras_logits", None)
            if logits and behind is not None:
                seen = self.tapped(view, behind, taps, signals, guide)
                value = tf.identity(value)
                value._keras_logits = seen
                return value
            seen = self.tapped(self._plain(view) if logits else view, tf.convert_to_tensor(value), taps, signals, guide)
            if behind is not None:
                seen._keras_logits = behind
            return seen

        object.__setattr__(target, "call", fed if output["point"] == "input" else watched)
        return partial(restore, target, "call", before)

    @staticmethod
    def _plain(view: View) -> View:
        """Return the view of an output that turns out to remember no logits."""
        return View(view.name.removesuffix(".logits"), {**view.output, "point": "output"}, view.then)

    def wrap_optimizer(self, taps: Taps, guide: Guide | None) -> Callable[[], None]:
        """Let ``apply``, which ``apply_gradients`` calls too, report what it is given."""
        optimizer, apply = self.optimizer, self.optimizer.apply

        def watched(gradients: Any, variables: Any = None) -> Any:
            known = variables if variables is not None else optimizer._trainable_variables
            pairs = self.report_gradients(list(zip(gradients, known, strict=True)), taps, guide)
            return apply([gradient for gradient, _ in pairs], variables)

        object.__setattr__(optimizer, "apply", watched)
        return lambda: object.__delattr__(optimizer, "apply")

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return the layers' variables as ``layer.variable``, and the layers, in order."""
        found = [
            {"path": path, "shape": list(value.shape), "trainable": bool(value.trainable)}
            for path, value in self._variables().items()
            if value.dtype.startswith(("float", "bfloat"))
        ]
        kinds = [
            {
                "path": name,
                "kind": type(layer).__name__,
                "plain": plain(layer),
                "known": type(layer).__module__.startswith("keras."),
            }
            for name, layer in self._parts().items()
            if name and not isinstance(layer, keras.layers.InputLayer)
        ]
        return {"parameters": found, "layers": kinds, **self.optimizer_facts()}

    def called(self, x: np.ndarray) -> list[str]:
        """Return the names of the layers in the order in which the model calls them."""
        names: list[str] = []
        undo = []

        def noting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
            def noted(*args: Any, **kwargs: Any) -> Any:
                names.append(name)
                return call(*args, **kwargs)

            return noted

        for name, layer in self._parts().items():
            if name:
                undo.append(partial(restore, layer, "call", layer.__dict__.get("call")))
                object.__setattr__(layer, "call", noting(name, layer.call))
        try:
            self.raw(x)
        finally:
            for back in reversed(undo):
                back()
        return names

    def _parts(self) -> dict[str, Any]:
        """Return the model's layers, those in others too, by names that no two share; itself as ``""``."""
        if "_named" not in self.__dict__:
            self._named: dict[str, Any] = {"": self.model}
            for layer in self.model._flatten_layers(include_self=False, recursive=True):
                self._named[free_name(layer.name, self._named)] = layer
        return self._named

    def _part(self, name: str) -> Any:
        return self._parts()[name]

    def _variables(self) -> dict[str, Any]:
        """Return the variables by the layer that made them and their name in it."""
        if "_held" not in self.__dict__:
            self._held: dict[str, Any] = {}
            owners = {
                id(value): name
                for name, layer in self._parts().items()
                for value in (*layer._trainable_variables, *layer._non_trainable_variables)
            }
            # In the order in which the model has them; layers in layers lie reversed.
            for value in self.model.variables:
                name = owners.get(id(value), "")
                self._held[free_name(f"{name}.{value.name}" if name else value.name, self._held)] = value
        return self._held

    def parameter(self, name: str) -> Any:
        """Return the layer's variable."""
        return self._variables()[self.bindings["weights"][name]["attribute"]]

    def optimized(self, name: str) -> bool:
        """Return whether the optimizer was built with the parameter."""
        return self.updating._var_key(self.parameter(name)) in self.updating._trainable_variables_indices

    def slot(self, attribute: str, name: str) -> Any:
        """Return the variable of a slot, or the one that all parameters share."""
        kept = getattr(self.updating, attribute)
        shared = not isinstance(kept, list)
        return kept if shared else kept[self.updating._get_variable_index(self.parameter(name))]


DRIVER = KerasDriver


def model_step(model: Any, loss_fn: Any, optimizer: Any, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Take the step that a model has of its own, and return the loss it tells: of this batch, not of all so far."""
    for metric in model.metrics:
        metric.reset_state()
    return tf.convert_to_tensor(loss_told(model.train_step((x, y))))


def free_name(name: str, taken: dict[str, Any]) -> str:
    """Return a name that is not taken: itself, or with the first number behind it."""
    like = (f"{name}_{number}" if number else name for number in count())
    return next(one for one in like if one not in taken)


def plain(layer: Any) -> bool:
    """Return whether a layer is Keras's own and applies no activation: what it puts out is what its class says."""
    activation = getattr(layer, "activation", None)
    linear = activation is None or getattr(activation, "__name__", "") == "linear"
    return linear and type(layer).__module__.startswith("keras.")


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
