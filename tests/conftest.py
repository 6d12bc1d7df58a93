"""What every test stands on: Hypothesis profiles, and markers that skip what this machine cannot run.

``HYPOTHESIS_PROFILE=long`` (``make long``) draws many examples; the default, ``ci``, draws few, always the same.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from parity.run.places import driven_gpus

if TYPE_CHECKING:
    from parity.selftest.bench import TestBench

settings.register_profile("ci", max_examples=40, derandomize=True, deadline=None, print_blob=True)
settings.register_profile(
    "long", max_examples=2000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names under which a headless browser may be on the PATH."""


def find_browser() -> str | None:
    """Return the path of a Chromium, None when there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


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
