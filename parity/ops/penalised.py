"""What a layer's output adds to the loss, as Keras's ``activity_regularizer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field

from parity.code import Helper
from parity.entries import Entry, Since
from parity.regularizers import AnyRegularizer, Regularizer

if TYPE_CHECKING:
    import numpy as np

    from parity.activations import Activation

UNDIVIDED = Helper(
    name="undivided",
    source='''
def undivided(penalty):
    """Return a penalty of outputs that is not divided by their rows, as Keras does from 3.14 on."""
    if (3, 0) <= tuple(map(int, keras.__version__.split(".")[:2])) < (3, 14):
        return penalty
    return lambda y: penalty(y) * keras.ops.cast(keras.ops.shape(y)[0], y.dtype)
''',
)


class Adding(Entry):
    """The part of a layer that knows what its output adds to the loss: nothing, unless it is :class:`Penalised`."""

    def activity(self) -> Regularizer | None:
        """Return the penalty of the output; None for none."""
        return None

    def unpenalised(self) -> Self:
        """Return the layer without that."""
        return self.replace(activity_regularizer=None) if self.activity() is not None else self

    def activity_divided(self) -> bool:
        """Return whether that is divided by the number of rows."""
        return True

    def activity_penalty(self, y: np.ndarray) -> np.ndarray:
        """Return what an output adds to the loss, a number.

        Args:
            y: the output, (N, ...), behind the activation.
        """
        regularizer = self.activity()
        assert regularizer is not None
        whole = regularizer.penalty(y)
        return whole / len(y) if self.activity_divided() else whole

    def activity_written(self, framework: str, rows: str, behind: Callable[[str], str], y: str) -> str:
        """Return the source of what an output adds to the loss.

        Args:
            framework: whose program it is, of those that have no such thing of their own.
            rows: source of how many rows there are, ``{0}`` standing for the output.
            behind: gives the source of what is penalised for that of the output: itself, but where the loss applies the
                activation.
            y: source of the output.
        """
        regularizer = self.activity()
        assert regularizer is not None
        whole = regularizer.written(framework, behind(y))
        if not self.activity_divided():
            return whole
        return f"({whole}) / {rows.format(y)}" if " + " in whole else f"{whole} / {rows.format(y)}"

    def keras_penalty(self, framework: str = "keras", behind: Activation | None = None) -> str | None:
        """Return the source for Keras's ``activity_regularizer=``, None where there is nothing to write.

        Args:
            framework: that the program is written for.
            behind: activation that the layer leaves to the loss, or to a layer behind it.
        """
        regularizer = self.activity()
        if regularizer is None:
            return None
        own = regularizer.keras()
        if behind is not None:
            called = f"({own})" if own.startswith("lambda") else own
            own = f"lambda y: {called}(keras.activations.get({behind.keras(framework)})(y))"
        return own if self.activity_divided() else f"undivided({own})"

    def keras_penalty_helpers(self) -> tuple[Helper, ...]:
        """Return what that source calls."""
        return () if self.activity() is None or self.activity_divided() else (UNDIVIDED,)


class Penalised(Adding):
    """Base of the layers whose output may add to the loss, once for each time that it is called.

    What is penalised is the output behind the layer's activation, probabilities where a loss looks behind a softmax,
    masked steps among them. With ``activity_reduction: mean`` the penalty is divided by the number of rows, the first
    axis alone: as Keras has it from 3.14 on. Up to 3.13 it was not. PyTorch and raw TensorFlow have no such thing:
    their models keep the output, and the loss adds its penalty. It is part of what is minimised, and of no metric.
    """

    quiet: ClassVar = frozenset({"activity_reduction"})
    seen_in_part: ClassVar = frozenset({"activity_reduction"})
    since: ClassVar = (
        Since("keras", "3.0", "activity_reduction", "mean", "sum", "activity_regularizer_of_keras_2"),
        Since("keras", "3.14", "activity_reduction", "sum", "mean", "activity_regularizer"),
    )

    activity_regularizer: AnyRegularizer | None = Field(default=None, description="what the output adds to the loss")
    activity_reduction: Literal["mean", "sum"] = Field(
        default="mean", description="mean: that is divided by the number of rows; sum: it is not"
    )

    def activity(self) -> Regularizer | None:
        return self.activity_regularizer

    def activity_divided(self) -> bool:
        return self.activity_reduction == "mean"
