"""The PyTorch driver."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F

from parity.run.drivers import generators_torch, hooks
from parity.run.drivers.base import Driver
from parity.run.drivers.exact_torch import Exact
from parity.run.drivers.far_torch import lying
from parity.run.drivers.hooks import Forced, dropout, first, host, last, left, put_back, transformed, turned, whose
from parity.run.drivers.layouts import View
from parity.run.drivers.numbers import OwnNumbers
from parity.run.drivers.places_torch import seen_gpus
from parity.run.drivers.programs import ProgramError, loss_told, one_tensor
from parity.run.drivers.wide import Wide
from parity.run.probe import Guide, Probe


class TorchDriver(Exact, OwnNumbers, Driver):
    """A PyTorch program: hooks see the layers, the optimizer's pre-step hook sees the gradients."""

    module_name = "torch"
    generators: ClassVar[Any] = generators_torch
    gpus = staticmethod(seen_gpus)

    def prepare(self) -> None:
        """Let everything made from now on have the precision, and compute as exactly as the side is to."""
        exec("\n".join(self.bindings.get("settings", ())), {"os": os, "torch": torch})
        torch.set_default_dtype(getattr(torch, self.precision))

    @classmethod
    def set_threads(cls, threads: int) -> None:
        """Limit PyTorch's threads."""
        torch.set_num_threads(threads)

    @classmethod
    def placed(cls, gpu: int | None) -> torch.device:
        """Return PyTorch's device."""
        return torch.device("cpu") if gpu is None else torch.device("cuda", gpu)

    def build_model(self) -> Any:
        """Return the program's module, in the precision and on the device."""
        model = self._built(self._found("model", "build_model", "Model")).to(self.place, getattr(torch, self.precision))
        if isinstance(model, torch.jit.ScriptModule):
            raise ProgramError("the model is a ScriptModule, whose layers cannot be watched; return the module itself")
        held = [*model.parameters(), *model.buffers()]
        if any(isinstance(one, torch.nn.parameter.UninitializedTensorMixin) for one in held):
            row = tuple(self.bindings.get("input", ()))
            model.eval()  # Two rows: batch norm in training refuses one, and would count these.
            model(torch.zeros((2, *row), dtype=getattr(torch, self.precision), device=self.place))
            model.train()
        return model

    def build_optimizer(self) -> Any:
        """Return the program's optimizer, whose hooks show the gradients."""
        optimizer = super().build_optimizer()
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise ProgramError(
                f"the optimizer is a {type(optimizer).__name__}; it must be a torch.optim.Optimizer, PyTorch's or a "
                "subclass of your own: its hooks show the gradients"
            )
        return optimizer

    @classmethod
    def replace_dropout(cls) -> None:
        """Replace ``torch.nn.functional.dropout``, which ``nn.Dropout`` calls through its module."""
        F.dropout = dropout

    def _batch(self, x: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        # torch.tensor copies to aligned memory: results of MKL can depend on the alignment of what it reads.
        dtype, targets = getattr(torch, self.precision), self.targets(y)
        counted = targets.dtype.kind == "i"  # Numbers of classes.
        kind = torch.int64 if counted else dtype
        return torch.tensor(x, dtype=dtype, device=self.place), torch.tensor(targets, dtype=kind, device=self.place)

    def usual_step(self) -> Callable[..., Any]:
        """Return forward, loss, backward, update, as everybody writes them."""

        def step(model: Any, loss_fn: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            model.train()
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step

    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Call the program's ``train_step``."""
        with self._wide(), self.noting():
            return float(loss_told(self.train_step(self.model, self.loss_fn, self.optimizer, *self._batch(x, y))))

    def _wide(self) -> AbstractContextManager[Any]:
        """Let a program written by hand cast to the float type that the worker has."""
        return Wide() if self.by_hand and self.precision == "float64" else nullcontext()

    def watched(self, x: np.ndarray, y: np.ndarray, probe: Probe, signals: bool, guide: Guide | None) -> float:
        """Take a step with hooks on modules and optimizer, and remove them again."""
        hooks: list[Any] = []
        scale = self.loss_scale().get("loss_scale", 1.0)  # As gradients come back; it moves when the step is over.
        steps = 0  # The calls of ``step`` that are going on.
        for key, output in self.bindings["outputs"].items():
            module = self.model.get_submodule(output["attribute"])
            seen = self._seen(self._view(key, output), probe, signals, guide, scale)
            if output["point"] == "input":
                hooks.append(module.register_forward_pre_hook(first(seen)))
            else:
                hooks.append(module.register_forward_hook(last(seen)))

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
                variable = self.parameter(name)
                grad = variable.grad
                if grad is None:
                    continue
                axes = self.out_axes(name)
                value = self.lies(name, lying(grad))
                probe.see("gradient", name, value, axes)
                instead = guide and guide.instead("gradient", name, value.shape, axes)
                if instead is not None:
                    variable.grad = torch.from_numpy(instead).to(grad).reshape(grad.shape)

        def stepped(*ignored: Any) -> None:
            nonlocal steps
            steps -= 1

        hooks.append(self.optimizer.register_step_pre_hook(begun))
        hooks.append(self.optimizer.register_step_post_hook(stepped))
        try:
            return self.train(x, y)
        finally:
            for hook in hooks:
                hook.remove()

    def _seen(
        self, view: View, probe: Probe, signals: bool, guide: Guide | None, scale: float
    ) -> Callable[[torch.Tensor], torch.Tensor | None]:
        """Return what reports a tensor and, where it is guided, gives what goes on in its place."""

        def backward(gradient: torch.Tensor) -> torch.Tensor | None:
            if not view.gradients:
                return None
            value = lying(gradient)
            shown, axes = view.plainly(value if scale == 1.0 else value / scale)
            probe.see("gradient", view.name, shown, axes)
            given = view.instead(guide, "gradient", value)
            return None if given is None else torch.from_numpy(given * scale).to(gradient)

        known = False

        def seen(value: torch.Tensor) -> torch.Tensor | None:
            nonlocal known
            if known or not torch.is_grad_enabled():
                return None  # A step may evaluate beside training; what it trains on is what it computes first.
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
                if signals and value.requires_grad:
                    value.register_hook(backward)
                return None
            forced: torch.Tensor = Forced.apply(value, torch.from_numpy(np.array(given)).to(value), backward)
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

    def raw(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return what the model returns, in evaluation or in training, and leave every module in the mode it was in.

        A program may call ``model.train()`` once, before its loop, or keep a frozen layer in evaluation mode.
        """
        self.activate()
        modes = [(module, module.training) for module in self.model.modules()]
        self.model.train(training)
        try:
            with torch.no_grad(), self._wide(), self.as_written():
                rows = torch.tensor(x, dtype=getattr(torch, self.precision), device=self.place)
                # A compiled program, whose loss applies the last activation, predicts with it.
                asked = self.model.predict if self.bindings["ending"] and not training else self.model
                return host(one_tensor(asked(rows), torch.is_tensor, self.bindings.get("output")))
        finally:
            for module, mode in modes:
                module.training = mode

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return the named parameters and buffers, and the modules without modules of their own."""
        tensors = [(name, p, True) for name, p in self.model.named_parameters()]
        tensors += [(name, b, False) for name, b in self.model.named_buffers() if b.is_floating_point()]
        owners = [(name, module) for name, module in self.model.named_modules() if not list(module.children()) and name]
        return {
            "parameters": [
                {"path": name, "shape": list(p.shape), "trainable": trainable} for name, p, trainable in tensors
            ],
            "layers": [
                # Of PyTorch's own modules it is known that they compute nothing but what their class says.
                {"path": name, "kind": type(module).__name__, **whose(module)}
                for name, module in owners
            ],
            **hooks.facts_of(self.optimizer),
        }

    def called(self, x: np.ndarray) -> list[str]:
        """Return the paths of the modules without modules of their own, in the order in which they are called."""
        paths: list[str] = []
        hooks = [
            module.register_forward_pre_hook(lambda *ignored, name=name: paths.append(name))
            for name, module in self.model.named_modules()
            if name and not list(module.children())
        ]
        try:
            self.raw(x)
        finally:
            for hook in hooks:
                hook.remove()
        return paths

    def parameter(self, name: str) -> torch.Tensor:
        """Return the module's parameter, or its buffer for a running statistic."""
        path, _, attribute = self.bindings["weights"][name]["attribute"].rpartition(".")
        return getattr(self.model.get_submodule(path), attribute)

    def read(self, variable: torch.Tensor) -> np.ndarray:
        """Return the tensor's memory."""
        return lying(variable)

    def write(self, variable: torch.Tensor, value: np.ndarray) -> None:
        """Copy into the tensor."""
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the memory may be read-only, and is only read
            variable.copy_(torch.from_numpy(np.asarray(value)))

    def weights(self) -> dict[str, np.ndarray]:
        """Return the canonical parameters and running statistics."""
        return {name: turned(value, axes) for name, value, axes in self.raw_weights()}

    def slots(self) -> dict[str, np.ndarray]:
        """Return the canonical optimizer slots."""
        return {name: turned(value, axes) for name, value, axes in self.raw_slots()}

    def leftovers(self) -> dict[str, np.ndarray]:
        """Return the gradients as the last step left them, and what is not bound: parameters, slots, counts."""
        places = {place["attribute"] for place in self.bindings["weights"].values()}
        bound = {attribute for attribute, _ in self.bindings["slots"].values()} | {"step"}
        return left(self.model, self.optimizer, places, bound) | self.numbers_kept()

    def set_leftovers(self, values: dict[str, np.ndarray]) -> None:
        """Put them back."""
        put_back(self.model, self.optimizer, values, self.write)
        self.put_numbers(values)

    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return the entry of ``optimizer.state``, as it starts where PyTorch has not made it yet."""
        parameter = self.parameter(name)
        kept = self.optimizer.state.get(parameter, {}).get(attribute)
        if kept is not None:
            return lying(kept)
        if attribute in self.numbers:
            return np.array(self.numbers[attribute], self.host_dtype())
        return np.zeros(tuple(parameter.shape), self.host_dtype())

    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Set the entry of ``optimizer.state``, making it where PyTorch has not yet."""
        parameter = self.parameter(name)
        state = self.optimizer.state[parameter]
        if attribute in self.numbers:
            # On its own, as PyTorch keeps it: in float64 only where everything is.
            state[attribute] = torch.tensor(float(value), dtype=torch.from_numpy(np.empty(0, self.host_dtype())).dtype)
            return
        if state.get(attribute) is None:
            state[attribute] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        self.write(state[attribute], value)

    def iterations(self) -> int | None:
        """Return the count that the program's optimizer keeps, or PyTorch's for the first parameter that has one."""
        if hasattr(self.optimizer, "iterations"):
            return int(self.optimizer.iterations)
        counts = [state["step"] for state in self.optimizer.state.values() if "step" in state]
        return int(counts[0]) if counts else None

    def set_iterations(self, iterations: int) -> None:
        """Set the counts that PyTorch's optimizers keep per parameter, and a program's own."""
        if hasattr(self.optimizer, "iterations"):
            self.optimizer.iterations = iterations
        for group in self.optimizer.param_groups:
            if "iterations" in group:
                group["iterations"] = iterations
        if iterations == 0:
            self.optimizer.state.clear()
            return
        for state in self.optimizer.state.values():
            count = state.get("step")
            if torch.is_tensor(count):
                count.fill_(iterations)
            elif count is not None:
                state["step"] = type(count)(iterations)  # As the program keeps it: a whole number stays one.
            elif "exp_avg" in state or "square_avg" in state:
                state["step"] = torch.tensor(float(iterations), dtype=torch.float32)
