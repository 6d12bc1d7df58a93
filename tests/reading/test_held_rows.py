"""Rows that a program takes out of its arrays itself, in NumPy: found by their numbers, with their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.run.held_rows import among, arrays_in

HEAD = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
rng = np.random.default_rng(0)
torch.manual_seed(0)
x, y = rng.normal(size=(40, 6)), rng.integers(0, 3, 40)
net = nn.Linear(6, 3)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
def step(a, b):
    opt.zero_grad()
    F.cross_entropy(net(a), b).backward()
    opt.step()
"""

LOOPS = {
    "slices": """
for epoch in range(3):
    for i in range(0, 40, 16):
        step(torch.from_numpy(x[i:i + 16]).float(), torch.from_numpy(y[i:i + 16]))
""",
    "batches have names": """
for epoch in range(3):
    for i in range(0, len(x), 16):
        xb, yb = x[i:i + 16].astype("float32"), y[i:i + 16]
        step(torch.tensor(xb), torch.tensor(yb, dtype=torch.long))
""",
    "a permutation": """
for epoch in range(3):
    order = rng.permutation(40)
    for i in range(0, 40, 16):
        part = order[i:i + 16]
        step(torch.as_tensor(x[part], dtype=torch.float32), torch.as_tensor(y[part]))
""",
    "batches in another order": """
for epoch in range(3):
    for i in (16, 0, 24):
        step(torch.from_numpy(x[i:i + 16]).float(), torch.from_numpy(y[i:i + 16]))
""",
    "without the rest": """
for epoch in range(3):
    for i in range(40 // 16):
        step(torch.from_numpy(x[i * 16:(i + 1) * 16]).float(), torch.from_numpy(y[i * 16:(i + 1) * 16]))
""",
    "a generator": """
def batches(x, y, size):
    for i in range(0, len(x), size):
        yield torch.from_numpy(x[i:i + size]).float(), torch.from_numpy(y[i:i + size])
for epoch in range(3):
    for a, b in batches(x, y, 16):
        step(a, b)
""",
    "an object": """
class Data:
    def __init__(self):
        self.x, self.y = x.astype("float32"), y
class Trainer:
    def __init__(self, data):
        self.data = data
    def run(self):
        for epoch in range(3):
            for i in range(0, 40, 16):
                step(torch.from_numpy(self.data.x[i:i + 16]), torch.from_numpy(self.data.y[i:i + 16]))
trainer = Trainer(Data())
del x, y
trainer.run()
""",
    "all of them": """
for epoch in range(5):
    step(torch.from_numpy(x).float(), torch.from_numpy(y))
""",
    "pictures": """
pictures = x.reshape(40, 2, 3, 1)
net = nn.Sequential(nn.Flatten(), nn.Linear(6, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    for i in range(0, 40, 16):
        step(torch.from_numpy(pictures[i:i + 16]).permute(0, 3, 1, 2).float() / 2, torch.from_numpy(y[i:i + 16]))
""",
}  # fmt: skip


@pytest.mark.parametrize("case", LOOPS)
def test_rows_that_numpy_takes_out_of_arrays_are_all_of_these(case: str, read_text: Any) -> None:
    found = read_text(HEAD + LOOPS[case])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)).astype("float32"), rng.integers(0, 3, 40)
    assert not [one for one in found.notes if "batches that were seen" in one]
    expected = x.reshape(40, 2, 3, 1).transpose(0, 3, 1, 2) / 2 if case == "pictures" else x
    np.testing.assert_array_equal(found.arrays["X"], expected)
    np.testing.assert_array_equal(found.arrays["y"].ravel(), y)
    training = {
        "batch_size": 16,
        "epochs": 3,
        "shuffle": case in ("a permutation", "batches in another order"),
        "seed": 0,
    }
    if case == "without the rest":
        training["drop_remainder"] = True
    if case == "all of them":
        training |= {"batch_size": 40, "epochs": 5}
    assert found.spec["training"] == training


def test_rows_that_no_array_has_are_those_of_the_batches() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)), np.arange(12)
    steps = [[x[0:4].astype("float32"), y[0:4]], [x[4:8].astype("float32"), y[4:8]]]
    last = [x[4:8], y[4:8]]  # What a batch is called has the rows of one step.
    (found, targets), numbers = among(steps, [*last, x, y]) or ([], [])
    assert found is not None
    assert [found.shape, targets.shape] == [(12, 3), (12,)]
    assert [list(one) for one in numbers] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert among(steps, last) is None
    first = [x[0:4], y[0:4]]
    (again, _), _ = among(steps, [*first, x, y]) or ((None, None), [])
    assert again is not None
    assert len(again) == 12, "not what has the rows of the first step alone"
    assert among(steps, first) is None
    assert among(steps, [x, y[::-1]]) is None
    assert among([[steps[0][0] + 1e-6, y[0:4]]], [x, y]) is None


def test_targets_may_be_one_hot_rows_of_the_numbers_that_are_held() -> None:
    x, y = np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 3
    hot = np.eye(3)[y]
    steps = [[x[[4, 2]], hot[[4, 2]]], [x[[7, 0]], hot[[7, 0]]]]
    arrays, numbers = among(steps, [y, x]) or ([], [])
    np.testing.assert_array_equal(arrays[1], hot)
    assert [list(one) for one in numbers] == [[4, 2], [7, 0]]
    assert among([steps[0], [x[[7, 0]], hot[[0, 7]]]], [y, x]) is None


class Kept:
    """An object of a program's."""

    def __init__(self, rows: Any) -> None:
        self.rows, self.number, self.myself = rows, 3, self


def test_arrays_are_looked_for_in_what_a_program_holds_and_its_objects_hold() -> None:
    rows, more, deep = np.zeros((4, 2)), np.zeros((5, 2)), np.zeros((6, 2))
    names = {"told": {"x": (deep,)}, "rows": rows, "__cached__": {"x": more}}
    frame: Any = type("Frame", (), {"f_locals": {"kept": Kept(rows), "both": [more, 3]}, "f_globals": names})
    told = [one.shape for one in arrays_in([frame], lambda one: isinstance(one, np.ndarray))]
    assert told == [(4, 2), (5, 2), (6, 2)]
    assert arrays_in([frame], lambda one: None if isinstance(one, Kept | dict) else isinstance(one, np.ndarray)) == [
        more, rows,
    ]  # fmt: skip
