"""The fixture in this process: what it takes for a spec, and what it says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_commands import Lender as BenchLender
from helpers_frameworks import missing, shared_bench

from parity.court.lent import LentWork
from parity.plugin.checker import LIVE, Checker
from parity.plugin.ledger import CAUSE, NOTE, VERDICT, Ledger

pytestmark = pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")


@pytest.fixture(autouse=True)
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks use the workers that other tests use."""
    lent = BenchLender(shared_bench())
    monkeypatch.setattr(LentWork, "session", lambda work, side, log: lent.session(work, side, log))


class Marked(SimpleNamespace):
    """A test, as far as a check looks at it."""

    def get_closest_marker(self, name: str) -> Any:
        """Return the marker that was given."""
        assert name == "parity"
        return self.marker


def checker(folder: Path, update: bool = False, **marked: Any) -> Checker:
    item = Marked(path=folder / "test_a.py", nodeid="test_a.py::test_b", user_properties=[],
                  marker=SimpleNamespace(kwargs=marked) if marked else None)  # fmt: skip
    return Checker(item=item, ledger=Ledger(update=update))  # type: ignore[arg-type]


def told(check: Checker, name: str) -> list[str]:
    return [value for key, value in check.item.user_properties if key == name]


def spec(rate: float = 0.1, **sides: Any) -> dict[str, Any]:
    return {
        "name": "own", "data": {"source": "digits"},
        "model": {"input": [64], "layers": [{"dense": {"units": 10, "name": "out"}}]},
        "loss": {"categorical_crossentropy": {"from_logits": True}},
        "optimizer": {"sgd": {"learning_rate": rate}}, "training": {"batch_size": 8},
        "sides": sides or {"torch": {"framework": "torch"}},
    }  # fmt: skip


def written(check: Checker, program: Any, **given: Any) -> None:
    with pytest.raises(pytest.fail.Exception, match="review and commit it"):
        check.check(program, **given)


def test_a_mapping_is_written_once_and_held_ever_after(tmp_path: Path) -> None:
    written(checker(tmp_path, steps=2), spec())
    golden = tmp_path / "goldens/test_a/test_b.golden.json"
    assert golden.exists()
    again = checker(tmp_path)
    found = again.check(spec())
    assert found is not None
    assert [(one.verdict, one.steps) for one in found.sides] == [("identical", 2)]
    assert told(again, VERDICT) == ["torch: identical"]

    parted = checker(tmp_path)
    with pytest.raises(pytest.fail.Exception, match="torch: divergent, first at step 1, update"):
        parted.check(spec(0.2))
    assert told(parted, CAUSE) == [
        "optimizer.learning_rate: 0.1 -> 0.2; the cause: taken back, the side agrees with the golden"
    ]

    before = golden.read_bytes()
    same = checker(tmp_path, update=True)
    same.check(spec(), steps=2)
    assert golden.read_bytes() == before, "what is identical is not written anew"
    assert told(same, NOTE) == []
    updated = checker(tmp_path, update=True)
    updated.check(spec(0.2))
    (note,) = told(updated, NOTE)
    assert note.startswith("updated: torch: divergent at step 1, update, out.kernel by ")
    assert note.endswith("; optimizer.learning_rate: 0.1 -> 0.2")
    assert checker(tmp_path).check(spec(0.2)) is not None


def test_sides_that_do_not_agree_fail_with_what_they_differ_in(tmp_path: Path) -> None:
    sides = {"a": {"framework": "torch"}, "b": {"framework": "torch", "changes": {"layers.out.use_bias": False}}}
    check = checker(tmp_path, update=True)
    with pytest.raises(pytest.fail.Exception, match=r"a and b: divergent.*\n +layers\.out\.use_bias: true -> false"):
        check.check(spec(**sides), steps=1)
    assert checker(tmp_path, update=True).check(spec(**sides), agree=False, steps=1) is not None


def test_what_a_user_can_mend_is_said_in_a_line(tmp_path: Path) -> None:
    check = checker(tmp_path)
    with pytest.raises(pytest.fail.Exception, match="unknown layer 'dens'"):
        check.check({**spec(), "model": {"input": [64], "layers": ["dens"]}})
    with pytest.raises(pytest.fail.Exception, match="no such file"):
        check.check("parity_none.yaml")
    with pytest.raises(pytest.fail.Exception, match=r"^parity\.check\(stepz=.*\): no such option; .* mean 'steps'"):
        check.check(spec(), stepz=2)


def test_a_live_model_is_read_and_held(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    rows = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 5))
    given = {"loss": torch.nn.CrossEntropyLoss(), "x": rows, "y": np.arange(64) % 5}
    written(checker(tmp_path), model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), **given)
    check = checker(tmp_path)
    with pytest.raises(pytest.fail.Exception, match="torch: divergent, first at step 2, update"):
        check.check(model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5), **given)
    assert told(check, CAUSE)[0].startswith("optimizer.momentum: 0.0 -> 0.5; the cause: taken back")


def test_a_live_model_too_small_to_tell_how_it_starts_is_refused_with_what_to_check_instead(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3))
    check = checker(tmp_path)
    with pytest.raises(pytest.fail.Exception) as failed:
        check.check(model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), loss=torch.nn.CrossEntropyLoss(),
                    x=np.zeros((64, 8), "float32"), y=np.arange(64) % 3)  # fmt: skip
    *told, last = str(failed.value).splitlines()
    assert "48 numbers of one draw are too few to tell how it is drawn" in told[0]
    assert last == LIVE
    assert "--weights live" not in told[0]
    assert failed.value.__suppress_context__, "it would be printed twice"
    assert not (tmp_path / "goldens").exists()


def test_two_programs_that_part_fail_with_what_they_differ_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    apart = SimpleNamespace(a="keras", b="torch", verdict="divergent", reason="first at step 1, loss, loss")
    rate = SimpleNamespace(path="optimizer.learning_rate", a="0.1", b="0.2", inert=False)
    idle = SimpleNamespace(path="metrics", a="[]", b="[mse]", inert=True)
    found = SimpleNamespace(comparisons=[apart], differences=[rate, idle])

    def compare(*programs: Any, **given: Any) -> Any:
        asked.append((programs, given["explain"]))
        return SimpleNamespace(result=found)

    monkeypatch.setattr("parity.api.compare", compare)
    check = checker(tmp_path)
    with pytest.raises(pytest.fail.Exception, match=r"keras and torch: divergent, first at step 1.*\n +optimizer"):
        check.compare("a.py", "package.module:MODEL")
    assert asked == [((str(tmp_path / "a.py"), "package.module:MODEL"), False)]
    assert told(check, CAUSE) == ["optimizer.learning_rate: 0.1 -> 0.2"]
    apart.verdict = "rounding"
    assert checker(tmp_path).compare("a.py", "b.py") is found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": "4"}, "parity.check(steps='4'): expected a number of steps, from 1"),
        ({"steps": 0}, "parity.check(steps=0): expected a number of steps, from 1"),
        ({"frameworks": "keras"}, "parity.check(frameworks='keras'): expected a valid tuple"),
        ({"changes": ["a"]}, "parity.check(changes=['a']): expected a valid dictionary"),
        ({"seed": "x"}, "parity.check(seed='x'): expected a valid integer, unable to parse string as an integer"),
        ({"step": 3}, "parity.check(step=...): no such option; one of "),
    ],
)
def test_what_an_option_does_not_take_is_one_line(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(pytest.fail.Exception) as failed:
        checker(tmp_path).check(spec(), **given)
    assert str(failed.value).startswith(said)
    assert "\n" not in str(failed.value)
