"""The ``data`` part of a spec. Imports no NumPy: ``parity diff`` passes through here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

# Strict, because a spec that says `rows: true` or `reshape: ["64", 3]` is wrong, not short for something else.
SUFFIXES = (".npz", ".csv")
"""Files that can be read, by how their names end."""

MOST_AXES = 16
"""Axes of a row: every framework takes some more, and nobody has as many."""

Size = Annotated[int, Field(gt=0, strict=True)]
Axis = Annotated[int, Field(ge=0, strict=True)]
Name = Annotated[str, Field(min_length=1)]
Switch = Annotated[bool, Field(strict=True)]
Factor = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, strict=True)]


def _one_name(value: Any) -> Any:
    if isinstance(value, dict | list | tuple):
        raise PydanticCustomError(
            "weights_of_several", "one name: weights for each of several outputs are not there yet"
        )  # fmt: skip
    return value


Form = Literal["one_hot", "index", "column", "flat"]
"""In which form a program is given its targets: rows with a single 1, (N, ..., C); numbers of classes, (N, ...);
(N, 1); (N,). What is learned is the same; what a loss makes of it need not be."""


class DataSpec(BaseModel):
    """Where rows come from and what is done to them before a model sees them.

    The steps run in float64, in this order: ``rows``, ``scale``, ``standardize``, ``reshape``, ``transpose``,
    ``one_hot``, ``targets``, ``validation_split``; :func:`parity.data.written.preprocess_source` spells them out in
    NumPy.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Name = Field(
        description="a named source (leaf, leaf_like, cifar10, cifar_like, wifi_location, wifi_like, digits, phrases, "
        "twins, blobs, waves), or the path of an .npz or .csv file from the folder of the spec",
        examples=["leaf_like", "rows.npz"],
    )
    rows: Size | None = Field(default=None, description="take only the first so many rows; all by default")
    scale: Factor = Field(default=1.0, description="number that every input value is multiplied by")
    standardize: Switch = Field(
        default=False,
        description="bring each raw column to mean 0 and population standard deviation 1, over all rows, those kept "
        "for validation too; a column that never changes is only centred",
    )
    reshape: Annotated[tuple[Size, ...], Field(min_length=1, max_length=MOST_AXES)] | None = Field(
        default=None, description="shape of one row, without the batch axis", examples=[[3, 64]]
    )
    transpose: Annotated[tuple[Axis, ...], Field(min_length=1, max_length=MOST_AXES)] | None = Field(
        default=None,
        description="order of the axes of one row, counted from 0 without the batch axis, after reshape; "
        "[1, 0] turns (3, 64) into (64, 3)",
        examples=[[1, 0]],
    )
    one_hot: Switch | tuple[Name, ...] = Field(
        default=True,
        description="turn integer class labels into one-hot rows; float targets stay as they are; of several arrays of "
        "targets, the names of those whose labels are to be turned",
    )
    targets: Form | None = Field(
        default=None,
        description="form in which programs are given their targets: one_hot rows, index (the number of the class), "
        "column (N, 1) or flat (N,); if not said, as the side's loss takes them: a program written by hand is tried on "
        "one batch, and a single number a row stays (N,) or (N, 1) as the file has it",
        examples=["flat"],
    )
    validation_split: Share = Field(
        default=0.0,
        description="share of the rows kept for validation: the last ones, before any shuffling, as Keras takes them; "
        "floor(rows * (1 - share)) are trained on",
        examples=[0.2],
    )
    x: Name | tuple[Name, ...] = Field(
        default="X",
        description="name of the array of inputs in an .npz file; of a model of several inputs, their names, which are "
        "those of the model if not said",
    )
    y: Name | tuple[Name, ...] = Field(
        default="y",
        description="name of the array of labels or targets in an .npz file, or of their column in a .csv file "
        "(by default its last one, if none is named y); of a model of several outputs, the names of their arrays, "
        "which are those of the outputs if not said",
    )

    sample_weights: Annotated[Name, BeforeValidator(_one_name)] | None = Field(
        default=None,
        description="name of the array of an .npz file, or of the column of a .csv file, that says what each row's "
        "loss counts: (N,) or (N, 1), of targets with steps also (N, steps); all alike if not said",
        examples=["weights"],
    )

    @property
    def arrays(self) -> tuple[str, ...]:
        """Return the names of the arrays of inputs."""
        return (self.x,) if isinstance(self.x, str) else self.x

    @property
    def goals(self) -> tuple[str, ...]:
        """Return the names of the arrays of targets."""
        return (self.y,) if isinstance(self.y, str) else self.y

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the fields by which inputs are prepared, where they are said: several come as they are stored."""
        steps = ("scale", "standardize", "reshape", "transpose")
        return tuple(name for name in steps if getattr(self, name) != type(self).model_fields[name].default)

    def turns(self, name: str) -> bool:
        """Return whether integer labels in an array of targets become one-hot rows."""
        return self.one_hot if isinstance(self.one_hot, bool) else name in self.one_hot

    @model_validator(mode="after")
    def _axes_are_a_permutation(self) -> Self:
        if self.transpose is None:
            return self
        if sorted(self.transpose) != list(range(len(self.transpose))):
            raise ValueError(
                f"transpose is {list(self.transpose)}; expected each of the axes 0 to {len(self.transpose) - 1} "
                "once, counted without the batch axis"
            )
        if self.reshape is not None and len(self.reshape) != len(self.transpose):
            raise ValueError(
                f"transpose names {len(self.transpose)} axes, but reshape {list(self.reshape)} "
                f"has {len(self.reshape)}; name each axis of a reshaped row once"
            )
        return self
