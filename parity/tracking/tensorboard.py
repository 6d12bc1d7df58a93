"""Event files for TensorBoard, by ``tensorboard`` itself: a folder a run. No TensorFlow is loaded.

Source: ``tensorboard/summary/writer/record_writer.py``, ``tensorboard/plugins/{scalar,text,hparams}/summary_v2.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from parity.tracking.told_runs import ToldResult, ToldRun

NEEDS = ("tensorboard",)
"""What the extra of this name installs."""

OPEN = "tensorboard --logdir {folder}"

ANSWER = "answer"
"""The folder of what the comparison says."""


def write(told: ToldResult, created: datetime, folder: Path, artefacts: Sequence[Path]) -> list[Path]:
    """Write a result, and list the files.

    Args:
        told: the result.
        created: when it was made.
        folder: that TensorBoard is given.
        artefacts: files beside the result; named in the text, since TensorBoard keeps none.
    """
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.plugins.scalar.summary_v2 import scalar_pb
    from tensorboard.plugins.text.summary_v2 import text_pb

    files = "".join(f"\n\n`{file.resolve()}`" for file in artefacts)
    differences = "\n".join(f"- `{path}`: `{values}`" for path, values in told.differences.items())
    texts = {"answer": told.text + files, **told.tags, **({"differences": differences} if differences else {})}
    summaries = [(0, text_pb(name, text)) for name, text in texts.items()]
    summaries += [(0, scalar_pb(name, value)) for name, value in told.claims.items()]
    written = [_events(folder / ANSWER, created, summaries)]
    for run in told.runs:
        about = hparams_pb({"kind": run.kind, **run.about}, trial_id=run.name, start_time_secs=created.timestamp())
        series = [(step, scalar_pb(name, value)) for name, step, value in _points(run)]
        written.append(_events(folder / _named(run.name), created, [(0, about), *series]))
    return written


def _points(run: ToldRun) -> Iterable[tuple[str, int, float]]:
    for name, points in (run.curves | run.seeds).items():
        for step, value in points:
            yield name, step, value
    for name, value in run.ends.items():
        yield f"end/{name}", 0, value


def _events(folder: Path, created: datetime, summaries: Iterable[tuple[int, Any]]) -> Path:
    """Write one file of events in place of what is there, so that a result exported twice is not there twice."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    from parity.atomic import whole

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "events.out.tfevents.0.parity"
    with whole(file) as handle:
        writer = RecordWriter(handle)
        writer.write(Event(wall_time=created.timestamp(), file_version="brain.Event:2").SerializeToString())
        for step, summary in summaries:
            writer.write(Event(wall_time=created.timestamp(), step=step, summary=summary).SerializeToString())
        writer.flush()
    return file


def _named(name: str) -> str:
    """Return a name as one of a folder, short enough for any file system."""
    return re.sub(r"[^\w.,=+-]+", "-", name)[:120].strip("-.") or "run"
