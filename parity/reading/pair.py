"""Two programs that were read, as one spec: what both do is said once; what the second does otherwise, its changes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parity.errors import UsageError
from parity.free_names import free_name
from parity.ops import Op
from parity.ops.global_pooling import GlobalPooling
from parity.ops.merging import Merging
from parity.ops.permute import Permute
from parity.ops.rescaling import Rescaling
from parity.reading.added_losses import added_alike
from parity.reading.by_channel import by_channel
from parity.reading.called_alike import called_alike, ordered_alike
from parity.reading.decayed import decayed_alike
from parity.reading.flattened import flattened_alike
from parity.reading.groups_of import called_anew
from parity.reading.in_one_order import in_one_order
from parity.reading.left_out import left_out_alike
from parity.reading.one_form import in_one_form
from parity.reading.opaque import aligned, as_ordered, read_by_losses, renamed
from parity.reading.outcome_of_pair import as_either_says
from parity.reading.pair_side import PairSide
from parity.reading.plainly import (
    activations_joined,
    merges_joined,
    moves_undone,
    pools_flattened,
    pools_whole,
)
from parity.reading.prepared import rows_prepared
from parity.reading.rates_alike import rates_alike
from parity.reading.rescaled import rescalings_joined
from parity.reading.same_rows import SharedRows, shared_rows
from parity.reading.seen_rows import rows_seen
from parity.reading.started_alike import padding_alike, started_alike
from parity.reading.summed_alike import summed_alike
from parity.reading.turned_alike import turned_alike
from parity.reading.weighed_alike import weighed_alike
from parity.reading.whole import UNSEEN, ReadProgram
from parity.reading.zeros_ahead import as_padding, padded_alike
from parity.spec.align import SAME_KIND, align, likeness
from parity.spec.graph import named
from parity.spec.load import build_spec
from parity.spec.plain import brief
from parity.spec.sections import ModelSpec, Spec


@dataclass(kw_only=True)
class Pair:
    """Two programs as one spec.

    Args:
        sides: both.
        spec: as plain data, its source the file that :attr:`arrays` go to; its sides say no program yet.
        rows: that they train on.
        notes: what a reader should know, in sentences.
    """

    sides: tuple[PairSide, PairSide]
    spec: dict[str, Any]
    rows: SharedRows
    notes: list[str] = field(default_factory=list)


def paired(
    a: ReadProgram, b: ReadProgram, names: tuple[str, str], source: str, others: str, fresh: bool = True,
    counted: bool = True,
) -> Pair:  # fmt: skip
    """Return two programs as one spec.

    Args:
        a: first program.
        b: second program, whose layers take the names of the first's that they stand for.
        names: of the sides.
        source: what the spec calls the file of the arrays.
        others: what it calls that of the second program's own, where it learns from other rows.
        fresh: they start from weights drawn afresh, not from their own.
        counted: own kernels stand as their programs count features; else as those of the other program.

    Raises:
        UsageError: when they do not learn the same thing: other shapes of rows, other outputs.
    """
    a, b = ordered_alike(*called_alike(a, b))
    a, b, seen_alike = rows_seen(a, b, names)
    specs = [_built(one) for one in (a, b)]
    sides = []
    for name, one, built in zip(names, (a, b), specs, strict=True):
        kept = read_by_losses(one.spec["loss"])
        model = pools_flattened(activations_joined(built.model, kept), kept)
        sides.append(PairSide(name=name, reading=one, model=model))
    _pooled_alike(sides)
    ahead = rows_prepared(sides)
    as_padding(sides)
    turned_alike(sides)
    _as_the_other(sides)
    for side, other in (sides, sides[::-1]):
        side.model, side.parts = by_channel(side.model, other.model, read_by_losses(side.reading.spec["loss"]))
    first, second = sides
    first.names = {str(op.name): str(op.name) for op in first.model.layers}
    _rename(first, second)
    second.model = padding_alike(padded_alike(started_alike(second.model, first.model), first.model), first.model)
    first.model = padding_alike(first.model, second.model)
    _check_outputs(first, second)
    flattened = flattened_alike(sides, fresh) if fresh or counted else []
    forms = [*left_out_alike(sides, specs), *weighed_alike(sides, specs)]
    forms += [*in_one_form(first, second, specs), *summed_alike(sides, specs), *decayed_alike(sides, specs)]
    added_alike(sides, specs)
    rows = shared_rows((first, second), specs, others)
    forms += rates_alike(specs, len(next(iter(rows.arrays.values()))), names)
    spec = {**a.spec, "name": f"{names[0]}-{names[1]}", "data": {**a.spec["data"], "source": source, **rows.data[0]}}
    if first.decays:
        spec["optimizer"] = brief(specs[0].optimizer)
    spec["loss"] = first.loss = first.loss or spec["loss"]
    first.model = _whole_numbered(first.model, second.model)
    spec["model"] = _plain(first.model)
    forms += as_either_says(spec, sides, specs)
    told = {**_changes(first, second, specs), **rows.data[1]}
    spec["sides"] = {
        one.name: {"framework": one.reading.framework, **({"changes": changes} if changes else {})}
        for one, changes in zip(sides, ({}, told), strict=True)
    }
    notes = _of_readings(sides)
    notes += aligned([one.model.layers for one in sides], [one.loss for one in sides], names)
    notes += [*forms, *flattened, *ahead, *seen_alike, *rows.notes]
    return Pair(sides=(first, second), spec=spec, rows=rows, notes=notes)


def _of_readings(sides: Sequence[PairSide]) -> list[str]:
    """Return what is noted of each reading, and of epochs that one program alone says."""
    seen = any(one.seen("epochs") for one in sides)
    notes = [f"{one.name}: {note}" for one in sides for note in one.reading.notes if note != UNSEEN or not seen]
    unsaid = [(one, other) for one, other in (sides, sides[::-1]) if seen and not one.seen("epochs")]
    told = "how many epochs it trains cannot be seen; it is given those of"
    return [*notes, *(f"{one.name}: {told} {other.name}." for one, other in unsaid)]


def _built(reading: ReadProgram) -> Spec:
    """Return the spec of a reading as typed objects, its data left out."""
    data = {name: one for name, one in reading.spec["data"].items() if name != "source"}
    return build_spec({**reading.spec, "data": {**data, "source": "blobs"}})


def _pooled_alike(sides: Sequence[PairSide]) -> None:
    """Say poolings of one window as long as all that they read as poolings over all, where one program has more such.

    Where neither has, or both as many, windows stay: what they differ in is said by their fields.
    """
    counts = [Counter(op.kind for op in side.model.layers if isinstance(op, GlobalPooling)) for side in sides]
    if counts[0] != counts[1]:
        for side in sides:
            side.model = pools_whole(side.model, read_by_losses(side.reading.spec["loss"]))


def _as_the_other(sides: Sequence[PairSide]) -> None:
    """Write a model in fewer layers where the other is: channels left where they lie, sums made of all at once."""

    def count(side: PairSide, kind: type[Op]) -> int:
        return sum(isinstance(op, kind) for op in side.model.layers)

    for side, other in (sides, sides[::-1]):
        kept = read_by_losses(side.reading.spec["loss"])
        if count(side, Permute) > count(other, Permute):
            side.model = moves_undone(side.model)
        for kind, joined in ((Merging, merges_joined), (Rescaling, rescalings_joined)):
            if count(side, kind) > count(other, kind):
                side.model = joined(side.model, kept)


def _whole_numbered(model: ModelSpec, other: ModelSpec) -> ModelSpec:
    """Return a model whose inputs are whole numbers where either model's are: one that is opaque does not say."""
    mine, theirs = model.named_inputs(), other.named_inputs()
    whole = {name for name, one in theirs.items() if one.dtype == "integer" and mine[name].dtype != "integer"}
    if not whole:
        return model
    inputs = {name: theirs[name] if name in whole else one for name, one in mine.items()}
    return model.model_copy(update={"input": None, "inputs": inputs})


def _rename(first: PairSide, second: PairSide) -> None:
    """Give the second model's layers the names of the first's that they stand for, and free ones to all others."""
    before, after = (named(one.model).layers for one in (first, second))

    def score(one: Op, other: Op) -> int:
        if one.kind != other.kind:
            return 0
        return SAME_KIND + 2 * likeness(one.replace(name=None), other.replace(name=None)) + (one.name == other.name)

    found = _ends_by_name(first.model, second.model)  # Whatever their order.
    free = [op for op in before if op.name not in found.values()], [op for op in after if op.name not in found]
    found |= {str(two.name): str(one.name) for one, two in align(*free, score) if one and two}
    taken = {str(op.name) for op in before}
    for op in after:
        if op.name not in found:
            own = str(op.name) if op.name not in taken else free_name(op.kind, taken)
            found[str(op.name)] = own
            taken.add(own)
    inputs = _inputs(first, second)
    called = {**inputs, **found}
    layers = [as_ordered(_called(op, called), before) for op in after]
    outputs = {name: called[layer] for name, layer in second.model.outputs.items()}
    model = ModelSpec(
        input=second.model.input,
        inputs={called[name]: one for name, one in second.model.inputs.items()},
        layers=tuple(layers),
        outputs=outputs,
    )
    second.model = in_one_order(model, first.model)
    second.names = {found[str(op.name)]: str(op.name) for op in after}
    second.loss = renamed(second.reading.spec["loss"], found)


def _ends_by_name(first: ModelSpec, second: ModelSpec) -> dict[str, str]:
    """Return of the second model's layers that give an output those of the first's that give the one of that name."""
    kinds = [{str(op.name): op.kind for op in named(one).layers} for one in (first, second)]
    pairs = {layer: first.outputs[name] for name, layer in second.outputs.items() if name in first.outputs}
    alike = {theirs: mine for theirs, mine in pairs.items() if kinds[0].get(mine) == kinds[1].get(theirs)}
    return alike if len(set(alike.values())) == len(alike) else {}


def _called(op: Op, called: Mapping[str, str]) -> Op:
    """Return a layer with other names for itself and for what it reads."""
    changes: dict[str, Any] = {"name": called[str(op.name)]}
    if op.said_inputs is not None:
        reads = tuple(called.get(one, one) for one in op.said_inputs)
        changes["inputs"] = reads[0] if isinstance(op.inputs, str) else reads
    return op.replace(**changes, **op.called_anew(called))


def _inputs(first: PairSide, second: PairSide) -> dict[str, str]:
    """Return what the second program's inputs are called in the first.

    Raises:
        UsageError: when the two do not read the same.
    """
    mine, theirs = (
        {name: one.shape for name, one in side.model.named_inputs().items()} for side in (first, second)
    )  # fmt: skip
    if len(mine) == 1 and list(mine.values()) == list(theirs.values()):
        return dict(zip(theirs, mine, strict=True))
    if mine != theirs:
        told = [
            f"{side.name} reads " + ", ".join(f"{name} {list(shape)}" for name, shape in every.items())
            for side, every in ((first, mine), (second, theirs))
        ]
        raise UsageError(
            f"the programs do not read the same: {' and '.join(told)}; expected inputs of the same shapes, and the "
            "same names where there are several"
        )
    return {name: name for name in theirs}


def _check_outputs(first: PairSide, second: PairSide) -> None:
    """Refuse programs whose outputs do not stand for each other.

    Raises:
        UsageError: when they do not.
    """
    mine, theirs = first.model.outputs, second.model.outputs
    if mine != theirs:
        told = [", ".join(f"{name} of {layer}" for name, layer in every.items()) or "one" for every in (mine, theirs)]
        raise UsageError(f"the programs do not give the same outputs: {told[0]} and {told[1]}")


def _plain(model: ModelSpec) -> dict[str, Any]:
    """Return a model as a person writes it."""
    found: dict[str, Any] = {}
    if model.input is not None:
        found["input"] = list(model.input)
    else:
        found["inputs"] = {name: one.model_dump(mode="json") for name, one in model.inputs.items()}
    found["layers"] = [brief(op) for op in model.layers]
    if model.outputs:
        found["outputs"] = dict(model.outputs)
    return found


def _changes(first: PairSide, second: PairSide, specs: Sequence[Spec]) -> dict[str, Any]:
    """Return what the second program does otherwise, as a side's changes say it."""
    changes: dict[str, Any] = {}
    layers = [_plain(one.model)["layers"] for one in (first, second)]
    if layers[0] != layers[1]:
        changes["layers"] = layers[1]
    a, b = specs
    optimizer = called_anew(b.optimizer, second.model, second.names)
    if a.loss != b.loss:
        changes["loss"] = second.loss
    if a.optimizer != optimizer:
        changes["optimizer"] = brief(optimizer)
    for section in ("training", "numerics"):
        mine, theirs = getattr(a, section), getattr(b, section)
        for name in type(mine).model_fields:
            known = all(one.seen(name) for one in (first, second))
            if getattr(mine, name) != getattr(theirs, name) and known:
                changes[f"{section}.{name}"] = getattr(theirs, name)
    return changes


def with_programs(pair: Pair, files: Mapping[str, str], scripts: Mapping[str, str]) -> dict[str, Any]:
    """Return the spec of a pair with the programs that its sides run.

    Args:
        pair: of programs.
        files: of each side, the file of its program, which keeps the contract.
        scripts: of a side, the program as a person has it, where that is one file.
    """
    sides = dict(pair.spec["sides"])
    for one in pair.sides:
        told: dict[str, Any] = {**sides[one.name], "program": files[one.name]}
        if one.ahead:
            told["inputs"] = one.own_rows
        if one.flattened:
            told["channels_first"] = list(one.flattened)
        told |= one.around
        if one.decays:
            told["l2_in_optimizer"] = True
        if one.masks_ignored:
            told["masks_ignored"] = True
        script = scripts.get(one.name, "")
        if script:
            told["script"] = os.path.abspath(script)
        told["said_at"] = one.said_at(os.path.dirname(script))
        mapped = {name: path for name, path in one.paths().items() if name != path and _has_tensors(one.model, name)}
        mapped |= one.reading.hidden(one.names)
        if mapped:
            told["map"] = mapped
        sides[one.name] = told
    return {**pair.spec, "sides": sides}


def _has_tensors(model: ModelSpec, name: str) -> bool:
    op = next(op for op in model.layers if op.name == name.partition(".")[0])
    return bool(type(op).started or type(op).statistics or op.at_home)
