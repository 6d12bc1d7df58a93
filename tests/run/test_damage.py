"""What is kept is what was put: damaged files, half-written files, folders and programs that others touch meanwhile."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from parity.atomic import PART, sweep, whole
from parity.compile.program import Bindings, Program
from parity.run import session
from parity.run.driver.programs import import_program
from parity.run.exchange import MOST_OPEN, Exchange
from parity.run.jobs import RUN_FROM, Bench
from parity.run.local_imports import files_of, source_of
from parity.run.session import memory_folder, release, remove_left
from parity.run.store import Store
from parity.run.trace import DamagedError, TraceWriter, read_trace
from parity.run.trajectory import Measured, Trajectory
from parity.run.verify import ChangedError, verified

ROOT = Path(__file__).resolve().parents[2]

RUN = Trajectory(
    key="abc", side="keras", framework="keras", version="3", interpreter="python", device="cpu", precision="float32",
    parameters=8, losses=tuple(np.random.default_rng(0).normal(size=40)), seconds=1.5,
    measured=(Measured(step=5, epoch=1, metrics={"accuracy": 0.5}),),
)  # fmt: skip


def damages(rng: random.Random) -> list[Callable[[bytearray], bytes]]:
    """Return ways in which a file comes to hold something else."""

    def bit(content: bytearray) -> bytes:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        return bytes(content)

    def byte(content: bytearray) -> bytes:
        place = rng.randrange(len(content))
        content[place] = (content[place] + rng.randrange(1, 256)) % 256
        return bytes(content)

    def digit(content: bytearray) -> bytes:
        place = rng.choice([at for at, one in enumerate(content) if 48 <= one < 58])
        content[place] = 48 + (content[place] - 48 + rng.randrange(1, 10)) % 10
        return bytes(content)

    def cut(content: bytearray) -> bytes:
        return bytes(content[: rng.randrange(len(content))])

    def added(content: bytearray) -> bytes:
        return bytes(content) + b" "

    def block(content: bytearray) -> bytes:
        place = rng.randrange(len(content) - 64)
        content[place : place + 64] = bytes(rng.randrange(1, 256) for _ in range(64))
        return bytes(content)

    return [bit, byte, digit, cut, added, block]


def test_no_damaged_run_is_used(tmp_path: Path) -> None:
    store, rng = Store(tmp_path), random.Random(1)
    store.put(RUN)
    file = tmp_path / "abc.json"
    content = file.read_bytes()
    for number in range(200):
        damage = rng.choice(damages(rng))
        file.write_bytes(damage(bytearray(content)))
        assert store.get("abc") is None, (number, damage.__name__)
    assert store.damaged == {"abc.json"}
    file.write_bytes(content)
    kept = store.get("abc")
    assert kept is not None
    assert kept.losses == RUN.losses


def test_no_damaged_trace_is_used(tmp_path: Path) -> None:
    store, rng, file = Store(tmp_path), random.Random(2), tmp_path / "abc.parquet"
    with TraceWriter(file) as writer:
        told = {"step": 1, "digests": np.random.default_rng(0).bytes(136 * 3)}
        writer.add([told | {"names": [["forward", one] for one in "abc"]}, told])
    assert store.traced("abc")
    content, good = file.read_bytes(), read_trace(file)
    for number in range(200):
        damage = rng.choice(damages(rng))
        file.write_bytes(damage(bytearray(content)))
        with pytest.raises(DamagedError):
            read_trace(file)
        assert not store.traced("abc"), (number, damage.__name__)
        assert store.read("abc") == {}
    assert store.damaged == {"abc.parquet"}
    file.write_bytes(content)
    assert store.traced("abc")
    assert {name: rows.tobytes() for name, rows in store.read("abc").items()} == {
        name: rows.tobytes() for name, rows in good.items()
    }


def test_a_run_put_away_under_another_name_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(RUN)
    shutil.copy(tmp_path / "abc.json", tmp_path / "abd.json")
    assert store.get("abd") is None


def test_files_have_the_permissions_that_the_umask_leaves(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        Store(tmp_path).put(RUN)
        with TraceWriter(tmp_path / "abc.parquet"):
            pass
    finally:
        os.umask(mask)
    assert {oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == {oct(0o640)}


# ------------------------------------------------------------------------------------- files that appear whole


def test_parts_of_the_living_stay_and_those_of_the_dead_go(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from parity.atomic import whole\n"
        f"with whole(Path({str(tmp_path / 'theirs')!r})) as file:\n"
        "    file.write(b'half'); file.flush(); print('begun', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        with whole(tmp_path / "mine") as file:
            file.write(b"all")
            sweep(tmp_path)
            assert len(list(tmp_path.glob(f"*{PART}"))) == 2, "both writers live"
            process.kill()
            process.wait()
            sweep(tmp_path)
            assert len(list(tmp_path.glob(f"*{PART}"))) == 1
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine").read_bytes() == b"all"


def test_a_writer_whose_part_is_taken_before_it_is_locked_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    lock, taken = fcntl.flock, []

    def late(handle: object, how: int) -> None:
        if not taken:
            taken.extend(tmp_path.glob(f"*{PART}"))
            taken[0].unlink()
        lock(handle, how)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", late)
    with whole(tmp_path / "file") as file:
        file.write(b"all")
    assert len(taken) == 1
    assert (tmp_path / "file").read_bytes() == b"all"


# ------------------------------------------------------------------------------------------- scratch folders


@pytest.fixture
def shm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of one's own for scratch folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=0))
    return tmp_path


def test_a_scratch_folder_taken_before_it_is_locked_is_made_anew(shm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tempfile.mkdtemp
    before: list[Path] = []

    def swept(**arguments: str) -> str:
        name = made(**arguments)
        if not before:
            before.append(Path(name))
            remove_left(shm)  # As another command does, between its creation and its lock.
        return name

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    folder = memory_folder()
    assert not before[0].exists()
    assert folder.exists()
    remove_left(shm)
    assert folder.exists(), "it is locked from here on"
    release(folder)
    assert list(shm.iterdir()) == []


def test_folders_of_others_are_left_alone(shm: Path) -> None:
    others = [shm / "parity-results", shm / "parity-scratch-backup", shm / "parity-scratch-of_mine"]
    for other in others:
        other.mkdir()
    (shm / "parity-scratch-abcdefgh").symlink_to(others[0])
    remove_left(shm)
    assert {one.name for one in shm.iterdir()} >= {"parity-results", "parity-scratch-of_mine"}
    assert others[0].exists()


def test_what_a_worker_wrote_after_its_parents_folder_was_removed_goes_with_the_next_command(shm: Path) -> None:
    left = shm / "parity-scratch-00000000" / "lockstep"
    left.mkdir(parents=True)
    (left / "late.npy").write_bytes(b"late")
    release(memory_folder())
    assert list(shm.iterdir()) == []


def test_a_released_folder_leaves_no_descriptor(shm: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else None
    for _ in range(20):
        release(memory_folder())
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) <= before
    assert list(shm.iterdir()) == []


def test_a_worker_ends_soon_after_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from parity.run.session import Session\n"
        f"one = Session('a', log=Path({str(tmp_path / 'log')!r})); one.ask('versions', packages=[])\n"
        "print(one.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline and Path(f"/proc/{worker}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


# --------------------------------------------------------------------------------------------------- exchange


def test_an_exchange_holds_few_files_open_and_writes_each_over(tmp_path: Path) -> None:
    exchange, names = Exchange(tmp_path), [str(number) for number in range(MOST_OPEN + 40)]
    for name in names:
        exchange.put(name, np.zeros(3))
    nodes = {file.stat().st_ino for file in tmp_path.iterdir()}
    assert len(exchange._open) == MOST_OPEN
    for number, name in enumerate(names):
        exchange.put(name, np.full(3, float(number)))
    assert {file.stat().st_ino for file in tmp_path.iterdir()} == nodes
    assert [exchange.get(name)[0] for name in names] == list(range(len(names)))


def test_what_is_posted_is_held_by_nobody_and_dropped_once_it_is_read(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    exchange.post("predictions/1", np.arange(3.0))
    assert not exchange._open
    seen = exchange.get("predictions/1")
    exchange.drop("predictions/1")
    exchange.drop("validation/1")
    assert list(tmp_path.iterdir()) == []
    assert seen.tolist() == [0.0, 1.0, 2.0]


# --------------------------------------------------------------------------------------------------- programs


def program(source: str, **more: object) -> Program:
    found = Bindings(weights={}, outputs={}, slots={})
    return Program(framework="torch", source=source, bindings=found, file_name="small_a.py", **more)  # type: ignore[arg-type]


def bench(folder: Path) -> Bench:
    made = object.__new__(Bench)  # What writes programs needs no data.
    made.programs = folder / "programs"
    return made


def test_programs_of_one_name_are_run_each_from_a_file_of_its_own(tmp_path: Path) -> None:
    one, other = program("RATE = 0.1\n"), program("RATE = 0.9\n")
    files = [bench(tmp_path).write(each) for each in (one, other)]
    assert files[0] != files[1]
    for file, each in zip(files, (one, other), strict=True):
        assert file.parent == tmp_path / "programs" / RUN_FROM
        assert float(each.source[7:]) == import_program(str(file), {file.name: each.digest}).RATE
    assert (tmp_path / "programs" / "small_a.py").read_text() == other.source, "where people look for it"
    assert [path.name for path in (tmp_path / "programs").glob("*.py")] == ["small_a.py"]


def test_a_program_that_is_not_what_was_compiled_is_not_run(tmp_path: Path) -> None:
    one = program("RATE = 0.1\n")
    file = bench(tmp_path).write(one)
    file.write_text("RATE = 0.9\n")
    with pytest.raises(ChangedError, match=f"{file.name} was changed while the command was under way; run it again"):
        import_program(str(file), {file.name: one.digest})
    assert bench(tmp_path).write(one) == file
    assert import_program(str(file), {file.name: one.digest}).RATE == 0.1, "the next command writes it anew"


def test_a_program_written_by_hand_is_held_to_what_was_matched_with_all_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("RATE = 0.1\n")
    own = tmp_path / "port.py"
    own.write_text("from parts import RATE\n")
    files = files_of(own)
    assert list(files) == ["port.py", "parts/__init__.py"]
    assert verified(own, files) == own.read_bytes()
    (tmp_path / "parts" / "__init__.py").write_text("RATE = 0.9\n")
    with pytest.raises(ChangedError, match=r"__init__\.py was changed"):
        import_program(str(own), files)


@pytest.mark.parametrize(
    ("content", "shows"),
    [
        (b"# -*- coding: latin-1 -*-\n# \xe9\n", "é"),
        (b"\xef\xbb\xbf# \xc3\xa9\n", "é"),
        (b"# \xe9\n", "\ufffd"),
        (b"# -*- coding: no-such -*-\n# \xe9\n", "\ufffd"),
    ],
)
def test_a_program_is_shown_in_the_encoding_that_it_declares(tmp_path: Path, content: bytes, shows: str) -> None:
    (tmp_path / "own.py").write_bytes(content)
    assert shows in source_of(tmp_path / "own.py")


def test_words_of_an_earlier_command_are_not_a_workers_own(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "a.log"
    log.parent.mkdir()
    log.write_text("of an earlier command\n")
    with session.Session("a", log=log) as worker:
        worker.ask("versions", packages=[])
        assert worker.words() == ""
