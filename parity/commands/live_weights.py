"""The weights that programs begin to train from, as they are: taken in a worker, by their canonical names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.court.work import Work
from parity.errors import UsageError
from parity.lazy import np
from parity.prepare.options import Options, prepare
from parity.run.exchange import Exchange
from parity.run.jobs import Job

if TYPE_CHECKING:
    from parity.spec.resolve import Resolved
    from parity.spec.sections import Spec

ROWS = 256
"""Rows that are predicted at most, to see that the weights are the program's."""


@dataclass(frozen=True, kw_only=True)
class LiveWeights:
    """Weights that a program begins to train from.

    Args:
        values: canonical tensor to its value, kernels as [..., in, out].
        differ: what predictions of another program from the same weights differ by, relative to the largest one;
            None where there is no other program.
    """

    values: dict[str, Any]
    differ: float | None = None


def live_weights(spec: Spec, folder: Path, seconds: float) -> dict[str, LiveWeights]:
    """Return the weights of the programs of a spec's sides, by side.

    Each program is run once more until it trains. Where the spec has a compiled side, that one predicts from the
    weights of the program, too.

    Args:
        spec: whose sides are programs, and one that is compiled at most.
        folder: for what is exchanged.
        seconds: without a word from a program after which it is given up.

    Raises:
        UsageError: when a tensor of the spec is not found in a program.
        WorkerError: when a program fails.
    """
    options = Options(explain=False, timeout=seconds)
    found = {}
    with Work(spec=spec, sides=prepare(spec, options), options=options, folder=folder) as work:
        sides = work.settle()
        compiled = next((side for side in sides if side.program is None), None)
        for number, side in enumerate(one for one in sides if one.program is not None):
            exchange = Exchange(str(folder / f"live-{number}"))
            values = _values(work, side, exchange)
            if compiled is None:
                found[side.name] = LiveWeights(values=values)
                continue
            files = {}
            for place, (name, value) in enumerate(values.items()):
                files[name] = str(folder / f"live-{number}-{place}.npy")
                np.save(files[name], value)
            _predict(work, compiled, files, exchange, "other")
            one, other = (np.asarray(exchange.get(name), dtype="float64") for name in ("own", "other"))
            differ = float(np.abs(one - other).max() / max(float(np.abs(one).max()), 1e-30))
            found[side.name] = LiveWeights(values=values, differ=differ)
    return found


def _values(work: Work, side: Resolved, exchange: Exchange) -> dict[str, Any]:
    """Return the weights of a side's program, and have it predict from them."""
    program = work.program(side)
    if program.missing:
        raise UsageError(
            f"weights cannot be taken over, these were not found in {side.name}: {', '.join(program.missing)}; leave "
            "them to the initializers: without --weights"
        )
    _predict(work, side, {}, exchange, "own", publish=True)
    values = {name: np.array(exchange.get(f"weights/{name}")) for name in side.parameters()}
    broken = [name for name, value in values.items() if not np.isfinite(value).all()]
    if broken:
        raise UsageError(f"weights cannot be taken over, these are not finite in {side.name}: {', '.join(broken)}")
    return values


def _predict(
    work: Work, side: Resolved, weights: Mapping[str, str], exchange: Exchange, name: str, publish: bool = False
) -> None:
    """Have a side predict, from weights in files or, where there are none, from its own."""
    job = Job(side=side, program=work.program(side), steps=1, precision="float32")
    folder = str(exchange.folder)
    with work.session(side, side.name) as session:
        session.ask("open", **{**work.bench(side).opening(job), "weights": dict(weights)})
        if publish:
            session.ask("publish", folder=folder)
        session.ask("predict", folder=folder, name=name, most=ROWS)
