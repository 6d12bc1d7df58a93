"""Modules of a program's own as they are called: what they give, what they keep and what they draw."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.weak import WeakTensorKeyDictionary

from parity.frameworks.torch.driver.calls import tensors_in
from parity.run.told import OWN, ToldCall

ATTENTION = "scaled_dot_product_attention"

DEALT = frozenset({"dropout", "randn_like", ATTENTION})
"""Functions whose draws a harness deals."""

RANDOM = DEALT | {
    "rand", "randn", "rand_like", "randint", "randint_like", "randperm", "normal", "normal_", "uniform_", "bernoulli",
    "bernoulli_", "multinomial", "poisson", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "exponential_",
    "geometric_", "cauchy_", "log_normal_", "random_", "rrelu", "gumbel_softmax",
}  # fmt: skip
"""Functions that draw."""


@dataclass(eq=False, kw_only=True)
class OpenCall:
    """A call of a module of the program's own that is gone into.

    Args:
        module: that is called.
        name: of the call, which no other has.
        gives: tensors that it gave.
        drawn: what it drew.
        reads: the tensor that it is given first; None where it is given none.
    """

    module: nn.Module
    name: str
    gives: list[torch.Tensor] = field(default_factory=list)
    drawn: list[Any] = field(default_factory=list)
    reads: torch.Tensor | None = None


class OwnModules:
    """The calls of a trace, and what is drawn in them."""

    def __init__(self) -> None:
        self.calls: list[OpenCall] = []
        self.stack: list[OpenCall] = []
        self._leaf: list[Any] | None = None
        self._drawn = WeakTensorKeyDictionary()

    def open(self, module: nn.Module, given: Any) -> OpenCall:
        """Begin a call."""
        reads = next(iter(tensors_in(given)), None)
        found = OpenCall(module=module, name=f"call_{len(self.calls)}", reads=reads)
        self.calls.append(found)
        self.stack.append(found)
        return found

    def close(self, call: OpenCall, given: Any) -> None:
        """End a call that gave something."""
        self.stack.pop()
        call.gives = tensors_in(given)

    def within(self, model: nn.Module) -> list[str]:
        """Return the calls that are under way, the outermost first; not that of the model itself."""
        return [one.name for one in self.stack if one.module is not model]

    def alone(self) -> list[Any]:
        """Return what takes the draws of a module that is not gone into, until the next one."""
        self._leaf = []
        return self._leaf

    def draws(self, name: str, args: Any, kwargs: Any, found: Any) -> list[Any]:
        """Note a function that may draw, or be given what was drawn; return what it drew."""
        given = tensors_in((args, kwargs))
        told: list[Any] = [OWN for one in given if self._drawn.get(one)][:1]
        if name in RANDOM:
            told.append(_draw(name, args, kwargs))
            for one in tensors_in(found):
                if not given:
                    self._drawn[one] = True
        told = [one for one in told if one is not None]
        for call in self.stack:
            call.drawn += told
        if self._leaf is not None:
            self._leaf += told
        return told

    def leave(self) -> None:
        """End what :meth:`alone` began."""
        self._leaf = None

    def told(self, model: nn.Module, names: dict[int, str], value: Any) -> list[ToldCall]:
        """Return the calls of modules of the program's own, that of the model left out.

        Args:
            model: that was traced.
            names: of each module, by its identity.
            value: returns the name of a tensor, None of one that no call that was seen gave.
        """
        found = []
        for call in self.calls:
            gives = [name for one in call.gives if (name := value(one)) is not None]
            if call.module is model or not gives:
                continue
            found.append(ToldCall(
                name=call.name, part=type(call.module).__qualname__, gives=list(dict.fromkeys(gives)),
                label=names.get(id(call.module), type(call.module).__name__.lower()), tensors=tensors_of(call.module),
                random=drawn(call.drawn), place=place_of_class(call.module),
            ))  # fmt: skip
        return found

    def innermost(self, within: list[str]) -> nn.Module | None:
        """Return the module of the last of some calls."""
        known = {one.name: one.module for one in self.calls}
        return known[within[-1]] if within else None


def drawn(told: list[Any]) -> Any:
    """Return what was drawn, as :class:`~parity.run.told.ToldNode` has it."""
    return OWN if OWN in told else list(told)


def _draw(name: str, args: Any, kwargs: Any) -> Any:
    """Return a draw: shape for a row and rate of one that is dealt, None of one that draws nothing, or ``own``."""
    if name not in DEALT or not args or not isinstance(args[0], torch.Tensor):
        return OWN
    rate = None
    if name == ATTENTION:
        rate = float(kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0))
        return {"shape": [*args[0].shape[1:-1], args[1].shape[-2]], "rate": rate} if rate else None
    if name == "dropout":
        rate = float(kwargs.get("p", args[1] if len(args) > 1 else 0.5))
        training = kwargs.get("training", kwargs.get("train", args[2] if len(args) > 2 else True))
        if not training or not rate:
            return None
    return {"shape": list(args[0].shape[1:]), "rate": rate} if args[0].dim() > 1 else OWN


def tensors_of(module: nn.Module) -> dict[str, list[int]]:
    """Return the shapes of the parameters that a module keeps, and of its buffers of numbers, by their names in it."""
    kept = [
        *module.named_parameters(),
        *((name, one) for name, one in module.named_buffers() if one.is_floating_point()),
    ]
    return {name: list(one.shape) for name, one in kept}


def place_of_class(module: nn.Module) -> str:
    """Return the line in which the class of a module defines its ``forward``."""
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    if code is None:
        return ""
    return f"{code.co_filename.rpartition('/')[2]}, line {code.co_firstlineno}"
