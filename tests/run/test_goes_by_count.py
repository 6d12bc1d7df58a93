"""What a loop does by its count of epochs or steps: told where it changes what is trained, and only there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from parity.run.goes_by_count import goes_by_count, unseen_by_count

LOOP = """\
for epoch in range(3):
    AHEAD
    for i, (x, y) in enumerate(rows):
        out = net(x)
        loss = lossf(out, y)
        WITHIN
        loss.backward()
        opt.step()
    BEHIND
"""

LATER = {
    "a rate": ("AHEAD", "if epoch == 1: opt.param_groups[0]['lr'] *= 0.1", "epoch (loop.py, line 2)"),
    "a rate of Keras's": ("BEHIND", "if epoch > 0: opt.learning_rate = 0.1", "epoch (loop.py, line 9)"),
    "a layer that is frozen": ("AHEAD", "if epoch == 1:\n        for p in net: p.requires_grad_(False)",
                               "epoch (loop.py, line 2)"),
    "a layer of Keras's": ("AHEAD", "if epoch == 1: net.trainable = False", "epoch (loop.py, line 2)"),
    "a penalty": ("WITHIN", "if epoch >= 1: loss = loss + penalty", "epoch (loop.py, line 6)"),
    "a weight of the loss": ("WITHIN", "loss = loss * 0.5 ** epoch", "epoch (loop.py, line 6)"),
    "a weight by a name": ("AHEAD", "w = min(1.0, epoch / 2)\n    net = lambda x: w * x", "epoch (loop.py, line 2)"),
    "a choice": ("WITHIN", "loss = loss if epoch < 2 else loss + penalty", "epoch (loop.py, line 6)"),
    "another optimizer": ("AHEAD", "if epoch == 1: opt = best", "epoch (loop.py, line 2)"),
    "another model": ("BEHIND", "if epoch == 1: net = best", "epoch (loop.py, line 9)"),
    "a count of steps": ("WITHIN", "if i > 100: loss = 2 * loss", "i (loop.py, line 6)"),
    "a count by hand": ("WITHIN", "steps += 1\n        if steps > 50: net.set_weights(best)",
                        "steps (loop.py, line 7)"),
}  # fmt: skip

HARMLESS = {
    "a print": ("BEHIND", "if epoch % 10 == 0: print(epoch, loss)"),
    "an evaluation": ("BEHIND", "if epoch % 2: score = float(lossf(net(held), y)); scores.append(score)"),
    "an evaluation in the same names": (
        "BEHIND",
        "if epoch % 2:\n        out = net(held)\n        loss = lossf(out, y)",
    ),
    "one ahead of it": ("WITHIN", "if i % 9 == 8: shown = out; out = net(held); out = shown"),
    "a history": ("BEHIND", "history[epoch] = float(loss); best = loss if loss < best else best"),
    "an order": ("AHEAD", "order = rng.permutation(7 + epoch)"),
    "a seed": ("AHEAD", "rows = list(rows) if shuffled(seed=3 + epoch) else rows"),
    "a picture": ("WITHIN", "if i == 0: shown = x"),
    "a name": ("BEHIND", "save(f'net-{epoch + 1}.pt')"),
    "accumulation": ("WITHIN", "loss = loss / 4"),
    "an end": ("WITHIN", "if i == 100: break"),
}


class Anything:
    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self

    def __getitem__(self, key: Any) -> Any:
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Any:
        return iter(())

    def __float__(self) -> float:
        return 1.0

    def __index__(self) -> int:
        return 1

    __add__ = __radd__ = __mul__ = __rmul__ = __truediv__ = __pow__ = __rpow__ = __lt__ = __imul__ = __call__


class StoppedError(Exception):
    pass


def stopped(folder: Path, text: str, known: Any = ()) -> list[str]:
    """Return what is told of a loop that is stopped in its first step."""
    file = folder / "loop.py"
    file.write_text(text)
    found: list[list[str]] = []

    class Optimizer(Anything):
        def step(self, *given: Any) -> None:
            frame: FrameType | None = sys._getframe(1)
            frames = []
            while frame is not None and frame.f_code.co_filename == str(file):
                frames.append(frame)
                frame = frame.f_back
            found.append(goes_by_count(frames, known))
            raise StoppedError

    names = {name: Anything() for name in ("net", "lossf", "penalty", "best", "held", "scores", "history", "rng",
                                           "shuffled", "save")}  # fmt: skip
    scope = {**names, "rows": [(1, 2)], "opt": Optimizer(), "steps": 0, "print": lambda *_: None}
    with pytest.raises(StoppedError):
        exec(compile(text, str(file), "exec"), scope)
    return found[0]


def text_of(place: str, code: str) -> str:
    text = LOOP.replace(place, code)
    for other in {"AHEAD", "WITHIN", "BEHIND"} - {place}:
        text = text.replace(other, "pass")
    return text


@pytest.mark.parametrize("case", LATER)
def test_what_goes_by_a_count_is_told(case: str, tmp_path: Path) -> None:
    place, code, told = LATER[case]
    assert stopped(tmp_path, text_of(place, code)) == [told]


@pytest.mark.parametrize("case", HARMLESS)
def test_what_changes_nothing_of_training_is_not(case: str, tmp_path: Path) -> None:
    place, code = HARMLESS[case]
    assert not stopped(tmp_path, text_of(place, code))


def test_a_count_is_followed_into_what_is_called(tmp_path: Path) -> None:
    text = (
        "def train(rows, number, net):\n"
        "    for x, y in rows:\n"
        "        loss = lossf(net(x), y) * 0.5 ** number\n"
        "        loss.backward()\n"
        "        opt.step()\n"
        "for epoch in range(3):\n"
        "    train(rows, epoch, net)\n"
    )
    assert stopped(tmp_path, text) == ["number (loop.py, line 3)"]
    assert not stopped(tmp_path, text.replace("train(rows, epoch, net)", "train(rows, 0, net)"))


def test_rates_that_are_read_are_no_such(tmp_path: Path) -> None:
    """Neither the line that sets them, nor what is made for it."""
    code = "rate = 0.1 * 0.5 ** epoch\n    opt.param_groups[0]['lr'] = rate if epoch < 2 else 0.0"
    text = text_of("AHEAD", code)
    assert stopped(tmp_path, text) == ["epoch (loop.py, line 3)"]
    assert not stopped(tmp_path, text, {"loop.py, line 3"})


def test_a_rate_that_a_condition_sets_is_none_that_is_read(tmp_path: Path) -> None:
    """An update that is written out says what its rate is now; not what it will be from the second epoch on."""
    text = text_of("AHEAD", "if epoch == 1: rate = 0.1").replace("opt.step()", "opt.step(rate * loss)")
    text = f"rate = 1.0\n{text}"
    assert stopped(tmp_path, text, {"loop.py, line 9"}) == ["epoch (loop.py, line 3)"]


def test_a_sentence_says_it() -> None:
    assert unseen_by_count([]) == []
    assert unseen_by_count([sys._getframe()]) == [], "in no loop"
