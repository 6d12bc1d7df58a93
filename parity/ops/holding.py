"""Layers that hold another layer, which is none of the model's."""

from __future__ import annotations

from typing import Self

from parity.ops import Op


class Holding(Op):
    """Base of the layers that hold another one."""

    def holding(self, inside: Op) -> Self:
        """Return itself, around a layer that is not one of the model's.

        Raises:
            ValueError: when that has what is said of layers of a model.
        """
        if inside.name is not None or inside.inputs is not None or not inside.trainable:
            raise ValueError(
                f"the layer inside has name, inputs or trainable of its own: say them of the {self.kind} layer"
            )
        if inside.activity() is not None:
            raise ValueError(
                "the layer inside has an activity_regularizer, which is not there yet in a layer around it: Keras's "
                "TimeDistributed forgets it, Bidirectional penalises each direction; leave it out"
            )
        return self
