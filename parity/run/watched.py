"""Programs as people write them, in a worker: run as themselves until they train, then stopped, with what they hold.

Only the standard library and NumPy; a framework's own watcher is imported when the program imports the framework.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import linecache
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, ClassVar

from parity.frameworks import frameworks, home_of, part_of
from parity.run.here import is_library
from parity.run.told import Told


class Enough(BaseException):
    """The program is about to train: all that is to be read of it is there."""


class UnwatchedError(Exception):
    """A program cannot be watched; the message says why, in one sentence."""


@dataclass(kw_only=True)
class Training:
    """What a program is about to do, as live objects.

    Args:
        model: that it trains.
        optimizer, loss, loss_weights, metrics: what it trains with; None where the model has them itself.
        x, y: what it trains on, as it is given; None where there is none.
        validation: rows of its own to validate on, ``(x, y)``.
        sample_weight, class_weight: what rows and classes count.
        batch_size, epochs, shuffle, drop_remainder, validation_split: how it trains; None where it does not say.
        callbacks: objects.
        more: what else it says, by name.
        place: the line from which it trains.
        unseen: what it does later than is seen of it, in sentences.
    """

    model: Any
    optimizer: Any = None
    loss: Any = None
    loss_weights: Any = None
    metrics: Any = None
    x: Any = None
    y: Any = None
    validation: Any = None
    sample_weight: Any = None
    class_weight: Any = None
    batch_size: int | None = None
    epochs: int | None = 1
    shuffle: bool = False
    drop_remainder: bool = False
    validation_split: float = 0.0
    callbacks: Sequence[Any] = ()
    more: dict[str, Any] = field(default_factory=dict)
    place: str = ""
    unseen: list[str] = field(default_factory=list)


class Watcher:
    """What sees a framework's programs train, and tells what they hold; in ``driver/watcher.py`` of its folder."""

    trains_by: ClassVar[str] = ""
    """The call that training begins with, as people write it."""
    at_once: bool = False
    """A program is stopped ahead of its first step."""

    def watching(self, seen: Callable[[Training], None]) -> AbstractContextManager[None]:
        """Return within what ``seen``, which raises :class:`Enough`, is called as soon as a program is to train."""
        raise NotImplementedError

    def ended(self, names: Mapping[str, Any]) -> None:
        """See that a program has come to its end: call what ``watching`` was given where it did train.

        Args:
            names: of the program.
        """

    def reseeded(self, number: int) -> AbstractContextManager[Any]:
        """Return within what the framework draws other numbers than the seeds that a program sets would give."""
        return contextlib.nullcontext(number)

    def starts(self, training: Training) -> Sequence[Any]:
        """Return the numbers that a program's tensors start at, in the order in which :meth:`tell` counts them."""
        return ()

    def owns(self, found: Any) -> bool:
        """Return whether an object is a model of the framework's."""
        raise NotImplementedError

    def load(self, file: str) -> Any:
        """Return the model that a file holds."""
        raise NotImplementedError

    def save(self, model: Any, file: str) -> bool:
        """Write a model to a file that :meth:`load` reads; return whether the framework can."""
        del model, file
        return False

    def moving_channels(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of a contract whose model is given channels last, and moves them first itself."""
        raise UnwatchedError("a program of this framework cannot be given rows with their channels last")

    def moving_targets(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parts of a contract whose loss is given targets with channels last, and moves them itself."""
        raise UnwatchedError("a program of this framework cannot be given targets with their channels last")

    def reordering(self, parts: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
        """Return the parts of a contract whose model puts its inputs in its order: the numbers of those it is given."""
        raise UnwatchedError("a program of this framework cannot be given its inputs in another order")

    def contract(self, training: Training) -> dict[str, Any]:
        """Return what a program written by hand must have (docs/own-program.md), made of what this one holds."""
        model = training.model
        return {"build_model": lambda: model}

    def tell(self, training: Training, folder: Path) -> Told:
        """Return what a program holds, in words.

        Args:
            training: what it is about to do.
            folder: takes the arrays that it trains on, ``NAME.npy`` each.
        """
        raise NotImplementedError


def watcher_of(framework: str) -> Watcher:
    """Return the watcher of a framework, which imports it."""
    found: Watcher = part_of(framework, "driver.watcher").WATCHER
    return found


def watchable() -> dict[str, str]:
    """Return the frameworks whose folder has a watcher, by the module whose import shows that a program uses them."""
    found = {}
    for name, known in frameworks().items():
        if home_of(name, "driver.watcher") == name:
            found[known.modules[0]] = name
    return found


def taken(program: Mapping[str, Any], at_once: bool = False) -> tuple[Watcher, Training]:
    """Return what a program is about to do, and the watcher that can tell it.

    Args:
        program: ``script`` (a file) with ``arguments`` and ``folder``; ``saved`` (a file) with ``framework``; or
            ``module`` and ``name`` with ``folder``.
        at_once: stop it ahead of its first step: nothing but how it starts is asked.

    Raises:
        UnwatchedError: when it does not train, or holds no model.
    """
    if "saved" in program:
        watcher = watcher_of(program["framework"])
        return watcher, Training(model=watcher.load(program["saved"]))
    with _Watch(at_once) as watch:
        if "script" in program:
            return _of_script(program, watch)
        return _of_name(program, watch)


def owner_of(model: Any) -> tuple[str, Watcher] | None:
    """Return the framework of a live model of this process, and its watcher; None where it is no model."""
    for module, framework in watchable().items():
        if module in sys.modules and watcher_of(framework).owns(model):
            return framework, watcher_of(framework)
    return None


def contract(
    program: Mapping[str, Any], moved: bool = False, ends: bool = False, order: Sequence[int] = ()
) -> dict[str, Any]:  # fmt: skip
    """Return a program as one that keeps the contract.

    Args:
        program: as of :func:`taken`.
        moved: its model reads channels first, and is given them last.
        ends: its outputs have their channels first, and its loss is given targets that have them last.
        order: of its inputs, in their order, the numbers of those that it is given; empty where they are the same.
    """
    watcher, training = taken(program)
    parts = watcher.contract(training)
    parts = watcher.reordering(parts, order) if order else parts
    parts = watcher.moving_channels(parts) if moved else parts
    return watcher.moving_targets(parts) if ends else parts


def _of_script(program: Mapping[str, Any], watch: _Watch) -> tuple[Watcher, Training]:
    file = program["script"]
    ended = "ended"
    with _as_itself(file, program.get("arguments", ())) as module:
        try:
            exec(_compiled(file), module.__dict__)
        except Enough:
            ended = "was stopped"
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
            ended = f"ended with exit code {code}"
        if watch.found is None:
            with contextlib.suppress(Enough):
                for one in watch.watchers:
                    one.ended(module.__dict__)
    if watch.found is None:
        calls = " or ".join(dict.fromkeys(one.trains_by for one in watch.watchers)) or "any framework that is watched"
        never = f"it never came to {calls}" if watch.watchers else f"it imported none of {', '.join(watchable())}"
        raise UnwatchedError(f"{Path(file).name} {ended} before it trained anything: {never}")
    return watch.found


def _of_name(program: Mapping[str, Any], watch: _Watch) -> tuple[Watcher, Training]:
    name, folder = program["name"], program["folder"]
    said = f"{program['module']}:{name}"
    with _path(folder):
        try:
            module = importlib.import_module(program["module"])
        except ModuleNotFoundError as error:
            if error.name is None or not f"{program['module']}.".startswith(f"{error.name}."):
                raise  # It is one that the module imports.
            raise UnwatchedError(f"{said}: there is no module {error.name} in {folder}") from None
        try:
            found = getattr(module, name)
        except AttributeError:
            raise UnwatchedError(f"{said}: the module has no {name}") from None
        owner = watch.owner(found)
        if owner is None and callable(found):
            with contextlib.suppress(Enough):
                found = found()
            owner = watch.owner(found)
        if watch.found is not None:
            return watch.found  # It trains by itself.
    if owner is None:
        raise UnwatchedError(f"{said} is a {type(found).__name__}; expected a model, or a function that returns one")
    return owner, Training(model=found)


def _compiled(file: str) -> CodeType:
    source = Path(file).read_bytes()
    linecache.checkcache(file)
    return compile(source, file, "exec")


@contextmanager
def _path(folder: str) -> Iterator[None]:
    """Within it, modules are found in a folder first; what was imported from it is forgotten behind."""
    before, before_modules = os.getcwd(), set(sys.modules)
    sys.path.insert(0, folder)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
        for name in set(sys.modules) - before_modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(folder + os.sep) and not is_library(file):
                del sys.modules[name]  # Run a second time, it is the program from its start.


@contextmanager
def _as_itself(file: str, arguments: Sequence[str]) -> Iterator[ModuleType]:
    """Within it, everything is as if Python had been told to run a file: folder, arguments, ``__main__``."""
    module = ModuleType("__main__")
    module.__dict__.update(__file__=file, __builtins__=__builtins__)
    main, argv, words = sys.modules.get("__main__"), sys.argv, (sys.stdout, sys.stderr)
    with _path(str(Path(file).parent)):
        sys.modules["__main__"], sys.argv = module, [file, *arguments]
        try:
            yield module
        finally:
            sys.argv, (sys.stdout, sys.stderr) = argv, words
            if main is not None:
                sys.modules["__main__"] = main


class _Watch:
    """Has the watchers of what a program imports; a context.

    Args:
        at_once: stop the program ahead of its first step.
    """

    def __init__(self, at_once: bool) -> None:
        self._at_once = at_once
        self.found: tuple[Watcher, Training] | None = None
        self.watchers: list[Watcher] = []
        self._stack = contextlib.ExitStack()
        self._waiting = watchable()
        self._busy: set[str] = set()

    def __enter__(self) -> _Watch:
        sys.meta_path.insert(0, self)
        for module in [one for one in self._waiting if one in sys.modules]:
            self._imported(module)
        return self

    def __exit__(self, *error: object) -> None:
        sys.meta_path.remove(self)
        self._stack.close()

    def owner(self, found: Any) -> Watcher | None:
        """Return the watcher whose model something is."""
        return next((one for one in self.watchers if one.owns(found)), None)

    def _imported(self, module: str) -> None:
        watcher = watcher_of(self._waiting.pop(module))
        watcher.at_once = self._at_once

        def seen(training: Training) -> None:
            if self.found is None:
                self.found = watcher, training
            raise Enough

        self._stack.enter_context(watcher.watching(seen))
        self.watchers.append(watcher)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module as everybody else does, and be told when a framework's has been imported."""
        if name not in self._waiting or name in self._busy:
            return None
        self._busy.add(name)
        try:
            found = importlib.util.find_spec(name)
        finally:
            self._busy.discard(name)  # Whoever asks may only look, or fail to import it: one framework within another.
        if found is None or found.loader is None:
            return None
        run = found.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            if name in self._waiting:
                self._imported(name)

        found.loader.exec_module = exec_module  # type: ignore[method-assign]
        return found
