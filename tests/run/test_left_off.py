"""Loops that leave a model in evaluation mode, told from a program's own lines."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from parity.run.here import frames_here
from parity.run.left_off import left_off

LEFT = {
    "at the end of an epoch": """
model.train()
for epoch in range(2):
    for batch in range(2):
        step()
    model.eval()
""",
    "in a function that it calls": """
def evaluate():
    model.eval()

def main():
    model.train()
    for epoch in range(2):
        for batch in range(2):
            step()
        evaluate()

main()
""",
    "in a class": """
class Trainer:
    def fit(self):
        for epoch in range(2):
            self.epoch()
            self.validate()
    def epoch(self):
        for batch in range(2):
            step()
    def validate(self):
        model.eval()

Trainer().fit()
""",
}
"""Programs whose only ``eval()`` is what is told."""

EPOCH, CALLED, CLASS = LEFT.values()
OFF, ON = "    model.eval()\n", "    model.train()\n"

TURNED_ON = {
    "in every epoch": EPOCH.replace("    for batch", f"{ON}    for batch"),
    "in a function": CLASS.replace("        for batch", f"    {ON}        for batch"),
    "behind it": CALLED.replace(OFF, OFF + ON),
    "no eval": EPOCH.replace(OFF, ""),
    "behind the loop": EPOCH.replace(OFF, OFF.lstrip()),
    "elsewhere, perhaps": f"from beside import epoch_of\n{EPOCH.replace(OFF, '    epoch_of(model)' + chr(10) + OFF)}",
}


def told(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what is said of a program where it first steps."""
    file = folder / "train.py"
    file.write_text(text)
    (folder / "beside.py").write_text("def epoch_of(model):\n    model.train()\n")
    monkeypatch.syspath_prepend(str(folder))
    found: list[str] = []
    nothing = SimpleNamespace(train=lambda: None, eval=lambda: None)
    names = {"__name__": "__main__", "model": nothing,
             "step": lambda: found.append(left_off(frames_here(), "eval", "train"))}  # fmt: skip
    exec(compile(text, str(file), "exec"), names)
    sys.modules.pop("beside", None)
    return found[0]


@pytest.mark.parametrize("case", LEFT)
def test_a_loop_that_never_turns_training_on_again_is_told(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = LEFT[case]
    line = text[: text.index("model.eval()")].count("\n") + 1
    assert told(text, tmp_path, monkeypatch) == f"train.py, line {line}"


@pytest.mark.parametrize("case", TURNED_ON)
def test_of_any_other_loop_nothing_is_told(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(TURNED_ON[case], tmp_path, monkeypatch) == ""


def test_of_a_program_that_has_ended_nothing_is_told() -> None:
    assert left_off([SimpleNamespace(f_code=None)], "eval", "train") == ""  # type: ignore[list-item]
