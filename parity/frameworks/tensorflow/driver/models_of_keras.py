"""A model of Keras's that a loop trains under a tape: Keras's watcher tells its layers, the loop all else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from parity.frameworks import part_of
from parity.frameworks.tensorflow.driver.chain import number_of
from parity.frameworks.tensorflow.driver.clips import clipping, clipping_told
from parity.frameworks.tensorflow.driver.recording import in_type
from parity.frameworks.tensorflow.driver.replay import TapeReplay
from parity.frameworks.tensorflow.driver.seen import Recorded, changed_by_hand
from parity.frameworks.tensorflow.driver.taped import TapedOperation
from parity.frameworks.tensorflow.driver.told_rates import at_rates, at_set_rates
from parity.run.told import Told, ToldLoss, ToldRefusal
from parity.run.watched import Training

KERAS = "keras"
"""The framework whose layers these are."""

NEAR = 1e-4
"""Relative difference within which the penalties of a loss are those of the model."""


PLAIN = (bool, int, float, str)
"""What a call may be given beside tensors that says how it goes."""


def told_by_keras(seen: Recorded, training: Training, folder: Path) -> Told:
    """Return what a program holds that trains a model of Keras's by a loop of its own.

    Args:
        seen: of the program.
        training: what it is about to do.
        folder: takes the arrays that it trains on.
    """
    model, step, rows = _called_so(seen), seen.steps[-1], seen.rows
    arrays = rows.arrays
    y = seen.found.targets_of(arrays[-1]) if arrays else None
    x = None if not arrays else arrays[0] if len(arrays) == 2 else list(arrays[:-1])
    given = Training(
        model=model, optimizer=step.optimizer, x=x, y=y, batch_size=rows.training.batch_size,
        epochs=rows.training.epochs, shuffle=rows.training.shuffle, drop_remainder=rows.training.drop_remainder,
        place=training.place,
    )  # fmt: skip
    told: Told = part_of(KERAS, "driver.watcher").WATCHER.tell(given, folder)
    told.training.drop_remainder = rows.training.drop_remainder
    told.notes += [*rows.notes, *filter(None, [seen.found.note])]
    told.metrics = {}
    told.places["compile"] = seen.found.place
    told.losses = [ToldLoss(output=name, part=seen.found.part, weight=seen.found.weight) for name, _ in told.outputs]
    told.refused += _odd(seen, training.place)
    if told.optimizer is not None:
        told.optimizer = clipping_told(at_set_rates(told.optimizer, seen, told), seen.clipped, told)
    return told


def _odd(seen: Recorded, place: str) -> list[ToldRefusal]:
    """Return what a loop does that no spec of the model says."""
    found, step, (op, model, _, kwargs) = [], seen.steps[-1], _call(seen)
    if seen.rows.missing:
        found.append(ToldRefusal(what="data: rows that stand in no array or dataset of the program", place=place,
                                 needs="arrays of rows"))  # fmt: skip
    if step.optimizer is None:
        found.append(ToldRefusal(what="an update of a Keras model that is written out", place=place,
                                 needs="an optimizer of Keras's"))  # fmt: skip
    else:
        found += changed_by_hand(seen)
    layers = model._flatten_layers(include_self=False, recursive=True)
    modes = any(hasattr(one, "rate") or type(one).__name__ == "BatchNormalization" for one in layers)
    if modes and kwargs.get("training") is not True:
        found.append(ToldRefusal(what="a model with dropout or batch normalization, called without training=True",
                                 place=op.place, needs="training=True in the call"))  # fmt: skip
    trained = {id(one) for one in model.trainable_variables}
    if {id(one) for one in step.sources} != trained:
        found.append(ToldRefusal(what="a gradient of other variables than the model's", place=step.place,
                                 needs="model.trainable_variables"))  # fmt: skip
    mine = sum(float(number_of(one)) for one in model.losses)
    theirs = sum(
        first * float(np.abs(value).sum()) + second * float((value**2).sum())
        for handle, (first, second) in seen.found.penalties.items()
        for value in [number_of(seen.chain.variables[handle])]
    )  # fmt: skip
    if abs(mine - theirs) > NEAR * max(mine, theirs):
        found.append(ToldRefusal(what="a loss with other penalties than the regularizers of the model's layers",
                                 place=seen.found.place, needs="sum(model.losses) in the loss"))  # fmt: skip
    return found


def _call(seen: Recorded) -> tuple[TapedOperation, Any, Sequence[Any], Mapping[str, Any]]:
    """Return the call of the model, the model, and what it is given: in order, and by name."""
    assert seen.of_keras is not None
    assert seen.of_keras.call is not None
    _, (model, *args), kwargs = seen.of_keras.call
    return seen.of_keras, model, args, kwargs


def _called_so(seen: Recorded) -> Any:
    """Return the model, whose ``call`` is given what the loop gives it beside rows and ``training``."""
    _, model, args, kwargs = _call(seen)
    names = list(inspect.signature(model.call).parameters)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    told = {name: one for name, one in given.items() if name in names[1:] and isinstance(one, PLAIN)}
    told.pop("training", None)
    if told:
        model.call = partial(model.call, **told)
    return model


def contract_of_keras(seen: Recorded) -> dict[str, Any]:
    """Return the parts of the contract of a program that trains a model of Keras's by a loop of its own."""
    model, optimizer, found = _called_so(seen), seen.steps[-1].optimizer, seen.found
    for variable in model.variables:  # They have taken steps meanwhile.
        handle = seen.handle_of(variable)
        start = None if handle is None else seen.start(handle)
        if start is not None:
            variable.assign(start)
    behind = seen.chain.needed(found.main, but=[_call(seen)[0]])

    def build_loss() -> Callable[..., Any]:
        def loss(targets: Any, outputs: Any) -> Any:
            given = in_type(outputs.dtype, tf.convert_to_tensor(targets))  # What is written out casts none.
            known = {id(found.outputs): outputs, id(found.targets): given}
            return TapeReplay(seen.chain, seen.chain.variables, outputs.dtype).run(behind, known)[id(found.main)]

        return loss

    def build_optimizer(model: Any) -> Any:
        config = at_rates(seen.exact(optimizer.get_config()), seen.set_rates)
        found = type(optimizer).from_config(config)
        for name, one in part_of(KERAS, "driver.groups").exclusions(optimizer).items():
            setattr(found, name, one)
        replay, by_handle = TapeReplay(seen.chain, seen.chain.variables, model.compute_dtype), seen.gradients()
        return clipping(found, seen.clipped, replay, lambda one: by_handle[seen.handle_of(one) or 0])

    return {"build_model": lambda: model, "build_loss": build_loss, "build_optimizer": build_optimizer}
