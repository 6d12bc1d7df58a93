"""Public cases: is the cause that people found the one that is named first?

`make test` takes one of eighteen, of each kind one at least, by turns, `make long` all; docs/cases.md has what came of
all of them.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_cases import FOLDER, Case, cases, judge
from helpers_frameworks import FRAMEWORKS, missing
from helpers_sample import taken

CASES = cases()
SAID = [one for one in CASES.values() if one.by]


def test_every_case_is_a_spec_or_says_why_it_is_none() -> None:
    specs = {path.stem for path in (FOLDER / "specs").glob("*.yaml")}
    assert specs == {one.name for one in SAID}
    assert all(bool(one.by) is not bool(one.unsaid) for one in CASES.values())
    assert all(bool(one.cause) is bool(one.by) for one in CASES.values())


@pytest.mark.slow
@pytest.mark.parametrize("case", taken(SAID, 18, of=lambda one: one.by), ids=lambda case: case.name)
def test_the_cause_is_named_first(case: Case, tmp_path: Path) -> None:
    absent = [one for one in FRAMEWORKS if missing(one)]
    if absent:
        pytest.skip(f"needs every framework; not here: {', '.join(absent)}")
    found = judge(case, tmp_path)
    if case.missed:
        assert not found.right(case), f"named first by now: take out `missed` ({case.missed})"
        return
    assert found.right(case), found
