"""Programs whose weight decay is what a spec has as l2 penalties: shown with what it comes to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import missing
from helpers_ports import FUNCTIONAL, MODEL, MOMENTUM, Port, judged, port

from parity.run.driver.decaying import Decay, DecayGuide, DecayProbe
from parity.run.probe import Guide
from parity.selftest.pair_bench import TestBench

PENALISED: dict[str, Any] = {**MODEL, "layers": [
    {kind: {**fields, **({"kernel_regularizer": {"l2": 0.02}} if kind in ("conv1d", "dense") else {}),
            **({"bias_regularizer": {"l2": 0.05}} if fields.get("name") == "out" else {})}}
    for one in MODEL["layers"] for kind, fields in one.items()
]}  # fmt: skip

DECAYED = (
    FUNCTIONAL[: FUNCTIONAL.index("def build_optimizer")]
    + """
def build_optimizer(model):
    kernels = [one for one in model.parameters() if one.dim() > 1]
    biases = [one for one in model.parameters() if one.dim() == 1]
    return torch.optim.SGD([
        {"params": kernels, "weight_decay": 0.04}, {"params": biases[:-1]},
        {"params": biases[-1:], "weight_decay": 0.1},
    ], lr=0.05, momentum=0.9)
"""
)


def ported(source: str = DECAYED, **more: Any) -> Port:
    return port("torch", source, MOMENTUM, model=PENALISED, more=more)


@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
def test_decay_that_comes_to_the_penalties_of_a_spec_is_at_parity(bench: TestBench, tmp_path: Path) -> None:
    judge = judged(bench, ported(l2_in_optimizer=True), tmp_path)
    assert judge.verdict()[0] == "rounding", judge.verdict()


@pytest.mark.skipif(bool(missing("torch")), reason="needs torch")
@pytest.mark.parametrize(("one", "place"), [
    (ported(), (1, "loss")),  # Nobody has said that it is in the optimizer.
    (ported(DECAYED.replace("0.04", "0.02"), l2_in_optimizer=True), (1, "update")),  # A factor of 2 is forgotten.
    (ported(DECAYED.replace("biases[:-1]}", "biases[:-1], 'weight_decay': 0.04}"), l2_in_optimizer=True),
     (2, "update")),  # Biases start at 0.
    (ported(FUNCTIONAL, l2_in_optimizer=True), (1, "update")),  # It does not decay at all.
])  # fmt: skip
def test_decay_that_is_another_is_found(one: Port, place: tuple[int, str], bench: TestBench, tmp_path: Path) -> None:
    found = judged(bench, one, tmp_path, steps=2)
    assert found.verdict()[0] == "divergent"
    assert found.first is not None
    assert (found.first.step, found.first.phase) == place


class Seen:
    def __init__(self) -> None:
        self.found: dict[tuple[str, str], np.ndarray] = {}

    def see(self, phase: str, name: str, value: Any, axes: Any = None) -> None:
        self.found[phase, name] = value


def test_gradients_are_shown_with_the_decay_and_gone_on_with_without_it() -> None:
    w = {"a.kernel": np.array([[1.0, -2.0]]), "b.kernel": np.array([3.0])}
    decay = Decay({"a.kernel": 0.5}, lambda name: w[name])
    assert decay.penalty == 0.25 * (1.0 + 4.0)
    w["a.kernel"] *= 10.0  # As when the step is taken.
    probe = Seen()
    shown = DecayProbe(decay, probe)
    for phase, name in ("gradient", "a.kernel"), ("gradient", "b.kernel"), ("forward", "a.kernel"):
        shown.see(phase, name, np.zeros((1, 2)))
    assert probe.found["gradient", "a.kernel"].tolist() == [[0.5, -1.0]]
    assert not probe.found["gradient", "b.kernel"].any()
    assert not probe.found["forward", "a.kernel"].any()
    kept = {"gradient/a.kernel": np.array([[7.0, 7.0]]), "gradient/b.kernel": np.array([[7.0, 7.0]])}
    exchange: Any = SimpleNamespace(get=kept.__getitem__)
    guide = DecayGuide(decay, Guide(exchange, [("gradient", "a.kernel"), ("gradient", "b.kernel")]))
    given = [guide.instead("gradient", name, (1, 2), None) for name in ("a.kernel", "b.kernel", "c.kernel")]
    assert given[0] is not None
    assert given[0].tolist() == [[6.5, 8.0]]
    assert given[1] is not None
    assert given[1].tolist() == [[7.0, 7.0]]
    assert given[2] is None
