"""The Python API: the same objects a YAML file is read into, and the verbs of the command line.

A spec is loaded (``load_spec``), built from plain data (``build_spec``) or from typed objects (``Spec``);
``run(spec, steps=20)``, or ``run("leaf_small")`` with the path of a spec or the name of one of the gallery, then
returns a ``parity.result.schema.Result``, which a notebook shows as its page.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.commands.progress import silent
from parity.notebook import Shown, found
from parity.prepare.options import Options, given_options, prepare
from parity.spec.differences import Difference, differences
from parity.spec.gallery import located
from parity.spec.load import build_spec, load_spec, parse_spec
from parity.spec.plain import to_yaml
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec

if TYPE_CHECKING:
    from parity.commands.compare import Compared
    from parity.commands.port import Ported
    from parity.commands.read import WasRead
    from parity.goldens.golden import Golden
    from parity.result.againstfact import Against
    from parity.result.schema import Lint, Result
    from parity.selftest.suites import SelfTest

__all__ = [
    "Difference",
    "Options",
    "Resolved",
    "Spec",
    "against",
    "build_spec",
    "check",
    "compare",
    "compile_program",
    "diff",
    "freeze",
    "lint",
    "load_spec",
    "parse_spec",
    "port",
    "read",
    "resolve",
    "rows",
    "run",
    "selftest",
]


def run(spec: Spec | str | Path, *, folder: str | Path | None = None, **options: Any) -> Shown:
    """Compile, train, compare and explain, and return what was found; nothing but finished runs is written.

    Args:
        spec: what to run; a spec, the path of one, or the name of one of the gallery.
        folder: where finished runs and programs are kept; ``reports/NAME`` if None.
        options: fields of :class:`Options`.

    Raises:
        ParityError: when the spec, the options or the data are at fault, or every side failed.
    """
    return _job("run", spec, folder, options)


def check(spec: Spec | str | Path, *, folder: str | Path | None = None, **options: Any) -> Shown:
    """Judge the sides in lockstep; arguments as :func:`run`."""
    return _job("check", spec, folder, options)


def freeze(
    spec: Spec | str | Path,
    file: str | Path,
    *,
    steps: int | None = None,
    folder: str | Path | None = None,
    **options: Any,
) -> Golden:
    """Write a golden of a spec's sides, over one that is there, and return it.

    Args:
        spec: what to record.
        file: of the golden.
        steps: to record; eight if None.
        folder: of programs and logs; ``reports/NAME`` if None.
        options: fields of :class:`Options`.

    Raises:
        ParityError: when the spec, the options or the data are at fault, or a worker fails.
    """
    from parity.commands.freeze import frozen, sides_at_work
    from parity.goldens.file import write_golden

    spec = _spec(spec)
    with sides_at_work(spec, given_options("api.freeze", options), Path(folder or Path("reports") / spec.name)) as (
        work,
        sides,
    ):
        golden = frozen(work, sides, steps, silent)
    write_golden(golden, Path(file))
    return golden


def against(spec: Spec | str | Path, file: str | Path, *, folder: str | Path | None = None, **options: Any) -> Against:
    """Hold a spec against a golden; arguments as :func:`freeze`.

    Raises:
        ParityError: as there, and when the file is no golden of the spec.
    """
    from parity.commands.freeze import held, sides_at_work
    from parity.goldens.file import read_golden

    golden, spec = read_golden(Path(file)), _spec(spec)
    with sides_at_work(spec, given_options("api.against", options), Path(folder or Path("reports") / spec.name)) as (
        work,
        sides,
    ):
        return held(work, sides, golden, str(file), silent)


def lint(spec: Spec | str | Path, *, short_run: bool = False, **options: Any) -> Lint:
    """Return what is probably a mistake in a spec.

    Args:
        spec: to look at.
        short_run: also take at most 50 steps of each side, in NumPy; else nothing is trained.
        options: fields of :class:`Options`.
    """
    from parity.commands.advising import lint as advice_on

    spec = _spec(spec)
    return advice_on(spec, given_options("api.lint", options), text=to_yaml(spec), file=None, run=short_run)


def read(
    program: Any, optimizer: Any = None, loss: Any = None, *, metrics: Any = None, x: Any = None, y: Any = None,
    batch_size: int = 32, epochs: int = 1, shuffle: bool = True, validation_split: float = 0.0, name: str = "model",
    arguments: Sequence[str] = (), out: str | Path | None = None, prove: bool = True, max_seconds: float = 600.0,
    weights: bool = False,
) -> WasRead:  # fmt: skip
    """Read a program, or a live model, into a spec, and prove the reading; the spec and its data are written.

    Args:
        program: a live model of a framework, or the path of a script or of a saved model, or ``MODULE:NAME``.
        optimizer: of the framework's, where the model does not have it already; of a path, as a spec says it.
        loss: likewise.
        metrics: likewise.
        x: what a live model is trained on, an array or several; rows are made up if None.
        y: its targets.
        batch_size: how it is trained, as the rest.
        epochs: passes over the data.
        shuffle: a new order in every epoch.
        validation_split: share of the rows that is kept.
        name: of a live model's spec.
        arguments: of a script.
        out: folder of the spec and its data; ``reports/NAME`` if None.
        prove: hold the program and what its spec compiles to in lockstep.
        max_seconds: after which a program is ended where it has not trained.
        weights: take its weights over, as it begins to train from them.

    Raises:
        UnreadProgramError: with everything that no entry reads.
        UsageError: when the program fails, does not train, or is no model; or when its weights cannot be taken.
    """
    from parity.commands.read import read as read_program
    from parity.commands.read import read_live
    from parity.reading.asking import program_of
    from parity.run.watched import Training

    folder = None if out is None else Path(out)
    if isinstance(program, str | Path):
        said = {part: one for part, one in {"loss": loss, "optimizer": optimizer}.items() if one is not None}
        return read_program(
            program_of(str(program), arguments), output=None, out=folder, max_seconds=max_seconds, said=said,
            prove=prove, note=silent, weights=weights,
        )  # fmt: skip
    training = Training(
        model=program, optimizer=optimizer, loss=loss, metrics=metrics, x=x, y=y, batch_size=batch_size, epochs=epochs,
        shuffle=shuffle, validation_split=validation_split,
    )  # fmt: skip
    return read_live(training, name=name, out=folder, prove=prove, max_seconds=max_seconds, said={}, weights=weights)


def compare(
    a: Any, b: Any, *, out: str | Path | None = None, prove: bool = True, max_seconds: float = 600.0,
    weights: bool = False, **options: Any,
) -> Compared:  # fmt: skip
    """Compare two programs as they are: where their training parts, and which difference does it.

    Args:
        a: the path of a script or of a saved model, ``MODULE:NAME``, or a live model that is compiled.
        b: likewise.
        out: folder of what is written; ``reports/A-B`` if None.
        prove: hold each program against what it was read as first.
        max_seconds: after which a program is ended where it has not trained.
        weights: start each side from its program's own weights, as it begins to train from them.
        options: fields of :class:`Options`.

    Raises:
        UnreadProgramError: with everything that no entry reads, of both.
        UsageError: when one fails, does not train, or cannot be saved for the worker that runs it.
    """
    from parity.commands.compare import compare as compare_programs
    from parity.commands.saving import wanted

    told = ", ".join(f"{name}={value!r}" for name, value in options.items())
    with wanted({"a": a, "b": b}) as programs:
        return compare_programs(
            (programs[0], programs[1]), given_options("api.compare", {**options, "out": out}),
            max_seconds=max_seconds, prove=prove, command=f"parity.api.compare(a, b{', ' + told if told else ''})",
            note=silent, weights=weights,
        )  # fmt: skip


def port(
    program: Any, to: str, *, out: str | Path | None = None, weights: bool = False, prove: bool = True,
    max_seconds: float = 600.0,
) -> Ported:  # fmt: skip
    """Write a program in another framework, and prove that it trains the same; arguments as :func:`compare`'s.

    Args:
        program: to port.
        to: framework of the port.
        out: folder of the port, its spec and its data; ``reports/NAME`` if None.
        weights: carry the program's own weights over.
        prove: hold the program and its port in lockstep.
        max_seconds: after which the program is ended where it has not trained.
    """
    from parity.commands.port import port as write_port
    from parity.commands.saving import wanted

    with wanted({"model": program}) as (one,):
        return write_port(
            one, to, output=None, out=None if out is None else Path(out), weights=weights, prove=prove,
            max_seconds=max_seconds, said={}, command=f"parity.api.port(program, {to!r})",
            note=silent,
        )  # fmt: skip


def selftest(*, quick: bool = False, seed: int = 0, only: Sequence[str] = ()) -> SelfTest:
    """Put the judge to the test here: faults it must find, clean pairs on which it must be silent, programs to judge.

    Args:
        quick: a sample of each suite.
        seed: of the choice of clean pairs.
        only: suites to run (``planted``, ``clean``, ``programs``), all if empty.
    """
    from parity.selftest import SUITES
    from parity.selftest.suites import selftest as run_suites

    return run_suites(quick=quick, seed=seed, only=only or SUITES)


def _spec(spec: Spec | str | Path) -> Spec:
    """Return a spec, read from its file where a path or a name is given."""
    return spec if isinstance(spec, Spec) else load_spec(located(Path(spec)))


def _job(verb: str, spec: Spec | str | Path, folder: str | Path | None, options: dict[str, Any]) -> Shown:
    from parity.commands.check import check
    from parity.commands.run import run

    told = ", ".join(f"{name}={value!r}" for name, value in options.items())
    asked = "spec" if isinstance(spec, Spec) else repr(str(spec))
    spec = _spec(spec)
    result: Result = {"run": run, "check": check}[verb](
        spec,
        given_options(f"api.{verb}", options),
        text=to_yaml(spec),
        file=None,
        folder=Path(folder) if folder is not None else Path("reports") / spec.name,
        command=f"parity.api.{verb}({asked}{', ' + told if told else ''})",
        note=silent,
    )
    return found(result)


def resolve(spec: Spec, **options: Any) -> list[Resolved]:
    """Return the sides of a spec with every field explicit; options as in :func:`run`."""
    return prepare(spec, given_options("api.resolve", options))


def diff(spec: Spec, **options: Any) -> list[Difference]:
    """Return the differences of the first two sides; options as in :func:`run`."""
    a, b, *_ = resolve(spec, **options)
    return differences(a, b)


def rows(source: str) -> tuple[Any, Any]:
    """Return the inputs and the targets of a named source, as they are before anything is done to them.

    Args:
        source: its name: ``leaf_like``. Of one with several inputs or outputs these are dicts, by their names.

    Raises:
        UsageError: when there is none.
        DataError: when it cannot be read.
    """
    from parity.data.sources import sources
    from parity.prepare.options import must_be

    must_be("source", source, "source", sources())
    raw = sources()[source].read()
    return raw.several or raw.x, raw.aims or raw.y


def compile_program(spec: Spec, side: str | None = None, framework: str | None = None, data: str | None = None) -> str:
    """Return the source of a side's program.

    Args:
        spec: the spec.
        side: its name, the first if None.
        framework: to compile for, the side's own if None.
        data: another source, or the file to read it from.
    """
    from parity.commands.writing_out import program_source

    return program_source(spec, side, framework, data, None, None, "float32")
