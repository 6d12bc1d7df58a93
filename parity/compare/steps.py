"""From what the sides computed in a lockstep step to a judge's notes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from parity.compare.judge import Judge, Seen
from parity.compare.looked import Looked
from parity.compare.measure import counted, gap, relative_gap
from parity.compare.noise import EXACT_PHASES, Name, Rounding, StepDigests, distance
from parity.compare.saturated import forgiven
from parity.tensors import LOGITS, PROBABILITIES, form_of, itself, layer_of

NEARLY_INFINITE = 1e150
"""What is larger overflows when it is squared: infinite in one order of multiplying, and in another not."""

DOUBT = 3.0
"""A digest may show so many times less than there is: from this share of the noise on, the tensors are looked at."""

ITERATIONS = "iterations"
"""The count of updates made, in phase ``state``: PyTorch's plain optimizers keep none."""


class StepTensors(StepDigests, Protocol):
    """A step whose tensors were kept."""

    def tensor(self, phase: str, name: str) -> np.ndarray:
        """Return a tensor."""


def chosen_steps(total: int, which: str = "log") -> list[int]:
    """Return the numbers of the steps to check, counted from 1, the last one always among them.

    Args:
        total: steps there are.
        which: ``all``; a number, for every so many; ``log``: 1, 2, 3, 4, 6, 8, 12, 16, 24, ..., each about half as
            far again.
    """
    if which == "all":
        return list(range(1, total + 1))
    if which == "log":
        found = [1, 3, *(2**k for k in range(1, total.bit_length())), *(3 * 2**k for k in range(total.bit_length()))]
    else:
        found = list(range(1, total + 1, int(which)))
    return sorted({step for step in (*found, total) if 1 <= step <= total})


def compare_weights(judge: Judge, a: Mapping[str, Sequence[int]], b: Mapping[str, Sequence[int]]) -> None:
    """Note the parameters that only one side has, or that have another shape.

    Args:
        judge: takes the notes.
        a: shape by parameter on the reference side.
        b: the same on the other side.
    """
    for name in [*a, *(name for name in b if name not in a)]:
        if name not in b or name not in a:
            judge.missing("weights", name, judge.a if name in a else judge.b)
        elif tuple(a[name]) != tuple(b[name]):
            judge.reshaped(name, tuple(a[name]), tuple(b[name]))


def compare_initial(judge: Judge, order: int, name: str, a: np.ndarray, b: np.ndarray) -> None:
    """Note how the initial values of a parameter differ; they are drawn, so nothing is left to rounding.

    Args:
        judge: takes the note.
        order: number of the parameter.
        name: of the parameter.
        a: initial value on the reference side.
        b: on the other side.
    """
    found = gap(a, b)
    seen = Seen(
        step=1, phase="weights", tensor=name, shape=a.shape, difference=found.difference, noise=0.0, order=order,
        element=found.element, values=found.values,
    )  # fmt: skip
    judge.looks.start.append(Looked(seen=judge.add(seen), a=float(np.linalg.norm(a)), b=float(np.linalg.norm(b))))
    judge.settle([seen] if seen.beyond else [], None)


def shared_names(judge: Judge, a: StepDigests, b: StepDigests, note: bool = True) -> list[Name]:
    """Return what both sides computed, in the order of a step; note what only one did, where asked.

    The last layer may be seen by its logits on one side and by its output on the other: then it is not compared, but as
    probabilities where both say them.
    """
    ours, theirs = list(a.digests), set(b.digests)
    apart = {name for name in {*ours} ^ theirs if form_of(name[1])}
    # Where one is seen as probabilities only, its own form and that of the other are not the same thing.
    plain = {itself(name) for _, name in {*ours, *theirs} if form_of(name) == PROBABILITIES}
    apart |= {(phase, f"{name}{form}") for name in plain for form in ("", LOGITS) for phase in ("forward", "gradient")}
    hidden = apart | {(phase, itself(name)) for phase, name in apart}
    parameters = {name for phase, name in ours if phase == "update"} | {
        name for phase, name in theirs if phase == "update"
    }
    # A gradient of zeros is equal to none.
    zeros = {name for name in lone_gradients(a, b) if a.digests[name]["norm"] == 0.0}
    zeros |= {name for name in lone_gradients(b, a) if b.digests[name]["norm"] == 0.0}
    for phase, name in [
        *(one for one in ours if one not in theirs),
        *(one for one in b.digests if one not in a.digests),
    ]:
        # Whether the gradient of a layer's output can be seen depends on the framework: of the first layers it cannot.
        unseen = phase == "gradient" and (name not in parameters or (phase, name) in zeros)
        if note and (phase, name) not in hidden and name != ITERATIONS and not unseen:
            judge.missing(phase, name, judge.a if (phase, name) in a.digests else judge.b)
    return [name for name in ours if name in theirs and name not in hidden]


def lone_gradients(a: StepDigests, b: StepDigests) -> list[Name]:
    """Return the gradients of shared parameters that only the first side has: the other's are taken to be zeros.

    None where the other side shows no gradient at all: its step hands them to nobody.
    """
    if not any(("update", name) in b.digests for phase, name in b.digests if phase == "gradient"):
        return []
    return [
        one for one in a.digests if one[0] == "gradient" and one not in b.digests and ("update", one[1]) in b.digests
    ]


def in_order(names: Collection[Name]) -> dict[Name, int]:
    """Return where in its phase a step computes each tensor: gradients from the last layer to the first.

    The gradient of a layer's output comes before those of its parameters, which are made from it.
    """
    layers = [itself(name) for phase, name in names if phase == "forward"]
    depth = {layer: index for index, layer in enumerate(reversed(layers))}
    # Frameworks hand gradients over in orders of their own; the parameters' is that of the updates.
    parameters = {name: index for index, (_, name) in enumerate(one for one in names if one[0] == "update")}
    found: dict[Name, int] = {}
    for index, (phase, name) in enumerate(names):
        if phase != "gradient":
            found[phase, name] = index
            continue
        plain = itself(name)
        owner = plain if plain in depth else layer_of(plain)
        found[phase, name] = depth.get(owner, len(depth)) * 1000 + (
            0 if plain in depth else 1 + parameters.get(name, 0) % 999
        )
    return found


def compare_digests(judge: Judge, number: int, taken: Mapping[str, StepDigests], rounding: Rounding) -> set[Name]:
    """Note every tensor of a step by its digest, and return those that may be beyond rounding, not noted yet.

    Args:
        judge: takes the notes; its sides are sides of the step.
        number: of the step, counted from 1.
        taken: what the sides computed.
        rounding: what is known of their rounding errors.
    """
    a, b = taken[judge.a], taken[judge.b]
    names = [*shared_names(judge, a, b), ("loss", "loss")]
    order, doubtful = in_order(names), set()
    for name in names:
        difference, noise = distance(a, b, name), rounding.noise(judge.a, judge.b, name)
        resolution = 0.0 if name[0] in EXACT_PHASES else rounding.resolution(name)
        if difference > noise / DOUBT + resolution:
            doubtful.add(name)
            continue
        # Below their resolution digests say nothing above the noise.
        seen = Seen(
            step=number, phase=name[0], tensor=name[1], difference=min(difference, noise), noise=noise,
            exact=name[0] == "loss" or difference == 0.0, order=order[name],
        )  # fmt: skip
        judge.add(seen, bool(np.isfinite(a.loss if name[0] == "loss" else a.digests[name]["norm"])))
    for name in lone_gradients(a, b):
        if a.digests[name]["norm"] != 0.0:
            doubtful.add(name)
            continue
        noise = rounding.noise(judge.a, judge.b, name)
        judge.add(Seen(step=number, phase=name[0], tensor=name[1], difference=0.0, noise=noise))
    return doubtful


def compare_tensors(
    judge: Judge,
    number: int,
    taken: Mapping[str, StepTensors],
    rounding: Rounding,
    remeasure: Callable[[Sequence[Seen]], None] | None = None,
) -> list[Seen]:
    """Note every tensor of a step, and return those beyond rounding.

    A parameter that has a gradient on the reference side only is taken to have one of zeros.

    Args:
        judge: takes the notes; its sides are sides of the step.
        number: of the step, counted from 1.
        taken: what the sides computed.
        rounding: what is known of their rounding errors.
        remeasure: called with what is beyond rounding as it is known, to measure it in this very step.
    """
    a, b = taken[judge.a], taken[judge.b]
    found = _settled(judge, list(_differences(judge, number, a, b, rounding)), a, b, rounding, remeasure)
    judge.again(number)
    believed = _believed(judge, found)
    noted = [judge.add(seen, finite) for seen, finite in believed]
    if judge.first is None or not judge.looks.steps:
        judge.looks.take(number, noted, a, b)
    return [seen for seen in noted if seen.beyond]


def _believed(judge: Judge, found: list[tuple[Seen, bool]]) -> list[tuple[Seen, bool]]:
    """Return the differences that mean something, and tell the judge of the others.

    A program written by hand need not have the spec's layers: it may pool before its relu, or leave out a factor that
    its loss takes back. What its single layers compute is believed to differ where something that comes out of the
    network does: the loss, the predictions, a parameter's gradient.
    """
    if not judge.by_hand:
        return found
    parameters = {seen.tensor for seen, _ in found if seen.phase == "update"}

    def inside(seen: Seen) -> bool:
        return seen.phase == "forward" or (seen.phase == "gradient" and seen.tensor not in parameters)

    def other(seen: Seen) -> bool:
        # Predictions that are no such numbers at all: of another shape, as two outputs are that mean one.
        return seen.phase == "metric" and seen.difference == math.inf and seen.element is None

    beyond = [seen for seen, _ in found if seen.beyond]
    if any(one.phase in ("loss", "metric", "gradient") and not inside(one) and not other(one) for one in beyond):
        return found
    aside = {one.name for one in beyond if inside(one) or other(one)}
    for one in beyond:
        if one.name in aside:
            judge.set_aside(one)
    return [(seen, finite) for seen, finite in found if seen.name not in aside]


def compare_guided(
    judge: Judge,
    number: int,
    reference: StepTensors,
    guided: StepTensors,
    rounding: Rounding,
    remeasure: Callable[[Sequence[Seen]], None] | None = None,
) -> dict[Name, Seen]:
    """Return the differences of ops that were given the reference side's inputs.

    Args:
        judge: whose sides they are.
        number: of the step, counted from 1.
        reference: the reference side's step.
        guided: the other side's, guided by it.
        rounding: what is known of their rounding errors.
        remeasure: as :func:`compare_tensors` calls it.
    """
    found = list(_differences(judge, number, reference, guided, rounding, note=False))  # A guided step tells less.
    return {seen.name: seen for seen, _ in _settled(judge, found, reference, guided, rounding, remeasure)}


def _settled(
    judge: Judge,
    found: list[tuple[Seen, bool]],
    a: StepDigests,
    b: StepDigests,
    rounding: Rounding,
    remeasure: Callable[[Sequence[Seen]], None] | None,
) -> list[tuple[Seen, bool]]:
    """Return differences beside the noise as it is known once what is beyond it has been measured again."""

    def told(every: Sequence[tuple[Seen, bool]]) -> list[tuple[Seen, bool]]:
        seen = forgiven([one for one, _ in every], a, b, rounding.precision)
        return [(one, finite) for one, (_, finite) in zip(seen, every, strict=True)]

    found = told(found)  # Of which nothing need be measured.
    beyond = [seen for seen, _ in found if seen.beyond]
    if remeasure is None or not beyond:
        return found
    remeasure(beyond)
    noise = {seen.name: rounding.noise(judge.a, judge.b, seen.name) for seen, _ in found}
    return told([(replace(seen, noise=max(seen.noise, noise[seen.name])), finite) for seen, finite in found])


def _differences(
    judge: Judge, number: int, a: StepTensors, b: StepTensors, rounding: Rounding, note: bool = True
) -> Iterable[tuple[Seen, bool]]:
    names = [*shared_names(judge, a, b, note), ("loss", "loss")]
    lone = lone_gradients(a, b)
    order = in_order([*a.digests, ("loss", "loss")])
    for name in [*names, *lone]:
        phase, tensor = name
        noise = rounding.noise(judge.a, judge.b, name)
        if phase == "loss":
            finite = bool(np.isfinite(a.loss))
            seen = Seen(
                step=number, phase=phase, tensor=tensor, shape=(), difference=relative_gap(a.loss, b.loss),
                noise=noise, values=(a.loss, b.loss), order=order[name],
            )  # fmt: skip
            yield seen, finite
            continue
        left = a.tensor(phase, tensor)
        right = np.zeros_like(left) if name in lone else b.tensor(phase, tensor)
        if phase == "metric" and judge.ignored is not None:
            left, right = (counted(one, a.tensor("batch", "y"), judge.ignored) for one in (left, right))
        yield seen_of(number, name, left, right, noise, order[name])


def seen_of(
    number: int, name: Name, left: np.ndarray, right: np.ndarray, noise: float, order: int
) -> tuple[Seen, bool]:  # fmt: skip
    """Return how a tensor of a step differs, and whether it is finite on the first side.

    Args:
        number: of the step, counted from 1.
        name: phase and tensor.
        left: as the reference side, or the reference itself, has it.
        right: as the other side has it.
        noise: the largest difference that rounding explains.
        order: where in its phase a step computes it.
    """
    found = gap(left, right)
    difference = found.difference
    if difference == math.inf and noise >= 1.0 and not left.any() and np.isfinite(right).all():
        difference = 1.0  # Of the other one: of a tensor that is all rounding, it may leave nothing.
    if difference == math.inf and left.shape == right.shape and _overflow(left, right):
        difference, noise = 1.0, max(noise, 1.0)
    seen = Seen(
        step=number, phase=name[0], tensor=name[1], shape=left.shape, difference=difference, noise=noise,
        order=order, element=found.element, values=found.values,
    )  # fmt: skip
    return seen, found.finite


def _overflow(left: np.ndarray, right: np.ndarray) -> bool:
    """Return whether both overflow, and what only one of them has is as good as infinite.

    As rounding falls numbers overflow an operation earlier or later. That they do is told by itself.
    """
    known = [np.isfinite(one) for one in (left, right)]
    if any(one.all() for one in known):
        return False
    near = np.abs(np.where(known[0], left, right)[known[0] != known[1]])
    return bool((near > NEARLY_INFINITE).all())


def repeats(first: StepDigests, second: StepDigests) -> dict[Name, float]:
    """Return the tensors in which a step taken twice is not the same, and how far apart they are."""
    both = [name for name in first.digests if name in second.digests]
    found = {name: distance(first, second, name) for name in [*both, ("loss", "loss")]}
    return {name: difference for name, difference in found.items() if difference != 0.0}
