"""sigmoid_of_classes: a sigmoid where the loss wants shares of one whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.endings import last_activation
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy


class SigmoidOfClasses(Rule):
    """A sigmoid answers for each class by itself; of classes that exclude each other, the answers share one whole.

    A categorical cross-entropy divides by their sum, -log(s_c / sum(s)), and so its gradient still says which class is
    right. What the model gives, though, are no probabilities, and once two sigmoids are near 1 neither moves.
    """

    kind: ClassVar[str] = "sigmoid_of_classes"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where a sigmoid stands before a categorical cross-entropy and rows have one class."""
        loss, last = at.side.config.loss, last_activation(at.side)
        classes = at.side.last.output_shape[-1]
        if last is None or last[1].kind != "sigmoid" or classes < 2 or at.data is None:
            return
        if not isinstance(loss, CrossEntropy) or loss.behind != "softmax" or loss.on_logits(at.side.graph.ending):
            return
        targets = at.data.y.reshape(-1, at.data.y.shape[-1])
        if at.data.classes is None and not bool(np.isclose(targets.sum(axis=-1), 1.0).all()):
            return
        path = last[0]
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"{path} is sigmoid, and {loss.kind} has one right class of {classes} in every row",
            why=f"each of the {classes} outputs is between 0 and 1 by itself: together they come to 0 up to {classes}, "
            "not 1. The loss divides by their sum; who reads the predictions does not",
            fix=f"set {setting(path, 'softmax')}",
            changes={path: "softmax"},
        )
