"""Where a process runs: its interpreter, what is installed there, and the GPUs of the machine; no framework is asked.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from collections.abc import Sequence

DRIVEN = "/proc/driver/nvidia/gpus"
"""Where NVIDIA's driver lists the GPUs that it drives, on Linux."""


def driven_gpus(folder: str = DRIVEN) -> str:
    """Return which GPUs a process may see, empty where there are none: with ``auto``, it decides where a run is made.

    Args:
        folder: that lists them.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return " ".join(names if chosen is None else [*names, f"of which {chosen}"])


DRIVER = "/proc/driver/nvidia/version"
"""What NVIDIA's driver tells of itself, on Linux."""


def driver_version(file: str = DRIVER) -> str:
    """Return the version of NVIDIA's driver, empty where there is none.

    Args:
        file: that tells it.
    """
    try:
        with open(file, encoding="utf-8", errors="replace") as told:
            found = re.search(r"Kernel Module(?: for \S+)?\s+([\d.]+)", told.read())
    except OSError:
        return ""
    return found[1] if found else "of an unknown version"


DEVICES = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")
"""What a GPU is reached by on Linux: NVIDIA's, AMD's, and Windows's under its Linux."""


def may_have_gpus(devices: Sequence[str] = DEVICES) -> bool:
    """Return whether a framework might see a GPU here; only where it certainly sees none, False.

    Args:
        devices: files one of which a GPU would have.
    """
    return sys.platform != "linux" or bool(driven_gpus()) or any(os.path.exists(one) for one in devices)


def versions(packages: list[str]) -> dict[str, str]:
    """Return installed versions, empty for what is not, and the GPUs that there are, without importing anything.

    Args:
        packages: their names.
    """
    found = {"python": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable, "gpus": driven_gpus()}
    for package in packages:
        found[package] = version_of(package)
    return found


def version_of(package: str) -> str:
    """Return the installed version of a package, empty for what is not; some come in builds of other names."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # Such as one for the CPU alone.
        others = importlib.metadata.packages_distributions().get(package.replace("-", "_"), ())
        return importlib.metadata.version(others[0]) if others else ""
