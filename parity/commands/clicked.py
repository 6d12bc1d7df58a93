"""What the command line is made of: verbs that end in one line and an exit code, and kinds of options."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import click

from parity.commands.ending import ended, read_on


class Group(click.Group):
    """Ends every verb with one line and an exit code, in one place."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run the verb and exit; arguments as click has them."""
        if not extra.pop("standalone_mode", True):
            return super().main(args, prog_name, standalone_mode=False, **extra)
        sys.exit(ended(lambda: super(Group, self).main(args, prog_name, standalone_mode=False, **extra)))

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the options, and print the help where it is asked for."""
        with read_on():
            return super().make_context(*args, **extra)

    def invoke(self, context: click.Context) -> Any:
        """Run the verb."""
        with read_on():
            return super().invoke(context)


class Seconds(click.FloatRange):
    """A number of seconds, which is finite."""

    name = "seconds"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"expected a finite number of seconds, not {value}", parameter, context)
        return number
