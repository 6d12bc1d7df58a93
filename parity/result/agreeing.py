"""What makes a program agree with its config, as a sentence, and why nothing does."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from parity.result import formats
from parity.result.causefact import CauseFact
from parity.result.schema import Comparison


def sentence(side: str, ways: Sequence[Sequence[CauseFact]]) -> str:
    """Say which changes of its config make a program agree with the NumPy reference.

    Args:
        side: the program's.
        ways: the changes that do, together; several, where each of them does as well.
    """
    told = [formats.names(map(_change, way)) for way in ways]
    (first, *_), many = ways[0], len(ways) > 1
    what = f"either {', or '.join(told)}," if many else told[0]
    verb = "makes" if many or len(ways[0]) == 1 else "together make"
    left = max(cause.largest for way in ways for cause in way)
    unsure = "; which of them it is, these steps do not tell" if many else ""
    if first.unsteady:
        unsure += f"; nothing is said of {formats.names(first.unsteady)}, which it does not compute twice alike"
    return (
        f"{side}: {what} {verb} it agree with the NumPy reference of its config to rounding, in {_steps(first.steps)} "
        f"(largest difference left {formats.scientific(left)}{unsure})."
    )


def nothing(side: str, step: int, trials: int, stopped: bool) -> str:
    """Say that nothing that was tried makes a program agree.

    Args:
        side: the program's.
        step: that was searched.
        trials: configs that were tried.
        stopped: the search ended before all were tried.
    """
    tried = formats.count(trials, "config")
    why = f"the search stopped after {tried}" if stopped else f"{tried} tried"
    return (
        f"{side}: no field of its config that was tried makes it agree with its NumPy reference ({why}, step {step:,})."
    )


def withdrawn(side: str, step: int, later: int, phase: str, tensor: str) -> str:
    """Say that what made a program agree in a step does not in a later one."""
    return (
        f"{side}: what makes it agree with its NumPy reference in step {step:,} does not in step {later:,} "
        f"({phase}, {tensor}), so no cause is named."
    )


def sentences(comparison: Comparison) -> list[str]:
    """Return what is said of the causes of a comparison, a sentence for each program."""
    return [*dict.fromkeys(cause.sentence for cause in comparison.causes), *comparison.uncaused]


def pieces(text: str) -> list[tuple[bool, str]]:
    """Cut a sentence at its backticks, and say of each piece whether it is code.

    >>> pieces("port: `a: b` makes")
    [(False, 'port: '), (True, 'a: b'), (False, ' makes')]
    """
    found = [(index % 2 == 1, piece) for index, piece in enumerate(re.split("`", text))]
    return [one for one in found if one[1]]


def _change(cause: CauseFact) -> str:
    said = [cause.text] if cause.text else []
    if not cause.path.startswith("program."):
        said.append(f"its config says {value(cause.was)}")
    return f"`{cause.path}: {value(cause.value)}`" + (f" ({'; '.join(said)})" if said else "")


def value(thing: object) -> str:
    """Write a value as a spec would, numbers with as many digits as a reader can use."""
    if isinstance(thing, float) and math.isfinite(thing) and thing:
        return formats.value(float(f"{thing:.6g}"))
    return formats.value(thing).replace("`", "")


def _steps(steps: Sequence[int]) -> str:
    return f"step {steps[0]:,}" if len(steps) == 1 else f"steps {formats.names(f'{one:,}' for one in steps)}"
