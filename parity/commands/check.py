"""The verb ``check``: sides judged in lockstep, none of them trained on its own."""

from __future__ import annotations

from pathlib import Path

from parity.commands.advising import advised
from parity.commands.comparing import comparisons
from parity.commands.differing import pair_differences, told_differences
from parity.court.work import Note, Work
from parity.errors import UsageError
from parity.prepare.devices import check_devices
from parity.prepare.installed import (
    installed_frameworks,
    installed_version,
    installed_versions,
    with_what_is_there,
)
from parity.prepare.options import Options, prepare
from parity.result import filling
from parity.result.schema import Result
from parity.spec.sections import Spec

LOCKSTEP_STEPS = 16
"""How far lockstep goes unless told otherwise: a difference of meaning shows in the first few steps, or where a
schedule or a running statistic begins to matter."""


def check(
    spec: Spec, options: Options, *, text: str, file: str | None, folder: Path, command: str, note: Note
) -> Result:
    """Judge the sides in lockstep, without training them on their own; arguments as of ``run``.

    Raises:
        ParityError: when the spec, the options or the data are at fault, or a worker fails.
    """
    sides = prepare(spec, options)
    if len(sides) < 2:
        raise UsageError(
            f"check compares sides, and here is only {sides[0].name}; add a side, or name frameworks to compile it "
            f"for: --frameworks {','.join(installed_frameworks())}"
        )
    sides, absent = with_what_is_there(sides, least=2, asked=options.sides)
    check_devices(sides)
    precision = options.precision or "float64"
    with Work(spec=spec, sides=sides, options=options, folder=folder) as work:
        sides = work.settle()
        found = pair_differences(work, sides)
        errors = work.failing()
        steps = options.steps or min(LOCKSTEP_STEPS, work.steps(sides[0]))
        compared = comparisons(work, sides, errors, steps, precision, note)
        if len(sides) - len(errors) < 2:
            raise list(errors.values())[-1]
        told = told_differences(work, sides, found, None)
        why = {name: str(error) for name, error in errors.items()}
        sides_told = [
            filling.side_fact(
                side,
                work.shown(side),
                None,
                why.get(side.name),
                precision,
                work.dataset(side),
                installed_version(side),
                work.devices.get(side.name, "cpu"),
                installed_versions(side),
            )
            for side in sides
        ]
        return filling.result(
            filling.spec_fact(spec, work.dataset(sides[0]), file, text),
            sides_told,
            compared,
            told,
            None,
            [*absent, *filling.undetermined_notes(work.undetermined, {}), *filling.damage_notes(work.damaged())],
            command,
            advised(work, text, file),
        )
