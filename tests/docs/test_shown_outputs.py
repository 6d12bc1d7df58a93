"""What pages show as printed is what commands print: of those that answer in seconds."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
from helpers_commands import command, lender

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def flat(text: str) -> str:
    return " ".join(text.split())


def indented(text: str, beginning: str) -> str:
    """Return the first indented block of a page that begins so, without its indent."""
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", text, re.M)
    block = next(one for one in blocks if one.strip().startswith(beginning))
    return re.sub(r"(?m)^ {4}", "", block).strip("\n")


def test_the_advice_shown_is_given() -> None:
    done = command("lint", "specs/leaf.yaml", cwd=ROOT)
    assert done.returncode == 1
    assert flat(indented(page("advice.md"), "specs/leaf.yaml:")) in flat(done.stdout)


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_the_program_shown_is_read_as_the_spec_shown(tmp_path: Path) -> None:
    text = page("reading.md")
    program = re.findall(r"```python\n(inputs = .*?)```", text, re.S)[0]
    rows = "x = np.random.default_rng(0).normal(size=(80, 8, 8, 1)).astype('float32')\ny = np.arange(80) % 10\n"
    head = "import keras\nimport numpy as np\nfrom keras import layers\n"
    (tmp_path / "residual.py").write_text(head + rows + program)
    shown = indented(text, "$ parity read residual.py").splitlines()
    done = command(*shown[0].split()[2:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == shown[1:]
    (spec,) = re.findall(r"```yaml\n(# Read from residual.py.*?)```", text, re.S)
    assert (tmp_path / "residual.yaml").read_text() == spec


@pytest.mark.sampled(2)
@pytest.mark.slow
def test_the_lines_of_python_shown_print_the_verdict_shown(tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(from parity import api\n\nspec = .*?)```", page("results.md"), re.S)
    printed = io.StringIO()
    with contextlib.chdir(ROOT), lender(), contextlib.redirect_stdout(printed):
        exec(compile(source.replace("steps=3)", f"steps=3, folder={str(tmp_path)!r})"), "results.md", "exec"), {})
    assert printed.getvalue().strip() == re.findall(r"# (\w+)$", source, re.M)[-1]
