"""Specs and configs as plain data and as YAML, every field said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from parity.entries import Entry
from parity.spec.sections import Spec


def dump(value: Any) -> Any:
    """Return a config or a part of it as plain data, every field said; what it is hashed and shown by."""
    if isinstance(value, Entry):
        return {value.kind: {name: dump(getattr(value, name)) for name in type(value).model_fields}}
    if isinstance(value, BaseModel):
        return {name: dump(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {key: dump(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [dump(item) for item in value]
    return value


def brief(value: Any) -> Any:
    """Return a part of a config as a person would write it: no field that is at its documented default.

    >>> from parity.initializers.truncated_normal import TruncatedNormal
    >>> brief(TruncatedNormal(stddev=1.0))
    {'truncated_normal': {'stddev': 1.0}}
    """
    if isinstance(value, Entry):
        own = {name: getattr(value, name) for name, one in type(value).model_fields.items() if _says(value, name, one)}
        return {value.kind: {name: brief(one) for name, one in own.items()}} if own else value.kind
    if isinstance(value, BaseModel):
        return {name: brief(getattr(value, name)) for name, one in type(value).model_fields.items()
                if _says(value, name, one)}  # fmt: skip
    if isinstance(value, Mapping):
        return {key: brief(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [brief(item) for item in value]
    return value


def _says(entry: BaseModel, name: str, field: FieldInfo) -> bool:
    return field.is_required() or getattr(entry, name) != field.get_default(call_default_factory=True)


def to_yaml(spec: Spec) -> str:
    """Return a spec as YAML, every field said: what a spec built in Python would be as a file."""
    data = dump(spec)
    # The name first, then the question: the order of a file that a person would write.
    first = ("name", "question")
    return yaml_of({key: data[key] for key in (*first, *(key for key in data if key not in first))})


def flow(value: Any) -> str:
    """Return plain data as YAML on one line.

    >>> flow({"sigmoid_crossentropy": {"from_logits": True}})
    '{sigmoid_crossentropy: {from_logits: true}}'
    """
    import io

    from ruamel.yaml import YAML

    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = True
    writer.width = 10_000
    writer.dump(value, stream)
    return stream.getvalue().removesuffix("...\n").strip()


def yaml_of(data: Mapping[str, Any]) -> str:
    """Return plain data as YAML, in their order."""
    import io

    from ruamel.yaml import YAML

    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(data, stream)
    return stream.getvalue()
