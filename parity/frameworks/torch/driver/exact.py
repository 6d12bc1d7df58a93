"""How a PyTorch program computes: what does not repeat itself, the scale of a float16 loss, what is compiled."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from parity.frameworks.torch.driver.older import GradScaler
from parity.run.driver.state import State

UNDETERMINED = re.compile(r"(\S+) does not have a deterministic implementation")
"""What PyTorch warns of under ``use_deterministic_algorithms(True, warn_only=True)`` (aten/src/ATen/Context.cpp)."""


class Exact(State):
    """The part of a driver that knows of these."""

    model: Any
    optimizer: Any
    module: Any
    compiled: bool
    undetermined: list[str]
    looked: bool = False

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Return within which the operations of the first step are noted that have no form that repeats itself."""
        if self.looked or not torch.are_deterministic_algorithms_enabled():
            yield
            return
        self.looked = True
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield
        for one in told:
            found = UNDETERMINED.match(str(one.message))
            if found:
                self.undetermined.append(found[1])
            else:
                warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)

    def stepping(self, step: Any) -> Any:
        """Return the step; the model compiles itself when it is called, where it is not to be watched."""
        if self.compiled and not self.by_hand:
            self.model.compile()
        return step

    @contextmanager
    def as_written(self) -> Iterator[None]:
        """Return within which the model computes as it is written, lest it be compiled once more for evaluation."""
        compiled = getattr(self.model, "_compiled_call_impl", None)
        if compiled is None:
            yield
            return
        self.model._compiled_call_impl = None
        try:
            yield
        finally:
            self.model._compiled_call_impl = compiled

    def _scaler(self) -> GradScaler | None:
        """Return what scales the loss: the optimizer's, or one that the program holds."""
        held = (*vars(self.optimizer).values(), *vars(self.module).values())
        return next((one for one in held if isinstance(one, GradScaler) and one.is_enabled()), None)

    def loss_scale(self) -> dict[str, float]:
        """Return the scale and the count that a ``GradScaler`` keeps."""
        kept = self._scaler()
        if kept is None:
            return {}
        state = kept.state_dict()
        return {"loss_scale": state["scale"], "good_steps": state["_growth_tracker"]}

    def set_loss_scale(self, loss_scale: float, good_steps: float) -> None:
        """Load them."""
        kept = self._scaler()
        if kept is not None:
            kept.load_state_dict(kept.state_dict() | {"scale": loss_scale, "_growth_tracker": int(good_steps)})
