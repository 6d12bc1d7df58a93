"""Which way a square kernel of a program written by hand lies: tried, since its shape does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from parity.reference import Reference
from parity.run.exchange import Exchange
from parity.run.jobs import Bench, Job

if TYPE_CHECKING:
    from parity.compile import Program
    from parity.compile.program import Weight
    from parity.run.session import Session
    from parity.spec.resolve import Resolved

ROWS = 8
"""Rows that are predicted."""

SINGLY = 3
"""Kernels up to which each is also turned alone."""

CLOSE = 1e-3
"""Relative difference within which float32 predictions are those of the reference."""


def proved(session: Session, side: Resolved, bench: Bench, program: Program, names: Sequence[str]) -> Program:
    """Return a program with its square kernels laid so that it predicts what its config does.

    As they were matched where that is so already, and where no way makes it so: then something else is wrong.

    Args:
        session: a worker with its framework.
        side: whose config it is meant to be.
        bench: with the data.
        program: matched.
        names: of the kernels that fit either way.
    """
    files = bench.initial.files(side, "float32")
    x = np.asarray(bench.dataset.x[:ROWS], np.float64)
    expected = Reference(side, {name: np.load(file) for name, file in files.items()}).predict(x)
    folder = bench.scratch / "proof"
    for number, weights in enumerate(_ways(program.bindings.weights, names)):
        tried = replace(program, bindings=replace(program.bindings, weights=weights))
        session.ask("open", **bench.opening(Job(side=side, program=tried, steps=1)))
        session.ask("predict", folder=str(folder), name=str(number), most=len(bench.dataset.x))
        found = Exchange(folder).get(str(number))[: len(x)]
        size = float(np.abs(expected).max(initial=0.0)) or 1.0
        if found.shape == expected.shape and np.abs(found - expected).max(initial=0.0) <= CLOSE * size:
            return tried
    return program


def _ways(weights: Mapping[str, Weight], names: Sequence[str]) -> Iterator[dict[str, Weight]]:
    """Yield the weights as they are, then with all kernels turned, then with each turned alone."""
    yield dict(weights)
    groups = [list(names), *([name] for name in names if 1 < len(names) <= SINGLY)]
    for group in groups:
        turned = {name: replace(weights[name], axes=None if weights[name].axes else (1, 0)) for name in group}
        yield {**weights, **turned}
