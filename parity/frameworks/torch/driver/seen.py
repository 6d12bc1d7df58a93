"""Sees a PyTorch script train: its calls of models, losses, loaders, optimizers and schedulers, until a third step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

from parity.frameworks.torch.driver import generators
from parity.frameworks.torch.driver.batch_rows import marked
from parity.frameworks.torch.driver.by_hand import MovedByHand
from parity.frameworks.torch.driver.calls import PLACE, SILENT, Call, Origins, Ref, optimizer_of
from parity.frameworks.torch.driver.hand_rates import watch_optimizers
from parity.frameworks.torch.driver.held_tensors import is_array
from parity.frameworks.torch.driver.loss_terms import is_loss
from parity.frameworks.torch.driver.older import ATTENTION
from parity.frameworks.torch.driver.own_loss import cut
from parity.frameworks.torch.driver.standing import Standing
from parity.frameworks.torch.driver.starts import Starts, fill_of
from parity.frameworks.torch.driver.told_calls import put_clips, put_schedulers
from parity.run.held_rows import arrays_in
from parity.run.here import frames_here, function_here, line_here
from parity.run.loops_here import loops_here

STEPS = 3
"""Of an optimizer, at the last of which a program is stopped."""

DROPOUTS = {"dropout": generators.DROPOUT, "alpha_dropout": generators.ALPHA_DROPOUT,
            "scaled_dot_product_attention": ATTENTION}  # fmt: skip
"""PyTorch's own, in the place of which a driver may have put others."""


@dataclass(kw_only=True)
class Event:
    """Something that a training loop did.

    Args:
        kind: ``backward``, ``clip``, ``step``, ``rows``, ``schedule`` or ``changed``.
        what: the optimizer, the scheduler, the loader; of ``clip``, the function's name.
        loss: of ``backward``, the tensor.
        cleared: of ``backward``, that no gradient stood there before it.
        told: of ``clip``, its arguments, and of ``step``, the groups as they were before it.
        parameters: of ``clip``, these; of ``changed``, those of which the program changed the numbers that ``what`` is.
        place: line of the program.
    """

    kind: str
    what: Any = None
    loss: Ref | None = None
    cleared: bool = True
    told: Any = None
    parameters: list[Any] = field(default_factory=list)
    place: str = ""


class SeenLoop(TorchFunctionMode):  # type: ignore[misc]
    """All that was seen of a script; told by :meth:`stopped` that it is enough.

    Args:
        stopped: is told the optimizer when it is, and raises.
        at_once: that is ahead of the first step.

    ``sighted`` has the parameters of the modules that were called, in the order in which they came; ``loops`` how often
    the loops run that its first step stands in; ``held`` the arrays that it holds where it takes the last.
    """

    def __init__(self, stopped: Callable[[Any], None], at_once: bool = False) -> None:
        super().__init__()
        self._at_once = at_once
        self.sighted: dict[int, nn.Parameter] = {}
        self.origins, self.starts, self.by_hand, self.standing = Origins(), Starts(), MovedByHand(), Standing()
        self.events: list[Event] = []
        self.schedulers: list[Any] = []
        self.scheduled: dict[int, Any] = {}
        self.steps: dict[int, int] = {}
        self.loops: list[int | None] = []
        self.held: list[Any] = []
        self.hurried: Any = None  # A loader, which has no batch left for what is left of an epoch.
        self._scheduling = False
        self._stopped, self._inside, self._stepping = stopped, 0, 0
        self._parameters: dict[int, Any] = {}
        self._losses = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of PyTorch's, and note it where it stands in no layer."""
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        losses, self._losses = self._losses, self._losses + is_loss(func)
        noted = not self._inside and name not in SILENT
        given = self.origins.given((args, kwargs)) if noted else ((), {})
        found = func(*args, **kwargs)
        if noted:
            filled = fill_of(name, args)
            if filled and not self.by_hand.begun and self.origins.outer is None:  # Behind that, it is an update.
                self.starts.filled(*filled, kwargs)
            call = Call(
                func, name, marked(name, given[0]), given[1], line_here(), grad=torch.is_grad_enabled(),
                within=function_here(), losses=losses,
            )  # fmt: skip
            self.origins.gave(call, found)
        return found

    @contextmanager
    def within(self) -> Iterator[None]:
        """Note no calls within it: they are a layer's own."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Note calls within it apart: they are those of a program's own model, which may compute its own loss."""
        outer, self.origins, self._losses = self.origins, Origins(self.origins), 0
        try:
            yield
        finally:
            self.origins = outer

    def called(self, run: Callable[..., Any], module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        """Call a module; one with parameters, and one of PyTorch's own, is one call."""
        if self._inside or not (_is_leaf(module) or next(module.parameters(), None) is not None):
            return run(module, *args, **kwargs)
        given, named = self.origins.given((args, kwargs))
        call = Call(
            module, "module", given, named, line_here(), grad=torch.is_grad_enabled(),
            modes=[(one, one.training) for one in module.modules()],
            autocast=autocast_now(),
            buffers=[] if self.by_hand.begun else [(one, one.detach().clone()) for one in module.buffers()],
            losses=self._losses,
        )  # fmt: skip
        with self.within():
            self.by_hand.know(module)
            self.sighted |= {id(one): one for one in module.parameters()}
        looked_at = not _is_leaf(module) and self.origins.outer is None
        with self.looking() if looked_at else self.within():
            inner = self.origins
            found = run(module, *args, **kwargs)
        self.origins.gave(call, found)
        if looked_at:
            cut(call, found, inner, self.origins)
        return found

    def rows(self, run: Callable[..., Any], loader: Any) -> Iterator[Any]:
        """Deal out what a loader does; nothing more once all is seen that can be."""
        with self.within():
            dealt = run(loader)
        while loader is not self.hurried:
            with self.within():
                try:
                    batch = next(dealt)
                except StopIteration:
                    return
            self.events.append(Event(kind="rows", what=loader))
            self.origins.gave(Call(loader, "rows"), batch)
            yield batch

    def backward(self, run: Callable[..., Any], loss: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        """Note from what gradients are taken."""
        if self._inside:
            return run(loss, *args, **kwargs)
        if self._at_once:
            self._stopped(None)
        known = self._parameters or self.by_hand.parameters
        cleared = all(one.grad is None or not one.grad.any() for one in known.values())
        if not self.steps:
            self._ahead_by_hand()
        self._changed("weights", self.standing.weights_changed)
        self.events.append(Event(kind="backward", loss=self.origins.ref(loss), cleared=cleared, place=line_here(),
                                 told=bool(args or kwargs.get("gradient") is not None)))  # fmt: skip
        with self.within():
            found = run(loss, *args, **kwargs)
            if not self.steps:
                self.by_hand.behind()
            self.standing.leave_gradients({**self.sighted, **self._parameters}.values())
        return found

    def _changed(self, what: str, changed: Callable[[], list[Any]]) -> None:
        """Note it where numbers are others than they were left."""
        with self.within():
            found = changed()
        if found:
            self.events.append(Event(kind="changed", what=what, parameters=found))

    def _ahead_by_hand(self) -> None:
        """See whether parameters move without an optimizer; stop where they did so in as many steps as are seen."""
        with self.within():
            moved = self.by_hand.ahead()
            self._stand()
            self.starts.seen(self.by_hand.parameters.values())
        count = sum(one.kind == "backward" for one in self.events)
        if not self.by_hand.parameters and not self._parameters and count >= STEPS:
            self._stopped(None)  # What moves is no module's.
        if not moved:
            return
        if self.by_hand.rate is None:
            self._stopped(None)
        optimizer = torch.optim.SGD(list(self.by_hand.parameters.values()), lr=self.by_hand.rate)
        passes = [one for one in self.events if one.kind == "backward"][-STEPS:]
        for one in passes:
            step = Event(kind="step", what=optimizer, told=_groups(optimizer), place=one.place)
            self.events.insert(next(n for n, other in enumerate(self.events) if other is one) + 1, step)
        self._stopped(optimizer)

    def _stand(self) -> None:
        """Note which loops the first step stands in, and which arrays the program holds where it takes one."""
        frames = list(frames_here())
        self.loops, self.held = self.loops or loops_here(frames), arrays_in(frames, is_array)

    def clipped(self, run: Callable[..., Any], name: str, parameters: Any, *args: Any, **kwargs: Any) -> Any:
        """Note how gradients are clipped."""
        found = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
        self._changed("gradients", self.standing.gradients_changed)
        self.events.append(Event(kind="clip", what=name, told=(args, kwargs), parameters=found, place=line_here()))
        with self.within():
            norm = run(found, *args, **kwargs)
            self.standing.leave_gradients({**self.sighted, **self._parameters}.values())
        return norm

    def stepped(self, optimizer: Any, before: bool, given: Any = ()) -> None:
        """Note a step of an optimizer; at the third, the program has shown what it does."""
        self._stepping += 1 if before else -1
        if before and self._stepping == 1:
            self._inside += 1
            parameters = [one for group in optimizer.param_groups for one in group["params"]]
            self._stand()
            if id(optimizer) not in self.steps:
                self._parameters |= {id(one): one for one in parameters}
                self.starts.seen(parameters)
            told = _groups(optimizer)
            self._changed("gradients", self.standing.gradients_changed)
            closure = any(one is not None for one in given)
            self.events.append(Event(kind="step", what=optimizer, told=told, place=line_here(), cleared=not closure))
        elif not before and self._stepping == 0:
            self._inside -= 1
            self.steps[id(optimizer)] = self.steps.get(id(optimizer), 0) + 1
            with self.within():
                self.standing.leave_weights({**self.sighted, **self._parameters}.values())
            self._judge(optimizer)

    def _judge(self, optimizer: Any) -> None:
        """Stop where all is seen; where a rate is still to be stepped, let what is left of an epoch be short."""
        count = self.steps[id(optimizer)]
        if count < STEPS:
            return
        mine = [one for one in self.schedulers if optimizer_of(one) is optimizer]
        stepped = {id(one.what) for one in self.events if one.kind == "schedule"}
        waiting = [one for one in mine if id(one) not in stepped]
        if not waiting or count >= STEPS + 1:
            self._stopped(optimizer)
        self.hurried = next((one.what for one in reversed(self.events) if one.kind == "rows"), None)

    def ended(self) -> None:
        """See that the program has come to its end: of fewer steps than are waited for, those are all that there is."""
        if self.steps:
            self._stopped(next(one.what for one in reversed(self.events) if one.kind == "step"))

    def schedule(self, run: Callable[..., Any], scheduler: Any, *args: Any, **kwargs: Any) -> Any:
        """Note a step of a scheduler; the first it takes itself as it is made."""
        outer, self._scheduling = self._scheduling, True
        try:
            with self.within():
                found = run(scheduler, *args, **kwargs)
        finally:
            self._scheduling = outer
        if not outer and any(one is scheduler for one in self.schedulers):
            self.events.append(Event(kind="schedule", what=scheduler, place=line_here()))
            optimizer = optimizer_of(scheduler)
            if self.steps.get(id(optimizer), 0) >= STEPS:
                self._stopped(optimizer)
        return found

    def schedules(self, run: Callable[..., Any], scheduler: Any, *args: Any, **kwargs: Any) -> None:
        """Keep a scheduler as it is made, and how it starts."""
        outer, self._scheduling = self._scheduling, True
        try:
            with self.within():
                run(scheduler, *args, **kwargs)
        finally:
            self._scheduling = outer
        if not any(one is scheduler for one in self.schedulers):
            self.schedulers.append(scheduler)
            self.scheduled[id(scheduler)] = {**scheduler.state_dict(), PLACE: line_here()}


def autocast_now() -> str:
    """Return the type in which ``autocast`` computes now; empty where there is none."""
    kinds = [torch.get_autocast_dtype(one) for one in ("cpu", "cuda") if torch.is_autocast_enabled(one)]
    return str(kinds[0]).removeprefix("torch.") if kinds else ""


def _groups(optimizer: Any) -> list[dict[str, Any]]:
    """Return the groups of an optimizer as they are now, without their parameters."""
    return [{name: one for name, one in group.items() if name != "params"} for group in optimizer.param_groups]


def _is_leaf(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.nn.modules.") and not type(module).__module__.endswith("container")


@contextmanager
def watching(seen: SeenLoop) -> Iterator[None]:
    """Return within what a script is seen: PyTorch's own calls tell of themselves."""
    kept = torch.get_default_dtype()
    with ExitStack() as stack:
        put = functools.partial(_put, stack)
        for name, one in DROPOUTS.items():
            put(functional, name, one)
        call, backward = nn.Module.__call__, torch.Tensor.backward
        put(nn.Module, "__call__", lambda module, *args, **kwargs: seen.called(call, module, *args, **kwargs))
        put(torch.Tensor, "backward", lambda loss, *args, **kwargs: seen.backward(backward, loss, *args, **kwargs))
        loader = torch.utils.data.DataLoader
        dealt = loader.__iter__
        put(loader, "__iter__", lambda one: seen.rows(dealt, one))
        put(torch, "compile", lambda model=None, **given: model if model is not None else lambda one: one)
        put(nn.Module, "compile", lambda module, *args, **given: None)
        put_clips(seen, put)
        watch_optimizers(seen, put)
        put_schedulers(seen, put)
        seen.starts.watch(put)
        copies = nn.Parameter.__deepcopy__
        put(nn.Parameter, "__deepcopy__", lambda one, memo: seen.starts.copied(copies, one, memo))
        for hook in (
            register_optimizer_step_pre_hook(
                lambda one, args, given: seen.stepped(one, True, (*args[1:], *given.values()))
            ),
            register_optimizer_step_post_hook(lambda one, args, given: seen.stepped(one, False)),
        ):
            stack.callback(hook.remove)
        torch.set_default_dtype(torch.float32)
        stack.callback(torch.set_default_dtype, kept)
        stack.enter_context(seen)
        yield


def _put(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    """Put something in the place of an attribute, and back when all is over."""
    before, own = getattr(owner, name), name in vars(owner)
    setattr(owner, name, value)
    stack.callback(setattr, owner, name, before) if own else stack.callback(delattr, owner, name)
