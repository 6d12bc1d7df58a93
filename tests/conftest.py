"""What every test stands on: Hypothesis profiles, and markers that skip what this machine cannot run.

``HYPOTHESIS_PROFILE=long`` (``make long``) draws many examples; the default, ``ci``, draws few, always the same.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers_forked import FOLDER, HELD
from helpers_sample import QUESTIONS, TURN, WHOLE, left_out
from hypothesis import HealthCheck, settings

from parity.run.environment import driven_gpus

if TYPE_CHECKING:
    from parity.selftest.pair_bench import TestBench

settings.register_profile("ci", max_examples=20, derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "long", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

if "PYTEST_XDIST_WORKER" not in os.environ:
    # What parity keeps for a user: here for all processes of this run, and nobody else.
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="parity-cache-")
    atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)
    # Interpreters that have imported a framework, started when first asked for, which end with this process.
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="parity-forks-")
    atexit.register(shutil.rmtree, os.environ[FOLDER], ignore_errors=True)
    os.mkfifo(Path(os.environ[FOLDER]) / HELD)
    os.open(Path(os.environ[FOLDER]) / HELD, os.O_RDWR)  # Until this process ends.

for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
    os.environ.pop(name, None)  # Commands that a test runs say nothing to the job that runs the tests.

gc.disable()  # What is collected, half a million objects, stays: to look for garbage in it takes a fifth of the time.

SECONDS = "parity/seconds"
"""Where pytest keeps how long each file took when it last ran whole."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names under which a headless browser may be on the PATH."""


def pytest_report_header() -> str:
    """Say which sample is taken."""
    sample = f"sample: PARITY_TURN={TURN} PARITY_QUESTIONS={QUESTIONS}; `make long` tests all"
    return "sample: all of it" if WHOLE else sample


def find_browser() -> str | None:
    """Return the path of a Chromium, None when there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the stated sample, and put the files that take longest first: whoever begins one last is waited for."""
    dropped = set() if WHOLE else set(left_out(items))
    if dropped:
        config.hook.pytest_deselected(items=list(dropped))
        items[:] = [item for item in items if item not in dropped]
    cache = getattr(config, "cache", None)  # None with `-p no:cacheprovider`.
    known: dict[str, float] = cache.get(SECONDS, {}) if cache else {}
    guess: Counter[str] = Counter()
    for item in items:
        guess[file_of(item.nodeid)] += 5.0 if item.get_closest_marker("slow") else 0.2
    items.sort(key=lambda item: -known.get(name := file_of(item.nodeid), guess[name]))


def pytest_collection_finish() -> None:
    """Look for garbage again, in what comes from now on."""
    gc.freeze()
    gc.enable()


def file_of(nodeid: str) -> str:
    """Return the file that a test stands in."""
    return nodeid.partition("::")[0]


taken: Counter[str] = Counter()
"""Seconds by file, of this run."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the seconds of each file."""
    taken[file_of(report.nodeid)] += report.duration


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep them for the order of the next run, where whole files ran."""
    config = session.config
    part = config.option.keyword or config.option.markexpr or any("::" in one for one in config.args)
    if getattr(config, "cache", None) and not hasattr(config, "workerinput") and not part and exitstatus in (0, 1):
        config.cache.set(SECONDS, {**config.cache.get(SECONDS, {}), **taken})


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with the reason, a test whose marker asks for what is not here."""
    if item.get_closest_marker("real_data"):
        folder = os.environ.get("PARITY_DATA")
        if not folder:
            pytest.skip("real data: PARITY_DATA is not set")
        if not (Path(folder) / "leaf.npz").is_file():
            pytest.skip(f"real data: no leaf.npz in PARITY_DATA={folder}")
    if item.get_closest_marker("gpu") and "PARITY_GPU_DEVICE" not in os.environ and not driven_gpus():
        pytest.skip("gpu: no NVIDIA driver lists one here; `make gpu-test` on a machine that has one")
    if item.get_closest_marker("browser") and find_browser() is None:
        pytest.skip(f"browser: none of {', '.join(BROWSERS)} is on the PATH")


@pytest.fixture(scope="session")
def browser() -> str:
    """Path of a headless Chromium, for tests marked ``browser``."""
    path = find_browser()
    if path is None:
        pytest.skip(f"browser: none of {', '.join(BROWSERS)} is on the PATH")
    return path


@pytest.fixture(scope="session")
def bench() -> TestBench:
    """Workers of the frameworks, shared by all files that a process tests, and what judges programs in them."""
    from helpers_frameworks import shared_bench  # A test that needs no framework is spared the import.

    return shared_bench()


@pytest.fixture
def forked_torch() -> Iterator[None]:
    """Let every worker that would be this interpreter be a fork of one that has imported PyTorch."""
    from helpers_forked import forked_workers

    with forked_workers("torch"):
        yield


@pytest.fixture
def forked_keras() -> Iterator[None]:
    """Let every worker that would be this interpreter be a fork of one that has imported Keras on TensorFlow."""
    from helpers_forked import forked_workers

    with forked_workers("keras"):
        yield
