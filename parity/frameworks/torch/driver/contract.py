"""What a program holds, as one that keeps the contract of a side's program (docs/own-program.md)."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from parity.frameworks.torch.driver.calls import Ref, Replay, exchanged, key_of, listed
from parity.frameworks.torch.driver.class_axis import of_classes, unturned
from parity.frameworks.torch.driver.groups import rate_of
from parity.frameworks.torch.driver.hooks import CANONICAL, NUMBERS, PARTED, SINGLE
from parity.frameworks.torch.driver.loops import Loop, Pass, moving_groups, plain_output
from parity.frameworks.torch.driver.own_parameters import home_of, is_made
from parity.frameworks.torch.driver.recurrent import unstacked
from parity.frameworks.torch.driver.starts import Starts
from parity.frameworks.torch.driver.wide import as_wide
from parity.run.driver.objects import weights_for

if TYPE_CHECKING:
    from parity.frameworks.torch.driver.told_graph import TracedModel

TRIED = 100
"""Steps in which a scheduler is looked at."""

SUM = "gradients_so_far"
"""What is kept of a parameter between the batches of one update; PyTorch's own steps do not see it."""


class Whole(nn.Module):  # type: ignore[misc]
    """What stands between rows and losses, where it is more than one module that is given them.

    Args:
        step: of the program.
        outputs: of it, as the losses are given them.
        opaque: it gives the first of them alone; the others, which a loss that no entry is reads beside it, are kept in
            ``beside`` until it is called again.
    """

    def __init__(self, step: Pass, outputs: Sequence[Ref], opaque: bool = False) -> None:
        super().__init__()
        self.step, self.outputs, self.opaque = step, list(outputs), opaque
        self.beside: list[torch.Tensor] = []
        self._names: dict[int, str] = {}
        for module in {id(call.what): call.what for call in step.roots}.values():
            name = "model" if len(step.roots) == 1 else type(module).__name__.lower()
            taken = dict(self.named_children())
            self._names[id(module)] = name if name not in taken else f"{name}_{len(taken)}"
            self.add_module(self._names[id(module)], module)

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Return one output, or all of them in order."""
        found = applied(self.step, self.outputs, inputs, self._now)
        if self.opaque:
            first, *self.beside = found
            return first
        return found[0] if len(found) == 1 else tuple(found)

    def _now(self, module: nn.Module) -> nn.Module:
        """Return what stands here in the place of a module: a recurrent one may have been taken apart."""
        return getattr(self, self._names[id(module)]) if id(module) in self._names else module


def applied(
    step: Pass, outputs: Sequence[Ref], inputs: Sequence[torch.Tensor], module: Callable[[Any], Any] | None = None
) -> list[torch.Tensor]:
    """Return what a program computes of other rows.

    Args:
        step: of the program, as it was seen.
        outputs: that are asked for.
        inputs: the rows.
        module: what a module is called as; itself if None.
    """
    given = [one if ref.tensor.dim() > 1 else one.reshape(-1) for ref, one in zip(step.inputs, inputs, strict=True)]
    known = {key_of(ref): one for ref, one in zip(step.inputs, given, strict=True)}
    replay = Replay(known, as_wide, module)
    return [replay.value(one) for one in outputs]


def outputs_of(step: Pass) -> list[Ref]:
    """Return what a model gives: before what only moves its numbers, where that stands ahead of the losses."""
    plain = [plain_output(one, step.roots, of_classes(one, step.terms)) for one in step.predictions]
    found = [one for one in plain if one is not None]
    if len(found) == len(step.predictions):
        return found
    return [unturned(one) if of_classes(one, step.terms) else one for one in step.predictions]


def model_of(step: Pass) -> nn.Module:
    """Return the module that a program trains, or one made of all that it trains."""
    outputs, root = outputs_of(step), step.roots[0]
    alone = len(step.roots) == 1 and all(one.call is root for one in outputs)
    direct = [key_of(one) for one in root.args if isinstance(one, Ref)] == [key_of(one) for one in step.inputs]
    single = any(one.tensor.dim() < 2 for one in step.inputs)  # Rows of one, which it takes as numbers.
    given = direct and len(root.args) == len(step.inputs) and not root.kwargs and not single
    order = [one.path for one in outputs] in ([()], [(number,) for number in range(len(outputs))])
    opaque = any(one.part is None for one in step.terms)
    held = isinstance(root.what, nn.RNNBase | nn.MultiheadAttention)
    whole = held or (opaque and len(outputs) > 1)  # It is taken apart in what holds it.
    found: nn.Module = root.what if alone and given and order and not whole else Whole(step, outputs, opaque)
    unstacked(found)
    return found


def mark(model: nn.Module, graph: TracedModel) -> None:
    """Mark what a harness cannot see of a model: how matrices lie, and what its modules do.

    Args:
        model: of a program.
        graph: as it was told.
    """
    for module in graph.parted:
        vars(module)[PARTED] = True
    for one in graph.modules.values():
        if is_made(one) and (home := home_of(one)) is not one:
            vars(home)[SINGLE] = True
    for parameter in model.parameters():
        if id(parameter) in graph.turned:
            vars(parameter)[CANONICAL] = True
    for module in model.modules():
        own = module.named_buffers(recurse=False)
        if told := {name for name, one in own if one.data_ptr() in graph.numbers}:
            vars(module)[NUMBERS] = told


def begin_again(loop: Loop, starts: Starts) -> None:
    """Let a program's tensors be what they were ahead of its first step.

    Args:
        loop: of the program.
        starts: that knows how parameters stood then.
    """
    with torch.no_grad():
        for call in reversed(loop.steps[0][0].roots):  # Of a module that is called twice, as it was first.
            for buffer, value in call.buffers:
                buffer.copy_(value)
        for group in loop.optimizer.param_groups:
            for one in group["params"]:
                one.copy_(starts.first(one))
    moving = {id(one) for _, group in moving_groups(loop) for one in group["params"]}
    given = [one for group in loop.optimizer.param_groups for one in group["params"]]
    for one in [*given, *(one for call in loop.last.roots for one in call.what.parameters())]:
        one.requires_grad_(one.requires_grad and id(one) in moving)


def lower(model: nn.Module, kind: str) -> None:
    """Let a model compute within ``autocast`` as its program has it, and give numbers in the type of its weights.

    Args:
        model: to change.
        kind: of the autocast; empty for none.
    """
    if not kind:
        return
    plain = model.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        exact = next(model.parameters())
        with torch.autocast(exact.device.type, getattr(torch, kind)):
            found = plain(*args, **kwargs)
        return exchanged(found, lambda one: one.to(exact.dtype) if torch.is_floating_point(one) else one)

    model.forward = forward


class Contract:
    """A part of the contract, made when it is asked for.

    Args:
        loop: of the program.
        rates: of each scheduler, its state as it was made.
        per: batches behind each of which a schedule is stepped.
    """

    def __init__(self, loop: Loop, rates: Mapping[int, Any], per: int) -> None:
        self.loop, self.rates, self.per = loop, rates, per
        self.step, self.model = loop.last, model_of(loop.last)

    @property
    def weighs(self) -> bool:
        """Whether rows have weights in the loss."""
        return any(one.weights is not None for one in self.step.terms)

    def loss(self, outputs: Any, targets: Any, weights: torch.Tensor | None = None) -> torch.Tensor:
        """Return the loss of a batch, what gradients are shared out by aside.

        Args:
            outputs: of the model, several in order.
            targets: of each.
            weights: of the rows, (N,) or (N, 1), where the program weighs them.
        """
        given = [listed(one) for one in (outputs, targets)]
        if self.loop.opaque is not None:
            given[0] = [outputs, *getattr(self.model, "beside", ())]
        kept = outputs_of(self.step)
        known = {key_of(ref): one for ref, one in zip(kept, given[0], strict=True)}
        for term, one in zip(self.step.terms, given[1], strict=True):
            if term.targets is not None:
                known[key_of(term.targets)] = one if len(given[1]) == 1 else _shaped(one, term.targets.tensor)
            if term.weights is not None and weights is not None:
                known[key_of(term.weights)] = weights.reshape(-1, *term.weights.tensor.shape[1:])
        found: torch.Tensor = Replay(known, as_wide, _in_precision).value(self.step.loss)
        return found * self.loop.count if self.loop.mean else found

    def loss_fn(self) -> Callable[..., torch.Tensor]:
        """Return the loss as a function that takes weights where the program weighs its rows."""
        if self.weighs:
            return lambda outputs, targets, sample_weights=None: self.loss(outputs, targets, sample_weights)
        return lambda outputs, targets: self.loss(outputs, targets)

    def optimizer(self, model: nn.Module) -> Any:
        """Return the optimizer as it was ahead of its first step, with what is done around its steps in them."""
        del model
        found = self.loop.optimizer
        rates = Rates(self.loop, self.rates, self.per) if self.loop.schedulers else None
        found.state.clear()
        for group, told in zip(found.param_groups, self.loop.groups, strict=True):
            group.update(told)
        vars(found).pop("step", None)  # Schedulers put one there that counts.
        if self.loop.clips or rates is not None or self.loop.count > 1:
            found.__class__ = _around(type(found), self.loop, rates)
            found.iterations = 0
        return found


def _shaped(given: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Return targets of one of several outputs, (N, 1), as (N,), where the program has them so.

    Of a single output it is tried which of both a program takes.
    """
    return given[:, 0] if seen.dim() == 1 and given.dim() == 2 and given.shape[1] == 1 else given


class Rates:
    """The rates of every batch, as the program's own scheduler gives them, of each group.

    Args:
        loop: of the program.
        states: of each scheduler, as it was made.
        per: batches behind each of which it is stepped.
    """

    def __init__(self, loop: Loop, states: Mapping[int, Any], per: int) -> None:
        nobody = torch.optim.SGD([{"params": [torch.zeros(1)]} for _ in loop.groups], lr=1.0)
        for mine, group in zip(nobody.param_groups, loop.groups, strict=True):
            mine.update(copy.deepcopy({key: one for key, one in group.items() if key != "params"}))
        scheduler = loop.schedulers[0]
        self._scheduler = copy.deepcopy(scheduler, {id(one): nobody for one in (scheduler.optimizer, loop.optimizer)})
        self._scheduler.load_state_dict(copy.deepcopy(states[id(scheduler)]))
        self._groups, self._per = nobody.param_groups, per
        self._known = [self._now()]
        if loop.ahead:
            self._next()

    def _now(self) -> list[float]:
        return [float(one["lr"]) for one in self._groups]

    def _next(self) -> list[float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Nobody's optimizer takes no step.
            self._scheduler.step()
        return self._now()

    def at(self, batches: int) -> list[float]:
        """Return the rates behind so many batches."""
        while len(self._known) <= batches // self._per:
            self._known.append(self._next())
        return self._known[batches // self._per]


def in_proportion(loop: Loop, states: Mapping[int, Any]) -> bool:
    """Return whether a scheduler moves the rates of all groups alike, each a share of one rate.

    Args:
        loop: of the program.
        states: of each scheduler, as it was made.
    """
    first = [rate_of(one) for one in loop.groups]
    if len(set(first)) == 1:
        return True
    rates = Rates(loop, states, 1)
    shares = [[one / most for one in rates.at(step)] for step in range(TRIED) if (most := max(rates.at(step)))]
    return all(
        math.isclose(one, rate / max(first), rel_tol=1e-9)
        for every in shares for one, rate in zip(every, first, strict=True)
    )  # fmt: skip


def _in_precision(module: nn.Module) -> nn.Module:
    return module.to(torch.get_default_dtype())


def _around(base: type, loop: Loop, rates: Rates | None) -> type:
    """Return an optimizer's class with what a loop does around its steps."""
    count, mean, clips = loop.count, loop.mean, list(loop.clips)
    plain: Any = getattr(base.step, "__wrapped__", base.step)  # type: ignore[attr-defined]  # Hooks see what a batch gave.

    def step(self: Any, closure: Any = None) -> None:
        del closure
        batches, self.iterations = self.iterations, self.iterations + 1
        parameters = [one for group in self.param_groups for one in group["params"] if one.grad is not None]
        totals = {}
        if count > 1:
            for one in parameters:
                total = self.state[one].pop(SUM, None)
                totals[one] = one.grad.clone() if total is None else total.add_(one.grad)
            if (batches + 1) % count == 0:
                for one, total in totals.items():
                    one.grad = total / count if mean else total.clone()
                    total.zero_()
        if (batches + 1) % count == 0:
            now = [] if rates is None else rates.at(batches)
            for group, rate in zip(self.param_groups, now, strict=False):
                group["lr"] = rate
            for clip in clips:
                getattr(nn.utils, clip.what)(clip.parameters, *clip.told[0], **clip.told[1])
            plain(self)
        for one, total in totals.items():
            self.state[one][SUM] = total

    hooked: Any = torch.optim.Optimizer.profile_hook_step(torch.no_grad()(step))
    hooked.hooked = True
    return type(base.__name__, (base,), {"step": hooked, "__module__": base.__module__})


def stepping(loop: Loop) -> Callable[..., Any] | None:
    """Return a step of a program whose modules are not all in training; None of any other."""
    modes = [one for call in loop.last.roots for one in call.modes]
    if all(training for _, training in modes):
        return None

    def train_step(
        model: Any, loss_fn: Any, optimizer: Any, x: Any, y: Any, sample_weights: Any = None
    ) -> torch.Tensor:  # fmt: skip
        for module, training in modes:
            module.training = training
        optimizer.zero_grad()
        outputs = model(*x) if isinstance(x, tuple) else model(x)
        loss: torch.Tensor = loss_fn(outputs, y, **weights_for(loss_fn, sample_weights))
        loss.backward()
        optimizer.step()
        return loss.detach()

    return train_step
