"""The pytest plug-in in a fresh project of three files, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers_forked import interpreter
from helpers_frameworks import missing

pytestmark = pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")

ROOT = Path(__file__).resolve().parents[2]

SPEC = """
name: small
data: {{source: rows.npz}}
model:
  input: [64]
  layers:
    - dense: {{units: 8, activation: relu, name: hidden}}
    - dense: {{units: 10}}
loss: {{categorical_crossentropy: {{from_logits: true}}}}
optimizer: {{adam: {{learning_rate: 0.01}}}}
training: {{batch_size: 8}}
sides:
  torch: {{framework: torch, python: {python}}}
"""

TESTS = """
import pytest

OWN = {{
    "name": "own",
    "data": {{"source": "tests/rows.npz"}},
    "model": {{"input": [64], "layers": [{{"dense": {{"units": 10}}}}]}},
    "loss": {{"categorical_crossentropy": {{"from_logits": True}}}},
    "optimizer": {{"sgd": {{"learning_rate": 0.1}}}},
    "training": {{"batch_size": 8}},
    "sides": {{"torch": {{"framework": "torch", "python": {python!r}}}}},
}}


@pytest.mark.parity(steps=2)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_own(parity, momentum):
    parity.check(OWN, changes={{"optimizer.momentum": momentum}})


def test_without():
    pass
"""


@dataclass(frozen=True)
class Ended:
    """What came of a run of pytest."""

    code: int
    text: str


@dataclass(frozen=True)
class Project:
    """A folder with three files: a spec, tests, and the settings."""

    folder: Path

    def run(self, *arguments: str, **env: str) -> Ended:
        """Run its tests; the plug-in is found as an installed one is."""
        path = os.pathsep.join([str(ROOT), str(self.folder.parent / "installed")])
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=200, check=False,
            env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "", "GITHUB_ACTIONS": "", **env},
        )  # fmt: skip
        return Ended(done.returncode, done.stdout + done.stderr)

    @property
    def goldens(self) -> list[str]:
        """Return its goldens."""
        return sorted(str(one.relative_to(self.folder)) for one in self.folder.rglob("*.golden.json"))

    def edit(self, file: str, before: str, after: str) -> None:
        """Change a text in one of its files."""
        text = (self.folder / file).read_text()
        assert before in text
        (self.folder / file).write_text(text.replace(before, after))


GOLDENS = [
    "tests/goldens/parity_small/check.golden.json",
    "tests/goldens/test_own/test_own-0.0.golden.json",
    "tests/goldens/test_own/test_own-0.9.golden.json",
]


def fresh(folder: Path) -> Project:
    python = interpreter("torch")
    (folder / "project/tests").mkdir(parents=True)
    (folder / "project/tests/parity_small.yaml").write_text(SPEC.format(python=python))
    (folder / "project/tests/test_own.py").write_text(TESTS.format(python=python))
    rng = np.random.default_rng(0)
    np.savez(folder / "project/tests/rows.npz", X=rng.normal(size=(64, 64)).astype("float32"), y=np.arange(64) % 10)
    (folder / "project/pytest.ini").write_text("[pytest]\naddopts = --strict-markers --strict-config -p no:randomly\n")
    about = folder / "installed/parity_here-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: parity-here\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[pytest11]\nparity = parity.plugin\n")
    return Project(folder / "project")


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Ended]:
    """The project after its first run, which writes goldens; and that run, in two processes."""
    project = fresh(tmp_path_factory.mktemp("begun"))
    return project, project.run("-n", "2")


@pytest.fixture
def project(begun: tuple[Project, Ended], tmp_path: Path) -> Project:
    """A copy of it."""
    shutil.copytree(begun[0].folder.parent, tmp_path / "copy")
    return Project(tmp_path / "copy/project")


@pytest.mark.slow
def test_a_missing_golden_is_written_and_fails_under_xdist(begun: tuple[Project, Ended]) -> None:
    project, first = begun
    assert first.code == 1, first.text
    assert project.goldens == GOLDENS
    assert "parity summary" in first.text
    assert first.text.count("written: goldens/parity_small/check.golden.json; review and commit it") >= 2
    assert "3 failed, 1 passed" in first.text
    told = json.loads((project.folder / GOLDENS[1]).read_text())
    assert told["test"] == "test_own.py::test_own[0.0]"
    assert len(told["sides"]["torch"]["steps"]) == 2


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_goldens_pass(project: Project) -> None:
    before = {one: (project.folder / one).read_bytes() for one in project.goldens}
    second = project.run("-n", "2", "--junitxml=junit.xml")
    assert second.code == 0, second.text
    assert 'name="parity_verdict" value="torch: identical"' in (project.folder / "junit.xml").read_text()
    assert "4 passed" in second.text
    assert "3 tests with parity, 3 goldens, 0 failed" in second.text
    assert {one: (project.folder / one).read_bytes() for one in project.goldens} == before


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_a_planted_change_fails_with_its_cause_and_an_update_says_why(project: Project) -> None:
    project.edit("tests/parity_small.yaml", "learning_rate: 0.01", "learning_rate: 0.0100000001")
    failed = project.run("--junitxml=junit.xml", "tests/parity_small.yaml", GITHUB_ACTIONS="true")
    assert failed.code == 1, failed.text
    cause = "optimizer.learning_rate: 0.01 -> 0.0100000001"
    assert f"{cause}; the cause: taken back, the side agrees with the golden" in failed.text
    assert re.search(
        r"torch: divergent, first at step 1, update, \S+: they differ by about [0-9.]+e-0[89]", failed.text
    )
    assert re.search(rf"::error file=tests/parity_small.yaml,line=1,title=parity::.*{re.escape(cause)}", failed.text)
    assert f'name="parity_cause" value="{cause}' in (project.folder / "junit.xml").read_text().replace("&gt;", ">")

    updated = project.run("--parity-update", "tests/parity_small.yaml")
    assert updated.code == 0, updated.text
    assert re.search(
        rf"updated: torch: divergent at step 1, update, \S+ by about [0-9.]+e-0[89]; {re.escape(cause)}", updated.text
    )
    assert project.run("tests/parity_small.yaml").code == 0


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_a_golden_that_no_test_uses_fails_by_its_name_and_an_update_removes_it(project: Project) -> None:
    project.edit("tests/test_own.py", "[0.0, 0.9]", "[0.0]")
    failed = project.run("tests/test_own.py")
    assert failed.code == 1, failed.text
    assert "test_own-0.9.golden.json; no test uses it" in failed.text
    assert project.goldens == GOLDENS
    removed = project.run("tests/test_own.py", "--parity-update")
    assert removed.code == 0, removed.text
    assert project.goldens == GOLDENS[:2]


@pytest.mark.sampled(2)
def test_a_damaged_golden_is_one_line(project: Project) -> None:
    file = project.folder / GOLDENS[0]
    file.write_text(file.read_text()[:5000])
    failed = project.run("tests/parity_small.yaml")
    assert failed.code == 1, failed.text
    assert "check.golden.json: a golden cut short or damaged; --parity-update writes it anew" in failed.text
    assert "Traceback" not in failed.text


def test_without_the_plug_in_nothing_of_it_is_there(project: Project) -> None:
    done = project.run("-p", "no:parity", "-k", "without", "--override-ini", "markers=parity: of the plug-in")
    assert done.code == 0, done.text
    assert "1 passed" in done.text
    assert "parity_small" not in done.text
    assert "parity summary" not in done.text


def test_collecting_imports_nothing_heavy(project: Project) -> None:
    (project.folder / "conftest.py").write_text(
        "import sys\n\n\ndef pytest_collection_finish(session):\n"
        "    heavy = {'numpy', 'torch', 'tensorflow', 'keras', 'pydantic', 'ruamel'} & set(sys.modules)\n"
        "    print('heavy:', sorted(heavy))\n"
    )
    done = project.run("--collect-only", "-q", "-s")
    assert done.code == 0, done.text
    assert "heavy: []" in done.text
    assert "parity_small.yaml::check" in done.text


def test_steps_that_are_no_number_are_one_line(project: Project) -> None:
    done = project.run("--collect-only", "-q", "-o", "parity_steps=many")
    assert done.code == 4
    assert "parity_steps = many: expected a number of steps, from 1" in done.text
    assert "Traceback" not in done.text


def test_the_marker_selects(project: Project) -> None:
    done = project.run("--collect-only", "-q", "-m", "parity")
    assert "3/4 tests collected" in done.text
    assert "test_without" not in done.text
