"""The files of a report: ``result.json``, ``report.md``, ``report.html`` and ``curves.png``."""

from __future__ import annotations

from pathlib import Path

from parity.atomic import sweep
from parity.report import charts, files, html, markdown
from parity.result.schema import Result


def write_all(result: Result, folder: Path) -> list[Path]:
    """Write every file of the report, each whole or not at all, and list what was written.

    ``result.json`` comes first: should a drawing fail, what was found is kept. Program files are linked, not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sweep(folder)
    data, page = write_page(result, folder)
    written = [data, files.write(folder / "report.md", markdown.to_markdown(result, folder)), page]
    picture, chart = folder / "curves.png", charts.curves_chart(result)
    if chart is None:
        picture.unlink(missing_ok=True)  # one left by an earlier run would show what was not found by this one
        return written
    charts.write_png(chart, picture)
    return [*written, picture]


def write_page(result: Result, folder: Path) -> tuple[Path, Path]:
    """Write ``result.json`` and then the page, each whole or not at all, and return both."""
    folder.mkdir(parents=True, exist_ok=True)
    data = files.write(folder / "result.json", result.model_dump_json(indent=2) + "\n")
    return data, files.write(folder / "report.html", html.to_html(result, folder))


def read(path: Path) -> Result:
    """Read a ``result.json`` back.

    Raises:
        pydantic.ValidationError: the file is not a result of this schema; the message lists every fault.
    """
    return Result.model_validate_json(path.read_text(encoding="utf-8"))
