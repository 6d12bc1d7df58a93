"""Sees raw TensorFlow programs train, and tells what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from parity.frameworks.tensorflow.driver.contract import contract_of
from parity.frameworks.tensorflow.driver.models_of_keras import contract_of_keras, told_by_keras
from parity.frameworks.tensorflow.driver.named import names_of
from parity.frameworks.tensorflow.driver.recording import Recorder
from parity.frameworks.tensorflow.driver.replay import ASSIGNS
from parity.frameworks.tensorflow.driver.seen import Recorded
from parity.frameworks.tensorflow.driver.told_loss import UnreadLossError
from parity.frameworks.tensorflow.driver.told_norms import tell_statistics
from parity.frameworks.tensorflow.driver.told_rows import held_by
from parity.frameworks.tensorflow.driver.updates import update_word
from parity.run.goes_by_count import unseen_by_count
from parity.run.here import frames_here, line_here
from parity.run.told import Told, ToldLoss, ToldRefusal
from parity.run.watched import Training, Watcher

STARTING = "_initializer"
"""How the field ends that says what a variable starts at."""

MORE = 1_000_003
"""What another seed adds to one that a program sets."""


class TensorFlowWatcher(Watcher):
    """A program trains by a tape, and by an optimizer or assignments behind it."""

    trains_by: ClassVar[str] = "tf.GradientTape.gradient"
    recorder: Recorder | None = None
    scopes: Sequence[Any] = ()

    @contextmanager
    def watching(self, seen: Callable[[Training], None]) -> Iterator[None]:
        def full(recorder: Recorder) -> None:
            with recorder.quiet():
                frames = [*frames_here(), *self.scopes]
                held = held_by(frames, recorder.datasets)
                names = names_of(frames, recorder.variables)
                place = recorder.steps[-1].place if recorder.steps else line_here()
                known = {op.place for step in recorder.steps for op in step.after if op.kind in ASSIGNS}
                unseen = unseen_by_count(frames, known | recorder.sets.lines)
            seen(Training(model=None, more={"seen": (recorder, held, names)}, place=place, unseen=unseen))

        self.recorder, self.scopes = Recorder(full, self.at_once), ()
        with self.recorder.recording():
            yield

    def ended(self, names: Mapping[str, Any]) -> None:
        self.scopes = (SimpleNamespace(f_locals={}, f_globals=dict(names), f_code=None),)
        if self.recorder is not None:
            self.recorder.ended()

    @contextmanager
    def reseeded(self, number: int) -> Iterator[None]:
        plain, before = tf.random.set_seed, context.global_seed()

        def seeds(seed: int) -> None:
            plain((int(seed) + MORE * number) % 2**31)

        plain(number)
        tf.random.set_seed = seeds
        try:
            yield
        finally:
            tf.random.set_seed = plain
            plain(before)

    def starts(self, training: Training) -> Sequence[Any]:
        recorder, *_ = training.more["seen"]
        return [np.asarray(recorder.starts.get(one, recorder.before.get(one))) for one in recorder.variables]

    def owns(self, found: Any) -> bool:
        del found
        return False  # A tf.Module says nothing of what it is called with, nor of a loss.

    def contract(self, training: Training) -> dict[str, Any]:
        seen = Recorded(*training.more["seen"])
        return contract_of(seen) if seen.of_keras is None else contract_of_keras(seen)

    def reordering(self, parts: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
        def build_model(dtype: Any) -> Any:
            model = parts["build_model"](dtype)
            model.order = tuple(order)
            return model

        return {**parts, "build_model": build_model}

    def tell(self, training: Training, folder: Path) -> Told:
        return tell(training, folder)


WATCHER = TensorFlowWatcher()


def tell(training: Training, folder: Path) -> Told:
    """Return what a program holds; arguments as :meth:`TensorFlowWatcher.tell`'s."""
    recorder, held, names = training.more["seen"]
    told = Told(framework="tensorflow", places={"compile": training.place, "train": training.place})
    told.refused = [ToldRefusal(what=what, place=place, needs=needs) for what, place, needs in recorder.odd]
    if told.refused:
        return told
    try:
        seen = Recorded(recorder, held, names)
    except UnreadLossError as error:
        told.refused.append(error.refusal)
        return told
    for tensor, place in recorder.tested:
        if seen.chain.moves(tensor) and seen.chain.producer(tensor) is not None:
            told.refused.append(ToldRefusal(what="a branch on numbers that are computed", place=place,
                                            needs="layers that do the same whatever the numbers are"))  # fmt: skip
    if not told.refused and (other := seen.unsteady()) is not None:
        told.refused.append(ToldRefusal(what=f"a step that computes something else than another one ({other.kind})",
                                        place=other.place, needs="steps that are alike"))  # fmt: skip
    if told.refused:
        return told
    if seen.of_keras is not None:
        return replace(told_by_keras(seen, training, folder), unseen=training.unseen)
    told.unseen = training.unseen
    graph = seen.graph
    told.inputs, told.nodes, told.outputs = graph.inputs, graph.nodes, [("output", graph.output)]
    told.losses = [ToldLoss(output="output", part=seen.found.part, weight=seen.found.weight)]
    told.places["compile"] = seen.found.place
    told.places["optimizer"] = getattr(seen.steps[-1].optimizer, "_parity_place", "")
    told.training = seen.rows.training
    told.notes += [*seen.rows.notes, *filter(None, [seen.found.note])]
    told.refused += seen.refused
    writer = _Writer(folder, told)
    _tell_starts(seen, told, writer)
    _tell_rows(seen, told, writer)
    told.optimizer = update_word(seen, told, writer.write)
    return told


class _Writer:
    """Writes arrays to a folder under the names that are told."""

    def __init__(self, folder: Path, told: Told) -> None:
        self.folder, self.told = folder, told

    def write(self, key: str, array: Any) -> str:
        """Write an array; return its name."""
        np.save(self.folder / f"{len(self.told.arrays)}.npy", np.asarray(array))
        self.told.arrays.append(key)
        return key


def _tell_starts(seen: Recorded, told: Told, writer: _Writer) -> None:
    """Tell what variables start at, and their penalties."""
    nodes = {node.name: node for node in told.nodes}
    known: set[int] = set()
    for layer, variables in seen.graph.layers.items():
        for field, handle in variables.items():
            known.add(handle)
            if not field.endswith(STARTING):  # A running statistic.
                continue
            drawn = seen.drawn(handle)
            start = np.asarray(seen.recorder.starts.get(handle, seen.start(handle)))
            said: dict[str, Any] = {
                "shape": list(start.shape),
                "place": seen.recorder.places.get(handle, ""),
                "of": f"{layer}.{field}",
            }
            if drawn is not None:
                said["drawn"] = list(drawn)
            else:
                said["arrays"] = [writer.write(f"start:{layer}.{field}", start)]
                said["number"] = list(seen.recorder.variables).index(handle)
            nodes[layer].arguments[field] = {"start": said}
            first, second = seen.found.penalties.get(handle, (0.0, 0.0))
            if first or second:
                kind = {"l1_l2": {"l1": first, "l2": second}} if first and second else (
                    {"l1": {"factor": first}} if first else {"l2": {"factor": second}}
                )  # fmt: skip
                nodes[layer].arguments[field.replace(STARTING, "_regularizer")] = {"entry": kind}
    told.refused += tell_statistics(seen.graph, {handle: seen.start(handle) for handle in seen.recorder.variables})
    for handle in sorted(set(seen.found.penalties) - known):
        told.refused.append(ToldRefusal(
            what=f"a penalty of {seen.names.get(handle) or 'a variable'}, which is no weight of a layer,",
            place=told.places["compile"], needs="a penalty of a layer's weights"))  # fmt: skip


def _tell_rows(seen: Recorded, told: Told, writer: _Writer) -> None:
    """Write the rows that it trains on."""
    if seen.rows.missing:
        what = ", ".join("its targets" if one == len(seen.batches) - 1 else "its inputs" for one in seen.rows.missing)
        told.refused.append(ToldRefusal(what=f"data: {what}, whose rows stand in no array or dataset of the program,",
                                        place=told.places["train"], needs="arrays of rows"))  # fmt: skip
        return
    *inputs, targets = seen.rows.arrays
    for one, array in zip(told.inputs, inputs, strict=True):
        writer.write("x" if len(inputs) == 1 else f"x:{one.name}", array)
    writer.write("y", seen.found.targets_of(targets))
