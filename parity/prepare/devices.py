"""Devices: that a GPU is there is found out before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from parity.errors import UsageError
from parity.frameworks import frameworks
from parity.run.environment import driver_version
from parity.run.session import Session
from parity.spec.resolve import Resolved

Seen = Callable[[Resolved], dict[str, Any]]
"""Returns what a side's framework sees: ``names`` of GPUs, ``built``, the libraries that it was built for."""


def seen_by(side: Resolved) -> dict[str, Any]:
    """Ask a worker what GPUs a side's framework sees: that takes as long as importing it."""
    with Session(side.name, side.python) as session:
        found: dict[str, Any] = session.ask("gpus", framework=side.framework)
    return found


def check_devices(sides: Sequence[Resolved], seen: Seen = seen_by) -> None:
    """Check that every GPU that a side asks for is there.

    Args:
        sides: of a command that runs them.
        seen: asks what a side's framework sees; it is asked once for each framework and interpreter.

    Raises:
        UsageError: with what was seen, and how to go on.
    """
    known: dict[tuple[str, str | None], dict[str, Any]] = {}
    told: list[str] = []
    for side in sides:
        device = side.config.numerics.device
        kind, _, number = device.partition(":")
        if kind != "gpu":
            continue
        place = (side.framework, side.python)
        if place not in known:
            known[place] = seen(side)
        names = known[place]["names"]
        if int(number or 0) >= len(names):
            told.append(f"side {side.name}: numerics.device is {device}, and {_lacking(side, known[place])}")
    if told:
        raise UsageError("; ".join([*told, "run on cpu, or on auto, which takes a GPU where there is one"]))


def _lacking(side: Resolved, found: dict[str, Any]) -> str:
    """Say what a framework sees in the place of a GPU that is asked for, and what would change that."""
    known = frameworks()[side.framework]
    title = known.title
    if found["names"]:
        return f"{title} sees {len(found['names'])}: {', '.join(found['names'])}, counted from gpu:0"
    version = driver_version()
    driver = f"NVIDIA's driver {version} is loaded here" if version else "no NVIDIA driver is loaded here"
    if not found["built"]:
        return f"{title} is built for the CPU only ({driver}): {known.on_a_gpu}"
    return f"{title} sees none ({driver}; it is built for {found['built']}): {known.on_a_gpu}"
