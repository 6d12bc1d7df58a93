"""Rates that a callback of Keras's sets ahead of each epoch: read as a schedule, by which the program is run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity import api
from parity.catalog import SCHEDULES
from parity.errors import ParityError
from parity.reading.fitted_rate import rate_of_epochs

pytestmark = pytest.mark.usefixtures("forked_keras")

PROGRAM = """\
import math
import keras, numpy as np
from keras import layers
rng = np.random.default_rng(0)
x, y = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="a"), layers.Dense(1, name="b")])
def by_epoch(epoch, rate):
    {returns}
model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
model.fit(x, y, epochs=6, batch_size=16, validation_split=0.2, verbose=0,
          callbacks=[keras.callbacks.LearningRateScheduler({called})])
"""


def program(returns: str, called: str = "by_epoch") -> str:
    return PROGRAM.format(returns=returns, called=called)


@pytest.mark.parametrize(("returns", "called", "said"), [  # 40 rows to train on, 3 steps an epoch.
    ("return rate if epoch < 2 else rate / 2", "by_epoch",
     {"piecewise": {"boundaries": [5, 8, 11, 14], "values": [0.1, 0.05, 0.025, 0.0125, 0.00625]}}),
    ("return 0.2 * 0.5 ** (epoch // 2)", "by_epoch",
     {"step": {"initial_learning_rate": 0.2, "step_size": 6, "gamma": 0.5}}),
    ("return 0.3", "by_epoch", 0.3),
    ("", "lambda epoch: 0.01 * (epoch + 1)",
     {"piecewise": {"boundaries": [2, 5, 8, 11, 14], "values": [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]}}),
])  # fmt: skip
def test_a_function_of_the_epoch_is_the_schedule_that_gives_its_rates(
    read_text: Any, returns: str, called: str, said: Any
) -> None:
    found = read_text(program(returns or "pass", called))
    ((_, fields),) = found.spec["optimizer"].items()
    assert fields["learning_rate"] == said
    assert found.told.places["schedule"] == "train.py, line 10"


@pytest.mark.parametrize(("returns", "says"), [
    ("return [0.1, 0.2][epoch]", "a rate that a callback sets, which fails in epoch 3 (IndexError: list index out of"),
    ("return math.inf", "rates of epochs (inf, inf, inf, inf, ...) is not read; it needs rates that are finite"),
])  # fmt: skip
def test_what_gives_no_rate_is_refused_at_its_line(read_text: Any, returns: str, says: str) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(program(returns))
    assert str(raised.value).startswith(f"train.py, line 10: {says}")


def test_the_program_is_run_by_its_rates(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(program("return 0.1 * 0.1 ** epoch"))
    found = api.read(tmp_path / "train.py", out=tmp_path / "out")
    assert found.proof is not None  # Five steps, the last two of them of the second epoch.
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines


@given(st.lists(st.floats(1e-6, 10.0), min_size=1, max_size=30), st.integers(1, 40))
def test_any_rates_are_those_of_what_is_said(rates: list[float], steps: int) -> None:
    said = rate_of_epochs(rates, steps)
    assert said is not None
    if isinstance(said, float):
        assert set(rates) == {said}
        return
    ((kind, fields),) = said.items()
    schedule = SCHEDULES[kind].model_validate(fields)
    for epoch, rate in enumerate(rates):
        for step in {epoch * steps, (epoch + 1) * steps - 1}:
            assert math.isclose(schedule.rate(step), rate, rel_tol=1e-6, abs_tol=1e-8)
