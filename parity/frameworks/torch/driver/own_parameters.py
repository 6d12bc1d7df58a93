"""Functions that a program gives parameters of its own, as the modules of PyTorch's that do the same.

``F.layer_norm(x, (8,), self.weight, self.bias)`` is ``nn.LayerNorm`` with these very parameters, ``x @ self.W`` is
``nn.Linear``, whose matrix then lies (in, out).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.weak import WeakTensorKeyDictionary

from parity.frameworks.torch.driver.calls import tensors_in

EXCHANGING = frozenset({"t", "T", "mT", "transpose", "swapaxes", "swapdims"})
"""Functions that exchange the axes of a matrix."""

KEEPING = frozenset({"to", "float", "type_as", "contiguous", "double"})
"""Functions behind which a parameter is still that."""

ENDINGS = ("weight", "kernel", "bias")
"""What parameters are called by what they are, which says nothing of whose they are."""


@dataclass(frozen=True)
class OwnTensor:
    """A parameter as a function is given it.

    Args:
        parameter: of the program.
        turned: a matrix whose two axes are exchanged.
    """

    parameter: nn.Parameter
    turned: bool = False


class TurnedLinear(nn.Linear):  # type: ignore[misc]
    """A linear layer whose matrix a program keeps as (in, out).

    Args:
        weight: the matrix.
        bias: of the layer.
    """

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter | None = None) -> None:
        super().__init__(*weight.shape, bias is not None, device="meta")
        self.weight, self.bias = weight, bias


def matrix_of(linear: nn.Linear) -> torch.Tensor:
    """Return the matrix of a linear layer as PyTorch's have it, (out, in)."""
    weight: torch.Tensor = linear.weight
    return weight.T if isinstance(linear, TurnedLinear) else weight


def home_of(module: nn.Module) -> nn.Module:
    """Return the module of a program that does what a module does that was made for its functions; else itself."""
    found: list[nn.Module] = vars(module).get("homes", [])
    return found[0] if found else module


def is_made(module: nn.Module) -> bool:
    """Return whether a module was made for functions of a program."""
    return "homes" in vars(module)


class OwnParameters:
    """Parameters, and what only hands them on.

    Args:
        model: whose they are.
    """

    def __init__(self, model: nn.Module) -> None:
        self._views = WeakTensorKeyDictionary()
        self._known = dict(model.named_parameters())
        self._paths = {id(one): path for path, one in self._known.items()}

    def handed_on(self, name: str, args: Any, found: Any) -> None:
        """Note that a function was given what no input is made of."""
        own = self.own(args[0]) if args else None
        if own is None or not isinstance(found, torch.Tensor) or found is own.parameter:
            return
        if name in KEEPING and found.shape == args[0].shape and found.is_floating_point():
            self._views[found] = own
        elif name in EXCHANGING and found.dim() == 2 and found.shape == own.parameter.shape[:: 1 if own.turned else -1]:
            self._views[found] = OwnTensor(own.parameter, not own.turned)

    def own(self, value: Any) -> OwnTensor | None:
        """Return the parameter that a value is; None of any other value."""
        if isinstance(value, nn.Parameter):
            return OwnTensor(value) if id(value) in self._paths else None
        found: OwnTensor | None = self._views.get(value) if isinstance(value, torch.Tensor) else None
        return found

    def title(self, value: Any) -> str:
        """Return what a function is called by a parameter that it is given: the first that is no vector, or the first.

        Args:
            value: arguments of a function.
        """
        every = [own.parameter for one in tensors_in(value) if (own := self.own(one)) is not None]
        first = next((one for one in every if one.dim() > 1), every[0] if every else None)
        path = "" if first is None else self._paths[id(first)]
        home, _, leaf = path.rpartition(".")
        for ending in ENDINGS:
            if leaf == ending:
                return home
            leaf = leaf.removesuffix(f"_{ending}")
        return f"{home}.{leaf}".strip(".")

    def known(self, identity: int) -> nn.Parameter:
        """Return the parameter of an identity."""
        return next(one for one in self._known.values() if id(one) == identity)

    def path(self, parameter: nn.Parameter) -> str:
        """Return the path of a parameter in the model."""
        return self._paths.get(id(parameter), "")


Arguments = Mapping[str, Any]
OwnedBy = Callable[[Any], OwnTensor | None]


def module_of(name: str, told: Arguments, own: OwnedBy) -> nn.Module | None:
    """Return the module that does what a call of a function does; None for none.

    Args:
        name: of the function.
        told: what it was given, by the names of its arguments.
        own: returns the parameter that an argument is.
    """
    maker = MODULES.get(name)
    try:
        return maker(told, own) if maker is not None else None
    except (KeyError, TypeError, ValueError):
        return None  # It is given what no module is made with.


def _parameters(told: Arguments, own: OwnedBy, *names: str) -> list[nn.Parameter | None] | None:
    """Return parameters that a function is given as they are; None where one is none."""
    found = []
    for name in names:
        value = told.get(name)
        one = own(value)
        if value is not None and (one is None or one.turned):
            return None
        found.append(one.parameter if one is not None else None)
    return found


def _linear(told: Arguments, own: OwnedBy) -> nn.Module | None:
    weight, bias = own(told["weight"]), _parameters(told, own, "bias")
    if weight is None or bias is None or weight.parameter.dim() != 2:
        return None
    return linear_of(weight, bias[0])


def _product(told: Arguments, own: OwnedBy) -> nn.Module | None:
    """Return x @ W, whose W is (in, out)."""
    _, second, *_more = list(told)
    weight = own(told[second])
    if weight is None or weight.parameter.dim() != 2 or len(told) > 2:
        return None
    return linear_of(OwnTensor(weight.parameter, not weight.turned))


def _sum_of_product(told: Arguments, own: OwnedBy) -> nn.Module | None:
    weight, bias = own(told["mat2"]), _parameters(told, own, "input")
    if weight is None or bias is None or bias[0] is None or len(told) > 3 or bias[0].dim() != 1:
        return None
    return linear_of(OwnTensor(weight.parameter, not weight.turned), bias[0])


def linear_of(weight: OwnTensor, bias: nn.Parameter | None = None) -> nn.Linear:
    """Return a linear layer with parameters of a program.

    Args:
        weight: as ``F.linear`` would be given it, (out, in).
        bias: of the layer.
    """
    if weight.turned:
        return TurnedLinear(weight.parameter, bias)
    found = nn.Linear(*reversed(weight.parameter.shape), bias is not None, device="meta")
    found.weight, found.bias = weight.parameter, bias
    return found


def _embedding(told: Arguments, own: OwnedBy) -> nn.Module | None:
    weight = _parameters(told, own, "weight")
    if weight is None or weight[0] is None:
        return None
    more = {name: one for name, one in told.items() if name not in ("input", "weight")}
    found = nn.Embedding(*weight[0].shape, device="meta", **more)
    found.weight = weight[0]
    return found


def _layer_norm(told: Arguments, own: OwnedBy) -> nn.Module | None:
    both = _parameters(told, own, "weight", "bias")
    if both is None or (both[0] is None and both[1] is not None):
        return None
    found = nn.LayerNorm(told["normalized_shape"], told.get("eps", 1e-5), both[0] is not None, device="meta")
    found.weight, found.bias = both
    return found


def _rms_norm(told: Arguments, own: OwnedBy) -> nn.Module | None:
    weight = _parameters(told, own, "weight")
    if weight is None or not hasattr(nn, "RMSNorm"):
        return None
    found = nn.RMSNorm(told["normalized_shape"], told.get("eps"), weight[0] is not None, device="meta")
    found.weight = weight[0]
    return found


def _group_norm(told: Arguments, own: OwnedBy) -> nn.Module | None:
    both = _parameters(told, own, "weight", "bias")
    if both is None or (both[0] is None) is not (both[1] is None):
        return None
    channels = told["input"].shape[1]
    found = nn.GroupNorm(told["num_groups"], channels, told.get("eps", 1e-5), both[0] is not None, device="meta")
    found.weight, found.bias = both
    return found


def _convolution(rank: int) -> Callable[[Arguments, OwnedBy], nn.Module | None]:
    def made(told: Arguments, own: OwnedBy) -> nn.Module | None:
        both = _parameters(told, own, "weight", "bias")
        if both is None or both[0] is None:
            return None
        (outputs, inputs, *size), groups = both[0].shape, told.get("groups", 1)
        kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[rank]
        more = {name: told[name] for name in ("stride", "padding", "dilation") if name in told}
        found = kind(inputs * groups, outputs, size, groups=groups, bias=both[1] is not None, device="meta", **more)
        found.weight, found.bias = both
        return found

    return made


MODULES: dict[str, Callable[[Arguments, OwnedBy], nn.Module | None]] = {
    "linear": _linear, **dict.fromkeys(("matmul", "__matmul__", "mm"), _product), "addmm": _sum_of_product,
    "embedding": _embedding, "layer_norm": _layer_norm, "rms_norm": _rms_norm, "group_norm": _group_norm,
    **{f"conv{rank}d": _convolution(rank) for rank in (1, 2, 3)},
}  # fmt: skip
"""Functions, and what makes the modules that do the same."""
