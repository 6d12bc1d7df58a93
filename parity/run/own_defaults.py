"""What the installed framework does where a spec says nothing, read from it in a worker and kept by its version.

What an entry's ``native`` says of a framework holds for the versions that it was read from. Here the framework that
will run answers for itself: the signatures of its parts, the numbers that its layers start with, and three steps of its
optimizers, from the tables by which parity writes those parts (:class:`~parity.native.Native`), from right to left.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from parity import __version__
from parity.atomic import whole
from parity.catalog import FAMILIES, INITIALIZERS, OPS, OPTIMIZERS
from parity.code import Parameter, Site
from parity.entries import Entry
from parity.errors import ParityError
from parity.frameworks import frameworks, has_part
from parity.initializers import Initializer
from parity.initializers.random_normal import RandomNormal
from parity.initializers.random_uniform import RandomUniform
from parity.lazy import np
from parity.native import Native, Turned
from parity.ops import Op, ShapeError
from parity.run.environment import versions
from parity.run.initial import initial_value
from parity.run.own_rules import GRADIENTS, START, ruled
from parity.run.session import Session
from parity.spec.plain import dump
from parity.spec.resolve import Own

FORM = 2
"""Raised when more is asked, or is asked in another way: what was kept before is then asked again."""

ENOUGH = 6_000
"""Numbers that tell one initializer from another."""

CHANCE = 1e-4
"""How seldom numbers of an initializer are taken for another's."""

REACH = 1.25
"""Ratio of the largest but six of two sets of numbers from which on they are not one initializer's.

Of :data:`ENOUGH` normal numbers that one is off by 3.5 %, the largest of all by 8: of a hundred pairs four are apart by
so much. A normal distribution that is cut at two deviations, and has the same deviation, reaches 1.45 times less far.
"""

SPARED = 6
"""Numbers that lie further out than the one by which it is said how far they reach."""

WIDE = {"units": 48, "filters": 48, "output_dim": 48, "input_dim": 40}
"""Sizes of a layer that is made to see how it starts."""


def own_defaults(framework: str, python: str | None = None) -> Own:
    """Return what an installed framework does where nothing is said; nothing where it cannot be asked.

    Args:
        framework: its name.
        python: interpreter that has it; this one if None.

    Returns:
        By module of an entry, the fields that could be read, as a spec would say them.
    """
    known, packages = frameworks()[framework], list(frameworks()[framework].packages)
    if not has_part(framework, "driver.parts") or (python is None and not known.installed()):
        return {}
    with ExitStack() as opened, suppress(ParityError):
        session = None if python is None else opened.enter_context(_asked(framework, python))
        file = _kept(framework, session.ask("versions", packages=packages) if session else versions(packages))
        stored = _stored(file)
        if stored is not None:
            return stored
        return _store(file, read(framework, session or opened.enter_context(_asked(framework, python))))
    return {}


def _asked(framework: str, python: str | None) -> Session:
    return Session(f"{framework}'s defaults", python)


def _stored(file: Path) -> Own | None:
    """Return what was kept; None where there is nothing, or nothing that can be read."""
    with suppress(OSError, ValueError):
        kept = json.loads(file.read_text(encoding="utf-8"))
        return kept if isinstance(kept, dict) else None
    return None


def _store(file: Path, found: Own) -> Own:
    with suppress(OSError), whole(file) as written:  # A cache that cannot be written is none.
        written.write(json.dumps(found).encode())
    return found


def _kept(framework: str, installed: Mapping[str, str]) -> Path:
    """Return the file that keeps what was read of the versions that are installed, by these tables."""
    asked = sorted(
        (entry.__module__, part.name, sorted({*part.arguments, *entry.seen_in_part}))
        for entry, part in _parts(framework)
    )
    key = hashlib.sha256(json.dumps([FORM, __version__, sorted(installed.items()), asked]).encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("parity")) / "defaults" / f"{framework}-{key}.json"


def _parts(framework: str) -> Iterator[tuple[type[Entry], Native]]:
    """Yield every entry that a framework has a part for, and the part."""
    for members in FAMILIES.values():
        for entry in members.values():
            part = entry.part(framework)
            if part is not None:
                yield entry, part


def read(framework: str, session: Session) -> dict[str, dict[str, Any]]:
    """Ask a framework for its defaults.

    Args:
        framework: its name.
        session: a worker whose interpreter has it.

    Raises:
        WorkerError: when the worker fails.
    """
    every = list(_parts(framework))
    names = list(dict.fromkeys(part.name for _, part in every))
    asked = Reading(framework=framework, told=session.ask("defaults", framework=framework, names=names))
    found = {entry.__module__: asked.signature(entry, part) for entry, part in every}
    for kind in OPTIMIZERS.values():
        part = kind.part(framework)
        if part is not None and not part.never:
            with suppress(ParityError):
                steps = session.ask("stepped", framework=framework, name=part.name, start=START, gradients=GRADIENTS)
                found[kind.__module__] |= ruled(kind, part, found[kind.__module__], steps)
    for op in OPS.values():
        layer = started(op, framework)
        if layer is not None:
            few = min(math.prod(one.shape) for one in layer.parameters.values())
            numbers = session.ask("drawn", framework=framework, count=made(few), most=ENOUGH, **layer.question)
            found[op.__module__] = found.get(op.__module__, {}) | layer.meant(numbers)
    return {name: fields for name, fields in found.items() if fields}


@dataclass(frozen=True)
class Reading:
    """What a framework's signatures tell.

    Args:
        framework: its name.
        told: by part, each argument and its default.
    """

    framework: str
    told: Mapping[str, Mapping[str, Any]]

    def signature(self, entry: type[Entry], part: Native) -> dict[str, Any]:
        """Return the fields of an entry that the part's signature says, as a spec would say them."""
        found = {}
        for argument, default in self.told.get(part.name, {}).items():
            said = argument if argument in entry.seen_in_part else part.arguments.get(argument)
            name = said.field if isinstance(said, Turned) else said
            if not isinstance(name, str) or name not in entry.model_fields or entry.model_fields[name].is_required():
                continue
            with suppress(ValidationError, TypeError, ValueError, KeyError):
                value = said.back(default) if isinstance(said, Turned) else self.meant(default)
                found[name] = as_said(entry, name, value)
        return found

    def meant(self, default: Any) -> Any:
        """Return a default as a spec says it: a part of the framework as the entry that it is.

        Raises:
            KeyError: when no entry is that part.
        """
        if not isinstance(default, Mapping):
            return default
        entry, part = _by_name(self.framework)[default["part"]]
        told = part.read(default.get("arguments", {}))
        return {entry.kind: {name: one for name, one in told.items() if name in entry.model_fields}}


@cache
def _by_name(framework: str) -> dict[str, tuple[type[Entry], Native]]:
    """Return the entry of each part; of several that are written with it, the one that most of its fields tell."""
    every = sorted(_parts(framework), key=lambda one: len(one[1].fields & set(one[0].model_fields)))
    return {part.name: (entry, part) for entry, part in every}


def as_said(entry: type[Entry], name: str, value: Any) -> Any:
    """Return the value of a field as a spec says it.

    Raises:
        ValidationError: when the field cannot have it.
    """
    some = next((case.fields for case in entry.cases()), {})
    needed = {one: told for one, told in some.items() if entry.model_fields[one].is_required()}
    return dump(getattr(entry.model_validate({**needed, name: value}), name))


@dataclass(frozen=True)
class Started:
    """A layer that is made to see how its parameters start.

    Args:
        op: the layer.
        parameters: those that an initializer starts.
        question: modules and attributes, as a worker is asked for them.
        places: the attribute of each parameter.
    """

    op: Op
    parameters: Mapping[str, Parameter]
    question: Mapping[str, Any]
    places: Mapping[str, str] = field(default_factory=dict)

    def meant(self, numbers: Mapping[str, Sequence[float]]) -> dict[str, Any]:
        """Return the initializers whose numbers those are, by their fields."""
        found: dict[str, list[Any]] = {}
        for name, parameter in self.parameters.items():
            said = self.op.field_of(name, "initializer")
            drawn = np.asarray(numbers[self.places[name]])
            found.setdefault(said, []).append(initializer_of(drawn, parameter))
        alike = {name: told[0] for name, told in found.items() if all(one == told[0] for one in told)}
        return {name: told for name, told in alike.items() if told is not None}


def started(kind: type[Op], framework: str) -> Started | None:
    """Return a layer in a form that shows how it starts; None where no module of the framework's own stands for it."""
    some = next((case for case in kind.cases() if not kind.ports[1:]), None)
    if some is None or not kind.started:
        return None
    fields = {name: value for name, value in some.fields.items() if kind.model_fields[name].is_required()}
    fields |= {name: size for name, size in WIDE.items() if name in kind.model_fields}
    shape = (*np.shape(some.x)[1:-1], 40) if kind.reads_dtype == "float" else np.shape(some.x)[1:]
    for more in ({}, kind.natively(framework)):  # As parity has it by itself it may be written out.
        with suppress(ValidationError, ShapeError):
            op = kind.model_validate(fields | dict(more))
            op.output_shape(shape)
            code = op.template(framework)(Site(name="layer", input_shape=shape, framework=framework))
            if not getattr(code, "modules", None) or code.helpers:
                continue
            parameters = {
                name: one
                for name, one in op.parameters(shape).items()
                if name in op.started and op.field_of(name, "initializer") in kind.model_fields
            }
            if not parameters:
                return None
            places = {name: code.weights[name].attribute for name in parameters}
            return Started(op, parameters, {"modules": dict(code.modules), "attributes": list(places.values())}, places)
    return None


def made(size: int) -> int:
    """Return how many tensors of a size are made to have numbers enough."""
    return -(-ENOUGH // size)


def initializer_of(numbers: np.ndarray, parameter: Parameter) -> Any:
    """Return the initializer that numbers come from, as a spec says it; None where none, or several, would do.

    Args:
        numbers: all that were drawn.
        parameter: what they start, with the initializer that it has if nothing is known.
    """
    if np.ptp(numbers) == 0:
        named = {0.0: "zeros", 1.0: "ones"}.get(float(numbers[0]))
        return {named: {}} if named else {"constant": {"value": float(numbers[0])}}
    fitting = [one for one in _drawing() if not one.fault(parameter.shape) and _alike(numbers, one, parameter)]
    if not fitting:  # Of a scale of its own, whatever the fans are.
        scale, reach = (float(f"{size:.1g}") for size in (np.std(numbers), np.max(np.abs(numbers))))
        every = (RandomNormal(stddev=scale), RandomUniform(minval=-reach, maxval=reach))
        fitting = [one for one in every if _alike(numbers, one, parameter)]
    return dump(fitting[0]) if len(fitting) == 1 else None


def _alike(numbers: np.ndarray, initializer: Initializer, parameter: Parameter) -> bool:
    """Return whether numbers may be an initializer's: a two-sample Kolmogorov-Smirnov test, and how far they reach.

    That a normal distribution is cut at two deviations hardly moves the first, and a third of the second.
    """
    from scipy.stats import ks_2samp

    started = replace(parameter, initializer=initializer)
    draws = range(made(math.prod(parameter.shape)))
    wanted = np.concatenate([initial_value(seed, "layer", started).ravel() for seed in draws])
    numbers, wanted = numbers[:ENOUGH], wanted[:ENOUGH]
    reach = np.sort(np.abs(numbers))[-SPARED] / np.sort(np.abs(wanted))[-SPARED]
    return bool(1 / REACH < reach < REACH and ks_2samp(numbers, wanted, method="asymp").pvalue > CHANCE)


@cache
def _drawing() -> tuple[Initializer, ...]:
    """Return the initializers that draw, as they are when nothing else is said."""
    found = []
    for kind in INITIALIZERS.values():
        with suppress(ValidationError):
            found.append(kind())
    return tuple(one for one in found if one.random)
