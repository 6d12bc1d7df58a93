"""Resolving: a side with every field explicit, each value knowing where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from parity.entries import TITLES, Entry, Shape
from parity.errors import Fault, SpecError
from parity.ops import Op
from parity.spec.check import check_change, check_model, raw_layers
from parity.spec.faults import Lines, Where, faults_of
from parity.spec.paths import auto_names, matching, split
from parity.spec.schema import Config, SideSpec, Spec
from parity.written import Parameter

Precision = Literal["float32", "float64"]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of a resolved model: its op, its name, and the shapes before and after it."""

    name: str
    op: Op
    input_shape: Shape
    output_shape: Shape

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Return its trainable tensors by name."""
        return self.op.parameters(self.input_shape)


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """One side, ready to be compiled.

    Args:
        name: of the side.
        framework: that runs it.
        config: with every field explicit and every layer named.
        origins: path to where its value came from; a path without one has its parent's.
        python: interpreter that has the framework, None for this one.
    """

    name: str
    framework: str
    config: Config
    origins: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None

    def layers(self) -> list[Layer]:
        """Return the layers with their shapes."""
        found: list[Layer] = []
        shape: Shape = self.config.model.input
        for op in self.config.model.layers:
            output = op.output_shape(shape)
            found.append(Layer(name=str(op.name), op=op, input_shape=shape, output_shape=output))
            shape = output
        return found

    def parameters(self) -> dict[str, Parameter]:
        """Return all trainable tensors as ``layer.parameter``, in the order of the layers."""
        return {
            f"{layer.name}.{name}": parameter for layer in self.layers() for name, parameter in layer.parameters.items()
        }

    def origin(self, path: str) -> str:
        """Return where the value at a path came from."""
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            found = self.origins.get(".".join(parts[:end]))
            if found:
                return found
        return "parity default"


def resolve(spec: Spec, installed: tuple[str, ...] = ()) -> list[Resolved]:
    """Return every side of a spec, resolved.

    Args:
        spec: the spec.
        installed: frameworks that run the spec when it names no sides.

    Raises:
        SpecError: when a side's changes leave a network that cannot be.
    """
    sides = dict(spec.sides) or {name: SideSpec(framework=name) for name in installed}
    return [resolve_side(spec, name, side) for name, side in sides.items()]


def resolve_side(spec: Spec, name: str, side: SideSpec) -> Resolved:
    """Return one side, resolved: the spec, then the framework's own defaults if asked for, then its changes."""
    config = _named(Config(**{key: getattr(spec, key) for key in Config.model_fields}))
    origins = _origins(config, spec.model_fields_set)
    if side.defaults == "native":
        config = _native(config, side.framework, origins)
    resolved = Resolved(name=name, framework=side.framework, config=config, origins=origins, python=side.python)
    return changed(resolved, side.changes, f"side {name}")


def _named(config: Config) -> Config:
    names = auto_names([(op.kind, op.name) for op in config.model.layers])
    layers = tuple(op.model_copy(update={"name": name}) for op, name in zip(config.model.layers, names, strict=True))
    return config.model_copy(update={"model": config.model.model_copy(update={"layers": layers})})


def changed(resolved: Resolved, changes: Mapping[str, Any], origin: str) -> Resolved:
    """Return a side with more changes made.

    Args:
        resolved: the side.
        changes: path to value; a value is what YAML would give there.
        origin: said of the values that change.

    Raises:
        SpecError: when a path matches nothing, a value does not fit, or the network that results cannot be.
    """
    config, origins = resolved.config, dict(resolved.origins)
    where = Where(Lines(None, {}))
    data = {"model": {"layers": list(config.model.layers)}, "loss": config.loss, "optimizer": config.optimizer}
    layers = raw_layers(data)
    faults: list[Fault] = []
    for path, value in changes.items():
        found = check_change(path, value, layers, where, (path,), data)
        faults += found
        if not found:
            try:
                config, touched = set_path(config, path, value)
            except ValidationError as error:
                faults += faults_of(error, where, (path,))
                continue
            for one in touched:
                for known in [known for known in origins if known == one or known.startswith(f"{one}.")]:
                    del origins[known]
                origins[one] = origin
    faults += [] if faults else check_model(config.model, where)
    if faults:
        raise SpecError(faults)
    return Resolved(
        name=resolved.name, framework=resolved.framework, config=config, origins=origins, python=resolved.python
    )


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
    pattern, *parts = rest
    fields = {tuple(parts): value} if parts else {tuple(str(name).split(".")): one for name, one in value.items()}
    chosen = matching(pattern, [str(op.name) for op in config.model.layers])
    layers, touched = list(config.model.layers), []
    for index, op in enumerate(layers):
        for keys, one in fields.items():
            if op.name in chosen and keys[0] in type(op).model_fields:
                layers[index] = _set(layers[index], list(keys), one)
                touched.append(".".join(["layers", str(op.name), *keys]))
    model = config.model.model_copy(update={"layers": tuple(layers)})
    return config.model_copy(update={"model": model}), touched


def _set(owner: Any, keys: list[str], value: Any) -> Any:
    name, *deeper = keys
    new = _set(getattr(owner, name), deeper, value) if deeper else value
    return type(owner).model_validate({**_fields(owner), name: new})


def _fields(part: BaseModel) -> dict[str, Any]:
    return {name: getattr(part, name) for name in type(part).model_fields}


def _walk(config: Config) -> list[tuple[str, Any]]:
    """Return every part of a config that has fields of its own, by path, parents first."""
    found: list[tuple[str, Any]] = []

    def visit(path: str, part: BaseModel) -> None:
        found.append((path, part))
        for name in type(part).model_fields:
            value = getattr(part, name)
            if isinstance(value, Entry):
                visit(f"{path}.{name}", value)

    for section in ("data", "loss", "optimizer", "training"):
        visit(section, getattr(config, section))
    for op in config.model.layers:
        visit(f"layers.{op.name}", op)
    return found


def _origins(config: Config, said: set[str]) -> dict[str, str]:
    origins = {section: "spec" if section in said else "parity default" for section in Config.model_fields}
    origins["layers"] = "spec"
    for path, part in _walk(config):
        parent = origins.get(path, "")
        for name in type(part).model_fields:
            told = name in part.model_fields_set and parent != "parity default"
            origins[f"{path}.{name}"] = "spec" if told else "parity default"
    return origins


def _native(config: Config, framework: str, origins: dict[str, str]) -> Config:
    """Put the framework's own defaults where the spec says nothing."""
    for path, part in _walk(config):
        for name, value in getattr(type(part), "native", {}).get(framework, {}).items():
            if origins.get(f"{path}.{name}") != "spec":
                config, _ = set_path(config, f"{path}.{name}", value)
                origins[f"{path}.{name}"] = f"{TITLES[framework]} default"
    return config


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


def to_yaml(spec: Spec) -> str:
    """Return a spec as YAML, every field said: what a spec built in Python would be as a file."""
    import io

    from ruamel.yaml import YAML

    data = dump(spec)
    # The name first, then the question: the order of a file that a person would write.
    ordered = {
        key: data[key] for key in ("name", "question", *(key for key in data if key not in ("name", "question")))
    }
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    writer.dump(ordered, stream)
    return stream.getvalue()
