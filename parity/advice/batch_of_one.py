"""batch_of_one: batch normalisation of a single value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting


class BatchOfOne(Rule):
    """The mean of one value is that value, and (x - mean) is 0: the layer gives beta, whatever it reads.

    PyTorch refuses such a batch ("Expected more than 1 value per channel"); Keras and TensorFlow train on, and nothing
    ahead of the layer has a gradient.
    """

    kind: ClassVar[str] = "batch_of_one"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where a batch has one row and a batch normalisation one value of it for each channel."""
        if at.side.config.training.batch_size > 1:
            return
        for layer in at.side.layers():
            shape = layer.output_shape
            frozen = getattr(layer.op, "freeze_statistics", False) or not layer.op.trainable
            if layer.op.kind == "batch_norm" and not frozen and math.prod(shape[:-1]) == 1:
                yield Advice(
                    rule=self.kind,
                    path="training.batch_size",
                    what=f"training.batch_size is 1, and {layer.name} normalises each channel over the one value in it",
                    why="a value less its own mean is 0: the layer gives its beta for every row, and nothing ahead of "
                    "it has a gradient",
                    fix=f"set {setting('training.batch_size', 32)}",
                    changes={"training.batch_size": 32},
                )
                return
