"""The verb ``compare``: two programs become one spec, which is run with the programs themselves as its sides."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.atomic import whole
from parity.commands.live_weights import LiveWeights, live_weights
from parity.commands.read import proof_of, with_known, write_rows
from parity.commands.run import Early, run
from parity.commands.witnessing import with_factor
from parity.commands.wrapping import wrapper_of
from parity.compare.judge import AGREE
from parity.compile.features import features_of
from parity.errors import UsageError
from parity.lazy import np
from parity.prepare.installed import installed_frameworks
from parity.reading.asking import Wanted, asked
from parity.reading.pair import Pair, paired, with_programs
from parity.reading.pair_side import PairSide
from parity.reading.unread import Unread, UnreadProgramError
from parity.reading.whole import headed, read_told, spec_name
from parity.run.session import release, scratch_folder, shared_forks
from parity.run.weights_file import write_weights
from parity.spec.graph import graph_of, named
from parity.spec.load import load_spec, parse_spec

if TYPE_CHECKING:
    from parity.commands.read import Proof
    from parity.court.work import Note
    from parity.prepare.options import Options
    from parity.reading.whole import ReadProgram
    from parity.result.schema import Result


@dataclass(kw_only=True)
class Compared:
    """What came of comparing two programs.

    Args:
        pair: both as one spec.
        result: of running it.
        files: that were written, the spec first.
        proofs: of both readings, by side; empty where they were not asked for.
    """

    pair: Pair
    result: Result
    files: list[Path]
    proofs: dict[str, Proof] = field(default_factory=dict)


@shared_forks(warm=installed_frameworks)
def compare(
    programs: tuple[Wanted, Wanted], options: Options, *, max_seconds: float, prove: bool, command: str, note: Note,
    said: Mapping[str, Any] | None = None, weights: bool = False,
    page: Callable[[Path], Early] | None = None,
) -> Compared:  # fmt: skip
    """Compare two programs: where they part in training, and which difference does it.

    Args:
        programs: both.
        options: of the run.
        max_seconds: after which a program is ended where it has not trained.
        prove: hold each program and what it was read as in lockstep first.
        command: that repeats this.
        note: told what is under way.
        said: loss and optimizer of programs that have none, as a spec says them.
        weights: start each side from its program's own weights, as it begins to train from them.
        page: given the folder of the report, returns what is told what is known so far; None: nobody is.

    Raises:
        UnreadProgramError: with everything that no entry reads, of both.
        UsageError: when one fails, or does not train, or the two do not learn the same thing; or when weights are not
            found in it.
    """
    readings, names = _readings(programs, max_seconds, said or {}, weights, note)
    folder = options.out or Path("reports") / spec_name(f"{names[0]}-{names[1]}")

    def together(counted: bool) -> Pair:
        return paired(*readings, names, "rows.npz", f"{names[1]}_rows.npz", fresh=not weights, counted=counted)

    pair = together(counted=True)
    proofs: dict[str, Proof] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for side, program, reading in zip(pair.sides, programs, readings, strict=True) if prove else ():
        note(f"holding {program.text} against what it was read as", 0.0)
        rows = folder / f"{side.name}.npz"
        write_rows(rows, reading.arrays)
        proofs[side.name] = proof_of(reading, rows, program, max_seconds, note)
        rows.unlink()
    files = written(pair, programs, folder)
    if weights:
        note("taking the weights of both", 0.0)
        found = _own_weights(files[0], max_seconds)
        if not _counted_alike(pair, found):
            pair = together(counted=False)
            files = written(pair, programs, folder)
            found = _own_weights(files[0], max_seconds)
        given = _with_weights(pair, found, files[0])
        files = [*written(pair, programs, folder), *given]
    text = files[0].read_text(encoding="utf-8")
    spec = parse_spec(text, file=str(files[0]))

    def of_these(result: Result) -> Result:
        known = with_factor(with_known(result, {side.name: side.reading for side in pair.sides}))
        return with_unseen(with_doubts(known, proofs), {one.name: one.reading.told.unseen for one in pair.sides})

    early = page(folder) if page is not None else None
    result = run(
        spec, replace(options, out=folder), text=text, file=str(files[0]), folder=folder, command=command, note=note,
        early=None if early is None else lambda known: early(of_these(known)),
    )  # fmt: skip
    result = of_these(result)
    return Compared(pair=pair, result=result, files=files, proofs=proofs)


def with_doubts(result: Result, proofs: Mapping[str, Proof]) -> Result:
    """Return a result that says it of programs that are not what they were read as.

    Where two such part is seen of the programs themselves; why they do may be what was not read of them.

    Args:
        result: of comparing them.
        proofs: of their readings, by side.
    """
    doubts = [
        f"{name} and what it was read as part {proof.departs}: what parts the programs may be that, and causes are "
        "those of what was read."
        for name, proof in proofs.items() if proof.departs
    ]  # fmt: skip
    parted = any(one.verdict == "divergent" for one in result.comparisons)
    return result.model_copy(update={"doubts": [*result.doubts, *doubts]}) if doubts and parted else result


def with_unseen(result: Result, unseen: Mapping[str, Sequence[str]]) -> Result:
    """Return a result that is no parity where a program does otherwise later than in the steps that were seen of it.

    Args:
        result: of comparing programs.
        unseen: of each side, what it does later, in sentences.
    """
    told = [f"{name}: {one}" for name, every in unseen.items() for one in every]
    if not told:
        return result
    reason = "the steps that were compared agree, but they are not all that the programs do"
    comparisons = [
        one.model_copy(update={"verdict": "inconclusive", "reason": reason}) if one.verdict in AGREE else one
        for one in result.comparisons
    ]
    return result.model_copy(update={"comparisons": comparisons, "doubts": [*result.doubts, *told]})


def _readings(
    programs: tuple[Wanted, Wanted], max_seconds: float, said: Mapping[str, Any], weights: bool, note: Note
) -> tuple[tuple[ReadProgram, ReadProgram], tuple[str, str]]:  # fmt: skip
    """Return both programs as they are read, and the names of the sides that they are."""
    found: list[ReadProgram] = []
    unread: list[Unread] = []
    for program in programs:
        note(f"running {program.text} until it trains", 0.0)
        told, arrays = asked(program, max_seconds)
        try:
            found.append(
                read_told(told, arrays, name=program.name, source="rows.npz", said=said, given_weights=weights)
            )
        except UnreadProgramError as error:
            unread += [one if one.place else replace(one, place=program.text) for one in error.unread]
    if unread:
        raise UnreadProgramError(unread)
    a, b = (spec_name(program.name) for program in programs)
    return (found[0], found[1]), (a, b) if a != b else (f"{a}_1", f"{b}_2")


def written(pair: Pair, programs: tuple[Wanted, Wanted], folder: Path) -> list[Path]:
    """Write the spec of a pair, its rows and its programs; return the files, the spec first."""
    files = {}
    for side, program in zip(pair.sides, programs, strict=True):
        files[side.name] = folder / f"{side.name}_program.py"
        files[side.name].write_text(_wrapped(side, program), encoding="utf-8")
    scripts = {side.name: _script(one) for side, one in zip(pair.sides, programs, strict=True)}
    spec = with_programs(pair, {name: file.name for name, file in files.items()}, scripts)
    rows = [folder / spec["data"]["source"]]
    write_rows(rows[0], pair.rows.arrays)
    if pair.rows.others:
        rows.append(folder / spec["sides"][pair.sides[1].name]["changes"]["data.source"])
        write_rows(rows[1], pair.rows.others)
    for side in (one for one in pair.sides if one.ahead):
        rows.append(folder / side.own_rows)
        write_rows(rows[-1], {"X": side.reading.arrays["X"]})
    head = [f"{programs[0].text} and {programs[1].text}, as parity compare read them.", *pair.notes]
    file = folder / f"{pair.spec['name']}.yaml"
    with whole(file) as handle:
        handle.write(headed(head, spec).encode())
    return [file, *rows, *files.values()]


def _own_weights(file: Path, seconds: float) -> dict[str, LiveWeights]:
    """Return the weights that the programs of a spec begin to train from.

    Args:
        file: the spec as it was written without them.
        seconds: without a word from a program after which it is given up.
    """
    scratch = scratch_folder(Path(tempfile.gettempdir()))
    try:
        return live_weights(load_spec(file), scratch, seconds)
    finally:
        release(scratch)


def _counted_alike(pair: Pair, found: Mapping[str, LiveWeights]) -> bool:
    """Return whether kernels stand as their programs count features: put in one order, they are the same numbers."""
    first, second = (found[side.name].values for side in pair.sides)
    names = [name for side in pair.sides
             for name in features_of(graph_of(named(side.model)), side.flattened).weights]  # fmt: skip
    return all(np.array_equal(first[name], second[name]) for name in names)


def _with_weights(pair: Pair, found: Mapping[str, LiveWeights], file: Path) -> list[Path]:
    """Let a pair start from the weights of its programs; return their files, one where they are alike.

    Args:
        pair: of programs, whose spec is changed.
        found: their weights.
        file: of the spec, beside which they are written.
    """
    first, second = (found[side.name].values for side in pair.sides)
    alike = first.keys() == second.keys() and all(np.array_equal(one, second[name]) for name, one in first.items())
    files = []
    for side, values in zip(pair.sides, (first,) if alike else (first, second), strict=False):
        files.append(file.with_name(f"{side.name}.safetensors"))
        write_weights(files[-1], values)
    pair.spec["training"] = {**pair.spec["training"], "initial_weights": files[0].name}
    if not alike:
        changes = pair.spec["sides"][pair.sides[1].name].setdefault("changes", {})
        changes["training.initial_weights"] = files[1].name
    return files


def _script(program: Wanted) -> str:
    """Return the file that a program stands in, as it was named; empty where that is no one file."""
    file = program.text if program.text.endswith(".py") else program.text.rpartition(":")[0]
    return file if file.endswith(".py") else ""


def _wrapped(side: PairSide, program: Wanted) -> str:
    """Return the program of a side: the person's own, as one that keeps the contract."""
    missing = [part for part in side.reading.unsaid if part in ("loss", "optimizer")]
    if missing:
        raise UsageError(f"{program.text} has no {' and no '.join(missing)}; compare takes programs that train")
    return wrapper_of(program, side.moved and not side.ahead, side.ends_moved, side.reading.takes)
