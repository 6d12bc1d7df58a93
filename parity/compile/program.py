"""What compiling gives: the source of a program, and where the canonical tensors live in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parity.spec.targets import Given


def to_first(rank: int) -> tuple[int, ...]:
    """Return the axes that bring the channels of a (N, ..., C) batch to the front: (0, rank, 1, ...).

    Args:
        rank: of a row, without the batch axis.
    """
    return (0, rank, *range(1, rank))


def to_last(rank: int) -> tuple[int, ...]:
    """Return the axes that bring the channels of a (N, C, ...) batch to the end: (0, 2, ..., 1)."""
    return (0, *range(2, rank + 1), 1)


@dataclass(frozen=True, kw_only=True)
class Weight:
    """Where a canonical parameter lives.

    Args:
        attribute: dotted path from the model.
        axes: canonical value permuted by these is the framework's; None where both are the same.
        trainable: False for running statistics.
        lies: the canonical shape permuted by ``axes``, where the program's has more or fewer axes of length one.
        blocks: the canonical last axis is made of equal blocks, which the program has in this order.
        beside: further attributes: the canonical first axis counts them, ``attribute`` being the first.
        counted: shapes, channels last, of the features that the canonical first axis counts one after another, where
            the program counts some of them with the channels first.
    """

    attribute: str
    axes: tuple[int, ...] | None = None
    trainable: bool = True
    lies: tuple[int, ...] | None = None
    blocks: tuple[int, ...] | None = None
    beside: tuple[str, ...] = ()
    counted: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where a layer's output can be seen.

    Args:
        attribute: layer, method or module of the model.
        axes: the framework's value permuted by these is canonical; None where both are the same.
        point: ``output``; ``logits`` where the program leaves the last activation to the loss; ``input`` where it is
            seen as what the layer after it, at ``attribute``, takes in.
        shape: canonical, without the batch axis, where the program's own layout must be told from it.
        then: source of the activation that stands behind what is watched, in the program's framework, where the program
            applies it as a function.
        meaning: what the program's numbers are (``logits``, ``probabilities``, ``log_probabilities``) where they are
            compared as probabilities.
        ending: ``softmax`` or ``sigmoid``, which makes probabilities of logits; with ``meaning``.
        call: number of the call in a step, where a layer is called more than once; None for one that is not.
        part: of what the module returns, where the output is a part of it (see ``parity.code.TorchCode``).
        counted: as of :class:`Weight`, where the output is features.
    """

    attribute: str
    axes: tuple[int, ...] | None = None
    point: str = "output"
    shape: tuple[int, ...] | None = None
    then: str | None = None
    meaning: str | None = None
    ending: str | None = None
    call: int | None = None
    part: tuple[int, ...] = ()
    counted: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model's predictions are, and what they are turned into before they are looked at.

    Args:
        says: what the model returns: ``logits``, ``probabilities`` or ``log_probabilities``.
        metrics: what metrics are computed from.
        lockstep: what is compared.
        ending: ``softmax`` or ``sigmoid``, which makes probabilities of logits; None where the numbers are no such.
        shape: canonical, of a row.
    """

    says: str
    metrics: str
    lockstep: str
    ending: str | None
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Head:
    """One output of several, as a program gives it and is given its targets: dicts of them, by name.

    Args:
        name: of the output.
        shape: canonical, of a row.
        targets: form in which the program takes its targets; None for the shape of the output.
        ending: activation that its loss applies in place of the model, see :class:`Bindings`.
        answer: what the predictions of it are, see :class:`Bindings`.
        dtype: of its numbers.
    """

    name: str
    shape: tuple[int, ...]
    targets: str | None = None
    ending: str | None = None
    answer: Answer | None = None
    dtype: str = "float"


@dataclass(frozen=True, kw_only=True)
class Bindings:
    """Canonical names to places in one program; plain data, since it is sent to a worker.

    Args:
        weights: ``layer.parameter`` to its place.
        outputs: layer to where its output is seen.
        slots: optimizer slot to (attribute, scale); canonical value = scale * stored value.
        starts: slot that is one number to what it is before the first step.
        batches: whose gradients make one update.
        fills: slot that a program makes in its first update, of other numbers than 0, to what it is before that.
        mask_axes: for each dropout call of a step, the permutation from the canonical mask to the program's
            tensor, or None.
        masks: number of the mask that each of these calls takes.
        noise: some of these calls draw normal numbers.
        mask_shapes: of each of these calls, the canonical shape of a row, where the program's own layout must be told
            from it.
        mask_counted: of each of these calls, as ``counted`` of :class:`Weight`, where features are drawn for.
        ending: activation that the loss applies in place of the model (``softmax``), to be applied to predictions.
        answer: what the model's predictions are, None where they are what the spec's model predicts.
        targets: form in which the program takes its targets; None for the shape of the outputs.
        names: what a hand-written program calls the parts of the contract.
        input: shape of a row, for models that are made when they first see one.
        inputs: name, shape and dtype of each input, where there are several or one of whole numbers
            (:mod:`parity.rows`).
        output: shape of a row of the outputs, where a program written by hand may return other tensors beside them.
        heads: of several outputs each; ``ending`` is then that of one of them, if there is any, ``answer`` and
            ``targets`` are None.
        in_order: the program gives several outputs, and takes their targets, in a tuple, not by name.
        sample_weights: shape of a row of the outputs, where rows have weights, which stand beside the targets
            (:func:`parity.rows.beside`); None where they have none.
        extras: those of the weights that the spec does not have.
        masks_ignored: a program leaves out by a mask what has targets below 0, and is given the first class there.
        decays: of parameters whose l2 penalty a program has in its optimizer, as weight decay, d of d w.
        settings: statements that set what is global in the framework, before the program is imported.
    """

    weights: Mapping[str, Weight]
    outputs: Mapping[str, Output]
    slots: Mapping[str, tuple[str, float]]
    starts: Mapping[str, float] = field(default_factory=dict)
    batches: int = 1
    fills: Mapping[str, float] = field(default_factory=dict)
    mask_axes: tuple[tuple[int, ...] | None, ...] = ()
    masks: tuple[int, ...] = ()
    noise: bool = False
    mask_shapes: tuple[tuple[int, ...], ...] = ()
    mask_counted: tuple[tuple[tuple[int, ...], ...], ...] = ()
    ending: str | None = None
    answer: Answer | None = None
    targets: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    input: tuple[int, ...] = ()
    inputs: tuple[Mapping[str, Any], ...] = ()
    output: tuple[int, ...] | None = None
    heads: tuple[Head, ...] = ()
    in_order: bool = False
    sample_weights: tuple[int, ...] | None = None
    extras: tuple[str, ...] = ()
    masks_ignored: bool = False
    decays: Mapping[str, float] = field(default_factory=dict)
    settings: tuple[str, ...] = ()

    def of(self, output: str) -> Bindings:
        """Return the bindings as if an output were the only one; themselves for the only one, which has no name."""
        head = next((head for head in self.heads if head.name == output), None)
        if head is None:
            return self
        return replace(self, targets=head.targets, ending=head.ending, answer=head.answer, heads=())

    def answering(self, answers: Mapping[str, Answer | None]) -> Bindings:
        """Return the bindings with what the predictions of each output are."""
        if not self.heads:
            return replace(self, answer=answers[""])
        return replace(self, heads=tuple(replace(head, answer=answers[head.name]) for head in self.heads))

    def plain(self) -> dict[str, Any]:
        """Return the bindings as dicts, lists, strings and numbers."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


@dataclass(frozen=True, kw_only=True)
class Program:
    """A compiled side.

    Args:
        framework: it is written in.
        source: of a module that runs on its own.
        bindings: where the canonical tensors live in it.
        file_name: a good name for the file.
        path: of a program written by hand, which is run where it stands.
        files: SHA-256 of that file and of each that it imports from beside it, by their path from its folder: as they
            were when it was matched, which is what is run, or nothing is.
        unmatched: in words, what of it was matched to nothing.
        missing: canonical parameters of the spec that a program written by hand does not have.
        extras: what it has beyond them, by canonical name, with its shape.
        starts: file with the initial value of each of these that starts alike in all programs.
        given: of a program written by hand, the form of its targets and where that came from.
    """

    framework: str
    source: str
    bindings: Bindings = field(repr=False)
    file_name: str
    path: str | None = None
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    unmatched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extras: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    starts: Mapping[str, str] = field(default_factory=dict)
    given: Given | None = None

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the source."""
        return hashlib.sha256(self.source.encode()).hexdigest()
