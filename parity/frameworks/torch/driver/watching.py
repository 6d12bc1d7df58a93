"""Steps of PyTorch as they are watched: which tensors they report, and how they are steered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from parity.frameworks.torch.driver.exact import Exact
from parity.frameworks.torch.driver.hooks import Forced, first, host, last, together, transformed
from parity.frameworks.torch.driver.older import watched_steps
from parity.frameworks.torch.driver.on_device import lying
from parity.run.driver.base import Driver
from parity.run.driver.layouts import View
from parity.run.probe import Guide, Probe


class TorchWatching(Exact, Driver):
    """The part of PyTorch's driver that looks at what a step computes."""

    @abstractmethod
    def parts(self, name: str) -> tuple[torch.Tensor, ...]:
        """Return the tensors that a canonical parameter is kept in."""

    def watched(self, x: np.ndarray, y: np.ndarray, probe: Probe, signals: bool, guide: Guide | None) -> float:
        """Take a step with hooks on modules and optimizer, and remove them again."""
        hooks: list[Any] = []
        scale = self.loss_scale().get("loss_scale", 1.0)  # As gradients come back; it moves when the step is over.
        steps = 0  # The calls of ``step`` that are going on.
        met: list[torch.Tensor] = []
        for key, output in self.bindings["outputs"].items():
            module = self.model.get_submodule(output["attribute"])
            seen = self._seen(self._view(key, output), probe, signals, guide, scale, met)
            if output["point"] == "input":
                hooks.append(first(module, seen))
            else:
                hooks.append(module.register_forward_hook(last(seen, output.get("part", ()))))

        def begun(optimizer: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
            nonlocal steps
            steps += 1
            if steps > 1:
                # A step that calls super().step(): PyTorch runs the hooks again there once a plain optimizer of that
                # class was made in this process, and does not before (torch/optim/optimizer.py, _patch_step_function).
                return None
            closure = named.get("closure", given[1] if len(given) > 1 else None)
            if closure is None:
                gradients()
                return None

            def closed() -> Any:  # The gradients are made in it, each time the optimizer asks.
                told = closure()
                gradients()
                return told

            return given[:1], {**named, "closure": closed}

        def gradients() -> None:
            for name in self.trainable():
                variables = self.parts(name)
                grads = [one.grad for one in variables]
                if any(one is None for one in grads):
                    continue
                axes = self.out_axes(name)
                value = self.lies(name, together([lying(one) for one in grads]))
                probe.see("gradient", name, value, axes)
                instead = None if guide is None else guide.instead("gradient", name, value.shape, axes)
                if instead is not None:
                    given = self.laid(name, instead)
                    for one, row in zip(variables, given if len(variables) > 1 else [given], strict=True):
                        one.grad = torch.from_numpy(np.array(row)).to(one.grad).reshape(one.shape)

        def stepped(*ignored: Any) -> None:
            nonlocal steps
            steps -= 1

        hooks += watched_steps(self.optimizer, begun, stepped)
        try:
            return self.train(x, y)
        finally:
            for hook in hooks:
                hook.remove()

    def _seen(
        self, view: View, probe: Probe, signals: bool, guide: Guide | None, scale: float, met: list[torch.Tensor]
    ) -> Callable[..., torch.Tensor | None]:
        """Return what reports a tensor and, where it is guided, gives what goes on in its place.

        A layer that hands on the very tensor it is given, a dropout of nothing, gives a view of it: the tensor may have
        other readers, whose gradients are none of the layer's. ``met`` takes what layers gave in a step.
        """

        def backward(gradient: torch.Tensor) -> torch.Tensor | None:
            if not view.gradients:
                return None
            value = lying(gradient)
            shown, axes = view.plainly(value if scale == 1.0 else value / scale)
            probe.see("gradient", view.name, shown, axes)
            given = view.instead(guide, "gradient", value)
            return None if given is None else torch.from_numpy(given * scale).to(gradient)

        calls, known = view.output.get("call") or 0, False

        def seen(value: torch.Tensor, inputs: tuple[Any, ...] = ()) -> torch.Tensor | None:
            nonlocal calls, known
            if known or not torch.is_grad_enabled():
                return None  # A step may evaluate beside training; what it trains on is what it computes first.
            if calls:
                calls -= 1
                return None
            if not torch.is_tensor(value) or transformed(value):
                # A module that returns more than one tensor is not one of the spec's layers; and what a transform of
                # torch.func passes through a model holds no numbers yet.
                return None
            known = True
            output = lying(value)
            shown, axes = view.seen(output)
            probe.see("forward", view.name, shown, axes)
            given = view.instead(guide, "forward", output)
            if given is None:
                handed_on = any(value is one for one in (*inputs, *met))
                value = value.view_as(value) if handed_on else value
                met.append(value)
                if signals and value.requires_grad:
                    value.register_hook(backward)
                return value if handed_on else None
            laid = torch.empty_like(value.detach())  # It lies in memory as the program's does: `view` minds that.
            laid.copy_(torch.from_numpy(np.array(given)))
            forced: torch.Tensor = Forced.apply(value, laid, backward)
            return forced

        return seen

    def _view(self, key: str, output: dict[str, Any]) -> View:
        """Return how an output is seen, with the activation that the program applies as a function behind it."""
        if output.get("then") is None:
            return View(key, output)
        module = eval(output["then"], {"torch": torch, "nn": torch.nn, "F": F})

        def applied(value: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return host(module(torch.from_numpy(np.asarray(value))))

        return View(key, output, applied)
