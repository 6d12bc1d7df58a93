"""From what was run, judged and tried to the facts of ``result.json``."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from parity import __version__
from parity.compare.judge import PHASES, Judge, Seen
from parity.compile.program import Program
from parity.entries import Entry, shown
from parity.recorded import opaque_in
from parity.result import agreeing
from parity.result.causefact import CauseFact
from parity.result.drawfact import DrawFact
from parity.result.filling_lessons import entry_facts, layer_facts, step_fact
from parity.result.schema import (
    AdviceFact,
    Comparison,
    DifferenceFact,
    EpochFact,
    Explanation,
    FreeFact,
    FreePlace,
    MetricFact,
    PhaseFact,
    Place,
    Result,
    SideFact,
    SpecFact,
    WitnessFact,
)
from parity.run.randomness import FIRST, keep_mask, row_order, uniform
from parity.run.trajectory import Trajectory
from parity.spec.resolve import Resolved
from parity.spec.targets import BY_FILE, BY_LOSS, BY_TRIAL, FORMS

if TYPE_CHECKING:
    from parity.compare.free import FreeVerdict
    from parity.court.causes import Caused
    from parity.court.judging import Judged
    from parity.data.dataset import Dataset
    from parity.metrics import TakenMetric
    from parity.spec.sections import Spec


NONE: Mapping[str, str] = {}

DECIDED: dict[str, Literal["loss", "file", "trial"]] = {BY_LOSS: "loss", BY_FILE: "file", BY_TRIAL: "trial"}
"""What decided the form of the targets, by the origin of it."""


def spec_fact(spec: Spec, dataset: Dataset, file: str | None, text: str) -> SpecFact:
    """Return the facts of a spec."""
    return SpecFact(name=spec.name, question=spec.question, file=file, text=text, data=dataset.description)


def side_fact(
    side: Resolved, program: Program, run: Trajectory | None, error: str | None, precision: str, dataset: Dataset,
    version: str = "", device: str = "cpu", packages: Mapping[str, str] = NONE,
) -> SideFact:  # fmt: skip
    """Return the facts of a side.

    Args:
        side: resolved.
        program: compiled for it.
        run: its free run, None when there was none.
        error: why there was none.
        precision: that the run has or would have had.
        dataset: of the side.
        version: of the framework, when no run tells it.
        device: where it ran, when no run tells it.
        packages: versions of all that it runs on.
    """
    # Those of a program written by hand may be more than the spec's, or fewer.
    shapes = {name: parameter.shape for name, parameter in side.parameters().items()} | dict(program.extras)
    count = sum(math.prod(shapes[name]) for name, place in program.bindings.weights.items() if place.trainable)
    epochs, form = run.measured if run else (), side.config.data.targets
    origin = side.origin("data.targets") if form else ""
    return SideFact(
        name=side.name,
        framework=side.framework,
        version=run.version if run else version,
        interpreter=run.interpreter if run else side.python or "",
        packages=dict(packages),
        precision=precision,
        device=run.device if run else device,
        parameters=run.parameters if run else count,
        losses=list(run.losses) if run else [],
        epochs=[
            EpochFact(epoch=one.epoch, step=one.step, metrics=dict(one.metrics), running_loss=one.running_loss)
            for one in epochs
        ],
        metrics=dict(run.final) if run else {},
        measures=[metric_fact(taken, dataset) for taken in side.metrics()],
        seconds=run.seconds if run else 0.0,
        cached=run.cached if run else False,
        drawn=draw_fact(side, run, dataset) if run else None,
        loss_formula=side.formula,
        targets=form or "",
        targets_origin=origin,
        targets_as=FORMS.get(form or "", ""),
        targets_by=DECIDED.get(origin, "config") if form else "",
        targets_stretched=any(one.config.loss.stretches(one.config.loss.form(form)) for one in side.views.values()),
        program=program.source,
        layers=layer_facts(side),
        opaque=opaque_in(side),
        by_hand=side.program is not None,
        program_file=f"programs/{program.file_name}",
        error=error,
    )


def draw_fact(side: Resolved, run: Trajectory, dataset: Dataset) -> DrawFact:
    """Return the first random numbers of a side."""
    training = side.config.training
    seed, size = training.seed, training.batch_size
    if run.drawn:
        return DrawFact(random="native", seed=seed, **run.drawn)
    name, mask = next(iter(side.parameters()), ""), next((layer.mask for layer in side.drawing()), 0)
    return DrawFact(
        random="recorded", seed=seed, uniform=uniform(seed, name, [FIRST]).tolist(),
        mask=keep_mask(seed, 0, mask, [FIRST], 0.5).tolist(),
        rows=row_order(seed, 0, len(dataset.x), training.shuffle)[:size].tolist(),
    )  # fmt: skip


def undetermined_notes(found: Mapping[str, Sequence[str]], runs: Mapping[str, Trajectory]) -> list[str]:
    """Return what is said of operations that do not repeat themselves though they were asked to.

    Args:
        found: those of the lockstep, by side.
        runs: free runs, by side.
    """
    every = {
        name: {*found.get(name, ()), *(runs[name].undetermined if name in runs else ())} for name in [*found, *runs]
    }
    return [
        f"{side}: {', '.join(sorted(names))} has no deterministic form where it runs, though numerics.deterministic "
        "asks for one; the side is held beside its own repetition"
        for side, names in every.items()
        if names
    ]


def damage_notes(names: Sequence[str]) -> list[str]:
    """Say that stored files were not what had been put there; nothing where all were.

    Args:
        names: of the files.
    """
    if not names:
        return []
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    many = f"{len(names)} stored files were" if len(names) > 1 else "a stored file was"
    return [f"{many} damaged and not used; what they held was made again where it was needed: {some}"]


def metric_fact(taken: TakenMetric, dataset: Dataset) -> MetricFact:
    """Return the facts of a metric: what it is, and how high it can get on these targets."""
    metric, kept = taken.metric, dataset.y_val
    exact, exact_kept = metric.reachable(dataset.y), None if kept is None else metric.reachable(kept)
    return MetricFact(
        name=taken.name,
        computed=metric.label(),
        reason=taken.reason,
        better=metric.better,
        target_values=None if exact is None else metric.size(dataset.y),
        exact_values=exact,
        ceiling=None if exact is None else exact / metric.size(dataset.y),
        val_ceiling=None if exact_kept is None or kept is None else exact_kept / metric.size(kept),
    )


def place(seen: Seen) -> Place:
    """Return a place of a comparison."""
    return Place(
        step=seen.step, phase=seen.phase, tensor=seen.tensor, shape=None if seen.shape is None else list(seen.shape),
        difference=seen.difference, noise=seen.noise, exact=seen.exact,
        element=None if seen.element is None else list(seen.element), values=seen.values, made=seen.made,
    )  # fmt: skip


def comparison_facts(judged: Judged) -> list[Comparison]:
    """Return the facts of the comparisons of a lockstep."""
    witnesses = [
        WitnessFact(side=one.side, agrees=one.place is None, place=place(one.place) if one.place else None)
        for one in judged.witnesses
    ]
    found, none = cause_facts(judged.causes)
    return [
        comparison_fact(judge, witnesses, judged.odd).model_copy(
            update={
                "causes": [one for one in found if one.side in (judge.a, judge.b)],
                "uncaused": [text for side, text in none.items() if side in (judge.a, judge.b)],
            }
        )
        if judge.first is not None
        else comparison_fact(judge)
        for judge in judged.judges
    ]


def cause_facts(caused: Sequence[Caused]) -> tuple[list[CauseFact], dict[str, str]]:
    """Return what makes programs agree with their configs, and by side why nothing is named."""
    found: list[CauseFact] = []
    none: dict[str, str] = {}
    for one in caused:
        if one.departs is not None:
            later, (phase, tensor) = one.departs
            none[one.side] = agreeing.withdrawn(one.side, one.steps[0], later, phase, tensor)
            continue
        ways = [
            [
                CauseFact(
                    side=one.side, path=change.path, value=_plain(change.value), was=_plain(change.was),
                    text=change.text, way=way, steps=one.steps, largest=agreement.largest,
                    unsteady=[phase for phase in PHASES if phase in agreement.unsteady], sentence="",
                )
                for change in agreement.changes
            ]
            for way, agreement in enumerate(one.agreements)
        ]  # fmt: skip
        if ways:
            told = agreeing.sentence(one.side, ways)
            found += [cause.model_copy(update={"sentence": told}) for way in ways for cause in way]
        else:
            none[one.side] = agreeing.nothing(one.side, one.steps[0], one.trials, one.stopped)
    return found, none


def _plain(value: Any) -> Any:
    """Return a value of a config as the result has it."""
    if isinstance(value, float | int | str | None):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return shown(value) if isinstance(value, Entry) else ", ".join(f"{kind} {one}" for kind, one in value.items())


def comparison_fact(judge: Judge, witnesses: Sequence[WitnessFact] = (), odd: Sequence[str] = ()) -> Comparison:
    """Return the facts of a comparison.

    Args:
        judge: of the two sides.
        witnesses: how each side stands to the NumPy reference of its config.
        odd: sides that differ where the others agree.
    """
    verdict, reason = judge.verdict()
    overall = judge.overall()
    parted = judge.first is not None
    return Comparison(
        a=judge.a,
        b=judge.b,
        verdict=verdict,
        reason=reason,
        precision=judge.precision,
        steps=judge.steps,
        checked=sorted(judge.checked),
        first=place(judge.first) if judge.first else None,
        largest=place(overall) if overall else None,
        places=[place(seen) for seen in judge.places],
        phases=[
            PhaseFact(phase=phase, tensors=len(judge.tensors[phase]), largest=place(judge.largest[phase]))
            for phase in PHASES
            if phase in judge.largest
        ],
        step=step_fact(judge),
        unmatched=judge.unmatched,
        unsteady=judge.unsteady,
        amplified=judge.amplified,
        witnesses=[one for one in witnesses if one.side in (judge.a, judge.b)] if parted else [],
        odd=list(odd) if parted else [],
    )


def with_free(comparisons: Sequence[Comparison], verdicts: Sequence[FreeVerdict]) -> list[Comparison]:
    """Return the comparisons with what is known of their free runs."""
    known = {
        (one.a, one.b): FreeFact(
            verdict=one.verdict,
            reason=one.reason,
            horizon=one.horizon,
            growth=one.growth,
            first=None if one.first is None else FreePlace(step=one.first[0], phase=one.first[1], tensor=one.first[2]),
            gap=one.gap,
            largest=one.largest,
        )
        for one in verdicts
    }
    return [one.model_copy(update={"free": known.get((one.a, one.b))}) for one in comparisons]


def failed_comparison(a: str, b: str, precision: str, why: str) -> Comparison:
    """Return a comparison that could not be made."""
    return Comparison(a=a, b=b, verdict="inconclusive", reason=why, precision=precision, steps=0)


def result(
    spec: SpecFact,
    sides: Sequence[SideFact],
    comparisons: Sequence[Comparison],
    differences: Sequence[DifferenceFact],
    explanation: Explanation | None,
    notes: Sequence[str],
    command: str,
    advice: Sequence[AdviceFact] = (),
    under_way: Sequence[str] = (),
) -> Result:
    """Return the whole result, or what is known of it while something is still under way."""
    return Result(
        parity_version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        spec=spec,
        sides=list(sides),
        comparisons=list(comparisons),
        differences=list(differences),
        entries=entry_facts([name for one in differences for name in one.entries], [side.framework for side in sides]),
        explanation=explanation,
        notes=list(notes),
        command=command,
        advice=list(advice),
        under_way=list(under_way),
    )
