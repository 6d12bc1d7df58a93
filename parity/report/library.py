"""The script that draws the charts of a page: Vega, Vega-Lite and their embedding."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from parity.report import files


@cache
def chart_library() -> str:
    """Give Vega, Vega-Lite and their embedding as one script that is safe to stand in a page.

    To put it together takes longer than the rest of a page: it is kept for the next command with the same versions.
    """
    import altair as alt
    import platformdirs
    import vl_convert

    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    name = f"vega-lite-{version}-by-{importlib.metadata.version('vl-convert-python')}.js"
    file = Path(platformdirs.user_cache_dir("parity")) / "charts" / name
    bundle = kept(file, lambda: vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version))
    # In JavaScript these can only stand in strings and patterns, where the backslash changes nothing.
    return bundle.replace("\r", "").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def kept(file: Path, make: Callable[[], str]) -> str:
    """Return the text that a file keeps, made anew where there is none or it is not what was written.

    Args:
        file: of a cache: behind the hash of the text in its first line, the text.
        make: makes the text.
    """
    with suppress(OSError, ValueError):
        known, _, text = file.read_bytes().partition(b"\n")
        if known.decode("ascii") == hashlib.sha256(text).hexdigest():
            return text.decode("utf-8")
    made = make()
    text = made.encode("utf-8")
    with suppress(OSError):  # A cache that cannot be written is none.
        files.write(file, hashlib.sha256(text).hexdigest().encode("ascii") + b"\n" + text)
    return made
