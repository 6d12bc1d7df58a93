"""The verbs about versions of packages: ``across``, ``bisect``, ``cache``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from parity.commands.clicked import SpecArgument, of_versions, options_of
from parity.commands.ending import code_of

if TYPE_CHECKING:
    from parity.commands.upgrading import Upgrade
    from parity.court.work import Note


def _of_package(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the spec, the package and what versions are compared with."""
    package = click.option("--package", required=True, metavar="NAME", help="Whose versions: keras, tensorflow, torch.")
    side = click.option("--side", metavar="NAME", help="Whose program; the first that runs on the package if not said.")
    return click.argument("spec", type=SpecArgument())(package(side(of_versions(verb))))


def _upgrade(spec: Path, package: str, side: str | None, note: Note, **given: Any) -> Upgrade:
    from parity.commands.ending import command
    from parity.commands.upgrading import Upgrade
    from parity.spec.load import parse_spec, read_spec

    text = read_spec(spec)
    parsed = parse_spec(text, file=str(spec))
    options = options_of(explain=False, frameworks=None, devices=None, sides=(side,) if side else (), **given)
    folder = options.out or Path("reports") / parsed.name
    return Upgrade(
        spec=parsed, options=options, package=package, text=text, file=str(spec), folder=folder, command=command(),
        note=note,
    )  # fmt: skip


@click.command("across")
@_of_package
@click.option("--versions", required=True, metavar="A,B,C", help="Exact versions, in the order of the table.")
def across(spec: Path, versions: str, as_json: bool, **given: Any) -> None:
    """One program under several versions: each against the one before it, and against the first.

    Exit 0 all train the same, 1 some do not, 2 usage, spec or data, 3 inconclusive.
    """
    from parity.commands.progress import progress
    from parity.commands.upgrading import parse_versions
    from parity.upgrades.told_versions import table

    with progress(enabled=not as_json) as note:
        found = _upgrade(spec, note=note, **given).across(parse_versions(versions))
    click.echo(found.model_dump_json(indent=2) if as_json else "\n".join(table(found)))
    sys.exit(code_of(row.against_before.verdict for row in found.rows if row.against_before))


@click.command("bisect")
@_of_package
@click.option("--good", required=True, metavar="VERSION", help="The release to hold others against.")
@click.option("--bad", required=True, metavar="VERSION", help="A later one that differs.")
@click.option(
    "--outcome",
    metavar="TEXT",
    help="Hold what training ends at against the good release's: a metric, loss, accuracy >= 0.8.",
)
def bisect(spec: Path, good: str, bad: str, outcome: str | None, as_json: bool, **given: Any) -> None:
    """Find the first release that trains otherwise, in log2 steps.

    Exit 0 nothing differs, 1 a release was found, 2 usage, spec or data, 3 it could not be judged.
    """
    from parity.commands.progress import progress
    from parity.upgrades.told_versions import search

    with progress(enabled=not as_json) as note:
        found = _upgrade(spec, note=note, **given).bisect(good, bad, outcome)
    click.echo(found.model_dump_json(indent=2) if as_json else "\n".join(search(found)))
    sys.exit(1 if found.first else 0 if found.last == bad else 3)


@click.command("cache")
@click.option("--empty", is_flag=True, help="Remove every environment that no other command uses.")
@click.option("--remove", multiple=True, metavar="NAME", help="Remove this environment; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output, nothing else.")
def cache(empty: bool, remove: tuple[str, ...], as_json: bool) -> None:
    """Show the environments that were made for versions, or remove them."""
    import json

    from parity.environments.shelf import kept, removed, shown_shelf

    gone = removed(None if empty else remove) if empty or remove else []
    if as_json:
        click.echo(json.dumps({"removed": gone, "kept": [one.plain() for one in kept()]}, indent=2))
        return
    click.echo("\n".join([*(f"removed {name}" for name in gone), *shown_shelf()]))
