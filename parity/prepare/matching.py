"""Programs written by hand: what they are made of is asked of them, and matched to their spec and to each other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.advice import Evaluation
from parity.compile import Program, compile_side
from parity.compile.extras import bound, canonical
from parity.compile.match import Match, match
from parity.compile.predictions import spoken_by
from parity.errors import DataError, WorkerError
from parity.frameworks import frameworks
from parity.prepare.forms import given_to
from parity.prepare.proving import proved
from parity.recorded import is_opaque
from parity.run.local_imports import files_of, source_of

if TYPE_CHECKING:
    from parity.run.jobs import Bench
    from parity.run.session import Session
    from parity.spec.own_program import OwnProgram
    from parity.spec.resolve import Resolved
    from parity.spec.targets import Given


@dataclass(kw_only=True)
class Ports:
    """The programs written by hand of one command.

    Args:
        name: of the spec.
        sides: all sides, in order; what programs have beyond the spec is called what it is in the first that has it.
        scratch: folder for what they start from.
        bench: returns the bench of a side.
        session: starts a worker for a side, given the name of its log.

    ``evaluations`` has, of each that was matched, how it behaves in evaluation.
    """

    name: str
    sides: Sequence[Resolved]
    scratch: Path
    bench: Callable[[Resolved], Bench]
    session: Callable[[Resolved, str], Session]
    evaluations: dict[str, Evaluation] = field(default_factory=dict, init=False)
    _matches: dict[str, tuple[Match, Given]] = field(default_factory=dict, init=False)
    _beyond: dict[str, str] = field(default_factory=dict, init=False)

    def program(self, side: Resolved, compiled: Program) -> Program:
        """Return a side's program, its tensors matched to the config's, and to those of the others.

        Args:
            side: with a program written by hand.
            compiled: what its config compiles to.

        Raises:
            WorkerError: when it cannot be opened, or its loss takes no form of targets.
            UsageError: when the side's map names what is not there.
        """
        assert side.program is not None
        files = files_of_program(side.program)  # First: what is run is what was matched.
        (found, given), file = self.matched(side, compiled), Path(side.program.shown)
        weights, extras, starts = dict(found.bindings.weights), {}, {}
        if found.extras:
            first, firsts = self._first_with_extras(side)
            known = bound(found.extras, firsts.extras)
            shapes = {one["path"]: tuple(one["shape"]) for one in found.extras}
            weights |= known
            extras = {name: shapes[place.attribute] for name, place in known.items()}
            starts = self._starts(first, firsts)
        program = Program(
            framework=side.framework,
            source=source_of(file),
            bindings=replace(found.bindings, weights=weights, extras=tuple(extras), targets=given.form),
            file_name=file.name,
            path=side.program.file,
            files=files,
            unmatched=tuple(found.unmatched),
            missing=tuple(found.missing),
            extras=extras,
            starts={name: starts[name] for name in extras if name in starts},
            given=given,
        )
        if not found.either_way or found.missing or found.extras or is_opaque(side):
            return program  # The reference has nothing like what is beyond the spec, or opaque in it.
        with self.session(side, f"{side.name}-match") as session:
            return proved(session, side, self.bench(side), program, found.either_way)

    def matched(self, side: Resolved, compiled: Program) -> tuple[Match, Given]:
        """Return what of a program matches its spec, and the form of its targets; asked once."""
        assert side.program is not None
        if side.name not in self._matches:
            spoken = {name: spoken_by(one) for name, one in side.views.items()}
            with self.session(side, f"{side.name}-match") as session:
                inventory = session.ask(
                    "inventory", **self._arguments(side),
                    endings={name: one.ending for name, one in spoken.items() if one is not None},
                )  # fmt: skip
                given = given_to(session, side, self.bench(side), self._arguments(side))
            if "evaluation" in inventory:
                self.evaluations[side.name] = Evaluation(**inventory["evaluation"])
            made, compiled = self._of_own_modules(side, compiled, inventory)
            self._matches[side.name] = match(made, side.program, compiled, inventory), given
        return self._matches[side.name]

    def _of_own_modules(
        self, side: Resolved, compiled: Program, inventory: Mapping[str, Any]
    ) -> tuple[Resolved, Program]:  # fmt: skip
        """Return a side and what it compiles to as a program is made: of the framework's own modules, if it has one.

        Where steps are masked, a compiled program may have a module written out in their place, whose weights lie
        otherwise. Whoever packs sequences, or leaves the mask out, has the framework's own.
        """
        there = {one["kind"] for one in inventory["layers"]}
        line = frameworks()[side.framework].line
        own = {part.title for layer in side.graph.layers if layer.told
               for name, part in layer.op.natives.items() if name in line}  # fmt: skip
        if not own & there:
            return side, compiled
        plain, bare = side.having(side.config), [replace(one, masks=(), gives_mask=None) for one in side.graph.layers]
        vars(plain)["graph"] = replace(side.graph, layers=tuple(bare))
        data = self.bench(side).dataset
        return plain, compile_side(plain, name=self.name, **data.stored, formatted=False)

    def _arguments(self, side: Resolved) -> dict[str, Any]:
        """Return what a worker needs to open a program of which nothing is known yet."""
        assert side.program is not None
        return {
            "framework": side.framework, "program": side.program.file, "names": dict(side.program.names),
            "data": str(self.bench(side).scratch / "data"), "seed": side.config.training.seed,
            "inputs": list(side.graph.packed),
            "outputs": [
                {"name": name, "shape": list(one.last.output_shape), "weighs": one.weighs,
                 "masks_ignored": side.program.masks_ignored}
                for name, one in side.views.items()
            ],
        }  # fmt: skip

    def _first_with_extras(self, side: Resolved) -> tuple[Resolved, Match]:
        """Return the first side that has something beyond its spec: it says how that starts, and how it is called."""
        for one in self.sides:
            if one.program is None:
                continue
            with contextlib.suppress(WorkerError, DataError):  # Told where that side is run.
                data = self.bench(one).dataset
                compiled = compile_side(one, name=self.name, **data.stored, formatted=False)
                found, _ = self.matched(one, compiled)
                if found.extras:
                    return one, found
        return side, self._matches[side.name][0]

    def _starts(self, side: Resolved, found: Match) -> dict[str, str]:
        """Return the file with what each parameter beyond the spec starts from, as the first program starts it."""
        folder = self.scratch / "beyond"
        if not folder.exists():
            folder.mkdir(parents=True)
            files = {str(one["path"]): str(folder / f"{number}.npy") for number, one in enumerate(found.extras)}
            self._beyond = {canonical(path): file for path, file in files.items()}
            with self.session(side, f"{side.name}-match") as session:
                session.ask("starts", **self._arguments(side), paths=files)
        return self._beyond


def files_of_program(own: OwnProgram) -> dict[str, str]:
    """Return the SHA-256 of every file that a program is made of, by path from its folder: its script's, too.

    Raises:
        OSError: when one cannot be read.
    """
    found = files_of(own.file)
    if own.script is not None:
        folder = Path(own.script).resolve().parent
        found |= {str(folder / name): digest for name, digest in files_of(own.script).items()}
    return found
