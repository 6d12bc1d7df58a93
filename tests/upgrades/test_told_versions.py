"""Tables and searches as text, from invented facts: 80 columns, both values, both versions."""

from __future__ import annotations

from typing import Any

from parity.result.schema import Place
from parity.upgrades.between import Across, Between, Bisected, MovedDefault, OutcomeAt, VersionRow
from parity.upgrades.told_versions import WIDTH, search, table

PLACE = Place(step=1, phase="update", tensor="hidden.kernel", difference=0.056, noise=1e-13)
MOVED = MovedDefault(
    path="optimizer.epsilon_place", before="outside_root", after="inside_root", means="where it stands"
)


def pair(before: str, after: str, verdict: Any = "rounding", **more: Any) -> Between:
    return Between(before=before, after=after, verdict=verdict, seconds=10.0, **more)


def changed(before: str, after: str) -> Between:
    return pair(before, after, "divergent", first=PLACE, op="rmsprop", moved=[MOVED])


def rows() -> list[VersionRow]:
    broken = pair("2.11.0", "2.12.0", "inconclusive", error="side 2.12.0: ImportError: no wrapt")
    return [
        VersionRow(version="2.9.0"),
        VersionRow(version="2.10.0", against_before=pair("2.9.0", "2.10.0"), against_first=pair("2.9.0", "2.10.0")),
        VersionRow(version="2.11.0", notes=["keras==2.11.0 is yanked (reason: broken wheel)"],
                   against_before=changed("2.10.0", "2.11.0"), against_first=changed("2.9.0", "2.11.0")),
        VersionRow(version="2.12.0", against_before=broken, against_first=broken),
    ]  # fmt: skip


def test_a_table_says_verdicts_place_op_and_default_of_each_version() -> None:
    lines = table(Across(spec="mlp", framework="keras_2", package="keras", rows=rows()))
    assert all(len(line) <= WIDTH for line in lines)
    text = " ".join(" ".join(lines).split())
    assert lines[1].split() == ["version", "against", "the", "one", "before", "against", "the", "first", "seconds"]
    assert [line.split() for line in lines if line.startswith("2.1")] == [
        ["2.10.0", "rounding", "rounding", "10"], ["2.11.0", "divergent", "divergent", "10"],
        ["2.12.0", "inconclusive", "inconclusive", "10"],
    ]  # fmt: skip
    assert "first place: step 1, update hidden.kernel, made by rmsprop: 5.6e-02 where rounding explains 1.0e-13" in text
    assert "default moved: optimizer.epsilon_place: outside_root (2.10.0) -> inside_root (2.11.0)" in text
    assert "yanked (reason: broken wheel)" in text
    assert "not judged: side 2.12.0: ImportError: no wrapt" in text


def test_the_first_version_is_told_only_where_it_says_something_else() -> None:
    lines = table(Across(spec="mlp", framework="keras_2", package="keras", rows=rows()))
    assert not [line for line in lines if "against 2.9.0" in line]
    other = changed("2.9.0", "2.13.0").model_copy(update={"first": PLACE.model_copy(update={"step": 3})})
    more = VersionRow(version="2.13.0", against_before=pair("2.12.0", "2.13.0"), against_first=other)
    lines = table(Across(spec="mlp", framework="keras_2", package="keras", rows=[*rows(), more]))
    assert [line for line in lines if "against 2.9.0: first place: step 3" in line]


def bisected(**more: Any) -> Bisected:
    told: dict[str, Any] = {
        "spec": "mlp", "framework": "keras_2", "package": "keras", "good": "2.9.0", "bad": "2.12.0",
        "releases": ["2.9.0", "2.10.0", "2.11.0", "2.12.0"], "first": "2.11.0", "last": "2.10.0", "checks": 4,
        "seconds": 90.0, "change": changed("2.10.0", "2.11.0"),
        "tried": [pair("2.9.0", "2.12.0", "divergent"), pair("2.9.0", "2.10.0")],
    }  # fmt: skip
    return Bisected(**{**told, **more})


def test_a_search_says_release_place_op_field_runs_and_minutes() -> None:
    lines = search(bisected())
    text = " ".join(" ".join(lines).split())
    assert all(len(line) <= WIDTH for line in lines)
    assert "keras 2.11.0 is the first release that does not train the same as 2.9.0; 2.10.0 still does." in text
    assert "made by rmsprop" in text
    assert "optimizer.epsilon_place: outside_root (2.10.0) -> inside_root (2.11.0) (where it stands)" in text
    assert lines[-1] == "4 checks made in 1.5 minutes; what was stored was not made again."
    assert "2.9.0 and 2.10.0: rounding" in text


def test_a_search_that_found_nothing_says_so() -> None:
    none = search(bisected(first=None, last="2.12.0", change=None))
    assert "keras 2.12.0 trains the same as keras 2.9.0: there is nothing to look for." in " ".join(none)
    level = search(bisected(first=None, last="2.12.0", change=None, outcome="accuracy >= 0.8", level=True))
    assert "With keras 2.12.0 accuracy >= 0.8 ends as with keras 2.9.0: there is nothing to look" in " ".join(level)
    blind = search(bisected(first=None, last="2.9.0", change=None))
    assert "could not be judged against keras 2.9.0" in " ".join(blind)


def test_a_search_names_what_it_could_not_judge() -> None:
    text = " ".join(search(bisected(last="2.9.0", skipped=["2.10.0"])))
    assert "The first release seen to differ is keras 2.11.0" in " ".join(text.split())
    assert "could not be judged: 2.10.0." in " ".join(text.split())


def test_an_outcome_is_told_by_its_values() -> None:
    ended = [OutcomeAt(version="2.9.0", value=0.95), OutcomeAt(version="2.12.0", value=0.51),
             OutcomeAt(version="2.10.0", value=None, error="side 2.10.0: killed")]  # fmt: skip
    text = " ".join(" ".join(search(bisected(outcome="accuracy", outcomes=ended, tried=[]))).split())
    assert "2.9.0: accuracy is 0.95" in text
    assert "2.10.0: accuracy is not known (side 2.10.0: killed)" in text
    assert "keras 2.11.0 is the first release whose accuracy is not as with 2.9.0; with 2.10.0 it still is." in text


def test_an_outcome_that_is_a_level_is_reached_or_not() -> None:
    ended = [OutcomeAt(version="2.9.0", value=1.0), OutcomeAt(version="2.12.0", value=0.0)]
    told = search(bisected(outcome="accuracy >= 0.8", level=True, outcomes=ended, tried=[]))
    text = " ".join(" ".join(told).split())
    assert "2.9.0: accuracy >= 0.8 is reached 2.12.0: accuracy >= 0.8 is not reached" in text
    assert "whose accuracy >= 0.8 is not as with 2.9.0" in text
