"""Several outputs of a model: a loss for each, and metrics, under the names that the model gives them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    StringConstraints,
    TypeAdapter,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from parity.catalog import LOSSES
from parity.entries import Entry, Strict
from parity.losses import AnyLoss
from parity.metrics import VALIDATION, AnyMetric

if TYPE_CHECKING:
    from parity.losses import Loss
    from parity.metrics import Metric

OUTPUT = r"^[A-Za-z][A-Za-z0-9_]*$"
"""What an output may be called."""


class PerOutput(Strict):
    """A loss for each of several outputs: they are the fields of its classes, so that a path reaches them by name."""


def _free(name: str) -> str:
    """Return the name of an output, which is a part of paths such as ``loss.NAME.weight``."""
    if hasattr(PerOutput, name) or name.startswith("model_"):
        raise PydanticCustomError(
            "output_name", "another name, such as {name}_output: {name} has a meaning of its own", {"name": name}
        )  # fmt: skip
    if f"{name}_".startswith(VALIDATION):
        raise PydanticCustomError(
            "output_name", "a name that is not {name}: what begins with {prefix} is of the validation rows",
            {"name": name, "prefix": VALIDATION},
        )  # fmt: skip
    return name


OutputName = Annotated[str, StringConstraints(pattern=OUTPUT), AfterValidator(_free)]


def _several(outputs: dict[str, str]) -> dict[str, str]:
    """Return outputs of which there are none or several, each a layer of its own."""
    if len(outputs) == 1:
        raise PydanticCustomError(
            "one_output", "two outputs or more: where none is named, the last layer is the output"
        )
    twice = [(one, other) for one in outputs for other in outputs if one < other and outputs[one] == outputs[other]]
    if twice:
        one, other = twice[0]
        raise PydanticCustomError(
            "same_output", "a layer of its own for each output: {one} and {other} are both {layer}",
            {"one": one, "other": other, "layer": outputs[one]},
        )  # fmt: skip
    return outputs


Outputs = Annotated[dict[OutputName, str], AfterValidator(_several)]
"""Names of several outputs, and the layer that gives each."""


@cache
def losses_of(names: tuple[str, ...]) -> type[PerOutput]:
    """Return the class that has a loss for each of these outputs."""
    for name in names:
        TypeAdapter(OutputName).validate_python(name)
    fields: dict[str, Any] = {name: (AnyLoss, Field(description=f"loss of {name}")) for name in names}
    found: type[PerOutput] = create_model("PerOutput", __base__=PerOutput, **fields)
    return found


def each_loss(loss: Any) -> dict[str, Loss]:
    """Return the losses of a spec by output; the only one has no name.

    Args:
        loss: as a :class:`~parity.spec.sections.Spec` has it.
    """
    return dict(loss) if isinstance(loss, PerOutput) else {"": loss}


def together(losses: Mapping[str, Loss]) -> Loss | PerOutput:
    """Return the loss of a spec of what :func:`each_loss` gives."""
    return losses[""] if "" in losses else losses_of(tuple(losses)).model_validate(losses)


def by_output(value: Any, family: Mapping[str, type[Entry]]) -> bool:
    """Return whether a mapping says something for each output by its name; else it is one entry with its fields.

    Args:
        value: as a spec has it.
        family: entries that it may say.
    """
    if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
        return False
    if len(value) > 1:
        return True
    ((key, inner),) = value.items()
    named = inner if isinstance(inner, str) else next(iter(inner), None) if isinstance(inner, Mapping) else None
    return key not in family and (isinstance(inner, Entry | list | tuple) or named in family)


class _Named:
    """Lets a field take a mapping of outputs in the place of what it takes for one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        """Return the schema: what says something for each output is read apart."""
        one = handler(source)
        written = core_schema.wrap_serializer_function_ser_schema(_plain, info_arg=True, schema=one)
        return core_schema.no_info_wrap_validator_function(self._read, one, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say that a mapping of outputs may stand there."""
        whole = handler(schema)
        return {"anyOf": [whole, {"type": "object", "additionalProperties": whole, "minProperties": 2}]}

    def _read(self, value: Any, one: Any) -> Any:
        raise NotImplementedError


class _Losses(_Named):
    def _read(self, value: Any, one: Any) -> Any:
        if isinstance(value, PerOutput):
            return value
        return losses_of(tuple(value)).model_validate(dict(value)) if by_output(value, LOSSES) else one(value)


@cache
def _metrics() -> TypeAdapter[dict[str, tuple[Metric, ...]]]:
    """Return what reads metrics by output: made once, since making it takes longer than reading them."""
    return TypeAdapter(dict[OutputName, tuple[AnyMetric, ...]])


class _Metrics(_Named):
    def _read(self, value: Any, one: Any) -> Any:
        if isinstance(value, Mapping):
            return _metrics().validate_python(dict(value))
        return one(value)


def _plain(value: Any, one: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    """Return losses or metrics as plain data: those of one output, or of each by its name."""
    if isinstance(value, PerOutput):
        return value.model_dump(mode=info.mode, exclude_unset=info.exclude_unset)
    if isinstance(value, Mapping):
        return {
            name: [metric.model_dump(mode=info.mode, exclude_unset=info.exclude_unset) for metric in metrics]
            for name, metrics in value.items()
        }
    return one(value)


if TYPE_CHECKING:
    # Of several outputs a PerOutput, and a mapping: whoever reads them asks `Resolved.views` for those of an output.
    AnyLosses = Loss
    AnyMetrics = tuple[Metric, ...]
else:
    AnyLosses = Annotated[AnyLoss, _Losses()]
    AnyMetrics = Annotated[tuple[AnyMetric, ...], _Metrics()]
