"""The self-test on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from parity.selftest.run import SelfTest


def print_selftest(result: SelfTest, console: Console | None = None) -> None:
    """Print counts, misses and false alarms.

    Args:
        result: of the self-test.
        console: to print on; standard output if None.
    """
    console = console or Console(highlight=False)
    planted, clean = result.planted, result.clean
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    kind = "a sample of both suites" if result.quick else "both suites"
    console.print(f"parity {result.parity_version} with {versions}: {kind}, {result.seconds:.0f} s\n")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    table.add_row("Planted faults", str(planted.planted), _without(planted.not_run))
    table.add_row("  found", str(planted.detected), _share(planted.detected, planted.planted))
    table.add_row("  in the right step and phase", str(planted.placed), _share(planted.placed, planted.planted))
    table.add_row("  in the right tensor", str(planted.exact), _share(planted.exact, planted.planted))
    lower = clean.pairs - clean.float64
    table.add_row("Clean pairs", str(clean.pairs), f"{clean.float64} in float64, {lower} in float32")
    table.add_row("  silent", str(clean.silent), f"{clean.identical} of them bit for bit the same")
    table.add_row("  false alarms", str(clean.pairs - clean.silent), "")
    console.print(table)
    console.print()
    for precision, shares in clean.shares.items():
        phase, most = max(shares.items(), key=lambda one: one[1], default=("", 0.0))
        console.print(
            f"In {precision} the clean difference that came closest took {100 * most:.0f} % of what rounding was "
            f"said to explain ({phase})."
        )
    for miss in planted.misses:
        console.print(
            f"missed: {miss.fault} ({miss.framework}): expected {miss.expected}, found {miss.found}", markup=False
        )
    for alarm in clean.alarms:
        console.print(f"false alarm: {alarm}", markup=False)
    console.print("\nThe judge holds here." if result.passed else "\nThe judge does not hold here.", style="bold")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def _without(not_run: int) -> str:
    return f"{not_run} more need a framework that is not installed" if not_run else ""
