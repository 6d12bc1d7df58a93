"""What MkDocs calls as it builds the site: pages are made here that would else be copies of what stands elsewhere.

Of the catalogue, the command line, the gallery and CONTRIBUTING.md; and the page of a run is embedded where a page of
the docs asks for it with ``<!-- report: NAME -->``, if ``PARITY_REPORTS`` names a folder that has ``NAME/report.html``.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import catalogue
import files as repository
import verbs
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPORT = re.compile(r"<!-- report: ([\w-]+) -->")

FRAME = """<iframe class="report" src="{source}" title="The page of {name}" loading="lazy"></iframe>

[Open the page by itself]({source}){{target=_blank}}
"""

BAR = r"\|"

MADE: dict[str, str] = {}
"""The pages that are made, by their path in the site."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the pages, and give them their places in the navigation."""
    entries, of_entries = catalogue.pages()
    commands, of_commands = verbs.pages()
    gallery, of_gallery = repository.pages()
    MADE.clear()
    MADE.update(entries | commands | gallery | {"add-an-entry.md": _contributing()})
    reference = next(part["Reference"] for part in config.nav or [] if "Reference" in part)
    reference[:] = ["reference/index.md", {"The command line": ["commands.md", *of_commands]}, *of_entries, *of_gallery,
                    *(one for one in reference if not str(one).startswith("reference/"))]  # fmt: skip
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made."""
    for place, text in MADE.items():
        files.append(File.generated(config, place, content=text))
    for report in _reports():
        place = f"reports/{report.parent.name}.html"
        files.append(File.generated(config, place, abs_src_path=str(report)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Embed the page of a run, and lead links to the repository to what shows the file."""
    del config

    def embedded(match: re.Match[str]) -> str:
        name = match[1]
        file = files.get_file_from_path(f"reports/{name}.html")
        if file is None:
            return f"*The page is `reports/{name}/report.html`, which the command above writes.*"
        up = "../" * page.file.src_uri.count("/")
        return FRAME.format(source=f"{up}{file.src_uri}", name=name)

    return barred(repository.linked(REPORT.sub(embedded, markdown), page.file.src_uri))


def barred(markdown: str) -> str:
    r"""Return Markdown with bars in the code of a table as this site shows them; GitHub takes ``\|``."""

    def told(code: re.Match[str]) -> str:
        return f"<code>{html.escape(code[1].replace(BAR, '|')).replace('|', '&#124;')}</code>"

    lines = [re.sub(r"`([^`]*)`", told, one) if one.startswith("|") and BAR in one else one
             for one in markdown.split("\n")]  # fmt: skip
    return "\n".join(lines)


def _reports() -> list[Path]:
    folder = os.environ.get("PARITY_REPORTS", "")
    return sorted(Path(folder).glob("*/report.html")) if folder else []


def _contributing() -> str:
    """Return CONTRIBUTING.md as a page of the site."""
    text = (repository.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.sub(r"\]\(docs/", "](", text)
