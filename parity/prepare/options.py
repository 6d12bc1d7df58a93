"""From a spec and the options of a command to sides that can be run."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from parity.data.dataset import Dataset
from parity.data.refusing import one_hot_rows
from parity.data.sources import sources
from parity.errors import DataError, SpecError, UsageError, did_you_mean, listed, listed_near, shortened
from parity.frameworks import frameworks
from parity.free_names import free_name
from parity.prepare.installed import installed_frameworks
from parity.prepare.versions import make, with_environments
from parity.run.weights_file import check_weights
from parity.spec import channels
from parity.spec.known import entry_hint
from parity.spec.resolve import Own, Resolved, changed, resolve
from parity.spec.sections import NumericsSpec, Spec
from parity.spec.yaml import parse_yaml


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a command was told beside the spec.

    Args:
        sides: names of the sides to keep, all if empty.
        frameworks: with ``like``: compile that side's config for each of these.
        like: side whose config ``frameworks`` or ``devices`` run.
        devices: with ``like``: run that side's config on each of these.
        device: where every side runs, in place of the spec's.
        steps: steps of the free run, or of the lockstep in ``check``.
        precision: of the free run, or of the lockstep in ``check``.
        seed: in place of the spec's.
        changes: path to value, made on top of the sides' own; a path may start with ``SIDE:``.
        packages: exact version by package, which may start with ``SIDE:``; beside those of the sides.
        environments: make the environments of the sides; else only those that are asked for their own defaults.
        data: a source's name or a file, in place of the spec's.
        explain: look for causes.
        trace: keep digests of every tensor of the free runs.
        check_steps: which steps of the lockstep are checked: ``log``, ``all``, or every so many.
        explain_steps: steps of each counterfactual run.
        outcome: what says which side does better, in place of the spec's.
        max_runs: counterfactual runs that may be made; those of earlier commands cost nothing.
        max_seconds: that they may take.
        effects: also measure each difference alone and taken back, not only the causes.
        subsets: also run every combination of the causes.
        split: groups of layers to look for causes in layer by layer.
        out: folder of the reports.
        timeout: seconds without a word after which a worker is given up.
    """

    sides: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    like: str | None = None
    devices: tuple[str, ...] = ()
    device: str | None = None
    steps: int | None = None
    precision: str | None = None
    seed: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    environments: bool = True
    data: str | None = None
    explain: bool = True
    trace: bool = True
    check_steps: str = "log"
    explain_steps: int | None = None
    outcome: str | None = None
    max_runs: int | None = None
    max_seconds: float | None = None
    effects: bool = True
    subsets: bool = False
    split: tuple[str, ...] = ()
    out: Path | None = None
    timeout: float = 600.0


def given_options(call: str, given: Mapping[str, Any], beside: Collection[str] = ()) -> Options:
    """Return the options that a Python call is given.

    Args:
        call: how it is called, for errors: ``parity.check``.
        given: by name.
        beside: further options that the call itself takes, for what may be meant.

    Raises:
        UsageError: in one line, for what is no option, or not what one takes.
    """
    known = [one.name for one in fields(Options)]
    for name in given:
        if name not in known:
            near = did_you_mean(name, [*known, *beside])
            raise UsageError(f"{call}({name}=...): no such option; {listed(known, 30)}; {near}".rstrip("; "))
    try:
        return TypeAdapter(Options).validate_python(dict(given))
    except ValidationError as error:
        fault = error.errors()[0]
        name, wanted = str(fault["loc"][0]), fault["msg"].removeprefix("Input should be ")
        raise UsageError(f"{call}({name}={shortened(repr(given[name]), 60)}): expected {wanted}") from None


LONGEST_TIMEOUT = 1e9
"""Seconds: thirty years, about as long as a system can wait."""


def check_numbers(options: Options) -> None:
    """Check the numbers of a command that no type holds to.

    Raises:
        UsageError: for a time that is none.
    """
    for name, steps in (("steps", options.steps), ("explain-steps", options.explain_steps)):
        if steps is not None and steps < 1:
            raise UsageError(f"--{name} {steps}: expected a number of steps, from 1")
    for name, value, least in (("timeout", options.timeout, 1.0), ("max-seconds", options.max_seconds, 0.0)):
        if value is not None and not least <= value <= LONGEST_TIMEOUT:  # Also false of nan.
            raise UsageError(f"--{name} {value}: expected seconds, from {least:g} to {LONGEST_TIMEOUT:g}")


def must_be(option: str, name: str, what: str, choices: Collection[str]) -> None:
    """Check that an option names something there is.

    Raises:
        UsageError: with the choices and the nearest of them.
    """
    if name not in choices:
        hint = entry_hint(name, list(choices), what) if what == "framework" else did_you_mean(name, list(choices))
        raise UsageError(f"{option} {name!r}: no such {what}; {listed(choices)}{f'; {hint}' if hint else ''}")


def parse_set(text: str) -> tuple[str, Any]:
    """Return path and value of ``PATH=VALUE``; the value is read as YAML.

    Raises:
        UsageError: when there is no ``=``.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UsageError(f"--set {text!r}: expected PATH=VALUE, such as training.batch_size=32 or tensorflow:loss=...")
    parsed, _ = parse_yaml(value, None)
    return path.strip(), parsed


def prepare(spec: Spec, options: Options) -> list[Resolved]:
    """Return the sides that a command asks for, resolved.

    Raises:
        UsageError: for names that are no side or framework.
        SpecError: when the changes do not fit.
        DataError: when a file of initial weights is missing, or not what the model starts from.
    """
    check_numbers(options)
    spec = with_environments(spec, options.packages)
    sides = resolve(spec, installed_frameworks(), _own_defaults)
    if not sides:
        raise UsageError("no framework is installed; pip install 'parity-harness[all]'")
    if options.devices:
        sides = _on_devices(sides, options)
    elif options.like is not None or options.frameworks:
        sides = _like(sides, options)
    elif options.sides:
        names = [side.name for side in sides]
        for name in options.sides:
            must_be("--side", name, "side", names)
        sides = [side for side in sides if side.name in options.sides]
    changes = dict(options.changes)
    if options.seed is not None:
        changes["training.seed"] = options.seed
    if options.device is not None:
        check_device("--device", options.device)
        changes["numerics.device"] = options.device
    sides = [_with(side, changes, [one.name for one in sides], options) for side in sides]
    check_weights(sides)
    for side in sides if options.environments else []:
        make(side.python)
    return sides


@cache
def _own_defaults(framework: str, python: str | None) -> Own:
    make(python)
    from parity.run.own_defaults import own_defaults  # Most specs need no framework to be asked.

    return own_defaults(framework, python)


def _base(sides: list[Resolved], options: Options) -> Resolved:
    """Return the side whose config others are made of."""
    names = [side.name for side in sides]
    like = options.like or names[0]
    must_be("--like", like, "side", names)
    return sides[names.index(like)]


def _like(sides: list[Resolved], options: Options) -> list[Resolved]:
    base = _base(sides, options)
    chosen = options.frameworks or installed_frameworks()
    for name in chosen:
        must_be("--frameworks", name, "framework", frameworks())
        if chosen.count(name) > 1:
            raise UsageError(f"--frameworks {','.join(chosen)}: {name} stands there twice; name each once")
    homes = {side.framework: side for side in reversed(sides)}
    plain = replace(base, python=None, packages={}, own={})
    placed = {name: plain.at_home(homes[name]) if name in homes else plain for name in chosen}
    return [replace(side, name=name, framework=name) for name, side in placed.items()]


def _on_devices(sides: list[Resolved], options: Options) -> list[Resolved]:
    """Return one side's config on each device, under the name of the device.

    Raises:
        UsageError: when it is told beside something that also says what runs where.
    """
    beside = "--frameworks" if options.frameworks else "--device" if options.device else ""
    if beside:
        raise UsageError(f"--devices and {beside}: each says what runs where; give one of them")
    base, made = _base(sides, options), list[Resolved]()
    for device in options.devices:
        check_device("--devices", device)
        name = free_name(device.replace(":", ""), {side.name for side in made})
        made.append(replace(changed(base, {"numerics.device": device}, "--devices"), name=name))
    return made


def check_device(option: str, device: str) -> None:
    """Check that a device of the command line is one.

    Raises:
        UsageError: when it is none.
    """
    try:
        NumericsSpec(device=device)
    except ValidationError:
        raise UsageError(f"{option} {device!r}: expected auto, cpu, gpu or gpu:N") from None


def _with(side: Resolved, changes: Mapping[str, Any], names: list[str], options: Options) -> Resolved:
    """Return a side with the command's changes: those for all sides, and those for it alone."""
    mine: dict[str, Any] = {}
    for path, value in changes.items():
        owner, colon, rest = path.partition(":")
        if colon and owner not in names:
            raise UsageError(f"--set {path}: no such side {owner!r}; {listed_near(owner, names)}")
        if not colon or owner == side.name:
            mine[rest if colon else path] = value
    try:
        side = changed(side, mine, "--set")
    except SpecError as error:
        raise SpecError([replace(fault, path=f"--set {fault.path}") for fault in error.faults]) from None
    source = data_source(side.config.data.source, options.data)
    if source != side.config.data.source:
        side = changed(side, {"data.source": source}, "--data")
    return side


def data_source(declared: str, given: str | None) -> str:
    """Return the source that ``--data`` means: a name, or the spec's own with a file in its place.

    A file given to a spec whose source is a stand-in means the real set that the stand-in stands in for.
    """
    if given is None:
        return declared
    if not is_file(given):
        return given
    source = sources().get(declared)
    return source.stands_for if source is not None and source.stands_for is not None else declared


def is_file(given: str) -> bool:
    """Return whether ``--data`` was given a path rather than a source's name."""
    return Path(given).suffix.lower() in (".npz", ".csv") or "/" in given or os.path.exists(given)


def check_fit(side: Resolved, data: Dataset) -> None:
    """Check that data and model fit, and that targets can be given in the form that the side takes.

    Args:
        side: the resolved side.
        data: its rows.

    Raises:
        DataError: when they do not.
    """
    check_inputs(side, data.x.shape[1:], data.description)
    for name, one, rows in zip(side.views, side.views.values(), data.each, strict=True):
        _check_targets(one, rows, f"of {name} in {data.description}" if name else f"of {data.description}")


def _check_targets(side: Resolved, data: Dataset, who: str) -> None:
    """Check the targets of one output; arguments as :func:`check_fit`, ``who`` being whose targets they are."""
    output = side.last.output_shape
    if data.y.shape[1:] != output:
        last = side.last.name
        why = "; left as they are, one value would be compared with several" if data.y.shape[1:] == (1,) else ""
        raise DataError(
            f"side {side.name}: a target {who} has shape {data.target}, the last layer {last!r} gives "
            f"{output}; change the last layer, or data.one_hot{_of_two(data, output)}{why}"
        )
    form = side.config.data.targets if side.program is not None else side.config.loss.form(side.config.data.targets)
    if form in ("column", "flat") and output != (1,):
        raise DataError(
            f"side {side.name}: data.targets is {form}, which is one number a row, but a target {who} "
            f"has shape {data.target}; leave data.targets out"
        )
    if form == "index" and data.classes is None and not one_hot_rows(data.y):
        loss = side.config.loss.kind
        why = "data.targets is index" if side.config.data.targets else f"loss {loss} takes class numbers"
        raise DataError(
            f"side {side.name}: {why}, but the targets {who} are neither integer labels nor one-hot "
            f"rows, the first is {data.y[0].tolist()}; store labels as integers from 0, y.argmax(axis=1), or take "
            "another loss"
        )


def _of_two(data: Dataset, output: tuple[int, ...]) -> str:
    """Return the value that makes yes-or-no labels the targets of one output."""
    return ": false makes 0 and 1 the targets of one output" if data.classes == 2 and output == (1,) else ""


def check_inputs(side: Resolved, x_shape: tuple[int, ...], description: str) -> None:
    """Check that the model reads rows of such a shape; arguments as :func:`check_fit`.

    Raises:
        DataError: when it does not; says which axis looks like channels, where one does.
    """
    expected = side.config.model.row
    if x_shape != expected:
        fix = f"set model.input to {list(x_shape)}, or data.reshape to what the model reads"
        order = channels.reordering(x_shape, expected)
        if order is not None:
            first = (
                f"axis 0 of the rows looks like the {x_shape[0]} channels; " if channels.looks_first(x_shape) else ""
            )
            fix = f"{first}set data.transpose: {channels.composed(side.config.data.transpose, order)}"
        raise DataError(
            f"side {side.name}: a row of {description} has shape {x_shape}, model.input is {expected}; {fix}"
        )
