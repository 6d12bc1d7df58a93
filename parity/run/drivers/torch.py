"""The PyTorch driver."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from parity.run.drivers.base import Driver, Watch


class TorchDriver(Driver):
    """A PyTorch program: hooks see the layers, the optimizer's pre-step hook sees the gradients."""

    module_name = "torch"

    def prepare(self) -> None:
        """Let everything made from now on have the precision."""
        torch.set_default_dtype(getattr(torch, self.precision))

    @classmethod
    def set_threads(cls, threads: int) -> None:
        """Limit PyTorch's threads."""
        torch.set_num_threads(threads)

    def build_model(self) -> Any:
        """Return the program's module."""
        make = getattr(self.module, "build_model", None) or self._named("Model")
        return make()

    def replace_dropout(self) -> None:
        """Replace ``torch.nn.functional.dropout``, which ``nn.Dropout`` calls through its module."""

        def dropout(
            input: torch.Tensor,
            p: float = 0.5,
            training: bool = True,
            inplace: bool = False,
        ) -> torch.Tensor:
            if not training or p == 0.0:
                return input
            keep = torch.tensor(self.draw(tuple(input.shape), p), device=input.device)
            return input * keep * (1.0 / (1.0 - p))

        F.dropout = dropout

    def _batch(self, x: np.ndarray, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        # torch.tensor copies to aligned memory: results of MKL can depend on the alignment of what it reads.
        return torch.tensor(x), torch.tensor(y)

    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Call the program's ``train_step``."""
        loss = self._named("train_step")(self.model, self.loss_fn, self.optimizer, *self._batch(x, y))
        return float(loss)

    def watched_step(self, x: np.ndarray, y: np.ndarray, number: int, watch: Watch) -> float:
        """Take a step with hooks on modules and optimizer, and remove them again."""
        hooks: list[Any] = []

        def seen(layer: str, axes: list[int] | None) -> Any:
            def hook(module: torch.nn.Module, inputs: Any, output: torch.Tensor) -> None:
                value = output.detach().numpy()
                watch("forward", layer, value if axes is None else value.transpose(axes))

            return hook

        def gradients(*ignored: Any) -> None:
            for name in self.trainable():
                grad = self.parameter(name).grad
                if grad is not None:
                    watch("gradient", name, self._out(name, grad.numpy()))

        for layer, output in self.bindings["outputs"].items():
            name = layer if output["point"] == "output" else f"{layer}.{output['point']}"
            module = self.model.get_submodule(output["attribute"])
            hooks.append(module.register_forward_hook(seen(name, output["axes"])))
        hooks.append(self.optimizer.register_step_pre_hook(gradients))
        try:
            return self.step(x, y, number)
        finally:
            for hook in hooks:
                hook.remove()

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return outputs in evaluation mode."""
        self.model.eval()
        apply = self.model.predict if self.bindings["ending"] else self.model
        with torch.no_grad():
            return apply(torch.tensor(x)).numpy()

    def parameter(self, name: str) -> torch.Tensor:
        """Return the module's parameter, or its buffer for a running statistic."""
        path, _, attribute = self.bindings["weights"][name]["attribute"].rpartition(".")
        return getattr(self.model.get_submodule(path), attribute)

    def read(self, variable: torch.Tensor) -> np.ndarray:
        """Return the tensor's memory."""
        return variable.detach().numpy()

    def write(self, variable: torch.Tensor, value: np.ndarray) -> None:
        """Copy into the tensor."""
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the memory may be read-only, and is only read
            variable.copy_(torch.from_numpy(np.asarray(value)))

    def _out(self, name: str, value: np.ndarray) -> np.ndarray:
        # PyTorch transposes large kernels several times faster than NumPy copies a transposed view.
        axes = self.bindings["weights"][name]["axes"]
        if axes is None:
            return value
        return torch.from_numpy(value).permute(*np.argsort(axes).tolist()).contiguous().numpy()

    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return the entry of ``optimizer.state``, or zeros where PyTorch has not made it yet."""
        parameter = self.parameter(name)
        kept = self.optimizer.state.get(parameter, {}).get(attribute)
        return np.zeros(tuple(parameter.shape), self.precision) if kept is None else kept.numpy()

    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Set the entry of ``optimizer.state``, making it where PyTorch has not yet."""
        parameter = self.parameter(name)
        state = self.optimizer.state[parameter]
        if state.get(attribute) is None:
            state[attribute] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        self.write(state[attribute], value)

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
            if "step" in state or "exp_avg" in state or "square_avg" in state:
                state["step"] = torch.tensor(float(iterations))
