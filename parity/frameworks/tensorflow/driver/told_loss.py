"""The loss of a raw TensorFlow program: from the number that is differentiated back to outputs and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.frameworks.tensorflow.driver.chain import OperationChain, arguments_of, flat_size, number_of
from parity.frameworks.tensorflow.driver.taped import TapedOperation
from parity.frameworks.tensorflow.driver.told_entropy import written_entropy
from parity.frameworks.tensorflow.driver.told_errors import written_errors
from parity.run.decimals import decimal_of
from parity.run.told import ToldRefusal, Word

AS_IT_IS = ("Identity", "Cast", "CheckNumericsV2", "EnsureShape")

VIEWS = (*AS_IT_IS, "Reshape", "Squeeze", "ExpandDims")


FLATTENS = ("Squeeze", "Reshape", "StridedSlice")
"""Operations that may take an axis of length 1 away."""


class UnreadLossError(Exception):
    """No loss is what a program computes; carries what stands in the way."""

    def __init__(self, refusal: ToldRefusal) -> None:
        super().__init__(refusal.what)
        self.refusal = refusal


@dataclass
class LossFound:
    """A loss.

    Args:
        part: a word.
        outputs: tensor that it reads.
        targets: rows as they come.
        depth: classes that labels are made one-hot rows of; 0 where they are not.
        weight: what it is multiplied by.
        penalties: by the handle of a variable, factors of the sum of its absolute values and of its squares.
        place: line of the program.
        main: tensor of the loss without penalties.
        note: where it is another than the entry, in a sentence.
    """

    part: Word
    outputs: Any
    targets: Any
    depth: int = 0
    weight: float = 1.0
    penalties: dict[int, list[float]] = field(default_factory=dict)
    place: str = ""
    main: Any = None
    note: str = ""

    def targets_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the targets that it reads of all rows: one-hot rows where it makes such of labels."""
        return np.eye(self.depth, dtype=np.float32)[rows.astype(int).reshape(len(rows))] if self.depth else rows


def loss_of(chain: OperationChain, loss: Any) -> LossFound:
    """Return the loss that a tensor is.

    Args:
        chain: of the operations of a step.
        loss: the tensor that was differentiated.

    Raises:
        UnreadLossError: when it is none that an entry reads.
    """
    penalties: dict[int, list[float]] = {}
    mains = [loss]
    found = _whole(chain, loss, 1.0, penalties, mains)
    found.penalties, found.main = penalties, mains[-1]
    return found


def refused(op: TapedOperation | None, what: str, needs: str) -> UnreadLossError:
    """Return what stands in the way of reading a loss."""
    return UnreadLossError(ToldRefusal(what=what, place=op.place if op is not None else "", needs=needs))


def _whole(
    chain: OperationChain, tensor: Any, factor: float, penalties: dict[int, list[float]], mains: list[Any]
) -> LossFound:  # fmt: skip
    op = chain.producer(tensor)
    if op is None:
        raise refused(op, "loss, a number that was there before the tape,", "a loss that is computed under the tape")
    if op.kind in AS_IT_IS:
        return _whole(chain, op.inputs[0], factor, penalties, mains)
    if op.kind in ("AddV2", "Add", "AddN") and not tensor.shape.rank:
        main = [one for one in op.inputs if not _penalty(chain, one, factor, penalties)]
        if len(main) != 1:
            raise refused(op, f"loss, a sum of {len(main)} losses,", "one loss, and penalties of weights beside it")
        mains.append(main[0])
        return _whole(chain, main[0], factor, penalties, mains)
    scaled = _scaled(chain, op)
    if scaled is not None:
        return _whole(chain, scaled[0], factor * scaled[1], penalties, mains)
    if op.kind == "keras.Loss":
        from parity.frameworks.keras.driver.words import part_word

        given = arguments_of(op)
        loss = next(iter(given.values()))
        if given.get("sample_weight") is not None:
            raise refused(op, "loss, called with sample_weight,", "weights of rows, which no reading can say yet")
        word = {**part_word(loss), "framework": "keras"}
        return _with_targets(chain, op, word, given["y_pred"], given["y_true"], factor)
    return _reduced(chain, tensor, factor)


def _scaled(chain: OperationChain, op: TapedOperation) -> tuple[Any, float] | None:
    """Return what is multiplied by a number that is written, and the number."""
    if op.kind == "Neg":
        return op.inputs[0], -1.0
    if op.kind not in ("Mul", "RealDiv"):
        return None
    first, second = op.inputs
    if not chain.moves(second) and number_of(second).ndim == 0 and not _of_sizes(chain, second):
        number = decimal_of(float(number_of(second)))
        return first, number if op.kind == "Mul" else 1.0 / number
    if op.kind == "Mul" and not chain.moves(first) and number_of(first).ndim == 0 and not _of_sizes(chain, first):
        return second, decimal_of(float(number_of(first)))
    return None


def _of_sizes(chain: OperationChain, tensor: Any) -> bool:
    """Return whether a number is worked out from the sizes of a batch."""
    return any(one.kind in ("Shape", "Size") for one in chain.needed(tensor))


def _penalty(chain: OperationChain, tensor: Any, factor: float, found: dict[int, list[float]]) -> bool:
    """Take in what adds a penalty of weights to the loss; return whether a tensor is one."""
    op = chain.producer(tensor)
    if op is None:
        return not chain.moves(tensor) and not np.any(number_of(tensor))
    if any(chain.brought(one) for step in chain.needed(tensor) for one in step.inputs if step.kind not in ("Shape",)):
        return False
    here: dict[int, list[float]] = {}
    if not _penalised(chain, tensor, factor, here):
        raise refused(op, f"loss, which has a penalty that is {op.kind},", "a regularizer that is the same")
    for handle, one in here.items():
        _add(found, handle, one)
    return True


def _add(found: dict[int, list[float]], handle: int, factors: Sequence[float]) -> None:
    """Add to the factors of a variable's penalties."""
    found[handle] = [kept + more for kept, more in zip(found.get(handle, (0.0, 0.0)), factors, strict=True)]


def _penalised(chain: OperationChain, tensor: Any, factor: float, found: dict[int, list[float]]) -> bool:
    op = chain.producer(tensor)
    if op is None:
        return not chain.moves(tensor) and not np.any(number_of(tensor))
    if op.kind in AS_IT_IS:
        return _penalised(chain, op.inputs[0], factor, found)
    if op.kind in ("AddV2", "AddN", "Pack") or (op.kind == "Sum" and tensor.shape.rank == 0 and _packed(chain, op)):
        given = op.inputs[:1] if op.kind == "Sum" else op.inputs
        return all(_penalised(chain, one, factor, found) for one in given)
    scaled = _scaled(chain, op)
    if scaled is not None:
        return _penalised(chain, scaled[0], factor * scaled[1], found)
    if op.kind == "L2Loss":
        handle, shares = chain.handle(op.inputs[0]), [0.0, 0.5]
    elif op.kind == "Sum" and tensor.shape.rank == 0:
        handle, shares = _powers(chain, op.inputs[0])
    else:
        return False
    if handle is None:
        return False
    _add(found, handle, [factor * one for one in shares])
    return True


def _packed(chain: OperationChain, op: TapedOperation) -> bool:
    inner = chain.producer(op.inputs[0])
    return inner is not None and inner.kind == "Pack"


def _powers(chain: OperationChain, tensor: Any) -> tuple[int | None, list[float]]:
    op = chain.producer(tensor)
    if op is None:
        return None, []
    if op.kind == "Abs":
        return chain.handle(op.inputs[0]), [1.0, 0.0]
    squared = _squared(chain, op)
    return (None, []) if squared is None else (chain.handle(squared), [0.0, 1.0])


def _squared(chain: OperationChain, op: TapedOperation) -> Any:
    """Return what an operation squares; None of another."""
    if op.kind == "Square":
        return op.inputs[0]
    if op.kind == "Pow" and not chain.moves(op.inputs[1]) and np.all(number_of(op.inputs[1]) == 2.0):
        return op.inputs[0]
    same = op.kind == "Mul" and (
        op.inputs[0] is op.inputs[1]
        or (chain.handle(op.inputs[0]) is not None and chain.handle(op.inputs[0]) == chain.handle(op.inputs[1]))
    )
    return op.inputs[0] if same else None


def _reduced(chain: OperationChain, tensor: Any, factor: float) -> LossFound:
    """Return a loss that is made of those of rows or elements, by means and sums."""
    averaged, rows = 1, ""
    op = chain.producer(tensor)
    top = op
    while op is not None:
        given: Any = op.inputs[0] if op.inputs else None
        scaled = _scaled(chain, op)
        if op.kind in ("Mean", "Sum"):
            axes = (
                [int(one) % given.shape.rank for one in np.ravel(number_of(op.inputs[1]))] if given.shape.rank else []
            )
            averaged *= int(np.prod([int(given.shape[one]) for one in axes])) if op.kind == "Mean" else 1
            rows = op.kind if 0 in axes and int(given.shape[0]) == chain.rows else rows
        elif scaled is not None:
            given, factor = scaled[0], factor * scaled[1]
        elif _over_sizes(chain, op):
            averaged *= int(number_of(op.inputs[1]))
            rows = "Mean"
        elif op.kind not in AS_IT_IS:
            break
        tensor, op = given, chain.producer(given)
    if not rows:
        kind = "a number that is there before" if top is None else f"{top.kind} of {_behind(chain, top)}"
        raise refused(top, f"loss, {kind},", "a mean or a sum over the rows")
    elements = flat_size(tensor)
    if rows == "Sum" and averaged != 1:
        raise refused(top, "loss, a sum over the rows and a mean over the rest,", "a mean over the rows")
    factor *= elements / averaged if rows == "Mean" else 1.0
    return _of_elements(chain, tensor, factor, "mean" if rows == "Mean" else "sum")


def _over_sizes(chain: OperationChain, op: TapedOperation) -> bool:
    """Return whether an operation divides by the number of rows, as the batch has it."""
    if op.kind != "RealDiv" or chain.moves(op.inputs[1]) or not _of_sizes(chain, op.inputs[1]):
        return False
    return number_of(op.inputs[1]).ndim == 0 and float(number_of(op.inputs[1])) == chain.rows


def _behind(chain: OperationChain, op: TapedOperation) -> str:
    inner = chain.producer(op.inputs[0]) if op.inputs else None
    return "numbers" if inner is None else inner.kind


ENTROPIES = ("softmax_cross_entropy_with_logits", "sigmoid_cross_entropy_with_logits",
             "sparse_softmax_cross_entropy_with_logits")  # fmt: skip


def _of_elements(chain: OperationChain, tensor: Any, factor: float, reduction: str) -> LossFound:
    op = chain.producer(tensor)
    if op is None:
        raise refused(op, "loss, numbers that were there before,", "a loss of outputs and targets")
    more = {} if reduction == "mean" else {"reduction": reduction}
    if op.kind in {f"tf.nn.{name}" for name in ENTROPIES}:
        given = arguments_of(op)
        word = {"part": op.kind, "arguments": more, "own": {}, "framework": "tensorflow"}
        return _with_targets(chain, op, word, given["logits"], given["labels"], factor)
    if op.kind.startswith("keras.losses."):
        return _of_keras(chain, op, factor, more)
    entropy = written_entropy(chain, op)
    if entropy is not None:
        classes = int(entropy.outputs.shape[-1])
        # What stands here is of each element, what the entry says of each row.
        factor = -factor / (classes if reduction == "mean" else 1)
        found = _with_targets(
            chain, op, {"entry": {"categorical_crossentropy": more}}, entropy.outputs, entropy.targets, factor
        )
        found.note = entropy.note
        return found
    elements: Word = None
    difference, kind = _difference(chain, op)
    written = None if difference is not None else written_errors(chain, tensor)
    if written is not None:
        difference, elements = (written.outputs, written.targets), written.elements
    if difference is None:
        raise refused(op, f"loss, a {reduction} of {op.kind},", f"a loss that is {op.kind}")
    first, second = difference
    outputs, targets = (first, second) if chain.trains(first) else (second, first)
    if chain.trains(targets) or not chain.trains(outputs):
        raise refused(op, "loss, which compares no outputs with targets,", "outputs, and targets that no weight makes")
    flat = chain.producer(outputs)
    same = flat_size(tensor) == flat_size(outputs) == flat_size(targets)
    fields = dict(more)
    if outputs.shape.rank == 1 and flat is not None and flat.kind in FLATTENS and same and _keeps(flat):
        outputs = flat.inputs[0]
    elif not same:
        if tensor.shape.rank != 2 or flat_size(tensor) != flat_size(outputs) * flat_size(targets):
            raise refused(
                op, f"loss of outputs {list(outputs.shape)} and targets {list(targets.shape)}", "equal shapes"
            )
        fields["broadcast"] = "stretch"
    part = {"entry": {kind: fields}} if elements is None else {"elements": elements, "fields": fields}
    return _with_targets(chain, op, part, outputs, targets, factor)


def _keeps(op: TapedOperation) -> bool:
    """Return whether an operation gives all that it reads."""
    return flat_size(op.inputs[0]) == flat_size(op.outputs[0])


def _of_keras(chain: OperationChain, op: TapedOperation, factor: float, more: dict[str, Any]) -> LossFound:
    from parity.frameworks.keras.driver.words import loss_word, word

    assert op.call is not None
    given = arguments_of(op)
    names = list(given)
    y_true, y_pred = given.pop(names[0]), given.pop(names[1])
    part = loss_word(op.call[0])
    if not isinstance(part, dict) or "part" not in part:
        raise refused(op, f"loss {op.kind}", "a loss that is the same")
    told = {name: word(one) for name, one in given.items() if part["own"].get(name) != one and name in part["own"]}
    told |= {"reduction": "sum"} if more else {}
    return _with_targets(chain, op, {**part, "arguments": told, "framework": "keras"}, y_pred, y_true, factor)


def _difference(chain: OperationChain, op: TapedOperation) -> tuple[tuple[Any, Any] | None, str]:
    """Return the two tensors that are compared, and the loss that compares them so."""
    if op.kind == "SquaredDifference":
        return (op.inputs[0], op.inputs[1]), "mse"
    inner, kind = (op.inputs[0], "mae") if op.kind == "Abs" else (_squared(chain, op), "mse")
    apart = chain.producer(inner) if inner is not None else None
    if apart is None or apart.kind != "Sub":
        return None, ""
    return (apart.inputs[0], apart.inputs[1]), kind


def _with_targets(
    chain: OperationChain, op: TapedOperation, part: Word, outputs: Any, targets: Any, factor: float
) -> LossFound:
    depth, inner = 0, targets
    while not chain.brought(inner):
        made = chain.producer(inner)
        if made is None or made.kind not in (*VIEWS, "OneHot"):
            kind = "numbers that are written" if made is None else made.kind
            raise refused(made or op, f"targets, which are {kind} of the rows,", "targets as the data have them")
        if made.kind == "OneHot":
            if [float(number_of(one)) for one in made.inputs[2:4]] != [1.0, 0.0]:
                raise refused(made, "one-hot rows of other numbers than 1 and 0", "labels of 1 and 0")
            depth = int(number_of(made.inputs[1]))
        inner = made.inputs[0]
    return LossFound(part, outputs, inner, depth, factor, place=op.place)
