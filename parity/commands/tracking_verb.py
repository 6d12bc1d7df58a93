"""``parity export``: a result as runs of TensorBoard, MLflow or Weights & Biases."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from parity.result.schema import Result

ARTEFACTS = ("report.html", "report.md", "result.json")
"""Files of a report that go along, those that are there."""


def trackers() -> list[str]:
    """Return the names of the tools that a result is written for."""
    from parity import tracking

    return [one.name for one in pkgutil.iter_modules(tracking.__path__) if one.name != "told_runs"]


@click.command("export")
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--to", "tool", required=True, metavar="tensorboard|mlflow|wandb", help="For which tool.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where it is written [beside the result, in a folder called as the tool].")  # fmt: skip
def export(result: Path, tool: str, out: Path | None) -> None:
    """Write a result for another tool: curves, claims and the page, without sending anything.

    RESULT is a result.json, the folder that has it, or the name of a spec whose report is in reports/.
    """
    from parity.prepare.options import must_be
    from parity.tracking.told_runs import told

    must_be("--to", tool, "tool", trackers())
    file = _file(result)
    found = _read(file)
    writer = _writer(tool)
    folder = out or file.parent / tool
    artefacts = [one for name in ARTEFACTS if (one := file.with_name(name)).is_file()]
    written = writer.write(told(found), datetime.fromisoformat(found.created), folder, artefacts)
    for one in written:
        click.echo(str(one))
    click.echo(f"to look at it: {writer.OPEN.format(folder=folder)}")


def _writer(tool: str) -> Any:
    """Return the module that writes for a tool.

    Raises:
        UsageError: when it is not installed.
    """
    from parity.errors import UsageError

    writer = importlib.import_module(f"parity.tracking.{tool}")
    absent = [name for name in writer.NEEDS if importlib.util.find_spec(name) is None]
    if absent:
        raise UsageError(f"--to {tool}: not installed: {', '.join(absent)}; pip install 'parity-harness[{tool}]'")
    return writer


def _file(result: Path) -> Path:
    """Return the ``result.json`` that is meant.

    Raises:
        UsageError: when there is none.
    """
    from parity.errors import UsageError

    places = [result, result / "result.json", Path("reports") / result / "result.json"]
    file = next((one for one in places if one.is_file()), None)
    if file is None:
        raise UsageError(
            f"{result}: no result there; expected a result.json, or the folder that parity run or compare wrote"
        )
    return file


def _read(file: Path) -> Result:
    """Read a result.

    Raises:
        UsageError: when the file is none.
    """
    from pydantic import ValidationError

    from parity.errors import UsageError
    from parity.report.write import read

    try:
        return read(file)
    except (ValidationError, UnicodeDecodeError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UsageError(f"{file}: not a result of parity run, compare or check: {said}") from None
