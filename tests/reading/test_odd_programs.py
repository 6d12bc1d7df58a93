"""Programs that do odd things to the process they run in: one line each, no traceback, and the next one is read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from parity.cli import main
from parity.errors import UsageError
from parity.reading.asking import asked_in, program_of
from parity.run.session import Session
from parity.run.watched import watchable

ENDED = f"ended before it trained anything: it imported none of {', '.join(watchable())}"

PRINTED = "; the last that it printed: "

ODD = {
    "empty": ("", ENDED),
    "only a comment": ("# later\n", ENDED),
    "guarded main": ("def main():\n    print('hello')\nif __name__ == '__main__':\n    main()\n",
                     ENDED + PRINTED + "hello"),
    "guarded main of another name": ("if __name__ == 'train':\n    raise ValueError\n", ENDED),
    "relative import": (
        "from . import nets\n", "ImportError: attempted relative import with no known parent package (odd.py, line 1)"),
    "stdin": ("name = input('which? ')\n", "EOFError: EOF when reading a line (odd.py, line 1)"),
    "prints a lot": ("for n in range(20000):\n    print('line', n)\n", ENDED + PRINTED + "line 19999"),
    "prints one long line": ("print('x' * 100000)\n", ENDED + PRINTED + 300 * "x"),
    "prints no text": ("import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\x00\\n')\n", ENDED),
    "no arguments": ("import sys\ndel sys.argv[:]\nsys.argv[1]\n",
                     "IndexError: list index out of range (odd.py, line 3)"),
    "another folder": ("import os\nos.chdir('/')\nopen('nowhere.csv')\n",
                       "FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.csv' (odd.py, line 3)"),
    "no stdout": ("import sys\nsys.stdout = sys.stderr = None\nraise OSError('full')\n",
                  "OSError: full (odd.py, line 3)"),
    "atexit": ("import atexit\natexit.register(lambda: 1 / 0)\n", ENDED),
    "excepthook": ("import sys\nsys.excepthook = lambda *a: 1 / 0\nraise ValueError('wrong')\n",
                   "ValueError: wrong (odd.py, line 3)"),
    "interrupted": ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "several lines": ("raise ValueError('first\\nsecond\\n\\nthird')\n", "ValueError: first"),
    "recursion": ("def f():\n    return f()\nf()\n", "RecursionError: maximum recursion depth exceeded"),
    "its own base": ("class Own(BaseException):\n    pass\nraise Own('out')\n", "Own: out (odd.py, line 3)"),
    "a module of its own that fails": ("import nets\n", "ZeroDivisionError: division by zero (nets.py, line 1)"),
    "exit with words": ("import sys\nsys.exit('no GPU')\n", "ended with exit code 1 before it trained anything"),
    "exit with nothing": ("raise SystemExit\n", "ended with exit code 0 before it trained anything"),
    "thread": ("import threading\nthreading.Thread(target=lambda: 1 / 0).start()\n", ENDED),
    "fork": ("import os\nif os.fork() == 0:\n    os._exit(0)\nos.wait()\n", ENDED),
    "tabs and spaces": ("if True:\n\tx = 1\n        y = 2\n", "TabError"),
    "null bytes": ("x = 1\0\n", "SyntaxError: source code"),
    "IPython": ("%matplotlib inline\nx = 1\n", "SyntaxError: invalid syntax (odd.py, line 1)"),
    "Python 2": ("print 'epoch'\n", "SyntaxError: Missing parentheses in call to 'print'"),
}  # fmt: skip
"""By what is odd: a program, and what the only line says of it."""


@pytest.fixture(scope="module")
def bare() -> Iterator[Session]:
    """A worker that all of these programs run in, one after the other."""
    with Session("odd", timeout=60.0) as found:
        yield found


def line_of(session: Session, file: Path, *arguments: str) -> str:
    with pytest.raises(UsageError) as raised:
        asked_in(session, program_of(str(file), arguments))
    said = str(raised.value)
    assert "\n" not in said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("case", ODD)
def test_an_odd_program_is_one_line(case: str, bare: Session, tmp_path: Path) -> None:
    text, line = ODD[case]
    (tmp_path / "nets.py").write_text("1 / 0\n")
    (tmp_path / "odd.py").write_text(text)
    assert line in line_of(bare, tmp_path / "odd.py")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import sys\nsys.stdout.close()\nsys.stderr.close()\n", ENDED),
        (
            "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "signal.signal(signal.SIGINT, lambda *a: 1 / 0)\n",
            ENDED,
        ),
        (
            "import multiprocessing as m\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(2) as p:\n"
            "        print(sum(p.map(abs, [-1, 2])))\n",
            ENDED + PRINTED + "3",
        ),
        ("import os\nos._exit(3)\n", "failed before it trained"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "failed before it trained"),
        ("import os\nos.close(1)\nos.close(2)\nos.close(0)\n", ENDED),
        ("import os\nos.closerange(0, 1000)\n", "failed before it trained"),
        (
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(100)\n",
            "did not train within",
        ),
        ("import threading, time\nthreading.Thread(target=lambda: time.sleep(30)).start()\n", ENDED),
    ],
    ids=["closed stdout", "signal handlers", "a pool", "exits at once", "killed", "closes all", "closes every file",
         "ignores SIGTERM", "a thread that stays"],
)  # fmt: skip
def test_what_ends_or_holds_its_process_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(text)
    with Session("odd", timeout=8.0) as session:
        assert line in line_of(session, tmp_path / "odd.py")


def test_source_that_is_not_utf8_is_read_by_its_coding(bare: Session, tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_bytes(b"name = 'Z\xfcrich'\nprint(name)\n")
    assert "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xfc" in line_of(bare, file)
    file.write_bytes(b"# -*- coding: latin-1 -*-\nname = 'Z\xfcrich'\nprint(len(name))\n")
    assert line_of(bare, file).endswith(ENDED + PRINTED + "6")


def test_paths_of_any_letters_are_read(bare: Session, tmp_path: Path) -> None:
    folder = tmp_path / "Größe, 寸法 (2)"
    folder.mkdir()
    file = folder / "übung 1.py"
    file.write_text("import os, sys\nprint(os.path.basename(sys.argv[0]), os.path.basename(os.getcwd()))\n")
    assert line_of(bare, file) == f"übung 1.py {ENDED}{PRINTED}übung 1.py Größe, 寸法 (2)"


def test_a_program_leaves_nothing_behind_for_the_next(bare: Session, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("SIZE = 3\n")
    file = tmp_path / "odd.py"
    file.write_text("import nets, os, sys\nos.chdir('/')\nprint(nets.SIZE, sys.argv[1:])\n")
    assert line_of(bare, file, "--n", "1").endswith("3 ['--n', '1']")
    (tmp_path / "nets.py").write_text("SIZE = 40\n")
    assert line_of(bare, file).endswith("40 []")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("net.ipynb", "'net.ipynb' names no program; expected a training script (.py)"),
        ("spec.yaml", "'spec.yaml' names no program; expected a training script (.py)"),
        ("folder", "'folder' names no program; expected a training script (.py)"),
        ("folder.py", "folder.py: this is a folder"),
        ("nets.py:SIZE", "nets:SIZE is a int; expected a model, or a function that returns one"),
        ("nets.py:nothing", "nets:nothing: the module has no nothing"),
        ("nets:fails", "ZeroDivisionError: division by zero (nets.py, line 3, in fails)"),
        ("", "'' names no program"),
    ],
)
def test_what_is_given_by_mistake_is_one_line(
    name: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "folder.py"):
        os.mkdir(folder)
    Path("net.ipynb").write_text('{"cells": []}')
    Path("spec.yaml").write_text("name: x\n")
    Path("nets.py").write_text("SIZE = 3\ndef fails():\n    return 1 / 0\n")
    done = CliRunner().invoke(main, ["read", "--no-proof", name], standalone_mode=True)
    assert done.exit_code == 2, done.output
    assert len(done.output.strip().splitlines()) == 1
    assert line in done.output
    assert "Traceback" not in done.output
    assert not Path("reports").exists()
