"""Explaining a small network on PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parity import api
from parity.commands.differing import pair_differences
from parity.commands.explaining import explain_pair, outcome_of
from parity.court.work import Note, Work
from parity.prepare.options import Options, prepare
from parity.spec.sections import Spec
from parity.trials.inquired import Explained

STEPS = 32


def tiny(changes: Mapping[str, Any], explain: Mapping[str, Any] | None = None, **more: Any) -> Spec:
    """Return the spec of a small network that learns in 32 steps, and of a side with some changes."""
    return api.build_spec({
        "name": "tiny",
        "data": {"source": "digits", "rows": 192, "scale": 0.0625},
        "model": {"input": [64], "layers": [
            {"dense": {"units": 16, "activation": "relu", "name": "hidden"}},
            {"dense": {"units": 10, "activation": "softmax", "name": "logits"}},
        ]},
        "loss": "categorical_crossentropy",
        "optimizer": {"sgd": {"learning_rate": 0.2, "momentum": 0.9}},
        "training": {"batch_size": 16, "epochs": 3},
        "metrics": ["accuracy"],
        "sides": {"good": {"framework": "torch"}, "bad": {"framework": "torch", "changes": dict(changes)}},
        "explain": {"framework": "torch", "steps": STEPS, **(explain or {})},
        **more,
    })  # fmt: skip


def explained(folder: Path, spec: Spec, note: Note = lambda text, share: None, **options: Any) -> Explained:
    """Explain the two sides of a spec, without training them on their own first.

    Args:
        folder: of the runs.
        spec: with two sides.
        note: told what is under way.
        options: of the command.
    """
    given = Options(**options)
    sides = prepare(spec, given)
    with Work(spec=spec, sides=sides, options=given, folder=folder) as work:
        found = pair_differences(work, sides)[sides[0].name, sides[1].name]
        outcome = outcome_of(work, sides)
        assert outcome is not None
        return explain_pair(work, sides, (sides[0], sides[1]), found, outcome, note)
