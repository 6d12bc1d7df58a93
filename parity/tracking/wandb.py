"""Runs for Weights & Biases, by ``wandb`` itself, offline: nothing is sent until ``wandb sync`` does.

Source: ``wandb/sdk/wandb_init.py``, ``wandb/sdk/wandb_run.py``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from parity.tracking.told_runs import ToldResult, ToldRun

NEEDS = ("wandb",)
"""What the extra of this name installs."""

OPEN = "wandb sync {folder}/wandb/offline-run-*"


def write(told: ToldResult, created: datetime, folder: Path, artefacts: Sequence[Path]) -> list[Path]:
    """Write a result, and list the folders of the runs.

    Args:
        told: the result.
        created: when it was made.
        folder: that gets ``wandb/``.
        artefacts: files beside the result, kept with the run of the comparison.
    """
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read at import; nothing is to be sent
    import wandb

    folder.mkdir(parents=True, exist_ok=True)
    about = {"differences": told.differences, "created": created.isoformat(), **told.tags}
    written = []
    with _run(told.name, folder, told.name, "comparison", about) as run:
        written.append(Path(run.dir).parent)
        run.summary.update({**told.tags, **told.claims, "answer": told.text})
        if artefacts:
            kept = wandb.Artifact(f"{told.name}-report", type="report", description=told.tags.get("answer", ""))
            for file in artefacts:
                kept.add_file(str(file))
            run.log_artifact(kept)
    for one in told.runs:
        with _run(told.name, folder, one.name, one.kind, one.about) as run:
            written.append(Path(run.dir).parent)
            _log(run, one)
    return written


def _log(run: Any, one: ToldRun) -> None:
    """Log the curves by step, and outcomes by seed with an axis of their own."""
    by_step: dict[int, dict[str, float]] = {}
    for name, points in one.curves.items():
        run.define_metric(name, step_metric="step")
        for step, value in points:
            by_step.setdefault(step, {})[name] = value
    for step in sorted(by_step):
        run.log({"step": step, **by_step[step]})
    for name, points in one.seeds.items():
        run.define_metric(name, step_metric="seed")
        for seed, value in points:
            run.log({"seed": seed, name: value})
    run.summary.update({f"end/{name}": value for name, value in one.ends.items()})


def _run(group: str, folder: Path, name: str, kind: str, about: Mapping[str, Any]) -> Any:
    import wandb

    quiet = wandb.Settings(silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True)
    return wandb.init(
        mode="offline", dir=str(folder), project="parity", group=group, name=name[:120], job_type=kind,
        config=dict(about), settings=quiet, reinit="finish_previous",
    )  # fmt: skip
