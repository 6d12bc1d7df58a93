"""What every optimizer may do otherwise for some parameters: a rate of their own, and another weight decay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, NonNegativeFloat, PrivateAttr, StringConstraints
from pydantic_core import PydanticKnownError

from parity.optimizers.around import Around
from parity.tensors import patterns_of, said_of


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticKnownError("float_type")
    return value


Numbers = dict[
    Annotated[str, StringConstraints(min_length=1, max_length=200)],
    Annotated[NonNegativeFloat, BeforeValidator(_number)],
]
"""A number for each pattern on the names of parameters, ``layer.parameter``; of those that mean one, the first."""

FACTORS, DECAYS = "learning_rate_factor_of", "weight_decay_of"
"""The fields that say it."""

DECAY = "weight_decay"
"""The field of the decay of all other parameters."""

Kept = Mapping[str, tuple[str, ...]]
"""Of each trainable parameter, ``layer.parameter``, the attributes of a program's model that hold it."""


def decays_of() -> Any:
    """Return the field of the decay that some parameters have, of an optimizer that knows one."""
    return Field(
        default={},
        description="pattern on names of parameters (`*.bias`, `norm*`): their weight decay; the first that fits",
    )


class PerParameter(Around):
    """Base of what may treat some parameters otherwise: the groups of PyTorch's optimizers.

    =========================== =======================================================================================
    ``learning_rate_factor_of`` the rate of a parameter is that of the optimizer times the factor, in every step
    ``weight_decay_of``         a decay of its own, of an optimizer that has one
    =========================== =======================================================================================

    Each says numbers by pattern on the names of parameters; a pattern without a dot is on the name of the layer. A
    factor, since a scheduler of PyTorch moves the rates of all groups in proportion. Keras has no rates of its own for
    some variables, and ``exclude_from_weight_decay`` for a decay of 0.
    """

    quiet: ClassVar[frozenset[str]] = Around.quiet | {FACTORS, DECAYS}
    couples_decay: ClassVar[bool] = False
    """Whether its weight decay is added to the gradient, as an l2 penalty of the loss is."""

    learning_rate_factor_of: Numbers = Field(
        default={},
        description="pattern on names of parameters (`*.bias`, `backbone*`): what their rate is multiplied by; the "
        "first that fits, 1 for all others",
    )

    _own_factor: float = PrivateAttr(default=1.0)

    @property
    def decays(self) -> Mapping[str, float]:
        """The decay that some parameters have, by pattern."""
        found: Mapping[str, float] = getattr(self, DECAYS, {})
        return found

    @property
    def parts(self) -> bool:
        """Whether some parameters are treated otherwise than others."""
        return bool(self.learning_rate_factor_of or self.decays)

    def factor(self, name: str) -> float:
        """Return what the rate of a parameter is multiplied by."""
        return said_of(name, self.learning_rate_factor_of, 1.0)

    def decay_of(self, name: str) -> float:
        """Return the decay of a parameter; 0 of an optimizer that knows none."""
        return said_of(name, self.decays, float(getattr(self, DECAY, 0.0)))

    def of(self, name: str) -> Self:
        """Return the optimizer as a parameter meets it, which treats all parameters alike."""
        if not self.parts:
            return self
        alike: dict[str, Any] = {one: {} for one in (FACTORS, DECAYS) if one in type(self).model_fields}
        decay = {DECAY: self.decay_of(name)} if self.decays else {}
        found = self.model_copy(update={**alike, **decay})
        found._own_factor = self._own_factor * self.factor(name)
        return found

    def decay_first(self) -> Self:
        """Return the same optimizer with a decay that is above 0 where any parameter's is: parts of frameworks need it.

        Where only some parameters decay, these come to be said by all, and those that do not by pattern.
        """
        most = max(self.decays.values(), default=0.0)
        if getattr(self, DECAY, 0.0) or not most:
            return self
        return self.model_copy(update={DECAY: most, DECAYS: {**self.decays, "*": self.decays.get("*", 0.0)}})

    def share(self) -> str:
        """Return the decay as a formula has it: a number, or a name where it is not the same of all parameters."""
        return DECAY if self.decays else repr(float(getattr(self, DECAY, 0.0)))

    def decays_some(self) -> bool:
        """Return whether any parameter may decay."""
        return getattr(self, DECAY, 0.0) > 0.0 or any(self.decays.values())

    def apart_words(self) -> str:
        """Return what is otherwise for some parameters, in words that follow the rule; empty where nothing is."""
        found = [f"the decay of {who} is {number!r}" for who, number in _told(self.decays)]
        found += [f"lr of {who} is multiplied by {number!r}" for who, number in _told(self.learning_rate_factor_of)]
        return "".join(f"; {one}" for one in found)


def _told(said: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return who each number is of, in words."""
    found: dict[float, list[str]] = {}
    for pattern, number in said.items():
        found.setdefault(number, []).append("all others" if pattern == "*" and len(said) > 1 else pattern)
    return [(", ".join(who), number) for number, who in found.items()]


def by_number(
    names: Iterable[str], number: Callable[[str], float], base: float
) -> tuple[dict[float, list[str]], float]:  # fmt: skip
    """Return the parameters that have each number, but for those with the number of all others; and that number.

    Args:
        names: of the parameters.
        number: of a parameter.
        base: what parameters have of which nothing is said.
    """
    found: dict[float, list[str]] = {}
    for name in names:
        found.setdefault(number(name), []).append(name)
    other = base if base in found else max(found, key=lambda one: len(found[one]), default=base)
    return {one: mine for one, mine in found.items() if one != other}, other


def by_pattern(
    names: Mapping[str, str], number: Callable[[str], float], base: float
) -> tuple[dict[str, float], float]:  # fmt: skip
    """Return the numbers that names of a program have, by pattern on these, and what all others have.

    Args:
        names: of each parameter, what the program calls it.
        number: of a parameter, by its own name.
        base: what parameters have of which nothing is said.
    """
    found, other = by_number(names, number, base)
    every = list(names.values())
    said = {
        pattern: one for one, mine in found.items()
        for pattern in patterns_of([names[name] for name in mine], every)
    }  # fmt: skip
    return said, other
