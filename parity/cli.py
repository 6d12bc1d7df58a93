"""The command line: verbs only; the work is done in ``parity.commands``.

Everything heavy is imported inside the verb that needs it, so that ``parity --help`` and ``parity diff`` answer at
once. Exit codes: 0 parity, 1 divergent or advice, 2 usage, spec or data, 3 inconclusive, 4 the machine's fault or our
own, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from parity import __version__
from parity.commands.clicked import Group, SpecArgument, causes, common, options_of, show
from parity.commands.ending import code_of
from parity.commands.golden_verbs import check_against, freeze
from parity.commands.program_verbs import compare, port, read
from parity.commands.tracking_verb import export
from parity.commands.version_verbs import across, bisect, cache
from parity.selftest import SUITES

if TYPE_CHECKING:
    from parity.prepare.options import Options
    from parity.result.schema import Result


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="parity")
def main() -> None:
    """One spec, the same training program in Keras, raw TensorFlow and PyTorch: do they agree, and if not, why?"""


@main.command()
@common
@click.option("--no-explain", is_flag=True, help="Do not look for causes.")
@click.option("--no-trace", is_flag=True, help="Keep the losses of the free runs only, not the tensors' digests.")
@causes
def run(spec: Path, as_json: bool, no_explain: bool, no_trace: bool, verbose: bool, **given: Any) -> None:
    """Compile, train, compare, explain, report: the main job."""
    options = options_of(explain=not no_explain, trace=not no_trace, **given)
    result, folder = _work("run", spec, options, as_json)
    from parity.commands.run import INTERRUPTED
    from parity.report.write import write_all

    written = write_all(result, folder)
    show(result, as_json, written, verbose)
    if INTERRUPTED in result.notes or (result.explanation is not None and result.explanation.interrupted):
        sys.exit(130)


@main.command()
@common
@click.option("--against", type=click.Path(path_type=Path), metavar="FILE",
              help="Hold each side against this golden, in place of the first side.")  # fmt: skip
def check(spec: Path, as_json: bool, against: Path | None, **given: Any) -> None:
    """The same as a test: exit 0 parity, 1 divergent, 2 usage, spec or data, 3 inconclusive."""
    if against is not None:
        check_against(spec, against, options_of(explain=False, **given), as_json)
    from parity.report import github

    result, _ = _work("check", spec, options_of(explain=False, **given), as_json)
    show(result, as_json, [])
    github.tell(result, to_error=as_json)
    sys.exit(code_of(one.verdict for one in result.comparisons))


@main.command()
@click.argument("spec", type=SpecArgument())
@click.option("--side", "sides", multiple=True, metavar="NAME", help="Only these sides; repeatable.")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="As in run.")
@click.option("--data", metavar="NAME|FILE", help="Another source, or the file to read it from.")
@click.option("--run", is_flag=True, help="Also take a short run of each side, of at most 50 steps, in NumPy.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output, nothing else.")
def lint(
    spec: Path, sides: tuple[str, ...], changes: tuple[str, ...], data: str | None, run: bool, as_json: bool
) -> None:
    """Advise before training: exit 0 nothing to advise, 1 advice, 2 usage, spec or data."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # Matrices are small: threads that spin for them take longer.
    from rich.console import Console

    from parity.commands.advising import lint as advice_on
    from parity.errors import DataError
    from parity.prepare.options import Options, parse_set
    from parity.report.terminal import print_lint
    from parity.spec.load import parse_spec, read_spec

    options = Options(sides=sides, changes=dict(map(parse_set, changes)), data=data, environments=False)
    text = read_spec(spec)
    refused: list[DataError] = []
    found = advice_on(parse_spec(text, file=str(spec)), options, text=text, file=str(spec), refused=refused, run=run)
    click.echo(found.model_dump_json(indent=2)) if as_json else print_lint(found, Console())
    if refused:
        raise DataError("\n".join(dict.fromkeys(map(str, refused))))
    sys.exit(1 if found.advice else 0)


@main.command("compile")
@click.argument("spec", type=SpecArgument())
@click.option("--side", "name", metavar="NAME", help="Which side; the first if not said.")
@click.option("--framework", metavar="NAME", help="Compile that side's config for another framework.")
@click.option("--data", metavar="NAME|FILE", help="Another source, or the file to read it from.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File; standard output if not.")
@click.option("--save-data", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Also write the data the program reads with --data (.npz).")  # fmt: skip
@click.option("--save-weights", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Also write the initial weights it reads with --weights (.safetensors).")  # fmt: skip
@click.option("--precision", type=click.Choice(["float32", "float64"]), default="float32", help="Of --save-weights.")
def compile_verb(
    spec: Path, name: str | None, framework: str | None, data: str | None, output: Path | None,
    save_data: Path | None, save_weights: Path | None, precision: str,
) -> None:  # fmt: skip
    """Print the program of a side: it runs on its own, without parity."""
    from parity.commands.writing_out import program_source
    from parity.spec.load import load_spec

    source = program_source(load_spec(spec), name, framework, data, save_data, save_weights, precision, output)
    if output is None:
        click.echo(source, nl=False)
    else:
        output.write_text(source, encoding="utf-8")


@main.command()
@click.argument("spec", type=SpecArgument())
@click.option("--side", "sides", multiple=True, metavar="NAME", help="Only these sides; repeatable.")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="As in run.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output, nothing else.")
def diff(spec: Path, sides: tuple[str, ...], changes: tuple[str, ...], as_json: bool) -> None:
    """List the config differences between the sides; nothing is trained."""
    from parity.commands.tables import differences_json, print_differences
    from parity.prepare.options import Options, parse_set, prepare
    from parity.spec.load import load_spec

    options = Options(sides=sides, changes=dict(map(parse_set, changes)), environments=False)
    resolved = prepare(load_spec(spec), options)
    click.echo(differences_json(resolved)) if as_json else print_differences(resolved)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output, nothing else.")
@click.option("--installed", is_flag=True, help="Ask those that are installed here.")
def defaults(as_json: bool, installed: bool) -> None:
    """List where the frameworks' own defaults differ from each other and from parity's."""
    from parity.commands.tables import defaults_json, print_defaults

    click.echo(defaults_json(installed)) if as_json else print_defaults(installed)


@main.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output, nothing else.")
@click.option("--schema", is_flag=True, help="The JSON Schema of a spec file, for editors.")
def catalog(name: str | None, as_json: bool, schema: bool) -> None:
    """List what a spec can name, in which framework; with NAME, one entry in full."""
    import json

    from parity.commands.tables import catalog_json, print_catalog, print_entry

    if schema:
        from parity.spec.sections import json_schema

        click.echo(json.dumps(json_schema(), indent=2))
    elif as_json:
        click.echo(catalog_json())
    elif name:
        print_entry(name)
    else:
        print_catalog()


@main.command()
@click.option("--quick", is_flag=True, help="A stated sample of each suite, in about a minute and a half.")
@click.option(
    "--suite", "only", type=click.Choice(SUITES), multiple=True, help="Run only this suite; may be given again."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the choice of clean pairs.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on standard output, nothing else.")
def selftest(quick: bool, only: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Test the judge here: faults to find, clean pairs, programs written by hand; exit 1 if it fails."""
    from parity.commands.progress import progress
    from parity.selftest import suites as suites
    from parity.selftest.show import print_selftest

    with progress(enabled=not as_json) as note:
        result = suites.selftest(quick=quick, seed=seed, only=only or SUITES, note=note)
    click.echo(result.model_dump_json(indent=2)) if as_json else print_selftest(result)
    sys.exit(0 if result.passed else 1)


def _work(verb: str, file: Path, options: Options, as_json: bool) -> tuple[Result, Path]:
    """Do the work of ``run`` or ``check`` behind a progress bar, and return the result and its folder."""
    from parity.commands.check import check
    from parity.commands.ending import command
    from parity.commands.progress import progress
    from parity.commands.run import run
    from parity.spec.load import parse_spec, read_spec

    text = read_spec(file)
    spec = parse_spec(text, file=str(file))
    folder = options.out or Path("reports") / spec.name
    given: dict[str, Any] = {"text": text, "file": str(file), "folder": folder, "command": command()}
    with progress(enabled=not as_json) as note:
        if verb == "check":
            return check(spec, options, **given, note=note), folder
        from parity.commands.growing import GrowingPage

        return run(spec, options, **given, note=note, early=None if as_json else GrowingPage(folder=folder)), folder


for verb in (read, port, compare, across, bisect, cache, freeze, export):
    main.add_command(verb)
