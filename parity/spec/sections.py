"""The spec as typed objects: what a YAML file is read into, and what the Python API builds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    NonNegativeInt,
    PositiveInt,
    PrivateAttr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError

from parity.data.section import MOST_AXES, DataSpec, Size
from parity.discovery import with_entries
from parity.entries import Strict
from parity.frameworks import frameworks, native_of
from parity.ops import AnyOp, Op
from parity.optimizers import AnyOptimizer
from parity.spec.per_output import AnyLosses, AnyMetrics, Outputs

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
"""A name that is also a file name."""


def _there(value: Any) -> Any:
    if not isinstance(value, str) or value not in frameworks():
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, frameworks()))})
    return value


FrameworkName = Annotated[str, BeforeValidator(_there), WithJsonSchema({"enum": list(frameworks()), "type": "string"})]
"""One that has a folder in ``parity/frameworks``."""


class Part(Strict):
    """Base of the parts of a spec."""


RowShape = Annotated[tuple[Size, ...], Field(min_length=1, max_length=MOST_AXES)]
"""Shape of a row, channels last."""


class InputSpec(Part):
    """One input of a model."""

    shape: RowShape = Field(description="shape of one row, channels last")
    dtype: Literal["float", "integer"] = Field(
        default="float", description="integer: numbers of tokens, which programs are given as whole numbers"
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say that the shape may stand alone."""
        whole = handler(core_schema)
        return {"anyOf": [handler.resolve_ref_schema(whole)["properties"]["shape"], whole]}

    @model_validator(mode="before")
    @classmethod
    def _shape_alone(cls, value: Any) -> Any:
        return {"shape": value} if isinstance(value, list | tuple) else value


class Scope(NamedTuple):
    """One of the times that a block stands in a model.

    Args:
        prefix: of the names that its layers have in the model: ``res_2_``.
        block: name of the block.
    """

    prefix: str
    block: str


class ModelSpec(Part):
    """The network: its inputs and the layers, each of which reads the one above it or says what it reads."""

    input: RowShape | None = Field(default=None, description="shape of one input row, channels last")
    inputs: dict[Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")], InputSpec] = Field(
        default={}, description="in its place, the shapes of named inputs: a shape, or shape and dtype"
    )
    layers: tuple[AnyOp, ...] = Field(min_length=1, description="the layers, in order")
    outputs: Outputs = Field(
        default={}, description="names of several outputs, and the layer that gives each; if not said, the last layer"
    )

    _placed: dict[str, tuple[str | int, ...]] = PrivateAttr(default_factory=dict)
    _scopes: dict[str, tuple[Scope, ...]] = PrivateAttr(default_factory=dict)

    @property
    def placed(self) -> dict[str, tuple[str | int, ...]]:
        """Return where each layer is written below ``model.layers``, by its name in the model."""
        return self._placed or {str(op.name): (index,) for index, op in enumerate(self.layers)}

    @property
    def scopes(self) -> Mapping[str, tuple[Scope, ...]]:
        """Return the blocks that layers came from, the outermost first, by their names in the model."""
        return self._scopes

    def with_layers(
        self, layers: Sequence[Op], placed: Mapping[str, tuple[str | int, ...]],
        scopes: Mapping[str, tuple[Scope, ...]], outputs: Mapping[str, str],
    ) -> Self:  # fmt: skip
        """Return the model with other layers, where they are written, the blocks they came from, and its outputs."""
        found = self.model_copy(update={"layers": tuple(layers), "outputs": dict(outputs)})
        found._placed, found._scopes = dict(placed), dict(self._scopes) | dict(scopes)
        return found

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.input is None) is not bool(self.inputs):
            raise PydanticCustomError(
                "inputs", "got {got}; expected input, a shape, or inputs, shapes by name",
                {"got": "both input and inputs" if self.inputs else "neither input nor inputs"},
            )  # fmt: skip
        return self

    @property
    def first(self) -> str:
        """Return the name of the first input, which a first layer reads by itself."""
        return next(iter(self.named_inputs()))

    def named_inputs(self) -> dict[str, InputSpec]:
        """Return each input by its name; one without a name is called ``input``."""
        return dict(self.inputs) if self.input is None else {"input": InputSpec(shape=self.input)}

    @property
    def row(self) -> tuple[int, ...]:
        """Return the shape of a row as the harness keeps it: of several inputs, all their numbers side by side."""
        every = [one.shape for one in self.named_inputs().values()]
        return every[0] if len(every) == 1 else (sum(map(math.prod, every)),)


class TrainingSpec(Part):
    """How batches are made and how many of them are taken."""

    native: ClassVar[Mapping[str, Mapping[str, Any]]] = native_of("training")

    batch_size: PositiveInt = Field(default=32, description="rows in a batch")
    epochs: PositiveInt = Field(default=1, description="passes over the data")
    shuffle: bool = Field(default=True, description="a new order of the rows in every epoch; else file order")
    drop_remainder: bool = Field(default=False, description="leave out the last batch when it is not full")
    seed: NonNegativeInt = Field(default=0, lt=2**63, description="of weights, batch order and dropout")
    initial_weights: Annotated[str, StringConstraints(min_length=1)] | None = Field(
        default=None,
        description="file of the weights that training starts from (.safetensors): every tensor of the model as "
        "layer.parameter, kernels as [..., in, out]; null: drawn by the initializers",
    )
    random: Literal["recorded", "native"] = Field(
        default="recorded",
        description="who draws them in a free run: parity, the same numbers in every framework; or each framework by "
        "its own generators, seeded with the same number",
    )


Device = Annotated[str, StringConstraints(pattern=r"^(auto|cpu|gpu(:\d{1,3})?)$")]
"""Where a program runs: ``auto``, ``cpu``, ``gpu``, or one of several, ``gpu:1``."""


def _products(value: Any) -> Any:
    if not isinstance(value, bool) and value != "convolutions":
        raise PydanticKnownError("literal_error", {"expected": "'true', 'false', 'convolutions'"})
    return value


Products = Annotated[bool | Literal["convolutions"], BeforeValidator(_products)]
"""Which of them: all, none, or those of convolutions."""


class NumericsSpec(Part):
    """Where and how exactly a side computes.

    What it compiles to in each framework, and which says it has no word for a value: ``parity.compile.settings``.
    """

    native: ClassVar[Mapping[str, Mapping[str, Any]]] = native_of("numerics")

    device: Device = Field(
        default="auto", description="auto: a GPU where the framework sees one; cpu; gpu, the first of them; gpu:1, ..."
    )
    tf32: Products = Field(
        default=False,
        description="a GPU may round the factors of float32 products to TensorFloat-32, which keeps 10 of their 23 "
        "bits; or only those of convolutions, which PyTorch can tell apart",
    )
    matmul_precision: Literal["highest", "high", "medium"] | None = Field(
        default=None,
        description="of float32 matrix products, in PyTorch: in full; with TF32 or two bfloat16 numbers for one; with "
        "one bfloat16; null: as tf32 says",
    )
    deterministic: bool = Field(
        default=True, description="take only operations that give the same twice, where the framework has them"
    )
    mixed_precision: Literal["bfloat16", "float16"] | None = Field(
        default=None,
        description="compute layers in that type, from weights that stay in float32; float16 also scales the loss",
    )
    loss_scale: float = Field(
        default=32768.0,
        gt=0.0,
        allow_inf_nan=False,
        description="by which float16 scales the loss at first; it is halved when a gradient overflows, and doubled "
        "after 2000 steps without",
    )
    channels_last: bool = Field(
        default=False, description="let PyTorch keep the weights of 2-d convolutions channels last in memory"
    )
    compile: bool = Field(default=False, description="compile the step: XLA's jit_compile, or torch.compile")


EXACT_VERSION = r"^\d+(\.\d+)+[A-Za-z0-9.+]*$"
Version = Annotated[str, StringConstraints(pattern=EXACT_VERSION, max_length=40)]


class SideSpec(Part):
    """One program to run: a framework, and what it does differently from the spec."""

    framework: FrameworkName = Field(description="which framework runs it: " + ", ".join(frameworks()))
    changes: dict[str, Any] = Field(default={}, description="path: value, what this side does differently")
    defaults: Literal["parity", "native"] = Field(
        default="parity",
        description="what the spec does not say: one documented value everywhere, or the framework's own default",
    )
    device: Device | None = Field(default=None, description="where it runs; the same as a change of numerics.device")
    python: str | None = Field(default=None, description="interpreter that has the framework; this one if not said")
    packages: dict[Name, Version] = Field(
        default={},
        description="package: exact version, of an environment that is made for it once and kept",
    )
    program: str | None = Field(default=None, description="a program written by hand, run in place of the compiled one")
    model: str | None = Field(default=None, description="what that program calls build_model() or Model")
    loss: str | None = Field(default=None, description="what it calls build_loss(), or its loss function")
    optimizer: str | None = Field(default=None, description="what it calls build_optimizer(model)")
    map: dict[str, str] = Field(
        default={},
        description="layer or layer.parameter of the spec: what that program calls it, where names do not say",
    )
    script: str | None = Field(
        default=None, description="the program as a person has it, which `program` runs until it trains"
    )
    inputs: str | None = Field(
        default=None,
        description="an .npz file whose `X` that program is given in place of the spec's rows: what its own first "
        "layers, which the spec has not, make of it is what the spec's rows are",
    )
    channels_first: tuple[str, ...] = Field(
        default=(),
        description="layers that flatten, and whose features that program counts with the channels first, where the "
        "spec counts them last",
    )
    padded: tuple[str, ...] = Field(
        default=(),
        description="layers with a window, of whose zeros that program puts some around what it gives them",
    )
    cut: tuple[str, ...] = Field(
        default=(), description="layers with a window, of whose output that program cuts off the ends behind them"
    )
    l2_in_optimizer: bool = Field(
        default=False,
        description="the l2 penalties of the spec are weight decay of that program's optimizer, no part of its loss",
    )
    masks_ignored: bool = Field(
        default=False,
        description="that program leaves out by a mask what the spec's loss does by an `ignore_index` below 0, and is "
        "given targets of the first class there",
    )
    said_at: dict[str, str] = Field(
        default={}, description="path: FILE:LINE of the script, the line that says it, as `parity compare` read it"
    )


class SaidSpec(Part):
    """What somebody says is the cause: it is tried like a finding, and the report says how far it is right."""

    text: str = Field(description="what is said, in a sentence")
    paths: tuple[str, ...] = Field(min_length=1, description="the differences that it names; patterns as in changes")
    source: str = Field(default="", description="who says it, or where")


class ExplainSpec(Part):
    """How the counterfactual runs are made."""

    steps: PositiveInt | None = Field(default=None, description="steps of each run; two epochs if not said")
    framework: FrameworkName | None = Field(default=None, description="where they run; the fastest there if not said")
    outcome: str | None = Field(
        default=None,
        description="what says which side does better: a metric (the first one if not said), `accuracy >= 0.8`, or "
        "`steps to accuracy >= 0.8`",
    )
    effect_seeds: Annotated[int, Field(ge=1, le=3)] = Field(
        default=1,
        description="seeds with which every difference is tried alone and taken back; with 2 or 3 the report says of "
        "each how far it moves the outcome, with an interval, and which ones that does not decide",
    )
    said: tuple[SaidSpec, ...] = Field(default=(), description="explanations that somebody gave, to be judged")


class Config(Part):
    """Everything that decides what is trained and how, with no side's changes left to make."""

    data: DataSpec = Field(description="what is learned from")
    model: ModelSpec = Field(description="the network")
    loss: AnyLosses = Field(description="what is minimised; of several outputs, a loss for each by its name")
    optimizer: AnyOptimizer = Field(description="how a gradient becomes an update")
    training: TrainingSpec = Field(default=TrainingSpec(), description="batches and epochs")
    numerics: NumericsSpec = Field(default=NumericsSpec(), description="where, and how exactly")
    metrics: AnyMetrics = Field(
        default=(), description="what is reported about predictions; of several outputs, a list for each by its name"
    )


PARTS = tuple(name for name in Config.model_fields if name not in ("model", "metrics"))
"""Sections of a config whose fields a path reaches by name."""

SECTIONS = (*PARTS, "metrics")
"""Sections that a path may start with, beside ``layers``."""


class Spec(Config):
    """What a user writes: a config, and the sides that run it."""

    name: Name = Field(description="names the folder of the reports")
    question: str = Field(default="", description="what the comparison should answer, shown in every report")
    sides: dict[Name, SideSpec] = Field(
        default={}, description="the programs to run; none: every installed framework, same config"
    )
    explain: ExplainSpec = Field(default=ExplainSpec(), description="how causes are looked for")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec file, for editors."""
    schema = with_entries(Spec.model_json_schema())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "parity spec"
    return schema
