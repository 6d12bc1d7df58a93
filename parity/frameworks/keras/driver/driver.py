"""The Keras driver, on the TensorFlow backend."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import keras
import tensorflow as tf

from parity.frameworks.keras.driver import generators as keras_generators
from parity.frameworks.keras.driver.layers import KerasLayers, model_step
from parity.frameworks.keras.driver.on_tensorflow import KerasOnTensorFlow
from parity.frameworks.keras.driver.own_layers import dealt_seed
from parity.frameworks.tensorflow.driver.tensors import Taps, kept, masked, noised
from parity.run.driver.base import active_driver
from parity.run.probe import Guide


class KerasDriver(KerasLayers, KerasOnTensorFlow):
    """A Keras program: layers are wrapped at ``call``, the optimizer at ``apply``."""

    generators: ClassVar[Any] = keras_generators
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
        return model_step if self._steps_itself() else super().usual_step()

    @staticmethod
    def losses(model: Any, optimizer: Any, loss: Any) -> tuple[Any, Any]:
        """Return the loss with the layers' own, and that as the optimizer scales it."""
        whole = sum(model.losses, loss)
        return whole, optimizer.scale_loss(whole)  # As it is for most; Keras's own step asks, too.

    @staticmethod
    def update(optimizer: Any, gradients: Any, variables: Any) -> None:
        optimizer.apply(gradients, variables)

    def parameter(self, name: str) -> Any:
        """Return the layer's variable."""
        return self.variable(name)

    def close(self) -> None:
        """Let go of the program, and of what Keras keeps of every model by itself."""
        variables = [*self.model.variables, *getattr(self.optimizer, "variables", [])]
        super().close()
        for variable in variables:
            free(variable)
        with self.kernels():
            keras.backend.clear_session(free_memory=False)  # Whoever opens the next program collects the garbage.

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
