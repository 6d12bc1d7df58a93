"""What is said of losses that hold probabilities away from 0 and 1, ahead of their logarithm."""

from __future__ import annotations


def held_probabilities(low: float, high: float) -> str:
    """Return where a loss of probabilities that are held is another than that of the logits behind them.

    >>> held_probabilities(0.0, 1.0)
    ''
    """
    beyond = [f"below {low:.3g}"] if low > 0.0 else []
    beyond += [f"above {high:.9g}"] if high < 1.0 else []
    if not beyond:
        return ""
    return (
        f"The program's loss holds probabilities {' and '.join(beyond)} where they are; the loss here is that of the "
        "logits behind them: but for such probabilities they are the same."
    )
