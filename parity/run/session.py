"""The parent's end of a worker process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from parity.errors import WorkerError
from parity.run.forks import QUIET, ROOT, Forks

TIMEOUT = 600.0
"""Seconds without a word from a worker after which it is taken for hung."""

BOOT = """
import os, sys
for name, value in quiet.items():
    os.environ.setdefault(name, value)
sys.path.insert(0, root)
from parity.run.serving import end, serve
serve(channel, log)
end()
"""


class Session:
    """A worker process for one side, started by its own interpreter.

    Args:
        side: name of the side, for errors.
        python: path of the interpreter, or its name on the PATH; this one if None.
        log: file that takes what the worker prints; one that is gone with the session if None.
        timeout: seconds without a word after which the worker is given up.
        instead: command that is run in the place of this interpreter, where ``python`` names none.

    Raises:
        WorkerError: when the interpreter does not start.
    """

    def __init__(
        self,
        side: str,
        python: str | None = None,
        log: Path | None = None,
        timeout: float = TIMEOUT,
        instead: Sequence[str] = (),
    ) -> None:
        import execnet

        self.side, self.timeout = side, timeout
        wanted = python or sys.executable
        interpreter = find_interpreter(wanted)
        if interpreter is None:
            raise WorkerError(side, f"no Python interpreter at {wanted}; set `python:` of the side to one")
        self._own_log = log is None
        self.log = (log or _new_log()).absolute()  # A program may go to another folder.
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._said = self.log.stat().st_size if self.log.exists() else 0
        # The group is our own: execnet's default one would end every gateway of the process at exit.
        self._group = execnet.Group(execmodel="thread")
        try:
            # Quoted: execnet splits the interpreter's path at spaces.
            run = shlex.join([interpreter] if python or not instead else instead)
            gateway = self._group.makegateway(f"popen//python={run}//execmodel=main_thread_only")
            self._process: subprocess.Popen[bytes] | None = getattr(getattr(gateway, "_io", None), "popen", None)
            self._channel = gateway.remote_exec(
                f"root, log, quiet = {str(ROOT)!r}, {str(self.log)!r}, {QUIET!r}\n{BOOT}"
            )
        except Exception as error:
            self.close()
            what = f"{interpreter} does not answer as a Python interpreter does ({error})"
            raise WorkerError(side, f"{what}; set `python:` of the side to one") from error

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the worker."""
        self.close()

    def close(self) -> None:
        """End the worker process."""
        self._group.terminate(timeout=2.0)
        if self._own_log:
            self.log.unlink(missing_ok=True)

    @property
    def pid(self) -> int | None:
        """Return the worker's process id."""
        return self._process.pid if self._process else None

    def start(self, command: str, **payload: Any) -> None:
        """Send a command without waiting for its answer; :meth:`finish` waits."""
        try:
            self._channel.send((command, payload))
        except OSError as error:
            raise self._died(f"its process is gone ({error})") from error

    def finish(self, on_event: Callable[[dict[str, Any]], None] | None = None) -> Any:
        """Wait for the answer to the last command.

        Args:
            on_event: called with every event that comes before it.

        Raises:
            WorkerError: when the worker fails, dies or says nothing for too long.
        """
        while True:
            try:
                kind, value = self._channel.receive(timeout=self.timeout)
            except self._channel.TimeoutError:
                error = self._died(f"no word for {self.timeout:g} seconds; it was ended")
                error.silent = True
                raise error from None
            except (EOFError, OSError):
                raise self._died(f"its process {self._end()}") from None
            except self._channel.RemoteError as failure:
                raise self._died((str(failure).strip().splitlines() or ["it failed"])[-1]) from None
            if kind == "event":
                if on_event is not None:
                    on_event(value)
            elif kind in ("failed", "machine"):
                raise self._error(value, machine=kind == "machine")
            else:
                return value

    def ask(self, command: str, on_event: Callable[[dict[str, Any]], None] | None = None, **payload: Any) -> Any:
        """Send a command and wait for its answer."""
        self.start(command, **payload)
        return self.finish(on_event)

    def words(self) -> str:
        """Return the last of what the worker printed; what earlier ones printed to the same file is not its own."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self._said, self.log.stat().st_size - 4000))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def _error(self, what: str, words: str = "", machine: bool = False) -> WorkerError:
        log = None if self._own_log else os.path.relpath(self.log)
        return WorkerError(self.side, what, words, log if self.words() else None, machine)

    def _end(self) -> str:
        """Return how the process ended."""
        code = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=2.0)
        if code is None:
            return "hung up"
        if code >= 0:
            return f"ended with exit code {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"was killed by {name}" + (", as a machine out of memory does" if name == "SIGKILL" else "")

    def _died(self, what: str) -> WorkerError:
        error = self._error(what, self.words())
        self.close()
        return error


def find_interpreter(python: str) -> str | None:
    """Return the path of an interpreter given by path (``~`` is home) or by its name on the PATH."""
    found = shutil.which(os.path.expanduser(python))
    return os.path.abspath(found) if found else None  # Absolute: execnet takes // for the end of the path.


_shared: list[Forks] = []
"""Fork servers of a command that opens several scratch folders one after another; the last ones are used."""


@contextmanager
def shared_forks(warm: Callable[[], Iterable[str]] = tuple) -> Iterator[None]:
    """Let all work that is done within, or in a function that this decorates, have its workers from the same servers.

    Args:
        warm: returns frameworks that are imported at once, while other work is done.
    """
    folder = memory_folder()
    made = Forks(folder=folder)
    _shared.append(made)
    try:
        made.warm(warm())
        yield
    finally:
        _shared.remove(made)
        made.close()
        release(folder)


@dataclass(kw_only=True)
class Scratch:
    """A scratch folder and the workers that use it; a context that cleans up after itself."""

    scratch: Path = field(init=False)
    forks: Forks = field(init=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False)
    _started: list[Session] = field(default_factory=list, init=False)
    _ended: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        """Make the scratch folder."""
        self.scratch = memory_folder()
        self._stack.callback(release, self.scratch)
        if not _shared:
            self._stack.enter_context(shared_forks())
        self.forks = _shared[-1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every worker, remove the scratch folder."""
        self._stack.close()
        remove_left(self.scratch.parent)  # What the workers of a killed command wrote after theirs was removed.

    def kept(self, session: Session) -> Session:
        """Return a session, which from now on ends with this context at the latest."""
        self._stack.callback(session.close)
        self._started.append(session)
        if self._ended:  # It was started while the others were ended.
            session.close()
        return session

    def end_workers(self) -> None:
        """End every worker at once: whoever waits for one is told so."""
        self._ended = True
        for session in list(self._started):
            session.close()


def _new_log() -> Path:
    handle, name = tempfile.mkstemp(prefix="parity-", suffix=".log")
    os.close(handle)
    return Path(name)


PREFIX = "parity-scratch-"
"""How the names of scratch folders begin."""

SCRATCH = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")
"""What they are called, as ``tempfile`` makes them: a folder of another name is somebody's."""

_held: list[int] = []
"""Handles of the scratch folders of this process: each is locked as long as it lives."""


LEAST_SHARED = 1 << 30
"""Free bytes of shared memory below which it is left alone: containers have 64 MB of it unless told otherwise, and what
does not fit ends a process without a word."""


def memory_bytes() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def memory_folder() -> Path:
    """Return a new folder for exchanges, in memory where the machine has such a place, and enough of it.

    What a process that was killed left there would fill the memory: folders whose process is gone are removed.
    """
    shm = Path("/dev/shm")
    roomy = shm.is_dir() and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free >= LEAST_SHARED
    return scratch_folder(shm if roomy else Path(tempfile.gettempdir()))


def scratch_folder(parent: Path) -> Path:
    """Return a new folder that is this process's as long as it lives; :func:`release` removes it.

    Args:
        parent: folder to make it in; what killed processes left there is removed.
    """
    remove_left(parent)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):  # A file system without locks: then nothing is ever taken for left behind.
            fcntl.flock(handle, fcntl.LOCK_EX)
        if _is(folder, handle):
            _held.append(handle)
            return folder
        os.close(handle)  # Between its creation and its lock another process took it for left behind.


def release(folder: Path) -> None:
    """Remove a folder that :func:`memory_folder` or :func:`scratch_folder` gave."""
    shutil.rmtree(folder, ignore_errors=True)
    for handle in [one for one in _held if not os.fstat(one).st_nlink]:
        _held.remove(handle)
        os.close(handle)


def remove_left(parent: Path) -> None:
    """Remove the scratch folders whose process is gone.

    Args:
        parent: folder that holds them.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        if SCRATCH.fullmatch(folder.name):
            _remove_if_left(folder)


def _is(folder: Path, handle: int) -> bool:
    """Return whether a folder is still the one that a handle is of."""
    try:
        return os.path.samestat(folder.stat(), os.fstat(handle))
    except OSError:
        return False


def _remove_if_left(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_uid == os.getuid() and _is(folder, handle):
            shutil.rmtree(
                folder, ignore_errors=True
            )  # Under the lock: its maker, if there is one, waits and then sees.
    except OSError:
        return  # Its process lives.
    finally:
        os.close(handle)
