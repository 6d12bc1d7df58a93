"""exploding_initializer: initial weights so large that outputs are out of all proportion at step 0."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.magnitudes import Scale, Scales
from parity.advice.starts import restarted, started
from parity.spec.resolve import Resolved

EXPLODED = 50.0
"""Outputs so many times larger than the inputs, or than 1 where inputs are smaller; docs/advice.md says why 50."""

GROWS = 2.0
"""Gain of a layer from which it takes part: he_normal, the largest of the usual ones, has 1.4."""


class ExplodingInitializer(Rule):
    """Outputs grow from layer to layer before the first update, measured with the initial weights on the first batch.

    A sum of n products of inputs with weights of standard deviation s grows like s sqrt(n); the usual initializers
    take s near 1 / sqrt(n). With s = 1 and thousands of inputs, every layer multiplies by dozens: the last one's
    softmax or sigmoid is saturated, its gradient is 0 or all in one place, and nothing is learned, or slowly. A layer
    whose outputs are normalised right away may have any size.
    """

    kind: ClassVar[str] = "exploding_initializer"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where some layer's outputs before the activation are far larger than the network's inputs."""
        if at.scales is None:
            return
        worst = exploded(at.scales)
        if worst is None:
            return
        changes = mended(at.side, blamed(at.scales, worst))
        if not changes:
            return
        path, value = next(iter(changes.items()))
        sampled = ", weights of large tensors sampled" if any(one.sampled for one in at.scales.layers) else ""
        times = growth(at.scales, worst)
        how = f"{times:,.0f} times as large as the network's inputs" if math.isfinite(times) else "no longer finite"
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"at step 0 the outputs of layer {worst.layer} are {how} (root mean square {worst.given:,.3g}; "
            f"measured on {at.scales.rows} rows{sampled})",
            why=f"{started(at.side, path)}: {told(blamed(at.scales, worst))}; behind them softmax and sigmoid are "
            "saturated, and gradients vanish or are all in one place",
            fix="set " + " and ".join(setting(one, new) for one, new in changes.items()),
            changes={path: value} if len(changes) == 1 else changes,
        )


def exploded(scales: Scales) -> Scale | None:
    """Return the layer whose outputs are the largest where they are out of all proportion, else None."""
    worst = largest(scales)
    return worst if worst is not None and growth(scales, worst) > EXPLODED else None


def growth(scales: Scales, one: Scale) -> float:
    """Return how many times larger a layer's outputs are than the network's inputs, or than 1 where these are small."""
    return one.given / max(scales.inputs, 1.0) if math.isfinite(one.given) else math.inf


def largest(scales: Scales) -> Scale | None:
    """Return the layer whose outputs are the largest, those left out that are normalised right away."""
    free = [one for one in scales.layers if not one.held]
    return next(
        (one for one in free if not math.isfinite(one.given)), max(free, key=lambda one: one.given, default=None)
    )


def blamed(scales: Scales, worst: Scale) -> list[Scale]:
    """Return the layers, up to the worst one, that make their inputs larger."""
    upto = scales.layers[: scales.layers.index(worst) + 1]
    return [one for one in upto if not one.gain <= GROWS and not one.held] or [worst]


def mended(side: Resolved, layers: Sequence[Scale]) -> dict[str, str | None]:
    """Return the paths of the initializers to change and what to set: kernels, and biases that outweigh them."""
    outweighed = {one.layer for one in layers if one.bias > one.given / 2}
    kernels = [one.layer for one in layers if one.layer not in outweighed]
    biases = [one.layer for one in layers if one.layer in outweighed]
    return restarted(side, {"kernel_initializer": kernels, "bias_initializer": biases})


def told(layers: Sequence[Scale]) -> str:
    """Return by how much each layer multiplies."""
    gains = " and ".join(f"{one.gain:,.3g}" for one in layers)
    return f"the outputs are {gains} times the inputs{', layer by layer' if len(layers) > 1 else ''}"
