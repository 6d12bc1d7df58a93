"""The verb ``read``: a program becomes a spec, and the reading is proved."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.atomic import whole
from parity.commands.check import check
from parity.commands.ending import code_of
from parity.commands.live_weights import LiveWeights, live_weights
from parity.commands.progress import silent
from parity.commands.saving import saved_as, watched_by
from parity.commands.witnessing import witnessed
from parity.commands.wrapping import wrapper_of
from parity.compare.judge import AGREE
from parity.compile import compile_side
from parity.errors import UsageError, WorkerError
from parity.lazy import np
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, prepare
from parity.reading.asking import Wanted, arrays_in, asked
from parity.reading.said import said_parts
from parity.reading.whole import ReadProgram, read_told
from parity.run.session import release, scratch_folder, shared_forks
from parity.run.told import Told
from parity.run.watched import Training
from parity.run.weights_file import write_weights
from parity.spec.load import build_spec, load_spec
from parity.spec.targets import settled

if TYPE_CHECKING:
    from parity.court.work import Note
    from parity.result.schema import Comparison, Place, Result
    from parity.spec.sections import Spec

Taking = Callable[[ReadProgram, Path], LiveWeights]
"""Takes the weights of a program that was read, given the file of its rows."""

STEPS = 5
"""Of the lockstep between a program and what its spec compiles to."""

READ, PROGRAM = "read", "program"
"""Names of its sides."""

ASIDE = 1e-6
"""Difference from which on a tensor of programs that agree is one that rounding alone moves, as the verdict says."""

AS_SAID = """
from {module} import {names}  # The program has none of its own.
"""


@dataclass
class Proof:
    """What the lockstep between a program and what its spec compiles to says of the reading.

    Args:
        verdict: of a comparison.
        lines: in words; the last one says it in short.
        difference: the largest of any tensor; None where nothing was compared.
        departs: where the program and what it was read as part, and nothing known explains it; empty else.
    """

    verdict: str
    lines: list[str]
    difference: float | None = None
    departs: str = ""

    @property
    def code(self) -> int:
        """Return the exit code."""
        return code_of([self.verdict])


@dataclass(kw_only=True)
class WasRead:
    """What came of reading a program.

    Args:
        spec: that it is.
        reading: with what a reader of the spec should know.
        files: that were written, the spec first.
        proof: of the reading; None where it was not asked for.
        carried: what predictions of a compiled program from the weights that were taken over differ by, relative to
            the largest; None where they were not asked for.
    """

    spec: Spec
    reading: ReadProgram
    files: list[Path] = field(default_factory=list)
    proof: Proof | None = None
    carried: float | None = None


@shared_forks()
def read(
    program: Wanted, *, output: Path | None, out: Path | None, max_seconds: float, said: Mapping[str, Any], prove: bool,
    note: Note, weights: bool = False, framework: str | None = None,
) -> WasRead:  # fmt: skip
    """Read a program, write its spec and its data, and prove the reading.

    Args:
        program: to read.
        output: file of the spec; NAME.yaml in ``out`` if None.
        out: folder of what is written; ``reports/NAME`` if None.
        max_seconds: after which the program is ended where it has not trained.
        said: loss and optimizer of a program that has none, as a spec says them.
        prove: hold the program and what its spec compiles to in lockstep.
        note: told what is under way.
        weights: take the program's own weights over, as it begins to train from them.
        framework: that predicts from them, to see that they are these; the program's own if None.

    Raises:
        UnreadProgramError: with everything that no entry reads; then nothing is written.
        UsageError: when the program fails, or does not train; or when its weights are not found in it.
    """
    said = said_parts(said)  # Its faults, before the program runs.
    note(f"running {program.text} until it trains", 0.0)
    told, arrays = asked(program, max_seconds)
    file = output or (out or Path("reports") / program.name) / f"{program.name}.yaml"
    taken = _taking(program, max_seconds, framework, note) if weights else None
    found = written(told, arrays, program, file, said, taken)
    if prove:
        found.proof = proof_of(found.reading, found.files[1], program, max_seconds, note)
    return found


@shared_forks()
def read_live(
    training: Training, *, name: str, out: Path | None, prove: bool, max_seconds: float, said: Mapping[str, Any],
    weights: bool = False,
) -> WasRead:  # fmt: skip
    """Read live objects of this process.

    Proof and weights need the model once more, in a worker: it is saved to a file for it, and not proved where it
    cannot be.

    Args:
        training: the model, and what it is trained with.
        name: of the spec.
        out: as of :func:`read`, like all that follow.
        prove: as there.
        max_seconds: as there.
        said: as there.
        weights: as there.

    Raises:
        UsageError: when the model is none of a framework that is watched, or its weights cannot be taken.
    """
    framework, watcher = watched_by(training.model)
    folder = scratch_folder(Path(tempfile.gettempdir()))
    try:
        told = watcher.tell(training, folder)
        arrays = arrays_in(folder, told)
        file = (out or Path("reports") / name) / f"{name}.yaml"
        beside = tuple(part for part in ("loss", "optimizer") if getattr(training, part) is not None)
        program, why = (
            saved_as(framework, watcher, training.model, folder / name)
            if prove or weights
            else (Wanted(text=name, name=name), "")
        )
        if weights and why:
            raise UsageError(f"weights cannot be taken over: the model cannot be saved ({why})")
        taken = _taking(program, max_seconds, None, silent) if weights else None
        found = written(told, arrays, Wanted(text=name, name=name), file, said, taken, beside)
        if prove:
            found.proof = _unproved(why) if why else proof_of(
                found.reading, found.files[1], program, max_seconds, silent
            )  # fmt: skip
        return found
    finally:
        release(folder)


def _unproved(why: str) -> Proof:
    return Proof(verdict="inconclusive", lines=[f"read, but not proved: the model cannot be saved ({why})"])


def written(
    told: Told, arrays: Mapping[str, Any], program: Wanted, file: Path, said: Mapping[str, Any],
    taking: Taking | None = None, beside: Sequence[str] = (),
) -> WasRead:  # fmt: skip
    """Write the spec of a program that was told, and its data beside it.

    Args:
        told: of the program.
        arrays: that it trains on.
        program: as it was asked for.
        file: of the spec.
        said: loss and optimizer of a program that has none.
        taking: takes the program's weights, which are then written beside the spec, too; None for no weights.
        beside: what of ``loss`` and ``optimizer`` was told beside the model.
    """
    rows = file.with_suffix(".npz")
    given = taking is not None
    reading = read_told(told, arrays, name=program.name, source=rows.name, said=said, given_weights=given)
    reading.unsaid = tuple(sorted({*reading.unsaid, *beside}))
    build_spec({**reading.spec, "data": {**reading.spec["data"], "source": "blobs"}})  # Its faults, before any file.
    file.parent.mkdir(parents=True, exist_ok=True)
    write_rows(rows, reading.arrays)
    files, carried = [file, rows], None
    if taking is not None:
        weights = taking(reading, rows)
        files.append(file.with_suffix(".safetensors"))
        write_weights(files[-1], weights.values)
        reading.spec["training"]["initial_weights"], carried = files[-1].name, weights.differ
    with whole(file) as handle:
        handle.write(reading.text(program.text).encode())
    return WasRead(spec=load_spec(file), reading=reading, files=files, carried=carried)


def _taking(program: Wanted, seconds: float, framework: str | None, note: Note) -> Taking:
    """Return what takes the weights of a program that was read; arguments as :func:`read`'s."""

    def taking(reading: ReadProgram, rows: Path) -> LiveWeights:
        note("taking its weights", 0.0)
        folder = scratch_folder(Path(tempfile.gettempdir()))
        try:
            sides = {PROGRAM: None, READ: {"framework": framework or reading.framework}}
            spec = with_program(reading, rows, program, folder, sides)
            return live_weights(spec, folder, seconds)[PROGRAM]
        finally:
            release(folder)

    return taking


def write_rows(file: Path, arrays: Mapping[str, Any]) -> None:
    """Write the rows of a program, by their names in the file."""
    with whole(file) as handle:
        np.savez_compressed(handle, **arrays)


def proof_of(reading: ReadProgram, rows: Path, program: Wanted, seconds: float, note: Note) -> Proof:
    """Take a few steps of a program and of what its spec compiles to in lockstep.

    Args:
        reading: of the program.
        rows: file of its data.
        program: as it was asked for.
        seconds: without a word from it after which it is given up.
        note: told how far it is.
    """
    folder = scratch_folder(Path(tempfile.gettempdir()))
    try:
        sides = {PROGRAM: None} if reading.opaque else {READ: {"framework": reading.framework}, PROGRAM: None}
        spec = with_program(reading, rows, program, folder, sides)
        options = Options(explain=False, steps=STEPS, check_steps="all", timeout=seconds)
        try:
            if reading.opaque:  # It cannot be compiled: what was read of it is held against its meaning.
                return Proof(*witnessed(spec, list(reading.opaque), STEPS, options, folder, note))
            result = check(spec, options, text="", file=None, folder=folder, command="", note=note)
        except WorkerError as error:
            return Proof(verdict="inconclusive", lines=[f"read, but not proved: {error.brief}"])
        return proved(result.comparisons[0], reading)
    finally:
        release(folder)


def with_program(
    reading: ReadProgram, rows: Path, program: Wanted, folder: Path, sides: Mapping[str, Mapping[str, Any] | None]
) -> Spec:
    """Return the spec that was read with its program as a side.

    Args:
        reading: of the program.
        rows: file of its data.
        program: as it was asked for.
        folder: takes the program that keeps the contract.
        sides: in their order; None for the program.
    """
    file = folder / f"{program.name}_{PROGRAM}.py"
    own = {"framework": reading.framework, "program": str(file), "map": reading.hidden()}
    told: dict[str, Any] = {name: own if one is None else dict(one) for name, one in sides.items()}
    data = {**reading.spec, "data": {**reading.spec["data"], "source": str(rows.resolve())}, "sides": told}
    weights = reading.spec["training"].get("initial_weights")
    if weights is not None:
        data["training"] = {**reading.spec["training"], "initial_weights": str(rows.resolve().with_name(weights))}
    source = wrapper_of(program)
    if reading.unsaid:
        said = folder / "as_said.py"
        compiled = {**data, "sides": {READ: {"framework": reading.framework}}}
        said.write_text(_compiled(build_spec(compiled)), encoding="utf-8")
        source += AS_SAID.format(module=said.stem, names=", ".join(f"build_{part}" for part in reading.unsaid))
    file.write_text(source, encoding="utf-8")
    return build_spec(data)


def _compiled(spec: Spec) -> str:
    dataset = dataset_of(side := prepare(spec, Options())[0], None)
    told = settled(side, dataset.target, dataset.classes is not None)
    return compile_side(told, name=spec.name, **dataset.stored).source


def proved(comparison: Comparison, reading: ReadProgram) -> Proof:
    """Return what a comparison says of a reading."""
    largest = comparison.largest
    if comparison.verdict in AGREE:
        known = "" if largest is None or largest.difference < ASIDE else reading.known(largest.tensor)
        if largest is not None and known:
            lines = [f"read, but it departs{_at(largest)}: {known}"]
            return Proof(verdict="divergent", lines=lines, difference=largest.difference)
        difference = max((far for one in comparison.phases if (far := one.largest.difference) < ASIDE), default=0.0)
        how = f"largest difference {difference:.0e}" if difference else "bit for bit the same"
        aside = f", set aside what an ill-conditioned step makes of rounding ({largest.tensor})" if (
            largest is not None and largest.difference >= ASIDE
        ) else ""  # fmt: skip
        return Proof(verdict=comparison.verdict, lines=[f"read faithfully: {how}{aside}"], difference=difference)
    lines, known = list(dict.fromkeys(one.sentence for one in comparison.causes)) or list(comparison.uncaused), ""
    if comparison.verdict == "divergent":
        fields = ", ".join(sorted({one.path for one in comparison.causes}))
        mend = f"; what would make it agree: {fields}" if fields else ""
        known = reading.known(comparison.first.tensor) if comparison.first is not None else ""
        last = f"read, but it departs{_at(comparison.first)}{f': {known}' if known else mend}"
    else:
        lines += comparison.unmatched
        last = f"read, but not proved: {comparison.reason}"
    departs = _at(comparison.first) if comparison.verdict == "divergent" and not known else ""
    return Proof(
        verdict=comparison.verdict, lines=[*lines, last], difference=largest.difference if largest else None,
        departs=departs.strip(),
    )  # fmt: skip


def with_known(result: Result, readings: Mapping[str, ReadProgram]) -> Result:
    """Return a result with notes of what is known of a framework where programs make a difference in a step.

    Args:
        result: of holding programs in lockstep.
        readings: of the sides that are programs, by name.
    """
    places = [place for one in result.comparisons if one.verdict == "divergent" for place in one.places]
    moved = [place.tensor for place in places if place.phase in ("update", "state")]
    told = [f"{name}: {known}" for name, one in readings.items() for tensor in moved if (known := one.known(tensor))]
    return result.model_copy(update={"notes": [*result.notes, *dict.fromkeys(told)]}) if told else result


def _at(place: Place | None) -> str:
    return "" if place is None else f" at step {place.step}, {place.phase}, {place.tensor}, by {place.difference:.1e}"
