"""Lockstep of programs of a few lines of NumPy: what it finds, what it says of what it finds, what it leaves behind.

Most run in this process, behind the commands of a real worker; where one has to die, in worker processes.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_numpy import RIGHT, LocalSession, net_job, net_side, numpy_bench, numpy_driver, numpy_workers

from parity.compare.judge import Judge
from parity.compare.steps import compare_initial
from parity.court.judging import Court, Judged
from parity.errors import WorkerError
from parity.run import worker
from parity.run.digest import apart
from parity.run.exchange import Exchange
from parity.run.jobs import Bench, Job
from parity.run.lockstep import Lockstep
from parity.run.session import Session

NAMES = ("hidden.kernel", "hidden.bias", "out.kernel", "out.bias")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(worker, "driver_of", numpy_driver)
    with numpy_bench(tmp_path) as made:
        yield made


@dataclass
class Sides:
    """Programs open in lockstep."""

    lock: Lockstep
    jobs: Mapping[str, Job]

    @property
    def workers(self) -> dict[str, worker.Worker]:
        return {name: one.worker for name, one in self.lock.sessions.items()}  # type: ignore[attr-defined]

    def weights(self, side: str) -> dict[str, np.ndarray]:
        return {name: np.array(value) for name, value in self.workers[side].driver.weights().items()}

    def slots(self, side: str) -> dict[str, np.ndarray]:
        return {name: np.array(value) for name, value in self.workers[side].driver.slots().items()}


@pytest.fixture
def together(bench: Bench) -> Iterator[Any]:
    """Open programs, or jobs, in lockstep in this process."""
    numbers = itertools.count()
    with ExitStack() as stack:

        def open_them(sides: Mapping[str, str | Job], precision: str = "float64", **how: Any) -> Sides:
            jobs = {
                name: replace(one if isinstance(one, Job) else net_job(one, name), precision=precision)
                for name, one in sides.items()
            }
            sessions = {name: LocalSession(name) for name in jobs}
            for session in sessions.values():
                stack.callback(session.close)
            openings = {name: bench.opening(one) for name, one in jobs.items()}
            lock = Lockstep(sessions=sessions, openings=openings, root=bench.scratch / f"lockstep{next(numbers)}",
                            seed=9, precision=precision, **how)  # fmt: skip
            lock.open()
            return Sides(lock, jobs)

        yield open_them


def judged(sides: Sides, steps: int | list[int] = 3, witness: bool = False) -> Judged:
    """Judge every side by the first."""
    numbers = list(range(1, steps + 1)) if isinstance(steps, int) else steps
    first, *others = sides.jobs
    judges = [Judge(a=first, b=other, precision=sides.lock.precision) for other in others]
    resolved = {name: job.side for name, job in sides.jobs.items()} if witness else {}
    noted: list[int] = []
    found = Court(lock=sides.lock, judges=judges, sides=resolved).sit(numbers, noted.append)
    assert noted == numbers
    return found


def spoiled(condition: str, expression: str) -> str:
    """Return a program that goes on with an expression of ``value`` where a condition holds."""
    return f"""\
import numpy as np
RATE = 0.1
def spoil(phase, name, value, number):
    return {expression} if {condition} else value
"""


def places(judge: Judge) -> list[tuple[int, str, str]]:
    return [(place.step, place.phase, place.tensor) for place in judge.places]


# -------------------------------------------------------------------------------------------- clean pairs


def test_the_same_program_in_lockstep_is_identical(together: Any) -> None:
    sides = together({"a": RIGHT, "b": RIGHT})
    (one,) = judged(sides, 6).judges
    assert one.verdict() == ("identical", "bit for bit, in every tensor of 6 steps")
    assert one.tensors == {
        "batch": {"x", "y"}, "metric": {"predictions"}, "forward": {"hidden", "dropout", "out"}, "loss": {"loss"},
        "gradient": {"hidden", "dropout", "out", *NAMES}, "update": set(NAMES),
        "state": {"iterations", *(f"velocity/{name}" for name in NAMES)},
    }  # fmt: skip
    assert one.shapes["forward", "hidden"] == (2, 4), "the last batch of an epoch has two rows"
    assert (one.places, one.unmatched, one.unsteady) == ([], [], [])


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_same_program_whose_tensors_lie_otherwise_is_rounding(together: Any, precision: str) -> None:
    """Kernels transposed, velocities stored over the negative rate: through digests, state and noise."""
    sides = together({"a": RIGHT, "b": net_job(name="b", framework="torch")}, precision)
    transposed = sides.workers["b"].driver.read("hidden.kernel")
    assert transposed.shape == (4, 3)
    found = judged(sides, 6)
    (one,) = found.judges
    assert one.verdict()[0] == "rounding", one.verdict()
    overall = one.overall()
    assert overall is not None
    assert overall.difference < (1e-5 if precision == "float32" else 1e-14)
    assert one.tensors["update"] == set(NAMES)


def test_noise_is_measured_in_the_step_itself_and_is_rounding_in_size(together: Any) -> None:
    for precision, least, most in (("float64", 1e-18, 1e-14), ("float32", 1e-9, 1e-5)):
        rounding = judged(together({"a": RIGHT, "b": RIGHT}, precision), 1).rounding
        errors = rounding.errors["a"]
        for name in (("forward", "out"), ("gradient", "hidden.kernel"), ("update", "out.kernel")):
            assert least < errors[name] < most, (precision, name)
        assert rounding.noise("a", "b", ("batch", "x")) == 0.0


def test_an_update_is_what_a_step_adds_to_the_weights(together: Any) -> None:
    sides = together({"a": RIGHT})
    for number in range(3):
        before = sides.weights("a")
        sides.lock.take(number)
        (taken,) = sides.lock.replay(number).values()
        for name in NAMES:
            update, velocity = taken.tensor("update", name), taken.tensor("state", f"velocity/{name}")
            assert np.array_equal(update, sides.weights("a")[name] - before[name])
            assert update == pytest.approx(velocity, rel=1e-9, abs=1e-12)
            assert np.abs(update).max() > 1e-5


# ---------------------------------------------------------------------------------------------- one fault

FAULTS = [
    ("(phase, name) == ('forward', 'hidden')", "value * (1 + 1e-9)",
     [("forward", "hidden"), ("gradient", "hidden.kernel"), ("gradient", "hidden.bias")]),
    ("(phase, name) == ('forward', 'out')", "value + 1e-8", [("forward", "out")]),
    ("phase == 'loss'", "value * 1.000001", [("loss", "loss")]),
    ("(phase, name) == ('gradient', 'out')", "value * 0.5", [("gradient", "out")]),
    ("(phase, name) == ('gradient', 'hidden')", "value * 1.0000001", [("gradient", "hidden")]),
    ("(phase, name) == ('gradient', 'hidden.bias')", "value + 1e-7", [("gradient", "hidden.bias")]),
    ("(phase, name) == ('update', 'out.kernel')", "value * 1.0000001", [("update", "out.kernel")]),
    ("(phase, name) == ('state', 'hidden.kernel')", "value.astype(np.float32)",
     [("state", "velocity/hidden.kernel")]),
    ("phase == 'metric'", "value * 1.0000001", [("metric", "predictions")]),
]  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("begins", [1, 3])
@pytest.mark.parametrize(("condition", "expression", "made"), FAULTS, ids=[" ".join(one[2][0]) for one in FAULTS])
def test_a_planted_fault_is_named_at_its_place_and_made_nowhere_else(
    together: Any, condition: str, expression: str, made: list[tuple[str, str]], begins: int
) -> None:
    source = spoiled(f"({condition}) and number >= {begins - 1}", expression)
    (one,) = judged(together({"a": RIGHT, "b": source}), 4).judges
    verdict, says = one.verdict()
    assert verdict == "divergent"
    assert one.first is not None
    assert (one.first.step, one.first.phase, one.first.tensor, one.first.made) == (begins, *made[0], "here")
    assert says.startswith(f"first at step {begins}, {made[0][0]}, {made[0][1]}: they differ by ")
    assert [name for step, *name in places(one) if step == begins] == [list(name) for name in made]
    assert {step for step, *_ in places(one)} == {begins}
    assert all(place.exact and place.shape is not None for place in one.places)
    assert one.unmatched == []


def test_what_a_fault_in_a_layer_does_downstream_is_inherited(together: Any) -> None:
    source = spoiled("(phase, name) == ('forward', 'hidden')", "value * 1.5")
    sides = together({"a": RIGHT, "b": source})
    (one,) = judged(sides, 1).judges
    beyond = {phase for phase, kept in one.largest.items() if kept.beyond}
    assert beyond == {"forward", "loss", "gradient", "update", "state"}
    assert not {("forward", "out"), ("loss", "loss"), ("update", "out.kernel")} & {each.name for each in one.places}


def test_a_wrong_rate_from_step_5_on_is_found_at_step_5_in_the_update(together: Any) -> None:
    late = "RATE = 0.1\ndef before(number):\n    global RATE\n    RATE = 0.1 if number < 4 else 0.11\n"
    (one,) = judged(together({"a": RIGHT, "b": late}), 7).judges
    assert one.first is not None
    assert (one.first.step, one.first.phase, one.first.tensor, one.first.made) == (5, "update", "hidden.kernel", "here")
    assert set(places(one)) == {(5, "update", name) for name in NAMES} | {
        (5, "state", f"velocity/{name}") for name in NAMES
    }
    # No error is carried along: at step 6 and 7 the sides still start alike.
    assert one.largest["forward"].difference == one.largest["gradient"].difference == 0.0


def test_the_same_wrong_rate_is_found_at_the_first_checked_step_from_then_on(together: Any) -> None:
    late = "RATE = 0.1\ndef before(number):\n    global RATE\n    RATE = 0.1 if number < 4 else 0.11\n"
    (one,) = judged(together({"a": RIGHT, "b": late}), [1, 2, 4, 8]).judges
    assert one.first is not None
    assert (one.first.step, one.checked) == (8, [1, 2, 4, 8])


# ------------------------------------------------------------------------------------------ several faults


def test_two_independent_faults_are_both_listed(together: Any) -> None:
    source = """
        RATE = 0.2
        def spoil(phase, name, value, number):
            return value + 1e-6 if (phase, name) == ("forward", "out") else value
        """
    (one,) = judged(together({"a": RIGHT, "b": source}), 2).judges
    assert places(one)[0] == (1, "forward", "out")
    assert {name for step, phase, name in places(one) if phase == "update"} == set(NAMES)
    assert {phase for _, phase, _ in places(one)} == {"forward", "update", "state"}
    assert one.first is not None
    assert one.first.made == "here"


def test_faults_that_cancel_are_seen_once_each_is_given_right_inputs(together: Any) -> None:
    source = """
        RATE = 0.1
        def spoil(phase, name, value, number):
            if phase == "forward" and name == "hidden":
                return value * 2.0
            if phase == "forward" and name == "out":
                return value * 0.5
            return value
        """
    sides = together({"a": RIGHT, "b": source})
    # Biases of the output layer are 0 in the first step, so doubling and halving leave its output as it was.
    assert not sides.weights("a")["out.bias"].any()
    (one,) = judged(sides, 1).judges
    assert one.largest["forward"].tensor in ("hidden", "dropout")
    assert one.largest["loss"].difference == 0.0
    assert {("forward", "hidden"), ("forward", "out")} <= {place.name for place in one.places}
    assert ("forward", "dropout") not in {place.name for place in one.places}


def test_a_fault_that_comes_later_in_another_place_is_listed_beside_the_first(together: Any) -> None:
    source = """
        RATE = 0.1
        def spoil(phase, name, value, number):
            if (phase, name) == ("update", "out.bias"):
                return value * 1.5
            if (phase, name) == ("forward", "out") and number >= 2:
                return value + 1e-6
            return value
        """
    (one,) = judged(together({"a": RIGHT, "b": source}), 4).judges
    assert places(one) == [(1, "update", "out.bias"), (3, "forward", "out")]


TWO = """
RATE = 0.1
def spoil(phase, name, value, number):
    if (phase, name) == ("forward", "hidden"):
        return value * 1.01
    if (phase, name) == ("update", "out.kernel") and {when}:
        return value * 1.5
    return value
"""
"""A first fault makes everything behind it differ from the start, the update of ``out.kernel`` too."""

WAKE = {("forward", "hidden"), ("gradient", "hidden.kernel"), ("gradient", "hidden.bias")}


def test_a_later_fault_where_a_difference_was_inherited_is_listed_at_the_last_step(together: Any) -> None:
    sides = together({"a": RIGHT, "b": TWO.format(when="number >= 2")})
    found = judged(sides, 6, witness=True)
    (one,) = found.judges
    assert one.first is not None
    assert (one.first.step, one.first.name) == (1, ("forward", "hidden"))
    assert [place for place in places(one) if place[0] > 1] == [(6, "update", "out.kernel")]
    assert {place.name for place in one.places if place.step == 1} == WAKE
    assert (found.odd, one.amplified) == (["b"], [])


def test_a_later_fault_that_is_over_by_the_last_step_stays_hidden(together: Any) -> None:
    (one,) = judged(together({"a": RIGHT, "b": TWO.format(when="number == 2")}), 6).judges
    assert {place.name for place in one.places} == WAKE


def test_looking_for_hidden_faults_costs_one_look_whatever_the_number_of_steps(together: Any) -> None:
    def probes(steps: int) -> int:
        sides = together({"a": RIGHT, "b": TWO.format(when="False")})
        judged(sides, steps)
        return int(sides.lock.sessions["b"].asked.count("probe"))

    assert probes(12) - probes(6) == 6
    assert probes(6) - probes(1) <= 5 + 1 + 1 + 2, "a step each; taken again, guided, and measured"


def test_the_step_that_is_both_the_first_and_the_last_is_looked_at_once(together: Any) -> None:
    sides = together({"a": RIGHT, "b": TWO.format(when="False")})
    judged(sides, 1)
    assert sides.lock.sessions["b"].asked.count("probe") == 1 + 2 + 1 + 1


@pytest.mark.parametrize(("factor", "measured"), [("1 + 1e-10", 2 + 6), ("1.01", 2)])
def test_rounding_is_measured_well_only_where_that_could_change_the_answer(
    together: Any, factor: str, measured: int
) -> None:
    source = spoiled("(phase, name) == ('forward', 'hidden')", f"value * ({factor})")
    sides = together({"a": RIGHT, "b": source})
    (one,) = judged(sides, 1).judges
    assert one.first is not None
    assert (one.first.name, one.first.made) == (("forward", "hidden"), "here")
    assert sides.lock.sessions["b"].asked.count("probe") == 1 + measured + 1 + 1


def test_an_op_that_is_in_doubt_beside_clear_ones_is_measured_well(together: Any) -> None:
    """The fault at the outputs hides what else is apart; on equal inputs a second one shows, near rounding."""
    source = """
        RATE = 0.1
        def spoil(phase, name, value, number):
            if (phase, name) == ("forward", "hidden"):
                return value * 1.01
            return value * (1 + 1e-12) if (phase, name) == ("forward", "out") else value
        """
    sides = together({"a": RIGHT, "b": source})
    (one,) = judged(sides, 1).judges
    assert {("forward", "hidden"), ("forward", "out")} <= {place.name for place in one.places}
    assert sides.lock.sessions["b"].asked.count("probe") == 1 + 2 + 1 + 1 + 6


NOISE_ONLY = """
import numpy as np
RATE = 0.1
def spoil(phase, name, value, number):
    if (phase, name) == ("gradient", "hidden.bias"):
        unit = np.finfo(value.dtype).eps
        return (np.sin(value.astype(np.float64) * 1e4 / unit) * unit).astype(value.dtype)
    if (phase, name) == ("update", "hidden.bias"):
        return {update}
    return {rest}
"""
"""The gradient of a bias is nothing but rounding."""


def test_noise_that_a_step_makes_large_is_rounding_and_said_to_be(together: Any) -> None:
    sign = "0.1 * np.sign(value)"
    unit = "value.dtype.type(1 + np.finfo(value.dtype).eps)"
    rounds = f"value * {unit} if (phase, name) == ('forward', 'out') else value"
    sides = {"a": NOISE_ONLY.format(update=sign, rest="value"), "b": NOISE_ONLY.format(update=sign, rest=rounds)}
    (one,) = judged(together(sides), 6).judges
    assert one.verdict()[0] == "rounding", one.verdict()
    assert one.amplified
    assert all(", update, hidden.bias: " in text for text in one.amplified)
    assert one.largest["update"].beyond
    assert not one.largest["gradient"].beyond, "as large as itself, and allowed to be"
    # An optimizer that does something else to it is still found.
    sides["b"] = NOISE_ONLY.format(update="0.2 * np.sign(value)", rest=rounds)
    (one,) = judged(together(sides), 6).judges
    assert one.first is not None
    assert [place.name for place in one.places] == [("update", "hidden.bias")]


def test_how_close_rounding_comes_to_its_limit_is_known(together: Any) -> None:
    rounds = spoiled("(phase, name) == ('forward', 'out')", "(value * 3.0) / 3.0")
    (one,) = judged(together({"a": RIGHT, "b": rounds}), 6).judges
    assert one.verdict()[0] == "rounding"
    assert 0.0 < one.closest["forward"] < 1.0
    assert "batch" not in one.closest, "nothing is allowed there"


@pytest.mark.parametrize("lacking", ["a", "b"])
def test_a_gradient_of_zeros_is_equal_to_none(together: Any, lacking: str) -> None:
    condition = "(phase, name) == ('gradient', 'hidden.kernel')"
    sources = dict.fromkeys("ab", spoiled(condition, "value * 0.0")) | {lacking: spoiled(condition, "None")}
    (one,) = judged(together(sources), 3).judges
    assert (one.verdict()[0], one.unmatched) == ("identical", [])


def test_a_parameter_without_a_gradient_is_one_of_zeros(together: Any) -> None:
    frozen = spoiled("(phase, name) == ('gradient', 'hidden.kernel')", "None")
    (one,) = judged(together({"a": RIGHT, "b": frozen}), 1).judges
    assert one.first is not None
    assert (one.first.name, one.first.difference, one.first.made) == (("gradient", "hidden.kernel"), 1.0, "here")
    assert one.unmatched == ["hidden.kernel (gradient): only a has it"]


def test_other_rows_part_at_the_batch_and_everything_else_inherits_it(together: Any) -> None:
    other = replace(net_job(name="b"), side=net_side("b", **{"training.shuffle": False}))
    (one,) = judged(together({"a": RIGHT, "b": other}), 2).judges
    assert one.first is not None
    assert (one.first.step, one.first.phase, one.first.tensor) == (1, "batch", "x")
    assert {place.phase for place in one.places} == {"batch"}
    assert one.unmatched == []


def test_a_side_that_becomes_nan_parts_there_and_both_alike_settle_nothing(together: Any) -> None:
    lost = spoiled("(phase, name) == ('gradient', 'out.bias') and number == 2", "value * np.nan")
    (one,) = judged(together({"a": RIGHT, "b": lost}), 4).judges
    assert one.first is not None
    assert (one.first.step, one.first.name) == (3, ("gradient", "out.bias"))
    (both,) = judged(together({"a": lost, "b": lost}), 4).judges
    assert both.verdict() == ("inconclusive", "a is not finite from step 3 on, on both sides alike")


def test_sides_that_lose_themselves_alike_after_rounding_settle_nothing_either(together: Any) -> None:
    """Nothing is looked at then but digests."""
    lost = spoiled("(phase, name) == ('gradient', 'out.bias') and number == 2", "value * np.nan")
    sides = together({"a": lost, "b": net_job(lost, "b", framework="torch")})
    (one,) = judged(sides, 4).judges
    assert one.verdict()[0] == "inconclusive", one.verdict()


# --------------------------------------------------------------------------------- witnesses and majorities


@pytest.mark.parametrize("wrong", ["a", "b"])
def test_the_reference_in_numpy_says_which_side_is_the_odd_one(together: Any, wrong: str) -> None:
    sources = {"a": RIGHT, "b": RIGHT} | {wrong: spoiled("(phase, name) == ('forward', 'hidden')", "value * 1.01")}
    found = judged(together(sources), 2, witness=True)
    assert found.odd == [wrong]
    assert {one.side: one.place and one.place.name for one in found.witnesses} == {
        "a": None, "b": None, wrong: ("forward", "hidden")
    }  # fmt: skip


@pytest.mark.parametrize("wrong", ["a", "b"])
def test_how_slots_start_is_each_sides_own_and_the_reference_in_numpy_says_whose_is_wrong(
    together: Any, wrong: str
) -> None:
    sources = {"a": RIGHT, "b": RIGHT} | {wrong: "RATE = 0.1\nSTART = 0.5\n"}
    found = judged(together(sources), 3, witness=True)
    (one,) = found.judges
    assert one.verdict()[0] == "divergent"
    assert {place[:2] for place in places(one)} == {(1, "update"), (1, "state")}, "from step 2 on both start alike"
    assert found.odd == [wrong]


def test_in_low_precision_the_reference_in_numpy_is_not_asked(together: Any) -> None:
    """It is further from every side than they are from each other."""
    wrong = spoiled("(phase, name) == ('forward', 'hidden')", "value * 1.01")
    found = judged(together({"a": RIGHT, "b": wrong}, "float32"), 2, witness=True)
    assert found.judges[0].verdict()[0] == "divergent"
    assert (found.witnesses, found.odd) == ([], [])
    three = judged(together({"a": RIGHT, "b": wrong, "c": RIGHT}, "float32"), 2, witness=True)
    assert three.odd == ["b"], "a majority needs none"


def test_clean_sides_need_no_witness(together: Any) -> None:
    found = judged(together({"a": RIGHT, "b": RIGHT}), 2, witness=True)
    assert (found.witnesses, found.odd) == ([], [])


def test_of_three_sides_the_majority_is_right(together: Any) -> None:
    wrong = spoiled("phase == 'loss'", "value * 2")
    for odd in ("a", "c"):
        found = judged(together({"a": RIGHT, "b": RIGHT, "c": RIGHT} | {odd: wrong}), 1, witness=True)
        assert found.odd == [odd]
        assert [one.side for one in found.witnesses if one.place] == [odd]


# ---------------------------------------------------------------------------------------- unsteady programs

UNSTEADY = """
import itertools
import shutil
RATE = 0.1
COUNTER = itertools.count()
def spoil(phase, name, value, number):
    if (phase, name) == ("forward", "hidden"):
        return value * (1 + 1e-9 * (next(COUNTER) % 3))
    return value
"""


def test_a_program_that_does_not_repeat_itself_is_called_unsteady_and_not_divergent(together: Any) -> None:
    (one,) = judged(together({"a": RIGHT, "b": UNSTEADY}), 6).judges
    assert one.verdict()[0] == "rounding", one.verdict()
    assert one.first is None
    assert one.unsteady
    for text in one.unsteady:
        assert text.startswith("b does not repeat itself: step ")
        assert "taken twice from the same state, differs by " in text


def test_what_is_wrong_with_an_unsteady_program_is_found_all_the_same(together: Any) -> None:
    (one,) = judged(together({"a": RIGHT, "b": UNSTEADY.replace("RATE = 0.1", "RATE = 0.11")}), 3).judges
    assert one.first is not None
    assert one.first.phase == "update"
    assert one.unsteady


def test_steady_programs_are_not_called_unsteady(together: Any) -> None:
    (one,) = judged(together({"a": RIGHT, "b": spoiled("phase == 'update'", "value * 1.01")}), 3).judges
    assert one.unsteady == []


# --------------------------------------------------------------------------------------- low precision


def test_in_float32_a_difference_of_meaning_stands_out_from_rounding(together: Any) -> None:
    (one,) = judged(together({"a": RIGHT, "b": spoiled("phase == 'update'", "value * 1.001")}, "float32"), 2).judges
    assert one.first is not None
    assert (one.first.phase, one.first.made) == ("update", "here")


def test_a_side_that_computes_coarsely_in_float32_is_less_accurate(together: Any) -> None:
    """Within what its own rounding explains, but far from its own float64 step, in every step."""
    coarse = spoiled(
        "(phase, name) == ('forward', 'hidden') and value.dtype == np.float32",
        "value.astype(np.float16).astype(np.float32)",
    )
    (one,) = judged(together({"a": RIGHT, "b": coarse}, "float32"), 4).judges
    assert one.first is None
    assert (("forward", "hidden") in [name for name, _ in one.inaccurate]) is True
    assert one.verdict()[0] == "divergent"
    assert one.verdict()[1].startswith("b is less accurate in float32")
    (other,) = judged(together({"a": coarse, "b": RIGHT}, "float32"), 4).judges
    assert other.inaccurate == []


def test_measuring_rounding_leaves_the_programs_where_the_step_left_them(together: Any) -> None:
    for precision in ("float64", "float32"):
        sides = together({"a": RIGHT, "b": RIGHT}, precision)
        for number in range(3):
            sides.lock.take(number)
            kept = [(sides.weights(side), sides.slots(side)) for side in "ab"]
            sides.lock.shadows(number, ["a", "b"], 4)
            for side, (weights, slots) in zip("ab", kept, strict=True):
                assert all(np.array_equal(sides.weights(side)[name], value) for name, value in weights.items())
                assert all(np.array_equal(sides.slots(side)[name], value) for name, value in slots.items())


def test_shadows_are_taken_in_the_other_precision_from_states_one_unit_apart(together: Any) -> None:
    sides = together({"a": RIGHT, "b": RIGHT})
    sides.lock.take(0)
    found = sides.lock.shadows(0, ["a"], 3)["a"]
    assert len(found) == 3
    losses = [one.loss for one in found]
    assert len(set(losses)) > 1
    assert all(np.float32(loss) == pytest.approx(losses[0], rel=1e-5) for loss in losses)
    assert not found[0].same(found[1])


def test_a_step_that_rounds_more_than_the_first_one_is_measured_before_it_is_judged(together: Any) -> None:
    """From step 3 on digits cancel on one side; what that does to it, it also does to its float32 step."""
    cancels = spoiled("(phase, name) == ('forward', 'out') and number >= 2", "(value + 2.0**20) - 2.0**20")
    (one,) = judged(together({"a": cancels, "b": RIGHT}), 5).judges
    assert one.verdict()[0] == "rounding", one.verdict()
    overall = one.overall()
    assert overall is not None
    assert (overall.step >= 3, overall.difference > 1e-12) == (True, True)
    off = spoiled("(phase, name) == ('forward', 'out') and number >= 2", "value + 2.0**-15")
    (other,) = judged(together({"a": cancels, "b": off}), 5).judges
    assert other.first is not None
    assert (other.first.step, other.first.name) == (3, ("forward", "out"))


def test_the_float64_step_beside_a_float32_one_reads_the_data_as_they_are(together: Any, bench: Bench) -> None:
    """Rounding the data is part of what a program in low precision does."""
    sides = together({"a": RIGHT, "b": RIGHT}, "float32")
    assert np.array_equal(sides.workers["a"].x, bench.dataset.x)
    plain = together({"a": RIGHT}, "float64")
    taken, exact = sides.lock.take(0), plain.lock.take(0)
    (shadow,) = sides.lock.shadows(0, ["a"], 1)["a"]
    assert sides.workers["a"].shadow.precision == "float64"  # type: ignore[union-attr]
    # Both start from weights that float32 holds or float64 does: at 1e-8 and not at 1e-7 of each other.
    hidden = ("forward", "hidden")
    assert apart(shadow.digests[hidden], taken["a"].digests[hidden]) > 1e-8
    assert apart(shadow.digests[hidden], exact["a"].digests[hidden]) < 1e-6
    assert sides.workers["a"].driver.read("out.kernel").dtype == np.float32


# --------------------------------------------------------------------------------------- going on and back


def test_workers_are_used_again_where_the_last_lockstep_was_removed(bench: Bench) -> None:
    """Under the same name: what they had open there is not what is read now."""
    jobs = {name: net_job(RIGHT, name) for name in ("a", "b")}
    sessions = {name: LocalSession(name) for name in jobs}
    root, said = bench.scratch / "lockstep", []
    with ExitStack() as stack:
        for session in sessions.values():
            stack.callback(session.close)
        for _ in range(2):
            openings = {name: bench.opening(one) for name, one in jobs.items()}
            lock = Lockstep(sessions=sessions, openings=openings, root=root, seed=9, precision="float64")
            lock.open()
            said.append(judged(Sides(lock=lock, jobs=jobs), 3).judges[0].verdict())
            shutil.rmtree(root)
    assert said[0] == said[1]


def test_a_step_taken_again_gives_the_same_digests(together: Any) -> None:
    sides = together({"a": RIGHT, "b": spoiled("phase == 'update'", "value * 1.1")})
    for number in range(3):
        taken, again = sides.lock.take(number), sides.lock.replay(number)
        for side in "ab":
            assert taken[side].same(again[side])
            assert taken[side].folder is None
            with pytest.raises(ValueError, match="were not kept"):
                taken[side].tensor("forward", "out")
            assert again[side].tensor("forward", "out").shape == ((4, 2) if number < 2 else (2, 2))
        assert not taken["a"].same(taken["b"])


def test_steps_that_are_not_checked_end_in_the_same_state_as_checked_ones(together: Any) -> None:
    one, other = together({"a": RIGHT, "b": RIGHT}), None
    for number in range(8):
        last = one.lock.take(number)
    kept = one.weights("a"), one.slots("a")
    other = together({"a": RIGHT, "b": RIGHT})
    other.lock.take(2)
    jumped = other.lock.take(7)
    assert jumped["a"].same(last["a"])
    assert jumped["b"].same(last["b"])
    assert all(np.array_equal(other.weights("a")[name], value) for name, value in kept[0].items())
    assert all(np.array_equal(other.slots("a")[name], value) for name, value in kept[1].items())
    assert other.lock.sessions["a"].asked.count("advance") == 2
    assert "advance" not in other.lock.sessions["b"].asked, "the others take the state over"


def test_looking_twice_does_not_change_where_the_reference_goes(together: Any) -> None:
    """Replays, guided steps and nudged ones stand between the checked steps of one run and not of the other."""
    wrong = spoiled("phase == 'update'", "value * 1.1")
    for precision in ("float64", "float32"):
        looked, plain = (together({"a": RIGHT, "b": wrong}, precision) for _ in range(2))
        judged(looked, [1, 2, 4, 7])
        for number in range(7):
            plain.lock.take(number)
        assert all(np.array_equal(plain.weights("a")[name], value) for name, value in looked.weights("a").items())


def test_a_clean_pair_that_is_not_identical_is_looked_at_once(together: Any) -> None:
    """Digests say enough: a replay at every step would cost a lockstep twice its time."""
    sides = together({"a": RIGHT, "b": net_job(name="b", framework="torch")})
    judged(sides, 8)
    probes = sides.lock.sessions["a"].asked.count("probe")
    assert probes <= 8 + 2 * 3 + 6, "a step each, and a few looks at most"


def test_a_known_difference_is_not_looked_at_again(together: Any) -> None:
    def probes(steps: int) -> int:
        sides = together({"a": RIGHT, "b": spoiled("phase == 'update'", "value * 1.1")})
        judged(sides, steps)
        return int(sides.lock.sessions["b"].asked.count("probe"))

    assert probes(12) - probes(6) == 6


# ------------------------------------------------------------------------------- slots nobody else has


def without_slots(name: str) -> Job:
    """Return a job whose slots the harness does not know."""
    made = net_job(name=name)
    return replace(made, program=replace(made.program, bindings=replace(made.program.bindings, slots={})))


def test_slots_that_the_reference_does_not_have_are_carried_by_the_side_itself(together: Any) -> None:
    sides = together({"a": without_slots("a"), "b": RIGHT})
    velocities = []
    for number in range(4):
        sides.lock.take(number)
        after = sides.slots("b")["velocity/out.bias"]
        sides.lock.replay(number)
        assert np.array_equal(sides.slots("b")["velocity/out.bias"], after), "taken again, it starts where it did"
        sides.lock.shadows(number, ["b"], 3)
        reference = sides.lock.replay(number)["a"]
        sides.lock.guided(number, ["b"], reference)
        gradient = sides.lock.replay(number)["b"].tensor("gradient", "out.bias")
        velocities.append((np.array(gradient), after))
    expected = np.zeros(2)
    for gradient, after in velocities:
        expected = 0.5 * expected - 0.1 * gradient
        assert after == pytest.approx(expected, rel=1e-12), "from what the step before left, whatever was tried since"


def test_a_judge_tells_of_the_slots_and_holds_nothing_against_them(together: Any) -> None:
    (one,) = judged(together({"a": without_slots("a"), "b": RIGHT}), 1).judges
    assert one.unmatched == ["optimizer slot velocity: only b has it"]
    assert one.first is None, "the reference's own velocity is hidden from the harness, and both begin with zeros"


NO_MOMENTUM = """
RATE = 0.1
def spoil(phase, name, value, number):
    return value * 0.0 if phase == "state" and name != "iterations" else value
"""


def test_own_slots_go_from_checked_step_to_checked_step_whatever_was_tried_in_between(together: Any) -> None:
    """Over steps that are not checked they stay; replays, guided and nudged steps leave no trace in them."""
    plain_sgd = replace(without_slots("a"), program=replace(without_slots("a").program, source=NO_MOMENTUM))
    wrong = spoiled("(phase, name) == ('gradient', 'out')", "value * 1.5")
    plain, looked = (together({"a": plain_sgd, "b": wrong}) for _ in range(2))
    for sides, look in ((plain, False), (looked, True)):
        for number in (0, 1, 5, 6):
            sides.lock.take(number)
            left = sides.slots("b")["velocity/out.bias"]
            if look:
                replay = sides.lock.replay(number)
                sides.lock.guided(number, ["b"], replay["a"])
                sides.lock.shadows(number, ["b"], 2)
    last = [sides.lock.take(7)["b"] for sides in (plain, looked)]
    assert last[0].same(last[1])
    for sides in (plain, looked):
        assert np.array_equal(sides.workers["b"].own.kept["slots/velocity/out.bias"], left)


FORGETS = """
import numpy as np
RATE = 0.1
KEPT = {"sum": np.zeros((4, 2))}
def spoil(phase, name, value, number):
    if (phase, name) == ("gradient", "out.kernel"):
        value = KEPT["sum"] = KEPT["sum"] + value
    return value
"""
"""A program that forgets to set to zero what it adds gradients up in."""


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_what_a_step_leaves_behind_acts_on_the_next_one_once_however_often_it_is_taken(
    together: Any, precision: str
) -> None:
    (one,) = judged(together({"a": RIGHT, "b": FORGETS}, precision), 4).judges
    assert one.first is not None
    assert (one.first.step, one.first.name, one.first.made) == (2, ("gradient", "out.kernel"), "here")
    assert places(one) == [(2, "gradient", "out.kernel")]
    assert one.unsteady == [], "taken again, a step starts from what the one before left"
    (reference,) = judged(together({"a": FORGETS, "b": RIGHT}, precision), 4).judges
    assert (reference.first is not None, reference.unsteady) == (True, [])


def test_what_no_driver_knows_of_cannot_be_put_back_and_is_called_unsteady(together: Any) -> None:
    (one,) = judged(together({"a": RIGHT, "b": FORGETS.replace("KEPT", "HIDDEN")}), 3).judges
    assert one.unsteady


# --------------------------------------------------------------------------------------- updates counted


def test_another_count_of_updates_is_found_in_the_state(together: Any) -> None:
    counts = spoiled("(phase, name) == ('state', 'iterations') and number >= 2", "value + 1")
    (one,) = judged(together({"a": RIGHT, "b": counts}), 4).judges
    assert one.first is not None
    assert (one.first.step, one.first.name, one.first.made, one.first.shape) == (3, ("state", "iterations"), "here", ())
    assert one.first.values == (3.0, 4.0)
    assert [place.name for place in one.places] == [("state", "iterations")]


@pytest.mark.parametrize("without", ["a", "b"])
def test_a_program_that_counts_no_updates_is_not_held_to_the_count(together: Any, without: str) -> None:
    silent = spoiled("(phase, name) == ('state', 'iterations')", "None")
    (one,) = judged(together({"a": RIGHT, "b": RIGHT} | {without: silent}), 3).judges
    assert (one.verdict()[0], one.unmatched) == ("identical", [])
    assert "iterations" not in one.tensors["state"]


# --------------------------------------------------------------------------------------- other beginnings


@pytest.mark.parametrize("framework", ["keras", "torch"])
@pytest.mark.parametrize("wide", ["a", "b"])
def test_a_parameter_of_another_shape_stays_the_sides_own(together: Any, wide: str, framework: str) -> None:
    """The model differs, which is said before any step; what it computes is compared as far as it can be."""
    jobs = {"a": net_job(name="a"), "b": net_job(name="b")}
    jobs[wide] = net_job(name=wide, framework=framework, **{"layers.hidden.units": 5})
    for precision in ("float64", "float32"):
        sides = together(jobs, precision)
        start = sides.weights("b")["hidden.kernel"]
        (one,) = judged(sides, 3, witness=True).judges
        assert one.first is not None
        assert (one.first.step, one.first.name) == (1, ("forward", "hidden"))
        assert one.unsteady == [], "taken again, it starts where it did"
        assert sides.weights("b")["hidden.kernel"].shape == (3, 5 if wide == "b" else 4)
        assert 0.0 < np.abs(sides.weights("b")["hidden.kernel"] - start).max() < 0.1, "three steps on"


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_parameter_that_only_the_other_side_has_moves_by_its_own_steps(together: Any, precision: str) -> None:
    lacks = net_job(name="a", **{"layers.out.use_bias": False})
    sides = together({"a": lacks, "b": RIGHT}, precision)
    values = [sides.weights("b")["out.bias"]]
    for number in range(3):
        sides.lock.take(number)
        values.append(sides.weights("b")["out.bias"])
        replay = sides.lock.replay(number)
        assert np.array_equal(sides.weights("b")["out.bias"], values[-1]), "taken again, it starts where it did"
        moved = replay["b"].tensor("state", "velocity/out.bias")
        assert values[-1] - values[-2] == pytest.approx(moved, rel=1e-5), "and goes on from where it was first left"
        sides.lock.guided(number, ["b"], replay["a"])
        sides.lock.shadows(number, ["b"], 2)
    (one,) = judged(together({"a": lacks, "b": RIGHT}, precision), 3, witness=True).judges
    assert one.unsteady == []
    assert one.first is not None, "from the second step on the bias is not 0"
    assert (one.first.step, one.first.name) == (2, ("forward", "out"))
    (other,) = judged(together({"a": RIGHT, "b": lacks}, precision), 3, witness=True).judges
    assert other.unsteady == []


def test_other_initial_weights_are_found_before_a_step_and_not_carried_on(together: Any, bench: Bench) -> None:
    sides = together({"a": RIGHT, "b": RIGHT})
    a, b = (bench.opening(sides.jobs[side])["weights"]["out.kernel"] for side in "ab")
    one = Judge(a="a", b="b")
    compare_initial(one, 0, "out.kernel", np.load(a), np.load(b) + 1e-3)
    assert places(one) == [(1, "weights", "out.kernel")]
    sides.workers["b"].driver.set_weights(lambda name: np.zeros(1) if name == "none" else None)
    taken = sides.lock.take(0)
    assert taken["a"].same(taken["b"]), "both start from the reference's state"


def test_the_published_state_is_the_references(together: Any) -> None:
    sides = together({"a": RIGHT, "b": net_job(spoiled("phase == 'update'", "value * 3"), "b", framework="torch")})
    for number in range(3):
        before = sides.weights("a"), sides.slots("a")
        sides.lock.take(number)
        state = Exchange(sides.lock.state)
        assert all(np.array_equal(state.get(f"weights/{name}"), value) for name, value in before[0].items())
        assert all(np.array_equal(state.get(f"slots/{name}"), value) for name, value in before[1].items())


# -------------------------------------------------------------------------------------- in worker processes


def in_processes(bench: Bench, sources: Mapping[str, str], steps: int) -> Judge:
    """Run programs in lockstep, each in a worker of its own."""
    jobs = {name: replace(net_job(source, name), precision="float64") for name, source in sources.items()}
    sessions = {name: Session(name, log=bench.logs / f"{name}.log", timeout=60.0) for name in jobs}
    try:
        openings = {name: bench.opening(one) for name, one in jobs.items()}
        lock = Lockstep(sessions=sessions, openings=openings, root=bench.scratch / "lockstep", seed=9)
        lock.open()
        return judged(Sides(lock, jobs), steps).judges[0]
    finally:
        for session in sessions.values():
            session.close()


def test_worker_processes_say_the_same_as_this_one(
    bench: Bench, together: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    numpy_workers(monkeypatch)
    sources = {"a": RIGHT, "b": spoiled("(phase, name) == ('forward', 'out') and number == 2", "value + 1e-6")}
    apart, here = in_processes(bench, sources, 4), judged(together(sources), 4).judges[0]
    assert (apart.verdict(), apart.places) == (here.verdict(), here.places)
    assert apart.first is not None
    assert apart.first.step == 3


@pytest.mark.parametrize("at", [0, 2])
def test_a_side_that_dies_in_lockstep_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    numpy_workers(monkeypatch)
    dies = f"import os\nRATE = 0.1\ndef before(number):\n    if number == {at}:\n        os._exit(7)\n"
    with pytest.raises(WorkerError, match=r"^side b: its process ended with exit code 7"):
        in_processes(bench, {"a": RIGHT, "b": dies}, 6)


def test_a_side_that_fails_in_lockstep_is_named(together: Any) -> None:
    fails = "RATE = 0.1\ndef before(number):\n    number / (number - 1)\n"
    with pytest.raises(WorkerError, match=r"^side b: ZeroDivisionError"):
        judged(together({"a": RIGHT, "b": fails}), 3)


def test_where_a_side_fails_the_others_are_heard_out(tmp_path: Path) -> None:
    """Else what they answered to this is taken for an answer to what they are asked next."""
    heard: list[str] = []

    class Answering:
        def __init__(self, name: str) -> None:
            self.name = name

        def start(self, command: str, **payload: Any) -> None:
            del command, payload

        def finish(self) -> dict[str, Any]:
            heard.append(self.name)
            if self.name == "a":
                raise WorkerError("a", "no")
            return {"device": "cpu"}

    sessions: Any = {name: Answering(name) for name in ("a", "b", "c")}
    openings = {name: {"plan": {}} for name in sessions}
    with pytest.raises(WorkerError, match="no"):
        Lockstep(sessions=sessions, openings=openings, root=tmp_path, seed=0).open()
    assert heard == ["a", "b", "c"]
