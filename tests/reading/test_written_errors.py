"""Losses of errors that programs write out, element by element: told by what they make of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.reading.fitted_loss import fitted_loss
from parity.run.made_up_errors import elements_of

RAW = """\
import numpy as np
import tensorflow as tf
x = np.random.normal(size=(40, 3)).astype("float32")
y = np.random.normal(size=({targets})).astype("float32")
w, b = tf.Variable(tf.random.normal((3, 1))), tf.Variable(tf.zeros(1))
def loss_of(y, p, d=0.5):
    e = y - p
    return {loss}
for rows, aims in tf.data.Dataset.from_tensor_slices((x, y)).batch(8):
    with tf.GradientTape() as tape:
        loss = loss_of(aims, {outputs})
    for v, g in zip((w, b), tape.gradient(loss, (w, b))):
        v.assign_sub(0.1 * g)
"""

HUBER = "tf.reduce_mean(tf.where(tf.abs(e) <= d, 0.5 * tf.square(e), d * tf.abs(e) - 0.5 * d**2))"

RAW_LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "where": (HUBER, {"huber": {"delta": 0.5}}),
    "minimum": (
        "tf.reduce_mean(0.5 * tf.minimum(tf.abs(e), d) ** 2 + d * (tf.abs(e) - tf.minimum(tf.abs(e), d)))",
        {"huber": {"delta": 0.5}},
    ),
    "slope 1": (
        "tf.reduce_sum(tf.where(tf.abs(e) < d, 0.5 * e * e / d, tf.abs(e) - 0.5 * d))",
        {"smooth_l1": {"beta": 0.5, "reduction": "sum"}},
    ),
    "twice": (f"2.0 * {HUBER}", {"huber": {"delta": 0.5, "weight": 2.0}}),
    "log cosh": ("tf.reduce_mean(tf.math.log(tf.cosh(e)))", {"log_cosh": {}}),
    "softplus": ("tf.reduce_mean(e + tf.math.softplus(-2.0 * e) - tf.math.log(2.0))", {"log_cosh": {}}),
    "root of squares": ("tf.reduce_mean(tf.sqrt(tf.square(e)))", {"mae": {}}),
}


def raw(loss: str, targets: str = "40, 1", outputs: str = "rows @ w + b") -> str:
    return RAW.format(loss=loss, targets=targets, outputs=outputs)


def said(loss: Any) -> dict[str, Any]:
    """Return a loss with its fields, whether it is said with any or not; that it aligns is how it is by itself."""
    ((kind, fields),) = ({loss: {}} if isinstance(loss, str) else loss).items()
    return {kind: {name: one for name, one in fields.items() if one != "align"}}


@pytest.mark.parametrize("case", RAW_LOSSES)
def test_a_loss_of_errors_is_told_by_its_numbers_in_raw_tensorflow(case: str, read_text: Any) -> None:
    loss, wanted = RAW_LOSSES[case]
    assert said(read_text(raw(loss)).spec["loss"]) == wanted


def test_squeezed_outputs_meet_flat_targets_row_by_row(read_text: Any) -> None:
    found = read_text(raw(HUBER, "40,", "tf.squeeze(rows @ w + b)"))
    assert said(found.spec["loss"]) == {"huber": {"delta": 0.5}}


def test_outputs_of_one_number_beside_flat_targets_are_stretched(read_text: Any) -> None:
    found = read_text(raw(HUBER, "40,"))
    assert said(found.spec["loss"]) == {"huber": {"delta": 0.5, "broadcast": "stretch"}}


@pytest.mark.parametrize("loss", [
    "tf.reduce_mean(tf.where(e > 0, 2.0 * tf.square(e), tf.square(e)))",
    "tf.reduce_mean(tf.abs(e) ** 1.5)",
    "tf.reduce_mean(tf.square(e) / (1.0 + tf.square(y)))",
], ids=["one-sided", "a power", "by the targets"])  # fmt: skip
def test_a_loss_that_no_entry_is_is_a_line(loss: str, read_text: Any) -> None:
    with pytest.raises(ParityError, match=r"train.py, line \d+: .*(loss|targets)"):
        read_text(raw(loss))


TORCH = """\
import torch
import torch.nn.functional as F
from torch import nn
x, y = torch.randn(40, 3), torch.randn({targets})
net = nn.Linear(3, 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
def loss_of(p, y, d=0.5):
    e = p - y
    return {loss}
for start in range(0, 40, 8):
    xb, yb = x[start : start + 8], y[start : start + 8]
    opt.zero_grad()
    loss_of(net(xb){outputs}, yb).backward()
    opt.step()
"""

OWN_HUBER = "torch.where(e.abs() <= d, 0.5 * e ** 2, d * (e.abs() - 0.5 * d)).mean()"

TORCH_LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "where": (OWN_HUBER, {"huber": {"delta": 0.5}}),
    "clamp": (
        "(0.5 * e.abs().clamp(max=d) ** 2 + d * (e.abs() - e.abs().clamp(max=d))).mean()", {"huber": {"delta": 0.5}},
    ),
    "log cosh": ("torch.log(torch.cosh(e)).mean()", {"log_cosh": {}}),
    "over the rows": ("torch.log(torch.cosh(e)).sum() / len(e)", {"log_cosh": {}}),
    "summed": (OWN_HUBER.replace(".mean()", ".sum()"), {"huber": {"delta": 0.5, "reduction": "sum"}}),
}  # fmt: skip


def own(loss: str, targets: str = "40, 1", outputs: str = "") -> str:
    return TORCH.format(loss=loss, targets=targets, outputs=outputs)


@pytest.mark.parametrize("case", TORCH_LOSSES)
def test_a_loss_of_errors_is_told_by_its_numbers_in_pytorch(case: str, read_text: Any) -> None:
    loss, wanted = TORCH_LOSSES[case]
    assert said(read_text(own(loss)).spec["loss"]) == wanted


@pytest.mark.parametrize(("outputs", "fields"), [("", {"broadcast": "stretch"}), (".squeeze(1)", {})])
def test_stretched_errors_are_told_in_pytorch(outputs: str, fields: dict[str, str], read_text: Any) -> None:
    assert said(read_text(own(OWN_HUBER, "40", outputs)).spec["loss"]) == {"huber": {"delta": 0.5, **fields}}


def test_a_loss_that_no_entry_is_stays_opaque_in_pytorch(read_text: Any) -> None:
    found = read_text(own("torch.where(e > 0, 2.0 * e ** 2, e ** 2).mean()"))
    assert "opaque" in found.spec["loss"]


@pytest.mark.parametrize("text", [raw(RAW_LOSSES["log cosh"][0]), own(OWN_HUBER)], ids=["tensorflow", "torch"])
def test_a_loss_that_is_written_out_is_read_faithfully(text: str, session: Any, tmp_path: Path) -> None:
    _, held = read_and_held(session, text, tmp_path)
    assert held.lines[-1].startswith("read faithfully"), held.lines


def test_what_is_not_one_number_of_each_pair_is_not_told() -> None:
    assert elements_of([[4, 2], [4, 2]], lambda x, y: (x - y).sum(-1), []) is None


def test_a_line_from_another_size_on_than_the_program_writes_is_no_huber() -> None:
    told = elements_of([[8, 1], [8, 1]], lambda x, y: np.minimum(np.abs(x - y), 0.5), [0.5])
    assert told is not None
    assert fitted_loss(**told) is None
