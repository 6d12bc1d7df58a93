"""What is the same in Keras on every backend: layers by name, variables by layer, slots by variable."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.either import EitherKeras
from parity.frameworks.keras.driver.wide import as_images, wide_layers
from parity.free_names import free_name
from parity.run.driver.base import widening
from parity.run.driver.objects import built, facts_of, restore
from parity.run.driver.programs import loss_told


class KerasLayers(EitherKeras):
    """The part of a Keras 3 driver that knows of no backend."""

    library = keras

    def prepare_keras(self) -> None:
        """Set Keras's float type, and count layers' names from the start."""
        keras.src.utils.naming.reset_uids()  # Else the same program, opened twice, has a dropout and then a dropout_1.
        keras.config.set_floatx(self.precision)
        # Layers go by the policy, which is made from floatx once and then stays, whatever floatx becomes.
        # Keras has it from 3.2 on.
        found = getattr(keras.config, "set_dtype_policy", None) or keras.mixed_precision.set_global_policy
        found(self.precision)

    def fit_types(self, model: Any) -> None:
        """Let layers that move and turn images compute in float32."""
        as_images(model)

    def build_loss(self) -> Any:
        """Return the program's loss, or the one that its model was compiled with."""
        if self.has("loss", "build_loss") or not getattr(self.model, "compiled", False):
            return super().build_loss()
        model = self.model

        def compiled(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
            if model._compile_loss is None:
                return keras.ops.zeros((), y_pred.dtype)  # All of it is in the model's own losses.
            return model._compile_loss(y_true, y_pred, sample_weight)

        return compiled

    def making(self) -> AbstractContextManager[Any]:
        """Return within which a program written by hand gives its layers the worker's float type, whatever they say."""
        return wide_layers() if widening() else nullcontext()

    def build_optimizer(self) -> Any:
        """Return the program's optimizer, its slots made: Keras else makes them in the first step."""
        compiled = getattr(self.model, "compiled", False) and not self.has("optimizer", "build_optimizer")
        made = self.model.optimizer if compiled else self._made("optimizer", "build_optimizer", self.model)
        return built(made, self.model.trainable_variables)

    @property
    def own_step(self) -> bool:
        """Whether the step is the program's own, or its model's."""
        return super().own_step or self._steps_itself()

    def _steps_itself(self) -> bool:
        """Return whether the model's class has a step or a loss of its own, as Keras's guides write them."""
        return any(
            getattr(type(self.model), name) is not getattr(keras.Model, name) for name in ("train_step", "compute_loss")
        )

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return the layers' variables as ``layer.variable``, and the layers, in order."""
        numbers = tuple(
            f"{name}." for name, one in self._parts().items() if isinstance(one, keras.layers.Normalization)
        )
        found = [
            {"path": path, "shape": list(value.shape), "trainable": bool(value.trainable)}
            for path, value in self._variables().items()
            # What was measured is copied when it is, and what the variables hold later is not looked at.
            if value.dtype.startswith(("float", "bfloat")) and not path.startswith(numbers)
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
        return {"parameters": found, "layers": kinds, **facts_of(self.updating)}

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
            # A layer in a layer, which Keras may have named by itself, does not take the name of one of the model's.
            own = {layer.name: layer for layer in reversed(self.model.layers)}
            for layer in self.model._flatten_layers(include_self=False, recursive=True):
                mine = own.get(layer.name) is layer
                self._named[layer.name if mine else free_name(layer.name, self._named | own)] = layer
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
            # The outermost comes first, and has them: a layer both ways holds two, each with a cell.
            for name, layer in reversed(self._parts().items()):
                for path, inner in inside(layer):
                    owners |= dict.fromkeys(map(id, inner.variables), f"{name}.{path}")
            # In the order in which the model has them; layers in layers lie reversed.
            for value in self.model.variables:
                name = owners.get(id(value), "")
                self._held[free_name(f"{name}.{value.name}" if name else value.name, self._held)] = value
        return self._held

    def variable(self, name: str) -> Any:
        """Return the layer's variable of a canonical name."""
        return self._variables()[self.bindings["weights"][name]["attribute"]]

    def optimized(self, name: str) -> bool:
        """Return whether the optimizer was built with the parameter."""
        return self.updating._var_key(self.variable(name)) in self.updating._trainable_variables_indices

    def slot(self, attribute: str, name: str) -> Any:
        """Return the variable of a slot, or the one that all parameters share."""
        kept = getattr(self.updating, attribute)
        shared = not isinstance(kept, list)
        return kept if shared else kept[self.updating._get_variable_index(self.variable(name))]

    def iterations(self) -> int | None:
        """Return the optimizer's count of batches: of one that gathers gradients, ``iterations`` counts updates."""
        return int(keras.ops.convert_to_numpy(self._count()))

    def set_iterations(self, iterations: int) -> None:
        """Set it."""
        self._count().assign(iterations)

    def _count(self) -> Any:
        return getattr(self.updating, "_iterations", self.updating.iterations)  # The same up to Keras 3.3.


def inside(layer: Any) -> list[tuple[str, Any]]:
    """Return the layers that one of Keras's own keeps its variables in, by the path to them."""
    if isinstance(layer, keras.layers.Bidirectional):
        return [(f"{way}.cell", getattr(layer, way).cell) for way in ("forward_layer", "backward_layer")]
    if isinstance(layer, keras.layers.MultiHeadAttention):
        return [(f"{part}_dense", getattr(layer, f"{part}_dense")) for part in ("query", "key", "value", "output")]
    if isinstance(layer, keras.layers.TimeDistributed):
        return [("layer", layer.layer)]
    return [("cell", layer.cell)] if isinstance(layer, keras.layers.RNN) else []


def plain(layer: Any) -> bool:
    """Return whether a layer is Keras's own and applies no activation: what it puts out is what its class says."""
    activation = getattr(layer, "activation", None)
    linear = activation is None or getattr(activation, "__name__", "") == "linear"
    return linear and type(layer).__module__.startswith("keras.")


def model_step(model: Any, loss_fn: Any, optimizer: Any, x: Any, y: Any, sample_weights: Any = None) -> Any:
    """Take the step that a model has of its own, and return the loss it tells: of this batch, not of all so far."""
    for metric in model.metrics:
        metric.reset_state()
    data = (x, y) if sample_weights is None else (x, y, sample_weights)
    return keras.ops.convert_to_tensor(loss_told(model.train_step(data)))
