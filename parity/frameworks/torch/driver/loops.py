"""What a training loop does in one step: which model, which losses of what, what is done to gradients and rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from parity.frameworks.torch.driver.calls import PLACE, Call, Ref, behind, key_of, optimizer_of
from parity.frameworks.torch.driver.class_axis import classes_last, of_classes, unturned
from parity.frameworks.torch.driver.class_weights import as_class_weights
from parity.frameworks.torch.driver.hand_rates import as_epoch_scheduler, as_scheduler, sets_of
from parity.frameworks.torch.driver.loss_terms import OUT, RESHAPES, by_row, of_any_rows, terms_of
from parity.frameworks.torch.driver.own_loss import end_there
from parity.frameworks.torch.driver.seen import STEPS, Event, SeenLoop
from parity.frameworks.torch.driver.standing import named_in
from parity.frameworks.torch.driver.steady import check_steady
from parity.frameworks.torch.driver.terms import Term, depends, opaque_term, trains
from parity.frameworks.torch.driver.tracer import UnclearError
from parity.frameworks.torch.driver.words import called


@dataclass(kw_only=True)
class Pass:
    """A loss from which gradients were taken, and what it was made of.

    Args:
        loss: the tensor.
        terms: losses in it.
        roots: calls of modules with parameters.
        inputs: what these were given.
        predictions: outputs of the model, each once, as the losses are given them.
        place: line from which gradients were taken.
    """

    loss: Ref
    terms: list[Term]
    roots: list[Call]
    inputs: list[Ref]
    predictions: list[Ref]
    place: str = ""


@dataclass(kw_only=True)
class Loop:
    """A training loop.

    Args:
        optimizer: that takes the steps.
        groups: of it, as they were ahead of the first step.
        steps: of each of the first steps, what gradients were taken from.
        clips: what was done to gradients ahead of the last step.
        schedulers: of the rate, the outer ones.
        per_epoch: whether these are stepped where an epoch ends.
        batches: of an epoch, where one ended within the first steps; 0 for one that did not.
        ahead: whether they are stepped ahead of the optimizer.
        loops: how often the loops run that it stands in, outermost first; None of one over anything but a range.
        held: arrays that the program holds where it takes its steps.
    """

    optimizer: Any
    groups: list[dict[str, Any]]
    steps: list[list[Pass]]
    clips: list[Event] = field(default_factory=list)
    schedulers: list[Any] = field(default_factory=list)
    per_epoch: bool = False
    batches: int = 0
    ahead: bool = False
    loops: list[int | None] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)

    @property
    def opaque(self) -> Term | None:
        """The loss, where no entry is what is minimised."""
        return next((one for one in self.last.terms if one.part is None), None)

    @property
    def last(self) -> Pass:
        """The last of what gradients were taken from."""
        return self.steps[-1][-1]

    @property
    def count(self) -> int:
        """How many batches a step gathers gradients of."""
        return len(self.steps[-1])

    @property
    def mean(self) -> bool:
        """Whether it takes their mean: losses are divided by how many there are, so that one of them counts whole."""
        shares = [one.share for one in self.last.terms]
        return self.count > 1 and 1.0 not in shares and any(abs(one * self.count - 1.0) < 1e-9 for one in shares)

    def weight(self, term: Term) -> float:
        """Return what a loss counts in each batch, the mean of several batches aside."""
        return float(f"{term.share * self.count:.12g}") if self.mean else term.share


Moving = Sequence[tuple[dict[str, Any], dict[str, Any]]]
"""Groups of parameters, each as it was ahead of the first step and as it is."""


def moving_groups(loop: Loop) -> Moving:
    """Return the groups of parameters that move, each as it was ahead of the first step and as it is.

    One of frozen parameters does not, nor one whose rate is 0 and stays so.
    """
    pairs = zip(loop.groups, loop.optimizer.param_groups, strict=True)
    return [
        (told, group) for told, group in pairs
        if any(one.requires_grad for one in group["params"]) and (loop.schedulers or float(told.get("lr", 1.0)) != 0.0)
    ]  # fmt: skip


def loop_of(seen: SeenLoop, optimizer: Any) -> Loop:
    """Return what a training loop does.

    Raises:
        UnclearError: when it does what no spec says.
    """
    if optimizer is None and not seen.by_hand.parameters:
        raise UnclearError("tensors with requires_grad that no module keeps, moved by the program itself,",
                          _line(seen, "backward"), "an nn.Module that keeps them, such as nn.Linear")  # fmt: skip
    if optimizer is None:
        raise UnclearError("parameters that the program moves itself, otherwise than by a rate times their gradients,",
                          _line(seen, "backward"), "an optimizer of torch.optim")  # fmt: skip
    others = {id(one.what): one.what for one in seen.events if one.kind == "step" and one.what is not optimizer}
    if others:
        names = " and ".join(called(type(one)) for one in (optimizer, *others.values()))
        raise UnclearError(f"a loop of {len(others) + 1} optimizers ({names})", _line(seen, "step"),
                          "one optimizer of one loss")  # fmt: skip
    _take_hand_rates(seen, optimizer)
    for group in optimizer.param_groups if type(optimizer).__module__.startswith("torch.optim") else ():
        for name, place in getattr(group, "others", {}).items():
            raise UnclearError(f"{name} that the program sets anew as it trains", place, f"one {name} for all steps")
    windows = _windows(seen.events, optimizer)
    steps = [[_pass(one) for one in window if one.kind == "backward"] for window in windows]
    for window, passes in zip(windows, steps, strict=True):
        _check(window, passes)
    check_steady([one for passes in steps for one in passes])
    first = next(one for one in seen.events if one.kind == "step")
    inner = {id(one) for outer in seen.schedulers for one in getattr(outer, "_schedulers", ())}
    mine = [one for one in seen.schedulers if optimizer_of(one) is optimizer and id(one) not in inner]
    stepped = [one for one in seen.events if one.kind == "schedule"]
    within = [any(one.kind == "schedule" for one in window) for window in windows]
    ends = within.index(True, 1) if any(within[1:]) and not all(within[1:]) else 0
    order = [one.kind for one in seen.events if one.kind in ("schedule", "step")]
    return Loop(
        optimizer=optimizer, groups=first.told, steps=steps, clips=[one for one in windows[-1] if one.kind == "clip"],
        schedulers=[one for one in mine if any(event.what is one for event in stepped)], per_epoch=not all(within[1:]),
        batches=sum(map(len, steps[:ends])), ahead=bool(order) and order[0] == "schedule",
        loops=seen.loops, held=seen.held,
    )  # fmt: skip


def _take_hand_rates(seen: SeenLoop, optimizer: Any) -> None:
    """Let rates that a program sets itself be those of a scheduler, where one gives them."""
    steps = [one for one in seen.events if one.kind == "step"]
    if any(optimizer_of(one) is optimizer for one in seen.schedulers):
        return
    made = as_scheduler(optimizer, [[float(group["lr"]) for group in one.told] for one in steps])
    by_epoch = made is None
    if made is None:
        made = as_epoch_scheduler(optimizer, seen.loops)
    if made is None:
        return
    place = sets_of(optimizer)[0].place
    seen.schedulers = [made]
    seen.scheduled[id(made)] = {**made.state_dict(), PLACE: place}
    for one in steps:
        for group in one.told:
            group["initial_lr"] = made.base_lrs[0]
    stepped = Event(kind="schedule", what=made, place=place)
    if by_epoch:  # Behind the last one: in none of the steps.
        seen.events.append(stepped)
        return
    seen.events = [event for one in seen.events for event in ([one, stepped] if one.kind == "step" else [one])]


def _line(seen: SeenLoop, kind: str) -> str:
    return next((one.place for one in seen.events if one.kind == kind and one.place), "")


def _windows(events: Sequence[Event], optimizer: Any) -> list[list[Event]]:
    """Return what was done ahead of each of the first steps, and the step."""
    found: list[list[Event]] = [[]]
    for one in events:
        found[-1].append(one)
        if one.kind == "step" and one.what is optimizer:
            found.append([])
    return [one for one in found[:STEPS] if one and one[-1].kind == "step"]


def _check(window: Sequence[Event], passes: Sequence[Pass]) -> None:
    """Refuse what a step does that no spec says."""
    taken = [one for one in window if one.kind == "backward"]
    step = window[-1]
    if not step.cleared:
        raise UnclearError(f"{called(type(step.what))}.step with a closure", step.place, "a step of one gradient")
    if not taken:
        raise UnclearError("a step without Tensor.backward", step.place, "gradients of a loss: loss.backward()")
    if not taken[0].cleared:
        raise UnclearError("gradients that are not set to zero, to which those of the next step are added,",
                          taken[0].place, "optimizer.zero_grad() in each step")  # fmt: skip
    changed = next((one for one in window if one.kind == "changed"), None)
    if changed is not None:
        named = named_in(changed.parameters, [root.what for one in passes for root in one.roots])
        if changed.what == "weights":
            raise UnclearError(f"a change of weights behind a step of the optimizer{named}", step.place,
                               "weights that the optimizer alone moves")  # fmt: skip
        raise UnclearError(f"a change of gradients between backward and step{named}", step.place,
                           "none of it, or one clip of all: clip_grad_norm_, clip_grad_value_")  # fmt: skip
    if any(one.told for one in taken):
        raise UnclearError("backward that is given a gradient", taken[0].place, OUT)
    roots = [id(root) for one in passes for root in one.roots]
    if len(roots) != len(set(roots)):
        raise UnclearError("backward of several losses of one forward pass", taken[0].place, "one loss, their sum")


def _pass(event: Event) -> Pass:
    assert event.loss is not None
    try:
        terms = list(terms_of(event.loss, 1.0, event.place))
        if len(terms) > 1 and any(one.weights is not None for one in terms):
            raise UnclearError("weights of rows in a sum of losses", event.place, OUT)
    except UnclearError as error:
        terms = [opaque_term(event.loss, error)]
    joined = [one.outputs for one in terms]
    for term in terms:
        classes_last(term)
    read = [ref for one in terms for ref in (one.outputs, *one.beside)]
    predictions = list({key_of(one): one for one in read}.values())
    every = list({key_of(one): one for ref in predictions for one in behind(ref)}.values())
    roots = list({id(one.call): one.call for one in every if one.call is not None and trains(one.call)}.values())
    if not roots:
        raise UnclearError("a loss of no module's output", event.place, "a model that is an nn.Module")
    roots.reverse()
    for root in roots:
        end_there(root)
    inputs: dict[Any, Ref] = {}
    first = plain_output(predictions[0], roots, of_classes(predictions[0], terms)) or predictions[0]
    rows = len(first.tensor) if first.tensor.dim() else 0
    for term, given in zip(terms, joined, strict=True):
        if term.targets is not None:  # Of a sequence they may be put together, as what the model gives is.
            of_any_rows(given, rows)
            of_any_rows(term.targets, rows)
            aimed, whole = by_row(term.targets, rows), term.targets.tensor
            if aimed is None and rows:
                what = f"targets of shape {tuple(whole.shape)} beside outputs of {rows} rows"
                raise UnclearError(what, event.place, "targets by row, as the outputs are")
            term.targets = aimed or term.targets
        if term.weights is not None:
            as_class_weights(term)
        if term.weights is not None:
            term.weights = by_row(term.weights, rows)
            if term.weights is None or term.weights.tensor.numel() != rows:
                raise UnclearError("weights of other than rows in the loss", event.place, "one number for each row")
    for one in reversed(every):
        if one.call is None or not depends(one):
            continue
        for ref in one.call.refs():
            if not depends(ref) and ref.tensor.dim() and len(ref.tensor) == rows and not _made_anew(ref):
                inputs.setdefault(key_of(ref), ref)
    if not inputs:
        raise UnclearError(f"a loss of {rows} rows, of a model that is given no tensor of as many,", event.place,
                          "outputs of which the rows are those of the input")  # fmt: skip
    return Pass(loss=event.loss, terms=terms, roots=roots, inputs=list(inputs.values()), predictions=predictions,
                place=event.place)  # fmt: skip


def _made_anew(ref: Ref) -> bool:
    """Return whether a tensor is made of no other, such as states of zeros."""
    return ref.call is not None and ref.call.name in ("zeros", "ones", "zeros_like", "new_zeros", "full")


def plain_output(ref: Ref, roots: Sequence[Call], classes: bool = False) -> Ref | None:
    """Return what a module gave that a loss was handed, reshaped or not; None where it was computed with.

    Args:
        ref: what the loss was handed.
        roots: calls of modules.
        classes: the loss takes classes along the axis behind the rows: they may have stood last.
    """
    ref = unturned(ref) if classes else ref
    while (call := ref.call) is not None and len(call.refs()) == 1:
        (source,) = call.refs()
        if call.name not in RESHAPES:
            break
        if source.tensor.dim() == 0 or source.tensor.numel() != ref.tensor.numel():
            return None
        ref = source
    return ref if any(ref.call is one for one in roots) else None
