"""Losses of PyTorch's, and sums of them, as they are seen in the calls of a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.nn import functional

from parity.frameworks.torch.driver.batch_rows import BatchRows
from parity.frameworks.torch.driver.calls import Call, Ref
from parity.frameworks.torch.driver.terms import Term, depends, of_batch
from parity.frameworks.torch.driver.told_counts import counted_as, exactly
from parity.frameworks.torch.driver.tracer import UnclearError
from parity.frameworks.torch.driver.words import bound, module_word, own_of, word
from parity.frameworks.torch.driver.written_entropy import PROBABILITIES, behind_logarithm, written_entropy
from parity.frameworks.torch.driver.written_errors import written_errors
from parity.run.told import BY_WEIGHTS

LOSSES = {
    "cross_entropy": "CrossEntropyLoss", "binary_cross_entropy": "BCELoss", "kl_div": "KLDivLoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss", "nll_loss": "NLLLoss", "l1_loss": "L1Loss",
    "mse_loss": "MSELoss", "smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss",
    "poisson_nll_loss": "PoissonNLLLoss", "soft_margin_loss": "SoftMarginLoss", "nll_loss_nd": "NLLLoss",
    "cosine_embedding_loss": "CosineEmbeddingLoss", "hinge_embedding_loss": "HingeEmbeddingLoss",
    "triplet_margin_loss": "TripletMarginLoss", "gaussian_nll_loss": "GaussianNLLLoss",
    "multi_margin_loss": "MultiMarginLoss", "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "margin_ranking_loss": "MarginRankingLoss", "ctc_loss": "CTCLoss",
}  # fmt: skip
"""Functions that are losses, and the modules that do the same."""

SIGNS = {"add": (1.0, 1.0), "radd": (1.0, 1.0), "sub": (1.0, -1.0), "rsub": (-1.0, 1.0)}
"""What the first and the second tensor of a sum count."""

RESHAPES = frozenset({"squeeze", "view", "reshape", "flatten", "unsqueeze", "contiguous", "ravel"})
"""Functions between a model and its loss that are no layer, where they keep the numbers of a row."""

TURNS = frozenset({"transpose", "swapaxes", "swapdims", "permute", "movedim", "moveaxis"})
"""Functions that exchange axes, by which classes that stand last come to stand behind the rows."""

OF_CLASSES = frozenset({"nn.CrossEntropyLoss", "nn.NLLLoss"})
"""Losses that take classes along the axis behind the rows."""

ALIKE = frozenset({"to", "detach", "clone", "long", "int", "float", "double", "type", "type_as", "cpu", "cuda"})
"""Functions between rows and a loss that give the same numbers, of another type perhaps."""

OUT = "the usual loss of outputs and targets, or a sum of such losses"


def terms_of(ref: Ref, share: float, place: str) -> Iterator[Term]:
    """Return the losses that a tensor is a sum of.

    Raises:
        UnclearError: when it is more.
    """
    call = ref.call
    if call is None:
        raise UnclearError("a loss that no call that is seen gives", place, OUT)
    found = _loss(call)
    if found is not None:
        yield _term(call, found, share)
        return
    refs, numbers = call.refs(), [one for one in call.args if isinstance(one, int | float)]
    name = call.name.strip("_")
    own = _by_hand(call)
    if own is not None:
        yield _term(*own, share)
        return
    entropy = written_entropy(call)
    if entropy is not None and share * entropy.factor > 0.0:
        share *= entropy.factor
        yield Term(call=call, part=entropy.part, share=share, outputs=entropy.of.outputs, targets=entropy.targets)
        return
    counted = _over_counted(call)
    if counted is not None:
        yield _term(*counted, share)
        return
    weighed = weighed_rows(call)
    if weighed is not None:
        rows, weights, reduction = weighed
        terms = [_term(*rows, share)] if isinstance(rows, tuple) else _reduced(rows, share, place, reduction)
        for term in terms:
            assert term.part is not None
            term.part["arguments"]["reduction"], term.weights = reduction, weights
            yield term
        return
    if name in SIGNS and not call.kwargs and not any(numbers):
        for one, sign in zip(refs, SIGNS[name], strict=False):  # To a number that is 0 there is no tensor.
            yield from terms_of(one, share * sign, place)
        return
    if len(refs) == 1 and not call.kwargs and (name in ("sum", "stack") or (name == "mean" and len(call.args) == 1)):
        if name != "stack" and _is_none(refs[0]):
            yield from _reduced(refs[0], share, place, name)
            return
        if _scalar(refs[0]):
            yield from terms_of(refs[0], share, place)
            return
    constant = [one for one in refs if not depends(one) and one.tensor.numel() == 1 and not of_batch(one)]
    numbers += [float(one.tensor) for one in constant]
    refs = [one for one in refs if not any(one is other for other in constant)]
    if name in ("mul", "rmul", "div", "neg") and len(refs) == 1 and len(numbers) <= 1:
        factor = -1.0 if name == "neg" else numbers[0] if numbers else None
        if isinstance(factor, BatchRows):
            yield from (by_rows(one, name, factor) for one in terms_of(refs[0], share, place))
            return
        if factor is not None and (name != "div" or isinstance(call.args[0], Ref)):
            yield from terms_of(refs[0], share / factor if name == "div" else share * factor, place)
            return
    errors = written_errors(call)
    if errors is not None:
        yield _aimed_term(errors.call, errors.part, share * errors.factor, errors.outputs, errors.targets)
        return
    what = f"{call.name} in the loss"
    if call.name == "module":
        who = type(call.what).__name__
        what = f"a loss that {who} computes itself, other than PyTorch's losses of outputs and targets,"
    raise UnclearError(what, call.place or place, OUT)


def _over_counted(call: Call) -> tuple[Call, dict[str, Any]] | None:
    """Return a sum over classes that is divided by the weights of its targets, or by their number, as its mean is."""
    if call.name not in ("div", "true_divide") or len(call.refs()) != 2 or call.kwargs:
        return None
    above, below = (one.call for one in call.refs())
    part = None if above is None else _loss(above)
    if above is None or below is None or below.name != "sum" or len(below.args) != 1 or part is None:
        return None
    told = part["arguments"]
    if part["part"] not in OF_CLASSES or told.get("reduction") != "sum" or told.get("label_smoothing"):
        return None
    outputs, targets = aimed(bound(above.what.forward if above.name == "module" else above.what,
                                   above.args, above.kwargs))  # fmt: skip
    if not isinstance(outputs, Ref) or not isinstance(targets, Ref) or targets.tensor.is_floating_point():
        return None
    ignored = told.get("ignore_index", part["own"]["ignore_index"])
    same = [*handed_back(targets, RESHAPES | ALIKE)]
    counts = counted_as(below.refs()[0], same, outputs.tensor.shape[1], int(ignored))
    weights = told.get("weight") or [1.0] * outputs.tensor.shape[1]
    if counts is None or not torch.allclose(counts, torch.tensor(weights, dtype=torch.float64), rtol=1e-7):
        return None
    return above, {**part, "arguments": {**told, "reduction": "mean"}}


def _scalar(ref: Ref) -> bool:
    return ref.tensor.numel() == 1


def _is_none(ref: Ref) -> bool:
    told = _loss(ref.call) if ref.call is not None else None
    return told is not None and told["arguments"].get("reduction") == "none"


def _reduced(ref: Ref, share: float, place: str, reduction: str) -> Iterator[Term]:
    for one in terms_of(ref, share, place):
        assert one.part is not None  # What is opaque is the whole of it.
        one.part["arguments"]["reduction"] = reduction
        if reduction == "mean" and one.part["part"] in OF_CLASSES:
            one.part["arguments"]["divisor"] = "rows"  # The program's mean: not the loss's, by the weights.
        yield one


def by_rows(term: Term, name: str, rows: float) -> Term:
    """Return a loss that is divided by the rows of its batch, or multiplied, as the other reduction; it is changed.

    Args:
        term: a loss.
        name: ``div``, of a sum; ``mul``, of a mean.
        rows: of the batch that was seen.

    Raises:
        UnclearError: where no reduction comes to that: what a mean is divided by is not the rows alone.
    """
    assert term.part is not None
    told, outputs = term.part["arguments"], term.outputs.tensor
    of_classes, reduction = term.part["part"] in OF_CLASSES, told.get("reduction", "mean")
    weighed = reduction == "mean" and told.get("weight") is not None and told.get("divisor") != "rows"
    known = of_classes or term.part["part"] in BY_OUTPUT
    if weighed or not known or term.part["seen"]["stretches"] or reduction != REDUCED.get(name):
        raise UnclearError("a loss times or over the rows of its batch", term.call.place, OUT)
    each = outputs.numel() / rows / (outputs.shape[1] if of_classes else 1)
    told["reduction"] = REDUCED[OPPOSITE[name]]
    if of_classes and name == "div":
        told["divisor"] = "rows"
    term.share = term.share * each if name == "div" else term.share / each
    return term


REDUCED = {"div": "sum", "mul": "mean"}
"""What is divided by the rows of a batch, and what is multiplied by them, to come to the other."""

OPPOSITE = {"div": "mul", "mul": "div"}

BY_OUTPUT = frozenset({"log cosh", "nn.MSELoss", "nn.L1Loss", "nn.SmoothL1Loss", "nn.HuberLoss", "nn.BCELoss",
                       "nn.BCEWithLogitsLoss"})  # fmt: skip
"""Losses that compare output by output, whose mean is over all of them."""


def is_loss(function: Any) -> bool:
    """Return whether a function is one of PyTorch's losses."""
    name = getattr(function, "__name__", "")
    own = getattr(functional, name, None) is function
    return name in LOSSES and (
        own or getattr(function, "__module__", "") in ("torch.nn.functional", "torch._C._nn", None)
    )


def _loss(call: Call) -> dict[str, Any] | None:
    """Return a call as the loss that it is, a word; None where it is none."""
    if call.name == "module":
        if not type(call.what).__module__.startswith("torch.nn.modules.loss"):
            return None
        return module_word(call.what, type(call.what))
    if not is_loss(call.what):
        return None
    kind = LOSSES[call.name]
    told = {key: one for key, one in bound(call.what, call.args, call.kwargs).items()
            if key not in ("input", "target", "size_average", "reduce")}  # fmt: skip
    arguments = {key: word(exactly(one) if isinstance(one, Ref) else one) for key, one in told.items()}
    return {"part": f"nn.{kind}", "arguments": arguments, "own": own_of(f"nn.{kind}")}


def _by_hand(call: Call) -> tuple[Call, dict[str, Any]] | None:
    """Return the mean of squared or absolute errors, written out, as the loss that it is; None of any other call."""
    if call.name != "mean" or len(call.args) != 1 or call.kwargs:
        return None
    return _errors(call.refs()[0])


def _errors(ref: Ref) -> tuple[Call, dict[str, Any]] | None:
    """Return squared or absolute errors, written out: the call of their difference, and the loss that is their mean."""
    inner = ref.call
    squares = inner is not None and (
        inner.name == "square" or (inner.name in ("pow", "__pow__") and inner.args[1:] == (2,))
    )
    if inner is None or not (squares or inner.name == "abs") or not inner.refs():
        return None
    errors = inner.refs()[0].call
    if errors is None or errors.name != "sub" or len(errors.refs()) != 2 or errors.kwargs:
        return None
    part = {"part": "nn.MSELoss" if squares else "nn.L1Loss", "arguments": {"reduction": "mean"}, "own": {}}
    return errors, part


Weighed = tuple[Ref | tuple[Call, dict[str, Any]], Ref, str]
"""Losses of rows, not reduced or written out as errors; their weights; how both are put together."""


def weighed_rows(call: Call) -> Weighed | None:
    """Return what a loss is that weighs its rows by data: ``(losses * w).mean()``, or over ``w.sum()``.

    Weights of another shape than the losses are not read: (N, 1) beside (N,) would be stretched to all pairs.
    """
    if call.name in ("mean", "sum") and len(call.args) == 1 and not call.kwargs:
        found = _product(call.refs()[0])
        return None if found is None else (*found, call.name)
    if call.name not in ("div", "true_divide") or len(call.refs()) != 2 or call.kwargs:
        return None
    above, below = (one.call for one in call.refs())
    if above is None or below is None or {above.name, below.name} != {"sum"} or len(above.args) + len(below.args) != 2:
        return None
    found = _product(above.refs()[0])
    alike = found is not None and torch.equal(found[1].tensor, below.refs()[0].tensor)  # Looked up twice, perhaps.
    return (*found, BY_WEIGHTS) if found is not None and alike else None


def _product(ref: Ref) -> tuple[Ref | tuple[Call, dict[str, Any]], Ref] | None:
    """Return losses of rows and the data that they are multiplied by; None of anything else."""
    call = ref.call
    if call is None or call.name not in ("mul", "rmul") or len(call.refs()) != 2 or call.kwargs:
        return None
    for losses, weights in (call.refs(), call.refs()[::-1]):
        own = losses if _is_none(losses) else _errors(losses)
        if own is not None and not depends(weights) and weights.tensor.shape == losses.tensor.shape:
            return own, weights
    return None


def aimed(told: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what a loss is given, and what that should be, of its arguments by name."""
    return told.get("input", told.get("0")), told.get("target", told.get("1"))


def _term(call: Call, part: dict[str, Any], share: float) -> Term:
    function = call.what.forward if call.name == "module" else call.what
    outputs, targets = aimed(bound(function, call.args, call.kwargs))
    if not isinstance(outputs, Ref) or not isinstance(targets, Ref):
        raise UnclearError(f"{part['part']} of other than outputs and targets", call.place, OUT)
    if depends(targets) and not depends(outputs) and part["part"] in ("nn.MSELoss", "nn.L1Loss", "nn.SmoothL1Loss",
                                                                      "nn.HuberLoss"):  # fmt: skip
        outputs, targets = targets, outputs
    if depends(targets):
        raise UnclearError(f"{part['part']} of targets that the model computes", call.place, "targets that are data")
    if not depends(outputs):
        raise UnclearError(f"{part['part']} of no output of a model", call.place, OUT)
    probabilities = behind_logarithm(outputs) if part["part"] == "nn.NLLLoss" else None
    if probabilities is not None:
        outputs = probabilities
        part = {**part, "part": "nn.CrossEntropyLoss", "arguments": {**part["arguments"], PROBABILITIES: True}}
    return _aimed_term(call, part, share, outputs, targets)


def _aimed_term(call: Call, part: dict[str, Any], share: float, outputs: Ref, targets: Ref) -> Term:
    """Return a loss of outputs and targets, with what was seen of these."""
    stretches = outputs.tensor.dim() == 2 and outputs.tensor.shape[1] == 1 and targets.tensor.dim() == 1
    seen = {"targets": "rows" if targets.tensor.is_floating_point() else "index", "stretches": stretches}
    return Term(call=call, part={**part, "seen": seen}, share=share, outputs=outputs, targets=targets)


def handed_back(ref: Ref, through: frozenset[str]) -> Iterator[Ref]:
    """Yield a tensor, and those that it was made of by functions of these names alone, the nearest first."""
    yield ref
    while ref.call is not None and ref.call.name in through and ref.call.refs():
        ref = ref.call.refs()[0]
        yield ref


def by_row(ref: Ref, rows: int) -> Ref | None:
    """Return what a loss is given as it was before its rows were put together; None where it never was by row."""
    back = handed_back(ref, RESHAPES | ALIKE)
    return next((one for one in back if one.tensor.dim() and len(one.tensor) == rows), None)


def of_any_rows(ref: Ref, rows: int) -> None:
    """Let the reshapes that put rows together do so with any number of rows: ``view(b * t, c)`` has theirs in it."""
    for one in handed_back(ref, RESHAPES | ALIKE):
        call = one.call
        if call is None or call.name not in ("view", "reshape"):
            continue
        first, *sizes = call.args
        several = len(sizes) == 1 and isinstance(sizes[0], tuple | list)
        told = list(sizes[0]) if several else sizes
        whole = told and all(isinstance(size, int) for size in told) and -1 not in told
        if whole and rows and told[0] % rows == 0:
            told[0] = -1
            call.args = (first, tuple(told)) if several else (first, *told)
