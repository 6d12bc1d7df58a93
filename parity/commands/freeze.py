"""The verb ``freeze``, and what ``check --against`` does: records of sides, and sides held against their records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parity import __version__
from parity.compare.judge import AGREE
from parity.court.lent import Lender, LentWork
from parity.court.recording import HeldSide, hold, record, steps_of
from parity.court.work import Note, Work
from parity.entries import shown
from parity.errors import UsageError
from parity.frameworks import frameworks, title_of
from parity.goldens.file import ANEW
from parity.goldens.golden import Golden, RecordedSide
from parity.goldens.moved import MovedValue, as_recorded, moved, to_record
from parity.prepare.devices import check_devices
from parity.prepare.installed import check_installed
from parity.prepare.options import Options, prepare
from parity.result import filling
from parity.result.againstfact import Against, AgainstSide, FormFact, MovedField, MovedPart
from parity.run.environment import may_have_gpus
from parity.run.machine import machine
from parity.spec.differences import Difference, differences, mixed
from parity.spec.inert import given_weights
from parity.spec.paths import walk
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec
from parity.tensors import is_of_parameter, layer_of, slot_of
from parity.upgrades.between import mask_told

STEPS = 8
"""Steps that are recorded unless told otherwise, all from the first on."""

MOST_ALONE = 8
"""Moved fields that are tried each alone, at most."""


@contextmanager
def sides_at_work(
    spec: Spec, options: Options, folder: Path, lender: Lender | None = None
) -> Iterator[tuple[Work, list[Resolved]]]:
    """Give what a command works with, and the sides of a spec, settled.

    Args:
        spec: the spec.
        options: of the command.
        folder: of programs and logs.
        lender: of workers that stay; None for workers that end with the command.

    Raises:
        ParityError: when the spec, the options or the data are at fault.
    """
    if options.precision not in (None, "float64"):
        raise UsageError(f"--precision {options.precision}: a golden is made and checked in float64; leave it out")
    sides = prepare(spec, options)
    check_installed(sides)
    check_devices(sides)
    given: Any = {"spec": spec, "sides": sides, "options": options, "folder": folder}
    with Work(**given) if lender is None else LentWork(lender=lender, **given) as work:
        yield work, work.settle()


def frozen(work: Work, sides: Sequence[Resolved], steps: int | None, note: Note, test: str = "") -> Golden:
    """Return a golden of sides.

    Args:
        work: of the command.
        sides: settled.
        steps: to record; ``STEPS`` if None.
        note: told how far it is.
        test: id of the test that the golden belongs to.

    Raises:
        WorkerError: when a worker fails.
    """
    return Golden(spec=work.spec.name, sides={side.name: _recorded(work, side, steps, note) for side in sides},
                  test=test, parity=__version__)  # fmt: skip


def _recorded(work: Work, side: Resolved, steps: int | None, note: Note) -> RecordedSide:
    total, why = steps_of(work, side, min(steps or STEPS, work.steps(side)))
    taken, start = record(work, side, total, note)
    return RecordedSide(
        framework=side.framework, versions=_versions(work, side), machine=_machine(work, side),
        config=to_record(side), origins=side.origins, native=_native(side), data=work.bench(side).data_key,
        program=_program(work, side), shapes={name: one.shape for name, one in side.parameters().items()},
        start=start, steps=taken, note=why,
    )  # fmt: skip


def held(
    work: Work, sides: Sequence[Resolved], golden: Golden, file: str, note: Note, causes: bool = True
) -> Against:  # fmt: skip
    """Return what comes of holding sides against a golden.

    Args:
        work: of the command.
        sides: settled.
        golden: of the spec.
        file: that holds it.
        note: told how far it is.
        causes: where a side departs and its config is another, try which of its fields does it.

    Raises:
        UsageError: when the golden is of another spec, or lacks a side.
        WorkerError: when a worker fails.
    """
    if golden.spec != work.spec.name:
        raise UsageError(f"{file}: a golden of spec {golden.spec}, not of {work.spec.name}; {ANEW}")
    missing = [side.name for side in sides if side.name not in golden.sides]
    if missing:
        raise UsageError(
            f"{file}: no record of side {', '.join(missing)}, only of {', '.join(golden.sides)}; keep to these with "
            f"--side, or {ANEW}"
        )
    other = [side for side in sides if golden.sides[side.name].framework != side.framework]
    if other:
        was = golden.sides[other[0].name].framework
        now = f"runs in {other[0].framework} now"
        raise UsageError(f"{file}: side {other[0].name} was recorded in {was}, and {now}; {ANEW}")
    found = [_side(work, side, golden.sides[side.name], note, causes) for side in sides]
    gone = [name for name in golden.sides if name not in [one.name for one in sides]]
    notes = [f"not checked: {', '.join(gone)}, which the golden has a record of"] if gone else []
    return Against(parity_version=__version__, spec=work.spec.name, file=file, sides=found, notes=notes)


def _side(work: Work, side: Resolved, recorded: RecordedSide, note: Note, causes: bool) -> AgainstSide:
    steps, why = steps_of(work, side, len(recorded.steps))
    limit = min(steps, work.options.steps or steps)
    base = as_recorded(recorded, side)
    data = recorded.data != work.bench(side).data_key
    found = [] if base is None else differences(base, side, len(work.dataset(side).x))
    live = [one for one in found if not one.inert]
    asks = causes and not live and base is not None and side.program is None and not data
    result = hold(work, side, recorded, note, limit, meant=asks)
    verdict, reason = verdict_of(result)
    meant = {one.side: one.agrees for one in result.meanings}
    taken_back, alone = None, dict[str, str]()
    tried = verdict == "divergent" and live and causes and side.program is None
    if tried and base is not None and not _unkept(base, side):
        taken_back = verdict_of(hold(work, base, recorded, note, limit))[0]
        if taken_back in AGREE and len(live) > 1:
            alone = _alone(work, base, side, recorded, live, note, limit)
    first, largest = result.judge.first, result.judge.overall()
    op, path = _op(side, first.phase, first.tensor) if first else ("", "")
    return AgainstSide(
        side=side.name, framework=side.framework, verdict=verdict, reason=reason, recorded=len(recorded.steps),
        steps=result.judge.steps, first=filling.place(first) if first else None,
        largest=filling.place(largest) if largest else None, op=op, op_path=path,
        config=[_field(one, alone.get(one.path)) for one in found], unread=base is None, taken_back=taken_back,
        golden_meant=meant.get(result.judge.a), now_meant=meant.get(result.judge.b), forms=_forms(result),
        native=_parts(_native_moved(recorded.native, _native(side))),
        versions=_parts(moved(recorded.versions, _versions(work, side))),
        machine=_parts(moved(recorded.machine, _machine(work, side))),
        data=data, weights=_other_weights(base, side, result), program=recorded.program != _program(work, side),
        notes=[one for one in (why, recorded.note, _unseen(side)) if one],
    )  # fmt: skip


def _unkept(base: Resolved, side: Resolved) -> bool:
    """Return whether a side started from a file of weights, and now does not: a golden has no more than its name."""
    return base.config.training.initial_weights is not None and not given_weights(base, side)


def _other_weights(base: Resolved | None, side: Resolved, result: HeldSide) -> bool:
    """Return whether a side starts from a file of weights as it did, and these are other ones."""
    first = result.judge.first
    return base is not None and given_weights(base, side) and first is not None and first.phase == "weights"


def _forms(result: HeldSide) -> list[FormFact]:
    """Return what steps do that depart from their config."""
    return [
        FormFact(golden=one.side == result.judge.a, path=change.path, said=shown(change.was),
                 does=change.text or shown(change.value))
        for one in result.meanings
        for change in one.forms
    ]  # fmt: skip


def verdict_of(result: HeldSide) -> tuple[Any, str]:
    """Return the verdict of a side beside its record, and its reason."""
    verdict, reason = result.judge.verdict()
    if result.broken is None or verdict == "divergent":
        return verdict, reason
    number, names = result.broken
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    known = f"{reason}; " if result.judge.steps else ""
    return (
        "inconclusive",
        f"{known}step {number} could not be started from the recorded state ({shown} came out otherwise)",
    )


def _alone(
    work: Work, base: Resolved, side: Resolved, recorded: RecordedSide, live: Sequence[Difference], note: Note,
    steps: int,
) -> dict[str, str]:  # fmt: skip
    """Return what comes of each moved field alone, put into the side as it was recorded."""
    found = {}
    for one in live[:MOST_ALONE]:
        try:
            changed = base.having(mixed(base.config, side.config, set(one.paths)))
            found[one.path] = verdict_of(hold(work, changed, recorded, note, steps))[0]
        except ValueError:  # It cannot stand without another of them.
            continue
    return found


def _op(side: Resolved, phase: str, tensor: str) -> tuple[str, str]:
    """Return what computes a tensor, and its path in the config."""
    layers = {layer.name: layer.op.kind for layer in side.layers()}
    layer = layer_of(tensor)
    if phase == "loss":
        kinds = dict.fromkeys(one.config.loss.kind for one in side.views.values())
        penalised = [one.name for one in side.layers() if one.op.activity() is not None]
        penalised += [layer_of(name) for name, one in side.parameters().items() if one.regularizer is not None]
        beside = f" and the penalties of {', '.join(dict.fromkeys(penalised))}" if penalised else ""
        return f"{', '.join(kinds)}{beside}{mask_told(side)}", "loss"
    if phase == "update" or (phase == "state" and (slot_of(tensor) or layer not in layers)):
        return side.config.optimizer.kind, "optimizer"
    if phase == "weights" and side.config.training.initial_weights is not None:
        return "", ""
    if phase == "weights" and is_of_parameter(tensor) and tensor in side.parameters():
        return side.parameters()[tensor].initializer.kind, f"layers.{tensor}_initializer"
    return (f"{layers[layer]}{mask_told(side, layer)}", f"layers.{layer}") if layer in layers else ("", "")


def _field(one: Difference, alone: Any) -> MovedField:
    return MovedField(path=one.path, before=one.a, now=one.b, before_origin=one.a_origin, now_origin=one.b_origin,
                      inert=one.inert, reason=one.reason, alone=alone)  # fmt: skip


def _parts(found: Sequence[MovedValue]) -> list[MovedPart]:
    return [MovedPart(name=one.name, before=one.before, now=one.now) for one in found]


def _versions(work: Work, side: Resolved) -> dict[str, str]:
    """Return the versions that a side runs with, as its worker has them."""
    session = work.taken(side, side.name)
    packages = [*frameworks()[side.framework].packages, "numpy"]
    told: dict[str, str] = session.ask("versions", packages=packages)
    work.left(side, session)
    return {name: told[name] for name in (*packages, "python")}


def _machine(work: Work, side: Resolved) -> dict[str, str]:
    return {**machine(), "device": work.devices.get(side.name, "cpu")}


def _native(side: Resolved) -> dict[str, Any]:
    """Return a framework's own defaults of the entries in a side's config; nothing where none of them acts in it."""
    found: dict[str, Any] = {}
    if f"{title_of(side.framework)} default" not in side.origins.values():
        return found
    for _, part in walk(side.config):
        module = type(part).__module__
        found |= {f"{module.removeprefix('parity.')}.{name}": value for name, value in side.own.get(module, {}).items()}
    return found


def _unseen(side: Resolved) -> str:
    """Return what of a side's numerics no golden sees, since its steps are in float64 and as they are written."""
    numerics = side.config.numerics
    said = {
        "numerics.compile": numerics.compile, "numerics.mixed_precision": numerics.mixed_precision,
        "numerics.tf32": numerics.tf32 and may_have_gpus(),
    }  # fmt: skip
    names = [name for name, value in said.items() if value]
    told = "steps are held as they are written, in float64: what it does is not seen"
    return f"{', '.join(names)}: {told}" if names else ""


def _native_moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[MovedValue]:
    """Return the defaults that moved, of entries that both configs have."""
    return [one for one in moved(before, now) if one.name in before and one.name in now]


def _program(work: Work, side: Resolved) -> str:
    if side.program is None:
        return ""
    program = work.program(side)
    return hashlib.sha256(repr([program.source, sorted(program.files.items())]).encode()).hexdigest()
