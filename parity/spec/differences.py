"""Differences: the paths at which two resolved configs differ, and configs that have some of them.

The same change on many layers is one difference. A change of kind is split: the kind, with the fields only it
has, is one difference; each field that both kinds share is another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from parity.entries import Entry, shown
from parity.spec.resolve import Layer, Resolved
from parity.spec.schema import Config


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One path at which two sides differ.

    Args:
        path: as a user would write it in ``changes``; several layers are one pattern.
        paths: the concrete paths it stands for.
        a: value on the first side, as text.
        b: value on the second side, as text.
        a_origin: where the first side's value came from.
        b_origin: where the second side's value came from.
        layers: the layers it touches.
        reason: why it provably does nothing, empty where it may do something.
    """

    path: str
    paths: tuple[str, ...]
    a: str
    b: str
    a_origin: str
    b_origin: str
    layers: tuple[str, ...] = ()
    reason: str = ""

    @property
    def inert(self) -> bool:
        """Return whether it provably does nothing."""
        return bool(self.reason)


@dataclass(frozen=True)
class _Found:
    path: tuple[str, ...]
    a: str
    b: str


def differences(a: Resolved, b: Resolved, rows: int | None = None) -> list[Difference]:
    """Return the differences of two sides, in the order of the spec's sections.

    Args:
        a: first side.
        b: second side.
        rows: rows of the training set, where known: tells whether the last batch is full anyway.
    """
    found: list[Difference] = []
    for section in ("data", "layers", "loss", "optimizer", "training", "metrics"):
        if section == "layers":
            found += _layer_differences(a, b)
            continue
        for one in _compare((section,), getattr(a.config, section), getattr(b.config, section)):
            path = ".".join(one.path)
            found.append(_made(a, b, path, (path,), one, reason=_section_reason(one, a, b, rows)))
    return found


def _layer_differences(a: Resolved, b: Resolved) -> list[Difference]:
    layers_a, layers_b = a.layers(), b.layers()
    groups: dict[tuple[tuple[str, ...], str, str], list[tuple[Layer, Layer, _Found]]] = {}
    for left, right in zip(layers_a, layers_b, strict=True):
        for one in _compare((), left.op, right.op):
            groups.setdefault((one.path, one.a, one.b), []).append((left, right, one))
    found = []
    for (keys, _, _), members in groups.items():
        names = tuple(left.name for left, _, _ in members)
        having = [layer.name for layer in layers_a if keys[0] in type(layer.op).model_fields]
        pattern = names[0] if len(names) == 1 else "*" if list(names) == having else f"{{{','.join(names)}}}"
        reasons = [_layer_reason(left, right, keys) for left, right, _ in members]
        found.append(
            _made(
                a,
                b,
                ".".join(["layers", pattern, *keys]),
                tuple(".".join(["layers", name, *keys]) for name in names),
                members[0][2],
                layers=names,
                reason=reasons[0] if all(reasons) else "",
            )
        )
    return found


def _made(
    a: Resolved, b: Resolved, path: str, paths: tuple[str, ...], one: _Found, reason: str, layers: tuple[str, ...] = ()
) -> Difference:
    return Difference(
        path=path, paths=paths, a=one.a, b=one.b, a_origin=a.origin(paths[0]), b_origin=b.origin(paths[0]),
        layers=layers, reason=reason,
    )  # fmt: skip


def _compare(path: tuple[str, ...], a: Any, b: Any) -> Iterator[_Found]:
    """Yield where two values differ."""
    if isinstance(a, Entry) and isinstance(b, Entry):
        shared = [name for name in type(a).model_fields if name in type(b).model_fields and name != "name"]
        if a.kind != b.kind:
            yield _Found(path, _without(a, shared), _without(b, shared))
    elif isinstance(a, BaseModel) and isinstance(b, BaseModel):
        shared = list(type(a).model_fields)
    else:
        if a != b:
            yield _Found(path, shown(a), shown(b))
        return
    for name in shared:
        yield from _compare((*path, name), getattr(a, name), getattr(b, name))


def _without(entry: Entry, shared: list[str]) -> str:
    """Return the entry as text, without the fields that both kinds have."""
    parts = [
        f"{name}={shown(getattr(entry, name))}" for name in type(entry).model_fields if name not in [*shared, "name"]
    ]
    return f"{entry.kind}({', '.join(parts)})" if parts else entry.kind


def _layer_reason(left: Layer, right: Layer, keys: tuple[str, ...]) -> str:
    """Return why a difference on a layer does nothing: both sides must say so."""
    name = keys[0]
    if name.startswith("bias_") and not (getattr(left.op, "use_bias", True) or getattr(right.op, "use_bias", True)):
        return "neither side has the bias"
    forth = left.op.inert(name, getattr(right.op, name), left.input_shape)
    back = right.op.inert(name, getattr(left.op, name), right.input_shape)
    return forth if forth and back else ""


def _section_reason(one: _Found, a: Resolved, b: Resolved, rows: int | None) -> str:
    if one.path == ("metrics",):
        return "metrics are reported, nothing is trained by them"
    if one.path == ("training", "drop_remainder") and rows is not None:
        sizes = {a.config.training.batch_size, b.config.training.batch_size}
        if all(rows % size == 0 for size in sizes):
            return f"{rows} rows fill every batch"
    return ""


def mixed(a: Config, b: Config, taken: set[str]) -> Config:
    """Return ``a`` with the values of ``b`` at the concrete paths ``taken``.

    Taking every path of every difference gives ``b``; taking none gives ``a``.

    Args:
        a: a side's config.
        b: another side's config, of the same layers.
        taken: concrete paths, as :attr:`Difference.paths` has them.
    """
    sections = {
        section: _mix(section, getattr(a, section), getattr(b, section), taken)
        for section in ("data", "loss", "optimizer", "training", "metrics")
    }
    layers = tuple(
        _mix(f"layers.{left.name}", left, right, taken)
        for left, right in zip(a.model.layers, b.model.layers, strict=True)
    )
    return a.model_copy(update={**sections, "model": a.model.model_copy(update={"layers": layers})})


def _mix(path: str, a: Any, b: Any, taken: set[str]) -> Any:
    if not (isinstance(a, BaseModel) and isinstance(b, BaseModel)):
        return b if path in taken else a
    base = b if isinstance(a, Entry) and path in taken and type(a) is not type(b) else a
    values = {}
    for name in type(base).model_fields:
        if name in type(a).model_fields and name in type(b).model_fields:
            values[name] = _mix(f"{path}.{name}", getattr(a, name), getattr(b, name), taken)
        else:
            values[name] = getattr(base, name)
    return type(base).model_validate(values)
