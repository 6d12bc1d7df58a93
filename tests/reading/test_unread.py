"""Programs that cannot be read: one line for each thing that stands in the way, never a traceback, never a guess."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from parity.cli import main
from parity.errors import ParityError

NONE = "before it trained anything: it imported none of keras, tensorflow, torch"

HEAD = """\
import keras
import numpy as np
from keras import layers, ops
x, y = np.zeros((8, 4), "float32"), np.zeros((8, 3), "float32")
"""

SMALL = "model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])\n"
TRAIN = "model.compile('sgd', 'mse')\nmodel.fit(x, y)\n"


def fails(arguments: list[str]) -> str:
    done = CliRunner().invoke(main, ["read", "--no-proof", *arguments], standalone_mode=True)
    assert done.exit_code == 2, done.output
    assert not list(Path().glob("reports/*")), "nothing is written"
    return done.output.strip()


@pytest.mark.parametrize(
    ("text", "arguments", "line"),
    [
        ("x = 1\n", [], f"odd.py ended {NONE}"),
        ("import sys\nprint('no data here')\nsys.exit('give up')\n", [],
         f"odd.py ended with exit code 1 {NONE}; "
         "the last that it printed: no data here"),
        ("import nowhere\n", [],
         "odd.py failed before it trained: ModuleNotFoundError: No module named 'nowhere' (odd.py, line 1)"),
        ("def f():\n    return 1 / 0\n\n\nf()\n", [],
         "odd.py failed before it trained: ZeroDivisionError: division by zero (odd.py, line 2, in f)"),
        ("import argparse\np = argparse.ArgumentParser()\np.add_argument('--data', "
         "required=True)\np.parse_args()\n", [],
         f"odd.py ended with exit code 2 {NONE}; the last that it printed: "
         "odd.py: error: the following arguments are required: --data"),
        ("import sys\nassert __name__ == '__main__' and sys.argv[1:] == ['--n', '3']\nsys.exit(0)\n",
         ["--", "--n", "3"],
         f"odd.py ended with exit code 0 {NONE}"),
        ("def broken(:\n", [], "odd.py failed before it trained: SyntaxError: invalid syntax (odd.py, line 1)"),
    ],
    ids=["no training", "sys.exit", "import error", "error", "argparse", "arguments", "syntax"],
)  # fmt: skip
def test_a_program_that_does_not_train_is_one_line(
    text: str, arguments: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd.py").write_text(text)
    assert fails(["odd.py", *arguments]) == line


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd.py").write_text("import time\ntime.sleep(1000)\n")
    said = "odd.py did not train within 5 seconds and was ended; give it more: --max-seconds"
    assert fails(["odd.py", "--max-seconds", "5"]) == said


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("nowhere.py", "nowhere.py: there is no such file"),
        ("nothing", "'nothing' names no program; expected a training script (.py), a file that holds a model "
         "(.h5, .keras) "
         "or MODULE:NAME"),
        ("nowhere:model", "nowhere:model: there is no module nowhere in {here}"),
    ],
)  # fmt: skip
def test_what_names_no_program_is_one_line(
    program: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert fails([program]) == line.format(here=tmp_path)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n        self.d = "
            "layers.Dense(3)"
            "\n    def call(self, x):\n        return self.d(x)\n    def train_step(self, data):\n"
            "        return super().train_step(data)\nmodel = Net()\n" + TRAIN,
            ["train.py, line 11: Net.train_step, a step of its own, is not read; it needs the usual step: a loss of "
             "outputs and targets"],
        ),
        (
            SMALL + "model.compile(keras.optimizers.SGD(0.1, weight_decay=0.01), lambda t, p: ops.mean(p))\n"
            "model.fit(x, y, class_weight={0: 2.0}, steps_per_epoch=2)\n",
            ["train.py, line 6: optimizer keras.optimizers.SGD is not read; it needs a decay that is "
             "taken off the weights",
             "train.py, line 7: steps_per_epoch=2 is not read; it needs a field of training that says steps_per_epoch"],
        ),
        (
            "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n        self.d = "
            "layers.Dense(3)"
            "\n    def call(self, x):\n        if ops.mean(x) > 0:\n            x = x + 1\n        return self.d(x)\n"
            "model = Net()\n" + TRAIN,
            ["train.py, line 9: Net.call, which cannot be traced ("],
        ),
        (
            SMALL + "model.compile('sgd', 'mse')\nclass Own(keras.callbacks.Callback):\n    pass\n"
            "model.fit(x, y, callbacks=[Own(), keras.callbacks.ReduceLROnPlateau(), "
            "keras.callbacks.TensorBoard('logs')])\n",
            ["train.py, line 9: callback __main__.Own is not read; it needs an optimizer's schedule, where it "
             "sets rates",
             "train.py, line 9: callback keras.callbacks.ReduceLROnPlateau is not read; it needs an optimizer's "
             "schedule, "
             "where it sets rates"],
        ),
        (
            SMALL + "model.compile('sgd', 'mse')\nmodel.fit((row for row in [(x, y)]))\n",
            ["train.py, line 7: data: x, a builtins generator, is not read; it needs arrays of rows, which a "
             "file can hold"],
        ),
    ],
    ids=["train_step", "setup", "dynamic", "callbacks", "generator"],
)  # fmt: skip
def test_what_no_entry_reads_is_a_line_each(text: str, lines: list[str], read_text: object) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + text)  # type: ignore[operator]
    found = str(raised.value).split("\n")
    assert [one[: len(line)] for one, line in zip(found, lines, strict=True)] == lines


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (
            "return layers.Dense(3)(self.d(x))",
            "train.py, line 9: layer 'dense_1', whose weights are none of the model's, is not read",
        ),
        ("return self.d(x) if np.random.rand() < 2 and float(ops.sum(x)) else x", "train.py, line 9: Net.call, which"),
        ("return self.d(ops.convert_to_numpy(x))", "train.py, line 9: Net.call, which cannot be traced"),
    ],
    ids=["layers made in a call", "numbers that leave", "NumPy"],
)
def test_calls_that_cannot_be_traced_are_a_line_each(body: str, line: str, read_text: object) -> None:
    text = (
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.d = layers.Dense(3)\n    def call(self, x):\n        {body}\nmodel = Net()\n"
    )
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + text + TRAIN)  # type: ignore[operator]
    assert re.sub(r"dense_\d+", "dense_1", str(raised.value)).startswith(line)
    assert "Traceback" not in str(raised.value)
    assert "\n" not in str(raised.value)
