"""The driver of Keras 2: its layers by name, TensorFlow's tensors, gradients and steps."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from parity.frameworks.keras.driver.on_tensorflow import KerasOnTensorFlow
from parity.frameworks.tensorflow.driver.tensors import masked, noised, reached
from parity.frameworks.tf_keras.driver import generators as keras2_generators
from parity.frameworks.tf_keras.driver import legacy
from parity.frameworks.tf_keras.driver.keras2 import DROPOUT, LEGACY, NORMAL, RANDOM, keras
from parity.run.driver.objects import built


class Keras2Driver(KerasOnTensorFlow):
    """A Keras 2 program: layers are wrapped at ``call``, the optimizer at ``apply_gradients``."""

    generators: ClassVar[Any] = keras2_generators
    library = keras
    model_wanted = "a keras.Model of Keras 2"

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

    def build_optimizer(self) -> Any:
        """Return the program's optimizer, its slots made."""
        made = self._made("optimizer", "build_optimizer", self.model)
        if LEGACY and isinstance(made, legacy.OPTIMIZER):
            return legacy.built(made, self.model.trainable_variables)
        return built(made, self.model.trainable_variables)

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

    def _part(self, name: str) -> Any:
        return self.model.get_layer(name) if name else self.model

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


DRIVER = Keras2Driver


def _dropout(self: Any, inputs: Any, rate: float, noise_shape: Any = None) -> Any:
    """Return what the active driver says is kept, in the place of Keras's dropout."""
    return masked(inputs, rate, noise_shape, own=partial(DROPOUT, self))


def _normal(self: Any, shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, **how: Any) -> Any:
    """Return normal numbers that the active driver deals to a layer, in the place of Keras's."""
    return noised(shape, mean, stddev, dtype or keras.backend.floatx(), own=partial(NORMAL, self), **how)
