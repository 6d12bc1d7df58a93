"""What the loops say in which a program stands: how often they run, and so for how many epochs it trains."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path
from types import FrameType

import pytest

from parity.run.loops_here import epochs_of, loops_here

PARTS = """\
class args: epochs = 7
N, ROWS = 4, list(range(100))
def tqdm(over, **more): return over
def one_epoch(batches):
    for batch in batches:
        here()
def run():
    {loops}
run()
"""


def loops_of(loops: str, name: str = "<a program>") -> list[int | None]:
    """Return what is told of the first time that a program calls ``here``."""
    text = PARTS.format(loops=loops)
    found: list[list[int | None]] = []

    def here() -> None:
        frames: list[FrameType] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            frames += [frame] if frame.f_code.co_filename == name else []
            frame = frame.f_back
        found.append(loops_here(frames))

    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), {"here": here})
    return found[0]


@pytest.mark.parametrize(("loops", "said"), [
    ("for epoch in range(3):\n        for batch in ROWS: here()", [3, None]),
    ("for epoch in range(1, N + 1):\n        one_epoch(ROWS)", [4, None]),
    ("for epoch in range(args.epochs):\n        for start in range(0, len(ROWS), 32): here()", [7, 4]),
    ("for epoch in tqdm(range(N), desc='x'):\n        one_epoch(ROWS)", [4, None]),
    ("for step, batch in enumerate(ROWS): here()", [None]),
    ("for step in range(int(1e3)): here()", [1000]),
    ("for epoch in range(3):\n        losses = [here() for batch in ROWS]", [3, None]),
    ("for epoch in range(3):\n        loss = sum(here() or 0 for batch in ROWS)", [3, None]),
    ("for epoch in range(3):\n        both = [[here() for batch in ROWS] for part in range(2)]", [3, None, None]),
    ("for epoch in range(3):\n        sizes = [one for one in (here(), 1)]", [3]),
    ("while True:\n        here()\n        break", [None]),
    ("for fold in range(5):\n        for epoch in range(2):\n            one_epoch(ROWS)", [5, 2, None]),
    ("here()", []),
    ("for epoch in range(print('never') or 3): here()", [None]),  # Nothing is called to find out.
])  # fmt: skip
def test_loops_are_counted_from_the_outermost(
    loops: str, said: list[int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    before = loops.count("print")
    assert loops_of(loops) == said
    assert capsys.readouterr().out.count("never") == before, "once, by the program"


@pytest.mark.parametrize(("loops", "epochs"), [
    ([3, None], 3), ([None, None], None), ([None], None), ([], None), ([5, 2, None], None),
    ([100], 32),  # Batches of 32 of 100 rows.
    ([1], 1),
])  # fmt: skip
def test_epochs_are_told_where_it_is_clear_what_is_counted(loops: list[int | None], epochs: int | None) -> None:
    assert epochs_of(loops, 100, 32) == epochs


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "train.py"
    for epochs, said in ((3, [3, None]), (12, [12, None])):
        found: list[list[int | None]] = []
        more = "    pass\n" * (epochs - 3)
        text = f"for epoch in range({epochs}):\n{more}    for batch in [1]:\n        here()\n"
        file.write_text(text)

        def here(found: list[list[int | None]] = found) -> None:
            found.append(loops_here([sys._getframe(1)]))

        exec(compile(text, str(file), "exec"), {"here": here})
        assert found[0] == said
