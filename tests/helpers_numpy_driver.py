"""A framework of a few lines of NumPy behind the drivers' interface, for workers that know no other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from parity.run.axes import permuted
from parity.run.driver.base import Driver
from parity.run.probe import Guide, Probe


def nothing(*ignored: Any) -> None:
    """Stand in for a hook that a program does not have."""


class NumPyDriver(Driver):
    """Dense layers with tanh between them, dropout where the bindings draw masks, squared error, momentum.

    A program is a Python file with a ``RATE``. It may have ``before(number)``, called when a step begins, and
    ``spoil(phase, name, value, number)``, which returns what the step goes on with in the place of a value, or None for
    a tensor that it does not have: that is how a test plants a fault.
    """

    generators: ClassVar[Any] = SimpleNamespace(seed=nothing)

    module_name = "numpy"

    def prepare(self) -> None:
        """Nothing is global in NumPy."""

    def _made(self, part: str, name: str, *arguments: Any) -> Any:
        return {}

    def build_model(self) -> dict[str, np.ndarray]:
        """Return no tensors yet: they come with the weights."""
        self.velocity: dict[str, np.ndarray] = {}
        self.count = 0
        return {}

    @classmethod
    def replace_dropout(cls) -> None:
        """Nothing: a step asks :meth:`draw` itself."""

    @classmethod
    def set_threads(cls, threads: int) -> None:
        """Say how many."""
        print("threads", threads)

    def device(self) -> str:
        """Return what nobody else runs on."""
        return "abacus"

    def usual_step(self) -> Callable[..., Any]:
        """Return the only step there is."""
        return self._take

    def spoil(self, phase: str, name: str, value: Any) -> Any:
        """Return what the program makes of a value."""
        return getattr(self.module, "spoil", lambda phase, name, value, number: value)(
            phase, name, value, self.clock["step"]
        )

    def layers(self) -> list[str]:
        """Return the names of the layers with parameters, in order."""
        return list(dict.fromkeys(name.partition(".")[0] for name in self.bindings["weights"]))

    def _value(self, name: str) -> np.ndarray:
        # A copy in canonical order: how a tensor lies must not move the last bit of a product.
        return np.ascontiguousarray(permuted(self.model[name], self.out_axes(name)))

    def _bias(self, layer: str) -> np.ndarray | float:
        return self._value(f"{layer}.bias") if f"{layer}.bias" in self.model else 0.0

    def _batch(self, x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        return x, y

    def tensor(self, x: np.ndarray) -> np.ndarray:
        """Return rows as they are."""
        return x

    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Take a step that nobody watches."""
        return self._take(x, y, lambda phase, name, value, axes: value)

    def watched(self, x: np.ndarray, y: np.ndarray, probe: Probe, signals: bool, guide: Guide | None) -> float:
        """Take a step, showing every tensor as it lies."""

        def seen(phase: str, name: str, value: np.ndarray, axes: list[int] | None) -> np.ndarray:
            if phase == "gradient" and name not in self.model and not signals:
                return value
            lies = value if axes is None else np.ascontiguousarray(value.transpose(np.argsort(axes)))
            probe.see(phase, name, lies, axes)
            given = guide and guide.instead(phase, name, lies.shape, axes)
            return value if given is None else permuted(given.astype(value.dtype), axes)

        return self._take(x, y, seen)

    def _take(self, x: np.ndarray, y: np.ndarray, seen: Callable[..., np.ndarray]) -> float:
        getattr(self.module, "before", nothing)(self.clock["step"])
        x, y = (one.astype(self.host_dtype()) for one in (x, y))
        given, own, masks = {}, {}, {}
        *hidden, last = self.layers()
        value = x
        for layer in (*hidden, last):
            given[layer] = value
            z = value @ self._value(f"{layer}.kernel") + self._bias(layer)
            value = own[layer] = self.spoil("forward", layer, np.tanh(z) if layer != last else z)
            value = seen("forward", layer, value, None)
            if layer != last and self.bindings["mask_axes"]:
                masks[layer] = self.draw(value.shape, 0.25) / value.dtype.type(0.75)
                value = seen("forward", "dropout", (value * masks[layer]).astype(value.dtype), None)
        loss = self.spoil("loss", "loss", float(((value - y) ** 2).mean()))
        back = self.spoil("gradient", last, (2 * (value - y) / value.size).astype(value.dtype))
        gradients: dict[str, np.ndarray] = {}
        for layer in (last, *reversed(hidden)):
            if layer != last:
                if layer in masks:
                    back = (seen("gradient", "dropout", back, None) * masks[layer]).astype(back.dtype)
                back = self.spoil("gradient", layer, back)
            dz = back = seen("gradient", layer, back, None)
            if layer != last:
                dz = back * (1 - own[layer] ** 2)
            gradients |= {f"{layer}.kernel": given[layer].T @ dz, f"{layer}.bias": dz.sum(axis=0)}
            back = dz @ self._value(f"{layer}.kernel").T
        for name in self.trainable():
            gradient = self.spoil("gradient", name, gradients[name])
            if gradient is not None:
                self._move(name, seen("gradient", name, gradient, self.out_axes(name)))
        self.count += 1
        return loss

    def _move(self, name: str, gradient: np.ndarray) -> None:
        velocity = 0.5 * self.velocity[name] - self.module.RATE * gradient
        self.velocity[name] = self.spoil("state", name, velocity).astype(gradient.dtype)
        moved = self._value(name) + self.spoil("update", name, velocity)
        self.write(name, self._in(name, moved))

    def raw(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the outputs, which are those of evaluation."""
        return self.predict(x)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs without dropout."""
        *hidden, last = self.layers()
        value = x.astype(self.host_dtype())
        for layer in hidden:
            value = np.tanh(value @ self._value(f"{layer}.kernel") + self._bias(layer))
        out = value @ self._value(f"{last}.kernel") + self._bias(last)
        return np.asarray(self.spoil("metric", "predictions", out))

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return nothing to match by."""
        return {"parameters": [], "layers": []}

    def parameter(self, name: str) -> str:
        """Return the key of a parameter."""
        return name

    def read(self, variable: str) -> np.ndarray:
        """Return a parameter as it lies."""
        return self.model[variable]

    def write(self, variable: str, value: np.ndarray) -> None:
        """Keep a copy of a parameter as it lies."""
        self.model[variable] = np.array(value, self.host_dtype(), order="C")
        start = getattr(self.module, "START", 0.0)
        self.velocity.setdefault(variable, np.full_like(self._value(variable), start))

    def _scale(self, attribute: str) -> float:
        return next(scale for known, scale in self.bindings["slots"].values() if known == attribute)

    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return the velocity as a framework with its scale stores it."""
        return self._in(name, self.velocity[name] / self._scale(attribute))

    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Set the velocity from what is stored."""
        self.velocity[name] = np.array(permuted(value, self.out_axes(name)) * self._scale(attribute))

    def set_iterations(self, iterations: int) -> None:
        """Set the count of updates made."""
        self.count = iterations

    def iterations(self) -> int | None:
        """Return the count of updates made, as the program has it counted; None where it keeps none."""
        return self.spoil("state", "iterations", self.count)  # type: ignore[no-any-return]

    def leftovers(self) -> dict[str, np.ndarray]:
        """Return what the program says it keeps beside weights and slots: its ``KEPT``."""
        return dict(getattr(self.module, "KEPT", {}))

    def set_leftovers(self, values: dict[str, np.ndarray]) -> None:
        """Put back what the program kept."""
        if hasattr(self.module, "KEPT"):
            self.module.KEPT.update({name: np.array(value) for name, value in values.items()})
