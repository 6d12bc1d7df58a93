"""What a loop trains with: its parameters, its optimizer, its schedule, and what is done around a step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from parity.frameworks.torch.driver.attention import BY_NUMBERS, PART
from parity.frameworks.torch.driver.attention_apart import Written
from parity.frameworks.torch.driver.calls import PLACE, optimizer_of
from parity.frameworks.torch.driver.contract import in_proportion
from parity.frameworks.torch.driver.groups import apart_in, base_of, base_word, rate_of, tell_groups
from parity.frameworks.torch.driver.hand_rates import sets_of
from parity.frameworks.torch.driver.loops import Loop, Moving, Pass, moving_groups
from parity.frameworks.torch.driver.recurrent import parameters_of
from parity.frameworks.torch.driver.seen import SeenLoop
from parity.frameworks.torch.driver.starts import Starts, other_second, turned_word
from parity.frameworks.torch.driver.tied import tied_of
from parity.frameworks.torch.driver.told_graph import TracedModel
from parity.frameworks.torch.driver.words import called, optimizer_word, word
from parity.run.told import Told, ToldNode, ToldRefusal

LOW = "bfloat16"
"""The type of an autocast that is read: in float16 the loss is scaled by a scaler of its own."""

COPIED = (
    "Layers that are copies of one (copy.deepcopy, as nn.TransformerEncoder makes them) start at the same numbers in "
    "the program; the spec draws each its own."
)

DENSE = range(2050)
"""Steps at which a rate that a program computes is asked for, each of them."""

LATER = [round(2050 * 1.05**number) for number in range(1, 130)]
"""Steps behind those, up to a million."""

UNSAID = ("base_lrs", "last_epoch", "verbose", "total_steps", "cycle_momentum", "use_beta1")
"""What a scheduler keeps and nobody told it, or is told in another way."""


def refuse(told: Told, what: str, needs: str, place: str = "") -> None:
    """Tell what stands in the way of reading a program."""
    told.refused.append(ToldRefusal(what=what, place=place or told.places.get("train", ""), needs=needs))


class Start:
    """Tells of parameters of which nobody saw what filled them the numbers that they start at.

    Args:
        folder: takes the numbers.
        told: takes their names.
        sighted: identities of the program's parameters, in the order in which they are counted; empty where it cannot
            be run again.
    """

    def __init__(self, folder: Path, told: Told, sighted: Sequence[int]) -> None:
        self._folder, self._told, self._sighted = folder, told, list(sighted)

    def word(
        self, node: ToldNode, name: str, parameter: torch.Tensor, first: torch.Tensor, feeds: int, turned: bool
    ) -> dict[str, Any]:  # fmt: skip
        """Return how a parameter starts as a word, for its numbers to be measured.

        Args:
            node: whose it is.
            name: in the module.
            parameter: as it is.
            first: as it was ahead of the first step.
            feeds: inputs that feed one output of its module; 0 where that is not known.
            turned: it lies as a spec has it.
        """
        key = f"start:{node.name}.{name}"
        np.save(self._folder / f"{len(self._told.arrays)}.npy", first.detach().cpu().numpy())
        self._told.arrays.append(key)
        axes = list(range(first.dim()))
        if first.dim() > 1 and "Embedding" not in node.part and not turned:
            # Outputs first, but for transposed convolutions.
            axes = [*axes[2:], 0, 1] if "Transpose" in node.part else [*axes[2:], 1, 0]
        said = {"shape": [first.shape[axis] for axis in axes], "axes": axes, "arrays": [key],
                "of": f"{node.name}.{name}", "place": node.place, "feeds": feeds}  # fmt: skip
        if name.startswith("bias_ih"):  # Of its gates one may start otherwise.
            said["gates"] = first.numel() // int(node.arguments["hidden_size"])
        number = {one: place for place, one in enumerate(self._sighted)}.get(id(parameter))
        return {"start": said if number is None else {**said, "number": number}}


def tell_parameters(
    told: Told, graph: TracedModel, starts: Starts, groups: Moving | None, measured: Start
) -> None:  # fmt: skip
    """Tell of each layer how its parameters start, whether they move, and what the optimizer does otherwise for some.

    Args:
        told: takes it.
        graph: of the model.
        starts: what filled the parameters.
        groups: of the optimizer, those that move; None of a model alone.
        measured: tells those of which that was not seen.
    """
    moving = None if groups is None else moved(groups)
    named: dict[str, dict[str, Any]] = {}
    modules = {id(one): one for one in graph.modules.values()}.values()
    if starts.are_copies(parameter for one in modules for parameter in one.parameters()):
        told.notes.append(COPIED)
    for tied in tied_of(told, graph):
        what = f"one tensor of two layers ({tied.first} and {tied.second})"
        refuse(told, what, "weights of its own for each layer, or one layer that is called twice", tied.place)
    for node in told.nodes:
        module = graph.modules.get(node.name)
        whole = isinstance(module, nn.MultiheadAttention | Written)  # Its output is a module of its own.
        owned = {} if module is None else dict(module.named_parameters(recurse=whole))
        parameters = {name: one for name, one in parameters_of(node, owned).items() if name not in node.tied}
        if not parameters:
            continue
        named[node.name] = parameters
        still = [name for name, one in parameters.items()
                 if not one.requires_grad or (moving is not None and id(one) not in moving)]  # fmt: skip
        if _second_is_idle(node, parameters, still, starts):
            node.arguments["one_bias"] = True
            parameters = {name: one for name, one in parameters.items() if name not in still}
            still = []
        node.trainable = len(still) < len(parameters)
        if still and node.trainable:
            what = f"layer {node.name!r}, of which {' and '.join(still)} does not train,"
            refuse(told, what, "a field that holds a part of a layer", node.place)
        wide = next((one for one in parameters.values() if one.dim() > 1), None)
        fed = () if wide is None else wide.shape[:1] if id(wide) in graph.turned else wide.shape[1:]
        feeds = 0 if wide is None or "Transpose" in node.part else math.prod(fed)
        padding = getattr(module, "padding_idx", None)
        if padding is not None and wide is not None and starts.first(wide)[padding].any():
            node.arguments["padding_starts_at_0"] = False
        told.notes += filter(None, [other_second(node, parameters, starts)])
        node.arguments["starts"] = {
            name: turned_word(starts.of(one), id(one) in graph.turned)
            or measured.word(node, name, one, starts.first(one), feeds, id(one) in graph.turned)
            for name, one in parameters.items()
        }
    if groups:
        tell_groups(told, [one for one, _ in groups], [one["params"] for _, one in groups], named, graph.called)


def _second_is_idle(node: ToldNode, parameters: Mapping[str, Any], still: Sequence[str], starts: Starts) -> bool:
    """Return whether all that stands still of a recurrent layer is its second bias, at 0: it adds nothing."""
    second = [name for name in parameters if name.startswith("bias_hh")]
    idle = node.part in ("nn.LSTM", "nn.RNN") and bool(second) and set(still) == set(second)
    return idle and not any(starts.first(parameters[name]).any() for name in second)


def tell_precision(told: Told, step: Pass) -> None:
    """Tell in which type the layers compute: that of an ``autocast`` around all of them, and not of the loss."""
    kinds = {call.autocast for call in step.roots}
    if not any(kinds):
        return
    if len(kinds) > 1 or kinds != {LOW}:
        what = f"autocast to {' and '.join(sorted(kinds - {''}))} of {'some' if '' in kinds else 'all'} modules"
        refuse(told, what, f"a model that is called within one autocast, to {LOW}")
    elif step.loss.tensor.dtype != torch.float32:
        refuse(told, f"a loss of numbers in {LOW}", "a loss within the autocast, or of outputs.float()")
    else:
        told.precision = LOW


def moved(groups: Moving) -> set[int]:
    """Return the parameters that an optimizer moves, by their identity.

    Args:
        groups: of it, those that move.
    """
    return {id(one) for _, group in groups for one in group["params"] if one.requires_grad}


def told_optimizer(told: Told, loop: Loop, seen: SeenLoop) -> dict[str, Any]:
    """Return the optimizer as a word, with its schedule and what is done around its steps."""
    moving = [told for told, _ in moving_groups(loop)] or loop.groups
    for key in apart_in(moving):
        what, place = f"{_by_group(loop, key)},", told.places.get("optimizer", "")
        refuse(told, what, f"a field of the optimizer that says of which parameters {key} is what", place)
    found = optimizer_word(loop.optimizer, base_word(moving))
    one = next((node for node in told.nodes if node.part == PART or "packed" in node.arguments), None)
    if one is not None and found["part"].rpartition(".")[2] not in BY_NUMBERS:
        matrix = one.arguments.get("packed") or f"{PART}'s in_proj_weight"
        what = f"{found['part']}, which moves {matrix} as one matrix,"
        refuse(told, what, "an optimizer that moves each number by its own gradients")
    rates = [float(event.told[0]["lr"]) for event in seen.events if event.kind == "step"]
    if loop.schedulers:
        found["arguments"]["lr"] = _schedule(told, loop, seen, moving[base_of(moving)])
        if not in_proportion(loop, seen.scheduled):
            what = "groups of parameters whose rates a scheduler does not move in proportion"
            refuse(
                told, what, "a schedule of one rate, that of each group a share of it", told.places.get("optimizer", "")
            )
    elif len(set(rates)) > 1:
        what = f"rates that the program sets itself ({', '.join(f'{one:g}' for one in dict.fromkeys(rates))}, ...)"
        refuse(told, what, "a scheduler of torch.optim.lr_scheduler", _set_at(loop.optimizer))
    elif any(one.step for one in sets_of(loop.optimizer)):
        what = f"a rate that the program sets itself ({rates[0]:g} so far)"
        refuse(told, what, "a scheduler of torch.optim.lr_scheduler", _set_at(loop.optimizer))
    elif place := _set_at(loop.optimizer):
        told.notes.append(
            f"{place} sets the rate ahead of the first step, and no more as far as was seen: the spec says that one."
        )
    waiting = [one for one in seen.schedulers if optimizer_of(one) is loop.optimizer]
    if waiting and not loop.schedulers:
        what = f"{called(type(waiting[-1]))}, of which no step was seen,"
        refuse(told, what, "a step of it behind each batch or each epoch")
    return {**found, "arguments": {**found["arguments"], **_around(told, loop)}}


def _set_at(optimizer: Any) -> str:
    """Return the line by which a program sets a rate itself; empty where none was seen to."""
    return next((one.place for one in reversed(sets_of(optimizer))), "")


def _by_group(loop: Loop, key: str) -> str:
    """Return what each group of parameters that moves is told of one thing, and which parameters these are."""
    names = {id(one): name for root in loop.last.roots for name, one in root.what.named_parameters()}
    every: dict[str, list[str]] = {}
    for told, group in moving_groups(loop):
        kept = every.setdefault(f"{key}={told.get(key)}", [])
        kept += [names.get(id(one), "a tensor") for one in group["params"]]
    found = [f"{value} for {', '.join(kept[:2])}{f' and {len(kept) - 2} more' if len(kept) > 2 else ''}"
             for value, kept in every.items()]  # fmt: skip
    return f"groups of parameters, {' and '.join(found)}"


def _schedule(told: Told, loop: Loop, seen: SeenLoop, group: Mapping[str, Any]) -> Any:
    if len(loop.schedulers) > 1:
        refuse(told, f"{len(loop.schedulers)} schedulers of one rate", "one schedule")
    told.places["schedule"] = seen.scheduled.get(id(loop.schedulers[0]), {}).get(PLACE, "")
    found = scheduler_word(loop.schedulers[0], seen.scheduled, group)
    found["arguments"] |= {"per": "epoch"} if loop.per_epoch else {"per": loop.count} if loop.count > 1 else {}
    found["arguments"] |= {"counted": "before_update"} if loop.ahead else {}
    return found


def _factors(scheduler: Any, steps: Sequence[int]) -> list[float] | None:
    """Return what the functions of a LambdaLR give at steps, to where one fails; None where groups have others."""
    found: list[float] = []
    for step in steps:
        try:
            each = {float(one(step)) for one in scheduler.lr_lambdas}
        except Exception:  # A list of rates that ends, or whatever a program does.
            break
        if len(each) > 1:
            return None
        found += each
    return found


def scheduler_word(scheduler: Any, states: Mapping[int, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scheduler as a word, with those that it is made of.

    Args:
        scheduler: that is told.
        states: of each scheduler, as it was made.
        group: of the optimizer's parameters, ahead of the first step.
    """
    kept = dict(states.get(id(scheduler), {}))
    arguments = {
        name: word(dict(one)) if isinstance(one, dict) else word(one)
        for name, one in kept.items() if not name.startswith("_") and name not in UNSAID
    }  # fmt: skip
    arguments["base_lr"] = rate_of(group)
    if isinstance(scheduler, torch.optim.lr_scheduler.LambdaLR):
        dense = _factors(scheduler, DENSE)
        later = _factors(scheduler, LATER) if dense is not None and len(dense) == len(DENSE) else None
        arguments |= {"lr_lambdas": None, "factors": dense, "later": [*zip(LATER, later or (), strict=False)]}
    inner = getattr(scheduler, "_schedulers", None)
    if inner is not None:
        arguments["schedulers"] = [scheduler_word(one, states, group) for one in inner]
        arguments["milestones"] = word(getattr(scheduler, "_milestones", None))
    phases = getattr(scheduler, "_schedule_phases", None)
    if phases is not None:
        arguments |= {
            "phases": len(phases), "total_steps": kept["total_steps"], "cycle_momentum": kept.get("cycle_momentum"),
            "pct_start": (phases[0]["end_step"] + 1.0) / kept["total_steps"], "anneal": kept.get("_anneal_func_type"),
            "max_lr": group["max_lr"], "min_lr": group["min_lr"],
        }  # fmt: skip
    return {"part": called(type(scheduler)), "arguments": arguments, "own": {}}


def _around(told: Told, loop: Loop) -> dict[str, Any]:
    """Return what is done around the steps of an optimizer, by the fields that say it."""
    found: dict[str, Any] = {}
    if any(len(step) != loop.count for step in loop.steps):
        refuse(told, "steps of several batches, now of more and now of fewer,", "as many batches in each step")
    if loop.count > 1:
        found = {"gradient_accumulation_steps": loop.count, "accumulation": "mean" if loop.mean else "sum"}
    if len(loop.clips) > 1:
        refuse(told, "gradients that are clipped twice in a step", "one clip", loop.clips[1].place)
    for clip in loop.clips[:1]:
        args, kwargs = clip.told
        given = {**dict(zip(("limit", "norm_type"), args, strict=False)), **kwargs}
        limit = given.pop("limit", given.pop("max_norm", given.pop("clip_value", None)))
        clipped = {id(one) for one in clip.parameters if one.requires_grad}
        if float(given.get("norm_type", 2.0)) != 2.0 or clipped != moved(moving_groups(loop)):
            what = f"{clip.what} of some parameters, or by another norm"
            refuse(told, what, "clipping of all gradients by their norm", clip.place)
        by_norm = clip.what == "clip_grad_norm_"
        found |= {"global_clipnorm": float(limit), "clip_epsilon": 1e-6} if by_norm else {"clipvalue": float(limit)}
    return found
