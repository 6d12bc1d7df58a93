"""What a model's outputs mean: logits, probabilities or log-probabilities of the same model are one thing.

The frameworks' losses want different ones, so programs that are the same model return different ones. Which it is, the
numbers themselves say: whatever the weights are, a softmax's rows add up to one and a linear layer's do not.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

LOGITS, PROBABILITIES, LOG_PROBABILITIES = "logits", "probabilities", "log_probabilities"

CLOSE = 1e-4
"""Sums of float32 probabilities are this near to one."""


def meaning(outputs: Sequence[np.ndarray], ending: str) -> str:
    """Return what outputs are, of one model with several draws of its weights.

    Args:
        outputs: of each draw, classes last.
        ending: ``softmax`` or ``sigmoid``, the activation that makes logits probabilities.
    """
    told = [_told(np.asarray(one, np.float64), ending) for one in outputs if np.isfinite(one).all()]
    if not told or len(set(told)) > 1:
        return LOGITS
    return told[0]


def _told(values: np.ndarray, ending: str) -> str:
    if values.size == 0 or values.ndim < 2:
        return LOGITS
    inside = bool((values >= 0.0).all() and (values <= 1.0 + CLOSE).all())
    if ending == "sigmoid":
        return PROBABILITIES if inside else LOGITS
    if inside and np.allclose(values.sum(axis=-1), 1.0, rtol=0.0, atol=CLOSE):
        return PROBABILITIES
    if (values <= CLOSE).all():
        highest = values.max(axis=-1, keepdims=True)
        total = highest[..., 0] + np.log(np.exp(values - highest).sum(axis=-1))
        if (np.abs(total) <= CLOSE * np.maximum(1.0, np.abs(highest[..., 0]))).all():
            return LOG_PROBABILITIES
    return LOGITS


def turned(value: np.ndarray, of: str, into: str, ending: str) -> np.ndarray:
    """Return outputs of one meaning as another.

    softmax and log(softmax) lose a number for each row, so logits made of probabilities are those that add up to the
    same probabilities, not those that the model had.

    Args:
        value: classes last.
        of: what the outputs are.
        into: what they are to be.
        ending: ``softmax`` or ``sigmoid``.
    """
    if of == into:
        return value
    with np.errstate(divide="ignore", over="ignore"):
        if into == PROBABILITIES:
            return np.exp(value) if of == LOG_PROBABILITIES else _activated(value, ending)
        if of == PROBABILITIES and ending == "sigmoid" and into == LOGITS:
            return np.log(value) - np.log1p(-value)
        if of == PROBABILITIES:
            return np.log(value)
        if into == LOGITS:
            return value  # Log-probabilities are logits, of the same probabilities.
        return np.log(_activated(value, ending))


def _activated(value: np.ndarray, ending: str) -> np.ndarray:
    if ending == "sigmoid":
        return np.exp(-np.logaddexp(0.0, -value))
    shifted = np.exp(value - value.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def randomised(
    names: Sequence[str], read: Callable[[str], np.ndarray], write: Callable[[str, np.ndarray], None], seed: int
) -> None:
    """Give every parameter other values, so that what the outputs always are is told from what they happen to be.

    Args:
        names: of the parameters.
        read: returns a parameter.
        write: sets one.
        seed: of the draw.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    for name in names:
        value = read(name)
        write(name, generator.standard_normal(value.shape).astype(value.dtype))


def answered(value: np.ndarray, answer: dict[str, Any] | None, key: str) -> np.ndarray:
    """Return predictions as they are compared.

    Args:
        value: as the program returns them.
        answer: of the bindings: what it ``says``, the ``ending``, the ``shape`` of a row, what each use takes;
            None for predictions that are as they should be.
        key: the use, ``metrics`` or ``lockstep``.
    """
    if answer is None:
        return value
    value = fitted(value, tuple(answer["shape"]))
    return turned(value, answer["says"], answer[key], answer["ending"]) if answer["ending"] else value


def fitted(value: np.ndarray, row: tuple[int, ...]) -> np.ndarray:
    """Return a batch in the shape that its rows have in the spec, where only axes of one or the channels' place differ.

    Args:
        value: (N, ...).
        row: canonical shape of a row.
    """
    if value.shape[1:] == row or value.ndim == 0:
        return value
    first = (0, *range(2, value.ndim), 1)
    if value.ndim == len(row) + 1 and tuple(value.shape[axis] for axis in first)[1:] == row:
        return value.transpose(first)
    if [size for size in value.shape[1:] if size != 1] == [size for size in row if size != 1]:
        return value.reshape(len(value), *row)
    return value
