"""A side's data, and in which form a program written by hand is given its targets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from parity.data.loading import load
from parity.data.refusing import one_hot_rows
from parity.errors import DataError, WorkerError
from parity.prepare.options import is_file
from parity.spec.targets import BY_FILE, Given, Trial, candidates, chosen, ignored_classes, numbers_classes, refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from parity.data.dataset import Dataset
    from parity.run.jobs import Bench
    from parity.run.session import Session
    from parity.spec.resolve import Resolved


def dataset_of(side: Resolved, given: str | None) -> Dataset:
    """Return a side's data.

    Args:
        side: resolved.
        given: what ``--data`` was given; a file stands in the source's place.

    Raises:
        DataError: when the data are missing or faulty.
    """
    file = Path(given) if given and is_file(given) else None
    if file is not None and side.program is not None and side.program.inputs:
        raise DataError(
            f"--data {given}: side {side.name} has the rows of its program in {side.program.inputs}, which no other "
            "data go with; leave --data out"
        )
    return load(side.config.data, file=file, numbers=numbers_classes(side), ignored=ignored_classes(side))


def given_to(session: Session, side: Resolved, bench: Bench, opening: Mapping[str, Any]) -> Given:
    """Return the form of targets that a program written by hand is given, tried on one batch where it is not said.

    Where the model itself does not take the batch nothing is known: it is given what a compiled program is given.

    Args:
        session: a worker with its framework.
        side: of the program.
        bench: with its data.
        opening: arguments with which a worker opens the program.

    Raises:
        WorkerError: when its loss takes no form.
    """
    data = bench.dataset
    classes = data.classes is not None
    said = Given(form=side.config.data.targets)
    if any(one.config.loss.at_home for one in side.views.values()):
        # What it makes of other forms is not known: it is given the one in which its program was.
        return Given(
            form=said.form or {(): "flat", (1,): "column"}.get(data.target), origin="" if said.form else BY_FILE
        )
    forms = candidates(side, data.target, classes, one_hot_rows=not classes and one_hot_rows(data.y))
    if not forms:
        return said
    told = session.ask("targets", **opening, forms=forms)
    trials = [Trial(**one) for one in told["trials"]]
    found = chosen(side, data.target, told["outputs"], trials) if trials else said
    if found is None:
        raise WorkerError(side.name, refused(trials))
    return found
