"""The verbs that take programs: ``read``, ``port``, ``compare``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from parity.commands.clicked import Seconds, causes, of_programs, options_of, show
from parity.commands.ending import code_of


def _of_one(verb: Callable[..., None]) -> Callable[..., None]:
    """Add what says which program is taken, and how."""
    options = [
        click.argument("program"),
        click.argument("arguments", nargs=-1),
        click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
                     help="Where spec and data go [reports/NAME]."),
        click.option("--loss", metavar="VALUE", help="Of a model that has none, as a spec says it."),
        click.option("--optimizer", metavar="VALUE", help="Of a model that has none, as a spec says it."),
        click.option("--max-seconds", type=Seconds(min=0.1, max=1e9), default=600.0, show_default=True,
                     help="End a program that has not trained by then."),
    ]  # fmt: skip
    for option in reversed(options):
        verb = option(verb)
    return verb


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """Take what is said of a program that does not say it itself out of a verb's options, and return it read."""
    from parity.reading.said import read_said

    return read_said({name: given.pop(name) for name in ("loss", "optimizer")})


LIVE = "live"
"""The weights that a program begins to train from."""

CARRIED = "weights carried over: from them, predictions differ by {:.0e} at most"

_weights = click.option(
    "--weights", type=click.Choice([LIVE]),
    help="Which weights to start from: those that the program does; else the initializers draw them.",
)  # fmt: skip


@click.command("read")
@_of_one
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="SPEC",
              help="The spec; its data go beside it [DIR/NAME.yaml].")  # fmt: skip
@_weights
@click.option("--no-proof", is_flag=True, help="Do not hold the program and its spec in lockstep.")
def read(program: str, arguments: tuple[str, ...], no_proof: bool, weights: str | None, **given: Any) -> None:
    """Make a spec of a program: a training script (-- ARGS are its own), a saved model, or MODULE:NAME.

    Exit 0 read faithfully, 1 read but it departs, 2 not read, 3 not proved.
    """
    from parity.commands.progress import progress
    from parity.commands.read import read as read_program
    from parity.reading.asking import program_of

    said = _said(given)
    with progress() as note:
        found = read_program(
            program_of(program, arguments), said=said, prove=not no_proof, note=note, weights=weights == LIVE, **given
        )  # fmt: skip
    click.echo("\n".join([*found.reading.notes, *map(str, found.files)]))
    if found.carried is not None:
        click.echo(CARRIED.format(found.carried))
    click.echo("\n".join(found.proof.lines) if found.proof else "", nl=found.proof is not None)
    sys.exit(found.proof.code if found.proof else 0)


@click.command("port")
@_of_one
@click.option("--to", "framework", required=True, metavar="FRAMEWORK", help="Framework of the port.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The port [DIR/NAME_FRAMEWORK.py].")  # fmt: skip
@click.option("--weights", is_flag=True, help="Carry the program's weights over, as it begins to train from them.")
@click.option("--no-proof", is_flag=True, help="Do not hold the program and its port in lockstep.")
@click.option("-v", "--verbose", is_flag=True, help="Print all that was found, not what fits a screen.")
def port(program: str, arguments: tuple[str, ...], no_proof: bool, verbose: bool, **given: Any) -> None:
    """Write a program in another framework, and prove that it trains the same.

    Exit 0 at parity, 1 divergent, 2 not read, 3 not proved.
    """
    from parity.commands.ending import command
    from parity.commands.port import port as write_port
    from parity.commands.progress import progress
    from parity.reading.asking import program_of

    said = _said(given)
    with progress() as note:
        found = write_port(
            program_of(program, arguments), prove=not no_proof, said=said, command=command(), note=note, **given
        )  # fmt: skip
    click.echo("\n".join([*found.read.reading.notes, *map(str, [*found.files, *found.read.files])]))
    if found.carried is not None:
        click.echo(CARRIED.format(found.carried))
    if found.result is not None:
        show(found.result, False, [], verbose)
        sys.exit(code_of(one.verdict for one in found.result.comparisons))


@click.command("compare")
@click.argument("a")
@click.argument("b")
@of_programs
@click.option("--no-explain", is_flag=True, help="Do not look for causes.")
@click.option("--no-proof", is_flag=True, help="Do not hold each program against what it was read as.")
@_weights
@causes
def compare(
    a: str, b: str, as_json: bool, no_explain: bool, no_proof: bool, weights: str | None, verbose: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Compare two programs as they are: where their training parts, and which difference does it.

    Each is a training script, a saved model or MODULE:NAME. Exit 0 parity, 1 divergent, 2 not read, 3 inconclusive.
    """
    from parity.commands.compare import compare as compare_programs
    from parity.commands.ending import command
    from parity.commands.growing import GrowingPage
    from parity.commands.progress import progress
    from parity.reading.asking import program_of
    from parity.report import github
    from parity.report.write import write_all

    options = options_of(explain=not no_explain, frameworks=None, devices=None, changes=(), **given)
    with progress(enabled=not as_json) as note:
        found = compare_programs(
            (program_of(a), program_of(b)), options, max_seconds=options.timeout, prove=not no_proof,
            command=command(), note=note, weights=weights == LIVE,
            page=None if as_json else lambda folder: GrowingPage(folder=folder),
        )  # fmt: skip
    told = [f"{name}: {proof.lines[-1]}" for name, proof in found.proofs.items()]
    if not as_json:
        click.echo("\n".join([*found.pair.notes, *told, *map(str, found.files)]))
    show(found.result, as_json, write_all(found.result, found.files[0].parent), verbose)
    github.tell(found.result, to_error=as_json)
    sys.exit(code_of(one.verdict for one in found.result.comparisons))
