"""Weights of rows that a program computes from their classes: weights of the classes."""

from __future__ import annotations

import torch

from parity.frameworks.torch.driver.calls import Replay, behind, key_of
from parity.frameworks.torch.driver.loss_terms import OF_CLASSES
from parity.frameworks.torch.driver.terms import Term
from parity.frameworks.torch.driver.wide import as_wide, in_float64
from parity.run.told import BY_WEIGHTS


def as_class_weights(term: Term) -> None:
    """Say weights of rows as those of classes where they are looked up by the class: ``weights[targets]``.

    Args:
        term: a loss of classes by number, without a smoothing of labels, which each class would have its weight in;
            changed.
    """
    assert term.part is not None
    told = term.part["arguments"]
    numbers = term.part["seen"]["targets"] == "index" and term.part["part"] in OF_CLASSES
    plain = told.get("weight") is None and not told.get("label_smoothing")
    if not numbers or not plain or term.weights is None or term.targets is None:
        return
    made, target, rows = list(behind(term.weights)), key_of(term.targets), len(term.targets.tensor)
    given = [one for one in made if one.call is None or one.call.name == "rows"]
    others = [one for one in given if one.tensor.dim() and len(one.tensor) == rows and key_of(one) != target]
    if others or not any(key_of(one) == target for one in made):
        return
    classes = torch.arange(term.outputs.tensor.shape[-1 if term.together else 1])
    with in_float64():  # As they are computed where the reading is proved.
        weights = Replay({target: classes}, as_wide).value(term.weights)
    if tuple(weights.shape) != tuple(classes.shape):
        return
    told["weight"], term.weights = weights.tolist(), None
    if told["reduction"] == BY_WEIGHTS:
        told["reduction"] = "mean"
        told.pop("divisor", None)
