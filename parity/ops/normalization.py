"""normalization: y = (x - mean) / deviation, of numbers that were measured before training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from parity.code import Case, Helper, KerasCode, Layout, Site
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import ShapeError
from parity.ops.single import Single

if TYPE_CHECKING:
    from parity.code import Arrays

LEAST = 1e-7
"""The smallest deviation that anything is divided by: ``keras.config.epsilon()``."""

SUMMED = 64.0
"""A float32 mean over many rows may be off by a unit of so many deviations: one of many pixels was by 1.6e-6."""

TORCH = Helper(
    name="Normalization",
    source=f'''
class Normalization(nn.Module):
    """x less a mean, divided by a deviation; inverted, times the deviation and the mean added."""

    def __init__(self, mean, variance, invert=False, shape=None):
        super().__init__()
        self.invert = invert
        mean, deviation = torch.tensor(mean), torch.tensor(variance).sqrt().clamp(min={LEAST})
        self.register_buffer("mean", mean.reshape(shape or mean.shape), persistent=False)
        self.register_buffer("deviation", deviation.reshape(shape or mean.shape), persistent=False)

    def forward(self, x):
        return x * self.deviation + self.mean if self.invert else (x - self.mean) / self.deviation
''',
)

Numbers = float | tuple[float, ...]
"""One number for all, or one for each place of an axis."""


class Normalization(Single):
    """y = (x - mean) / max(sqrt(variance), 1e-7), along an axis; with ``invert`` x max(...) + mean.

    Mean and variance are numbers of the config: what Keras's ``adapt()`` has measured before training, or what a
    program works out by itself. No framework moves them, neither in training nor in evaluation. A program that divides
    by a deviation of 0, of a column that is the same in every row, gets no numbers, where Keras divides by 1e-7.
    PyTorch and raw TensorFlow have no such layer.
    """

    kind: ClassVar[str] = "normalization"
    passes_mask: ClassVar[bool] = True
    rescales: ClassVar[bool] = False
    source: ClassVar = read_in(keras="layers/preprocessing/normalization")
    natives: ClassVar = {
        "keras": Native(
            "keras.layers.Normalization", same("mean", "variance", "invert", "axis"), own={"invert": False, "axis": -1}
        )
    }

    helpers: ClassVar[tuple[Helper, ...]] = (TORCH,)

    mean: Numbers = Field(description="what is subtracted: a number, or one for each place of the axis")
    variance: Numbers = Field(description="the square of what is divided by, in the same form")
    invert: bool = Field(default=False, description="undo it: multiply, then add")
    axis: Literal[-1, 1] = Field(default=-1, description="which axis they are of: the last one, or the first one (1)")

    @model_validator(mode="after")
    def _fit(self) -> Self:
        forms = {len(one) if isinstance(one, tuple) else 0 for one in (self.mean, self.variance)}
        if len(forms) > 1:
            raise ValueError("mean and variance must be two numbers, or two lists of one length")
        if min(self.variance if isinstance(self.variance, tuple) else (self.variance,), default=0.0) < 0.0:
            raise ValueError("variance must not be below 0")
        return self

    def size_of(self, field: str) -> Any:
        """Return how large the sums were that its numbers were made of: so many deviations, or variances."""
        if field not in ("mean", "variance"):
            return getattr(self, field)
        power = 0.5 if field == "mean" else 1.0
        every = self.variance if isinstance(self.variance, tuple) else (self.variance,)
        found = tuple(SUMMED * one**power for one in every)
        return found if isinstance(self.variance, tuple) else found[0]

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input.

        Raises:
            ShapeError: when there is another number of means than of places along its axis.
        """
        length = shape[-1:] if self.axis == -1 else shape[:1]
        if isinstance(self.mean, tuple) and (len(self.mean),) != length:
            raise ShapeError(f"{self.kind} has {len(self.mean)} means, and axis {self.axis} of {shape} is {length}")
        return shape

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        mean, variance = (np.array(one).reshape(self._shape(x.ndim) or ()) for one in (self.mean, self.variance))
        deviation = np.maximum(np.sqrt(variance), LEAST)
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def _shape(self, rank: int) -> tuple[int, ...] | None:
        """Return the shape in which its numbers stand beside a tensor of so many axes; None where there is one."""
        if not isinstance(self.mean, tuple):
            return None
        return (len(self.mean),) if self.axis == -1 else (len(self.mean), *(1,) * (rank - 2))

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when there is one number for all axes, or one axis."""
        if field != "axis":
            return ""
        return "there is one axis only" if len(shape) == 1 else "" if self._shape(3) else "one number is for all axes"

    def lies(self, framework: str) -> Layout:
        return "as_said" if isinstance(self.mean, tuple) else "any"

    def keras(self, site: Site) -> KerasCode:
        # Of a list Keras makes float32 in float64, too.
        arrays = {
            name: f"np.array({list(one)})"
            for name, one in (("mean", self.mean), ("variance", self.variance))
            if isinstance(one, tuple)
        }
        # Of channels first it takes the tensor as it lies, as the convolutions around it do.
        moved = isinstance(self.mean, tuple) and self.axis == 1 and site.layout == "to_last"
        lies: Layout = "to_last" if moved else self.lies("keras")
        axis = "1" if self.axis == 1 and not moved else None
        return KerasCode(layer=self.keras_layer(site, axis=axis, **arrays), reads=lies, writes=lies)

    def expression(self, site: Site) -> str:
        shape = self._shape(len(site.input_shape) + 1)
        more = f", {shape}" if shape is not None and len(shape) > 1 else ""
        mean, variance = (f"tf.constant({_written(one)}, x.dtype{more})" for one in (self.mean, self.variance))
        deviation = f"tf.maximum(tf.sqrt({variance}), {LEAST})"
        return f"x * {deviation} + {mean}" if self.invert else f"(x - {mean}) / {deviation}"

    def said(self, site: Site) -> str:
        return "Times deviations, and means are added." if self.invert else "Less means, divided by deviations."

    def modules(self, site: Site) -> dict[str, str]:
        shape = self._shape(len(site.input_shape) + 1)
        more = ", invert=True" if self.invert else ""
        more += f", shape={shape}" if shape is not None and len(shape) > 1 else ""
        return {"": f"{TORCH.name}({_written(self.mean)}, {_written(self.variance)}{more})"}

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a mean and a deviation of each column", fields={"mean": [1.0, -2.0], "variance": [4.0, 0.25]},
                 x=[[3.0, -2.0], [1.0, 0.0]], expected=[[1.0, 0.0], [0.0, 4.0]]),
            Case(shows="one of all", fields={"mean": 1.0, "variance": 4.0}, x=[[[3.0], [1.0]]],
                 expected=[[[1.0], [0.0]]]),
            Case(shows="of channels, along the last axis of an image, not its columns",
                 fields={"mean": [1.0, 2.0], "variance": [1.0, 4.0]}, x=[[[[1.0, 2.0], [3.0, 6.0], [5.0, 0.0]]]],
                 expected=[[[[0.0, 0.0], [2.0, 2.0], [4.0, -1.0]]]]),
            Case(shows="a column without a deviation is divided by 1e-7", fields={"mean": [0.5], "variance": [0.0]},
                 x=[[0.5], [0.75]], expected=[[0.0], [2.5e6]]),
            Case(shows="numbers that float32 has not", fields={"mean": [0.1], "variance": [1e-14]}, x=[[0.1], [1.1]],
                 expected=[[0.0], [1e7]]),
            Case(shows="of the first axis, where an image's channels are first",
                 fields={"mean": [1.0, 2.0], "variance": [1.0, 4.0], "axis": 1}, x=[[[[1.0, 3.0]], [[2.0, 0.0]]]],
                 expected=[[[[0.0, 2.0]], [[0.0, -1.0]]]]),
            Case(shows="undone", fields={"mean": [1.0, -2.0], "variance": [4.0, 0.25], "invert": True},
                 x=[[1.0, 0.0], [0.0, 4.0]], expected=[[3.0, -2.0], [1.0, 0.0]]),
        ]  # fmt: skip


def _written(numbers: Numbers) -> str:
    return repr(list(numbers) if isinstance(numbers, tuple) else numbers)
