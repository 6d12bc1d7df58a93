"""Runs for MLflow, by ``mlflow`` itself, in a database and a folder of artefacts that are files here; no server.

Source: ``mlflow/tracking/client.py``. The older store of plain files is in maintenance mode from MLflow 3 on, which
refuses it unless told otherwise; a local SQLite file is what its message asks for. ``mlflow-skinny`` writes it, with
SQLAlchemy and Alembic beside it.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from parity.tracking.told_runs import ToldResult, ToldRun

NEEDS = ("mlflow", "sqlalchemy", "alembic")
"""What the extra of this name installs."""

OPEN = "mlflow ui --backend-store-uri sqlite:///{folder}/mlflow.db"

LONGEST = 500
"""Characters of a parameter's value that every version of MLflow takes."""


def write(told: ToldResult, created: datetime, folder: Path, artefacts: Sequence[Path]) -> list[Path]:
    """Write a result, and list the files.

    Args:
        told: the result.
        created: when it was made.
        folder: of the database and the artefacts.
        artefacts: files beside the result, kept with the run of the comparison.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read at import; nothing is to be sent
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # how its database was made is of no interest here
        logging.getLogger(name).setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / "mlflow.db"
    client = MlflowClient(tracking_uri=f"sqlite:///{store.resolve()}")
    known = client.get_experiment_by_name(told.name)
    place = (folder / "artefacts").resolve().as_uri()
    experiment = known.experiment_id if known else client.create_experiment(told.name, artifact_location=place)
    time = int(created.timestamp() * 1000)
    whole = client.create_run(
        experiment, time, run_name=told.name, tags={"kind": "comparison", **told.tags}
    ).info.run_id
    _batch(client, whole, time, {name: [(0, value)] for name, value in told.claims.items()}, told.differences)
    client.log_text(whole, told.text, "answer.md")
    for file in artefacts:
        client.log_artifact(whole, str(file))
    for run in told.runs:
        tags = {"kind": run.kind, "mlflow.parentRunId": whole}
        one = client.create_run(experiment, time, run_name=run.name, tags=tags).info.run_id
        _batch(client, one, time, _series(run), run.about)
        client.set_terminated(one, end_time=time)
    client.set_terminated(whole, end_time=time)
    return [store]


def _series(run: ToldRun) -> dict[str, list[tuple[int, float]]]:
    return {**run.curves, **run.seeds, **{f"end/{name}": [(0, value)] for name, value in run.ends.items()}}


def _batch(
    client: Any, run: str, time: int, series: dict[str, list[tuple[int, float]]], about: dict[str, str]
) -> None:  # fmt: skip
    """Log numbers and parameters, so many at a time as MLflow takes."""
    from mlflow.entities import Metric, Param

    numbers = [Metric(_key(name), value, time, step) for name, points in series.items() for step, value in points]
    told = [Param(_key(name), value[:LONGEST]) for name, value in about.items()]
    for start in range(0, max(len(numbers), 1), 1000):
        client.log_batch(run, metrics=numbers[start : start + 1000])
    for start in range(0, len(told), 100):
        client.log_batch(run, params=told[start : start + 100])


def _key(name: str) -> str:
    """Return a name that MLflow takes: letters, digits and what it allows between them.

    >>> _key("layers.*.kernel_initializer"), _key("accuracy >= 0.8")
    ('layers.-.kernel_initializer', 'accuracy - 0.8')
    """
    return re.sub(r"[^\w\-. /]+", "-", name)[:250]
