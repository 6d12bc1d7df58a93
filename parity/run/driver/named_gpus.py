"""Which GPU a device means, and how one is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parity.run.environment import driver_version

FAST_FLOAT64 = ((6, 0), (7, 0), (8, 0), (9, 0), (10, 0))
"""Compute capabilities of NVIDIA's GPUs whose float64 is half as fast as their float32; others' is a 32nd or a 64th
of that (CUDA C++ Programming Guide, throughput of native arithmetic instructions)."""


def described(gpu: int, seen: dict[str, Any]) -> str:
    """Return the number, name and libraries of a GPU, and that lockstep in float64 takes long there, where it does.

    Args:
        gpu: its number.
        seen: as :meth:`Driver.gpus` returns it.
    """
    known = (seen.get("capabilities") or {gpu: None})[gpu]
    driver = f"driver {version}, " if (version := driver_version()) else ""
    slow = "" if known is None or tuple(known) in FAST_FLOAT64 else ", no fast float64"
    return f"gpu:{gpu}, {seen['names'][gpu]}, {driver}{seen['built']}{slow}"


def gpu_number(device: str, seen: Sequence[str]) -> int | None:
    """Return the number of the GPU that a device means, None for the CPU.

    Args:
        device: ``auto``, ``cpu``, ``gpu`` or ``gpu:N``.
        seen: names of the GPUs that there are, which ``auto`` goes by.
    """
    kind, _, number = device.partition(":")
    return int(number or 0) if kind == "gpu" or (kind == "auto" and seen) else None
