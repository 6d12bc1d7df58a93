"""What the PyTorch driver does with modules and tensors: hooks, values that are forced, NumPy's view of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import torch

from parity.frameworks.torch.driver import generators as torch_generators
from parity.frameworks.torch.driver.attention import shares_of
from parity.frameworks.torch.driver.older import ATTENTION, uncompiled
from parity.run.driver.base import active_driver, dealing


def first(module: torch.nn.Module, seen: Callable[[torch.Tensor], torch.Tensor | None]) -> Any:
    """See what a module takes in, by its place or by name; return what ends that, by ``remove``."""

    def hook(module: torch.nn.Module, inputs: tuple[Any, ...], named: Any = None) -> Any:
        name = None if inputs else next((key for key, one in (named or {}).items() if torch.is_tensor(one)), None)
        given = seen(inputs[0] if name is None else named[name])
        if given is None:
            return None
        others = (given, *inputs[1:]) if name is None else inputs
        return others if named is None else (others, named if name is None else {**named, name: given})

    try:
        return module.register_forward_pre_hook(hook, with_kwargs=True)
    except TypeError:  # Before 2.0 hooks are given no names.
        return module.register_forward_pre_hook(hook)


def last(seen: Callable[..., torch.Tensor | None], part: Sequence[int] = ()) -> Callable[..., Any]:
    """Return a hook that sees what a module puts out, or a part of it: see ``parity.code.TorchCode``.

    Args:
        seen: told of the tensor, and of what the module was given.
        part: of what is put out.
    """

    def hook(module: torch.nn.Module, inputs: Any, output: Any) -> Any:
        there = part_of(output, part)
        if not there:
            return seen(output, inputs)
        shown = taken(output, there)
        given = seen(shown, inputs)
        # Put back even if it is the same: what is seen must be on the way to the loss, or it has no gradient.
        return put(output, there, shown if given is None else given)

    return hook


def part_of(output: Any, part: Sequence[int]) -> tuple[int, ...]:
    """Return the part as far as it is there: a module written by hand may give the tensor, or the step, by itself."""
    if isinstance(output, tuple) and not part:
        there = [number for number, one in enumerate(output) if torch.is_tensor(one)]
        return (there[0],) if len(there) == 1 else ()  # The one tensor beside what is none.
    if isinstance(output, tuple):
        known = bool(part) and 0 <= part[0] < len(output)
        return (part[0], *part_of(output[part[0]], part[1:])) if known else ()
    return tuple(one for one in part if one < 0) if torch.is_tensor(output) and output.dim() > 2 else ()


def taken(output: Any, part: Sequence[int]) -> torch.Tensor:
    """Return a part of what a module puts out."""
    if not part:
        found: torch.Tensor = output
        return found
    return taken(output[part[0]] if isinstance(output, tuple) else output[:, part[0]], part[1:])


def put(output: Any, part: Sequence[int], value: torch.Tensor) -> Any:
    """Return what a module puts out with another value in the place of a part."""
    if not part:
        return value
    at = part[0]
    if isinstance(output, tuple):
        return (*output[:at], put(output[at], part[1:], value), *output[at + 1 :])
    rows = list(output.unbind(1))
    rows[at] = put(rows[at], part[1:], value)
    return torch.stack(rows, 1)


class Forced(torch.autograd.Function):  # type: ignore[misc]
    """Goes on with a given value; what comes back is shown, and replaced by what is given for it."""

    @staticmethod
    def forward(ctx: Any, own: torch.Tensor, given: torch.Tensor, backward: Callable[..., Any]) -> torch.Tensor:
        """Return the given value."""
        ctx.seen = backward
        return given.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Hand on the gradient, or the given one."""
        given = ctx.seen(gradients[0])
        return gradients[0] if given is None else given, None, None


def dropout(
    input: torch.Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> torch.Tensor:
    """Return what the active driver says is kept, in the place of ``torch.nn.functional.dropout``."""
    driver = active_driver()
    if driver.native:
        return torch_generators.DROPOUT(input, p, training, inplace)
    if not training or p in (0.0, 1.0):
        return input * 0.0 if training and p else input
    return input * recorded(input, p) * (1.0 / (1.0 - p))


def dropout_of_channels(
    input: torch.Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> torch.Tensor:
    """Return what the active driver says is kept of whole channels, as ``dropout1d`` and ``dropout2d`` drop them."""
    if active_driver().native:
        return torch.feature_dropout(input, p, training)
    if not training or p in (0.0, 1.0):
        return input * 0.0 if training and p else input
    shape = (*input.shape[:2], *(1,) * (input.dim() - 2))
    return input * recorded(input, p, shape) * (1.0 / (1.0 - p))


def alpha_dropout(
    input: torch.Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
) -> torch.Tensor:
    """Return what the active driver says is kept, on PyTorch's line (``aten/src/ATen/native/Dropout.cpp``)."""
    if active_driver().native:
        return torch_generators.ALPHA_DROPOUT(input, p, training, inplace)
    if not training or p in (0.0, 1.0):
        return input * 0.0 if training and p else input
    alpha, kept = 1.7580993408473766, recorded(input, p).to(input.dtype)
    a = 1.0 / ((alpha * alpha * p + 1.0) * (1.0 - p)) ** 0.5
    return input * (kept * a) + ((kept - 1.0) * (alpha * a) + alpha * a * p)


def attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None, **more: Any,
) -> torch.Tensor:  # fmt: skip
    """Return what PyTorch's attention gives; where it drops any, written out, with a dropout that the driver deals."""
    if not dropout_p or active_driver().native:
        return ATTENTION(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, **more)
    return dropout(shares_of(query, key, attn_mask, causal=is_causal, scale=scale), dropout_p) @ value


def randn_like(input: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
    """Return normal numbers that the active driver deals to a layer, in the place of ``torch.randn_like``."""
    if dealing() is None:
        return torch_generators.RANDN_LIKE(input, *more, **named)
    return recorded(input, None).to(input.dtype)


@uncompiled
def recorded(input: torch.Tensor, p: float | None, shape: Sequence[int] | None = None) -> torch.Tensor:
    """Return what the active driver says is drawn, which a compiled model asks for from outside.

    Args:
        input: what it is drawn for.
        p: share that is dropped; None for standard normal numbers.
        shape: of what is drawn, where several values share a number.
    """
    # As it lies: drawn channels last, a mask is then read in the order in which such an input lies.
    return torch.from_numpy(active_driver().draw(tuple(input.shape if shape is None else shape), p)).to(input.device)


PARTED, SINGLE, CANONICAL = "_parity_parted", "_parity_single", "_parity_canonical"
NUMBERS = "_parity_numbers"
"""Marks of what a program was read as: modules that do more than one layer, modules that do just one, matrices that lie
as a spec has them, and the buffers of a module that are numbers of a spec."""


def whose(module: torch.nn.Module) -> dict[str, bool]:
    """Return whether a module is PyTorch's own, of which it is known how its parameters lie and what it computes."""
    own = type(module).__module__.startswith("torch.nn.")
    return {"plain": own or SINGLE in vars(module), "known": own}


def transformed(tensor: torch.Tensor) -> bool:
    """Return whether a tensor belongs to a transform of ``torch.func`` (``grad``, ``vmap``) and holds no data."""
    known = getattr(torch._C, "_functorch", None)
    return known is not None and bool(known.is_functorch_wrapped_tensor(tensor))


LOW = (torch.bfloat16, torch.float16)
"""Types of a lower precision than NumPy computes in."""


def host(tensor: torch.Tensor) -> np.ndarray:
    """Return a tensor for NumPy, which has no bfloat16, nor much for float16."""
    tensor = tensor.detach()
    return (tensor.float() if tensor.dtype in LOW else tensor).cpu().numpy()


def together(values: Sequence[Any]) -> Any:
    """Return one tensor as it is, of several one whose first axis counts them."""
    return values[0] if len(values) == 1 else np.stack([np.asarray(one) for one in values])


def turned(value: np.ndarray, axes: list[int] | None) -> np.ndarray:
    """Return the canonical tensor: PyTorch transposes large ones several times faster than NumPy copies a view."""
    if axes is None:
        return np.asarray(value)
    return torch.from_numpy(np.asarray(value)).permute(*axes).contiguous().numpy()


def left(
    model: torch.nn.Module, optimizer: Any, places: Collection[str], bound: Collection[str]
) -> dict[str, np.ndarray]:
    """Return what a step leaves behind beside what is bound: gradients, parameters, slots, whole-numbered buffers.

    A program may forget to set gradients to zero.

    Args:
        model: of the program.
        optimizer: of the program.
        places: paths of the parameters that are bound.
        bound: entries of the optimizer's state that are.
    """
    found: dict[str, np.ndarray] = {}
    for name, variable in model.named_parameters():
        if name not in places:
            found[f"{name}="] = host(variable)
        if variable.grad is not None:
            found[name] = host(variable.grad)
        for key, value in optimizer.state.get(variable, {}).items():
            if key not in bound and torch.is_tensor(value):
                found[f"{name}/{key}"] = host(value)
    for name, buffer in model.named_buffers():
        if not buffer.is_floating_point():  # Counts, such as batch norm's and those of a program's own.
            found[f"{name}~"] = host(buffer)
    return found


def put_back(
    model: torch.nn.Module, optimizer: Any, values: dict[str, np.ndarray], write: Callable[[Any, np.ndarray], None]
) -> None:
    """Put back what :func:`left` returned.

    Args:
        model: of the program.
        optimizer: of the program.
        values: what was left.
        write: sets a tensor.
    """
    for name, variable in model.named_parameters():
        variable.grad = torch.tensor(values[name]).to(variable) if name in values else None
        if f"{name}=" in values:
            write(variable, values[f"{name}="])
        for key in [one.rpartition("/")[2] for one in values if one.startswith(f"{name}/")]:
            optimizer.state[variable][key] = torch.tensor(values[f"{name}/{key}"]).to(variable)
    for name, buffer in model.named_buffers():
        if f"{name}~" in values:
            write(buffer, values[f"{name}~"])


def facts_of(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return what is known of an optimizer: PyTorch's class that it is, and its rate."""
    kinds = [one for one in type(optimizer).__mro__ if one.__module__.startswith("torch.optim.")]
    kind = kinds[0].__name__ if kinds else type(optimizer).__name__
    return {"optimizer": kind, "learning_rate": float(optimizer.param_groups[0]["lr"]), "attributes": []}
