"""Compiling: a resolved side becomes the source of a program in its framework."""

from __future__ import annotations

from parity.compile.emit import compile_side
from parity.compile.program import Bindings, Output, Program, Weight

__all__ = ["Bindings", "Output", "Program", "Weight", "compile_side"]
