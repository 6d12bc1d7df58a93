"""The driver of Keras on its PyTorch backend: Keras's layers by name, PyTorch's tensors and gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import keras
import numpy as np
import torch
from keras.src.backend.common import dtypes, global_state

from parity.frameworks.keras.driver import generators as keras_generators
from parity.frameworks.keras.driver.layers import KerasLayers, model_step
from parity.frameworks.keras.driver.own_layers import dealt_seed
from parity.frameworks.torch.driver.driver import TorchDriver
from parity.frameworks.torch.driver.hooks import host, recorded
from parity.frameworks.torch.driver.on_device import lying
from parity.run.driver.base import Driver, active_driver, dealing
from parity.run.driver.objects import called, restore, weights_for
from parity.run.probe import Guide, Probe


class KerasTorchDriver(KerasLayers, TorchDriver):
    """A program of Keras on PyTorch: layers are wrapped at ``call``, the optimizer at ``apply``."""

    generators: ClassVar[Any] = keras_generators
    targets_first = True

    def prepare(self) -> None:
        """Let everything made from now on have the precision and lie on the device."""
        super().prepare()
        self.prepare_keras()
        # But on TensorFlow, Keras makes a float32 of every float64 that an operation gives ("to be aligned with JAX's
        # default behavior"); lockstep in float64 is there to see what is left without such rounding.
        dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64" if self.precision == "float64" else "float32"
        # What `keras.device` does, which ends with its block.
        global_state.set_global_attribute("torch_device", str(self.place))

    @classmethod
    def replace_dropout(cls) -> None:
        """Replace the functions that Keras's layers draw from, in the backend's random module."""
        super().replace_dropout()
        keras.src.backend.random.dropout = masked
        keras.src.backend.random.normal, keras.src.backend.random.uniform = normal, uniform
        keras.layers.AlphaDropout.call = keras_generators.alpha_dropout

    def stepping(self, step: Any) -> Any:
        """Return the step as it is."""
        return step

    def usual_step(self) -> Callable[..., Any]:
        """Return forward, loss with the layers' own losses, backward, update; or the model's own step."""
        if self._steps_itself():
            return model_step

        def step(
            model: Any, loss_fn: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor, sample_weights: Any = None
        ) -> torch.Tensor:  # fmt: skip
            model.zero_grad()
            weights = weights_for(loss_fn, sample_weights)
            loss = sum(model.losses, loss_fn(y, called(model, x, training=True), **weights))
            optimizer.scale_loss(loss).backward()
            variables = model.trainable_variables
            with torch.no_grad():
                optimizer.apply([variable.value.grad for variable in variables], variables)
            return loss.detach()

        return step

    def watched(self, x: np.ndarray, y: np.ndarray, probe: Probe, signals: bool, guide: Guide | None) -> float:
        """Take a step with layers and optimizer wrapped, and unwrap them again."""
        scale = float(self.scaled_by() or 1.0)
        undo = []
        met: list[torch.Tensor] = []
        for key, output in self.bindings["outputs"].items():
            seen = self._seen(self.view(key, output), probe, signals, guide, scale, met)
            undo.append(self._wrap_layer(output, seen))
        undo.append(self._wrap_optimizer(probe, guide, scale))
        try:
            return self.train(x, y)
        finally:
            for back in reversed(undo):
                back()

    def _wrap_layer(self, output: dict[str, Any], seen: Callable[[Any], Any]) -> Callable[[], None]:
        """Let a layer's ``call``, or the model's, report what it puts out or takes in."""
        target = self._part(output["attribute"])
        before = target.__dict__.get("call")
        call = before or target.call

        def fed(x: Any, *args: Any, **kwargs: Any) -> Any:
            given = seen(x)
            return call(x if given is None else given, *args, **kwargs)

        def put_out(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            given = seen(value)
            return value if given is None else given

        object.__setattr__(target, "call", fed if output["point"] == "input" else put_out)
        return partial(restore, target, "call", before)

    def _wrap_optimizer(self, probe: Probe, guide: Guide | None, scale: float) -> Callable[[], None]:
        """Let ``apply`` report what it is given."""
        optimizer, apply = self.optimizer, self.optimizer.apply
        names = {id(self.variable(name)): name for name in self.trainable()}

        def onward(gradient: Any, variable: Any) -> Any:
            name = names.get(id(variable))
            if name is None or gradient is None:
                return gradient
            axes, value = self.out_axes(name), self.lies(name, lying(gradient))
            value = value if scale == 1.0 else value / scale
            probe.see("gradient", name, value, axes)
            instead = guide and guide.instead("gradient", name, value.shape, axes)
            if instead is None:
                return gradient
            return (torch.from_numpy(np.asarray(instead)) * scale).to(gradient).reshape(gradient.shape)

        def watched(gradients: Any, variables: Any = None) -> Any:
            known = variables if variables is not None else optimizer._trainable_variables
            return apply([onward(*pair) for pair in zip(gradients, known, strict=True)], variables)

        object.__setattr__(optimizer, "apply", watched)
        return lambda: object.__delattr__(optimizer, "apply")

    def computed(self, function: Callable[[Any], Any], value: np.ndarray) -> np.ndarray:
        return host(function(torch.from_numpy(np.asarray(value))))

    def raw(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return what the model returns, in evaluation or in training."""
        self.activate()
        with torch.no_grad():
            outputs = called(self.model, self.given(x), training)

            def shown(one: torch.Tensor, ending: str | None) -> np.ndarray:
                # A compiled program, whose loss applies the last activation, predicts with it.
                return host(keras.activations.get(ending)(one) if ending and not training else one)

            return self.host_outputs(outputs, torch.is_tensor, shown)

    def parameter(self, name: str) -> torch.Tensor:
        """Return the tensor of the layer's variable."""
        return self.variable(name).value

    def _owners(self) -> list[Any]:
        return []  # Keras's optimizers keep their numbers in variables.

    def leftovers(self) -> dict[str, np.ndarray]:
        """Return the gradients as the last step left them, and the variables that are not bound."""
        bound = {id(self.variable(name)) for name in self.bindings["weights"]}
        found = {}
        for index, variable in enumerate(self.model.variables):
            if variable.value.grad is not None:
                found[str(index)] = host(variable.value.grad)
            if id(variable) not in bound:
                found[f"{index}="] = host(variable.value)
        return found

    def set_leftovers(self, values: dict[str, np.ndarray]) -> None:
        """Put them back."""
        for index, variable in enumerate(self.model.variables):
            kept = values.get(str(index))
            variable.value.grad = None if kept is None else torch.tensor(kept).to(variable.value)
            if f"{index}=" in values:
                variable.assign(values[f"{index}="])

    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return a slot's value."""
        return lying(self.slot(attribute, name).value)

    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Assign a slot."""
        self.write(self.slot(attribute, name).value, value)

    def close(self) -> None:
        """Let go of the program, and of what Keras keeps of every model by itself."""
        super().close()
        keras.backend.clear_session()
        if Driver.active is None:
            global_state.set_global_attribute("torch_device", None)


def masked(inputs: torch.Tensor, rate: float, noise_shape: Any = None, seed: Any = None) -> torch.Tensor:
    """Return what the active driver says is kept, in the place of Keras's dropout."""
    if active_driver().native:
        kept: torch.Tensor = keras_generators.DROPOUT(inputs, rate, noise_shape, seed)
        return kept
    if rate in (0.0, 1.0):
        return inputs if rate == 0.0 else inputs * 0.0
    return inputs * recorded(inputs, rate, noise_shape) * (1.0 / (1.0 - rate))


def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> torch.Tensor:
    """Return normal numbers that the active driver deals to a layer, in the place of Keras's."""
    if dealing() is None or not dealt_seed(seed):
        own: torch.Tensor = keras_generators.NORMAL(shape, mean, stddev, dtype, seed)
        return own
    return drawn(shape, None, dtype) * stddev + mean


def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> torch.Tensor:
    """Return, for an alpha dropout, 1 where the active driver says a value is kept, else 0; all else is Keras's."""
    rate = keras_generators.Rate.now
    if rate is None or active_driver().native:
        own: torch.Tensor = keras_generators.UNIFORM(shape, minval, maxval, dtype, seed)
        return own
    return drawn(shape, rate, dtype)


def drawn(shape: Any, rate: float | None, dtype: Any) -> torch.Tensor:
    """Return what the active driver deals, as Keras's random numbers are."""
    core = keras.src.backend.torch.core
    found = torch.from_numpy(active_driver().draw(tuple(shape), rate))
    return found.to(core.get_device(), core.to_torch_dtype(dtype or keras.config.floatx()))


DRIVER = KerasTorchDriver
