"""What a program may do otherwise with its losses than its config says: losses of other outputs, stretched targets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from parity.explain.changes import Change
from parity.losses.reducing import OVER_WEIGHTS
from parity.spec.paths import at
from parity.spec.resolve import Resolved


def losses(side: Resolved) -> list[str]:
    """Return the path of the loss, of several outputs that of each."""
    return [side.named("loss", output) for output in side.views]


def swapped(side: Resolved) -> Iterator[Change]:
    """Yield the losses, and the weights, of two outputs, each in the place of the other."""
    for one, other in itertools.combinations(side.views if side.outputs else (), 2):
        for field, what in (("", "losses"), (".weight", "weights of the losses")):
            paths = (f"loss.{one}{field}", f"loss.{other}{field}")
            values = tuple(at(side.config, path) for path in paths)
            if values[0] != values[1]:
                yield Change(
                    path=" + ".join(paths), value="swapped", was="each its own",
                    sets=tuple(zip(paths, values[::-1], strict=True)),
                    text=f"the {what} of {one} and {other} are swapped",
                )  # fmt: skip


def weighed(side: Resolved) -> Iterator[Change]:
    """Yield sample weights that are forgotten, and their sum for the number of rows, or the other way round."""
    if not side.weighs:
        return
    was, loss = side.config.data.sample_weights, side.config.loss
    yield Change(
        path="data.sample_weights", value=None, was=was, sets=(("data.sample_weights", None),),
        text="all rows count alike: their weights are forgotten",
    )  # fmt: skip
    divided = {
        "mean": "the sum of the losses is divided by the number of rows", "sum": "the losses are summed up",
        OVER_WEIGHTS: "the sum of the losses is divided by the sum of the sample weights",
    }  # fmt: skip
    for other in ("mean", "sum") if loss.over_weights() else (OVER_WEIGHTS,):
        yield Change(
            path="loss.reduction", value=other, was=loss.reduction, sets=(("loss.reduction", other),),
            text=divided[other],
        )  # fmt: skip


def stretched(side: Resolved) -> Iterator[Change]:
    """Yield targets of one axis beside outputs of two, or the other way round, where the loss stretches them."""
    was = side.config.data.targets
    if side.outputs:
        return
    if "broadcast" in type(side.config.loss).model_fields and was != "flat":
        yield Change(
            path="data.targets", value="flat", was=was, sets=(("data.targets", "flat"), ("loss.broadcast", "stretch")),
            text="of targets and outputs, one is (N,) and one (N, 1), and the loss stretches them to all N x N pairs",
        )  # fmt: skip
