"""The self-test's programs: that the table is true of the files, that they are judged as said, and counted right."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import FRAMEWORKS

from parity.compare.judge import PHASES
from parity.errors import WorkerError
from parity.result.schema import Comparison, Place
from parity.selftest import judged_ports, networks, port_bench
from parity.selftest import suites as suites
from parity.selftest.judged_ports import STEPS, TURNS, Heard, Own, hear, hear_own, owns, programs_told
from parity.selftest.own_programs import FOLDER, NETWORKS, PORT, REFERENCE, RULES, Port, write_rows
from parity.selftest.port_bench import Loan, PortBench, PortWork
from parity.selftest.port_table import FAULTY, PORTS, RIGHT
from parity.spec.resolve import Resolved, resolve

each_port = pytest.mark.parametrize("port", PORTS, ids=lambda port: port.program)


def meant(port: Port) -> Resolved:
    """Return what a program is meant to be, without what its side changes."""
    return resolve(replace(port, changes={}).spec("keras", Path("rows.npz")))[0]


# ------------------------------------------------------------------------------------------- the table, the files


def test_every_program_stands_in_the_table_once() -> None:
    assert sorted(port.program for port in PORTS) == sorted(file.stem for file in FOLDER.glob("*.py"))
    assert not (FOLDER / "__init__.py").exists(), "they are data"


def test_there_are_enough_of_them_about_half_of_them_faulty() -> None:
    assert len(PORTS) >= 40
    assert abs(len(RIGHT) - len(FAULTY)) <= len(PORTS) / 10
    for ones in (RIGHT, FAULTY):
        assert {port.framework for port in ones} == set(FRAMEWORKS)
    assert not any(port.fault or port.places or port.causes for port in RIGHT)
    assert all(port.fault and port.places and port.style for port in FAULTY)
    # Batches and initial weights are handed out by the harness: a program cannot get them wrong.
    assert {phase for port in FAULTY for phase in port.places} == set(PHASES[2:])
    assert sum(port.nameable for port in FAULTY) >= 20


@each_port
def test_a_program_is_written_in_its_framework_and_has_what_its_side_names(port: Port) -> None:
    tree = ast.parse(port.file.read_text(encoding="utf-8"))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert port.framework in imported
    assert "parity" not in imported
    if port.framework == "tensorflow":
        assert "keras" not in imported
    named = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        named |= {one.id for target in getattr(node, "targets", []) for one in ast.walk(target)
                  if isinstance(one, ast.Name)}  # fmt: skip
    assert set(port.names.values()) <= named
    assert port.names.get("model") or named & {"build_model", "Model"}


@each_port
def test_a_place_and_a_cause_are_of_what_the_program_is_meant_to_be(port: Port) -> None:
    side = meant(port)
    layers, parameters = {layer.name for layer in side.layers()}, side.parameters()
    trained = {name for name, parameter in parameters.items() if parameter.trainable}
    there = {
        "forward": layers | {f"{name}.logits" for name in layers},
        "loss": {"loss"},
        "gradient": trained | layers,
        "update": trained,
        "state": set(parameters) - trained,
        "metric": {"predictions"},
    }
    for phase, tensors in port.places.items():
        assert tensors
        assert set(tensors) <= there[phase]
    assert 1 <= port.step <= STEPS
    for path in port.causes:
        head, _, rest = path.partition(".")
        assert head in ("program", "data", "loss", "optimizer", "layers")
        if head == "layers":
            assert any(fnmatchcase(name, rest.split(".")[0]) for name in layers)
    assert port.nameable <= bool(port.causes)


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_fit_their_network_and_follow_the_seed(name: str, tmp_path: Path) -> None:
    network, rows = NETWORKS[name], []
    for seed in (1, 1, 2):
        write_rows(network, tmp_path / "rows.npz", seed)
        with np.load(tmp_path / "rows.npz") as file:
            rows.append((file["X"], file["y"]))
    (x, y), again, other = rows
    assert x.shape == (networks.ROWS, *network.input)
    assert (x == again[0]).all()
    assert (y == again[1]).all()
    assert not (x == other[0]).all()
    if network.classes and network.outputs > 1:
        assert sorted(set(y.tolist())) == list(range(network.outputs)), "class numbers, each of them"
        assert y.dtype.kind == "i"
    else:
        assert y.shape == (networks.ROWS, network.outputs)
    assert name in {port.network for port in PORTS}, "nobody is meant to be this"


def test_a_program_is_the_second_side_of_its_spec() -> None:
    port = Port(program=RIGHT[0].program, style="", network="mlp", optimizer="sgd", names={"loss": "criterion"},
                changes={"optimizer.learning_rate": 0.5})  # fmt: skip
    first, second = resolve(port.spec("keras", Path("/rows.npz")))
    assert (first.name, first.framework, first.program) == (REFERENCE, "keras", None)
    assert (second.name, second.framework) == (PORT, "torch")
    assert second.program is not None
    assert (second.program.file, dict(second.program.names)) == (str(port.file), {"loss": "criterion"})
    assert second.config.optimizer.learning_rate == 0.5  # type: ignore[attr-defined]
    assert first.config.data.source == "/rows.npz"


def test_the_page_counts_the_faults_by_phase() -> None:
    page = (Path(__file__).parents[2] / "docs" / "selftest.md").read_text(encoding="utf-8")
    programs = page.partition("## Programs")[2].partition("## Measured")[0]
    for phase, count in Counter(port.phase for port in FAULTY).items():
        assert f"| {phase} | {count} |" in programs
    assert f"{len(RIGHT)} are written by hand" in programs
    assert f"*Faulty* ones, {len(FAULTY)}," in programs
    assert f"brought back as its own port: {3 * len(owns(FRAMEWORKS))} of them" in programs


# --------------------------------------------------------------------------------------------------- the scoring

FAULT = Port(program="torch_x", style="", network="mlp", optimizer="sgd", fault="wrong", step=2,
             places={"update": ("out.bias",), "loss": ("loss",)},
             causes=("optimizer.epsilon_place", "layers.*.activation"))  # fmt: skip
SOUND = Port(program="torch_y", style="plain", network="mlp", optimizer="sgd")


class Told(Comparison):
    """A comparison with causes, whatever they are."""

    causes: Any = ()


def heard(port: Port, verdict: str = "divergent", causes: Any = (), **at: Any) -> Heard:
    place = Place(**{"step": 2, "phase": "update", "tensor": "out.bias", "difference": 0.5, "noise": 0.0} | at)
    said = [SimpleNamespace(path=path, value=value, way=way[0] if way else 0) for path, value, *way in causes]
    told = Told(a="meant", b="port", verdict=verdict, reason="the reason", precision="float64", steps=3,
                places=[place] if verdict == "divergent" else [], causes=said)  # fmt: skip
    return Heard(port=port, comparison=told)


def test_a_fault_is_found_in_its_step_and_in_any_of_its_tensors() -> None:
    assert heard(FAULT).placed
    assert heard(FAULT, phase="loss", tensor="loss").placed
    assert not heard(FAULT, step=1).placed
    assert not heard(FAULT, tensor="hidden.bias").placed
    assert not heard(FAULT, phase="gradient").placed
    assert heard(FAULT, phase="gradient").detected
    unsure = heard(FAULT, verdict="inconclusive")
    assert (unsure.detected, unsure.placed, unsure.silent) == (False, False, False)


def test_the_cause_counts_when_it_is_named_alone_and_with_its_value() -> None:
    right = ("optimizer.epsilon_place", "after_correction")
    assert heard(FAULT, causes=[right]).named
    assert heard(FAULT, causes=[("layers.out.activation", "softmax")]).named
    assert not heard(FAULT).named
    assert not heard(FAULT).misnamed
    two = heard(FAULT, causes=[right, ("loss.from_logits", False)])
    assert (two.named, two.misnamed) == (False, True)
    assert two.told().endswith("cause: optimizer.epsilon_place: after_correction and loss.from_logits: False")
    ways = heard(FAULT, causes=[right, ("loss.from_logits", False, 1)])
    assert (ways.named, ways.misnamed) == (True, False), "each does as well"
    assert ways.told().endswith("cause: optimizer.epsilon_place: after_correction, or loss.from_logits: False")
    assert heard(FAULT, causes=[("loss.reduction", "sum"), ("loss.from_logits", False, 1)]).misnamed
    valued = replace(FAULT, value="after_correction")
    assert heard(valued, causes=[right]).named
    assert heard(valued, causes=[("optimizer.epsilon_place", "before_correction")]).misnamed
    number = replace(FAULT, value=0.1)
    assert heard(number, causes=[("optimizer.epsilon_place", 1 - 0.9)]).named, "as near as rounding"
    assert heard(number, causes=[("optimizer.epsilon_place", 0.2)]).misnamed
    assert heard(number, causes=[("optimizer.epsilon_place", "0.1")]).misnamed
    assert heard(replace(FAULT, value=True), causes=[("optimizer.epsilon_place", 1.5)]).misnamed


@pytest.mark.parametrize(
    ("verdict", "causes", "silent"),
    [("rounding", [], True), ("identical", [], True), ("divergent", [], False), ("inconclusive", [], False),
     ("rounding", [("optimizer.epsilon_place", 1)], False)],
)  # fmt: skip
def test_a_right_program_is_silent_without_verdict_and_without_cause(verdict: str, causes: Any, silent: bool) -> None:
    assert heard(SOUND, verdict, causes).silent is silent


def test_a_comparison_without_causes_names_none() -> None:
    told = heard(FAULT).comparison
    assert told is not None
    plain = Comparison(**{name: getattr(told, name) for name in Comparison.model_fields})
    assert Heard(port=FAULT, comparison=plain).ways == []


def test_programs_are_counted_by_what_was_said_of_them() -> None:
    cause = ("optimizer.epsilon_place", "after_correction")
    ones = [
        heard(FAULT, causes=[cause]),
        heard(FAULT),
        heard(FAULT, step=1, causes=[("loss.from_logits", True)]),
        Heard(port=FAULT, says="side port: it died"),
        heard(replace(FAULT, causes=()), tensor="hidden.bias"),
        heard(replace(FAULT, optional=True)),
        heard(SOUND, "rounding"),
        heard(SOUND, step=1),
        heard(SOUND, "inconclusive"),
    ]
    told = programs_told(ones, [heard(SOUND, "identical"), Heard(port=SOUND, says="side port: no build_loss")], 7)
    assert (told.right, told.own, told.silent, told.not_run) == (5, 2, 2, 7)
    assert (told.faulty, told.detected, told.placed) == (6, 5, 3)
    assert (told.nameable, told.named, told.misnamed) == (4, 1, 1)
    assert told.alarms == [
        "torch_y, mlp, sgd (plain): side port: no build_loss",
        "torch_y, mlp, sgd (plain): divergent at step 1, update, out.bias; cause: none named",
        "torch_y, mlp, sgd (plain): inconclusive: the reason; cause: none named",
    ]
    assert [miss.found for miss in told.misses] == [
        "divergent at step 2, update, out.bias; cause: none named",
        "divergent at step 1, update, out.bias; cause: loss.from_logits: True",
        "side port: it died",
        "divergent at step 2, update, hidden.bias; cause: none named",
    ]
    assert told.misses[0].expected == (
        "step 2, update, out.bias; or loss, loss; cause: optimizer.epsilon_place or layers.*.activation"
    )
    assert not told.passed


# -------------------------------------------------------------------------------------------- compiled, brought back


@pytest.mark.parametrize("installed", [FRAMEWORKS, ("torch",), ("keras", "tensorflow")])
def test_every_network_comes_back_with_as_many_optimizers(installed: tuple[str, ...]) -> None:
    all_of_them = owns(installed)
    pairs = Counter((own.network, own.optimizer) for own in all_of_them)
    assert set(pairs.values()) == {1}
    assert all(networks.stands(installed, *pair) for pair in pairs)
    assert Counter(network for network, _ in pairs) == dict.fromkeys(networks.NETWORKS, TURNS)
    rules = Counter(rule for _, rule in pairs)
    assert set(rules) == set(networks.OPTIMIZERS)
    others = [one for one in networks.OPTIMIZERS if not networks.stands(installed, "sequences", one)]
    assert max(rules.values()) - min(rules.values()) <= 1 + len(others), "where one cannot be, another one is"
    first = all_of_them[: min(len(networks.NETWORKS), len(networks.OPTIMIZERS))]
    assert len({own.network for own in first}) == len({own.optimizer for own in first}) == len(first)
    assert {own.against for own in all_of_them} == set(installed)
    assert {own.frameworks for own in all_of_them} == {tuple(installed)}
    assert len({own.seed for own in all_of_them}) == len(all_of_them)


def test_with_them_there_are_a_hundred_right_programs() -> None:
    ports, own = suites.ported(FRAMEWORKS, quick=False)
    assert ports == [*RIGHT, *FAULTY]
    assert len(RIGHT) + sum(len(one.frameworks) for one in own) >= 100


def test_the_quick_sample_of_programs_has_every_framework_and_phase() -> None:
    ports, own = suites.ported(FRAMEWORKS, quick=True)
    assert (ports, own) == suites.ported(FRAMEWORKS, quick=True)
    right, faulty = ([port for port in ports if bool(port.fault) is wrong] for wrong in (False, True))
    assert (len(right), len(faulty), len(own)) == (suites.QUICK_RIGHT, suites.QUICK_FAULTY, 3)
    assert {port.framework for port in right} == {port.framework for port in faulty} == set(FRAMEWORKS)
    assert {port.phase for port in faulty} == set(PHASES[2:])
    assert len({one.optimizer for one in own}) == len({one.network for one in own}) == len(own)
    assert {one.against for one in own} == set(FRAMEWORKS)
    only = suites.ported(("torch",), quick=False)
    assert {port.framework for port in only[0]} == {"torch"}


class Fake:
    """A bench that says of each pair what it was told to."""

    def __init__(self, scratch: Path, *answers: Any) -> None:
        self.bench, self.answers, self.asked = SimpleNamespace(scratch=scratch), list(answers), []  # type: ignore[var-annotated]

    def judged(self, spec: Any, steps: int) -> Any:
        assert steps == STEPS
        for side in spec.sides.values():
            if side.program:
                assert Path(side.program).read_text(encoding="utf-8")
        self.asked.append(list(spec.sides))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def fake(tmp_path: Path, *answers: Any) -> Any:
    return Fake(tmp_path, *answers)


def test_a_program_that_cannot_be_run_is_neither_found_nor_silent(tmp_path: Path) -> None:
    port = next(one for one in FAULTY if not one.changes)
    missed = hear(fake(tmp_path, WorkerError("port", "it died")), port, "keras")
    assert (missed.verdict, missed.detected, missed.silent) == ("failed", False, False)
    assert missed.told() == "side port: it died"


def test_an_error_of_our_own_counts_against_the_judge_and_stops_nothing(tmp_path: Path) -> None:
    port = next(one for one in RIGHT if not one.changes)
    failed = hear(fake(tmp_path, KeyError("out.bias")), port, "keras")
    assert not failed.silent
    assert failed.told() == "KeyError: 'out.bias'"
    own = Own(network="mlp", optimizer="sgd", against="keras", frameworks=("torch",), seed=3)
    assert [one.told() for one in hear_own(fake(tmp_path, ValueError("shape")), own)] == ["ValueError: shape"]


def test_a_side_that_the_spec_refuses_is_told_too(tmp_path: Path) -> None:
    port = replace(SOUND, program=RIGHT[0].program, changes={"optimizer.beta_7": 1})
    assert "beta_7" in hear(fake(tmp_path), port, "keras").told()


def test_a_program_that_fails_is_not_taken_for_the_others_beside_it(tmp_path: Path) -> None:
    fine = heard(SOUND, "rounding").comparison
    own = Own(network="mlp", optimizer="sgd", against="keras", frameworks=("keras", "torch"), seed=3)
    bench = fake(tmp_path, WorkerError("torch_own", "it died"), [fine], WorkerError("torch_own", "it died"))
    found = hear_own(bench, own)
    assert [(one.port.program, one.verdict) for one in found] == [("keras_own", "rounding"), ("torch_own", "failed")]
    assert bench.asked == [["meant", "keras_own", "torch_own"], ["meant", "keras_own"], ["meant", "torch_own"]]
    together = hear_own(fake(tmp_path, [fine, fine]), own)
    assert [one.silent for one in together] == [True, True]


# ---------------------------------------------------------------------------------------------------- the workers


class Worker:
    """A session that is asked nothing."""

    def __init__(self, place: tuple[str, int]) -> None:
        self.place, self.closed, self.side, self.log, self._own_log = place, False, "", Path("none"), True

    def close(self) -> None:
        self.closed = True


class Workers:
    """A test bench of sessions that are asked nothing."""

    timeout = 1.0

    def __init__(self, scratch: Path) -> None:
        self.scratch, self.known, self.made = scratch, {}, []  # type: ignore[var-annotated]

    def session(self, framework: str, number: int) -> Any:
        if (framework, number) not in self.known:
            self.known[framework, number] = Worker((framework, number))
            self.made.append(self.known[framework, number])
        return self.known[framework, number]

    def drop(self, framework: str, number: int) -> None:
        session = self.known.pop((framework, number), None)
        if session is not None:
            session.close()


@pytest.fixture
def workers(tmp_path: Path) -> Any:
    return Workers(tmp_path)


SIDE: Any = SimpleNamespace(framework="torch", name="port")


def test_a_worker_is_lent_to_one_at_a_time_and_comes_back(workers: Any) -> None:
    bench = PortBench(bench=workers)
    one, two = bench.lend(SIDE), bench.lend(SIDE)
    assert [made.place for made in workers.made] == [("torch", 0), ("torch", 1)]
    assert (one.side, isinstance(one, Loan)) == ("port", True)
    one.close()
    one.close()
    assert bench.lend(SIDE).__dict__["place"] == ("torch", 0)
    two.close()
    assert len(workers.made) == 2
    assert not any(made.closed for made in workers.made)


def test_a_worker_that_died_or_is_worn_out_is_not_lent_again(workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = PortBench(bench=workers)
    error = bench.lend(SIDE)._died("its process is gone")
    assert "side port: its process is gone" in str(error)
    assert workers.made[0].closed
    monkeypatch.setattr(port_bench, "MOST_LOANS", 2)
    for _ in range(3):
        bench.lend(SIDE).close()
    assert len(workers.made) == 3
    assert [made.closed for made in workers.made] == [True, True, False]


def test_after_a_failure_no_worker_of_that_comparison_is_lent_again(
    workers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(work: PortWork, sides: Any, *args: Any) -> Any:
        for side in sides:
            work.session(side, "log")
        raise WorkerError("port", "it failed")

    monkeypatch.setattr(PortWork, "judged", judged)
    spec = replace(RIGHT[0], changes={}).spec("keras", workers.scratch / "rows.npz")
    with pytest.raises(WorkerError, match="it failed"):
        PortBench(bench=workers).judged(spec, 3)
    assert [made.place for made in workers.made] == [("keras", 0), ("torch", 0)]
    assert all(made.closed for made in workers.made)
    assert not workers.known
    assert list(workers.scratch.iterdir()) == [], "nothing is left behind"


def test_every_rule_of_the_programs_is_used() -> None:
    assert set(RULES) - set(networks.OPTIMIZERS) <= {port.optimizer for port in PORTS}
    assert judged_ports.ENOUGH == 0.9
