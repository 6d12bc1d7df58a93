"""A short run of a side in NumPy, what goes wrong in it, and the change to the config with which it does not.

At most 50 steps, taken by the reference in float64: with the initial weights, the batches and the dropout that a run
has. A symptom is spoken of where a change of the config, tried the same way, is without it, and with the first that is:
first those that the rules advise, then a smaller or larger learning rate, scaled inputs, other initial weights.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parity.advice import Advice, setting
from parity.advice.begun import STANDARDIZED, Begun, lost
from parity.errors import ParityError
from parity.lazy import np
from parity.run import randomness
from parity.schedules import Schedule
from parity.tensors import layer_of, own_name

if TYPE_CHECKING:
    from parity.spec.resolve import Resolved

STEPS = 50
"""At most."""

LEAST = 5
"""Steps from which something can be said."""

SECONDS = 20.0
"""That one run may take, after which it ends with the steps it has taken."""

ROWS = 256
"""Whose predictions are looked at."""

STILL = 1e-4
"""Part of the loss that it must move by."""

MENDED = 0.01
"""Part of the loss that it must fall by with a change that is said to mend it."""

ALIKE = 1e-7
"""Spread of predictions over rows, over their size, below which they are one."""

COMMONEST = 0.8
"""Share of the commonest class above which a prediction of it alone is no sign."""

TIMES = (0.1, 0.01, 1e-3, 10.0, 100.0, 1000.0)
"""Learning rates to try, over that there is."""

Changes = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ShortRun:
    """What a short run came to.

    Args:
        steps: taken.
        broken: step at which the loss was no number any more, counted from 1; None where it always was.
        losses: of the first batch, before and after.
        no_gradient: layers with weights, the gradient of none of which was ever anything but 0.
        alike: whether the predictions of all rows are one, though their targets are not.
        classes: numbers of classes among the targets and among the predictions; None where there are none.
        commonest: share of the commonest class.
    """

    steps: int
    broken: int | None = None
    losses: tuple[float, float] = (0.0, 0.0)
    no_gradient: tuple[str, ...] = ()
    alike: bool = False
    classes: tuple[int, int] | None = None
    commonest: float = 1.0

    @property
    def still(self) -> bool:
        """Return whether the loss of the first batch has not moved."""
        before, after = self.losses
        return self.broken is None and abs(after - before) <= STILL * abs(before)

    @property
    def falls(self) -> bool:
        """Return whether it has fallen by more than that."""
        return self.fallen(STILL)

    def fallen(self, part: float) -> bool:
        """Return whether it has fallen by more than a part of what it was."""
        before, after = self.losses
        return self.broken is None and after < before - part * abs(before)

    @property
    def one_class(self) -> bool:
        """Return whether one class is all that is predicted, though no class is nearly all there is."""
        return self.classes is not None and self.classes[0] > 1 and self.classes[1] == 1 and self.commonest < COMMONEST


def run_of(begun: Begun, deadline: float = SECONDS) -> ShortRun:
    """Take the steps.

    Args:
        begun: the side and its rows.
        deadline: seconds for all steps.
    """
    data, training = begun.data, begun.side.config.training
    reference = begun.reference()
    order = randomness.batches(
        training.seed, len(data.x), training.batch_size, training.shuffle, training.drop_remainder
    )
    batches = list(itertools.islice(order, STEPS))
    clock, losses, moved = time.monotonic(), list[float](), set[str]()
    with np.errstate(all="ignore"):  # What overflows is what is looked for.
        for number, rows in enumerate(batches):
            if number >= LEAST and time.monotonic() - clock > deadline:
                break
            step = reference.step(data.x[rows], begun.targets(rows), number)
            losses.append(step.loss)
            moved |= {name for name in reference.trainable if np.any(step.gradient[name])}
            if not np.isfinite(step.loss):
                break
        losses.append(lost(reference, data.x[batches[0]], begun.targets(batches[0])))
        shown = randomness.evenly(len(data.x), ROWS)
        given, wanted = reference.predict(data.x[shown]), data.y[shown]
    broken = next((number for number, loss in enumerate(losses, start=1) if not np.isfinite(loss)), None)
    kernels = [name for name in reference.trainable if own_name(name).endswith("kernel")]
    return ShortRun(
        steps=len(losses) - 1, broken=broken, losses=(losses[0], losses[-1]),
        no_gradient=tuple(layer_of(name) for name in kernels if name not in moved),
        alike=broken is None and one_for_all(given) and not one_for_all(wanted), **classes_of(given, wanted),
    )  # fmt: skip


def one_for_all(values: np.ndarray) -> bool:
    """Return whether all rows are one, but for rounding."""
    rows = values.reshape(len(values), -1)
    return bool(np.all(rows.std(axis=0) <= ALIKE * np.maximum(np.abs(rows).max(axis=0), 1e-30)))


def classes_of(given: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """Return how many classes there are among targets and predictions, and the share of the commonest."""
    if given.shape != targets.shape or not np.isin(targets, (0.0, 1.0)).all():
        return {}
    if targets.shape[-1] > 1:
        if not np.all(targets.sum(axis=-1) == 1.0):
            return {}
        wanted, said = targets.argmax(axis=-1).reshape(-1), given.argmax(axis=-1).reshape(-1)
    else:
        wanted, said = targets.reshape(-1) > 0.5, given.reshape(-1) > 0.5
    _, counts = np.unique(wanted, return_counts=True)
    return {"classes": (len(counts), len(np.unique(said))), "commonest": float(counts.max() / counts.sum())}


def symptom(run: ShortRun, schedule: bool) -> tuple[str, str] | None:
    """Return what is wrong with a run, by name and in a sentence, the one that says most; None where nothing is.

    Args:
        run: that was taken.
        schedule: whether the learning rate follows one, and may still be small.
    """
    before, after = run.losses
    took = f"after {run.steps} steps of a short run"
    if run.broken is not None:
        told = f"at step {run.broken} of a short run the loss is no number any more; it began at {before:.4g}"
        return "not_finite", told
    if run.no_gradient:
        names = ", ".join(run.no_gradient)
        return "no_gradient", f"{took} no weight of {names} has had a gradient other than 0"
    if run.alike:
        return "constant_outputs", f"{took} the predictions of all rows are the same"
    if run.still and not schedule:
        told = f"{took} the loss of the first batch is {after:.6g}; it began at {before:.6g}"
        return "loss_stands_still", told
    if run.one_class and not run.falls and not schedule and run.classes is not None:
        told = f"{took} one class of {run.classes[0]} is predicted for all rows, and the loss of the first batch"
        return "one_class", f"{told} is {after:.4g}; it began at {before:.4g}"
    return None


def advise_by_running(begun: Begun, advised: Sequence[Changes]) -> Advice | None:
    """Return what goes wrong in a short run and what mends it, None where nothing does or nothing was found to.

    Args:
        begun: a side of one output, and its rows.
        advised: the changes that the rules advise, which are tried first.
    """
    schedule = isinstance(begun.side.config.optimizer.learning_rate, Schedule)
    told = symptom(run_of(begun), schedule)
    if told is None:
        return None
    rule, what = told
    for changes in candidates(begun.side, advised):
        try:
            tried = run_of(begun.having(changes))
        except ParityError:  # The config cannot be so.
            continue
        if symptom(tried, schedule) is not None or not tried.fallen(MENDED):
            continue
        listed = " and ".join(setting(path, value) for path, value in changes.items())
        before, after = tried.losses
        return Advice(
            rule=rule,
            path=next(iter(changes)),
            what=what,
            why=f"with {listed}, tried the same way, it goes from {before:.4g} to {after:.4g} in {tried.steps} steps",
            fix=f"set {listed}",
            changes=dict(changes),
        )
    return None


def candidates(side: Resolved, advised: Sequence[Changes]) -> Iterator[Changes]:
    """Yield changes to try, the most probable first."""
    # Of what is measured, and of how the rows lie, a run in NumPy knows nothing.
    yield from (one for one in advised if one and not {"metrics", "model.input"} & set(one))
    rate = side.config.optimizer.learning_rate
    if not isinstance(rate, Schedule):
        yield from ({"optimizer.learning_rate": float(f"{rate * times:.3g}")} for times in TIMES)
    if not side.config.data.standardize:
        yield STANDARDIZED
    yield {"layers.*.kernel_initializer": "glorot_uniform"}
    yield {"layers.*.kernel_initializer": "he_normal"}
    yield {"layers.*.bias_initializer": "zeros"}
