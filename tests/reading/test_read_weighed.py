"""PyTorch programs that weigh their rows: by data beside the targets, by the classes, by ``pos_weight``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError

HEAD = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
generator = np.random.default_rng(0)
x = torch.tensor(generator.normal(size=(40, 3)).astype("float32"))
y = torch.tensor({targets})
w = torch.tensor(generator.uniform(0.5, 2.0, size=40).astype("float32"))
of_class = torch.tensor([1.0, 2.0, 4.0])
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, {units}))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
rows = torch.utils.data.TensorDataset(x, y, w)
for a, b, c in torch.utils.data.DataLoader(rows, batch_size=8, shuffle=True):
    opt.zero_grad()
    ({loss}).backward()
    opt.step()
"""

YES_OR_NO = "generator.integers(0, 2, 40).astype('float32')"
CLASSES = "generator.integers(0, 3, 40)"
NUMBERS = "generator.normal(size=40).astype('float32')"
BINARY = "F.binary_cross_entropy_with_logits(net(a).squeeze(1), b, reduction='none')"
OF_CLASSES = "F.cross_entropy(net(a), b, reduction='none')"
ERRORS = "(net(a)[:, 0] - b) ** 2"


def text(targets: str, units: int, loss: str) -> str:
    return HEAD.format(targets=targets, units=units, loss=loss)


WEIGHED: dict[str, tuple[str, dict[str, Any]]] = {
    "a mean": (text(YES_OR_NO, 1, f"({BINARY} * c).mean()"), {}),
    "weights ahead": (text(YES_OR_NO, 1, f"(c * {BINARY}).mean()"), {}),
    "over the weights": (
        text(YES_OR_NO, 1, f"({BINARY} * c).sum() / c.sum()"), {"reduction": "mean_with_sample_weight"},
    ),
    "a sum": (text(YES_OR_NO, 1, f"({BINARY} * c).sum()"), {"reduction": "sum"}),
    "classes": (text(CLASSES, 3, f"({OF_CLASSES} * c).mean()"), {"from_logits": True}),
    "errors": (text(NUMBERS, 1, f"({ERRORS} * c).mean()"), {}),
    "computed of the targets": (text(YES_OR_NO, 1, f"({BINARY} * torch.where(b > 0, 3.0, 1.0)).mean()"), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", WEIGHED)
def test_weights_beside_the_targets_are_those_of_the_rows(case: str, read_text: Any) -> None:
    source, fields = WEIGHED[case]
    found = read_text(source)
    assert found.spec["data"]["sample_weights"] == "sample_weights"
    ((_, said),) = found.spec["loss"].items()
    assert said.get("reduction", "mean") == fields.get("reduction", "mean")
    weights = found.arrays["sample_weights"]
    assert weights.shape == (40,)
    generator = np.random.default_rng(0)
    generator.normal(size=(40, 3))
    y = eval(source[source.index("y = torch.tensor(") + 17 : source.index(")\nw = ")], {"generator": generator})
    own = generator.uniform(0.5, 2.0, size=40).astype("float32")
    wanted = np.where(y > 0, 3.0, 1.0) if case == "computed of the targets" else own
    np.testing.assert_allclose(weights, wanted, rtol=1e-6)


@pytest.mark.parametrize("case", ["over the weights", "classes"])
def test_a_program_that_weighs_its_rows_is_read_faithfully(case: str, session: Any, tmp_path: Path) -> None:
    _, held = read_and_held(session, WEIGHED[case][0], tmp_path)
    assert held.lines[-1].startswith("read faithfully"), held.lines


@pytest.mark.parametrize(("loss", "divisor"), [
    (f"({OF_CLASSES} * of_class[b]).mean()", None),
    (f"({OF_CLASSES} * of_class[b]).sum() / of_class[b].sum()", "weights"),
])  # fmt: skip
def test_weights_that_are_looked_up_by_the_class_are_those_of_classes(
    loss: str, divisor: str | None, read_text: Any
) -> None:
    found = read_text(text(CLASSES, 3, loss))
    assert "sample_weights" not in found.spec["data"]
    ((kind, fields),) = found.spec["loss"].items()
    assert kind == "sparse_categorical_crossentropy"
    assert fields["class_weight"] == [1.0, 2.0, 4.0]
    assert fields.get("divisor") == divisor


def test_weights_of_classes_are_the_decimals_that_the_program_says(session: Any, tmp_path: Path) -> None:
    source = text(CLASSES, 3, f"({OF_CLASSES} * of_class[b]).mean()").replace("[1.0, 2.0, 4.0]", "[0.1, 2.3, 0.7]")
    found, held = read_and_held(session, source, tmp_path)
    assert found.spec["loss"]["sparse_categorical_crossentropy"]["class_weight"] == [0.1, 2.3, 0.7]
    assert held.lines[-1].startswith("read faithfully"), held.lines


def test_pos_weight_is_what_a_row_counts_whose_target_is_1(session: Any, tmp_path: Path) -> None:
    loss = "F.binary_cross_entropy_with_logits(net(a).squeeze(1), b, pos_weight=torch.tensor(5.0))"
    found, held = read_and_held(session, text(YES_OR_NO, 1, loss), tmp_path)
    assert held.lines[-1].startswith("read faithfully"), held.lines
    assert found.arrays["sample_weights"].tolist() == np.where(found.arrays["y"] == 1, 5.0, 1.0).tolist()
    assert "pos_weight=5 of the loss: what a row counts whose target is 1." in found.notes


UNREAD = {
    "all pairs": text(YES_OR_NO, 1, f"({BINARY} * c[:, None]).mean()"),
    "of several losses": text(YES_OR_NO, 1, f"({BINARY} * c).mean() + F.mse_loss(net(a)[:, 0], b)"),
    "over those above 1": text(YES_OR_NO, 1, f"({BINARY} * c).sum() / (c > 1.0).sum()"),
    "over a batch's targets": text(YES_OR_NO, 1, f"{BINARY}.sum() / b.sum()"),
    "of the model's": text(YES_OR_NO, 1, f"({BINARY} * net(a)[:, 0].detach()).mean()"),
    "shares of pos_weight": text(NUMBERS, 1, "F.binary_cross_entropy_with_logits(net(a)[:, 0], b.sigmoid(), "
                                             "pos_weight=torch.tensor(5.0))"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREAD)
def test_weights_of_anything_else_are_not_taken_for_those_of_rows(case: str, read_text: Any) -> None:
    try:
        found = read_text(UNREAD[case])
    except ParityError as error:
        found = None
        said = str(error)
    if found is None:
        assert re.search("is not read; it needs the usual loss of outputs and targets|rows", said), said
        return
    assert "sample_weights" not in found.spec["data"]
    assert "opaque" in found.spec["loss"]
