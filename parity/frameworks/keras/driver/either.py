"""What is the same in Keras 2 and in Keras 3: it imports neither, and takes the module from the class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from parity.run.driver.base import Driver
from parity.run.driver.layouts import View
from parity.run.driver.objects import called
from parity.run.driver.parts import Parts
from parity.run.driver.programs import ProgramError
from parity.run.driver.scaled import Scaled


class EitherKeras(Scaled, Driver):
    """The part of a Keras driver that knows of no backend, and of no version."""

    library: ClassVar[Any]
    """The module that is Keras here."""
    model_wanted: ClassVar[str] = "a keras.Model"
    """What a program's model must be, in words."""

    def build_model(self) -> Any:
        """Return the program's model, built: one that does not say what it reads is shown a row of zeros."""
        model = self._built(self._found("model", "build_model", "Model"))
        if not isinstance(model, self.library.Model):
            raise ProgramError(f"the model is a {type(model).__name__}; it must be {self.model_wanted}")
        self.fit_types(model)
        row = tuple(self.bindings.get("input", ()))
        if row and not (model.built and model.variables):
            called(model, self.given(np.zeros((1, *row))), training=False)
        return model

    def fit_types(self, model: Any) -> None:
        """Let layers that cannot compute in the worker's float type have the one that they can; here there are none."""

    def given(self, x: np.ndarray) -> Any:
        """Return a batch's inputs as a functional model takes them: a tensor, or a list of several."""
        found = super().given(x)
        return list(found) if isinstance(found, tuple) else found

    def view(self, key: str, output: dict[str, Any]) -> View:
        """Return how an output is seen, with the activation that the program applies as a function behind it."""
        source = output.get("then")
        if source is None:
            return View(key, output)
        function = self.library.activations.get(eval(source, {"keras": self.library}))
        return View(key, output, lambda value: self.computed(function, value))

    @abstractmethod
    def computed(self, function: Callable[[Any], Any], value: np.ndarray) -> np.ndarray:
        """Return what a function of tensors makes of an array."""

    @abstractmethod
    def _part(self, name: str) -> Any:
        """Return a layer of the model by its name, the model itself for none."""


class EitherKerasParts(Parts):
    """What a layer is told by a word of Keras's is the part that this stands for."""

    def word(self, argument: str, value: Any) -> Any:
        keras = self.modules["keras"]
        if argument.endswith("activation"):
            return {"part": f"keras.activations.{keras.activations.get(value).__name__}"}
        if argument.endswith("initializer") and value is not None:
            made = keras.initializers.get(value)
            told = {name: one for name, one in made.get_config().items() if name != "seed"}
            return {"part": f"keras.initializers.{type(made).__name__}", "arguments": told}
        return super().word(argument, value)

    def defaults(self, name: str) -> dict[str, Any]:
        found = super().defaults(name)
        if name.startswith("keras.layers."):
            found["activity_reduction"] = self._activity_reduction
        if name == "keras.layers.UnitNormalization":
            found["epsilon"] = self._least_length
        if name.startswith("keras.optimizers."):
            found["accumulation_counts"] = self._accumulation_counts
        return found

    @cached_property
    def _activity_reduction(self) -> str:
        """What Keras makes of the penalty of two rows, each of which adds 1."""
        keras = self.modules["keras"]
        layer = keras.layers.Activation("linear", activity_regularizer=keras.regularizers.L1(1.0))
        layer(np.ones((2, 1), "float32"))
        return "mean" if float(layer.losses[0]) == 1.0 else "sum"

    @cached_property
    def _least_length(self) -> float:
        """What Keras divides a row by that is shorter than that."""
        short = 1e-15
        (found,) = np.asarray(self.modules["keras"].layers.UnitNormalization()(np.array([[short]], "float32")))[0]
        return float(f"{short / found:.3g}")

    @cached_property
    def _accumulation_counts(self) -> str:
        """What Keras goes by, which is seen by the weight decay of a batch that makes no update."""
        keras = self.modules["keras"]
        try:
            optimizer = keras.optimizers.SGD(1.0, weight_decay=0.5, gradient_accumulation_steps=2)
        except (TypeError, ValueError):
            return "updates"
        parameter = keras.Variable([1.0])
        optimizer.build([parameter])
        optimizer.apply([keras.ops.zeros((1,))])
        return "updates" if float(keras.ops.convert_to_numpy(parameter.value)[0]) == 1.0 else "batches"
