"""The wheel, installed where there is no checkout: the gallery comes with it, and is called by name."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from helpers_frameworks import missing

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with the wheel, and what it needs from the one of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    made = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--disable-pip-version-check", "-q", "-w", str(folder)]
    done = subprocess.run([*made, str(ROOT)], capture_output=True, text=True, timeout=300)
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip("hatchling, which builds the wheel, cannot be had here")
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("parity_harness-*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(packages)
    # Behind the wheel's own: what is installed editable for the tests must not be what answers.
    (packages / "needed.pth").write_text(f"{Path(click.__file__).parents[1]}\n")
    return folder / "venv" / "bin" / "python"


def parity(python: Path, arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(python), "-m", "parity", *arguments], capture_output=True, text=True, timeout=300, cwd=folder, env=own
    )


@pytest.mark.slow
def test_the_gallery_is_called_by_name_from_any_folder(installed: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [str(installed), "-c", "import parity; print(parity.__file__)"], capture_output=True, text=True, cwd=tmp_path
    )
    assert str(installed.parents[1]) in where.stdout, "not the checkout"
    done = parity(installed, ["diff", "leaf_small"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "optimizer" in done.stdout
    wrong = parity(installed, ["diff", "leaf_smal"], tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.endswith("did you mean 'leaf_small'?\n")


@pytest.mark.slow
@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_a_spec_of_the_gallery_runs(installed: Path, tmp_path: Path) -> None:
    asked = ["run", "siamese", "--side", "torch", "--steps", "2", "--no-explain", "--json"]
    done = parity(installed, asked, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports" / "siamese" / "report.html").is_file()


def test_a_file_of_that_name_comes_first(tmp_path: Path) -> None:
    from parity.spec.gallery import located, names

    assert "leaf_small" in names()
    assert located(Path("leaf_small")).is_file()
    assert located(Path("leaf_small.yaml")) == Path("leaf_small.yaml")
    assert located(Path("somewhere/leaf_small")) == Path("somewhere/leaf_small")
    assert located(Path("none_of_these")) == Path("none_of_these")
