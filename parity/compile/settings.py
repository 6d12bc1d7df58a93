"""What ``numerics`` compiles to: the statements that a program begins with, and what its step becomes.

What each framework says stands in its folder, ``parity/frameworks/NAME/numerics.py``. A driver runs the same statements
before it imports a program, one written by hand too, so that nothing of this stands in two places; and a worker opens
one program after another, so each says all that another one may have left otherwise.
"""

from __future__ import annotations

from typing import Any

from parity.frameworks import part_of
from parity.spec.sections import NumericsSpec


def settings(framework: str, asked: NumericsSpec) -> tuple[str, ...]:
    """Return the statements that set what is global in a framework.

    Args:
        framework: whose they are.
        asked: what is to be set.
    """
    found: tuple[str, ...] = part_of(framework, "numerics").settings(asked)
    return found


def meant(asked: NumericsSpec) -> str:
    """Return in a line what the settings do, for the docstring of ``set_numerics``."""
    products = {False: "in full", True: "in TensorFloat-32", "convolutions": "in full, but for convolutions"}
    rounded = f"in {asked.matmul_precision} precision" if asked.matmul_precision else products[asked.tf32]
    return f"Let a GPU multiply float32 {rounded}{', and the same way every time' if asked.deterministic else ''}."


def context(framework: str, asked: NumericsSpec, build: str) -> dict[str, Any]:
    """Return what the templates need beside the emitter's own.

    Args:
        framework: whose program it is.
        asked: the side's numerics.
        build: expression of the optimizer.
    """
    scaling = asked.mixed_precision == "float16"
    return {
        "numerics": asked,
        "meant": meant(asked),
        "low": asked.mixed_precision,
        "scaling": scaling,
        "build": part_of(framework, "numerics").scaled(build, asked) if scaling else build,
    }
