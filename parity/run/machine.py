"""What decides rounding beside the versions: the processor, its vector instructions, the GPUs.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import os
import platform
import re

from parity.run.environment import driven_gpus

PROCESSOR = "/proc/cpuinfo"
"""What Linux tells of the processor."""

VECTORS = ("amx_tile", "avx512f", "avx2", "avx", "asimd")
"""Instructions that libraries choose their kernels by, the widest first, as Linux calls them."""


def machine(file: str = PROCESSOR) -> dict[str, str]:
    """Return what decides rounding beside the versions: processor, vector instructions, system, cores, GPUs.

    Args:
        file: that tells of the processor.
    """
    try:
        with open(file, encoding="utf-8", errors="replace") as told:
            text = told.read()
    except OSError:
        text = ""
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    known = set(flags[1].split()) if flags else set()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "processor": name[1].strip() if name else platform.processor() or platform.machine(),
        "vectors": next((one for one in VECTORS if one in known), ""),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(cores),
        "gpus": driven_gpus(),
    }
