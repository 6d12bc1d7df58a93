"""What a notebook shows of a result: its page, inline; and its numbers as a table."""

from __future__ import annotations

import html
from typing import Any

from parity.errors import UsageError
from parity.result.schema import Result

HEIGHT = 900
"""Pixels of the page in a notebook."""


class Shown(Result):
    """A result that a notebook shows as its page, in a frame of its own, so that neither's styles reach the other.

    Everything else is as in :class:`~parity.result.schema.Result`: plain fields.
    """

    def _repr_html_(self) -> str:
        from parity.report.html import to_html

        page = html.escape(to_html(self), quote=True)
        style = f"width: 100%; height: {HEIGHT}px; border: 0"
        return f'<iframe title="{html.escape(self.spec.name)}" style="{style}" srcdoc="{page}"></iframe>'

    def to_frame(self) -> Any:
        """Return the losses of the free runs as a data frame: columns ``side``, ``step`` (from 1) and ``loss``.

        Raises:
            UsageError: when pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            told = "to_frame gives a pandas.DataFrame, and pandas is not installed: pip install pandas"
            raise UsageError(told) from None
        rows = [
            {"side": side.name, "step": step, "loss": loss}
            for side in self.sides
            for step, loss in enumerate(side.losses, start=1)
        ]
        return pandas.DataFrame(rows, columns=["side", "step", "loss"])


def found(result: Result) -> Shown:
    """Return a result as a notebook shows it."""
    given: dict[str, Any] = {name: getattr(result, name) for name in type(result).model_fields}
    return Shown.model_construct(**given)
