"""What a program gives and is given at its end: its outputs, one or several, and their targets.

Only the standard library and NumPy beside the framework: a worker's interpreter need not have anything else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.rows import apart, parted, together
from parity.run.driver.objects import weights_for
from parity.run.driver.programs import each_tensor, one_tensor
from parity.run.output_form import answered, fitted
from parity.run.target_forms import in_form, labelled


class Several(ABC):
    """The part of a driver that knows about several outputs; the harness keeps their numbers side by side."""

    bindings: dict[str, Any]
    train_step: Any
    in_order = False
    """Whether the model gave its outputs in a tuple or a list when it was called last, and not by their names."""

    @property
    def heads(self) -> list[dict[str, Any]]:
        """The outputs, where there are several, as ``Bindings.heads`` has them."""
        return self.bindings.get("heads") or []

    def targets(self, y: np.ndarray) -> Any:
        """Return targets as the framework's tensors, in the form that the program takes; of several outputs a dict.

        Args:
            y: with the shape of the outputs; of several, side by side.
        """
        if not self.heads:
            y = labelled(y) if self.bindings.get("masks_ignored") else y
            return self.tensor(in_form(y, self.bindings.get("targets")))  # Numbers of classes are whole.
        parts = zip(self.heads, apart(y, self.heads), strict=True)
        return self.as_given({head["name"]: self.tensor(in_form(part, head["targets"])) for head, part in parts})

    def as_given(self, parts: dict[str, Any]) -> Any:
        """Return what belongs to several outputs in the way in which the model gives them: a dict, or a tuple."""
        return tuple(parts.values()) if self.bindings.get("in_order") else parts

    def answer(self, x: np.ndarray, use: str) -> np.ndarray:
        """Return predictions as they are compared, whatever the model returns.

        Args:
            x: inputs, (N, ...).
            use: ``metrics`` or ``lockstep``.
        """
        return together(list(self.answers(x, use).values()))

    def answers(self, x: np.ndarray, use: str) -> dict[str, np.ndarray]:
        """Return the predictions of each output by its name, of the only one without; arguments as :meth:`answer`."""
        found = self.predict(x)
        if not self.heads:
            return {"": answered(found, self.bindings.get("answer"), use)}
        parts = zip(self.heads, apart(found, self.heads), strict=True)
        return {head["name"]: answered(part, head.get("answer"), use) for head, part in parts}

    def parted(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return targets, and the sample weights that stand beside them, where rows have such."""
        row = self.bindings.get("sample_weights")
        return parted(y, row) if row is not None else (y, None)

    def _batch(self, x: np.ndarray, y: np.ndarray) -> tuple[tuple[Any, Any], dict[str, Any]]:
        """Return inputs and targets as the framework's tensors, the targets in the form that the program takes.

        And the weights of the rows, by the name that the program's step has for them, where they have such and it takes
        them.
        """
        targets, weights = self.parted(y)
        more = weights_for(self.train_step, weights)
        return (self.given(x), self.targets(targets)), {name: self.tensor(one) for name, one in more.items()}

    def host_outputs(
        self, outputs: Any, is_tensor: Callable[[Any], bool], host: Callable[..., np.ndarray]
    ) -> np.ndarray:
        """Return what a model returns, of several outputs their numbers side by side.

        Args:
            outputs: of the model.
            is_tensor: whether a value is a tensor of the framework.
            host: makes a NumPy array of one, given the activation that is yet to be applied.
        """
        if not self.heads:
            return host(one_tensor(outputs, is_tensor, self.bindings.get("output")), self.bindings["ending"])
        self.in_order, tensors = each_tensor(outputs, is_tensor, self.heads)
        parts = zip(self.heads, tensors, strict=True)
        return together([fitted(host(one, head["ending"]), tuple(head["shape"])) for head, one in parts])

    @abstractmethod
    def given(self, x: np.ndarray) -> Any:
        """Return a batch's inputs as the program takes them."""

    @abstractmethod
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the model's outputs in evaluation mode; of several, side by side."""

    @abstractmethod
    def tensor(self, x: np.ndarray) -> Any:
        """Return rows of an input as the framework's tensor: whole numbers as they are, others in the precision."""
