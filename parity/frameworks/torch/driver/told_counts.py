"""What targets count, and tensors of numbers, as a program makes them: computed once more, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from parity.frameworks.torch.driver.calls import Ref, Replay, behind, key_of
from parity.frameworks.torch.driver.wide import as_wide, in_float64


def exactly(ref: Ref) -> torch.Tensor:
    """Return the numbers of a tensor that is made of no rows, as the proof of a reading has them.

    Args:
        ref: it; ``torch.tensor([0.7, 2.0])`` is made again there, and then 0.7 as float64 has it.
    """
    if ref.call is None or any(one.call is not None and one.call.name in ("rows", "module") for one in behind(ref)):
        return ref.tensor
    with in_float64():
        found = Replay({}, as_wide).value(ref)
    return found if isinstance(found, torch.Tensor) else ref.tensor


def counted_as(ref: Ref, targets: Sequence[Ref], classes: int, ignored: int) -> torch.Tensor | None:
    """Return what each class counts in a sum of one number for each target: ``w[y].sum()``, ``(y != -100).sum()``.

    None where that is no number of the class alone, or where a target that is left out counts, too.

    Args:
        ref: the numbers that are added up.
        targets: the numbers of classes, in the shapes that they go through.
        classes: how many there are.
        ignored: target that is left out.
    """
    keys = {key_of(one) for one in targets}
    if not any(key_of(one) in keys for one in behind(ref)):
        return None
    every = torch.arange(classes)

    def counts(given: torch.Tensor) -> torch.Tensor:
        with in_float64():
            return Replay(dict.fromkeys(keys, given), as_wide).value(ref).double()

    try:
        found, again = counts(every), counts(every.flip(0)).flip(0)
    except (RuntimeError, IndexError, ValueError):
        return None
    if found.shape != every.shape or not torch.equal(found, again):
        return None
    met = any(bool((one.tensor == ignored).any()) for one in targets)
    if met and counts(torch.tensor([ignored])).any():
        return None
    return found
