"""The picture of a network in numbers: where its boxes and lines stand."""

from __future__ import annotations

from dataclasses import dataclass

from parity.report import document as doc

HEIGHT, GAP, STEP = 36, 18, 58
"""Pixels: of a box, between two beside each other, and from one row to the next."""

LETTER, NARROWEST, WIDEST = 7.4, 18, 30
"""Pixels of a letter, and letters of a box at least and at most."""


@dataclass(frozen=True)
class Box:
    """A node with its place, in pixels; ``label`` is its name, cut where it is longer than a box."""

    node: doc.DiagramBox
    label: str
    x: float
    y: float


@dataclass(frozen=True)
class Picture:
    """A network in pixels; ``lines`` are paths as SVG has them."""

    boxes: list[Box]
    lines: list[str]
    box_width: float
    width: float
    height: float


def placed(network: doc.Diagram) -> Picture:
    """Give a network's boxes and lines their places; a line that would cross boxes goes around them."""
    letters = min(WIDEST, max((max(len(one.name), len(one.about)) for one in network.nodes), default=0))
    letters = max(NARROWEST, letters)
    wide = letters * LETTER + 16
    boxes = [Box(one, _cut(one.name, letters), 4 + one.column * (wide + GAP), 4 + one.row * STEP)
             for one in network.nodes]  # fmt: skip
    taken = {(one.column, one.row) for one in network.nodes}
    lines, right = [], max((box.x + wide for box in boxes), default=0.0)
    out = right
    for start, end in network.edges:
        a, b = boxes[start], boxes[end]
        x, y, to_x, to_y = a.x + wide / 2, a.y + HEIGHT, b.x + wide / 2, b.y
        between = range(a.node.row + 1, b.node.row)
        if a.node.column == b.node.column and any((a.node.column, row) in taken for row in between):
            side = max(box.x for box in boxes if box.node.row in between) + wide + GAP + 2 * len(between)
            out = max(out, side)
            middle = (y + to_y) / 2
            lines.append(f"M{x:.0f} {y:.0f}Q{side:.0f} {y:.0f} {side:.0f} {middle:.0f}T{to_x:.0f} {to_y:.0f}")
        else:
            bend = (to_y - y) / 2
            lines.append(f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y:.0f}")
    height = max((box.y + HEIGHT for box in boxes), default=0.0) + 4
    return Picture(boxes, lines, wide, out + 4, height)


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}\N{HORIZONTAL ELLIPSIS}"
