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

from parity.frameworks.torch.driver import generators as torch_generators
from parity.frameworks.torch.driver import hooks
from parity.frameworks.torch.driver.gpus import seen_gpus
from parity.frameworks.torch.driver.hooks import (
    alpha_dropout,
    attention,
    dropout,
    dropout_of_channels,
    host,
    left,
    put_back,
    randn_like,
    together,
    turned,
    whose,
)
from parity.frameworks.torch.driver.numbers import OwnNumbers
from parity.frameworks.torch.driver.older import ATTENTION
from parity.frameworks.torch.driver.on_device import lying
from parity.frameworks.torch.driver.watching import TorchWatching
from parity.frameworks.torch.driver.wide import Wide
from parity.run.driver.objects import weights_for
from parity.run.driver.programs import ProgramError, loss_told


class TorchDriver(TorchWatching, OwnNumbers):
    """A PyTorch program: hooks see the layers, the optimizer's pre-step hook sees the gradients."""

    generators: ClassVar[Any] = torch_generators
    gpus = staticmethod(seen_gpus)

    def prepare(self) -> None:
        """Let everything made from now on have the precision, and compute as exactly as the side is to."""
        exec("\n".join(self.bindings.get("settings", ())), {"os": os, "torch": torch})
        torch.set_default_dtype(getattr(torch, self.precision))

    @classmethod
    def set_threads(cls, threads: int) -> None:
        """Limit PyTorch's threads."""
        torch.set_num_threads(threads)

    def fuse_update(self) -> None:
        """Let an optimizer of PyTorch's that has the kernel move each tensor in one pass: in float32, which all take.

        Source: torch/optim/adam.py, ``_fused_adam``; what an optimizer has is among its ``defaults``.
        """
        optimizer = self.optimizer
        if (
            self.precision == "float32"
            and isinstance(optimizer, torch.optim.Optimizer)
            and "fused" in optimizer.defaults
        ):
            for group in optimizer.param_groups:
                group.update(fused=True, foreach=False)

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
            applied(model, self.given(np.zeros((2, *row))))
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
        """Replace the dropouts of ``torch.nn.functional``, which modules call through theirs, and ``randn_like``."""
        F.dropout, F.alpha_dropout, torch.randn_like = dropout, alpha_dropout, randn_like
        if ATTENTION is not None:
            F.scaled_dot_product_attention = attention  # type: ignore[assignment]
        F.dropout1d = F.dropout2d = F.dropout3d = dropout_of_channels

    def tensor(self, x: np.ndarray) -> torch.Tensor:
        """Return rows as a tensor of its own, on the device.

        torch.tensor copies to aligned memory: results of MKL can depend on the alignment of what it reads.
        """
        dtype = torch.int64 if x.dtype.kind == "i" else getattr(torch, self.precision)
        return torch.tensor(x, dtype=dtype, device=self.place)

    def usual_step(self) -> Callable[..., Any]:
        """Return forward, loss, backward, update, as everybody writes them."""

        def step(
            model: Any, loss_fn: Any, optimizer: Any, x: torch.Tensor, y: torch.Tensor, sample_weights: Any = None
        ) -> torch.Tensor:  # fmt: skip
            model.train()
            optimizer.zero_grad()
            loss = loss_fn(applied(model, x), y, **weights_for(loss_fn, sample_weights))
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step

    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Call the program's ``train_step``."""
        with self._wide(), self.noting():
            batch, more = self._batch(x, y)
            return float(loss_told(self.train_step(self.model, self.loss_fn, self.optimizer, *batch, **more)))

    def _wide(self) -> AbstractContextManager[Any]:
        """Let a program written by hand cast to the float type that the worker has."""
        return Wide() if self.by_hand and self.precision == "float64" else nullcontext()

    def raw(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return what the model returns, in evaluation or in training, and leave every module in the mode it was in.

        A program may call ``model.train()`` once, before its loop, or keep a frozen layer in evaluation mode.
        """
        self.activate()
        modes = [(module, module.training) for module in self.model.modules()]
        self.model.train(training)
        try:
            with torch.no_grad(), self._wide(), self.as_written():
                # A compiled program, whose loss applies the last activation, predicts with it.
                asked = self.model.predict if self.bindings["ending"] and not training else self.model
                return self.host_outputs(applied(asked, self.given(x)), torch.is_tensor, lambda one, _: host(one))
        finally:
            for module, mode in modes:
                module.training = mode

    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return the named parameters and buffers, and the modules without modules of their own."""
        tensors = [(name, p, p.requires_grad) for name, p in self.model.named_parameters()]
        named = [(name, module) for name, module in self.model.named_modules() if name]
        every = [("", self.model), *named]
        told = {f"{path}.{name}".strip(".") for path, module in every for name in vars(module).get(hooks.NUMBERS, ())}
        buffers = [(name, one) for name, one in self.model.named_buffers() if one.is_floating_point()]
        tensors += [(name, one, False) for name, one in buffers if name not in told]
        parted = {name for name, module in named if list(module.children()) or hooks.PARTED in vars(module)}
        owners = [(name, module) for name, module in named if name not in parted]
        return {
            "parameters": [
                {"path": name, "shape": list(p.shape), "trainable": trainable}
                | ({"canonical": True} if hooks.CANONICAL in vars(p) else {})
                for name, p, trainable in tensors
            ],
            "layers": [
                # Of PyTorch's own modules it is known that they compute nothing but what their class says.
                {"path": name, "kind": type(module).__name__, **whose(module)}
                for name, module in owners
            ],
            "holders": [{"path": name, "kind": type(module).__name__} for name, module in named if name in parted],
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

    def parameter(self, name: str) -> Any:
        """Return the module's parameter, or its buffer for a running statistic; a tuple where it is several."""
        found = self.parts(name)
        return found[0] if len(found) == 1 else found

    def parts(self, name: str) -> tuple[torch.Tensor, ...]:
        """Return the tensors that a canonical parameter is kept in, of which its first axis counts several."""
        place = self.bindings["weights"][name]
        paths = [one.rpartition(".") for one in (place["attribute"], *place.get("beside", ()))]
        return tuple(getattr(self.model.get_submodule(path), attribute) for path, _, attribute in paths)

    def read(self, variable: Any) -> np.ndarray:
        """Return the tensor's memory; of several, one after another."""
        return together([lying(one) for one in variable]) if isinstance(variable, tuple) else lying(variable)

    def write(self, variable: Any, value: np.ndarray) -> None:
        """Copy into the tensor, or into each of several."""
        if isinstance(variable, tuple):
            for one, row in zip(variable, value, strict=True):
                self.write(one, row)
            return
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
        weights = self.bindings["weights"].values()
        places = {one for place in weights for one in (place["attribute"], *place.get("beside", ()))}
        bound = {attribute for attribute, _ in self.bindings["slots"].values()} | {"step"}
        return left(self.model, self.optimizer, places, bound) | self.numbers_kept()

    def set_leftovers(self, values: dict[str, np.ndarray]) -> None:
        """Put them back."""
        put_back(self.model, self.optimizer, values, self.write)
        self.put_numbers(values)

    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return the entry of ``optimizer.state``, as it starts where PyTorch has not made it yet."""
        parameters = self.parts(name)
        kept = [self._kept(attribute, one) for one in parameters]
        if kept[0] is not None:
            one_for_all = attribute in self.numbers or kept[0].ndim == 0
            return lying(kept[0]) if one_for_all else together([lying(one) for one in kept])
        if attribute in self.numbers:
            return np.array(self.numbers[attribute], self.host_dtype())
        places = self.bindings["slots"]
        fills = {places[slot][0]: start for slot, start in self.bindings.get("fills", {}).items() if slot in places}
        start = fills.get(attribute, 0.0)
        return together([np.full(tuple(one.shape), start, self.host_dtype()) for one in parameters])

    def _kept(self, attribute: str, parameter: torch.Tensor) -> torch.Tensor | None:
        """Return what is kept of a parameter: an entry of the optimizer's state, or of an attribute of its own."""
        if attribute.startswith("."):
            found: torch.Tensor = getattr(self.optimizer, attribute[1:])[parameter]
            return found
        return self.optimizer.state.get(parameter, {}).get(attribute)

    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Set the entry of ``optimizer.state``, making it where PyTorch has not yet."""
        parameters = self.parts(name)
        for row, one in enumerate(parameters):
            self._write_slot(attribute, one, value[row] if len(parameters) > 1 and np.ndim(value) else value)

    def _write_slot(self, attribute: str, parameter: torch.Tensor, value: np.ndarray) -> None:
        if attribute.startswith("."):
            self.write(getattr(self.optimizer, attribute[1:])[parameter], value)
            return
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
        updates = iterations // self.bindings.get("batches", 1)
        if updates == 0:
            self.optimizer.state.clear()
            return
        for state in self.optimizer.state.values():
            count = state.get("step")
            if torch.is_tensor(count):
                count.fill_(updates)
            elif count is not None:
                state["step"] = type(count)(updates)  # As the program keeps it: a whole number stays one.
            elif "exp_avg" in state or "square_avg" in state:
                state["step"] = torch.tensor(float(updates), dtype=torch.float32)


def applied(model: Any, given: Any) -> Any:
    """Return what a model makes of an input, or of several."""
    return model(*given) if isinstance(given, tuple) else model(given)


DRIVER = TorchDriver
