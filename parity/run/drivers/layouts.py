"""Where a hand-written program keeps its channels, told from the shapes of its tensors.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def laid_out(output: dict[str, Any], shape: Sequence[int]) -> Sequence[int] | None:
    """Return the permutation that makes a layer's output canonical, told by its shape where the program may differ.

    Args:
        output: of the bindings.
        shape: of the framework's tensor, with the batch axis.
    """
    known, axes = output.get("shape"), output["axes"]
    if known is None or len(known) < 2:
        return axes
    last = (0, *range(2, len(known) + 1), 1)
    fits = [one for one in (None, last) if tuple(shape[i] for i in one or range(len(shape)))[1:] == tuple(known)]
    return fits[0] if len(fits) == 1 else axes


def mask_layout(row: Sequence[int], shape: Sequence[int], known: Sequence[int] | None) -> Sequence[int] | None:
    """Return the permutation that makes a canonical mask the program's.

    Args:
        row: canonical shape of a row.
        shape: of the program's tensor, with the batch axis.
        known: what the compiled program has, where the shape does not tell.
    """
    whole = (shape[0], *row)
    first = (0, len(row), *range(1, len(row)))
    fits = [one for one in (None, first) if tuple(whole[i] for i in one or range(len(whole))) == tuple(shape)]
    if len(fits) == 2 and len(row) > 1:
        return known
    return fits[0] if fits else None
