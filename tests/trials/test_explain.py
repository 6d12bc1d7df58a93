"""Explaining, end to end: a small network on PyTorch, from nothing run to the facts of the report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from helpers_commands import Lender, lender
from helpers_explain import STEPS, explained, tiny
from helpers_frameworks import missing

from parity import api
from parity.cli import main
from parity.commands.explaining import said_sets
from parity.compile import Program
from parity.court import work as work_module
from parity.court.work import Work
from parity.errors import DataError, UsageError
from parity.explain.shapley import subsets
from parity.prepare.options import Options, prepare
from parity.report.markdown import to_markdown
from parity.result.filling_explanation import difference_facts, explanation_fact, said_fact
from parity.run.lockstep import Lockstep, Taken, looked_at_bytes
from parity.spec.plain import to_yaml
from parity.spec.resolve import Resolved
from parity.spec.sections import SaidSpec, Spec
from parity.trials.budget import Budget
from parity.trials.inquired import Explained

pytestmark = pytest.mark.skipif(bool(missing("torch")), reason="needs torch")

RATE, NESTEROV, BIAS = "optimizer.learning_rate", "optimizer.nesterov", "layers.hidden.bias_initializer"
ONE = {RATE: 2e-5, NESTEROV: True, BIAS: {"constant": 0.01}, "metrics": ["accuracy", "mse"]}
"""One cause, two differences that do nothing much and one that provably does nothing."""


@pytest.fixture(scope="module")
def workers() -> Iterator[Lender]:
    """Workers that stay from test to test."""
    with lender() as made:
        yield made


@pytest.fixture(scope="module")
def one(workers: Lender, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Spec, Explained]:
    """A pair with one cause, explained."""
    folder, spec = tmp_path_factory.mktemp("one"), tiny(ONE)
    return folder, spec, explained(folder, spec)


def kept(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (folder / "runs").glob("*.json")}


def sets(told: Explained, kind: str, *statuses: Any) -> list[list[str]]:
    return [sorted(claim.paths) for claim in told.findings.of(kind, *(statuses or ("holds",)))]


# -------------------------------------------------------------------------------------- what is found


def test_a_lone_cause_is_found_both_ways_with_every_seed(one: tuple[Path, Spec, Explained]) -> None:
    _, _, told = one
    assert told.gap is not None
    assert told.gap.kind == "gap"
    assert sets(told, "breaks") == sets(told, "repairs") == [[RATE]]
    assert told.findings.causes == [RATE]
    assert [claim.tried for claim in told.findings.claims] == [3, 3]
    assert all(value > 0.7 for value in told.sides[0].values)
    assert all(value < 0.3 for value in told.sides[1].values)
    assert told.searched <= 5
    assert told.findings.complete
    assert (told.missing, told.notes, told.interrupted) == ([], [], False)


def test_the_rest_is_harmless_and_what_is_inert_is_not_run(one: tuple[Path, Spec, Explained]) -> None:
    _, _, told = one
    assert [inert.path for inert in told.contest.inert] == ["metrics"]
    assert set(told.findings.alone) == set(told.findings.back) == {RATE, NESTEROV, BIAS}
    assert told.findings.harmless(NESTEROV) is told.findings.harmless(BIAS) is True
    assert told.findings.unexplained is not None
    assert told.findings.unexplained < 0.2
    assert told.findings.shares == pytest.approx({RATE: 1.0})


def test_every_run_is_kept_with_its_curve_for_who_turns_differences_on_and_off(
    one: tuple[Path, Spec, Explained],
) -> None:
    _, _, told = one
    facts = explanation_fact(told, {})
    assert facts is not None
    known = {frozenset(fact.paths): fact for fact in facts.combinations}
    assert {frozenset(), frozenset({RATE}), told.contest.everything} <= set(known)
    assert len(known) <= told.runs
    good, alone = known[frozenset()], known[frozenset({RATE})]
    assert good.values == facts.good_values
    assert (good.every, len(good.losses), good.steps) == (1, STEPS, STEPS)
    assert good.losses[-1] < good.losses[0] / 2, "it learns"
    assert alone.losses[-1] > alone.losses[0] / 2, "it does not"
    assert alone.patch.startswith(f"{RATE}: ")


def test_where_each_difference_strikes(one: tuple[Path, Spec, Explained]) -> None:
    _, _, told = one
    assert {path: (found.step, found.phase) for path, found in told.strikes.items()} == {
        RATE: (1, "update"), NESTEROV: (1, "update"), BIAS: (1, "weights"),
    }  # fmt: skip
    assert told.strikes[RATE].share == pytest.approx(1.0 - 1e-4, rel=1e-6)
    assert told.strikes[NESTEROV].share == pytest.approx(0.9, rel=1e-6), "g + m g in the place of g"
    assert told.end_shares[RATE] > 0.9


def test_a_side_on_the_framework_of_the_trials_needs_no_check(one: tuple[Path, Spec, Explained]) -> None:
    assert one[2].own == {}


def test_a_second_command_makes_no_run(workers: Lender, one: tuple[Path, Spec, Explained]) -> None:
    folder, spec, told = one
    before = kept(folder)
    again = explained(folder, spec)
    assert (again.made, again.runs) == (0, told.runs)
    assert kept(folder) == before
    assert again.findings.claims == told.findings.claims
    assert (again.findings.alone, again.findings.back) == (told.findings.alone, told.findings.back)
    assert again.strikes == told.strikes


def test_another_question_costs_what_is_new(workers: Lender, one: tuple[Path, Spec, Explained]) -> None:
    folder, spec, _ = one
    level = explained(folder, spec, outcome="accuracy >= 0.6", effects=False)
    assert level.outcome.text == "accuracy >= 0.6"
    assert sets(level, "breaks") == sets(level, "repairs") == [[RATE]]
    assert [tried.values for tried in level.sides] == [(1.0,) * 3, (0.0,) * 3]
    assert level.made == 0, "the same runs say whether it ends at a level"


def test_sides_given_the_other_way_round_are_told_by_what_they_come_to(workers: Lender, tmp_path: Path) -> None:
    told = explained(tmp_path, tiny({RATE: 0.2}, optimizer={"sgd": {"learning_rate": 2e-5, "momentum": 0.9}}),
                     effects=False)  # fmt: skip
    assert (told.contest.good.name, told.contest.bad.name) == ("bad", "good")
    assert sets(told, "breaks") == sets(told, "repairs") == [[RATE]]
    good, bad = told.sides
    assert min(good.values) > max(bad.values)


# ------------------------------------------------------------------------------- three kinds of interaction


@pytest.mark.sampled(3)
def test_two_lone_causes_break_alone_and_are_mended_together_only(workers: Lender, tmp_path: Path) -> None:
    kernel = "layers.logits.kernel_initializer"
    ruined = tiny({**ONE, kernel: {"truncated_normal": {"stddev": 60.0}}})
    told = explained(tmp_path, ruined, effects=False, subsets=True)
    assert sorted(sets(told, "breaks")) == [[kernel], [RATE]]
    combined = {one.paths: one for one in told.combinations}
    assert set(subsets([kernel, RATE])) <= set(combined)
    assert not combined[frozenset({kernel, RATE})].stopped, "asked for, it is run to its end"
    assert sets(told, "repairs") == [sorted([kernel, RATE])]
    assert sum(told.findings.shares.values()) == pytest.approx(1.0)
    (acting,) = told.findings.interactions.values()
    assert acting < -0.5, "each does what the other has done"


@pytest.mark.sampled(3)
def test_a_pair_that_acts_only_together(workers: Lender, tmp_path: Path) -> None:
    """Rectified units that start at 0 stay there; with a kernel or with a bias they do not."""
    kernel = "layers.hidden.kernel_initializer"
    spec = tiny({kernel: "zeros", BIAS: "zeros", NESTEROV: True}, model={"input": [64], "layers": [
        {"dense": {"units": 16, "activation": "relu", "name": "hidden", "bias_initializer": {"constant": 0.5}}},
        {"dense": {"units": 10, "activation": "softmax", "name": "logits"}},
    ]})  # fmt: skip
    told = explained(tmp_path, spec)
    assert sets(told, "breaks") == [sorted([kernel, BIAS])]
    assert sorted(sets(told, "repairs")) == sorted([[kernel], [BIAS]])
    (acting,) = told.findings.interactions.values()
    assert acting > 0.5
    assert told.findings.shares == pytest.approx({kernel: 0.5, BIAS: 0.5}, abs=0.2)
    assert told.findings.harmless(NESTEROV)
    assert told.findings.harmless(kernel) is False, "alone it does nothing, and it is a cause"


@pytest.mark.sampled(3)
def test_what_the_seeds_do_not_agree_on_is_inconclusive(workers: Lender, tmp_path: Path) -> None:
    """Without momentum about half of the gap is lost: more with one seed, less with another."""
    told = explained(tmp_path, tiny({RATE: 0.015, "optimizer.momentum": 0.0}), effects=False)
    assert sets(told, "breaks", "holds") == []
    (unsure,) = told.findings.of("breaks", "inconclusive")
    assert (unsure.paths, unsure.tried) == (frozenset({RATE}), 12), (
        "asked with more seeds, since three did not settle it"
    )
    assert unsure.held < 11
    assert told.findings.harmless(RATE) is not True


@pytest.mark.sampled(3)
def test_what_makes_up_for_a_cause_is_found_where_both_sides_learn(workers: Lender, tmp_path: Path) -> None:
    activation, logits = "layers.logits.activation", "loss.from_logits"
    told = explained(tmp_path, tiny({activation: "linear", logits: True, NESTEROV: True}))
    assert told.gap is not None
    assert told.gap.kind in ("none", "unsteady")
    assert sets(told, "breaks") == [[activation]], "logits that are taken for probabilities; told of the first side"
    (made_up,) = told.findings.of("compensates", "holds")
    assert (made_up.paths, made_up.by) == (frozenset({activation}), frozenset({logits}))
    assert told.findings.of("repairs") == []


@pytest.mark.sampled(3)
def test_sides_that_differ_in_nothing_that_matters(workers: Lender, tmp_path: Path) -> None:
    told = explained(tmp_path, tiny({"optimizer.decay": 1e-6, BIAS: {"constant": 1e-3}}))
    assert told.gap is not None
    assert told.gap.kind in ("none", "unsteady")
    assert told.findings.claims == []
    assert told.findings.causes == []
    assert told.findings.harmless("optimizer.decay")


# ---------------------------------------------------------------------------------------------- outcomes


@pytest.mark.sampled(3)
def test_the_steps_to_a_level(workers: Lender, tmp_path: Path) -> None:
    told = explained(tmp_path, tiny({RATE: 0.02, NESTEROV: True}), outcome="steps to accuracy >= 0.5", effects=False)
    assert told.outcome.kind == "steps"
    good, bad = told.sides
    assert all(0 < fast < slow <= STEPS + 1 for fast, slow in zip(good.values, bad.values, strict=True))
    assert told.findings.causes == [RATE]
    assert told.stopped == 0, "when it got there is not seen before it is there"


@pytest.mark.sampled(3)
def test_a_run_without_numbers_did_not_get_anywhere_fast(workers: Lender, tmp_path: Path) -> None:
    told = explained(tmp_path, tiny({RATE: 1e30}), outcome="steps to accuracy >= 0.5", effects=False)
    assert told.contest.bad.name == "bad"
    assert set(told.sides[1].values) == {STEPS + 1.0}
    assert sets(told, "breaks") == [[RATE]]
    assert told.stopped


@pytest.mark.sampled(3)
def test_a_validation_metric(workers: Lender, tmp_path: Path) -> None:
    spec = tiny({RATE: 2e-5}, data={"source": "digits", "rows": 240, "scale": 0.0625, "validation_split": 0.2},
                explain={"outcome": "val_accuracy"})  # fmt: skip
    told = explained(tmp_path, spec, effects=False)
    assert told.outcome.metric == "val_accuracy"
    assert sets(told, "repairs") == [[RATE]]
    assert told.sides[0].values != explained(tmp_path, spec, effects=False, outcome="accuracy").sides[0].values


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("val_accuracy", "val_accuracy is not measured"),
        ("acuracy", "did you mean 'accuracy'"),
        ("accuracy <= 1", "write accuracy >= 1"),
    ],
)
def test_an_outcome_that_is_none_is_refused_before_anything_is_run(
    workers: Lender, tmp_path: Path, outcome: str, said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        explained(tmp_path, tiny(ONE), outcome=outcome)
    file = tmp_path / "spec.yaml"
    file.write_text(to_yaml(tiny(ONE)))
    done = CliRunner().invoke(main, ["run", str(file), "--outcome", outcome, "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert said in done.stderr
    assert not list(tmp_path.rglob("runs/*.json"))


# -------------------------------------------------------------------- how far each difference moves it


@pytest.mark.sampled(3)
def test_each_difference_is_measured_with_several_seeds_where_one_asks(
    workers: Lender, one: tuple[Path, Spec, Explained]
) -> None:
    folder, _, before = one
    assert before.effects == {}
    told = explained(folder, tiny(ONE, explain={"effect_seeds": 3}))
    assert set(told.effects) == {RATE, NESTEROV, BIAS}
    assert told.effects[RATE].verdict == "moves"
    assert told.effects[RATE].by < -0.4
    assert all(len(one.values) == 3 for one in (*told.findings.alone.values(), *told.findings.back.values()))
    assert told.rows == 192
    facts = {one.path: one.effect for one in difference_facts("good", "bad", told.contest.live, told)}
    effect = facts[RATE]
    assert effect is not None
    assert effect.moved is not None
    assert (effect.moved.by, effect.moved.verdict) == (told.effects[RATE].by, "moves")
    assert sets(told, "breaks") == sets(before, "breaks"), "what was claimed stands"


# ------------------------------------------------------------------------------------------- groups


@pytest.mark.sampled(3)
def test_a_group_is_split_where_one_asks_which_layer(workers: Lender, tmp_path: Path) -> None:
    spec = tiny({"layers.*.kernel_initializer": {"truncated_normal": {"stddev": 60.0}}, NESTEROV: True})
    group = "layers.*.kernel_initializer"
    whole = explained(tmp_path, spec, effects=False)
    assert sets(whole, "breaks") == [[group]]
    parts = explained(tmp_path, spec, effects=False, split=(group,))
    paths = [f"layers.{name}.kernel_initializer" for name in ("hidden", "logits")]
    assert [live.path for live in parts.contest.live] == [*paths, NESTEROV]
    assert parts.findings.causes
    assert set(parts.findings.causes) <= set(paths)


@pytest.mark.parametrize("path", [NESTEROV, "layers.*.kernel", "layers.logits.kernel_initializer"])
def test_what_is_no_group_is_not_split(workers: Lender, tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError, match="no such group of layers"):
        explained(tmp_path, tiny({"layers.*.kernel_initializer": "zeros", NESTEROV: True}), split=(path,))


# ------------------------------------------------------------------------------------- what somebody says


def test_what_is_said_is_judged(workers: Lender, one: tuple[Path, Spec, Explained]) -> None:
    folder, spec, _ = one
    given = [
        {"text": "The rate.", "paths": [RATE], "source": "a thread"},
        {"text": "Nesterov and the biases.", "paths": [NESTEROV, "layers.*.bias_initializer"]},
        {"text": "Everything in the optimizer.", "paths": ["optimizer*"]},
        {"text": "The loss.", "paths": ["loss"]},
    ]
    spec = tiny(ONE, explain={"said": given})
    told = explained(folder, spec, effects=False)
    fact = explanation_fact(told, said_sets(spec, told.contest))
    assert fact is not None
    rate, wrong, whole = fact.said
    assert (rate.text, rate.source, rate.paths, rate.seeds) == ("The rate.", "a thread", [RATE], 3)
    assert (rate.sufficient, rate.necessary) == (True, True)
    assert rate.sentence.startswith(f"Right: {RATE} alone takes good from accuracy 0.")
    assert (wrong.sufficient, wrong.necessary) == (False, False)
    assert wrong.sentence.startswith("Wrong: ")
    assert f"of the rest {RATE} matters" in wrong.sentence
    assert set(wrong.paths) == {NESTEROV, BIAS}
    assert (whole.sufficient, whole.necessary) == (True, True)
    assert set(whole.paths) == {RATE, NESTEROV}
    assert f"of the rest {BIAS} does no harm" in whole.sentence


# ------------------------------------------------------------------------------------------- the budget


@pytest.mark.sampled(3)
@pytest.mark.parametrize("most", [0, 1, 4, 8, 12])
def test_a_number_of_runs_is_kept_and_what_is_missing_is_told(workers: Lender, tmp_path: Path, most: int) -> None:
    told = explained(tmp_path, tiny(ONE), max_runs=most)
    curves = [json.loads(file.read_text()) for file in (tmp_path / "runs").glob("*.json")]
    made = [run for run in curves if run["precision"] == "float32"]  # Probes are in float64, and cost little.
    assert len(made) <= most
    assert told.made <= most
    assert told.missing
    assert all(f"--max-runs {most} is spent" in text for text in told.missing)
    assert told.missing[-1].startswith("each difference alone and taken back: ")
    if most == 4:
        assert told.gap is not None
        assert told.gap.kind == "open", "two seeds do not say whether there is a gap"
        assert told.findings.claims == []
    if most >= 8:
        (found,) = told.findings.of("breaks")
        assert (found.paths, found.tried < 3, found.status) == (
            frozenset({RATE}), most < 12, "holds" if most == 12 else "unconfirmed",
        )  # fmt: skip
    assert (explanation_fact(told, {}) is None) is (most < 2)


def test_runs_of_an_earlier_command_cost_nothing(workers: Lender, tmp_path: Path) -> None:
    total = 0
    for _ in range(8):
        told = explained(tmp_path, tiny(ONE), max_runs=4)
        total += told.made
        if not told.missing:
            break
    assert told.missing == []
    assert sets(told, "breaks") == sets(told, "repairs") == [[RATE]]
    assert total <= told.runs + 2, "no run was made twice"
    assert explained(tmp_path, tiny(ONE), max_runs=0).missing == []


def test_time_that_is_over_ends_it(workers: Lender, tmp_path: Path) -> None:
    told = explained(tmp_path, tiny(ONE), max_seconds=0.0)
    assert told.missing
    assert all("--max-seconds 0 is over" in text for text in told.missing)
    assert told.made == 0


def test_time_that_is_over_meanwhile_ends_what_is_queued(workers: Lender, tmp_path: Path) -> None:
    """What was queued in time begins only if there is still time when its turn comes."""
    begun: list[str] = []

    def noted(text: str, share: float) -> None:
        begun.append(text)
        if "on its own" in text:  # All of it is queued by now.
            raise_the_clock()

    spec, budgets = tiny(ONE), []
    with pytest.MonkeyPatch.context() as patch:
        real = Budget.__init__
        patch.setattr(Budget, "__init__", lambda self, **given: (real(self, **given), budgets.append(self))[0])

        def raise_the_clock() -> None:
            budgets[0].begun -= 3600.0

        told = explained(tmp_path, spec, noted, max_seconds=1800.0)
    assert begun
    assert told.missing == ["each difference alone and taken back: --max-seconds 1800 is over"]
    assert sets(told, "breaks") == [[RATE]]


@pytest.mark.sampled(3)
def test_what_the_data_do_not_fit_is_one_set_that_cannot_be(
    workers: Lender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How data are shaped and what reads them may be two differences of which neither can stand alone."""
    real = Work.trial_program

    def fitting(work: Work, side: Resolved) -> Program:
        if side.config.optimizer.nesterov and side.config.optimizer.learning_rate == 0.2:  # type: ignore[union-attr]
            raise DataError("rows of shape (64,) do not fit")
        return real(work, side)

    monkeypatch.setattr(Work, "trial_program", fitting)
    told = explained(tmp_path, tiny(ONE))
    assert sets(told, "breaks") == [[RATE]]
    assert NESTEROV not in told.strikes, "it was not looked at"
    assert any("cannot be" in text and "do not fit" in text for text in told.notes)


def test_where_no_outcome_compares_the_sides_it_is_told_all_the_same_where_differences_strike(
    workers: Lender, tmp_path: Path
) -> None:
    draw = np.random.default_rng(0)
    np.savez(
        tmp_path / "rows.npz", X=draw.normal(size=(64, 64)), same=draw.random((64, 10)), apart=draw.random((64, 10))
    )
    data = {"source": str(tmp_path / "rows.npz"), "y": "same"}
    spec = tiny({"data.y": "apart", RATE: 0.1}, data=data, metrics=["mse"])
    told = explained(tmp_path, spec)
    assert "measured against other targets" in told.missing[0]
    assert {path: (one.step, one.phase, one.tensor) for path, one in told.strikes.items()} == {
        "data.y": (1, "batch", "y"), RATE: (1, "update", "hidden.kernel")
    }  # fmt: skip
    result = api.run(spec, folder=tmp_path / "out", trace=False)
    assert result.explanation is None
    page = to_markdown(result)
    assert "put alone into good, strikes first" in page
    assert "step 1, batch, y" in page


def test_what_is_said_is_not_judged_where_there_is_no_gap(workers: Lender, tmp_path: Path) -> None:
    said = {"text": "It is the bias.", "paths": [BIAS]}
    told = explained(tmp_path, tiny({BIAS: {"constant": 0.01}}, explain={"said": [said]}), effects=False)
    (paths,) = told.claimed
    fact = said_fact(told, SaidSpec(**said), paths)
    assert told.gap is not None
    assert told.gap.kind == "none"
    assert fact.necessary is None
    assert fact.sentence.startswith("Nothing to judge: good comes to accuracy ")


# --------------------------------------------------------------------------------------------- memory


def test_tensors_too_large_for_memory_are_looked_at_on_disk(
    workers: Lender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, spills = tiny(ONE), []
    real = Lockstep.replay

    def replayed(lock: Lockstep, number: int) -> dict[str, Taken]:
        found = real(lock, number)
        spills.append(lock.spill)
        assert all(one.folder is not None and one.folder.parent == (lock.spill or lock.root) for one in found.values())
        return found

    monkeypatch.setattr(Lockstep, "replay", replayed)
    verdicts = []
    for share in (1.0, 0.0):
        monkeypatch.setattr(work_module, "LARGEST_SHARE", share)
        sides = prepare(spec, Options())
        with Work(spec=spec, sides=sides, options=Options(), folder=tmp_path) as work:
            judged = work.judged(sides, 2, "float64", lambda text, share: None)
            verdicts.append((judged.judges[0].verdict(), judged.judges[0].first))
    assert verdicts[0] == verdicts[1]
    assert spills[0] is None
    assert spills[-1].parent == tmp_path
    assert not spills[-1].exists()


def test_what_a_step_that_is_looked_at_keeps() -> None:
    good, bad = prepare(tiny({"optimizer": {"adam": {}}}), Options())
    parameters = 64 * 16 + 16 + 16 * 10 + 10
    assert looked_at_bytes([good, bad]) == parameters * 8 * (3 + 4 + 4), "momentum; two moments, and guided once more"


# ----------------------------------------------------------------------------------------------- Ctrl-C


class Stop:
    """Stands in for the user: Ctrl-C when some text is shown for a number of times."""

    def __init__(self, text: str, times: int = 1) -> None:
        self.text, self.times = text, times

    def __call__(self, text: str, share: float) -> None:
        """Take a note."""
        self.times -= self.text in text
        if self.times == 0:
            self.times = -1
            raise KeyboardInterrupt


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("text", "times", "left"),
    [
        ("strike first", 1, "where each difference strikes: interrupted"),
        ("smallest sets", 1, "the search for smallest breakers and repairs: interrupted"),
        ("other seeds", 3, "the other seeds: interrupted"),
        ("on its own", 2, "each difference alone and taken back: interrupted"),
    ],
)
def test_ctrl_c_keeps_what_ran_and_nothing_is_run_twice(
    workers: Lender, tmp_path: Path, text: str, times: int, left: str
) -> None:
    told = explained(tmp_path, tiny(ONE), Stop(text, times))
    assert told.interrupted
    assert told.missing[0] == left
    assert all(one.endswith(": interrupted") for one in told.missing)
    before = kept(tmp_path)
    assert before
    fact = explanation_fact(told, {})
    assert fact is not None
    assert fact.interrupted
    again = explained(tmp_path, tiny(ONE))
    assert (again.interrupted, again.missing) == (False, [])
    assert sets(again, "breaks") == sets(again, "repairs") == [[RATE]]
    after = kept(tmp_path)
    assert {name: after[name] for name in before} == before, "no finished run is made again"


@pytest.mark.slow
def test_ctrl_c_before_anything_is_known_of_causes_still_writes_what_the_sides_did(
    workers: Lender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "spec.yaml", tmp_path / "out"
    file.write_text(to_yaml(tiny(ONE)))
    from parity.commands import explaining
    from parity.commands.run import INTERRUPTED

    def interrupted(*given: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(explaining, "choose", interrupted)
    done = CliRunner().invoke(main, ["run", str(file), "--out", str(out), "--no-trace", "--steps", "4"])
    assert done.exit_code == 130, done.output
    result = json.loads((out / "result.json").read_text())
    assert [pair["verdict"] for pair in result["comparisons"]] == ["divergent"]
    assert result["notes"] == [INTERRUPTED]
    assert INTERRUPTED.partition(";")[0] in " ".join(done.output.split())


def test_ctrl_c_before_the_two_sides_are_known_leaves_nothing_to_tell(workers: Lender, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        explained(tmp_path, tiny(ONE), Stop("what the sides come to"))


@pytest.mark.slow
def test_an_interrupted_command_writes_the_report_and_goes_on_from_there(
    workers: Lender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "spec.yaml", tmp_path / "out"
    file.write_text(to_yaml(tiny(ONE)))
    arguments = ["run", str(file), "--out", str(out), "--causes-only", "--no-trace"]
    from parity.trials import inquiry as explain

    noted, real = Stop("other seeds", 3), explain.Trials
    monkeypatch.setattr(explain, "Trials", lambda **given: real(**{**given, "note": noted}))
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 130, done.output
    result = json.loads((out / "result.json").read_text())
    assert result["explanation"]["interrupted"] is True
    assert "the other seeds: interrupted" in result["explanation"]["missing"]
    assert (out / "report.html").stat().st_size > 500
    before = kept(out)
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 0, again.output
    result = json.loads((out / "result.json").read_text())
    assert result["explanation"]["interrupted"] is False
    assert result["explanation"]["breakers"] == result["explanation"]["repairs"] == [[RATE]]
    assert all(side["cached"] for side in result["sides"])
    assert {name: kept(out)[name] for name in before} == before
