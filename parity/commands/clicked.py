"""What the command line is made of: verbs that end in one line and an exit code, options that verbs share."""

from __future__ import annotations

import gc
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from parity.commands.ending import ended, read_on

if TYPE_CHECKING:
    from parity.prepare.options import Options
    from parity.result.schema import Result


SELDOM = 50_000
"""Objects from which on Python looks for cycles among new ones: what modules make stays, and is much more than 700."""


class Group(click.Group):
    """Ends every verb with one line and an exit code, in one place."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run the verb and exit; arguments as click has them."""
        if not extra.pop("standalone_mode", True):
            return super().main(args, prog_name, standalone_mode=False, **extra)
        gc.set_threshold(SELDOM)
        sys.exit(ended(lambda: super(Group, self).main(args, prog_name, standalone_mode=False, **extra)))

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the options, and print the help where it is asked for."""
        with read_on():
            return super().make_context(*args, **extra)

    def invoke(self, context: click.Context) -> Any:
        """Run the verb."""
        with read_on():
            return super().invoke(context)


class Seconds(click.FloatRange):
    """A number of seconds, which is finite."""

    name = "seconds"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"expected a finite number of seconds, not {value}", parameter, context)
        return number


class SpecArgument(click.Path):
    """A spec's file, or the name of one of the gallery."""

    name = "spec"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the path of the file."""
        from parity.spec.gallery import located

        return located(Path(os.fsdecode(super().convert(value, parameter, context))))


def _check_steps(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuse what is neither a rule nor a number."""
    if value not in ("log", "all") and not (value.isdecimal() and int(value) > 0):
        raise click.BadParameter(f"expected log, all or a number of steps, not {value!r}")
    return value


COMMON = {
    "sides": click.option("--side", "sides", multiple=True, metavar="NAME", help="Only this side; repeatable."),
    "frameworks": click.option("--frameworks", metavar="A,B,C",
                               help="Compile one config for each of these frameworks."),
    "like": click.option("--like", metavar="SIDE",
                         help="Whose config --frameworks or --devices run; the first side's if not said."),
    "steps": click.option("--steps", type=click.IntRange(min=1), help="Training steps; in check, steps in lockstep."),
    "precision": click.option("--precision", type=click.Choice(["float32", "float64", "bfloat16"]),
                              help="Of the free runs [float32]; in check, of the lockstep [float64]."),
    "check_steps": click.option(
        "--check-steps", default="log", show_default=True, metavar="log|all|N", callback=_check_steps,
        help="Which steps of the lockstep are checked: 1, 2, 3, 4, 6, 8, 12, ...; all; every N."),
    "seed": click.option("--seed", type=click.IntRange(min=0), help="In place of the spec's."),
    "device": click.option("--device", metavar="auto|cpu|gpu|gpu:N",
                           help="Where every side runs, in place of the spec's."),
    "devices": click.option("--devices", metavar="A,B", help="Run --like's config on each of these devices."),
    "changes": click.option("--set", "changes", multiple=True, metavar="PATH=VALUE",
                            help="Change a value on every side, or on one: SIDE:PATH=VALUE; repeatable."),
    "packages": click.option("--packages", multiple=True, metavar="NAME=VERSION",
                             help="Run in an environment that has these, made once; or SIDE:NAME=VERSION; repeatable."),
    "data": click.option("--data", metavar="NAME|FILE", help="Another source, or the file to read it from."),
    "out": click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
                        help="Where reports and finished runs go [reports/<spec>/]."),
    "timeout": click.option("--timeout", type=Seconds(min=1.0, max=1e9), default=600.0, show_default=True,
                            metavar="SECONDS", help="Give a side up after so long without a word."),
    "as_json": click.option("--json", "as_json", is_flag=True,
                            help="The result as JSON on standard output, nothing else."),
}  # fmt: skip
"""Options that verbs share, by what they are called in Python."""

OF_VERSIONS = ("steps", "precision", "check_steps", "seed", "changes", "data", "out", "timeout", "as_json")
"""Those that versions of a package are compared with."""

OF_PROGRAMS = ("steps", "precision", "check_steps", "seed", "data", "out", "timeout", "as_json")
"""Those that two programs are compared with."""


def _with(verb: Callable[..., None], names: Iterable[str]) -> Callable[..., None]:
    for name in reversed([*names]):
        verb = COMMON[name](verb)
    return verb


def with_common(names: Iterable[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return what adds some of the options that verbs share.

    Args:
        names: what they are called in Python.
    """
    return lambda verb: _with(verb, names)


def common(verb: Callable[..., None]) -> Callable[..., None]:
    """Add what ``run`` and ``check`` share: a spec, and its options."""
    return click.argument("spec", type=SpecArgument())(_with(verb, COMMON))


def of_programs(verb: Callable[..., None]) -> Callable[..., None]:
    """Add what two programs are compared with."""
    return _with(verb, OF_PROGRAMS)


def of_versions(verb: Callable[..., None]) -> Callable[..., None]:
    """Add what versions of a package are compared with."""
    return _with(verb, OF_VERSIONS)


def causes(verb: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how causes are looked for."""
    options = [
        click.option("--outcome", metavar="TEXT",
                     help="What says which side does better: a metric, 'accuracy >= 0.8', 'steps to accuracy >= 0.8'."),
        click.option("--explain-steps", type=click.IntRange(min=1), help="Steps of each counterfactual run."),
        click.option("--max-runs", type=click.IntRange(min=0), help="Make at most so many counterfactual runs."),
        click.option("--max-seconds", type=Seconds(min=0.0, max=1e9), help="Begin none after so many seconds."),
        click.option("-v", "--verbose", is_flag=True, help="Print all that the report says, not what fits a screen."),
        click.option("--causes-only", is_flag=True, help="Do not measure every other difference on its own."),
        click.option("--subsets", is_flag=True, help="Run every combination of the causes, at most 6, for the page."),
        click.option("--split", multiple=True, metavar="PATH", help="Look into a group layer by layer; repeatable."),
    ]  # fmt: skip
    for option in reversed(options):
        verb = option(verb)
    return verb


def options_of(
    *, explain: bool, trace: bool = True, frameworks: str | None, devices: str | None, changes: tuple[str, ...],
    causes_only: bool = False, packages: tuple[str, ...] = (), **given: Any,
) -> Options:  # fmt: skip
    """Return the options of a verb; what is named alike in both passes through."""
    from parity.prepare.options import Options, parse_set
    from parity.prepare.versions import parse_packages

    versions = {name: version for text in packages for name, version in parse_packages(text).items()}
    return Options(
        packages=versions,
        frameworks=_parts(frameworks), devices=_parts(devices), changes=dict(map(parse_set, changes)), explain=explain,
        trace=trace, effects=not causes_only, **given,
    )  # fmt: skip


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def show(result: Result, as_json: bool, files: list[Path], verbose: bool = True) -> None:
    """Print a result, and the files that were written: all of it, or what fits a screen."""
    if as_json:
        click.echo(result.model_dump_json(indent=2))
        return
    from rich.console import Console

    from parity.report.terminal import print_brief, print_result

    (print_result if verbose else print_brief)(result, Console(), files)
