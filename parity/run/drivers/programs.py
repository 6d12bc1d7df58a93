"""Programs: what they must have, and how they are imported.

Only the standard library: a worker's interpreter need not have anything else.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
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


def one_tensor(outputs: Any, is_tensor: Callable[[Any], bool]) -> Any:
    """Return what a model returns, where that is one tensor.

    Raises:
        ProgramError: when it is not.
    """
    if is_tensor(outputs):
        return outputs
    if isinstance(outputs, tuple | list) and len(outputs) == 1 and is_tensor(outputs[0]):
        return outputs[0]
    what = f"{len(outputs)} values" if isinstance(outputs, tuple | list | dict) else f"a {type(outputs).__name__}"
    raise ProgramError(f"the model returns {what}; it must return one tensor, of which the loss is taken")


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
