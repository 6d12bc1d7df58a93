"""What a run recorded. Plain data: comparing, explaining and reporting read this and no framework."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is known at the end of an epoch, or at the end of a run that stops within one.

    The metrics are end-of-epoch values: one set of weights, that of ``step``, over all rows, in evaluation mode. The
    running loss is what Keras's progress bar prints: the mean over the epoch's batches, each with the weights that it
    met, in training mode.

    Args:
        step: steps taken when it was measured.
        epoch: the epoch that had just ended, or was under way.
        metrics: by name, over the rows trained on; ``val_`` and the name over those kept for validation.
        running_loss: mean training loss of the epoch up to ``step``, every row counted once; None where not known.
    """

    step: int
    epoch: int
    metrics: Mapping[str, float]
    running_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """A free run of one side.

    Args:
        key: hash of everything that decides the run.
        side: name of the side.
        framework: of the side.
        version: of the framework.
        interpreter: path of the Python that ran it.
        precision: ``float32`` or ``float64``.
        device: where it ran.
        parameters: number of trainable scalars.
        losses: of every step, before its update.
        measured: metrics, in the order of steps.
        seconds: spent in training steps; the processor's, where the run had one thread of a CPU.
        begin: seconds of them spent in the first step, which compiles.
        curve: metrics of a sample of the rows at checkpoints, 0 among them; empty for a run that has none.
        drawn: what the framework's own generators gave first, where it drew its own numbers: ``uniform``, ``mask`` and
            ``rows``, those of the first batch, ``dealt`` out by the program itself or as recorded.
        undetermined: operations that have no deterministic form where it ran, though that was asked for.
        stopped: why it ended before its last step, empty where it did not.
        cached: read from the store.
    """

    key: str
    side: str
    framework: str
    version: str
    interpreter: str
    precision: str
    device: str
    parameters: int
    losses: tuple[float, ...]
    measured: tuple[Measured, ...]
    seconds: float
    begin: float = 0.0
    curve: tuple[Measured, ...] = ()
    drawn: Mapping[str, Any] = field(default_factory=dict)
    undetermined: tuple[str, ...] = ()
    stopped: str = ""
    cached: bool = field(default=False, compare=False)

    @property
    def final(self) -> Mapping[str, float]:
        """Return the metrics at the end."""
        return self.measured[-1].metrics if self.measured else {}

    def to_json(self) -> str:
        """Return the trajectory as JSON; NaN and infinity survive the way back."""
        return json.dumps(_encoded(asdict(self)), indent=1)

    @classmethod
    def from_json(cls, text: str, **changes: Any) -> Trajectory:
        """Return the trajectory that :meth:`to_json` wrote.

        Args:
            text: the JSON.
            changes: fields to set otherwise, such as ``cached``.
        """
        data = _decoded(json.loads(text)) | changes
        data["losses"] = tuple(float(loss) for loss in data["losses"])
        data["measured"] = tuple(Measured(**one) for one in data["measured"])
        data["undetermined"] = tuple(data.get("undetermined", ()))
        data["curve"] = tuple(Measured(**one) for one in data.get("curve", ()))
        return cls(**data)


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encoded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"float"} and isinstance(value["float"], str):
            return float(value["float"])
        return {key: _decoded(one) for key, one in value.items()}
    return [_decoded(one) for one in value] if isinstance(value, list) else value
