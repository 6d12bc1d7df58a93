"""A program that fits more than once: a program is stopped at the first ``fit``, so that what follows is only said."""

from __future__ import annotations

import ast

from parity.run.here import frames_here, tree_of
from parity.run.loops_here import loops_here

FITS = "fit"
"""The method that trains."""


def further_fits() -> list[str]:
    """Return what is to be said of the calls of ``fit`` that follow the one that a program is at."""
    frame = next(frames_here(), None)
    if frame is None:
        return []
    first = "the first is what was read, and what follows it is not known."
    if loops_here([frame]):
        return [f"Its fit stands in a loop: of the calls of it {first}"]
    calls = [one for one in ast.walk(tree_of(frame)) if isinstance(one, ast.Call) and _fits(one)]
    here = next((one for one in calls if one.lineno <= frame.f_lineno <= (one.end_lineno or one.lineno)), None)
    later = [one.lineno for one in calls if here is not None and one.lineno > (here.end_lineno or here.lineno)
             and _of(one) == _of(here)]  # Of another model, it is another training.  # fmt: skip
    return [f"It fits again behind that (line {', '.join(map(str, sorted(later)[:3]))}): {first}"] if later else []


def _fits(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == FITS


def _of(call: ast.Call) -> str:
    return ast.unparse(call.func)
