"""Modules that are imported when first used, so that ``parity --help`` and ``parity diff`` answer at once.

NumPy alone costs more than everything else those two commands need. Write
``from parity.lazy import np`` in a module that they pass through; in an entry, whose gradients follow from what it
computes, ``from parity.lazy import differentiable as np``.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any


class LazyModule(ModuleType):
    """A stand-in for the module ``name``, which is imported at the first attribute access."""

    def __getattr__(self, attribute: str) -> Any:
        """Import the module and hand the attribute over."""
        module = importlib.import_module(self.__name__)
        self.__dict__.update(module.__dict__)
        found = self.__dict__[attribute] = getattr(module, attribute)
        return found


if TYPE_CHECKING:
    import numpy as np

    from parity import differentiable
else:
    np = LazyModule("numpy")
    differentiable = LazyModule("parity.differentiable")

__all__ = ["LazyModule", "differentiable", "np"]
