"""Files of the repository that pages link to: each spec and port of the gallery becomes a page that shows it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./)+((?:specs|tests)[^)#]*)\)")

UNSOUGHT = "---\nsearch:\n  exclude: true\n---\n\n"
"""Ahead of a page that the search leaves out: its words are those of the pages about it."""

LANGUAGES = {".yaml": "yaml", ".py": "python"}


def pages() -> tuple[dict[str, str], list[Any]]:
    """Return the pages, by their path in the site, and how they stand in the navigation."""
    files = [file for file in sorted((ROOT / "specs").rglob("*")) if file.suffix in LANGUAGES]
    found = {_place(file.relative_to(ROOT)): _page(file) for file in files}
    rows = [f"| [{file.relative_to(ROOT)}]({Path(place).name}) | {_question(file)} |"
            for place, file in zip(found, files, strict=True)]  # fmt: skip
    table = "\n".join(["| file | |", "|---|---|", *rows])
    found["reference/gallery/index.md"] = (
        "# The gallery\n\nSpecs that come with parity: `parity run NAME` works from any folder, NAME being the file's "
        f"without `.yaml`. Ports and upgrades are in a checkout only, by their path.\n\n{table}\n"
    )
    return found, [{"The gallery": ["reference/gallery/index.md", *(place for place in found if "index" not in place)]}]


def linked(markdown: str, page: str) -> str:
    """Return a page's Markdown with links to the repository as links to what shows the file, or as the file's name.

    Args:
        markdown: of the page.
        page: its path in the site.
    """
    up = "../" * page.count("/")

    def there(match: re.Match[str]) -> str:
        text, path = match[1], Path(match[2])
        if (ROOT / path).is_dir():
            return f"[{text}]({up}reference/gallery/index.md)" if path.parts[0] == "specs" else text
        return f"[{text}]({up}{_place(path)})" if path.parts[0] == "specs" else text

    return LINK.sub(there, markdown)


def _place(path: Path) -> str:
    return f"reference/gallery/{'-'.join((*path.parts[1:-1], path.name.replace('.', '-')))}.md"


def _page(file: Path) -> str:
    text = file.read_text(encoding="utf-8").rstrip()
    return f"{UNSOUGHT}# {file.relative_to(ROOT)}\n\n```{LANGUAGES[file.suffix]}\n{text}\n```\n"


def _question(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    said = re.search(r"^question: (.+)$" if file.suffix == ".yaml" else r'"""(.+?)(?:"""|\n)', text, re.M)
    return said[1].strip("'\"").replace("|", "\\|") if said else ""
