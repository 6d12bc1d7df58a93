"""Programs: what they must have, and how they are imported.

Only the standard library: a worker's interpreter need not have anything else.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from parity.run.verify import verified

CONTRACT = (
    "a program needs build_model() or Model, build_loss() and build_optimizer(model); "
    "train_step(model, loss_fn, optimizer, x, y) where its step is not the usual one"
)


class ProgramError(Exception):
    """A program does not keep the contract; the message says which name is missing."""


def one_tensor(outputs: Any, is_tensor: Callable[[Any], bool], row: Sequence[int] | None = None) -> Any:
    """Return what a model returns, or of several tensors the one that has the shape of the spec's outputs.

    Args:
        outputs: of the model.
        is_tensor: whether a value is a tensor of the framework.
        row: shape of a row in the spec, where it is known.

    Raises:
        ProgramError: when there is not exactly one.
    """
    if is_tensor(outputs):
        return outputs
    if isinstance(outputs, Mapping):
        values = list(outputs.values())
    else:
        values = list(outputs) if isinstance(outputs, tuple | list) else list(getattr(outputs, "__dict__", {}).values())
    tensors = [one for one in values if is_tensor(one)]
    if row is not None and len(tensors) > 1:
        sizes = [size for size in row if size != 1]
        tensors = [one for one in tensors if len(one.shape) and [int(s) for s in one.shape[1:] if s != 1] == sizes]
    if len(tensors) == 1:
        return tensors[0]
    what = f"{len(values)} values" if isinstance(outputs, tuple | list | Mapping) else f"a {type(outputs).__name__}"
    wanted = "" if row is None else f" of shape (N, {', '.join(map(str, row))})"
    raise ProgramError(f"the model returns {what}; one of them, and no other, must be a tensor{wanted}, the outputs")


def each_tensor(
    outputs: Any, is_tensor: Callable[[Any], bool], heads: Sequence[Mapping[str, Any]]
) -> tuple[bool, list[Any]]:
    """Return the several outputs that a model returns, in the order of the spec, and whether they came in an order.

    By their names, where it returns them by name; else as they come.

    Args:
        outputs: of the model: a mapping, an object with these attributes, a tuple or a list.
        is_tensor: whether a value is a tensor of the framework.
        heads: of the bindings; ``name`` and ``shape`` of each output.

    Raises:
        ProgramError: when one is missing.
    """
    names = [str(head["name"]) for head in heads]
    named = outputs if isinstance(outputs, Mapping) else getattr(outputs, "_asdict", lambda: vars_of(outputs))()
    if all(is_tensor(named.get(name)) for name in names):
        return False, [named[name] for name in names]
    values = outputs if isinstance(outputs, tuple | list) else ()
    if len(values) == len(names) and all(map(is_tensor, values)):
        return True, list(values)
    what = f"a mapping of {', '.join(map(str, outputs))}" if isinstance(outputs, Mapping) else (
        f"{len(values)} values" if isinstance(outputs, tuple | list) else f"a {type(outputs).__name__}"
    )  # fmt: skip
    raise ProgramError(f"the model returns {what}; expected a mapping of the outputs {', '.join(names)}, or a tuple "
                       "of them in this order")  # fmt: skip


def vars_of(value: Any) -> Mapping[str, Any]:
    """Return the attributes of an object; none of what has no such."""
    return getattr(value, "__dict__", {})


def loss_told(told: Any) -> Any:
    """Return the loss among what a program's own step returns: itself, ``{"loss": ...}``, or the first of several.

    Raises:
        ProgramError: when there is none.
    """
    if isinstance(told, Mapping):
        if "loss" in told:
            return told["loss"]
        raise ProgramError(
            f"train_step returns a dict of {', '.join(map(str, told)) or 'nothing'}; it must have 'loss'"
        )
    if isinstance(told, tuple | list) and told:
        return told[0]
    if told is None:
        raise ProgramError("train_step returns nothing; it must return the loss, as it was before the step")
    return told


def import_program(file: str, files: Mapping[str, str]) -> ModuleType:
    """Import a program by its path; each import is a module of its own.

    Args:
        file: the program.
        files: what it and those beside it are to be, see :func:`parity.run.verify.verified`.

    Raises:
        ProgramError: when it cannot be imported.
        ChangedError: when it is not what it is to be.
    """
    name = f"parity_program_{Path(file).stem}"
    while name in sys.modules:  # The same program may be open in two precisions.
        name += "_"
    source = verified(file, files)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ProgramError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # Not the loader: it keeps bytecode, which it takes for that of any program of the same size written to the
    # same place in the same second (0.01 for 0.02); and a folder of programs should hold programs only.
    beside = str(Path(file).resolve().parent)
    sys.path.insert(0, beside)  # A hand-written program may import what stands beside it.
    try:
        exec(compile(source, file, "exec"), module.__dict__)
    finally:
        sys.path.remove(beside)
    return module
