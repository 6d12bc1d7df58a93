"""Random fields of entries, drawn from what the fields say of themselves: an entry that is added is drawn, too."""

from __future__ import annotations

import random
import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from parity.catalog import ACTIVATIONS, CONSTRAINTS, INITIALIZERS, REGULARIZERS, SCHEDULES
from parity.entries import Entry
from parity.optimizers.per_parameter import DECAYS, FACTORS

EntryT = TypeVar("EntryT", bound=Entry)

ATTEMPTS = 40
"""Times that fields are drawn before it is said that none of an entry go together."""

KEPT = {
    "activation": 0.3, "initializer": 0.75, "regularizer": 0.85, "constraint": 0.85, "clip": 0.9, "per": 0.7,
    "counted": 0.7, "steps": 0.8, "other": 0.5,
}  # fmt: skip
"""Share of the fields of a kind that stay at their default."""

VALUES: Mapping[str, Sequence[Any]] = {
    "axis": (-1, 1, 0, 2, -2, (0,), (1,), (0, 1), (1, 2), (0, 1, 2), (-2, -1)),
    "groups": (1, 2, 3, -1),
    "shared_axes": (None, (1,), (1, 2), (2,)),
    "learning_rate": (0.1, 0.02, 0.003),
    "initial_learning_rate": (0.1, 0.02),
    "max_rate": (0.1,),
    "rate": (0.0, 0.2, 0.5),
    "milestones": ((1,), (1, 2)),
    "boundaries": ((0,), (0, 1), (1,)),
    "values": ((0.1, 0.02), (0.1, 0.05, 0.01)),
    "total_steps": (3, 5),
    "momentum": (0.0, 0.5, 0.9, 0.99),
    "weight": (0.5, 2.0, 1.0),
    "warmup_steps": (1, 2),
    "per": ("epoch", 2, 3),
    "scale": (0.5, -2.0, 1.5, True, False),
    "beta_2": (0.9, 0.999, 0.99),
    "filters": (1, 2, 3, 4),
    "units": (1, 2, 3, 4, 5),
    "min_value": (0.0, 0.2),
    "minval": (-0.3, -0.05),
    "maxval": (0.05, 0.3),
    "stddev": (0.05, 0.5),
    "a": (0.0, 0.2),
}
"""Of fields whose type does not say enough, what they are drawn from."""

OF_PARAMETERS = (FACTORS, DECAYS)
"""Fields that name parameters of a model, which an entry by itself does not know."""

FAMILIES: Mapping[str, Mapping[str, type[Entry]]] = {
    "parity.activations": ACTIVATIONS, "parity.initializers": INITIALIZERS, "parity.regularizers": REGULARIZERS,
    "parity.constraints": CONSTRAINTS, "parity.schedules": SCHEDULES,
}  # fmt: skip
"""Entries that a field may hold, by their package."""


def entry(numbers: random.Random, kind: type[EntryT], **said: Any) -> EntryT:
    """Return an entry with random fields.

    Args:
        numbers: that decide.
        kind: its class.
        said: fields that are not drawn.

    Raises:
        ValueError: when no fields that were drawn go together.
    """
    for _ in range(ATTEMPTS):
        fields = {
            name: drawn(numbers, name, field)
            for name, field in kind.model_fields.items()
            if name not in (*said, "name", "inputs", *OF_PARAMETERS, *getattr(kind, "naming", ()))
            and not _kept(numbers, name, field)
        }
        try:
            return kind.model_validate(said | fields)
        except ValidationError:
            continue
    raise ValueError(f"no fields drawn for {kind.kind} go together")


def _kept(numbers: random.Random, name: str, field: FieldInfo) -> bool:
    """Return whether a field stays at its default."""
    if field.is_required():
        return False
    kind = "clip" if name.startswith("clip") or name == "global_clipnorm" else name.rpartition("_")[2]
    return numbers.random() < KEPT.get(kind, KEPT["other"])


def drawn(numbers: random.Random, name: str, field: FieldInfo) -> Any:
    """Return a value for a field, which need not fit the others.

    Args:
        numbers: that decide.
        name: of the field.
        field: what it says of itself.
    """
    if name in VALUES:
        return numbers.choice(VALUES[name])
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return _of_type(numbers, field.annotation, default, _required_low(field.metadata))


def _required_low(metadata: Sequence[Any]) -> int:
    """Return the lowest whole number that the metadata of a field let pass; 0 where they do not say."""
    lows = [int(one.gt) + 1 for one in metadata if hasattr(one, "gt")]
    return max([int(one.ge) for one in metadata if hasattr(one, "ge")] + lows, default=0)


def _of_type(numbers: random.Random, wanted: Any, default: Any, low: int = 0) -> Any:
    """Return a value of a type, near a default if there is one."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return _of_type(numbers, inner[0], default, _required_low(inner[1:]))
    if origin is Literal:
        return numbers.choice(inner)
    if origin in (Union, types.UnionType):
        return _of_one(numbers, inner, default)
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return tuple(_of_type(numbers, inner[0], None) for _ in range(numbers.randint(1, 3)))
    if origin is tuple:
        return tuple(_of_type(numbers, one, None) for one in inner)
    if wanted is bool:
        return numbers.random() < 0.5
    if wanted is int:
        return numbers.randint(low, max(3, low))
    if wanted is float:
        near = [0.5 * default, 0.8 * default, 1.25 * default, 2 * default] if default else [0.0, 0.1, 0.3, 1.0]
        return float(f"{numbers.choice(near):.6g}")
    if isinstance(wanted, type) and issubclass(wanted, Entry):
        family = FAMILIES.get(wanted.__module__)  # A base stands in its package, an entry in a file of that.
        return entry(numbers, wanted if family is None else family[numbers.choice(list(family))])
    raise TypeError(f"a field of type {wanted!r} is not drawn: say what from in VALUES")


def _of_one(numbers: random.Random, inner: Sequence[Any], default: Any) -> Any:
    """Return a value of one of several types: of an entry, where that is one of them."""
    for one in inner:
        if isinstance(one, type) and issubclass(one, Entry) and one.__module__ in FAMILIES:
            return _of_type(numbers, one, default)
    return _of_type(numbers, numbers.choice([one for one in inner if one is not type(None)]), default)
