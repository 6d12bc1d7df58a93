"""Paths into a config: ``layers.*.kernel_initializer``, ``optimizer.learning_rate``, ``training.shuffle``.

A path starts with a section (``data``, ``loss``, ``optimizer``, ``training``, ``numerics``, ``metrics``) or with
``layers`` and a pattern over layer names: a name, a wildcard such as ``*`` or ``dense*``, or a list ``{a,b}``. What
inserts, removes or replaces whole layers is said in ``parity.spec.lists``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel, ValidationError

from parity.entries import Entry
from parity.free_names import free_name
from parity.spec.lists import is_structural, restructured
from parity.spec.sections import PARTS, SECTIONS, Config


def split(path: str) -> list[str]:
    """Return the parts of a path; dots inside braces or brackets do not separate."""
    return re.findall(r"[^.{]*\{[^}]*\}[^.]*|[^.]+", path)


def matching(pattern: str, names: list[str]) -> list[str]:
    """Return the names that a pattern means, in their own order.

    Args:
        pattern: a name, a wildcard (``*``, ``dense*``) or a list of either (``{conv1d,dense}``).
        names: the layers there are.
    """
    return [name for name in names if any(fnmatchcase(name, one) for one in alternatives(pattern))]


def alternatives(pattern: str) -> list[str]:
    """Return the parts of a list ``{a,b}``; a pattern that is none by itself."""
    braces = re.fullmatch(r"\{(.*)\}", pattern)
    return [part.strip() for part in braces[1].split(",")] if braces else [pattern]


def pattern_of(names: Sequence[str]) -> str:
    """Return the pattern that means some layers and no others.

    >>> pattern_of(["a"]), pattern_of(["a", "b"])
    ('a', '{a,b}')
    """
    return names[0] if len(names) == 1 else f"{{{','.join(names)}}}"


def auto_names(kinds: list[tuple[str, str | None]]) -> list[str]:
    """Return a name for each layer, as Keras counts them: dense, dense_1, dense_2.

    Args:
        kinds: kind and given name of each layer; a layer without a name takes the next free one of its kind.
    """
    taken = {name for _, name in kinds if name}
    names: list[str] = []
    for kind, name in kinds:
        if not name:
            name = free_name(kind, taken)
            taken.add(name)
        names.append(name)
    return names


def set_path(config: Config, path: str, value: Any) -> tuple[Config, list[str]]:
    """Return the config with the value at a path, and the concrete paths it was put at.

    Raises:
        ValidationError: when the value does not fit.
    """
    section, *rest = split(path)
    if section != "layers":
        if not rest:
            return type(config).model_validate({**_fields(config), section: value}), [path]
        return config.model_copy(update={section: _set(getattr(config, section), rest, value)}), [path]
    pattern, *parts = rest or ["*"]
    chosen = matching(pattern, [str(op.name) for op in config.model.layers])
    if is_structural(rest, value):
        config, names = restructured(config, chosen, rest, value)
        return config, [*(() if rest else ("layers",)), *(f"layers.{name}" for name in names)]
    fields = {tuple(parts): value} if parts else {tuple(split(str(name))): one for name, one in value.items()}
    layers, touched = list(config.model.layers), []
    for index, op in enumerate(layers):
        mine = {keys: one for keys, one in fields.items() if op.name in chosen and keys[0] in type(op).model_fields}
        if mine:
            layers[index] = _set_all(op, mine)
            touched += [".".join(["layers", str(op.name), *keys]) for keys in mine]
    model = config.model.model_copy(update={"layers": tuple(layers)})
    return config.model_copy(update={"model": model}), touched


def set_together(config: Config, changes: Mapping[str, Any]) -> tuple[Config, list[str]]:
    """Return the config with fields of a section set at once where that is right, and the paths that were set."""
    touched: list[str] = []
    for section in SECTIONS:
        mine = [path for path in changes if len(split(path)) == 2 and split(path)[0] == section]
        if len(mine) > 1:
            fields: dict[tuple[str, ...], Any] = {(split(path)[1],): changes[path] for path in mine}
            try:
                config = config.model_copy(update={section: _set_all(getattr(config, section), fields)})
            except ValidationError:
                continue
            touched += mine
    return config, touched


def _set_all(owner: Any, fields: Mapping[tuple[str, ...], Any]) -> Any:
    """Set fields at once, for some are right only together; then fields of theirs."""
    direct = {keys[0]: value for keys, value in fields.items() if len(keys) == 1}
    owner = type(owner).model_validate({**_fields(owner), **direct}) if direct else owner
    for keys, value in fields.items():
        if len(keys) > 1:
            owner = _set(owner, list(keys), value)
    return owner


def _set(owner: Any, keys: list[str], value: Any) -> Any:
    name, *deeper = keys
    new = _set(getattr(owner, name), deeper, value) if deeper else value
    return type(owner).model_validate({**_fields(owner), name: new})


def _fields(part: BaseModel) -> dict[str, Any]:
    return {name: getattr(part, name) for name in type(part).model_fields}


def visit(path: str, part: BaseModel) -> Iterator[tuple[str, BaseModel]]:
    """Yield a part and every entry in it, by path, parents first."""
    yield path, part
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Entry):
            yield from visit(f"{path}.{name}", value)


def walk(config: Config) -> Iterator[tuple[str, BaseModel]]:
    """Yield every part of a config that has fields of its own, by path, parents first."""
    for section in PARTS:
        yield from visit(section, getattr(config, section))
    for op in config.model.layers:
        yield from visit(f"layers.{op.name}", op)


def at(config: Config, path: str) -> Any:
    """Return the value at a concrete path; None for a layer that there is not."""
    section, *keys = path.split(".")
    if section == "layers":
        value: Any = config.model.layers
        if keys:
            value = next((op for op in value if op.name == keys[0]), None)
        keys = keys[1:]
    else:
        value = getattr(config, section)
    for key in keys:
        value = getattr(value, key)
    return value
