"""Entries: what a spec can name. One entry is one file; :mod:`parity.discovery` finds it.

An entry is a frozen pydantic model whose fields are what a user may set. It carries everything that is
known about it: its meaning as float64 NumPy (the third witness beside the frameworks), what each framework's
own defaults are, and how it is written in each framework.

=========== ======================== ===========================================
family      folder                   what one entry is
=========== ======================== ===========================================
op          ``parity/ops/``          a layer
activation  ``parity/activations/``  an elementwise function or softmax
initializer ``parity/initializers/`` how a parameter starts
loss        ``parity/losses/``       what is minimised
optimizer   ``parity/optimizers/``   how a gradient becomes an update
schedule    ``parity/schedules/``    how a learning rate changes
regularizer ``parity/regularizers/`` what a parameter adds to the loss
constraint  ``parity/constraints/``  what a parameter is held to after an update
metric      ``parity/metrics/``      what is reported about predictions
=========== ======================== ===========================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    Union,
    get_args,
    get_origin,
)

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError

from parity.errors import did_you_mean, listed
from parity.frameworks import Hole, frameworks, has_part

if TYPE_CHECKING:
    from parity.code import Case
    from parity.native import Native

Shape = tuple[int, ...]
"""Shape of a tensor without its batch axis."""

_INSTALLED: ContextVar[Mapping[str, Mapping[str, Any]] | None] = ContextVar("_INSTALLED", default=None)
"""What the framework that a program is written for answered where nothing is said, by module of an entry."""


@contextmanager
def as_installed(told: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
    """Let parts mean what an installed framework has said of them, which another version may mean otherwise.

    Args:
        told: by module of an entry, its fields as a spec would say them.
    """
    before = _INSTALLED.set(told)
    try:
        yield
    finally:
        _INSTALLED.reset(before)


SCALARS: dict[type, Literal["bool_type", "int_type", "float_type"]] = {
    bool: "bool_type",
    int: "int_type",
    float: "float_type",
}
"""Scalar types that are not mistaken for one another, and pydantic's name of the fault."""


def scalars(annotation: Any) -> set[type]:
    """Return the scalar types that a field's annotation takes, text among them."""
    if get_origin(annotation) is Annotated:
        return scalars(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return set().union(*(scalars(one) for one in get_args(annotation)))
    if get_origin(annotation) is Literal:
        return {type(one) for one in get_args(annotation)}
    return {annotation} if annotation in (*SCALARS, str) else set()


class Since(NamedTuple):
    """A field that moved with a release of a framework: what it means there by itself from then on.

    Args:
        framework: that released it.
        version: first release that has the new value.
        field: of the entry.
        before: value up to then.
        after: value since.
        shown_by: spec of ``specs/upgrades`` that shows it between two real versions.
    """

    framework: str
    version: str
    field: str
    before: Any
    after: Any
    shown_by: str

    def told(self) -> str:
        """Return it as a sentence."""
        title, after, before = frameworks()[self.framework].title, shown(self.after), shown(self.before)
        return f"since {title} {self.version} {self.field} is {after}, before it was {before}"


class Strict(BaseModel):
    """Base of what is read from a spec: frozen, unknown fields refused, and a scalar is what it looks like.

    Left alone, pydantic reads ``true`` as 1 and ``"16"`` as 16: one unit, or a batch size that only looks right.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False,
        defer_build=True,  # A command meets few of all entries, and building what validates them is half of its start.
    )  # fmt: skip

    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Per framework, the fields whose default in that framework is not the one declared here."""

    @classmethod
    def natively(cls, framework: str) -> Mapping[str, Any]:
        """Return what :attr:`native` has of a framework, or of the nearest one that it falls back on."""
        line = frameworks()[framework].line if framework in frameworks() else ()
        return next((cls.native[name] for name in line if name in cls.native), {})

    @field_validator("*", mode="before")
    @classmethod
    def _looks_right(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, bool | int | float | str):
            return value
        taken = _taken(cls, str(info.field_name))
        if not taken:
            return value
        mistaken = bool not in taken if isinstance(value, bool) else taken == {bool}
        if mistaken or (isinstance(value, str) and str not in taken):
            wanted = next((name for kind, name in SCALARS.items() if kind in taken), None)
            if wanted is not None:
                raise PydanticKnownError(wanted)
        return value


@cache
def _taken(model: type[Strict], field: str) -> set[type]:
    """Return the scalar types that a field takes."""
    return scalars(model.model_fields[field].annotation)


class Entry(Strict):
    """Base of everything a spec can name.

    A spec may write an entry as its bare name (``flatten``), as a name with fields
    (``{dense: {units: 10}}``) or, where :attr:`short` is set, as a name with one value (``{dropout: 0.4}``).
    """

    kind: ClassVar[str] = ""
    """The name a spec uses."""
    short: ClassVar[str | None] = None
    """The field that a bare value sets."""
    natives: ClassVar[Mapping[str, Native]] = {}
    """Per framework, its own part that means what the entry means."""
    source: ClassVar[Mapping[str, str]] = {}
    """Per framework, the file that was read to write this entry."""
    quiet: ClassVar[frozenset[str]] = frozenset()
    """Fields that only matter in a special case: where entries of two kinds are told apart, unsaid at their default."""

    settled: ClassVar[frozenset[str]] = frozenset()
    """Fields whose native default is taken only once it is known what the data are."""

    seen_in_part: ClassVar[frozenset[str]] = frozenset()
    """Fields that no argument of a framework's part says, and that what it computes shows."""

    descriptive: ClassVar[frozenset[str]] = frozenset()
    """Fields that only tell what stands in a program, and where: in them two sides do not differ."""

    at_home: ClassVar[bool] = False
    """Whether it runs only in the program that it was read from, and is compiled in no framework."""

    since: ClassVar[tuple[Since, ...]] = ()
    """Its own fields that moved with a release, the oldest first; each shown by a run of both versions."""

    never: ClassVar[Mapping[str, str]] = {}
    """Per framework, why it can never have the entry."""

    @classmethod
    def said_in(cls, framework: str) -> bool:
        """Return whether the entry can be written in a framework, by what that has itself; most need no writing."""
        del framework
        return True

    @classmethod
    def hole(cls, framework: str) -> Hole | None:
        """Return why an entry cannot be said in a framework, nor as in one that it falls back on; None where it can."""
        if not has_part(framework, "emit"):
            return Hole()  # Nothing is written in it at all.
        family = cls.__module__.split(".")[1]
        if f"{family}.{cls.kind}" in frameworks()[framework].not_yet:
            return Hole()
        for name in frameworks()[framework].line:
            if name in cls.never:
                return Hole(why=cls.never[name])
            if cls.said_in(name):
                return None
        return Hole()

    @classmethod
    def installed(cls, field: str) -> Any:
        """Return what a field is in the installed framework where nothing is said; None where that was not asked."""
        return (_INSTALLED.get() or {}).get(cls.__module__, {}).get(field)

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, data: Any) -> Any:
        if data == cls.kind:
            return {}
        if isinstance(data, Mapping) and len(data) == 1 and cls.kind in data:
            data = data[cls.kind]
            if data is None:
                return {}
            if not isinstance(data, Mapping) and cls.short is not None:
                return {cls.short: data}
        return data

    @model_serializer(mode="wrap")
    def _wrap(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {self.kind: fields(self)}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Say every way in which a spec may write the entry."""
        fields = handler(core_schema)
        inner = [fields]
        required = {name for name, field in cls.model_fields.items() if field.is_required()}
        if cls.short is not None:
            inner.append(handler.resolve_ref_schema(fields)["properties"][cls.short])
        if not required:
            inner.append({"type": "null"})
        wrapped = {
            "type": "object", "properties": {cls.kind: {"anyOf": inner}}, "required": [cls.kind],
            "additionalProperties": False,
        }  # fmt: skip
        return wrapped if required else {"anyOf": [{"const": cls.kind}, wrapped]}

    @classmethod
    def part(cls, framework: str) -> Native | None:
        """Return the own part of a framework, or of the nearest that it falls back on; None where there is none."""
        line = frameworks()[framework].line if framework in frameworks() else ()
        part = next((cls.natives[name] for name in line if name in cls.natives), None)
        told = (_INSTALLED.get() or {}).get(cls.__module__)
        return part.as_told(told) if part is not None and told else part

    @classmethod
    def moved(cls) -> list[Since]:
        """Return what moved with releases: its own fields, then those that it shares with others."""
        return [one for base in cls.__mro__ for one in vars(base).get("since", ())]

    @classmethod
    def moved_in(cls, framework: str) -> list[Since]:
        """Return what moved with releases of a framework, or of one that it falls back on."""
        line = frameworks()[framework].line if framework in frameworks() else ()
        return [one for one in cls.moved() if one.framework in line]

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases: documentation and test at once."""
        return []

    def size_of(self, field: str) -> Any:
        """Return how large the numbers are that a field's are made of, which float32 rounds: most often its own."""
        return getattr(self, field)

    def label(self) -> str:
        """Return the entry as one would say it: ``truncated_normal(stddev=1.0)``.

        Only fields that are not at their documented default are named.
        """
        parts = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.is_required() or value != field.get_default(call_default_factory=True):
                parts.append(f"{name}={shown(value)}")
        return f"{self.kind}({', '.join(parts)})" if parts else self.kind

    def replace(self, **fields: Any) -> Self:
        """Return a validated copy with some fields changed."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate(values | fields)


def shown(value: Any) -> str:
    """Return a field's value as text: entries by their label, tuples in brackets."""
    if isinstance(value, Entry):
        return value.label()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


def read_in(**files: str) -> dict[str, str]:
    """Return the files that were read to write an entry, in the folders of their frameworks, without their ending.

    >>> read_in(torch="optim/adam")
    {'torch': 'torch/optim/adam.py'}
    """
    return {name: f"{frameworks()[name].files}{file}.py" for name, file in files.items()}


def unknown_entry(name: str, choices: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was expected and how to fix it, for a name no entry has."""
    return listed(choices), did_you_mean(name, list(choices))
