"""What initializers draw: the family and the scale of each rule for a shape, and a draw that a program says itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from parity.catalog import INITIALIZERS
from parity.code import Parameter
from parity.initializers import Initializer
from parity.initializers.truncated_normal import CUT
from parity.lazy import np
from parity.run.decimals import decimal_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

RULES = (
    "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "fan_in_uniform",
    "xavier_normal", "kaiming_normal",
)  # fmt: skip
"""Initializers that scale by a fan; of two that are one for a shape, the first is what is meant."""

EXACT = 2e-6
"""Relative difference within which a number that a program says is what a rule makes of the fans, in float32."""


GRID = (0.1, 0.35, 0.8, 0.95)
"""Uniform numbers that tell what an initializer makes of such."""


def rules_for(shape: Sequence[int], *, fan_in: int, fan_out: int, feeds: int = 0) -> dict[str, tuple[str, float]]:
    """Return of each rule that scales by a fan the family that it draws from, and the scale.

    What a rule means is what its entry's ``sample`` makes of uniform numbers.

    Args:
        shape: of the tensor.
        fan_in: inputs that feed one output.
        fan_out: outputs that one input feeds.
        feeds: inputs that feed one output of its layer; ``fan_in`` if 0.

    >>> rules_for([3, 3], fan_in=3, fan_out=3)["glorot_uniform"]
    ('uniform', 1.0)
    """
    found = {}
    for kind in RULES:
        drawn = drawn_as(INITIALIZERS[kind](), shape, fan_in=fan_in, fan_out=fan_out, feeds=feeds)
        if drawn is not None:
            found[kind] = drawn
    return found


def drawn_as(
    entry: Initializer, shape: Sequence[int], *, fan_in: int, fan_out: int, feeds: int = 0
) -> tuple[str, float] | None:  # fmt: skip
    """Return the family that an initializer draws from around 0, and the scale; None where it draws from none.

    Args:
        entry: the initializer.
        shape: of the tensor.
        fan_in: inputs that feed one output.
        fan_out: outputs that one input feeds.
        feeds: inputs that feed one output of its layer; ``fan_in`` if 0.
    """
    if not entry.elementwise or not entry.random:
        return None
    parameter = Parameter(shape=tuple(shape), initializer=entry, fan_in=fan_in, fan_out=fan_out, feeds=feeds or fan_in)
    drawn = entry.sample(np.array(GRID), parameter)
    for family, quantiles in families().items():
        ratios = drawn / quantiles(np.array(GRID))
        if np.ptp(ratios) < 1e-9 * abs(ratios[0]):
            return family, round(float(ratios[0]), 12)
    return None


def said_exactly(family: str, location: float, scale: float, rules: dict[str, tuple[str, float]]) -> Any:
    """Return the initializer of numbers that a program says itself.

    Args:
        family: ``uniform``, ``normal`` or ``truncated_normal``.
        location: the middle.
        scale: half the range of uniform numbers, else the standard deviation (before the cut, where there is one).
        rules: as :func:`rules_for` has them.
    """
    if abs(location) <= EXACT * scale:
        for kind, (drawn, expected) in rules.items():
            if drawn == family and abs(scale - expected) <= EXACT * expected:
                return kind
        location = 0.0
    if family == "uniform":
        return initializer_said(
            "random_uniform", minval=decimal_of(location - scale), maxval=decimal_of(location + scale)
        )
    kind = "random_normal" if family == "normal" else "truncated_normal"
    return initializer_said(kind, mean=decimal_of(location), stddev=decimal_of(scale))


def as_started(entry: Initializer, before: Parameter, after: Parameter) -> Initializer | None:
    """Return the initializer that draws for a tensor what another one draws for a tensor of other fans.

    Args:
        entry: the initializer.
        before: what it draws for.
        after: a tensor of as many numbers.

    Returns:
        None where it does not draw each number by itself, and the tensors are not one.
    """
    grid = np.array(GRID)
    if entry.level() is not None or (before.shape == after.shape and not entry.elementwise):
        return entry
    if not entry.elementwise or not entry.random:
        return None
    if np.array_equal(entry.sample(grid, before), entry.sample(grid, after)):
        return entry
    fans = [{"fan_in": one.fan_in, "fan_out": one.fan_out, "feeds": one.feeds} for one in (before, after)]
    drawn = drawn_as(entry, before.shape, **fans[0])
    if drawn is None:
        return None
    said = said_exactly(drawn[0], 0.0, drawn[1], rules_for(after.shape, **fans[1]))
    ((kind, fields),) = said.items() if isinstance(said, dict) else ((said, {}),)
    return INITIALIZERS[kind](**fields)


def families() -> dict[str, Callable[[NDArray[Any]], NDArray[Any]]]:
    """Return what each family makes of uniform numbers, at location 0 and scale 1."""
    from scipy.special import ndtr, ndtri

    low, high = ndtr(-CUT), ndtr(CUT)
    return {
        "uniform": lambda u: 2.0 * u - 1.0,
        "truncated_normal": lambda u: ndtri(low + u * (high - low)),
        "normal": lambda u: ndtri(u),
    }


def share_below(family: str, x: NDArray[Any]) -> NDArray[Any]:
    """Return the share of a family that is below, at location 0 and scale 1."""
    from scipy.special import ndtr

    if family == "uniform":
        return np.clip((x + 1.0) / 2.0, 0.0, 1.0)
    if family == "normal":
        return ndtr(x)
    low, high = ndtr(-CUT), ndtr(CUT)
    return np.clip((ndtr(x) - low) / (high - low), 0.0, 1.0)


def initializer_said(kind: str, **fields: float) -> Any:
    """Return an initializer as a spec says it: without what its entry has by itself."""
    model = INITIALIZERS[kind].model_fields
    told = {name: value for name, value in fields.items() if value != model[name].default}
    return {kind: told} if told else kind
