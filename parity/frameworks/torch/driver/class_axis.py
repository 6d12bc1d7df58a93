"""Where the classes stand in what a cross-entropy is given: behind the rows, or last, rows and places put together.

PyTorch's losses take classes along the axis behind the rows, (N, C, T); a spec says them last. So what a model gives is
told with its classes last: ahead of the call that moves them behind the rows, or behind one that moves them last.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch

from parity.frameworks.torch.driver.calls import Call, Ref, exchanged, key_of
from parity.frameworks.torch.driver.loss_terms import ALIKE, OF_CLASSES, RESHAPES, TURNS, by_row, handed_back
from parity.frameworks.torch.driver.terms import Term, depends
from parity.run.told import ToldNode


def unturned(ref: Ref) -> Ref:
    """Return what a loss was handed as it was ahead of a call that only moved its last axis, the classes."""
    if ref.call is None or ref.call.name not in TURNS or len(ref.call.refs()) != 1:
        return ref
    (source,) = ref.call.refs()
    return source if _classes_moved(source.tensor, ref.tensor) else ref


def _classes_moved(last: torch.Tensor, first: torch.Tensor) -> bool:
    """Return whether a tensor is another one with its last axis behind the rows."""
    if last.dim() < 3 or last.shape[:1] != first.shape[:1]:
        return False
    moved = last.movedim(-1, 1)
    return moved.shape == first.shape and torch.equal(moved, first)


def of_classes(ref: Ref, terms: Sequence[Term]) -> bool:
    """Return whether all that is minimised of a tensor takes its classes along the axis behind the rows."""
    return all(_takes_classes(one) for one in terms if one.outputs is ref)


def _takes_classes(term: Term) -> bool:
    return term.part is not None and term.part["part"] in OF_CLASSES and not term.together


def classes_last(term: Term) -> None:
    """Let the outputs of a loss have their classes last: moved, and back for the loss, or before they were joined.

    Args:
        term: a loss; changed, with its call, where its outputs are classes of more than rows.
    """
    if not _takes_classes(term) or term.targets is None:
        return
    reader = _of_logits(term)
    given, rank = term.outputs, term.outputs.tensor.dim()
    if rank == 2:
        _apart(term)
    elif rank > 2 and unturned(given) is given and not term.targets.tensor.is_floating_point():
        last = _moved(given, (0, *range(2, rank), 1))
        term.outputs = _moved(last, (0, rank - 1, *range(1, rank - 1)))
        key, back = key_of(given), term.outputs

        def moved(one: object) -> object:
            return back if isinstance(one, Ref) and key_of(one) == key else one

        reader.args, reader.kwargs = exchanged(reader.args, moved), exchanged(dict(reader.kwargs), moved)


def _of_logits(term: Term) -> Call:
    """Let a loss of logarithms, taken of a softmax along the axis behind the rows, be that of what these are made of.

    Returns:
        The call that reads the outputs.
    """
    assert term.part is not None
    given, call = term.outputs, term.outputs.call
    if term.part["part"] != "nn.NLLLoss" or given.tensor.dim() < 3 or call is None or len(call.refs()) != 1:
        return term.call
    (source,) = call.refs()
    module = call.name == "module" and isinstance(call.what, torch.nn.LogSoftmax)
    if not (module or call.name == "log_softmax") or not depends(source):
        return term.call
    if torch.allclose(source.tensor.log_softmax(1), given.tensor, atol=1e-5):
        term.outputs, term.part = source, {**term.part, "part": "nn.CrossEntropyLoss"}
        return call
    return term.call


def _moved(ref: Ref, axes: tuple[int, ...]) -> Ref:
    """Return a tensor with its axes in another order, by a call that the program does not make itself."""
    with torch.no_grad():
        return Ref(ref.tensor.permute(axes), Call(torch.permute, "permute", (ref, axes)))


def _apart(term: Term) -> None:
    """Let the outputs of a loss be what its rows and places were ahead of being put together, its classes last.

    Of ``logits.transpose(1, 2).reshape(-1, C)``, the transposed.
    """
    targets, joined = term.targets, term.outputs.tensor
    assert targets is not None
    *_, whole = handed_back(term.outputs, RESHAPES | ALIKE)
    if whole.call is None or whole.call.name not in TURNS or whole.tensor.dim() < 3:
        return
    shape, rows = whole.tensor.shape, len(whole.tensor)
    if shape[-1] != joined.shape[-1] or whole.tensor.numel() != joined.numel() or by_row(targets, rows) is None:
        return
    term.outputs, term.together = whole, True


def turned_there(nodes: Sequence[ToldNode], outputs: Collection[str], place: str) -> None:
    """Let what moves the classes of an output, outside of any module, stand where the loss does.

    Args:
        nodes: calls of a program; some are changed.
        outputs: names of those that give the outputs.
        place: line of the loss.
    """
    for node in nodes:
        if node.name in outputs and not node.place and node.part.rpartition(".")[2] in TURNS:
            node.place = place
