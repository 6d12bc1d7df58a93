"""Sees PyTorch programs train, and tells what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from parity.frameworks.torch.driver import contract as contracts
from parity.frameworks.torch.driver.attention import layers_in, taken_apart
from parity.frameworks.torch.driver.attention_apart import lies_at
from parity.frameworks.torch.driver.calls import key_of, listed
from parity.frameworks.torch.driver.class_axis import turned_there
from parity.frameworks.torch.driver.given_otherwise import channels_moved, reordered, targets_moved
from parity.frameworks.torch.driver.groups import apart_in, base_word
from parity.frameworks.torch.driver.hand_rates import sets_of
from parity.frameworks.torch.driver.loops import Loop, loop_of, moving_groups
from parity.frameworks.torch.driver.own_parameters import home_of
from parity.frameworks.torch.driver.places import PlaceTable, path_of
from parity.frameworks.torch.driver.seen import SeenLoop, watching
from parity.frameworks.torch.driver.starts import Starts
from parity.frameworks.torch.driver.told_graph import TracedModel
from parity.frameworks.torch.driver.told_rows import TrainedRows, rows_of, take_positive
from parity.frameworks.torch.driver.told_setup import Start, refuse, tell_parameters, tell_precision, told_optimizer
from parity.frameworks.torch.driver.tracer import UnclearError
from parity.frameworks.torch.driver.words import loss_word, module_word, optimizer_word
from parity.run.goes_by_count import unseen_by_count
from parity.run.held_probabilities import held_probabilities
from parity.run.here import frames_here
from parity.run.left_off import left_off
from parity.run.loops_here import epochs_of
from parity.run.told import Told, ToldLoss, ToldTraining
from parity.run.watched import Training, UnwatchedError, Watcher

MORE = 1_000_003
"""What another seed adds to one that a program sets."""

SHORT = 3
"""Rows that a model is called with where a program brings none."""

LEFT = (
    "{}: eval() within the loop, and no train() in it: from the second time round on the program trains in evaluation "
    "mode, without dropout and by running statistics. What is compared is its first time round."
)

BOUNDED = "nn.BCELoss holds log p at -100, the loss here p to [1e-7, 1 - 1e-7]: in between they are the same."


@dataclass(kw_only=True)
class TorchTraining(Training):
    """What a loop that was stopped was doing.

    Args:
        seen: of it; None of live objects.
    """

    seen: SeenLoop | None = None


class TorchWatcher(Watcher):
    """A program trains by steps of an optimizer; it is stopped behind the third, or has come to its end before."""

    trains_by: ClassVar[str] = "Optimizer.step"
    record: SeenLoop | None = None

    @contextmanager
    def watching(self, seen: Callable[[Training], None]) -> Iterator[None]:
        def stopped(optimizer: Any) -> None:
            frames = list(frames_here())
            left, rates = left_off(frames, "eval", "train"), [] if optimizer is None else sets_of(optimizer)
            unseen = [*([LEFT.format(left)] if left else []), *unseen_by_count(frames, {one.place for one in rates})]
            seen(TorchTraining(model=None, optimizer=optimizer, seen=record, unseen=unseen))

        self.record = record = SeenLoop(stopped, self.at_once)
        with watching(record):
            yield

    def ended(self, names: Mapping[str, Any]) -> None:
        del names
        if self.record is not None:
            self.record.ended()

    @contextmanager
    def reseeded(self, number: int) -> Iterator[None]:
        plain, state = torch.manual_seed, torch.get_rng_state()

        def seeds(seed: int) -> torch.Generator:
            return plain((int(seed) + MORE * number) % 2**63)

        plain(number)
        torch.manual_seed = torch.random.manual_seed = seeds
        try:
            yield
        finally:
            torch.manual_seed = torch.random.manual_seed = plain
            torch.set_rng_state(state)

    def starts(self, training: Training) -> Sequence[Any]:
        seen = getattr(training, "seen", None)
        return [] if seen is None else [one.detach().cpu().numpy() for one in seen.sighted.values()]

    def owns(self, found: Any) -> bool:
        return isinstance(found, nn.Module)

    def load(self, file: str) -> Any:
        raise UnwatchedError(f"{file} is a pickle, which runs what it holds; name what makes the model: MODULE:NAME")

    def contract(self, training: Training) -> dict[str, Any]:
        seen = getattr(training, "seen", None)
        if seen is None:
            return {"build_model": lambda: training.model}
        loop = loop_of(seen, training.optimizer)
        graph = _graph_again(loop)
        part = contracts.Contract(loop, seen.scheduled, _per(loop))
        contracts.begin_again(loop, seen.starts)
        contracts.mark(part.model, graph)
        taken_apart(part.model, loop, layers_in(graph.nodes, graph.modules), graph.written.values())
        contracts.lower(part.model, loop.last.roots[0].autocast)
        step = contracts.stepping(loop)
        found = {
            "build_model": lambda: part.model,
            "build_loss": part.loss_fn(),
            "build_optimizer": lambda one: part.optimizer(one),
        }
        return found if step is None else {**found, "train_step": step}

    def moving_channels(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {**parts, "build_model": channels_moved(parts["build_model"])}

    def reordering(self, parts: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
        return {**parts, "build_model": reordered(parts["build_model"], order)}

    def moving_targets(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {**parts, "build_loss": targets_moved(parts["build_loss"])}

    def tell(self, training: Training, folder: Path) -> Told:
        told = Told(framework="torch")
        try:
            seen = getattr(training, "seen", None)
            if seen is None:
                _tell_live(told, training, folder)
            else:
                _tell_loop(told, seen, training.optimizer, folder)
                told.unseen = training.unseen
        except UnclearError as error:
            told.refused.append(error.refusal)
        return told


WATCHER = TorchWatcher()


def _per(loop: Loop) -> int:
    """Return how many batches stand between two steps of a schedule."""
    if not (loop.schedulers and loop.per_epoch):
        return loop.count  # The rows, of which all are made, are asked for where their number counts.
    try:
        rows = rows_of(loop)
    except UnclearError:
        return loop.count
    count = len(rows.x[0])
    return max(1, count // rows.batch if rows.drops else -(-count // rows.batch))


def _tell_loop(told: Told, seen: SeenLoop, optimizer: Any, folder: Path) -> None:
    """Tell a program by the loop in which it trains."""
    loop = loop_of(seen, optimizer)
    if loop.batches and loop.batches != (every := _per(loop)):
        raise UnclearError(
            f"a schedule stepped behind {loop.batches} batches, where an epoch has {every},",
            next(one.place for one in seen.events if one.kind == "schedule"), "a step of it behind each batch or epoch",
        )  # fmt: skip
    step = loop.last
    told.title = type(step.roots[0].what).__name__
    told.places = {"compile": step.place, "train": step.place, "optimizer": getattr(optimizer, "_parity_place", "")}
    told.places["loss"] = step.terms[0].call.place
    tell_precision(told, step)
    outputs = contracts.outputs_of(step)
    graph = _graph(step, outputs)
    names = _output_names(outputs if loop.opaque is None else outputs[:1])
    told.inputs, told.nodes = graph.inputs, graph.nodes
    _tell_places(told, graph, contracts.model_of(step))
    told.outputs = list(zip(names, graph.outputs, strict=False))
    turned_there(told.nodes, graph.outputs, told.places["loss"])
    told.refused += graph.refused
    tell_parameters(told, graph, seen.starts, moving_groups(loop), Start(folder, told, list(seen.sighted)))
    logs = {node.name for node in told.nodes if node.part.rpartition(".")[2] in ("log_softmax", "LogSoftmax")}
    named = {key_of(one): name for one, name in zip(step.predictions, names, strict=False)}
    for term in step.terms:
        output = named[key_of(term.outputs)]
        if term.part is None:
            what, needs = term.why
            told.losses = [ToldLoss(output=output, part=None, beside=what, reads=graph.outputs[1:], needs=needs,
                                    place=term.call.place)]  # fmt: skip
            break
        term.part["seen"]["of_logs"] = dict(told.outputs).get(output) in logs
        if term.part["part"] == "nn.BCELoss":
            told.notes.append(BOUNDED)
        told.notes += filter(None, [held_probabilities(*term.part["seen"].get("held", (0.0, 1.0)))])
        told.losses.append(ToldLoss(output=output, part=loss_word(term.part), weight=loop.weight(term)))
    told.optimizer = told_optimizer(told, loop, seen)
    rows = rows_of(loop)
    take_positive(step.terms, rows)
    told.redrawn = rows.redrawn
    told.seen_loops = list(seen.loops) if rows.only_seen else None
    _tell_ignored(told, rows, loop)
    told.notes += [*rows.notes, *filter(None, [seen.by_hand.note or _made_anew(optimizer)])]
    one = len(seen.loops) == 1 and loop.count > 1  # It may count batches, or the steps that several of them make.
    epochs = None if one or not rows.x else epochs_of(seen.loops, len(rows.x[0]), rows.batch)
    told.training = ToldTraining(
        batch_size=rows.batch, epochs=epochs, shuffle=rows.shuffle, drop_remainder=rows.drops
    )  # fmt: skip
    _write(told, rows, names, folder)


def _made_anew(optimizer: Any) -> str:
    """Return a note on an optimizer that a loop makes, as one of epochs should not; empty for any other."""
    if not getattr(optimizer, "_parity_loops", None):
        return ""
    place = optimizer._parity_place
    return f"Its optimizer is made within a loop ({place}): each time it begins anew, with nothing kept of its moves."


def _tell_ignored(told: Told, rows: TrainedRows, loop: Loop) -> None:
    """Tell whether targets are what a loss leaves out; which number that is says nothing where none is."""
    aimed = [loss for loss, term in zip(told.losses, loop.last.terms, strict=False) if term.targets is not None]
    for loss, targets in zip(aimed, rows.y, strict=False):
        arguments = loss.part["arguments"] if isinstance(loss.part, dict) else {}
        if "ignore_index" not in arguments:
            continue
        ignored, unsaid = arguments["ignore_index"], loss.part["own"]["ignore_index"]
        if (targets == ignored).any():
            loss.part["seen"]["ignored"] = True
            if arguments.get("divisor") == "rows" and arguments.get("reduction", "mean") == "mean":
                _tell_summed(loss, rows, targets, told.places["loss"])
        elif ignored != unsaid:
            arguments["ignore_index"] = unsaid
            told.notes.append(f"ignore_index={ignored} of the loss: no target is {ignored}.")


def _tell_summed(loss: ToldLoss, rows: TrainedRows, targets: np.ndarray, place: str) -> None:
    """Tell a sum over the rows of a batch, those of targets that are left out counted, where all have as many rows.

    Raises:
        UnclearError: when the last batch has fewer: the number that divides is another one there.
    """
    if len(targets) % rows.batch and not rows.drops:
        what = "a loss that is divided by the rows of its batch, those whose targets are left out counted,"
        raise UnclearError(what, place, "a mean over the targets that count, or batches of as many rows each")
    arguments = loss.part["arguments"]
    arguments["reduction"] = "sum"
    del arguments["divisor"]
    loss.weight /= rows.batch * targets[0].size


def _tell_places(told: Told, graph: TracedModel, model: nn.Module) -> None:
    """Tell where layers, and parameters that lie in other modules than their own, are in the model."""
    paths = {id(module): path for path, module in model.named_modules()}
    lies = {id(one): path for path, one in model.named_parameters()}
    for node in told.nodes:
        module = graph.modules.get(node.name)
        node.path = paths.get(id(module), "")
        if isinstance(module, PlaceTable):
            node.kept = {"tokens" if node.arguments.get("ahead") else "embeddings": path_of(module.weight, model)}
        elif node.name in graph.written:
            node.path, node.kept = lies_at(graph.written[node.name], paths, lies)
        elif node.name in graph.made and module is not None:
            node.path = paths.get(id(home_of(module)), "")
            node.kept = {name: lies[id(one)] for name, one in module.named_parameters() if id(one) in lies}
        elif isinstance(module, nn.Embedding) and lies.get(id(module.weight)) not in (None, f"{node.path}.weight"):
            node.kept = {"weight": lies[id(module.weight)]}  # Known by the name of whom it lends its table to.
    told.calls = [replace(one, path=paths.get(id(graph.called.get(one.name)), "")) for one in graph.calls]


def _graph(step: Any, outputs: Any) -> TracedModel:
    model = step.roots[0].what if len(step.roots) == 1 else contracts.Whole(step, outputs)
    modes = [one for call in step.roots for one in call.modes]
    return TracedModel(model, [one.tensor for one in step.inputs],
                   lambda _, tensors: contracts.applied(step, outputs, tensors), modes)  # fmt: skip


def _graph_again(loop: Loop) -> TracedModel:
    """Return what a program computes, as it was told."""
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)  # As where it was told: a program makes tensors of its own.
    try:
        return _graph(loop.last, contracts.outputs_of(loop.last))
    finally:
        torch.set_default_dtype(kept)


def _output_names(outputs: Any) -> list[str]:
    if len(outputs) == 1:
        return ["output"]
    return [next((key for key in one.path if isinstance(key, str)), f"output_{number}")
            for number, one in enumerate(outputs, 1)]  # fmt: skip


def _write(told: Told, rows: TrainedRows, names: list[str], folder: Path) -> None:
    inputs = [one.name for one in told.inputs]
    for what, arrays, several in (("x", rows.x, inputs), ("y", rows.y, names)):
        for name, one in zip(several, arrays, strict=False):
            np.save(folder / f"{len(told.arrays)}.npy", one)
            told.arrays.append(what if len(several) == 1 else f"{what}:{name}")
    if rows.weights is not None:
        np.save(folder / f"{len(told.arrays)}.npy", rows.weights)
        told.arrays.append("w")


def _tell_live(told: Told, training: Training, folder: Path) -> None:
    """Tell live objects: a module, and what it is to be trained with."""
    model = training.model
    told.title = type(model).__name__
    rows = training.x if training.x is not None else getattr(model, "example_input_array", None)
    if rows is None:
        raise UnclearError(f"the input of {told.title}, which does not say it,", "",
                          "rows to see it by: an attribute example_input_array, or api.read(model, x=...)")  # fmt: skip
    given = rows if isinstance(rows, list | tuple) else [rows]
    tensors = [torch.as_tensor(np.asarray(one)) for one in given]
    small = [one[:SHORT].to(torch.get_default_dtype()) if one.is_floating_point() else one[:SHORT] for one in tensors]
    graph = TracedModel(model, small, lambda one, x: listed(one(*x)), [(one, True) for one in model.modules()])
    names = ["output"] if len(graph.outputs) == 1 else [f"output_{n}" for n in range(1, len(graph.outputs) + 1)]
    told.inputs, told.nodes, told.outputs = graph.inputs, graph.nodes, list(zip(names, graph.outputs, strict=True))
    told.refused += graph.refused
    groups = None if training.optimizer is None else [(one, one) for one in training.optimizer.param_groups]
    tell_parameters(told, graph, Starts(), groups, Start(folder, told, []))
    if training.loss is not None:
        part = module_word(training.loss, type(training.loss))
        floats = training.y is not None and np.asarray(training.y).dtype.kind == "f"
        flat = training.y is not None and np.asarray(training.y).ndim == 1
        stretches = flat and bool(told.nodes) and told.nodes[-1].shape == [1]
        part["seen"] = {"targets": "rows" if floats else "index", "stretches": stretches}
        told.losses = [ToldLoss(output=name, part=part) for name in names]
    if training.optimizer is not None:
        every = training.optimizer.param_groups
        for key in apart_in(every):
            refuse(told, f"groups of parameters that differ in {key},", "a field of the optimizer that says it of some")
        told.optimizer = optimizer_word(training.optimizer, base_word(every))
    targets = [] if training.y is None else [np.asarray(one) for one in listed(training.y)]
    told.training = ToldTraining(batch_size=training.batch_size, epochs=training.epochs, shuffle=training.shuffle)
    if training.x is not None:
        _write(told, TrainedRows(x=[np.asarray(one) for one in given], y=targets), names, folder)
