"""The verb ``port``: a program in another framework, with its weights, proved against the original."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.commands.check import check
from parity.commands.export import export
from parity.commands.read import STEPS, read, with_known, with_program
from parity.court.work import Work
from parity.errors import UsageError
from parity.frameworks import frameworks
from parity.lazy import np
from parity.prepare.options import Options, must_be, prepare
from parity.run.exchange import Exchange
from parity.run.jobs import Job
from parity.run.session import release, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.commands.read import WasRead
    from parity.court.work import Note
    from parity.reading.asking import Wanted
    from parity.result.schema import Result
    from parity.spec.resolve import Resolved
    from parity.spec.sections import Spec

ORIGINAL, PORT = "original", "port"
"""Names of the sides of the proof."""


@dataclass(kw_only=True)
class Ported:
    """A program in another framework.

    Args:
        read: the spec in between, and its files.
        framework: of the port.
        files: of the port: the program, and its weights where they were carried.
        result: of original and port in lockstep; None where that was not asked for.
        carried: what predictions from the same weights differ by, relative to the largest; None without weights.
    """

    read: WasRead
    framework: str
    files: list[Path] = field(default_factory=list)
    result: Result | None = None
    carried: float | None = None


def port(
    program: Wanted, framework: str, *, output: Path | None, out: Path | None, weights: bool, prove: bool,
    max_seconds: float, said: Mapping[str, Any], command: str, note: Note,
) -> Ported:  # fmt: skip
    """Write a program in another framework.

    Args:
        program: to port.
        framework: to write it in.
        output: file of the port; ``NAME_FRAMEWORK.py`` beside the spec if None.
        out: folder of spec and data; ``reports/NAME`` if None.
        weights: carry the program's own weights over, as they are when it begins to train.
        prove: hold the program and its port in lockstep.
        max_seconds: after which the program is ended where it has not trained.
        said: loss and optimizer of a program that has none, as a spec says them.
        command: that repeats this.
        note: told what is under way.

    Raises:
        UnreadProgramError: with everything that no entry reads; then nothing is written.
        UsageError: when there is no such framework, or the program fails, or does not train.
        SpecError: when the framework has no part that means one of the program's.
    """
    must_be("--to", framework, "framework", frameworks())
    found = read(
        program, output=None, out=out, max_seconds=max_seconds, said=said, prove=False, note=note
    )  # fmt: skip
    if found.reading.opaque:
        raise UsageError(
            f"{program.text} cannot be ported: opaque is {' and '.join(found.reading.opaque)}, which runs only in its "
            f"own program; what was read of it stands in {found.files[0]}"
        )
    ported = Ported(read=found, framework=framework)
    file = output or found.files[0].with_name(f"{found.spec.name}_{framework}.py")
    note(f"writing {file.name}", 0.0)
    source = export(found.spec, None, framework, None, None, None, "float32")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    ported.files.append(file)
    folder = scratch_folder(Path(tempfile.gettempdir()))
    try:
        sides = {ORIGINAL: None, PORT: {"framework": framework}}
        spec = with_program(found.reading, found.files[1], program, folder, sides)
        if weights:
            kept = file.with_suffix(".safetensors")
            ported.carried = _carry(spec, kept, folder, max_seconds)
            ported.files.append(kept)
        if prove:
            options = Options(explain=False, steps=STEPS, check_steps="all", timeout=max_seconds)
            result = check(spec, options, text="", file=None, folder=folder, command=command, note=note)
            ported.result = with_known(result, {ORIGINAL: found.reading})
    finally:
        release(folder)
    return ported


def _carry(spec: Spec, file: Path, folder: Path, seconds: float) -> float:
    """Write a program's own weights, canonical layout; return what predictions made from them differ by.

    Raises:
        UsageError: when a tensor of the spec is not found in the program.
    """
    from safetensors.numpy import save_file

    options = Options(explain=False, timeout=seconds)
    with Work(spec=spec, sides=prepare(spec, options), options=options, folder=folder) as work:
        original, port = work.settle()
        exchange = Exchange(str(folder / "carried"))
        _predict(work, original, {}, "original", publish=True)
        missing = work.program(original).missing
        if missing:
            raise UsageError(
                f"weights cannot be carried over, these were not found in the program: {', '.join(missing)}"
            )
        values = {name: exchange.get(f"weights/{name}") for name in port.parameters()}
        files = {}
        for number, (name, value) in enumerate(values.items()):
            files[name] = str(folder / f"carried-{number}.npy")
            np.save(files[name], value)
        save_file({name: np.ascontiguousarray(value, dtype="float32") for name, value in values.items()}, file)
        _predict(work, port, files, "port")
        one, other = (np.asarray(exchange.get(name), dtype="float64") for name in ("original", "port"))
        return float(np.abs(one - other).max() / max(float(np.abs(one).max()), 1e-30))


def _predict(work: Work, side: Resolved, weights: Mapping[str, str], name: str, publish: bool = False) -> None:
    """Have a side predict, from weights in files or, where there are none, from its own."""
    job = Job(side=side, program=work.program(side), steps=1, precision="float32")
    folder = str(work.folder / "carried")
    with work.session(side, side.name) as session:
        session.ask("open", **{**work.bench(side).opening(job), "weights": dict(weights)})
        if publish:
            session.ask("publish", folder=folder)
        session.ask("predict", folder=folder, name=name, most=256)
