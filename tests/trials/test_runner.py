"""The runner of counterfactual runs, and runs that are looked at on their way and may end early.

Real worker processes, whose framework is a few lines of NumPy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_numpy import net_job, numpy_bench, numpy_workers

from parity.errors import WorkerError
from parity.explain.search import SpentError
from parity.run.freerun import SAMPLE
from parity.run.jobs import Bench, Job
from parity.run.randomness import evenly
from parity.run.session import Session
from parity.run.trace import read_trace
from parity.run.trajectory import Measured, Trajectory
from parity.spec.resolve import Resolved
from parity.trials.runner import GUESSED, LATER, URGENT, Runner

STEPS, CHECKPOINTS = 8, (2, 4, 6, 8)


@dataclass
class Desk:
    """As much of a command's work as a runner needs."""

    shared: Bench
    started: list[Session] = field(default_factory=list)
    sides: list[Resolved] = field(default_factory=list)

    def bench(self, side: Resolved) -> Bench:
        """Return what runs share."""
        return self.shared

    def session(self, side: Resolved, log: str) -> Session:
        """Start a worker."""
        self.started.append(Session(side.name, log=self.shared.logs / f"{log}.log", timeout=60.0))
        return self.started[-1]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """What runs share, with workers that know no framework but the one in ``helpers_numpy_driver``."""
    numpy_workers(monkeypatch)
    with numpy_bench(tmp_path) as made:
        one = Desk(made)
        yield one
        for session in one.started:
            session.close()


@pytest.fixture
def runner(desk: Desk) -> Iterator[Runner]:
    """A runner with its two threads."""
    with Runner(work=desk) as made:  # type: ignore[arg-type]
        yield made


@dataclass(frozen=True)
class Ends:
    """Ends a run at its first checkpoint from a step on, or never; reads metrics from another step on."""

    step: int | None = None
    read: int = 0

    def plain(self) -> dict[str, Any]:
        """Return what decides."""
        return {"step": self.step}

    def reads(self, losses: Sequence[float], steps: int) -> bool:
        """Say from which step on."""
        return len(losses) >= self.read

    def decided(self, losses: Sequence[float], curve: Sequence[Measured], steps: int) -> str:
        """Say so."""
        assert len(losses) < steps
        assert [one.step for one in curve if one.step >= self.read] == [one.step for one in curve]
        assert not self.reads(losses, steps) or curve[-1].step == len(losses)
        return f"{self.step} is enough" if self.step is not None and len(losses) >= self.step else ""


def job(source: str = "RATE = 0.1\n", name: str = "keras", **more: Any) -> Job:
    given = {"checkpoints": CHECKPOINTS, "threads": 1, **more}
    return replace(net_job(source, name, STEPS), **given)


def kept(desk: Desk) -> int:
    return len(list(desk.shared.store.folder.glob("*.json")))


def known(points: Sequence[Measured]) -> dict[int, float]:
    return {one.step: one.metrics["accuracy"] for one in points}


# ------------------------------------------------------------------------------------- runs in pieces


def test_a_run_that_is_looked_at_on_its_way_is_the_same_run(runner: Runner) -> None:
    plain = runner.start(job(checkpoints=())).result()
    looked = runner.start(job(checkpoints=CHECKPOINTS)).result()
    odd = runner.start(job(checkpoints=(1, 3, 5))).result()
    assert plain.losses == looked.losses == odd.losses
    assert known(plain.measured) == known(looked.measured) == known(odd.measured)
    assert [one.running_loss for one in plain.measured] == [one.running_loss for one in odd.measured]
    assert len({plain.key, looked.key, odd.key}) == 3, "what is recorded is not the same"
    assert plain.curve == ()


def test_the_curve_has_the_start_every_checkpoint_and_the_end(runner: Runner) -> None:
    run = runner.start(job(checkpoints=(1, 5))).result()
    assert list(known(run.curve)) == [0, 1, 5, STEPS]
    # Ten rows are fewer than a sample has: it is all of them.
    assert known(run.curve)[STEPS] == known(run.measured)[STEPS]


def test_a_sample_is_spread_evenly_over_the_rows() -> None:
    assert np.arange(10)[evenly(10, SAMPLE)].tolist() == list(range(10))
    rows = np.arange(1000)[evenly(1000, SAMPLE)]
    assert len(rows) == len(set(rows)) == SAMPLE
    assert set(np.diff(rows)) <= {7, 8}
    assert (rows[0], rows[-1]) == (0, 999)
    assert len(np.arange(1000)[evenly(1000, None)]) == 1000


def test_the_ends_of_a_run_are_kept_where_they_are_asked_for(runner: Runner, desk: Desk) -> None:
    run = runner.start(job(ends=True)).result()
    whole = runner.start(job(trace=True, checkpoints=())).result()
    ends, trace = (read_trace(desk.shared.store.trace(one.key)) for one in (run, whole))
    assert {len(rows) for rows in ends.values()} == {2}
    assert ("weights", "out.kernel") in ends
    for name, rows in ends.items():
        assert rows[0].tobytes() == trace[name][0].tobytes()
        assert rows[1].tobytes() == trace[name][-1].tobytes()


def test_the_ends_of_a_run_that_ended_early_are_kept_under_its_own_name(runner: Runner, desk: Desk) -> None:
    early = runner.start(job(ends=True, until=Ends(4))).result()
    whole = runner.start(job(ends=True)).result()
    traces = [read_trace(desk.shared.store.trace(one.key)) for one in (early, whole)]
    start, end = (
        [(trace["weights", "out.kernel"][at]["projections"]).tolist() for trace in traces] for at in (0, 1)
    )  # fmt: skip
    assert start[0] == start[1]
    assert end[0] != end[1]


def test_all_rows_are_measured_after_each_epoch_or_only_at_the_end(runner: Runner) -> None:
    each, last = (runner.start(job(epochs=epochs)).result() for epochs in (True, False))
    assert len(each.measured) > 1
    assert [one.metrics for one in last.measured] == [each.measured[-1].metrics]
    assert (last.measured[0].step, last.losses, last.final) == (STEPS, each.losses, each.final)


@pytest.mark.parametrize("until", [None, Ends(4)])
def test_a_run_that_is_about_something_else_measures_no_rows(runner: Runner, until: Ends | None) -> None:
    whole = runner.start(job(until=until, curve=False, epochs=False)).result()
    bare = runner.start(job(until=until, curve=False, epochs=False, metrics=False)).result()
    assert (bare.losses, bare.stopped) == (whole.losses, whole.stopped)
    assert (bare.measured, bare.final) == ((), {})
    assert bare.key != whole.key


# ------------------------------------------------------------------------------------- runs that end early


def test_a_run_ends_at_the_checkpoint_where_its_fate_is_decided(runner: Runner) -> None:
    early = runner.start(job(until=Ends(3))).result()
    whole = runner.start(job()).result()
    assert early.stopped == "3 is enough"
    assert early.losses == whole.losses[:4], "the next checkpoint after step 3"
    assert early.curve == whole.curve[:3]
    assert early.measured[-1].step == 4, "all rows are measured where it ends"
    assert (whole.stopped, len(whole.losses)) == ("", STEPS)


def test_a_run_without_a_curve_is_looked_at_where_its_rule_reads(runner: Runner) -> None:
    whole = runner.start(job()).result()
    assert not runner.begun(job(curve=False, until=Ends(3), threads=2))
    early = runner.start(job(curve=False, until=Ends(5, read=3), threads=2)).result()
    never = runner.start(job(curve=False, until=Ends(None, read=99), threads=2)).result()
    assert early.curve == whole.curve[2:4], "after steps 4 and 6"
    assert (early.stopped, early.losses) == ("5 is enough", whole.losses[:6])
    assert (never.curve, never.losses, never.measured) == ((), whole.losses, whole.measured)


def test_a_run_with_a_curve_does_for_one_without_and_not_the_other_way(runner: Runner, desk: Desk) -> None:
    bare = runner.start(job(curve=False)).result()
    assert not runner.begun(job())
    looked = runner.start(job()).result()
    assert (len(bare.curve), len(looked.curve)) == (0, 1 + len(CHECKPOINTS))
    assert runner.start(job(curve=False, until=Ends(2))).result().key == looked.key
    other = job(curve=False, until=Ends(None), threads=2)
    assert runner.start(other).result().key != looked.key
    assert runner.begun(replace(other, until=Ends(2)))
    assert (runner.made, kept(desk)) == (3, 3)


def test_a_run_that_might_have_ended_early_and_did_not_is_the_whole_run(runner: Runner, desk: Desk) -> None:
    went_on = runner.start(job(until=Ends(None))).result()
    assert went_on.stopped == ""
    whole = runner.start(job()).result()
    other_rule = runner.start(job(until=Ends(99))).result()
    assert whole.key == other_rule.key == went_on.key
    assert whole.cached
    assert other_rule.cached
    assert (runner.made, kept(desk)) == (1, 1)


def test_a_whole_run_does_for_one_that_may_end_early(runner: Runner, desk: Desk) -> None:
    whole = runner.start(job()).result()
    assert runner.begun(job(until=Ends(2)))
    assert runner.start(job(until=Ends(2))).result().key == whole.key
    assert (runner.made, kept(desk)) == (1, 1)


def test_a_run_that_ended_early_does_for_the_same_rule_only(runner: Runner, desk: Desk) -> None:
    early = runner.start(job(until=Ends(2))).result()
    assert runner.start(job(until=Ends(2))).result() is early
    assert not runner.begun(job())
    assert not runner.begun(job(until=Ends(4)))
    assert runner.start(job()).result().key != early.key
    assert (runner.made, kept(desk)) == (2, 2)


# ------------------------------------------------------------------------------------------ the runner


def test_a_job_is_run_once_however_often_it_is_asked_for(runner: Runner, desk: Desk) -> None:
    futures = [runner.start(job(), rank) for rank in (LATER, URGENT, LATER, URGENT)]
    assert len({id(one) for one in futures}) == 1
    run = futures[0].result()
    assert not run.cached
    assert runner.start(job()).result() is run
    assert (runner.made, kept(desk)) == (1, 1)


def test_another_command_finds_what_one_has_made(runner: Runner, desk: Desk) -> None:
    runner.start(job()).result()
    with Runner(work=desk) as second:  # type: ignore[arg-type]
        assert second.begun(job())
        again = second.start(job()).result()
        assert again.cached
        assert second.made == 0


def test_another_program_framework_or_number_of_threads_is_another_run(runner: Runner) -> None:
    torch = net_job(framework="torch")
    others = [job(), job("RATE = 0.2\n"), replace(job(), side=torch.side), replace(job(), threads=2),
              replace(job(), steps=7)]  # fmt: skip
    assert len({run.key for run in [runner.start(one).result() for one in others]}) == len(others)
    assert runner.made == len(others)


def test_two_runs_are_made_at_once_and_the_urgent_ones_first(runner: Runner) -> None:
    order: list[str] = []
    runner.done = lambda one, run: order.append(one.side.name)
    slow = "import time\nRATE = 0.1\ndef before(number):\n    time.sleep(0.05)\n"
    first, later, urgent = (
        [job(slow + f"# {name}{number}", f"{name}{number}") for number in range(count)]
        for name, count in (("first", 2), ("later", 3), ("urgent", 2))
    )
    ranked = [*[(one, URGENT) for one in first], *[(one, LATER) for one in later], *[(one, URGENT) for one in urgent]]
    for future in [runner.start(one, rank) for one, rank in ranked]:
        future.result()
    assert {name[:-1] for name in order[:4]} == {"first", "urgent"}, order
    assert {name[:-1] for name in order[4:]} == {"later"}


def test_what_becomes_urgent_moves_ahead_and_is_run_once(runner: Runner) -> None:
    order: list[str] = []
    runner.done = lambda one, run: order.append(one.side.name)
    slow = "import time\nRATE = 0.1\ndef before(number):\n    time.sleep(0.05)\n"
    jobs = [job(slow + f"#{number}", f"run{number}") for number in range(5)]
    futures = [runner.start(one, LATER) for one in jobs]
    assert runner.start(jobs[4]) is futures[4]
    for one in futures:
        one.result()
    assert order.index("run4") < 4, order
    assert sorted(order) == [f"run{number}" for number in range(5)]


def test_a_guess_is_run_where_a_worker_is_idle_and_given_up_where_it_has_not_begun(runner: Runner) -> None:
    order: list[str] = []
    runner.done = lambda one, run: order.append(one.side.name)
    slow = "import time\nRATE = 0.1\ndef before(number):\n    time.sleep(0.05)\n"
    busy = [job(slow + f"#{number}", f"busy{number}") for number in range(4)]
    wrong, right, wanted = (job(slow + f"# {name}", name) for name in ("wrong", "right", "wanted"))
    futures = [runner.start(one) for one in busy]
    for one in (wrong, right, wanted):
        runner.start(one, GUESSED)
    wanted_later = runner.start(wanted, LATER)
    for one in (wrong, wanted):
        runner.withdraw(one)  # What somebody else wants, too, stays.
    for future in [*futures, wanted_later, runner.start(right, GUESSED)]:
        future.result()
    assert sorted(order) == ["busy0", "busy1", "busy2", "busy3", "right", "wanted"]
    assert order.index("wanted") < order.index("right")
    runner.withdraw(wrong)
    assert runner.start(wrong).result().losses, "given up, it can be asked for again"


FAILS = """
from pathlib import Path
RATE = 0.1
def before(number):
    if number == 3 and not Path({file!r}).exists():
        Path({file!r}).touch()
        raise ValueError("not today")
"""


def test_a_run_that_fails_is_one_error_and_may_be_tried_again(runner: Runner, desk: Desk, tmp_path: Path) -> None:
    one = job(FAILS.format(file=str(tmp_path / "failed")), "flaky")
    with pytest.raises(WorkerError, match="side flaky: ValueError: not today"):
        runner.start(one).result()
    assert kept(desk) == 0
    assert len(runner.start(one).result().losses) == STEPS
    assert runner.made == 1


def test_a_worker_that_failed_is_not_used_again_and_others_go_on(runner: Runner, desk: Desk) -> None:
    bad = runner.start(job("RATE = 0.1\ndef before(number):\n    import os\n    os._exit(3)\n", "dies"))
    good = [runner.start(job(f"RATE = 0.{number}\n", f"good{number}")) for number in range(1, 5)]
    with pytest.raises(WorkerError, match="its process ended with exit code 3"):
        bad.result()
    assert all(len(one.result().losses) == STEPS for one in good)
    assert len(desk.started) <= 3


def test_workers_are_kept_from_run_to_run(runner: Runner, desk: Desk) -> None:
    for number in range(1, 6):
        runner.start(job(f"RATE = 0.{number}\n")).result()
    assert len(desk.started) <= 2


def test_a_worker_is_replaced_after_so_many_runs(runner: Runner, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parity.trials.runner.MOST_RUNS", 2)
    for number in range(6):
        runner.start(job(f"RATE = 0.{number + 1}\n")).result()
    assert len(desk.started) >= 3


def test_leaving_gives_up_what_is_under_way(desk: Desk) -> None:
    hangs = "import time\nRATE = 0.1\ndef before(number):\n    time.sleep(60)\n"
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Runner(work=desk) as runner:  # type: ignore[arg-type]  # noqa: PT012
        futures = [runner.start(job(hangs + f"#{number}", f"hangs{number}")) for number in range(4)]
        while len(desk.started) < 2:
            time.sleep(0.01)
        time.sleep(0.2)
        raise KeyboardInterrupt
    assert time.monotonic() - begun < 20
    assert all(session.pid is None or not Path(f"/proc/{session.pid}/cmdline").exists() for session in desk.started)
    assert sum(one.done() for one in futures) <= 2
    assert kept(desk) == 0


def test_a_finished_run_is_kept_whatever_is_given_up(desk: Desk) -> None:
    hangs = "import time\nRATE = 0.1\ndef before(number):\n    time.sleep(60)\n"
    with pytest.raises(KeyboardInterrupt), Runner(work=desk) as runner:  # type: ignore[arg-type]  # noqa: PT012
        runner.start(job(hangs, "hangs"))
        done: Trajectory = runner.start(job(name="done")).result()
        raise KeyboardInterrupt
    assert kept(desk) == 1
    with Runner(work=desk) as again:  # type: ignore[arg-type]
        assert again.start(job(name="done")).result().key == done.key
        assert again.made == 0


def test_nothing_begins_that_the_gate_does_not_let_through(runner: Runner) -> None:
    runner.start(job("RATE = 0.3\n")).result()

    def closed() -> None:
        raise SpentError("the time is over")

    runner.gate = closed
    with pytest.raises(SpentError, match="the time is over"):
        runner.start(job()).result()
    assert runner.made == 1
    runner.gate = lambda: None
    assert runner.start(job()).result().losses, "asked for again, it is made after all"


def test_whatever_a_run_fails_of_is_said_of_its_side_and_the_next_one_is_made(
    runner: Runner, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run: Trajectory) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(desk.shared.store, "put", full)
        with pytest.raises(WorkerError, match=r"side keras: the run failed: OSError: .*No space left on device"):
            runner.start(job()).result()
    assert runner.start(job()).result().losses


def test_idle_workers_elsewhere_are_ended(runner: Runner, desk: Desk) -> None:
    torch = replace(job(), side=net_job(framework="torch").side)
    runner.start(torch).result()
    runner.start(job()).result()
    started = len(desk.started)
    runner.close_others(job().side)
    runner.start(job("RATE = 0.2\n")).result()
    assert len(desk.started) == started, "the one that stayed goes on"
    runner.start(replace(torch, steps=7)).result()
    assert len(desk.started) == started + 1


def test_a_search_that_asks_one_run_after_the_other_is_not_kept_waiting(runner: Runner) -> None:
    """It asks for the next when it has seen the last: by then its worker must not have begun what can wait."""
    order: list[str] = []
    runner.done = lambda one, run: order.append(one.side.name)
    slow = "import time\nRATE = 0.1\ndef before(number):\n    time.sleep(0.1)\n"
    asked, later = (
        [job(slow + f"#{name}{number}", f"{name}{number}") for number in range(count)]
        for name, count in (("asked", 5), ("later", 16))
    )
    for one in later:
        runner.start(one, LATER)
    for one in asked:
        runner.start(one).result()
    last = order.index("asked4")
    assert sum(name.startswith("later") for name in order[:last]) <= 9, "one for each, and those begun before"
    begun = [name for name in order if name.startswith("asked")]
    assert begun == [f"asked{number}" for number in range(5)]
