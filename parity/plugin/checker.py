"""What the fixture ``parity`` does: checks and comparisons in workers that live as long as the session."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from parity.plugin.ledger import CAUSE, GOLDEN, NOTE, VERDICT, Ledger
from parity.plugin.naming import golden_path, short_id

if TYPE_CHECKING:
    from parity.court.lent import Lender
    from parity.court.work import Work
    from parity.goldens.golden import Golden
    from parity.result.againstfact import Against
    from parity.result.schema import Comparison, Result
    from parity.spec.resolve import Resolved
    from parity.spec.sections import Spec

AGREE = ("identical", "rounding")

SPECS = (".yaml", ".yml")

LIVE = (
    "a live model is read from the one draw that it holds, and its own weights are not taken: check the script that "
    "trains it, which is built with several seeds, or a spec that names its initializers"
)
"""Said where a live model does not tell how its tensors start."""


@dataclass(kw_only=True)
class Checker:
    """Checks of one test.

    Args:
        item: the test.
        ledger: of the session.
    """

    item: pytest.Item
    ledger: Ledger
    _checks: int = field(default=0, init=False)

    def check(
        self, program: Any, *, optimizer: Any = None, loss: Any = None, x: Any = None, y: Any = None,
        steps: int | None = None, agree: bool | None = None, **options: Any,
    ) -> Against | None:  # fmt: skip
        """Check that training is what it was: each side against the golden, and the sides of a spec among each other.

        Args:
            program: a spec (its file, seen from the test's folder; a mapping, or a ``Spec``), a training script, or a
                live model.
            optimizer: of a live model that does not have it already, like all that follow.
            loss: likewise.
            x: rows that the model is trained on.
            y: targets.
            steps: that a golden records.
            agree: whether the sides of a spec must agree with each other; they must if None.
            options: fields of ``parity.api.Options``: ``frameworks=("keras",)``, ``changes={"training.seed": 1}``.

        Returns:
            what came of holding it against the golden; None where the golden was written.
        """
        marker = self.item.get_closest_marker("parity")
        said = dict(marker.kwargs) if marker else {}
        steps = next((one for one in (steps, said.get("steps"), self.ledger.steps) if one is not None), None)
        agree = said.pop("agree", True) if agree is None else agree
        said.pop("steps", None), said.pop("agree", None)
        self._checks += 1
        file = golden_path(self.item.path, self.item.nodeid, self._checks)
        self.ledger.use(file, self.item.nodeid)
        self._tell(GOLDEN, self._beside(file))
        with self._failing(), _scratch() as folder:
            _check_steps(steps)
            training = {"optimizer": optimizer, "loss": loss, "x": x, "y": y}
            spec, own = self._spec(program, {name: one for name, one in training.items() if one is not None}, folder)
            return self._checked(spec, file, steps, agree, {**own, **said, **options}, folder)

    def compare(self, a: Any, b: Any, **options: Any) -> Result:
        """Check that two programs train the same; arguments as those of ``parity.api.compare``.

        Args:
            a: a script, a saved model or ``MODULE:NAME``, or a live model that is compiled.
            b: likewise.
            options: of ``parity.api.compare``.
        """
        from parity import api

        with self._failing(), _scratch() as folder:
            found = api.compare(self._there(a), self._there(b), **{"out": folder, "explain": False, **options})
        result = found.result
        causes = [f"{one.path}: {one.a} -> {one.b}" for one in result.differences if not one.inert]
        agreed = [f"{one.a} and {one.b}: {one.verdict}" for one in result.comparisons if one.verdict in AGREE]
        self._settle(agreement(result.comparisons), causes, [], agreed)
        return result

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Let the test fail of what a user can mend, in its own words."""
        from parity.errors import ParityError

        try:
            yield
        except ParityError as error:
            why = str(error)
            self._tell(VERDICT, why.splitlines()[0])
            raise pytest.fail.Exception(why, pytrace=False) from None

    def _checked(
        self, spec: Spec, file: Path, steps: int | None, agree: bool, options: Mapping[str, Any], folder: Path
    ) -> Against | None:  # fmt: skip
        """Check a spec; what fails, fails at the end, when all of it is known."""
        from parity.commands.freeze import sides_at_work
        from parity.commands.progress import silent
        from parity.prepare.options import given_options

        given = given_options("parity.check", {**options, "explain": False}, beside=("steps", "agree"))
        with sides_at_work(spec, given, folder, lender_of(self.ledger)) as (work, sides):
            lines, causes = _agreement(work, sides, silent) if agree and len(sides) > 1 else ([], [])
            found = self._held(work, sides, file, steps)
        if found is None:
            new = [] if self.ledger.update else [f"written: {self._beside(file)}; review and commit it"]
            self._settle(lines, causes, new)
            return None
        from parity.report.against import causes as causes_of
        from parity.report.against import side_lines

        parted = [side for side in found.sides if side.verdict not in AGREE]
        agreed: list[str] = []
        if not self.ledger.update:
            lines += [line for side in parted for line in side_lines(side)]
            causes += [cause for side in parted for cause in causes_of(side)]
            agreed = [f"{side.side}: {side.verdict}" for side in found.sides if side not in parted]
        self._settle(lines, causes, [], agreed)
        return found

    def _held(self, work: Work, sides: Sequence[Resolved], file: Path, steps: int | None) -> Against | None:
        """Hold sides against their golden; write it where there is none, or where it is to be written anew."""
        from parity.commands.freeze import frozen, held
        from parity.commands.progress import silent
        from parity.errors import UsageError
        from parity.goldens.file import ANEW, read_golden, text_of
        from parity.report.against import short

        found: Against | None = None
        if file.exists():
            try:
                found = held(work, sides, read_golden(file), file.name, silent)
            except UsageError as error:
                if not self.ledger.update:
                    raise UsageError(str(error).replace(ANEW, "--parity-update writes it anew")) from None
                self._tell(NOTE, f"updated: {str(error).removesuffix(f'; {ANEW}')}")
            if found is not None and (not self.ledger.update or _stays(found)):
                return found
        golden: Golden = frozen(work, sides, steps, silent, test=short_id(self.item.nodeid))
        self.ledger.write(file, text_of(golden))
        for side in found.sides if found else ():
            self._tell(NOTE, f"updated: {short(side)}")
        if self.ledger.update and found is None:
            self._tell(NOTE, f"written: {self._beside(file)}")
        return found

    def _settle(
        self, lines: Sequence[str], causes: Sequence[str], written: Sequence[str], agreed: Sequence[str] = ()
    ) -> None:
        """Take note of what was found, and fail the test where something is not as it should be."""
        for line in [*(one for one in lines if not one.startswith(" ")), *written, *agreed]:
            self._tell(VERDICT, line)
        for cause in dict.fromkeys(causes):  # Of several sides it may be one.
            self._tell(CAUSE, cause)
        if lines or written:
            pytest.fail("\n".join([*lines, *(f"  {one}" for one in causes if one not in _joined(lines)), *written]),
                        pytrace=False)  # fmt: skip

    def _beside(self, file: Path) -> str:
        """Return a golden as seen from its test."""
        return str(file.relative_to(self.item.path.parent))

    def _tell(self, name: str, value: str) -> None:
        self.item.user_properties.append((name, value))

    def _there(self, program: Any) -> Any:
        """Return a program; a file, or a name in one, as seen from the test's folder."""
        if not isinstance(program, str | Path):
            return program
        file, colon, name = str(program).partition(":")
        there = self.item.path.parent / file
        known = isinstance(program, Path) or there.suffix in (*SPECS, ".py") or there.is_file()
        return f"{there}{colon}{name}" if known else program

    def _spec(self, program: Any, training: Mapping[str, Any], folder: Path) -> tuple[Spec, dict[str, Any]]:
        """Return the spec that a program is, and the options that go with it."""
        from parity import api
        from parity.errors import UsageError
        from parity.reading.resolved import NEEDS, STARTS
        from parity.reading.unread import UnreadProgramError

        if isinstance(program, api.Spec):
            return program, {}
        if isinstance(program, Mapping):
            return api.build_spec(program), {}
        program = self._there(program)
        if isinstance(program, str | Path) and Path(program).suffix in SPECS:
            return api.load_spec(program), {}
        try:
            read = api.read(program, out=folder / "read", prove=False, **training)
        except UnreadProgramError as error:
            if isinstance(program, str | Path) or not any(one.needs == NEEDS for one in error.unread):
                raise
            raise UsageError(f"{str(error).replace(NEEDS, STARTS)}\n{LIVE}") from None
        return read.spec, {} if read.spec.sides else {"frameworks": (read.reading.framework,)}


def _check_steps(steps: Any) -> None:
    """Refuse what is no number of steps."""
    from parity.errors import UsageError

    if steps is not None and (not isinstance(steps, int) or steps < 1):
        raise UsageError(f"parity.check(steps={steps!r}): expected a number of steps, from 1")


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines)


def _stays(found: Against) -> bool:
    """Return whether a golden need not be written anew: nothing differs in a bit, and nothing but the machine moved."""
    return all(
        side.verdict == "identical" and not (side.config or side.versions or side.native) for side in found.sides
    )


def _agreement(work: Work, sides: Sequence[Resolved], note: Any) -> tuple[list[str], list[str]]:
    """Return what is said of sides that do not agree, and the fields in which they differ; nothing of those that do."""
    from parity.commands.comparing import comparisons
    from parity.commands.differing import pair_differences
    from parity.commands.freeze import STEPS

    found = pair_differences(work, sides)
    steps = min(work.options.steps or STEPS, work.steps(sides[0]))
    lines = agreement(comparisons(work, sides, work.failing(), steps, "float64", note))
    told = [one for ones in found.values() for one in ones if not one.inert] if lines else []
    return lines, [f"{one.path}: {one.a} -> {one.b}" for one in told]


def agreement(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a line for every two sides that do not agree."""
    return [f"{one.a} and {one.b}: {one.verdict}, {one.reason}" for one in comparisons if one.verdict not in AGREE]


def lender_of(ledger: Ledger) -> Lender:
    """Return the workers of a session, which end with it."""
    from parity.court.lent import Lender

    if ledger.lender is None:
        logs = Path(tempfile.mkdtemp(prefix="parity-workers-"))
        ledger.at_end(lambda: shutil.rmtree(logs, ignore_errors=True))
        ledger.lender = Lender(logs=logs)
        ledger.at_end(ledger.lender.close)
    return ledger.lender


@contextmanager
def _scratch() -> Iterator[Path]:
    """Give a folder of one check, gone with it."""
    folder = Path(tempfile.mkdtemp(prefix="parity-check-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
