"""The pytest plug-in: specs beside tests are tests, and training that a test checks is held against a golden.

``parity_*.yaml`` and ``*.parity.yaml`` are collected; a test takes the fixture ``parity``. Nothing but the standard
library and pytest is imported until a check runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from parity.plugin.ledger import Ledger, Listener, is_spec

if TYPE_CHECKING:
    from parity.plugin.checker import Checker

LEDGER = pytest.StashKey[Ledger]()

MARKER = "parity(steps=None, agree=True, ...): how training is checked; arguments as the fixture's check() takes them"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("parity", "training held against goldens")
    group.addoption(
        "--parity-update", action="store_true",
        help="write goldens anew where training differs, say why, and remove those that no test uses",
    )  # fmt: skip
    parser.addini("parity_steps", "steps that a golden records [8]", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to keep count, in this process."""
    config.addinivalue_line("markers", MARKER)
    config.stash[LEDGER] = ledger = Ledger.of(config)
    config.pluginmanager.register(Listener(ledger), "parity-listener")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the workers, whatever became of the session."""
    ledger = config.stash.get(LEDGER, None)
    if ledger is not None:
        ledger.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a spec as a test."""
    if not is_spec(file_path.name):
        return None
    from parity.plugin.specs import SpecFile

    return SpecFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that take the fixture, and take note of all."""
    for item in items:
        if "parity" in getattr(item, "fixturenames", ()) and item.get_closest_marker("parity") is None:
            item.add_marker("parity")
    config.stash[LEDGER].collected(items)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Take note that a file is not tested as a whole."""
    for item in items[:1]:
        item.config.stash[LEDGER].deselected(items)


@pytest.fixture
def parity(request: pytest.FixtureRequest) -> Checker:
    """Training held against a golden beside the test: ``parity.check(spec_or_model)``, ``parity.compare(a, b)``."""
    from parity.plugin.checker import Checker

    return Checker(item=request.node, ledger=request.config.stash[LEDGER])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of xdist where to leave goldens."""
    node.workerinput["parity_spool"] = str(node.config.stash[LEDGER].spool())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a worker of xdist has counted; of one that crashed, that files were used is not known."""
    del error
    node.config.stash[LEDGER].heard_of(getattr(node, "workeroutput", {}).get("parity"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write goldens and look for those that nobody uses: the controller; a worker tells what it counted."""
    ledger = session.config.stash[LEDGER]
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["parity"] = ledger.told()
        return
    whole = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if ledger.finish(whole) and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what became of goldens, and annotations where GitHub reads along."""
    from parity.report.github import reads_along

    lines, annotations = config.stash[LEDGER].summary(github=reads_along())
    if lines:
        terminalreporter.section("parity summary")
    for line in [*lines, *annotations]:
        terminalreporter.write_line(line)
