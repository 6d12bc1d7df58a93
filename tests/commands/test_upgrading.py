"""Tables and searches with invented checks: what is made, what is kept, what is gone around; no framework runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from report_samples import a_comparison, a_place, a_result, a_side

from parity.commands import upgrading
from parity.commands.progress import silent
from parity.commands.upgrading import Upgrade, as_good
from parity.environments.building import UnmadeError
from parity.errors import UsageError, WorkerError
from parity.explain.outcome import Outcome
from parity.prepare.options import Options
from parity.spec.load import parse_spec
from parity.spec.resolve import Resolved, resolve
from parity.spec.sections import Spec
from parity.upgrades.between import Across

SPEC = """\
name: mlp
data: {source: digits}
model: {input: [64], layers: [{dense: {units: 10, activation: softmax, name: out}}]}
loss: categorical_crossentropy
optimizer: rmsprop
metrics: [accuracy]
sides: {mine: {framework: keras, changes: {training.batch_size: 8}}}
"""

EVERY = [f"3.{number}.0" for number in range(9)]


class Invented:
    """Checks whose verdict is divergent where one version lies before the change and the other does not."""

    def __init__(self, change: str, unmade: tuple[str, ...] = (), stops: int | None = None) -> None:
        self.change, self.unmade, self.stops = EVERY.index(change), unmade, stops
        self.made: list[tuple[str, ...]] = []

    def prepare(self, spec: Spec, options: Options) -> list[Resolved]:
        for name in spec.sides:
            if name in self.unmade:
                raise UnmadeError(f"packages keras {name}: there is no such release")
        return resolve(spec)

    def check(self, spec: Spec, options: Options, **more: Any) -> Any:
        if self.stops is not None and len(self.made) >= self.stops:
            raise KeyboardInterrupt
        first, *others = spec.sides
        self.made.append((first, *others))
        late = {name: EVERY.index(name) >= self.change for name in spec.sides}
        pairs = [
            a_comparison(first, one, "divergent" if late[first] != late[one] else "rounding",
                         first=a_place(phase="update", tensor="out.kernel") if late[first] != late[one] else None)
            for one in others
        ]  # fmt: skip
        return a_result([a_side(name, [1.0], []) for name in spec.sides], pairs)


@pytest.fixture
def upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Upgrade]:
    """Return what makes an upgrade whose checks are invented ones."""

    def of(invented: Invented, package: str = "keras", sides: tuple[str, ...] = ()) -> Upgrade:
        monkeypatch.setattr(upgrading, "prepare", invented.prepare)
        monkeypatch.setattr(upgrading, "check", invented.check)
        monkeypatch.setattr(upgrading, "installed_versions", lambda side: {"keras": side.name})
        monkeypatch.setattr(upgrading, "releases", lambda framework, package, python: EVERY)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        return Upgrade(spec=parse_spec(SPEC), options=Options(sides=sides), package=package, text=SPEC, file=None,
                       folder=tmp_path, command="parity across", note=silent)  # fmt: skip

    return of


def verdicts(found: Across) -> list[Any]:
    return [
        (one.version, *(pair.verdict if pair else "" for pair in (one.against_before, one.against_first)))
        for one in found.rows
    ]


def test_each_version_is_held_against_the_one_before_and_the_first_in_one_check(upgrade: Any) -> None:
    invented = Invented("3.2.0")
    found = upgrade(invented).across(["3.0.0", "3.1.0", "3.2.0", "3.3.0"])
    assert verdicts(found) == [
        ("3.0.0", "", ""), ("3.1.0", "rounding", "rounding"), ("3.2.0", "divergent", "divergent"),
        ("3.3.0", "rounding", "divergent"),
    ]  # fmt: skip
    assert invented.made == [("3.1.0", "3.0.0"), ("3.2.0", "3.1.0", "3.0.0"), ("3.3.0", "3.2.0", "3.0.0")]
    assert found.rows[2].against_before.op == "rmsprop"
    assert found.rows[2].packages == {"keras": "3.2.0"}


def test_an_interrupted_table_goes_on_where_it_was(upgrade: Any) -> None:
    versions, broken, second = ["3.0.0", "3.1.0", "3.2.0", "3.3.0"], Invented("3.2.0", stops=2), Invented("3.2.0")
    with pytest.raises(KeyboardInterrupt):
        upgrade(broken).across(versions)
    found = upgrade(second).across(versions)
    assert second.made == [("3.3.0", "3.2.0", "3.0.0")]
    assert [row[1] for row in verdicts(found)] == ["", "rounding", "divergent", "rounding"]
    third = Invented("3.2.0")
    bisected = upgrade(third).bisect("3.0.0", "3.3.0", None)
    assert (bisected.first, bisected.last, bisected.checks, third.made) == ("3.2.0", "3.1.0", 0, [])


def test_the_release_is_found_and_what_lies_between_the_two_is_told(upgrade: Any) -> None:
    invented = Invented("3.6.0")
    found = upgrade(invented).bisect("3.0.0", "3.8.0", None)
    assert (found.first, found.last, found.skipped, found.releases) == ("3.6.0", "3.5.0", [], EVERY)
    assert (found.change.before, found.change.after, found.change.op) == ("3.5.0", "3.6.0", "rmsprop")
    assert found.checks == len(invented.made) <= 5
    assert {one.before for one in found.tried} == {"3.0.0"}


def test_a_release_that_cannot_be_had_is_gone_around_and_an_end_that_cannot_is_told(upgrade: Any) -> None:
    found = upgrade(Invented("3.6.0", unmade=("3.4.0",))).bisect("3.0.0", "3.8.0", None)
    assert (found.first, found.last, found.skipped) == ("3.6.0", "3.5.0", [])
    assert [one.error for one in found.tried if one.after == "3.4.0"] == [
        "packages keras 3.4.0: there is no such release"
    ]
    for versions in (("3.0.0", "3.4.0"), ("3.4.0", "3.8.0")):
        with pytest.raises(UsageError, match=r"packages keras 3\.4\.0: there is no such release"):
            upgrade(Invented("3.6.0", unmade=("3.4.0",))).bisect(*versions, None)
    with pytest.raises(UsageError, match=r"packages keras 3\.4\.0"):
        upgrade(Invented("3.6.0", unmade=("3.4.0",))).across(["3.0.0", "3.4.0"])


def test_the_side_is_the_one_named_or_the_first_that_runs_on_the_package(upgrade: Any) -> None:
    invented = Invented("3.2.0")
    mine = upgrade(invented)
    made = mine.sides("3.1.0").sides["3.1.0"]
    assert (made.framework, made.packages, made.defaults) == ("keras", {"keras": "3.1.0"}, "native")
    assert made.changes == {"training.batch_size": 8}
    other = upgrade(invented, package="torch")
    assert (other.side.framework, other.side.changes) == ("torch", {"training.batch_size": 8})
    with pytest.raises(UsageError, match="--side mine: keras does not run on torch"):
        _ = upgrade(invented, package="torch", sides=("mine",)).side


@pytest.mark.parametrize(
    ("values", "told"),
    [((0.9, 0.5, 0.8), True), ((0.9, 0.5, 0.6), False), ((0.9, 0.9, 0.2), True), ((0.9, None, 0.8), None)],
)
def test_an_outcome_is_as_the_good_one_where_it_is_nearer_to_it(values: tuple[Any, Any, Any], told: Any) -> None:
    assert as_good(Outcome(metric="accuracy"), *values) is told


class Trained:
    """Trainings that end at one accuracy and loss before a change and at others from it on; of one release, at none."""

    def __init__(self, change: str, broken: str = "") -> None:
        self.change, self.broken, self.made = EVERY.index(change), broken, list[str]()

    def run(self, spec: Spec, options: Options, **more: Any) -> Any:
        (name,) = spec.sides
        self.made.append(name)
        if name == self.broken:
            raise WorkerError(name, "killed")
        late = EVERY.index(name) >= self.change
        return a_result([a_side(name, [2.0, 0.5 if late else 0.1], [0.55 if late else 0.95])], [])


@pytest.mark.parametrize(
    ("outcome", "good", "bad"), [("accuracy", 0.95, 0.55), ("accuracy >= 0.8", 1.0, 0.0), ("loss", 0.1, 0.5),
                                 ("loss <= 0.2", 1.0, 0.0)],
)  # fmt: skip
def test_the_release_from_which_training_ends_elsewhere_is_found(
    upgrade: Any, monkeypatch: pytest.MonkeyPatch, outcome: str, good: float, bad: float
) -> None:
    trained = Trained("3.6.0", broken="3.4.0")
    mine = upgrade(Invented("3.6.0"))
    monkeypatch.setattr(upgrading, "run", trained.run)
    found = mine.bisect("3.0.0", "3.8.0", outcome)
    assert (found.first, found.last, found.outcome, found.tried) == ("3.6.0", "3.5.0", outcome, [])
    assert {one.version: one.value for one in found.outcomes} == {
        "3.0.0": good, "3.8.0": bad, "3.4.0": None, "3.3.0": good, "3.5.0": good, "3.6.0": bad,
    }  # fmt: skip
    assert len(trained.made) == 6, "each release is trained once"
    assert found.change.before == "3.5.0"


def test_where_training_ends_alike_there_is_nothing_to_look_for(upgrade: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = upgrade(Invented("3.6.0"))
    monkeypatch.setattr(upgrading, "run", Trained("3.8.0").run)
    found = mine.bisect("3.0.0", "3.7.0", "accuracy")
    assert (found.first, found.last, found.change) == (None, "3.7.0", None)
    with pytest.raises(UsageError, match="expected what a training ends at: a metric, loss, or acc"):
        mine.bisect("3.0.0", "3.7.0", "steps to accuracy >= 0.8")
