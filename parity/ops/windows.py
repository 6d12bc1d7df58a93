"""Lengths and paddings of sliding windows, as TensorFlow counts them."""

from __future__ import annotations


def same_padding(length: int, window: int, stride: int) -> tuple[int, int]:
    """Return how many cells ``same`` adds before and after.

    total = max((ceil(length / stride) - 1) stride + window - length, 0), the odd cell after. Depends on the
    length, so a port that writes it as a constant is right for one size only
    (``tensorflow/core/framework/kernel_shape_util.cc``).

    Args:
        length: cells of the input along this axis.
        window: cells the window spans, dilation included.
        stride: step of the window.
    """
    total = max((-(-length // stride) - 1) * stride + window - length, 0)
    return total // 2, total - total // 2


def padded_length(length: int, window: int, stride: int, padding: str) -> int:
    """Return the number of window positions: ceil(length / stride) for ``same``, else floor, the tail cut off.

    Args:
        length: cells of the input along this axis.
        window: cells the window spans, dilation included.
        stride: step of the window.
        padding: ``same`` or ``valid``.
    """
    return -(-length // stride) if padding == "same" else (length - window) // stride + 1
