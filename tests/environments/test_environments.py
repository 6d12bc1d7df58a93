"""Environments without a network: where they lie, what is asked for, what is kept, how a refusal is worded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from parity.environments import building, shelf
from parity.environments.building import made, refusal
from parity.environments.releases import from_to, in_order, releases
from parity.environments.wanted import MADE, Environment, lock_of
from parity.errors import UsageError
from parity.prepare.versions import parse_packages, with_environments
from parity.spec.load import parse_spec


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep environments in a folder that is thrown away."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "parity" / "environments"


def kept_one(name: str, size: int, used: float, version: str = "3.0.0") -> Path:
    """Put an environment on the shelf, as if it had been made."""
    folder = shelf.shelf() / name
    folder.mkdir(parents=True)
    told = {"packages": {"keras": version}, "installed": {"keras": version}, "kind": "overlay", "bytes": size}
    (folder / MADE).write_text(json.dumps(told))
    os.utime(folder / MADE, (used, used))
    return folder


def test_where_one_lies_is_decided_by_packages_framework_and_interpreter(cache: Path) -> None:
    one = Environment.of("keras", {"Keras": "3.13.2"})
    assert one.folder == Environment.of("keras", {"keras": "3.13.2"}).folder
    assert one.folder.parent == cache
    assert one.folder.name.startswith("keras-3.13.2-")
    others = [Environment.of("keras", {"keras": "3.13.1"}), Environment.of("keras_torch", {"keras": "3.13.2"}),
              Environment.of("keras", {"keras": "3.13.2"}, "/bin/sh")]  # fmt: skip
    assert len({one.folder, *(other.folder for other in others)}) == 4
    assert one.python == str(one.folder / "bin" / "python")


def test_builds_for_a_cpu_are_asked_for_on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parity.environments.wanted.on_x86", lambda: True)
    torch, tensorflow = Environment.of("torch", {"torch": "2.5.1"}), Environment.of("keras", {"tensorflow": "2.16.2"})
    assert torch.requirement("torch", "2.5.1") == "torch==2.5.1+cpu"
    assert torch.requirement("torch", "2.5.1+cpu") == "torch==2.5.1+cpu"
    assert torch.indexes(["torch", "numpy"]) == ["https://download.pytorch.org/whl/cpu"]
    assert tensorflow.requirement("tensorflow", "2.16.2") == "tensorflow-cpu==2.16.2"
    assert tensorflow.indexes(["tensorflow"]) == []
    monkeypatch.setattr("parity.environments.wanted.on_x86", lambda: False)
    assert torch.requirement("torch", "2.5.1") == "torch==2.5.1"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error: No solution found\n  cause: Because there is no version of keras==3.99.0 and you require it",
         "there is no such release for Python at"),
        ("error: Request failed after 3 retries\n  cause: Failed to fetch: https://x/simple/keras/\n  cause: dns error",
         "the package index cannot be reached"),
        ("error: something else", "uv could not make the environment (something else)"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_what_was_asked_and_how_to_go_on(said: str, told: str) -> None:
    text = refusal(Environment.of("keras", {"keras": "3.99.0"}), said)
    assert text.startswith("packages keras 3.99.0: ")
    assert told in text
    assert "`python:`" in text
    assert "\n" not in text


def test_without_uv_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building.sys, "executable", "/nowhere/bin/python")
    monkeypatch.setattr(building.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "uv", None)
    with pytest.raises(UsageError, match=r"uv, which is not installed: pip install 'parity-harness\[versions\]'"):
        made(Environment.of("keras", {"keras": "3.13.2"}))


def test_an_environment_is_made_once_and_whole_or_not_at_all(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a uv that is none: it notes what it is asked, and fails the first time."""
    asked: list[list[str]] = []

    def run(wanted: Environment, command: list[str]) -> str:
        asked.append(list(command))
        if command[1] == "venv":
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", command[-1]], check=True)
        elif len(asked) < 3:
            raise UsageError("no network")
        else:
            site = next((Path(command[command.index("--python") + 1]).parents[1] / "lib").glob("python*/site-packages"))
            info = site / "keras-3.13.2.dist-info"
            info.mkdir()
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.13.2\n")
            (info / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        return "warning: `keras==3.13.2` is yanked (reason: a test)\n"

    monkeypatch.setattr(building, "_run", run)
    monkeypatch.setattr(building, "find_uv", lambda what: "uv")
    base = {
        "sites": ["/somewhere/site-packages"],
        "python": "3.11.7",
        "has": {"keras": "3.15.1", "tensorflow": "2.21.0"},
    }
    monkeypatch.setattr(building, "_about", lambda wanted: base)
    wanted = Environment.of("keras", {"keras": "3.13.2"})
    with pytest.raises(UsageError, match="no network"):
        made(wanted)
    assert not list(cache.glob("keras*"))
    assert made(wanted) == made(wanted) == wanted.python
    assert len(asked) == 4
    assert "--no-deps" in asked[-1]
    told = json.loads((wanted.folder / MADE).read_text())
    assert (told["kind"], told["installed"], told["yanked"]) == (
        "overlay", {"keras": "3.13.2"}, ["warning: `keras==3.13.2` is yanked (reason: a test)"])  # fmt: skip
    (pth,) = wanted.folder.glob("lib/python*/site-packages/parity_base.pth")
    assert pth.read_text() == "import site; site.addsitedir('/somewhere/site-packages')\n"


def test_the_shelf_is_held_to_its_size_and_keeps_what_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    oldest, middle, newest = (kept_one(name, 400_000_000, used) for name, used in (("a", 1.0), ("b", 2.0), ("c", 3.0)))
    assert [one.name for one in shelf.kept()] == ["c", "b", "a"]
    monkeypatch.setenv(shelf.LIMIT, "1")
    building.hold(oldest)
    assert shelf.hold_to_limit() == ["b"]
    assert (oldest.exists(), middle.exists(), newest.exists()) == (True, False, True)
    with pytest.raises(UsageError, match="--remove a: another command uses it"):
        shelf.removed(["a"])
    building._held.pop(oldest).close()
    assert shelf.removed(None) == ["c", "a"]
    assert shelf.kept() == []


def test_what_is_no_environment_or_no_size_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kept_one("keras-3.0.0-abc", 8_000_000, 1.0)
    with pytest.raises(
        UsageError, match=r"no such environment; one of keras-3\.0\.0-abc; did you mean 'keras-3\.0\.0-abc'"
    ):
        shelf.removed(["keras-3.0.0-abd"])
    lines = shelf.shown_shelf()
    assert "1 environments, 8 MB of 20.0 GB (PARITY_CACHE_GB)" in lines[0]
    assert lines[1].strip().startswith("keras-3.0.0-abc  overlay, 8 MB, used 1970-01-01")
    monkeypatch.setenv(shelf.LIMIT, "much")
    with pytest.raises(UsageError, match="PARITY_CACHE_GB='much': expected gigabytes"):
        shelf.limit()


def test_locks_stand_beside_environments(cache: Path) -> None:
    assert lock_of(cache / "keras-1") == cache / ".keras-1.lock"


def test_releases_are_in_order_without_pre_releases() -> None:
    assert in_order(["3.10.0", "3.9.2", "3.11.0rc1", "3.9.10", "nonsense"]) == ["3.9.2", "3.9.10", "3.10.0"]
    every = ["3.12.0", "3.13.0", "3.13.1", "3.14.0"]
    assert from_to(every, "3.13.0", "3.14.0", "keras") == every[1:]
    with pytest.raises(UsageError, match=r"--bad 3\.13\.7: keras has no such release here; nearest are 3\.13\.0"):
        from_to(every, "3.12.0", "3.13.7", "keras")
    with pytest.raises(UsageError, match="the bad release must be the later one"):
        from_to(every, "3.14.0", "3.12.0", "keras")
    with pytest.raises(UsageError, match=r"--good 3\.12\.0 --bad 3\.14\.0 finds the first that differs from 3\.12\.0"):
        from_to(every, "3.14.0", "3.12.0", "keras")
    with pytest.raises(UsageError, match="both are one release"):
        from_to(every, "3.12.0", "3.12.0", "keras")


def test_without_an_index_the_releases_that_are_kept_are_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "error: failed to fetch\n  cause: Connection refused"
    offline = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(subprocess, "run", lambda *command, **how: offline)
    monkeypatch.setattr("parity.environments.releases.find_uv", lambda what: "uv")
    with pytest.raises(UsageError, match=r"listed \(cause: Connection refused\); go on where there is a network$"):
        releases("keras", "keras")
    for version, base in (("3.14.0", None), ("3.13.2", None), ("3.12.0", "/another/python")):
        kept_one(Environment.of("keras", {"keras": version}, base).folder.name, 1, 1.0, version)
    with pytest.raises(UsageError) as caught:
        releases("keras", "keras")
    assert str(caught.value).endswith("parity across SPEC --package keras --versions 3.13.2,3.14.0")


SPEC = """\
name: versions
data: {source: digits}
model: {input: [64], layers: [{dense: {units: 10, name: out}}]}
loss: mse
optimizer: sgd
sides:
  old: {framework: keras, packages: {keras: 3.13.2}}
  new: {framework: keras}
  other: {framework: torch}
"""


def test_a_side_with_packages_names_the_interpreter_of_their_environment() -> None:
    spec = with_environments(parse_spec(SPEC), {"keras": "3.14.0", "other:numpy": "2.0.0"})
    wanted: dict[str, Any] = {
        "old": ("keras", {"keras": "3.14.0"}), "new": ("keras", {"keras": "3.14.0"}),
        "other": ("torch", {"numpy": "2.0.0"}),
    }  # fmt: skip
    for name, (framework, packages) in wanted.items():
        assert spec.sides[name].packages == packages
        assert spec.sides[name].python == Environment.of(framework, packages).python
    plain = with_environments(parse_spec(SPEC), {})
    assert (plain.sides["new"].python, plain.sides["old"].packages) == (None, {"keras": "3.13.2"})


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        ({"nwe:keras": "3.14.0"}, "no such side 'nwe'; one of new, old, other; did you mean 'new'?"),
        ({"jax": "0.4.0"}, "no side's framework has it; one of keras, numpy, tensorflow, torch"),
    ],
)
def test_packages_that_no_side_can_have_are_told(packages: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError) as error:
        with_environments(parse_spec(SPEC), packages)
    assert told in str(error.value)


def test_packages_of_the_command_line_are_exact() -> None:
    assert parse_packages("keras=3.13.2, old:tensorflow==2.16.2") == {"keras": "3.13.2", "old:tensorflow": "2.16.2"}
    for wrong in ("keras", "keras>=3.0", "keras=latest", "=3.1.0"):
        with pytest.raises(UsageError, match="expected NAME=VERSION, an exact one such as"):
            parse_packages(wrong)


def test_a_version_that_yaml_takes_for_a_number_is_a_fault_with_its_line() -> None:
    from parity.errors import SpecError

    with pytest.raises(SpecError) as error:
        parse_spec(SPEC.replace("3.13.2", "3.10"), file="versions.yaml")
    assert "versions.yaml:7: sides.old.packages.keras" in str(error.value)


@pytest.mark.parametrize(
    ("framework", "packages", "told"),
    [("keras", {"keras": "2.15.0"}, "side a: packages keras 2.15.0: framework keras runs keras from 3 on; "
                                    "say framework: keras_2"),
     ("keras_2", {"keras": "3.0.0"}, "side a: packages keras 3.0.0: framework keras_2 runs keras from 2 on, before 3; "
                                     "say framework: keras or keras_torch"),
     ("keras", {"torch": "2.13.0"}, "side a: packages torch 2.13.0: framework keras does not run on torch, so it would "
                                    "change nothing; say framework: keras_torch or torch"),
     ("torch", {"torch": "1.12.1"}, "side a: packages torch 1.12.1: framework torch runs torch from 1.13 on; name a "
                                    "release that it runs, such as 1.13")],
)  # fmt: skip
def test_a_release_that_another_framework_runs_is_told_before_anything_is_made(
    framework: str, packages: dict[str, str], told: str
) -> None:
    text = SPEC.partition("sides:")[0] + f"sides: {{a: {{framework: {framework}, packages: {json.dumps(packages)}}}}}"
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        with_environments(parse_spec(text), {})


def test_without_a_network_that_is_what_is_said() -> None:
    wanted = Environment.of("keras", {"keras": "3.7.0"})
    said = "hint: Packages were unavailable because the network was disabled. no solution found"
    assert "the package index cannot be reached" in refusal(wanted, said)
