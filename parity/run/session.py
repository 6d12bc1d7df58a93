"""The parent's end of a worker process."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from parity.errors import WorkerError

ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds the package; a worker's interpreter need not have parity installed."""

TIMEOUT = 600.0
"""Seconds without a word from a worker after which it is taken for hung."""

BOOT = """
import sys
sys.path.insert(0, root)
from parity.run.worker import serve
serve(channel, log)
"""


class Session:
    """A worker process for one side, started by its own interpreter.

    Args:
        side: name of the side, for errors.
        python: path of the interpreter; this one if None.
        log: file that takes what the worker prints.
        timeout: seconds without a word after which the worker is given up.

    Raises:
        WorkerError: when the interpreter does not start.
    """

    def __init__(self, side: str, python: str | None = None, log: Path | None = None, timeout: float = TIMEOUT) -> None:
        import execnet

        self.side, self.timeout = side, timeout
        self.log = log or Path(tempfile.mkstemp(prefix="parity-", suffix=".log")[1])
        self.log.parent.mkdir(parents=True, exist_ok=True)
        interpreter = python or sys.executable
        if not _is_interpreter(interpreter):
            raise WorkerError(side, f"no Python interpreter at {interpreter}; set `python:` of the side to one")
        # The group is our own: execnet's default one would end every gateway of the process at exit.
        self._group = execnet.Group(execmodel="thread")
        try:
            gateway = self._group.makegateway(f"popen//python={interpreter}//execmodel=main_thread_only")
            self._pid = getattr(getattr(gateway, "_io", None), "popen", None)
            self._channel = gateway.remote_exec(f"root = {str(ROOT)!r}\nlog = {str(self.log)!r}\n{BOOT}")
        except Exception as error:
            self._group.terminate(timeout=1.0)
            raise WorkerError(side, f"could not start {interpreter}: {error}") from error

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

    @property
    def pid(self) -> int | None:
        """Return the worker's process id."""
        return getattr(self._pid, "pid", None)

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
                raise self._died(f"no word for {self.timeout:g} seconds; it was ended") from None
            except (EOFError, OSError):
                raise self._died("its process died") from None
            except self._channel.RemoteError as error:
                raise self._died(str(error).strip().splitlines()[-1]) from None
            if kind == "event":
                if on_event is not None:
                    on_event(value)
            elif kind == "failed":
                raise WorkerError(self.side, value, self.words())
            else:
                return value

    def ask(self, command: str, on_event: Callable[[dict[str, Any]], None] | None = None, **payload: Any) -> Any:
        """Send a command and wait for its answer."""
        self.start(command, **payload)
        return self.finish(on_event)

    def words(self) -> str:
        """Return the last of what the worker printed."""
        try:
            return self.log.read_text(errors="replace")[-4000:]
        except OSError:
            return ""

    def _died(self, what: str) -> WorkerError:
        error = WorkerError(self.side, what, self.words())
        self.close()
        return error


def _is_interpreter(path: str) -> bool:
    return os.access(path, os.X_OK) and not Path(path).is_dir()


def memory_folder() -> Path:
    """Return a new folder for exchanges, in memory where the machine has such a place."""
    shm = Path("/dev/shm")
    parent = shm if shm.is_dir() and os.access(shm, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="parity-", dir=parent))
