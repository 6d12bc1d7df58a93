"""Sees Keras programs train, and tells what they hold."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import keras

from parity.frameworks.keras.driver.adapted import adapting
from parity.frameworks.keras.driver.assigned import assigning, told_of
from parity.frameworks.keras.driver.epoch_rates import SETS, SetByEpoch, epoch_rates
from parity.frameworks.keras.driver.further_fits import further_fits
from parity.frameworks.keras.driver.groups import tell_groups
from parity.frameworks.keras.driver.told_graph import Telling
from parity.frameworks.keras.driver.told_rows import Arrays, unpacked
from parity.frameworks.keras.driver.tracing import UntoldError
from parity.frameworks.keras.driver.words import given_losses, optimizer_word, word
from parity.run.decimals import decimal_of
from parity.run.here import line_here
from parity.run.told import Told, ToldLoss, ToldRefusal, ToldTraining
from parity.run.watched import Training, Watcher

BACKENDS = {"tensorflow": "keras", "torch": "keras_torch"}
"""What a spec calls Keras on each of its backends."""

FIT = inspect.signature(keras.Model.fit)

READ = frozenset({
    "self", "x", "y", "batch_size", "epochs", "callbacks", "validation_split", "validation_data", "shuffle",
    "class_weight", "sample_weight", "verbose", "validation_steps", "validation_batch_size", "validation_freq",
})  # fmt: skip
"""Arguments of ``fit`` that are read, or that change nothing of training."""


class KerasWatcher(Watcher):
    """A program trains by ``Model.fit``."""

    trains_by: ClassVar[str] = "Model.fit"

    @contextmanager
    def watching(self, seen: Callable[[Training], None]) -> Iterator[None]:
        operation, fit, compiled = keras.Operation, keras.Model.fit, keras.Model.compile
        made = operation.__new__

        def fitted(*args: Any, **given: Any) -> Any:
            seen(training_of(*args, **given))

        def noted(kind: Any, *args: Any, **given: Any) -> Any:
            found = made(kind, *args, **given)
            object.__setattr__(found, "_parity_place", line_here())
            return found

        def compiling(model: Any, *args: Any, **given: Any) -> Any:
            object.__setattr__(model, "_parity_compiled", line_here())
            return compiled(model, *args, **given)

        def making(begin: Callable[..., None]) -> Callable[..., None]:
            def begun(part: Any, *args: Any, **given: Any) -> None:
                object.__setattr__(part, "_parity_place", line_here())
                begin(part, *args, **given)

            return begun

        own = {name: name in vars(keras.Model) for name in ("fit", "compile")}
        begins = {kind: (kind.__init__, "__init__" in vars(kind)) for kind in (keras.optimizers.Optimizer, keras.Loss)}
        for kind, (begin, _) in begins.items():
            kind.__init__ = making(begin)
        operation.__new__, keras.Model.fit, keras.Model.compile = staticmethod(noted), fitted, compiling
        try:
            with adapting(), assigning():
                yield
        finally:
            operation.__new__ = staticmethod(made)
            for kind, (begin, there) in begins.items():
                if there:
                    kind.__init__ = begin
                else:
                    del kind.__init__
            for name, plain in {"fit": fit, "compile": compiled}.items():
                setattr(keras.Model, name, plain) if own[name] else delattr(keras.Model, name)

    def owns(self, found: Any) -> bool:
        return isinstance(found, keras.Model)

    def load(self, file: str) -> Any:
        model = keras.models.load_model(file)
        rate = getattr(getattr(model, "optimizer", None), "_learning_rate", None)
        if isinstance(rate, keras.Variable):  # A file has what float32 made of it.
            rate.assign(decimal_of(float(rate.numpy())))
        return model

    def save(self, model: Any, file: str) -> bool:
        model.save(file)
        return True

    def contract(self, training: Training) -> dict[str, Any]:
        found = super().contract(training)
        rates = epoch_rates(training) if training.callbacks else None
        if rates is not None:
            training.model.optimizer.learning_rate = SetByEpoch(rates)
        weights = training.class_weight
        return found if weights is None else {**found, "build_loss": lambda: by_class(training.model, weights)}

    def tell(self, training: Training, folder: Path) -> Told:
        return tell(training, folder)


WATCHER = KerasWatcher()


def by_class(model: Any, weights: Mapping[int, float]) -> Callable[..., Any]:
    """Return the loss of a compiled model whose rows count by their class, which ``fit`` is told and no loss knows.

    Of an output of one number, rows have weights already.
    """

    def loss(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        classes = y_pred.shape[-1]
        if classes > 1:
            flat = keras.ops.reshape(y_true, (-1,)) if len(y_true.shape) < 2 or y_true.shape[-1] == 1 else None
            numbers = keras.ops.argmax(y_true, axis=-1) if flat is None else keras.ops.cast(flat, "int32")
            table = keras.ops.convert_to_tensor([weights.get(one, 1.0) for one in range(classes)], y_pred.dtype)
            sample_weight = keras.ops.take(table, numbers)  # Weights of rows that a spec has are these.
        return model._compile_loss(y_true, y_pred, sample_weight)

    return loss


def training_of(*args: Any, **given: Any) -> Training:
    """Return what a call of ``fit`` is about to do."""
    try:
        bound = FIT.bind(*args, **given)
    except TypeError as error:  # As Keras would say it.
        raise TypeError(f"Model.fit() {error}") from None
    more = {
        name: one for name, one in bound.arguments.items() if name not in READ and one != FIT.parameters[name].default
    }
    bound.apply_defaults()
    said = bound.arguments
    return Training(
        model=said["self"], x=said["x"], y=said["y"], batch_size=said["batch_size"] or 32, epochs=said["epochs"],
        shuffle=bool(said["shuffle"]), validation_split=float(said["validation_split"] or 0.0),
        validation=said["validation_data"], sample_weight=said["sample_weight"], class_weight=said["class_weight"],
        callbacks=_listed(said["callbacks"]), more=more, place=line_here(),
        unseen=further_fits(),
    )  # fmt: skip


def _listed(callbacks: Any) -> list[Any]:
    found = getattr(callbacks, "callbacks", callbacks) or []
    return list(found) if isinstance(found, list | tuple) else [found]


def tell(training: Training, folder: Path) -> Told:
    """Return what a training holds; arguments as :meth:`KerasWatcher.tell`'s."""
    model = training.model
    told = Told(framework=BACKENDS.get(keras.config.backend(), ""), title=type(model).__name__)
    if not told.framework:
        told.refused.append(ToldRefusal(what=f"Keras on {keras.config.backend()}", needs="a framework of that name"))
    told.places = {"compile": getattr(model, "_parity_compiled", ""), "train": training.place}
    optimizer = training.optimizer if training.optimizer is not None else getattr(model, "optimizer", None)
    told.places |= {"optimizer": getattr(optimizer, "_parity_place", "")}
    loss = getattr(model, "loss", None)
    told.places |= {"loss": getattr(loss, "_parity_place", "")}
    arrays = Arrays(folder, told)
    try:
        training = unpacked(training, told)
    except UntoldError as error:
        told.refused.append(replace(error.refusal, place=training.place))
        training = replace(training, x=None, y=None, validation=None, sample_weight=None)
    rows = arrays.rows(training.x, "x")
    graph = Telling(model, rows)
    told.inputs, told.nodes, told.outputs = graph.inputs, graph.nodes, graph.outputs
    told.output_masks = graph.output_masks
    told.refused += graph.refused
    told.calls, layers = graph.calls, graph.layers
    arrays.write(training, graph, rows)
    _tell_setup(told, training)
    training = _with_rates(training, told)
    if optimizer is not None:
        tell_groups(told, optimizer, layers)
    given = [word(one) for one in training.callbacks]
    told.training = ToldTraining(
        batch_size=training.batch_size, epochs=training.epochs, shuffle=training.shuffle,
        drop_remainder=training.drop_remainder, class_weight=_by_class(training.class_weight),
        validation_split=training.validation_split, validation=training.validation is not None, callbacks=given,
        more={name: word(one) for name, one in training.more.items()},
    )  # fmt: skip
    policy = getattr(model.dtype_policy, "name", "float32")
    told.precision = "" if policy == "float32" else policy
    told.notes += told_of(model)
    told.unseen = training.unseen
    _tell_beside(told, model, *graph.added)
    for name in ("train_step", "compute_gradients", "fit"):
        if getattr(type(model), name, None) is not getattr(keras.Model, name, None):
            told.refused.append(ToldRefusal(
                what=f"{type(model).__name__}.{name}, a step of its own,", place=defined_in(type(model), name),
                needs="the usual step: a loss of outputs and targets"))  # fmt: skip
    return told


def _with_rates(training: Training, told: Told) -> Training:
    """Tell the rates that a callback sets as the optimizer's; return the training without that callback."""
    try:
        found = epoch_rates(training)
    except UntoldError as error:
        told.refused.append(replace(error.refusal, place=training.place))
        found = None
    if found is None or not isinstance(told.optimizer, Mapping):
        return training
    told.optimizer["arguments"]["learning_rate"] = found.word()
    told.places["schedule"] = training.place
    return replace(training, callbacks=[one for one in training.callbacks if not isinstance(one, SETS)])


def _tell_beside(told: Told, model: Any, what: str, place: str, reads: list[str]) -> None:
    """Tell what is part of the loss beside what was compiled: what layers add, a loss of the model's own.

    Args:
        told: of the program.
        model: that is trained.
        what: adds to the loss by itself; empty for nothing.
        place: its line.
        reads: what that is computed of.
    """
    if type(model).compute_loss is not keras.Model.compute_loss:
        own = f"{type(model).__name__}.compute_loss"
        what, place = f"{own} and {what}" if what else own, defined_in(type(model), "compute_loss")
    if not what or not told.outputs:
        return
    needs = "a loss of outputs and targets alone"
    first, *others = told.losses or [ToldLoss(output=told.outputs[0][0], part=None)]
    told.losses = [replace(first, beside=what, place=place, reads=reads, needs=needs), *others]


def _by_class(weights: Any) -> list[list[float]]:
    return [] if weights is None else [[int(number), float(one)] for number, one in weights.items()]


def defined_in(owner: type, name: str) -> str:
    """Return the line in which a class defines a method."""
    code = getattr(getattr(owner, name), "__code__", None)
    return f"{os.path.basename(code.co_filename)}, line {code.co_firstlineno}" if code is not None else ""


def _tell_setup(told: Told, training: Training) -> None:
    """Tell loss, optimizer and metrics: those that are given, or those that the model was compiled with."""
    model, outputs = training.model, [name for name, _ in told.outputs]
    config = getattr(model, "_compile_config", None)
    compiled = dict(config.config) if config is not None and getattr(model, "compiled", False) else {}
    loss = training.loss if training.loss is not None else compiled.get("loss")
    weights = training.loss_weights if training.loss_weights is not None else compiled.get("loss_weights")
    optimizer = training.optimizer if training.optimizer is not None else getattr(model, "optimizer", None)
    told.losses = [
        ToldLoss(output=output, part=one, weight=weight) for output, one, weight in given_losses(loss, weights, outputs)
    ]
    told.optimizer = None if optimizer is None else optimizer_word(keras.optimizers.get(optimizer))
    metrics = training.metrics if training.metrics is not None else compiled.get("metrics")
    told.metrics = {name: [word(one) for one in found] for name, found in _by_output(metrics, outputs).items()}
    weighs = training.sample_weight is not None or training.class_weight is not None
    for name, found in _by_output(compiled.get("weighted_metrics"), outputs).items():
        if weighs:
            told.notes.append("Metrics that weigh rows are left out: no entry of the metrics does.")
        else:
            told.metrics.setdefault(name, []).extend(word(one) for one in found)


def _by_output(metrics: Any, outputs: list[str]) -> dict[str, list[Any]]:
    """Return the metrics of each output, as a person may have given them."""
    if not metrics:
        return {}
    if isinstance(metrics, dict):
        return {name: list(one) if isinstance(one, list | tuple) else [one] for name, one in metrics.items() if one}
    found = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
    if len(outputs) > 1 and len(found) == len(outputs):
        each = [one if isinstance(one, list | tuple) else [one] for one in found]
        return {name: list(one) for name, one in zip(outputs, each, strict=True) if any(x is not None for x in one)}
    return {outputs[0] if outputs else "": found}
