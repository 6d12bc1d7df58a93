"""The Keras driver, on the TensorFlow backend."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import keras
import tensorflow as tf

from parity.frameworks.keras.driver import generators as keras_generators
from parity.frameworks.keras.driver.layers import KerasLayers, model_step
from parity.frameworks.keras.driver.own_layers import dealt_seed
from parity.frameworks.tensorflow.driver.driver import TensorFlowDriver
from parity.frameworks.tensorflow.driver.tensors import Taps, host, kept, masked, noised
from parity.frameworks.tensorflow.driver.watching import this_call
from parity.run.driver.base import active_driver
from parity.run.driver.layouts import View
from parity.run.driver.objects import called, restore, weights_for
from parity.run.probe import Guide
from parity.tensors import itself


class KerasDriver(KerasLayers, TensorFlowDriver):
    """A Keras program: layers are wrapped at ``call``, the optimizer at ``apply``."""

    generators: ClassVar[Any] = keras_generators
    runs_in_float32 = False  # Its layers are made in the worker's float type.
    update_method = "apply"

    def prepare(self) -> None:
        """Set Keras's float type, let Python floats reach float64 unrounded, and count layers' names from the start."""
        self.computing()
        self.prepare_keras()
        if self.precision == "float64":
            keep_python_floats_exact()

    @classmethod
    def replace_dropout(cls) -> None:
        """Replace the functions that Keras's layers draw from, in the backend's random module."""
        keras.src.backend.random.dropout = partial(masked, own=keras_generators.DROPOUT)
        keras.src.backend.random.normal, keras.src.backend.random.uniform = normal, uniform
        tf.random.normal = noised  # What a layer of a program's own may draw from.
        keras.layers.AlphaDropout.call = keras_generators.alpha_dropout

    def usual_step(self) -> Callable[..., Any]:
        """Return tape, loss with the layers' own losses, gradients, update, in a graph; or the model's own step."""
        if self._steps_itself():
            return model_step

        @tf.function  # type: ignore[untyped-decorator]
        def step(
            model: Any, loss_fn: Any, optimizer: Any, x: tf.Tensor, y: tf.Tensor, sample_weights: Any = None
        ) -> tf.Tensor:  # fmt: skip
            with tf.GradientTape() as tape:
                loss = loss_fn(y, called(model, x, training=True), **weights_for(loss_fn, sample_weights))
                loss = sum(model.losses, loss)
                scaled = optimizer.scale_loss(loss)  # As it is for most; Keras's own step asks, too.
            optimizer.apply(tape.gradient(scaled, model.trainable_variables), model.trainable_variables)
            return loss

        return step

    def parameter(self, name: str) -> Any:
        """Return the layer's variable."""
        return self.variable(name)

    def close(self) -> None:
        """Let go of the program, and of what Keras keeps of every model by itself."""
        variables = [*self.model.variables, *getattr(self.optimizer, "variables", [])]
        super().close()
        for variable in variables:
            free(variable)
        keras.backend.clear_session(free_memory=False)  # Whoever opens the next program collects the garbage.

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
        before, counted = target.__dict__.get("call"), this_call(view)
        call = before or target.call

        def fed(x: Any, *args: Any, **kwargs: Any) -> Any:
            return call(self.tapped(view, x, taps, signals, guide), *args, **kwargs)

        def watched(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            if not counted():
                return value
            behind = getattr(value, "_keras_logits", None)
            if logits and behind is not None:
                seen = self.tapped(view, behind, taps, signals, guide)
                # A focal loss reads both: made anew, the probabilities are of the logits that were seen.
                again = getattr(target, "activation", None)
                value = tf.identity(value) if again is None else again(seen)
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
        return View(itself(view.name), {**view.output, "point": "output"}, view.then)

    def wrap_optimizer(self, taps: Taps, guide: Guide | None) -> Callable[[], None]:
        """Let ``apply``, which ``apply_gradients`` calls too, report what it is given."""
        optimizer, apply = self.optimizer, self.optimizer.apply

        def watched(gradients: Any, variables: Any = None) -> Any:
            known = variables if variables is not None else optimizer._trainable_variables
            pairs = self.report_gradients(list(zip(gradients, known, strict=True)), taps, guide)
            return apply([gradient for gradient, _ in pairs], variables)

        object.__setattr__(optimizer, "apply", watched)
        return lambda: object.__delattr__(optimizer, "apply")


DRIVER = KerasDriver


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Return normal numbers that the active driver deals to a layer, in the place of Keras's."""
    if not dealt_seed(seed):
        return keras_generators.NORMAL(shape, mean, stddev, dtype, seed)
    return noised(shape, mean, stddev, dtype or keras.config.floatx(), own=keras_generators.NORMAL, seed=seed)


def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
    """Return, for an alpha dropout, 1 where the active driver says a value is kept, else 0; all else is Keras's."""
    rate = keras_generators.Rate.now
    if rate is None or active_driver().native:
        return keras_generators.UNIFORM(shape, minval, maxval, dtype, seed)
    return tf.cast(tf.reshape(kept(shape, rate), shape), dtype or keras.config.floatx())


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

    nn = keras.src.backend.tensorflow.nn
    rectified, smooth = nn.leaky_relu, nn.gelu

    def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
        # TensorFlow's own keeps the slope as float32.
        return tf.where(x > 0, x, negative_slope * x) if x.dtype == tf.float64 else rectified(x, negative_slope)

    def gelu(x: Any, approximate: bool = True) -> Any:
        # TensorFlow's own casts its constants from float32.
        if x.dtype != tf.float64:
            return smooth(x, approximate)
        if approximate:
            return 0.5 * x * (1.0 + tf.tanh(0.7978845608028654 * (x + 0.044715 * tf.pow(x, 3))))
        return 0.5 * x * (1.0 + tf.math.erf(x / 1.4142135623730951))

    nn.leaky_relu, nn.gelu = leaky_relu, gelu
    attended = getattr(nn, "dot_product_attention", None)  # Keras has it from 3.6 on.

    def dot_product_attention(query: Any, *args: Any, scale: Any = None, **kwargs: Any) -> Any:
        # It casts the scale by `tf.cast`, too: 1 / sqrt(3) is then off by 1e-8.
        exact = tf.constant(scale, query.dtype) if isinstance(scale, float) else scale
        return attended(query, *args, scale=exact, **kwargs)  # type: ignore[misc]

    if attended is not None:
        nn.dot_product_attention = dot_product_attention
    cast.exact = True  # type: ignore[attr-defined]
    replaced = {"cast": cast, "convert_to_tensor": convert_to_tensor}
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("keras.src.backend"):
            for name, original in originals.items():
                if getattr(module, name, None) is original:
                    setattr(module, name, replaced[name])
