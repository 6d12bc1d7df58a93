"""The self-test: that its faults still fit, that it asks evenly, that it counts right, and that it can fail."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers_frameworks import FRAMEWORKS, compiled, missing
from helpers_sample import WHOLE
from rich.console import Console

from parity.catalog import (
    ACTIVATIONS,
    CONSTRAINTS,
    INITIALIZERS,
    LOSSES,
    OPS,
    REGULARIZERS,
    SCHEDULES,
)
from parity.catalog import (
    OPTIMIZERS as OPTIMIZER_ENTRIES,
)
from parity.cli import main
from parity.compare import noise
from parity.compare.judge import PHASES, Judge, Seen
from parity.entries import Entry
from parity.errors import UsageError, WorkerError
from parity.selftest import SUITES, clean, planted
from parity.selftest import suites as suites
from parity.selftest.clean import PRECISIONS, Clean, Silence, chosen
from parity.selftest.judged_ports import FaultyTold, ProgramsTold
from parity.selftest.networks import BATCH, NETWORKS, OPTIMIZERS, ROWS, dataset, side
from parity.selftest.pair_bench import TestBench
from parity.selftest.planted import FAULTS, Found
from parity.selftest.planting import PlantedFault, StaleFaultError
from parity.selftest.show import print_selftest
from parity.selftest.suites import CleanTold, FaultTold, PlantedTold, SelfTest, sample
from parity.spec.paths import walk
from parity.tensors import predictions

ALL_INSTALLED = pytest.mark.skipif(
    any(missing(name) for name in FRAMEWORKS), reason="needs every framework: their faults are counted"
)

# ------------------------------------------------------------------------------------------ what is planted


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.framework}: {fault.name}")
def test_every_fault_fits_its_program_once_and_leaves_a_program(fault: PlantedFault) -> None:
    network = planted._changed(NETWORKS[fault.network], fault)
    source = compiled(side(fault.framework, network, OPTIMIZERS[fault.optimizer]), formatted=True).source
    faulty = fault.planted(source)
    assert faulty != source
    compile(faulty, fault.name, "exec")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.framework}: {fault.name}")
def test_every_fault_names_a_place_that_its_network_has(fault: PlantedFault) -> None:
    one = side(fault.framework, NETWORKS[fault.network], OPTIMIZERS[fault.optimizer])
    layers, parameters = {layer.name for layer in one.layers()}, one.parameters()
    trained = {name for name, parameter in parameters.items() if parameter.trainable}
    there = {
        "forward": layers,
        "loss": {"loss"},
        "gradient": trained | layers | {f"{name}.logits" for name in layers},
        "update": trained,
        "state": {"iterations"} | (set(parameters) - trained)
        | {f"{slot}/{name}" for slot in one.config.optimizer.slots() for name in trained},
        "metric": {predictions(name) for name in one.views},
    }  # fmt: skip
    assert fault.tensor in there[fault.phase]
    assert fault.step >= 1


def test_faults_cover_every_framework_and_every_phase_there_is() -> None:
    assert len(FAULTS) >= 60
    pairs = Counter((fault.framework, fault.phase) for fault in FAULTS)
    # Batches and initial weights are handed out by the harness: a program cannot get them wrong.
    assert set(pairs) == {(framework, phase) for framework in FRAMEWORKS for phase in PHASES[2:]}


def test_names_of_faults_tell_them_apart_in_their_framework() -> None:
    twice = [name for name, count in Counter((fault.framework, fault.name) for fault in FAULTS).items() if count > 1]
    assert not twice


FAULT = PlantedFault(name="half", framework="torch", network="mlp", optimizer="sgd", edits={"a = 1": "a = 2"},
              phase="forward", tensor="hidden")  # fmt: skip


def test_a_fault_that_no_longer_fits_says_so() -> None:
    assert FAULT.planted("a = 1\n") == "a = 2\n"
    with pytest.raises(StaleFaultError, match=r"'half' \(torch\): 'a = 1' is not in the program"):
        FAULT.planted("b = 1\n")
    with pytest.raises(StaleFaultError, match=r"'a = 1' is 2 times in the program"):
        FAULT.planted("a = 1\na = 1\n")


# ------------------------------------------------------------------------------------------- what is clean


def entries(config: Any) -> Iterator[Entry]:
    yield from (part for _, part in walk(config) if isinstance(part, Entry))


@pytest.mark.parametrize(
    "entry",
    [one for one in (*OPS.values(), *ACTIVATIONS.values(), *LOSSES.values(), *OPTIMIZER_ENTRIES.values(),
                     *SCHEDULES.values(), *REGULARIZERS.values(), *CONSTRAINTS.values())
     if one.kind != "opaque"],  # What runs in a program of its own only is in none that is compiled.
    ids=lambda entry: f"{entry.kind}",
)  # fmt: skip
def test_everything_the_catalog_has_stands_in_a_network_of_the_selftest(entry: type[Entry]) -> None:
    written = {kind for network in NETWORKS.values() for layer in network.layers for kind in layer}
    # A block and a layer used again are written so, and are other layers in the model.
    there = entry.kind in written or any(isinstance(one, entry) for one in used())
    assert there, f"{entry.kind}: add a small network to parity/selftest"


@cache
def used() -> list[Entry]:
    """Return every entry of the networks, and of one network with every optimizer."""
    pairs = [
        *((network, OPTIMIZERS["sgd"]) for network in NETWORKS.values()),
        *((NETWORKS["mlp"], optimizer) for optimizer in OPTIMIZERS.values()),
    ]
    return [one for network, optimizer in pairs for one in entries(side("torch", network, optimizer).config)]


def test_networks_are_small_and_their_data_fit() -> None:
    assert INITIALIZERS  # drawn outside the frameworks, and so no part of a clean pair's question
    for network in NETWORKS.values():
        one, data = side("torch", network, OPTIMIZERS["sgd"]), dataset(network, 4)
        assert data.x.shape == (ROWS, *network.input)
        assert data.y.shape == (ROWS, *one.row)
        assert sum(int(parameter.size) for parameter in map(_sized, one.parameters().values())) < 2000
        assert (data.each[0].y.sum(-1) == 1.0).all() == network.classes
    assert ROWS // BATCH >= clean.STEPS, "no row is met twice"


def _sized(parameter: Any) -> Any:
    import numpy as np

    return np.empty(parameter.shape)


def test_data_follow_the_seed() -> None:
    network = NETWORKS["regression"]
    assert (dataset(network, 1).x == dataset(network, 1).x).all()
    assert not (dataset(network, 1).x == dataset(network, 2).x).any()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("seed", [0, 1, 17])
@pytest.mark.parametrize("installed", [FRAMEWORKS, ("keras", "tensorflow"), ("torch",)])
def test_clean_locksteps_are_chosen_evenly(installed: tuple[str, ...], seed: int) -> None:
    locksteps = chosen(installed, suites.PAIRS, seed)
    assert suites.PAIRS <= sum(one.pairs for one in locksteps) < suites.PAIRS + 3
    assert suites.PAIRS >= 200
    networks, optimizers = (Counter(getattr(one, part) for one in locksteps) for part in ("network", "optimizer"))
    assert set(networks) == set(NETWORKS)
    assert set(optimizers) == set(OPTIMIZERS)
    assert max(networks.values()) <= 2 * min(networks.values())
    assert max(optimizers.values()) <= 3 * min(optimizers.values())
    for part, choices in (("precision", PRECISIONS), ("frameworks", {one.frameworks for one in locksteps})):
        counts = Counter(getattr(one, part) for one in locksteps)
        assert set(counts) == set(choices)
        assert max(counts.values()) - min(counts.values()) <= len(installed)
    assert {one.frameworks[0] for one in locksteps} == set(installed), "each is the reference side in turn"
    both = Counter((one.frameworks[0], one.precision) for one in locksteps)
    assert len(both) == len(installed) * len(PRECISIONS), "each in each precision"
    assert len({one.seed for one in locksteps}) == len(locksteps)


def test_the_choice_follows_its_seed_only() -> None:
    assert chosen(FRAMEWORKS, 40, 1) == chosen(FRAMEWORKS, 40, 1)
    assert chosen(FRAMEWORKS, 40, 1) != chosen(FRAMEWORKS, 40, 2)


def test_the_quick_sample_has_every_phase_and_framework() -> None:
    found = sample(FAULTS, suites.QUICK_FAULTS)
    assert len(found) == suites.QUICK_FAULTS
    assert found == sample(FAULTS, suites.QUICK_FAULTS)
    assert {fault.phase for fault in found} == set(PHASES[2:])
    assert {fault.framework for fault in found} == set(FRAMEWORKS)
    assert sample(FAULTS[:2], 5) == FAULTS[:2]


def test_the_clean_side_is_another_framework_where_there_is_one() -> None:
    assert suites.against("keras", ("keras", "tensorflow", "torch")) == "torch"
    assert suites.against("torch", ("keras", "tensorflow", "torch")) == "tensorflow"
    assert suites.against("torch", ("torch",)) == "torch"


# --------------------------------------------------------------------------------------- how it is counted


def judge_of(**seen: Any) -> Judge:
    judge = Judge(a="clean", b="faulty")
    place = Seen(**{"step": 1, "phase": "forward", "tensor": "hidden", "difference": 0.5, "noise": 1e-15} | seen)
    judge.add(place)
    judge.settle([place] if place.beyond else [], None)
    return judge


def test_a_fault_is_found_by_the_first_place_where_a_difference_is_made() -> None:
    found = planted._found(FAULT, judge_of())
    assert found.detected
    assert found.exact
    assert found.placed
    assert "divergent: first at step 1, forward, hidden" in found.says
    other = planted._found(FAULT, judge_of(tensor="out"))
    assert (other.detected, other.placed, other.exact) == (True, True, False)
    late = planted._found(FAULT, judge_of(step=2))
    assert (late.detected, late.placed, late.exact) == (True, False, False)
    wrong = planted._found(FAULT, judge_of(phase="loss"))
    assert (wrong.detected, wrong.placed) == (True, False)
    blind = planted._found(FAULT, judge_of(difference=1e-16))
    assert (blind.detected, blind.placed, blind.step) == (False, False, None)
    assert blind.says.startswith("rounding: nothing beyond rounding")


def found(**values: Any) -> Found:
    return Found(**{"fault": FAULT, "detected": True, "step": 1, "phase": "forward", "tensor": "hidden"} | values)


def test_planted_faults_are_counted_by_how_well_they_are_found() -> None:
    ones = [found(), found(tensor="out"), found(phase="loss"), found(detected=False, step=None, says="it crashed"),
            found(detected=False)]  # fmt: skip
    told = suites._planted(ones, 7)
    assert (told.planted, told.detected, told.placed, told.exact, told.not_run) == (5, 3, 2, 1, 7)
    assert [miss.found for miss in told.misses] == ["step 1, forward, out", "step 1, loss, hidden", "it crashed"]
    assert told.misses[0].expected == "step 1, forward, hidden"
    assert told.misses[0].framework == "torch"


def silence(**values: Any) -> Silence:
    lockstep = Clean(frameworks=("keras", "torch"), network="mlp", optimizer="sgd", seed=5,
                     precision=values.pop("precision", "float64"))  # fmt: skip
    return Silence(**{"clean": lockstep, "a": "keras", "b": "torch", "verdict": "rounding", "says": ""} | values)


def test_clean_pairs_are_silent_alarms_or_not_known() -> None:
    ones = [
        silence(shares={"forward": 0.2, "update": 0.5}),
        silence(verdict="identical", precision="float32", shares={"forward": 0.3}),
        silence(verdict="divergent", says="first at step 1"),
        silence(verdict="inconclusive", says="the worker died"),
    ]
    told = suites._clean(ones)
    assert (told.pairs, told.silent, told.identical, told.float64) == (4, 2, 1, 3)
    assert told.alarms == [
        "keras and torch, mlp, sgd, seed 5, float64: divergent: first at step 1",
        "keras and torch, mlp, sgd, seed 5, float64: inconclusive: the worker died",
    ]
    assert told.shares == {"float64": {"forward": 0.2, "update": 0.5}, "float32": {"forward": 0.3}}


def test_what_a_clean_pair_took_of_the_noise_is_kept_by_phase() -> None:
    judge = Judge(a="keras", b="torch")
    judge.add(Seen(step=1, phase="batch", tensor="x", difference=0.0, noise=0.0))
    judge.add(Seen(step=1, phase="forward", tensor="hidden", difference=1e-16, noise=4e-16))
    heard = clean._silence(silence().clean, judge)
    assert heard.verdict == "rounding"
    assert heard.shares == {"forward": 0.25}


class Broken:
    """A test bench whose programs cannot be run."""

    def program(self, one: Any, formatted: bool = False) -> Any:
        return compiled(one, formatted)

    def judged(self, *args: Any, **kwargs: Any) -> Any:
        raise WorkerError("faulty", "it died")


def test_a_program_that_cannot_be_run_is_neither_found_nor_silent() -> None:
    fault = next(one for one in FAULTS if one.framework == "torch")
    missed = planted.find(Broken(), fault, "keras")  # type: ignore[arg-type]
    assert not missed.detected
    assert "it died" in missed.says
    heard = clean.listen(Broken(), silence().clean)  # type: ignore[arg-type]
    assert [(one.a, one.b, one.verdict, one.silent) for one in heard] == [("keras", "torch", "inconclusive", False)]


def test_two_sides_of_one_framework_have_names_of_their_own() -> None:
    heard = clean.listen(Broken(), Clean(frameworks=("torch", "torch"), network="mlp", optimizer="sgd", seed=0,
                                         precision="float64"))  # fmt: skip
    assert [(one.a, one.b) for one in heard] == [("torch", "torch_again")]


def test_a_selftest_without_a_framework_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "installed_frameworks", lambda: ())
    with pytest.raises(UsageError, match="pip install"):
        suites.selftest()


# ------------------------------------------------------------------------------------------ how it is told


def told(
    planted_: Mapping[str, Any] | None = None, clean_: Mapping[str, Any] | None = None, quick: bool = False,
    programs_: Mapping[str, Any] | None = None, **without: None,
) -> SelfTest:  # fmt: skip
    counts = {"planted": 114, "detected": 114, "placed": 114, "exact": 112, "not_run": 0, "misses": []}
    pairs = {"pairs": 200, "silent": 200, "identical": 3, "float64": 102, "alarms": [],
             "shares": {"float64": {"forward": 0.25, "update": 0.5}}}  # fmt: skip
    programs = {"right": 497, "own": 462, "silent": 497, "alarms": [], "faulty": 36, "detected": 36, "placed": 36,
                "nameable": 30, "named": 28, "misnamed": 0, "not_run": 0, "misses": []}  # fmt: skip
    suites_told = {"planted": PlantedTold(**{**counts, **(planted_ or {})}),
                   "clean": CleanTold(**{**pairs, **(clean_ or {})}),
                   "programs": ProgramsTold(**{**programs, **(programs_ or {})})}  # fmt: skip
    return SelfTest(
        parity_version="1.2.3", versions={"torch": "2.0", "numpy": "2.1"}, quick=quick, factor={"float64": 16.0},
        seconds=61.4, seconds_of={"planted": 20.0, "clean": 21.0, "programs": 20.4}, **{**suites_told, **without},
    )  # fmt: skip


def printed(result: SelfTest) -> str:
    stream = io.StringIO()
    print_selftest(result, Console(file=stream, width=100, highlight=False))
    return stream.getvalue()


def test_a_selftest_that_holds_says_so_with_its_counts() -> None:
    text = printed(told())
    assert "parity 1.2.3 with torch 2.0, numpy 2.1: 3 suites, 61 s" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "found 114 100 %" in lines
    assert "in the right step and phase 114 100 %" in lines
    assert "in the right tensor 112 98 %" in lines
    assert "Clean pairs 200 102 in float64, 98 in float32" in lines
    assert "silent 200 3 of them bit for bit the same" in lines
    assert "false alarms 0" in lines
    assert "Right programs 497 35 by hand, 462 compiled and brought back" in lines
    assert "in the right place 36 100 %" in lines
    assert "named 28 93 %" in lines
    assert "planted 20 s, clean 21 s, programs 20 s" in " ".join(text.split())
    assert "came closest took 50 % of what rounding was said to explain (update)" in " ".join(text.split())
    assert text.rstrip().endswith("The judge holds here.")


def test_a_selftest_that_fails_names_what_was_missed_and_what_rang() -> None:
    miss = FaultTold(
        fault="bias [twice]", framework="torch", expected="step 1, loss, loss", found="rounding: all [well]"
    )
    fault = FaultyTold(program="torch_x", fault="[twice]", expected="step 1, loss, loss", found="rounding: [y]")
    programs = {"silent": 496, "alarms": ["torch_own, mlp: [z]"], "placed": 35, "misses": [fault], "misnamed": 1}
    clean_ = {"silent": 199, "alarms": ["keras and torch: [x]"]}
    text = printed(told({"placed": 113, "misses": [miss]}, clean_, programs_=programs))
    assert "missed: [twice] (torch_x): expected step 1, loss, loss; found rounding: [y]" in text
    assert "false alarm: torch_own, mlp: [z]" in text
    assert "a wrong cause named 1" in " ".join(text.split())
    assert "missed: bias [twice] (torch): expected step 1, loss, loss, found rounding: all [well]" in text
    assert "false alarm: keras and torch: [x]" in text
    assert "false alarms" in text
    assert text.rstrip().endswith("The judge does not hold here.")


def test_a_sample_and_faults_not_run_are_told() -> None:
    text = printed(told({"not_run": 26}, {"shares": {}}, quick=True))
    assert "a sample of 3 suites" in text
    assert "26 more need a framework that is not installed" in text
    assert "came closest" not in text


@pytest.mark.parametrize(
    ("planted_", "clean_", "programs_", "passed"),
    [
        ({}, {}, {}, True),
        ({"placed": 113}, {}, {}, False),
        ({"exact": 100}, {}, {}, True),
        ({}, {"silent": 199}, {}, False),
        ({}, {}, {"silent": 496}, False),
        ({}, {}, {"placed": 35}, False),
        ({}, {}, {"named": 27}, True),
        ({}, {}, {"named": 26}, False),
        ({}, {}, {"misnamed": 1}, False),
    ],
)
def test_it_passes_when_all_is_placed_and_all_is_silent(
    planted_: dict[str, int], clean_: dict[str, int], programs_: dict[str, int], passed: bool
) -> None:
    assert told(planted_, clean_, programs_=programs_).passed is passed


def test_a_suite_that_was_left_out_is_not_told_and_does_not_decide() -> None:
    result = told(programs_={"silent": 0}, programs=None, clean=None)
    assert result.passed
    text = printed(result)
    assert "1 suite, 61 s" in text
    assert "Planted faults" in text
    assert "Clean pairs" not in text
    assert "programs" not in text.partition("\n")[2].replace("programs 20 s", "")


@pytest.mark.parametrize(("placed", "code"), [(114, 0), (113, 1)])
def test_the_verb_exits_by_the_result_and_prints_json_alone(
    placed: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def selftest(**given: Any) -> SelfTest:
        asked.update(given)
        return told({"placed": placed})

    monkeypatch.setattr(suites, "selftest", selftest)
    done = CliRunner().invoke(main, ["selftest", "--quick", "--seed", "5", "--json"])
    assert done.exit_code == code
    assert json.loads(done.stdout)["planted"]["placed"] == placed
    assert (asked["quick"], asked["seed"], asked["only"]) == (True, 5, SUITES)
    plain = CliRunner().invoke(main, ["selftest"])
    assert plain.exit_code == code
    assert "Planted faults" in plain.stdout
    assert (asked["quick"], asked["seed"]) == (False, 0)
    CliRunner().invoke(main, ["selftest", "--suite", "clean"])
    assert asked["only"] == ("clean",)


# ------------------------------------------------------------------------------------------------- for real


@pytest.fixture
def lent(bench: TestBench, monkeypatch: pytest.MonkeyPatch) -> TestBench:
    """Let a self-test have the workers that there are, which stay when it is done."""
    monkeypatch.setattr(suites, "TestBench", lambda logs: nullcontext(bench))
    return bench


@pytest.mark.slow
@ALL_INSTALLED
def test_the_quick_selftest_holds_here(lent: TestBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every planted fault of the quick sample, and a third of its clean pairs and programs; in ``make long`` all."""
    monkeypatch.chdir(tmp_path)
    if not WHOLE:
        fewer = {"QUICK_PAIRS": 2, "QUICK_RIGHT": 2, "QUICK_FAULTY": 2, "QUICK_EVERY": 3 * suites.QUICK_EVERY}
        for name, number in fewer.items():
            monkeypatch.setattr(suites, name, number)
    done = CliRunner().invoke(main, ["selftest", "--quick", "--json"])
    assert done.exit_code in (0, 1), done.output
    result = SelfTest.model_validate_json(done.stdout)
    assert result.passed is (done.exit_code == 0)
    assert result.planted is not None
    assert result.clean is not None
    assert result.programs is not None
    assert result.quick
    assert set(result.versions) == {*FRAMEWORKS, "numpy"}
    assert result.planted.planted == result.planted.detected == suites.QUICK_FAULTS
    assert result.planted.not_run == 0
    assert result.clean.pairs == result.clean.silent >= suites.QUICK_PAIRS
    assert all(share < 1.0 for shares in result.clean.shares.values() for share in shares.values())
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    assert result.programs.right == suites.QUICK_RIGHT + result.programs.own
    assert result.programs.own == len(suites.owns(FRAMEWORKS)[:: suites.QUICK_EVERY]) * len(FRAMEWORKS)
    assert result.programs.faulty == suites.QUICK_FAULTY
    assert result.programs.passed, [*result.programs.alarms, *result.programs.misses]


@pytest.mark.sampled(2)
@pytest.mark.slow
@ALL_INSTALLED
def test_a_blind_judge_does_not_pass(lent: TestBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(noise.FACTOR, "float64", 1e12)
    monkeypatch.setattr(suites, "QUICK_PAIRS", 2)
    monkeypatch.setattr(suites, "QUICK_FAULTS", 4)
    result = suites.selftest(quick=True, only=("planted", "clean"))
    assert result.programs is None
    assert result.planted is not None
    assert result.clean is not None
    assert not result.passed
    assert result.planted.detected < result.planted.planted
    assert result.planted.misses
    assert result.clean.silent == result.clean.pairs == 2
    assert result.factor["float64"] == 1e12


@pytest.mark.sampled(2)
@pytest.mark.slow
@ALL_INSTALLED
def test_a_nervous_judge_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """In workers of its own, as a self-test starts them; of two frameworks, that it need start no more."""
    monkeypatch.setattr(suites, "installed_frameworks", lambda: ("tensorflow", "torch"))
    monkeypatch.setitem(noise.FACTOR, "float64", 1e-9)
    monkeypatch.setattr(noise, "FLOOR", 1e-9)
    monkeypatch.setattr(suites, "QUICK_PAIRS", 2)
    result = suites.selftest(quick=True, only=["clean"])
    assert result.clean is not None
    assert not result.passed
    assert result.clean.silent < result.clean.pairs
    assert "divergent" in result.clean.alarms[0]
