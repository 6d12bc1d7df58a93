"""What a framework's own parts do when nothing is said, read in the process that has the framework."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class Parts:
    """A framework's parts by their names; its folder says how one of them is made to act.

    Args:
        modules: that names begin with, ``nn`` for ``nn.Linear``.
    """

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self.modules = dict(modules)

    def found(self, name: str) -> Any:
        """Return a part, of several for numbers of axes the one for one axis; None where this version has none."""
        first, *rest = name.split(".")
        for ending in ("", "1d"):
            part = self.modules.get(first)
            for one in (*rest[:-1], f"{rest[-1]}{ending}"):
                part = getattr(part, one, None)
            if part is not None:
                return part
        return None

    def defaults(self, name: str) -> dict[str, Any]:
        """Return the arguments of a part that have a default, and these: numbers, words and other parts."""
        told = {}
        for argument, default in arguments_of(self.found(name)):
            try:
                told[argument] = self.word(argument, default)
            except (TypeError, ValueError):
                continue  # Not said in words that a spec has.
        return told

    def word(self, argument: str, value: Any) -> Any:
        """Return a default as a spec could say it, or as ``{part, arguments}``.

        Args:
            argument: that has it.
            value: its default.

        Raises:
            TypeError: when it can be said in neither way.
        """
        del argument
        if isinstance(value, tuple | list):
            return [self.word("", one) for one in value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"{value!r} is no number and no word")

    def drawn(
        self, modules: Mapping[str, str], attributes: Sequence[str], count: int, most: int
    ) -> dict[str, list[float]]:
        """Return what tensors hold when their modules are made, so many times, and nothing else is done.

        Args:
            modules: name and source of each.
            attributes: of the tensors, each behind the name of its module.
            count: how often.
            most: numbers that are told of each tensor.
        """
        found: dict[str, list[float]] = {one: [] for one in attributes}
        self.seed()
        for _ in range(count):
            made = {name: eval(source, dict(self.modules)) for name, source in modules.items()}
            for one in attributes:
                found[one] += self.numbers(_member(made, one))[: most - len(found[one])]
        return found

    def seed(self) -> None:
        """Have the framework draw the same numbers each time it is asked, so that a version has one answer."""
        raise NotImplementedError

    def numbers(self, tensor: Any) -> list[float]:
        """Return the elements of a tensor."""
        raise NotImplementedError

    def stepped(self, name: str, start: float, gradients: Sequence[float]) -> list[float]:
        """Return what an optimizer, told nothing, makes of a parameter of one number, after each step.

        Args:
            name: of the optimizer.
            start: of the parameter.
            gradients: one for each step.
        """
        raise NotImplementedError


def _member(made: Mapping[str, Any], attribute: str) -> Any:
    first, *rest = attribute.split(".")
    found = made[first]
    for one in rest:
        found = getattr(found, one)
    return found


def arguments_of(part: Any) -> list[tuple[str, Any]]:
    """Return arguments and their defaults, those of base classes where a class hands on what it is given."""
    found: dict[str, Any] = {}
    makers: list[Callable[..., Any]] = [part]
    if inspect.isclass(part):
        makers = [vars(one)["__init__"] for one in part.__mro__ if "__init__" in vars(one) and one is not object]
    for maker in makers:
        try:
            parameters = inspect.signature(maker).parameters
        except (TypeError, ValueError):
            break  # A builtin function may have none that can be read.
        for name, one in parameters.items():
            if one.default is not inspect.Parameter.empty:
                found.setdefault(name, one.default)
        if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
            break
    return list(found.items())
