"""Whether losses, metrics and data say of each output, and of several inputs, what is to be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parity.catalog import LOSSES
from parity.errors import Fault, did_you_mean, listed
from parity.spec.faults import Loc, Where
from parity.spec.per_output import PerOutput
from parity.spec.sections import Config

LEAVE = "leave them out"


def output_faults(config: Config, where: Where, changes: Mapping[str, Any], loc: Loc = ()) -> list[Fault]:
    """Return the faults of losses, metrics and data that do not say of each output of the model what is to be said.

    Args:
        config: of a side, or of the spec.
        where: knows the lines.
        changes: of the side, for the one that made it so.
        loc: their place.
    """
    outputs = list(config.model.outputs)
    own: Loc = (*loc, "loss") if "loss" in changes else ("loss",)
    measured: Loc = (*loc, "metrics") if "metrics" in changes else ("metrics",)
    faults = []
    loss: Any = config.loss
    said = list(type(loss).model_fields) if isinstance(loss, PerOutput) else []
    if said and not outputs:
        fix = "name the outputs under model.outputs" if not set(said) & set(LOSSES) else "take one of them"
        told = f"a loss for each of {', '.join(said)}, and the model has one output, which has no name"
        faults.append(where.fault(own, told, "one loss", fix))
    elif outputs and not said:
        example = ", ".join(f"{name}: ..." for name in outputs)
        faults.append(where.fault(own, f"one loss, and the model has the outputs {', '.join(outputs)}",
                                  "a loss for each", f"write loss: {{{example}}}"))  # fmt: skip
    elif outputs:
        faults += [
            where.fault((*own, name), f"a loss of {name!r}, which is no output of the model", listed(outputs),
                        did_you_mean(name, outputs))
            for name in said if name not in outputs
        ]  # fmt: skip
        faults += [
            where.fault(own, f"output {name} has no loss", f"a loss for each of {', '.join(outputs)}",
                        f"add {name}, or take it out of model.outputs")
            for name in outputs if name not in said
        ]  # fmt: skip
    metrics: Any = config.metrics
    if isinstance(metrics, Mapping):
        fix = "" if outputs else "write a list: the model has one output, which has no name"
        faults += [
            where.fault((*measured, name), f"metrics of {name!r}, which is no output of the model",
                        listed(outputs) if outputs else "a list", fix or did_you_mean(name, outputs))
            for name in metrics if name not in outputs
        ]  # fmt: skip
    elif outputs and metrics:
        example = ", ".join(f"{name}: [{', '.join(one.kind for one in metrics)}]" for name in outputs[:1])
        faults.append(where.fault(measured, f"one list, and the model has the outputs {', '.join(outputs)}",
                                  "a list for each that is measured", f"write metrics: {{{example}}}"))  # fmt: skip
    return [*faults, *_data_faults(config, where, changes, loc)]


def _weight_faults(config: Config, fault: Callable[..., Fault]) -> list[Fault]:
    """Return the faults of sample weights: of several outputs, of an array that is something else, of another loss.

    Args:
        config: of a side, or of the spec.
        fault: makes one, of a field of the data.
    """
    data, outputs = config.data, list(config.model.outputs)
    if outputs:
        told = f"sample weights, and the model has the outputs {', '.join(outputs)}"
        return [fault("sample_weights", told, "a model of one output: of several they are not there yet", LEAVE)]
    fixed = {name: f"is what a program's file calls its {what}" for name, what in (("X", "inputs"), ("y", "targets"))}
    known = fixed | dict.fromkeys(data.arrays, "are the inputs") | dict.fromkeys(data.goals, "are the targets")
    faults = []
    if data.sample_weights in known:
        told = f"{data.sample_weights!r}, which {known[data.sample_weights]}"
        faults.append(fault("sample_weights", told, "the name of an array or a column of its own"))
    return faults


def _data_faults(config: Config, where: Where, changes: Mapping[str, Any], loc: Loc) -> list[Fault]:
    """Return the faults of what the data say of several inputs, and of the targets of outputs."""
    data, outputs, count = config.data, list(config.model.outputs), max(1, len(config.model.outputs))

    def fault(name: str, told: str, expected: str = "", fix: str = "") -> Fault:
        path = f"data.{name}"
        return where.fault((*loc, path) if path in changes else ("data", name), told, expected, fix)

    faults = []
    if len(data.arrays) > 1:
        faults += [
            fault(step, f"{step} of several inputs", "them stored as the model reads them",
                  "prepare the arrays before they are saved")
            for step in data.steps
        ]  # fmt: skip
    if len(data.goals) != count:
        arrays = f"{len(data.goals)} array{'s' * (len(data.goals) > 1)}"
        told = f"{arrays} of targets, and the model has {count} output{'s' * (count > 1)}"
        faults.append(
            fault("y", told, f"a name for each of {', '.join(outputs)}" if outputs else "the name of one array")
        )
    if not isinstance(data.one_hot, bool):
        faults += [
            fault("one_hot", f"{one!r}, no array of targets", listed(data.goals), did_you_mean(one, data.goals))
            for one in data.one_hot if one not in data.goals
        ]  # fmt: skip
    if data.sample_weights is not None:
        faults += _weight_faults(config, fault)
    if outputs and data.targets is not None:
        told = f"data.targets is {data.targets}, and the model has several outputs"
        faults.append(fault("targets", told, fix="leave it out: the loss of each says which form it takes"))
    return faults
