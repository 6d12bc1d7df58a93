"""How often is a golden wrong about clean pairs? Recorded in one framework, held in the others: only rounding differs.

    python tests/benchmarks/golden_pairs.py
    python tests/benchmarks/golden_pairs.py --count 300 --seed 1 --steps 8 --json

Networks, optimizers and seeds are those of the self-test's clean pairs, drawn evenly. Each is recorded in the first
framework of its order and held in the others, which sum in other orders than any processor or BLAS would make the first
one. Right is ``identical`` or ``rounding`` in all steps; a ``divergent`` is a false alarm, an ``inconclusive`` a state
that could not be made again, or one that nobody can compare (numbers that are not finite, in both).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity.commands.freeze import verdict_of
from parity.compile import compile_side
from parity.court.recording import hold, record
from parity.frameworks import frameworks
from parity.goldens.file import golden_of, text_of
from parity.goldens.golden import Golden, RecordedSide
from parity.run.jobs import Bench
from parity.run.session import Scratch, Session
from parity.run.store import Store
from parity.selftest.clean import chosen
from parity.selftest.networks import NETWORKS, OPTIMIZERS, dataset, side


@dataclass(kw_only=True)
class Desk(Scratch):
    """What recording asks of a command's work: programs, data, workers that stay."""

    folder: Path
    devices: dict[str, str] = field(default_factory=dict)
    data: Any = None
    _sessions: dict[str, Session] = field(default_factory=dict)
    _bench: Any = None

    def take_up(self, data: Any) -> None:
        """Begin with other rows."""
        self._bench = Bench(dataset=data, store=Store(self.folder / "runs"), scratch=self.scratch / "data",
                            programs=self.folder / "programs", logs=self.folder)  # fmt: skip

    def program(self, one: Any) -> Any:
        """Return a side's program."""
        return compile_side(one, name="golden", formatted=False)

    def bench(self, one: Any) -> Any:
        """Return the rows."""
        return self._bench

    def taken(self, one: Any, log: str) -> Session:
        """Return a framework's worker."""
        if one.framework not in self._sessions:
            self._sessions[one.framework] = self.kept(Session(one.framework, log=self.folder / f"{one.framework}.log"))
        return self._sessions[one.framework]

    def left(self, one: Any, session: Session) -> None:
        """Keep it."""


def plain(one: Any, steps: list[Any], start: Any) -> Golden:
    """Return the golden of a side, as a file gives it back."""
    shapes = {name: tuple(parameter.shape) for name, parameter in one.parameters().items()}
    side_of = RecordedSide(framework=one.framework, versions={}, machine={}, config={}, origins={}, native={}, data="",
                           program="", shapes=shapes, start=start, steps=steps)  # fmt: skip
    return golden_of(text_of(Golden(spec="pairs", sides={"one": side_of})), "pairs")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=60, help="pairs, at least")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    installed = [name for name, known in frameworks().items() if not known.falls_back and known.installed()]
    verdicts: Counter[str] = Counter()
    odd, shares = [], dict[str, float]()
    with Desk(folder=Path(tempfile.mkdtemp(prefix="parity-pairs-"))) as desk:
        for clean in chosen(installed, given.count, given.seed):
            network, optimizer = NETWORKS[clean.network], OPTIMIZERS[clean.optimizer]
            desk.take_up(dataset(network, clean.seed))
            sides = [side(name, network, optimizer, clean.seed, name) for name in clean.frameworks]
            golden = plain(sides[0], *record(desk, sides[0], given.steps, lambda *told: None))
            for other in sides[1:]:
                found = hold(desk, other, golden.sides["one"], lambda *told: None)
                verdict, reason = verdict_of(found)
                verdicts[verdict] += 1
                for phase, seen in found.judge.largest.items():
                    shares[phase] = max(shares.get(phase, 0.0), seen.difference / seen.noise if seen.noise else 0.0)
                if verdict not in ("identical", "rounding"):
                    odd.append(
                        f"{clean.network}, {clean.optimizer}, {sides[0].name} by {other.name}: {verdict}, {reason}"
                    )
    if given.json:
        print(json.dumps({"verdicts": verdicts, "odd": odd, "largest_share": shares}))
        return
    print(", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()))
    print("\n".join(odd))
    print(", ".join(f"{phase} {share:.2f}" for phase, share in shares.items()))


if __name__ == "__main__":
    main()
