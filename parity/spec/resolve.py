"""Resolving: a side with every field explicit, each value knowing where it came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from parity.code import Parameter
from parity.entries import Strict
from parity.errors import Fault, SpecError
from parity.frameworks import title_of
from parity.spec.apart import movable, pattern_faults
from parity.spec.consistency import Layers, Reached, check_change, check_model, hidden_faults, loss_faults
from parity.spec.faults import Loc, Where, faults_of
from parity.spec.graph import Graph, Layer, graph_of, named
from parity.spec.holes import apart_faults, reading_faults, unsaid_faults
from parity.spec.output_faults import output_faults
from parity.spec.own_program import OwnProgram, own_program
from parity.spec.paths import at, set_path, set_together, split, visit, walk
from parity.spec.plain import dump
from parity.spec.sections import PARTS, Config, SideSpec, Spec
from parity.spec.targets import target_faults
from parity.spec.views import Views

Precision = Literal["float32", "float64"]

DEFAULT = "parity default"
"""Origin of what nobody says."""

Own = Mapping[str, Mapping[str, Any]]
"""What a framework does where nothing is said: by module of an entry, its fields as a spec would say them."""

Reader = Callable[[str, str | None], Own]
"""Asks a framework that an interpreter has, None for this one, what it does where nothing is said."""
ConfigT = TypeVar("ConfigT", bound=Config)

NO_FILE = Where()
"""Where a spec built in Python stands."""


def _as_known(framework: str, python: str | None) -> Own:
    """Ask nobody."""
    del framework, python
    return {}


@dataclass(frozen=True, kw_only=True)
class Resolved(Views):
    """One side, ready to be compiled.

    Args:
        name: of the side.
        framework: that runs it.
        config: with every field explicit and every layer named.
        origins: path to where its value came from; a path without one has its parent's.
        python: interpreter that has the framework, None for this one.
        packages: exact versions that were asked for, which that interpreter has.
        own: what its framework answered where nothing is said; nothing where it was not asked.
        program: written by hand, None for the compiled one.
    """

    name: str
    framework: str
    config: Config
    origins: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    own: Own = field(default_factory=dict)
    program: OwnProgram | None = None

    @cached_property
    def graph(self) -> Graph:
        """Return the model as a graph, every shape worked out."""
        return graph_of(self.config.model)

    def having(self, config: Config) -> Resolved:
        """Return the side with another config; the graph is made out again only where the model is another one."""
        found = replace(self, config=config)
        if config.model is self.config.model:
            vars(found)["graph"] = self.graph
        return found

    def at_home(self, home: Resolved) -> Resolved:
        """Return the side as another one's framework and interpreter run it; a program written by hand is left out."""
        where = {name: getattr(home, name) for name in ("name", "framework", "python", "packages", "own")}
        return replace(self, **where, program=None)

    def layers(self) -> list[Layer]:
        """Return the layers with what they read, in the order in which they are computed."""
        return list(self.graph.layers)

    @property
    def last(self) -> Layer:
        """Return the layer that gives the model's output."""
        return self.graph.last

    @property
    def draws_itself(self) -> bool:
        """Return whether the framework draws the random numbers of a free run."""
        return self.config.training.random == "native"

    def drawing(self) -> list[Layer]:
        """Return the layers that draw random numbers in a training step, in the order of their calls."""
        return [layer for layer in self.layers() if layer.op.dealt()]

    def parameters(self) -> dict[str, Parameter]:
        """Return all tensors of the model as ``layer.parameter``, in the order of the layers."""
        return dict(self.graph.parameters)

    @property
    def parameter_count(self) -> int:
        """The numbers in all of them."""
        return sum(math.prod(one.shape) for one in self.parameters().values())

    def origin(self, path: str) -> str:
        """Return where the value at a path came from."""
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            found = self.origins.get(".".join(parts[:end]))
            if found:
                return found
        return DEFAULT


def resolve(spec: Spec, installed: tuple[str, ...] = (), read: Reader = _as_known) -> list[Resolved]:
    """Return every side of a spec, resolved.

    Args:
        spec: the spec.
        installed: frameworks that run the spec when it names no sides.
        read: asks the installed framework, by its name and interpreter, for its own defaults; what it does not tell is
            taken as it is known.

    Raises:
        SpecError: with every fault of every side: changes that do not fit, networks that cannot be.
    """
    sides = dict(spec.sides) or {name: SideSpec(framework=name) for name in installed}
    found: list[Resolved] = []
    faults: list[Fault] = []
    for name, side in sides.items():
        try:
            found.append(resolve_side(spec, name, side, read=read))
        except SpecError as error:
            faults += error.faults
    if faults:
        raise SpecError(dict.fromkeys(faults))
    return found


def resolve_side(
    spec: Spec, name: str, side: SideSpec, where: Where = NO_FILE, read: Reader = _as_known
) -> Resolved:  # fmt: skip
    """Return one side, resolved: the spec, its changes, and the framework's own defaults if asked for.

    Args:
        spec: the spec.
        name: of the side.
        side: what it does differently.
        where: knows the lines of the spec.
        read: asks a framework for its own defaults.

    Raises:
        SpecError: when the changes do not fit, or the network that results cannot be.
    """
    config = Config(**{key: getattr(spec, key) for key in Config.model_fields})
    config = with_names(config.model_copy(update={"model": named(config.model)}))
    origins = _origins(config, spec.model_fields_set)
    native = side.defaults == "native"
    own = read(side.framework, side.python) if native else {}
    if native:
        config = _native(config, side.framework, origins, own)
    resolved = Resolved(
        name=name,
        framework=side.framework,
        config=config,
        origins=origins,
        python=side.python,
        packages=side.packages,
        own=own,
        program=own_program(side),
    )
    placed = {"numerics.device": side.device} if side.device is not None else {}
    resolved = changed(resolved, placed | side.changes, f"side {name}", where, ("sides", name, "changes"))
    if native:  # What a change brings with it and leaves unsaid is the framework's to decide, too.
        origins = dict(resolved.origins)
        resolved = replace(resolved, config=_native(resolved.config, side.framework, origins, own), origins=origins)
    return replace(resolved, origins=_by_line(resolved.origins, side.said_at)) if side.said_at else resolved


def _by_line(origins: Mapping[str, str], said_at: Mapping[str, str]) -> dict[str, str]:
    """Return where values come from in a program: the lines that say them, whatever the spec says of itself."""
    beneath = tuple(f"{path}." for path in said_at)
    return {path: one for path, one in origins.items() if not path.startswith(beneath)} | dict(said_at)


def with_names(config: ConfigT) -> ConfigT:
    """Return a config whose data say what the arrays of several inputs and outputs are called: as the model does."""
    model, data = config.model, config.data
    several = {"x": model.named_inputs() if len(model.named_inputs()) > 1 else (), "y": model.outputs}
    unsaid = {
        name: tuple(names)
        for name, names in several.items()
        if names and getattr(data, name) == type(data).model_fields[name].default
    }
    return config.model_copy(update={"data": data.model_copy(update=unsaid)}) if unsaid else config


def changed(
    resolved: Resolved, changes: Mapping[str, Any], origin: str, where: Where = NO_FILE, loc: Loc = ()
) -> Resolved:
    """Return a side with more changes made, one after another.

    A change that is wrong only beside what another one of them replaces (``data.reshape`` beside an old
    ``data.transpose``) waits for that one.

    Args:
        resolved: the side.
        changes: path to value; a value is what YAML would give there.
        origin: said of the values that change.
        where: knows the lines of the file that the changes stand in.
        loc: their place in it.

    Raises:
        SpecError: when a path matches nothing, a value does not fit, or the network that results cannot be.
    """
    config, origins = resolved.config, dict(resolved.origins)
    faults: list[Fault] = []
    places: dict[str, Loc] = {}
    written = config.model.placed
    waiting = dict(changes)
    while waiting:
        late: dict[str, ValidationError] = {}
        for path, value in waiting.items():
            found = check_change(path, value, *_parts(config), where, (*loc, path))
            faults += found
            if found:
                continue
            try:
                config, touched = set_path(config, path, value)
            except ValidationError as error:
                late[path] = error
                continue
            _retell(origins, config, touched, origin)
            places |= _places(config, touched, (*loc, path))
        if len(late) == len(waiting):
            config, touched = set_together(config, waiting)
            _retell(origins, config, touched, origin)
            faults += [
                fault
                for path, error in late.items()
                if path not in touched
                for fault in faults_of(error, where, (*loc, path), inside=0 if _is_whole(path, changes[path]) else 1)
            ]
            break
        waiting = {path: waiting[path] for path in late}
    faults += [] if faults else output_faults(config, where, changes, loc)
    faults += [] if faults else check_model(config.model, where, places, written, config.data)
    layers: dict[str, Loc] = {name: ("model", "layers", *place) for name, place in written.items()} | places
    own = resolved.program is not None
    faults += [] if faults else unsaid_faults(resolved.framework, config, where, changes, loc, layers, own)
    side = replace(resolved, config=config, origins=origins)
    faults += [] if faults or own else apart_faults(side, where, changes, loc, layers)
    every = () if faults or not config.optimizer.parts else (movable(side.graph), movable(resolved.graph))
    faults += pattern_faults(config.optimizer, every[0], where, changes, loc, every[1]) if every else []
    for name, view in () if faults else side.views.items():
        of: Loc = ("loss", name) if name else ("loss",)
        loss, hidden = view.config.loss, hidden_faults(view.config.loss, view.graph, where, of)
        faults += hidden + reading_faults(view.config, where, of)
        if not hidden and not own:
            last = next((key for key in reversed(list(changes)) if key.partition(".")[0] == "loss"), None)
            faults += target_faults(view.config, origins.get("data.targets", DEFAULT), where, changes, loc)
            faults += loss_faults(loss, view.last.output_shape, view.weighs, where, (*loc, last) if last else of)
    if faults:
        raise SpecError(faults)
    return side


def _places(config: Config, touched: list[str], loc: Loc) -> dict[str, Loc]:
    """Return the layers that a change touched, and where the file says what they are."""
    if "layers" in touched:
        return {str(op.name): (*loc, index) for index, op in enumerate(config.model.layers)}
    return {one.split(".")[1]: loc for one in touched if one.startswith("layers.")}


def _is_whole(path: str, value: Any) -> bool:
    """Return whether a change names a layer and says its fields in its value."""
    return isinstance(value, Mapping) and path.startswith("layers.") and len(split(path)) == 2


def _parts(config: Config) -> tuple[Layers, dict[str, Reached]]:
    """Return what a change may reach."""
    layers = {str(op.name): Reached(type(op), op) for op in config.model.layers}
    sections = {name: getattr(config, name) for name in PARTS}
    return layers, {name: Reached(type(value), value) for name, value in sections.items()}


def _tell(origins: dict[str, str], path: str, part: BaseModel, origin: str) -> None:
    """Note where every field below a part came from: said by ``origin``, or left to the default."""
    for inner, one in visit(path, part):
        parent = origins.get(inner, origin)
        for name in type(one).model_fields:
            told = name in one.model_fields_set and parent != DEFAULT
            origins[f"{inner}.{name}"] = origin if told else DEFAULT


def _retell(origins: dict[str, str], config: Config, touched: list[str], origin: str) -> None:
    """Note where the values at changed paths came from."""
    for path in touched:
        for known in [known for known in origins if known.startswith(f"{path}.")]:
            del origins[known]
        origins[path] = origin
        value = at(config, path)
        if isinstance(value, BaseModel):
            _tell(origins, path, value, origin)


def _origins(config: Config, said: set[str]) -> dict[str, str]:
    origins = {section: "spec" if section in said else DEFAULT for section in Config.model_fields}
    origins["layers"] = "spec"
    for section in PARTS:
        _tell(origins, section, getattr(config, section), origins[section])
    for op in config.model.layers:
        _tell(origins, f"layers.{op.name}", op, "spec")
    return origins


def _native(config: Config, framework: str, origins: dict[str, str], own: Own) -> Config:
    """Put the framework's own defaults where nobody says anything: as it was asked for them, or as they are known."""
    for path, part in list(walk(config)):
        if not isinstance(part, Strict):
            continue
        told = own.get(type(part).__module__, {})
        changed = {name: value for name, value in told.items() if value != default_of(type(part), name)}
        known = {name: value for name, value in part.natively(framework).items() if name not in told}
        for name, value in (known | changed).items():
            # What a loss does with flat targets is decided once it is known that they are.
            if origins.get(f"{path}.{name}") == DEFAULT and name not in getattr(part, "settled", ()):
                config, touched = set_path(config, f"{path}.{name}", value)
                _retell(origins, config, touched, f"{title_of(framework)} default")
    return config


def default_of(kind: type[Strict], name: str) -> Any:
    """Return the default that a field declares, as a spec would say it."""
    return dump(kind.model_fields[name].get_default(call_default_factory=True))
