"""unscaled_inputs: inputs far from unit scale, and what was measured to come of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.begun import STANDARDIZE
from parity.advice.first_updates import GROWN
from parity.advice.magnitudes import Scale, size
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy

if TYPE_CHECKING:
    from parity.data.dataset import Dataset

LARGE = 10.0
"""Root mean square of inputs from which their size is asked about."""

COMMON = 20.0
"""What rows have in common, over what tells them apart, from which on they look alike."""

FLAT = 0.95
"""Share of a layer's outputs at which its activation is flat, from which on nothing goes back through it."""

WORSE = 4.0
"""A cross-entropy at the start, over that of the same share for every class."""


class UnscaledInputs(Rule):
    """Inputs of hundreds, or all near to one large number, into a network that is started for inputs near 1.

    Usual initializers keep the size of what goes through. So large inputs come out large: a sigmoid is flat there, a
    cross-entropy starts at many times what a guess costs, gradients, which are products with the inputs, make the
    first update overshoot. Where rows differ by little of what they have in common, every row is nearly the same one.
    The size alone is no fault, and is not spoken of: one of these has been measured, and is gone with the inputs
    standardized, or nothing is said.
    """

    kind: ClassVar[str] = "unscaled_inputs"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where inputs are not near 1 and that was measured to do harm."""
        if at.data is None or at.scales is None or at.side.config.data.standardize or not scalable(at):
            return
        found = alike(at.data) or (too_large(at) if size(at.data.x) > LARGE else None)
        if found is None:
            return
        what, why = found
        yield Advice(
            rule=self.kind,
            path=STANDARDIZE,
            what=what,
            why=why,
            fix=f"set {setting(STANDARDIZE, True)}, or scale the inputs another way",
            changes={STANDARDIZE: True},
        )


def scalable(at: Situation) -> bool:
    """Return whether the inputs are quantities that the first weights multiply: no tokens, nothing normalised."""
    inputs = at.side.graph.inputs
    if at.scales is None or not at.scales.layers or len(inputs) != 1 or inputs[0].dtype != "float":
        return False
    first = next(layer for layer in at.side.layers() if layer.name == at.scales.layers[0].layer)
    before = at.side.graph.ahead(first)
    changed = any(layer.op.rescales or layer.op.kind == "rescaling" for layer in (*before, first))
    return not changed and "kernel" in first.parameters and not at.scales.layers[0].held


def alike(data: Dataset) -> tuple[str, str] | None:
    """Say that rows differ by little of what they have in common, None where they differ by more."""
    shared, spread = data.columns
    if len(data.x) < 2 or spread == 0.0 or shared < 1.0 or shared / spread < COMMON:
        return None
    return (
        f"the inputs are near {shared:.3g} (root mean square of the columns' means) and differ from row to row by "
        f"{spread:.3g} (standard deviation)",
        f"the rows differ by 1/{shared / spread:.0f} of what they have in common: every unit sees nearly the same "
        "number for all of them, and a bias, which starts at 0, has far to go before it tells them apart",
    )


def too_large(at: Situation) -> tuple[str, str] | None:
    """Say what inputs that are large come to, None where nothing was measured to come of it."""
    assert at.scales is not None
    assert at.data is not None
    first, what = at.scales.layers[0], f"the inputs are of size {size(at.data.x):,.3g} (root mean square)"
    if first.flat >= FLAT and bounded(at, first):
        return what, (
            f"at step 0 the activation of layer {first.layer} is flat at {first.flat:.0%} of its outputs, measured on "
            f"{at.scales.rows} rows: no gradient goes back through it"
        )
    if at.updates is None:
        return None
    taken, better = at.updates.as_is, at.updates.standardized
    if better is None:
        return None
    before, after = taken.before, taken.after
    if taken.grows(GROWN) and not better.grows(1.0):
        return what, (
            f"the first update takes the loss of its own batch from {before:.4g} to {after:.4g}, the next to "
            f"{taken.last:.4g}; with the inputs standardized, from {better.before:.4g} to {better.after:.4g}"
        )
    guess = of_a_guess(at)
    if guess is not None and before > WORSE * guess and better.before < before / 2:
        return what, (
            f"at step 0 the loss is {before:.4g}, and an equal share for every class costs {guess:.3g}: the outputs "
            f"are saturated; with the inputs standardized it is {better.before:.4g}"
        )
    return None


def bounded(at: Situation, scale: Scale) -> bool:
    """Return whether a layer with this scale ends in an activation that is flat at both ends, a sigmoid or the like."""
    op = next(layer.op for layer in at.side.layers() if layer.name == scale.layer)
    ending = op.ending()
    if ending is None:
        return False
    ends = ending.forward(np.asarray([-1e3, -9e2, 9e2, 1e3]))
    return bool(np.isfinite(ends).all()) and float(ends[0]) == float(ends[1]) and float(ends[2]) == float(ends[3])


def of_a_guess(at: Situation) -> float | None:
    """Return what a cross-entropy costs that gives every class the same share; None for other losses."""
    loss = at.side.config.loss
    if not isinstance(loss, CrossEntropy):
        return None
    return math.log(2.0) if loss.behind == "sigmoid" else math.log(max(at.side.last.output_shape[-1], 2))
