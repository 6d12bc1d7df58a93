"""Workers as forks: each is as a fresh interpreter, ends as one, and none is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parity.errors import WorkerError
from parity.run import forks
from parity.run.session import Session, memory_folder, release

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a server that has imported NumPy."""
    folder = memory_folder()
    address = str(folder / "numpy.socket")
    server = forks.start(address, "import numpy.random, os; os.environ['SET_BY_IMPORTS'] = 'yes'")
    yield address
    server.kill()
    server.communicate()
    release(folder)


def run(address: str, code: str, *arguments: str, **given: object) -> subprocess.CompletedProcess[str]:
    """Run code in a fork, as Python would run it."""
    command = [*forks.client(address), "-u", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **given)  # type: ignore[call-overload, no-any-return]


def gone(pid: int) -> bool:
    """Return whether a process ends soon."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_a_fork_has_the_streams_arguments_environment_and_folder_of_who_asked(address: str, tmp_path: Path) -> None:
    """A fork has the streams, arguments, environment and folder of who asked."""
    code = (
        "import os, sys; print(sys.argv, os.getcwd(), os.environ['OWN'], os.environ['SET_BY_IMPORTS'], "
        "'numpy' in sys.modules, sys.stdin.read(), sys.path[0] == ''); print('told', file=sys.stderr)"
    )
    done = run(address, code, "a", "b c", input="given", cwd=tmp_path, env={**os.environ, "OWN": "mine"})
    assert done.stdout == f"['-c', 'a', 'b c'] {tmp_path} mine yes True given True\n"
    assert done.stderr == "told\n"
    assert done.returncode == 0


@pytest.mark.parametrize(("code", "status", "said"), [
    ("pass", 0, ""), ("import sys; sys.exit(3)", 3, ""), ("raise SystemExit('no such file')", 1, "no such file\n"),
    ("import sys; sys.exit()", 0, ""), ("import os; os._exit(5)", 5, ""),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -11, ""),
])  # fmt: skip
def test_a_fork_ends_as_an_interpreter_does(address: str, code: str, status: int, said: str) -> None:
    """How a fork ends is how the process ends that was asked for, a signal too."""
    done = run(address, code)
    assert (done.returncode, done.stderr) == (status, said)


def test_an_error_is_printed_with_its_traceback(address: str) -> None:
    """What nobody catches is printed, and the exit code is 1."""
    done = run(address, "def fails():\n    return 1 / 0\nfails()")
    assert done.returncode == 1
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert 'File "<string>", line 2, in fails' in done.stderr


def test_two_forks_draw_other_numbers(address: str) -> None:
    """What draws without a seed differs from fork to fork, as from process to process."""
    code = "import numpy, random; print(numpy.random.rand(), random.random())"
    first, second = (run(address, code).stdout.split() for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_fork_ends_with_who_asked_for_it(address: str) -> None:
    """A client that is killed takes its fork with it, whatever that is busy with."""
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    client = subprocess.Popen([*forks.client(address), "-c", code], stdout=subprocess.PIPE, text=True)
    assert client.stdout is not None
    fork = int(client.stdout.readline())
    assert fork != client.pid
    assert Path(f"/proc/{fork}").exists()
    client.kill()
    client.wait()
    client.stdout.close()
    assert gone(fork)


def test_forks_and_server_end_with_a_command_that_was_killed(tmp_path: Path) -> None:
    """Nothing is left of a command that had no time to end its server and its forks."""
    code = f"""
import os, subprocess, sys
sys.path.insert(0, {str(forks.ROOT)!r})
from parity.run import forks
server = forks.start({str(tmp_path / "socket")!r}, "")
own = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
asked = subprocess.Popen([*forks.client({str(tmp_path / "socket")!r}), "-c", own], stdout=subprocess.PIPE)
print(server.pid, asked.pid, int(asked.stdout.readline()), flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert all(gone(int(pid)) for pid in done.stdout.split()), done.stderr


def test_an_interrupt_reaches_the_fork_alone(address: str) -> None:
    """Ctrl-C in a terminal goes to a whole group: the fork sees it, and says how it ends."""
    code = "import time\ntry:\n    print(flush=True)\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    exit(7)"
    command = [*forks.client(address), "-c", code]
    client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert client.stdout is not None
    client.stdout.readline()
    for pid in [client.pid, *writing_to(client.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
    assert client.wait(timeout=60) == 7
    client.stdout.close()
    assert run(address, "print('still there')").stdout == "still there\n"


def writing_to(client: int) -> list[int]:
    """Return the processes that print where a client does, but for the client: its fork."""
    own = os.readlink(f"/proc/{client}/fd/1")
    return [pid for pid in printing_to(own) if pid != client]


def printing_to(file: str) -> list[int]:
    """Return the processes whose standard output is a file or pipe."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # Of others, or gone meanwhile.
            if os.readlink(folder / "fd" / "1") == file:
                found.append(int(folder.name))
    return found


@pytest.mark.parametrize("code", ["import no_such_module", "raise SystemExit(2)"])
def test_without_a_server_python_itself_is_run(tmp_path: Path, code: str) -> None:
    """Where a server could not import, or is gone, who asks for a fork becomes a plain interpreter."""
    address = str(tmp_path / "socket")
    server = forks.start(address, code)
    asked = "import sys; print('numpy' in sys.modules, sys.argv)"
    assert run(address, asked, "x").stdout == "False ['-c', 'x']\n"
    server.communicate()
    assert run(address, asked, "x").stdout == "False ['-c', 'x']\n"


def test_a_worker_that_is_a_fork_tells_how_its_process_ended(address: str, tmp_path: Path) -> None:
    """A session with a fork answers as any does, and a killed fork is told as a killed process."""
    with Session("torch", log=tmp_path / "log", instead=forks.client(address)) as session:
        assert session.ask("versions", packages=["numpy"])["executable"] == sys.executable
        assert session.pid is not None
        (fork,) = printing_to(str((tmp_path / "log").resolve()))
        os.kill(fork, signal.SIGSTOP)  # That it is asked and does not answer.
        session.start("versions", packages=["numpy"])
        os.kill(fork, signal.SIGKILL)
        with pytest.raises(WorkerError, match="was killed by SIGKILL, as a machine out of memory does"):
            session.finish()


def test_forks_are_for_this_interpreter_where_no_gpu_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command for a fork is given where one can be had, and starts its server once for those that share it."""
    started: list[str] = []
    monkeypatch.setattr(forks, "start", lambda address, code, env: started.append(f"{env['KERAS_BACKEND']}: {code}"))
    monkeypatch.setattr(forks, "may_have_gpus", lambda: False)
    made = forks.Forks(folder=tmp_path)
    made.warm(["keras", "tensorflow"])
    assert len(started) == 1
    assert started[0] == "tensorflow: import keras, tensorflow"
    assert made.command("tensorflow") == forks.client(str(tmp_path / "keras.socket"))
    assert forks.Forks(folder=tmp_path / ("x" * 100)).command("keras") == []
    monkeypatch.setattr(forks, "may_have_gpus", lambda: True)
    assert made.command("keras") == []
    assert len(started) == 1
