"""One page that opens offline: everything it needs, the chart library included, stands in the file.

The page forbids itself what it does not need: its content security policy names the two scripts by their hashes
and allows no load from anywhere, so a name in a spec that looked like markup could not run even if it got through.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from parity.report import arrange, charts, sidebyside, svg
from parity.report import document as doc
from parity.report.library import chart_library
from parity.result.schema import Result

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"

SCRIPTS = ("page.js", "guess.js", "switches.js", "microscope.js", "start.js")
"""What makes the page turn, in this order one script."""


def to_html(result: Result, folder: Path | None = None) -> str:
    """Draw the page. With ``folder``, the page's own, links to program files are relative to it."""
    return draw(arrange.document(result, folder), partial(charts.specification, result))


def draw(document: doc.Document, chart: Callable[[str], dict[str, Any]]) -> str:
    """Draw a document; ``chart`` gives the specification of a chart by its name."""
    environment = _environment()
    pieces: Any = environment.get_template("blocks.html.j2").make_module({"specification": chart})
    library, script = chart_library(), "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    sections = document.shown("page")
    return environment.get_template("page.html.j2").render(
        document=document,
        top=[section for section in sections if not section.name],
        listed=[section for section in sections if section.name],
        blocks=partial(_blocks, pieces),
        library=library,
        script=script,
        hashes=[_hash(library), _hash(script)],
    )


def _hash(script: str) -> str:
    """Give the name by which the page's own policy allows a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


@cache
def _environment() -> jinja2.Environment:
    """Return where the templates are: each is compiled once."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # NaN is no JSON: better no page than one whose charts fail silently.
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "sort_keys": True}
    environment.filters["words"] = _words
    return environment


def _blocks(pieces: Any, blocks: Sequence[doc.Block]) -> Markup:
    """Draw blocks by the macros of ``blocks.html.j2``."""
    from markupsafe import Markup

    return Markup("\n").join(_block(pieces, block) for block in doc.shown(blocks, "page"))


def _block(pieces: Any, block: doc.Block) -> Markup:
    match block:
        case doc.Text():
            drawn = pieces.text(block)
        case doc.Heading():
            drawn = pieces.heading(block)
        case doc.Callout():
            drawn = pieces.callout(block, _blocks(pieces, block.blocks))
        case doc.Table():
            drawn = pieces.table(block, *block.shown("page"))
        case doc.Figure():
            drawn = pieces.figure(block)
        case doc.Code():
            drawn = pieces.code(block, block.text.split("\n"))
        case doc.Fold():
            drawn = pieces.fold(block, _blocks(pieces, block.blocks))
        case doc.Diagram():
            drawn = pieces.network(block, svg.placed(block))
        case doc.Downloads():
            drawn = pieces.downloads({name: _data_link(content) for name, content in block.files.items()})
        case doc.Widget():
            drawn = pieces.widget(block, _blocks(pieces, block.blocks))
        case doc.Panes():
            drawn = pieces.panes([(pane, _lines(pane)) for pane in block.panes])
        case _:
            assert_never(block)
    return drawn


def _data_link(content: str) -> str:
    """Give the address of a file that stands in the page itself."""
    return "data:text/x-python;charset=utf-8;base64," + base64.b64encode(content.encode("utf-8")).decode("ascii")


def _words(words: doc.Words) -> Markup:
    from markupsafe import Markup

    return Markup().join(map(_span, doc.spans(words)))


def _span(span: doc.Span) -> Markup:
    from markupsafe import Markup, escape

    # Browsers break lines after a hyphen, so that "->" would come apart.
    drawn = escape(span.text.replace(" -> ", " \N{RIGHTWARDS ARROW} "))
    tag = {"code": "code", "strong": "strong", "": "span", "label": "span"}[span.style]
    kind = f"pill {span.tone}" if span.style == "label" else span.tone
    if kind:
        drawn = Markup('<{0} class="{1}">{2}</{0}>').format(tag, kind, drawn)
    elif span.style:
        drawn = Markup("<{0}>{1}</{0}>").format(tag, drawn)
    if span.curve:
        drawn = Markup("<span class='swatch side-{}' aria-hidden='true'></span>{}").format(
            (span.curve - 1) % 4 + 1, drawn
        )
    return Markup('<a href="{}">{}</a>').format(span.target, drawn) if span.target else drawn


def _lines(pane: doc.Pane) -> list[tuple[int | None, Markup | None, bool]]:
    """Give number and highlighted code of every line of a pane, and whether it is marked."""
    highlighted = sidebyside.highlighted(pane.program)
    return [
        (number, None if number is None else highlighted[number - 1], number in pane.marked) for number in pane.lines
    ]
