"""Explaining a small network on PyTorch, with workers that stay from test to test: starting one takes longest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from parity import api
from parity.commands.differing import pair_differences
from parity.commands.explaining import explain_pair, outcome_of
from parity.court.work import Note, Work
from parity.prepare.options import Options, prepare
from parity.run.session import Session
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec
from parity.trials.inquired import Explained

STEPS = 32


class Lent:
    """A worker lent to a runner: closed while it is at work it ends, else it goes back."""

    def __init__(self, session: Session, back: Callable[[Session], None]) -> None:
        self._session, self._back, self._asking, self._closed = session, back, False, False

    def start(self, command: str, **payload: Any) -> None:
        """Send a command."""
        self._asking = True
        self._session.start(command, **payload)

    def finish(self, on_event: Any = None) -> Any:
        """Wait for the answer."""
        found = self._session.finish(on_event)
        self._asking = False
        return found

    def ask(self, command: str, on_event: Any = None, **payload: Any) -> Any:
        """Send a command and wait for its answer."""
        self.start(command, **payload)
        return self.finish(on_event)

    def close(self) -> None:
        """Give the worker back, or end it where its answer is still to come or was an error."""
        if self._closed:
            return
        self._closed = True
        self._session.close() if self._asking else self._back(self._session)


class Lender:
    """Workers that are lent again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.free, self.started = folder, [], 0
        self.all: list[Session] = []

    def session(self, work: Work, side: Resolved, log: str) -> Lent:
        """Stand in for ``Work.session``."""
        assert (side.framework, side.python) == ("torch", None)
        if not self.free:
            self.free.append(Session("torch", log=self.folder / f"torch-{len(self.all)}.log"))
            self.all.append(self.free[0])
        lent = Lent(self.free.pop(), self.free.append)
        return work.kept(lent)  # type: ignore[type-var, return-value, arg-type]


@contextmanager
def lender(folder: Path) -> Iterator[Lender]:
    """Lend workers to every command in this process."""
    made = Lender(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "session", lambda work, side, log: made.session(work, side, log))
        yield made
    for session in made.all:
        session.close()


def tiny(changes: Mapping[str, Any], explain: Mapping[str, Any] | None = None, **more: Any) -> Spec:
    """Return the spec of a small network that learns in 32 steps, and of a side with some changes."""
    return api.build_spec({
        "name": "tiny",
        "data": {"source": "digits", "rows": 192, "scale": 0.0625},
        "model": {"input": [64], "layers": [
            {"dense": {"units": 16, "activation": "relu", "name": "hidden"}},
            {"dense": {"units": 10, "activation": "softmax", "name": "logits"}},
        ]},
        "loss": "categorical_crossentropy",
        "optimizer": {"sgd": {"learning_rate": 0.2, "momentum": 0.9}},
        "training": {"batch_size": 16, "epochs": 3},
        "metrics": ["accuracy"],
        "sides": {"good": {"framework": "torch"}, "bad": {"framework": "torch", "changes": dict(changes)}},
        "explain": {"framework": "torch", "steps": STEPS, **(explain or {})},
        **more,
    })  # fmt: skip


def explained(folder: Path, spec: Spec, note: Note = lambda text, share: None, **options: Any) -> Explained:
    """Explain the two sides of a spec, without training them on their own first.

    Args:
        folder: of the runs.
        spec: with two sides.
        note: told what is under way.
        options: of the command.
    """
    given = Options(**options)
    sides = prepare(spec, given)
    with Work(spec=spec, sides=sides, options=given, folder=folder) as work:
        found = pair_differences(work, sides)[sides[0].name, sides[1].name]
        outcome = outcome_of(work, sides)
        assert outcome is not None
        return explain_pair(work, sides, (sides[0], sides[1]), found, outcome, note)
