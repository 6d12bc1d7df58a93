"""Programs run alone, where ``import parity`` fails: each in a process of its own, fresh or forked.

A fresh interpreter imports its framework, which takes longer than a small program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers_forked import interpreter

ALONE = (
    "import sys; sys.modules['parity'] = None; "
    "import runpy; sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""Runs the program named first on the command line."""


def run_alone(
    framework: str, arguments: Sequence[str], folder: Path, fresh: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program as a user would, from its folder.

    Args:
        framework: that it is of.
        arguments: its file, and what stands behind it on the command line.
        folder: to run it in.
        fresh: in an interpreter that has imported nothing, or else in one that has imported the framework.
    """
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "KERAS_BACKEND"}}
    return subprocess.run(
        [sys.executable if fresh else interpreter(framework), "-I", "-c", ALONE, *arguments],
        cwd=folder,
        env=env | {"KERAS_HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
