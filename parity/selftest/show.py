"""The self-test on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from parity.selftest.judged_ports import ProgramsTold
from parity.selftest.suites import CleanTold, PlantedTold, SelfTest


def print_selftest(result: SelfTest, console: Console | None = None) -> None:
    """Print counts, misses and false alarms.

    Args:
        result: of the self-test.
        console: to print on; standard output if None.
    """
    console = console or Console(highlight=False)
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    suites = sum(one is not None for one in (result.planted, result.clean, result.programs))
    kind = f"{'a sample of ' if result.quick else ''}{suites} suite{'s' if suites > 1 else ''}"
    console.print(f"parity {result.parity_version} with {versions}: {kind}, {result.seconds:.0f} s\n")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for row in [*_planted_rows(result.planted), *_clean_rows(result.clean), *_program_rows(result.programs)]:
        table.add_row(*row)
    console.print(table)
    console.print()
    for precision, shares in result.clean.shares.items() if result.clean else ():
        phase, most = max(shares.items(), key=lambda one: one[1], default=("", 0.0))
        console.print(
            f"In {precision} the clean difference that came closest took {100 * most:.0f} % of what rounding was "
            f"said to explain ({phase})."
        )
    console.print(", ".join(f"{name} {seconds:.0f} s" for name, seconds in result.seconds_of.items()))
    for line in _wrong(result):
        console.print(line, markup=False)
    console.print("\nThe judge holds here." if result.passed else "\nThe judge does not hold here.", style="bold")


Row = tuple[str, str, str]


def _planted_rows(planted: PlantedTold | None) -> list[Row]:
    if planted is None:
        return []
    return [
        ("Planted faults", str(planted.planted), _without(planted.not_run)),
        ("  found", str(planted.detected), _share(planted.detected, planted.planted)),
        ("  in the right step and phase", str(planted.placed), _share(planted.placed, planted.planted)),
        ("  in the right tensor", str(planted.exact), _share(planted.exact, planted.planted)),
    ]


def _clean_rows(clean: CleanTold | None) -> list[Row]:
    if clean is None:
        return []
    lower = clean.pairs - clean.float64
    return [
        ("Clean pairs", str(clean.pairs), f"{clean.float64} in float64, {lower} in float32"),
        ("  silent", str(clean.silent), f"{clean.identical} of them bit for bit the same"),
        ("  false alarms", str(clean.pairs - clean.silent), ""),
    ]


def _program_rows(programs: ProgramsTold | None) -> list[Row]:
    if programs is None:
        return []
    hand = programs.right - programs.own
    return [
        ("Right programs", str(programs.right), f"{hand} by hand, {programs.own} compiled and brought back"),
        ("  silent", str(programs.silent), ""),
        ("  false alarms", str(programs.right - programs.silent), ""),
        ("Faulty programs", str(programs.faulty), _without(programs.not_run)),
        ("  found", str(programs.detected), _share(programs.detected, programs.faulty)),
        ("  in the right place", str(programs.placed), _share(programs.placed, programs.faulty)),
        ("  with a cause that can be named", str(programs.nameable), ""),
        ("    named", str(programs.named), _share(programs.named, programs.nameable)),
        ("  a wrong cause named", str(programs.misnamed), ""),
    ]


def _wrong(result: SelfTest) -> Iterator[str]:
    """Yield what was missed, and what rang falsely."""
    for miss in result.planted.misses if result.planted else ():
        yield f"missed: {miss.fault} ({miss.framework}): expected {miss.expected}, found {miss.found}"
    for fault in result.programs.misses if result.programs else ():
        yield f"missed: {fault.fault} ({fault.program}): expected {fault.expected}; found {fault.found}"
    for alarm in result.clean.alarms if result.clean else ():
        yield f"false alarm: {alarm}"
    for alarm in result.programs.alarms if result.programs else ():
        yield f"false alarm: {alarm}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def _without(not_run: int) -> str:
    return f"{not_run} more need a framework that is not installed" if not_run else ""
