"""The verb ``port``: a program in another framework, with its weights, proved against the original."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.commands.check import check
from parity.commands.read import STEPS, read, with_known, with_program
from parity.commands.writing_out import program_source
from parity.errors import UsageError
from parity.frameworks import frameworks
from parity.prepare.options import Options, must_be
from parity.run.session import release, scratch_folder, shared_forks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.commands.read import WasRead
    from parity.court.work import Note
    from parity.reading.asking import Wanted
    from parity.result.schema import Result

ORIGINAL, PORT = "original", "port"
"""Names of the sides of the proof."""


@dataclass(kw_only=True)
class Ported:
    """A program in another framework.

    Args:
        read: the spec in between, and its files.
        framework: of the port.
        files: of the port: the program.
        result: of original and port in lockstep; None where that was not asked for.
    """

    read: WasRead
    framework: str
    files: list[Path] = field(default_factory=list)
    result: Result | None = None

    @property
    def carried(self) -> float | None:
        """Return what predictions from the same weights differ by, relative to the largest; None without weights."""
        return self.read.carried


@shared_forks()
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
        weights: carry the program's own weights over, as it begins to train from them: the spec's, and so the port's.
        prove: hold the program and its port in lockstep.
        max_seconds: after which the program is ended where it has not trained.
        said: loss and optimizer of a program that has none, as a spec says them.
        command: that repeats this.
        note: told what is under way.

    Raises:
        UnreadProgramError: with everything that no entry reads; then nothing is written.
        UsageError: when there is no such framework, or it is not installed, or the program fails, or does not train.
        SpecError: when the framework has no part that means one of the program's.
    """
    must_be("--to", framework, "framework", frameworks())
    known = frameworks()[framework]
    if (prove or weights) and not known.installed():
        raise UsageError(
            f"--to {framework}: {known.title} is not installed, and the port is held against the original in it: pip "
            f"install 'parity-harness[{known.extra}]'; or --no-proof, without --weights, which only writes the port"
        )
    found = read(
        program, output=None, out=out, max_seconds=max_seconds, said=said, prove=False, note=note, weights=weights,
        framework=framework,
    )  # fmt: skip
    if found.reading.opaque:
        raise UsageError(
            f"{program.text} cannot be ported: opaque is {' and '.join(found.reading.opaque)}, which runs only in its "
            f"own program; what was read of it stands in {found.files[0]}"
        )
    ported = Ported(read=found, framework=framework)
    file = output or found.files[0].with_name(f"{found.spec.name}_{framework}.py")
    note(f"writing {file.name}", 0.0)
    source = program_source(found.spec, None, framework, None, None, None, "float32", file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    ported.files.append(file)
    if not prove:
        return ported
    folder = scratch_folder(Path(tempfile.gettempdir()))
    try:
        sides = {ORIGINAL: None, PORT: {"framework": framework}}
        spec = with_program(found.reading, found.files[1], program, folder, sides)
        options = Options(explain=False, steps=STEPS, check_steps="all", timeout=max_seconds)
        result = check(spec, options, text="", file=None, folder=folder, command=command, note=note)
        ported.result = with_known(result, {ORIGINAL: found.reading})
    finally:
        release(folder)
    return ported
