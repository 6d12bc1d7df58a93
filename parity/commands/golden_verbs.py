"""The verb ``freeze``, and what ``check --against`` prints."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from parity.commands.clicked import COMMON, SpecArgument, options_of, with_common
from parity.commands.ending import code_of

if TYPE_CHECKING:
    from parity.prepare.options import Options

TAKEN = tuple(name for name in COMMON if name not in ("precision", "check_steps", "devices", "as_json"))
"""Options of ``freeze``; what it records is checked in all steps, in float64."""


@click.command("freeze")
@click.argument("spec", type=SpecArgument())
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The golden [beside the spec: SPEC.golden.json].")  # fmt: skip
@click.option("--force", is_flag=True, help="Write it anew where there is one, and say what moved.")
@with_common(TAKEN)
def freeze(spec: Path, output: Path | None, force: bool, **given: Any) -> None:
    """Record what the sides of a spec compute, to hold later versions against: parity check SPEC --against FILE."""
    from parity.commands.freeze import frozen, held, sides_at_work
    from parity.commands.progress import progress
    from parity.errors import UsageError
    from parity.goldens.file import SUFFIX, may_be_golden, read_golden, write_golden
    from parity.report.against import lines
    from parity.result.formats import count
    from parity.spec.load import parse_spec, read_spec

    options = options_of(explain=False, precision=None, devices=None, **given)
    parsed = parse_spec(read_spec(spec), file=str(spec))
    file = output or spec.with_name(f"{spec.stem}{SUFFIX}")
    if file.exists() and not may_be_golden(file):
        raise UsageError(f"-o {file}: there is another file, and no golden; name one that ends in {SUFFIX}")
    if file.exists() and not force:
        raise UsageError(
            f"{file}: there is a golden already; hold the spec against it with parity check {spec} --against {file}, "
            "or write it anew with --force"
        )
    folder = options.out or Path("reports") / parsed.name
    with progress() as note, sides_at_work(parsed, options, folder) as (work, sides):
        told = []
        if file.exists():
            try:
                told = lines(held(work, sides, read_golden(file), str(file), note))
            except UsageError as error:
                told = [str(error)]
        golden = frozen(work, sides, options.steps, note)
    size = write_golden(golden, file)
    steps = max(len(one.steps) for one in golden.sides.values())
    notes = [f"{name}: {one.note}" for name, one in golden.sides.items() if one.note]
    what = f"{count(steps, 'step')} of {', '.join(golden.sides)}, {size} bytes"
    click.echo("\n".join([*told, *notes, f"{file}: {what}"]))


def check_against(spec: Path, golden: Path, options: Options, as_json: bool) -> None:
    """Hold a spec against a golden, print what came of it, and exit.

    Args:
        spec: file of the spec.
        golden: file of the golden.
        options: of the command.
        as_json: print the result as JSON.
    """
    from parity.commands.freeze import held, sides_at_work
    from parity.commands.progress import progress
    from parity.goldens.file import read_golden
    from parity.report import github
    from parity.report.against import lines
    from parity.spec.load import parse_spec, read_spec

    known = read_golden(golden)
    parsed = parse_spec(read_spec(spec), file=str(spec))
    if not options.sides and not options.frameworks and not parsed.sides:
        options = replace(options, frameworks=tuple(one.framework for one in known.sides.values()))
    folder = options.out or Path("reports") / parsed.name
    with progress(enabled=not as_json) as note, sides_at_work(parsed, options, folder) as (work, sides):
        found = held(work, sides, known, str(golden), note)
    click.echo(found.model_dump_json(indent=2) if as_json else "\n".join(lines(found)))
    code = code_of(one.verdict for one in found.sides)
    github.tell_lines(lines(found), file=str(spec), fails=code != 0, to_error=as_json)
    sys.exit(code)
