"""What the frameworks' own losses call what they make of the losses of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from parity.native import Native, Turned

OVER_WEIGHTS = "mean_with_sample_weight"
"""The reduction that divides by the sum of the weights; a mean where nothing has weights."""

REDUCED: dict[str, Mapping[str, str]] = {
    "keras": {"mean": "sum_over_batch_size", "sum": "sum", OVER_WEIGHTS: OVER_WEIGHTS},
    "torch": {"mean": "mean", "sum": "sum"},
}  # fmt: skip
"""What the frameworks' own losses call the reductions; of those that are not here, they have none."""


def told_reduction(part: Native, words: Mapping[str, str], every: tuple[str, ...]) -> Native:
    """Return a framework's own loss that is told the reduction.

    Args:
        part: the loss.
        words: what it calls the reductions that it has.
        every: all reductions of the entry.
    """
    if not words or "reduction" in part.arguments:
        return part
    back = {"mean": "mean"} | {word: name for name, word in words.items()}
    own = "sum_over_batch_size" if "sum_over_batch_size" in words.values() else "mean"
    missing = frozenset(every) - set(words)
    return replace(
        part,
        arguments={**part.arguments, "reduction": Turned("reduction", words.get, back.get)},
        own={**part.own, "reduction": own},
        when={**part.when} | ({"reduction": frozenset(words)} if missing else {}),
    )
