"""Where a process runs: its interpreter, what is installed there, and the GPUs of the machine; no framework is asked.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys

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


def versions(packages: list[str]) -> dict[str, str]:
    """Return installed versions, empty for what is not, and the GPUs that there are, without importing anything.

    Args:
        packages: their names.
    """
    found = {"python": ".".join(map(str, sys.version_info[:3])), "executable": sys.executable, "gpus": driven_gpus()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = ""
    return found
