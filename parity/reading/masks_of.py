"""Whether the steps that count in a spec are those that count in the program, wherever it matters.

Masks travel in a spec by its layers' own rule (:class:`~parity.ops.masks.Masked`), in a program by its framework's: a
function may drop one that the layer which is read of it hands on. Where a layer goes by another mask than in the
program, or the loss does, the program is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parity.formula import formula_of
from parity.ops import Op
from parity.reading.odd import Said
from parity.reading.unread import Unread, named
from parity.run.told import Told, ToldNode

NEEDS = "the same mask in a spec: what lies between hands masks on, or ends them, otherwise than the program"


def mask_faults(
    kept: Sequence[tuple[ToldNode, Said]], ops: Sequence[Op], told: Told, passed: Mapping[str, str]
) -> list[Unread]:
    """Return what goes by another mask in a spec than in the program.

    Args:
        kept: calls that are layers, with what they read.
        ops: the layers.
        told: the program.
        passed: of each call that gives what it is given, what that is.
    """
    found: list[Unread] = []
    masked: dict[str, tuple[bool, bool]] = {}  # In the spec: whether there is a mask, whether it is another one.
    for (node, said), op in zip(kept, ops, strict=True):
        numbers = said.reads if said.reads is not None else range(len(node.read_shapes))
        shapes = [tuple(node.read_shapes[number]) for number in numbers]
        known = [masked.get(one, (False, False)) for one in node.reads]
        flags = [flag for flag, _ in known]
        there = [node.read_masks[number] for number in numbers] if node.read_masks else flags
        other = any(wrong for _, wrong in known) or flags != there
        fault = any(flags) and op.mask_fault(
            [shape[:-1] if flag else None for shape, flag in zip(shapes, flags, strict=True)], op.given(shapes)
        )
        if other and (op.uses_mask or fault):
            found.append(Unread(what=f"the mask that {named(node)} goes by", place=node.place, needs=NEEDS))
        elif fault:
            found.append(Unread(what=f"{named(node)}, told which steps count ({fault}),", place=node.place))
        formula = op.mask_of(flags, shapes)
        told_of = {op.mask_argument(one) for one in op.arguments(len(flags))} & formula_of(formula or "0").names
        masked[node.name] = bool(formula), bool(told_of) and other  # A mask of its own making is what it is.
    for (name, value), flag in zip(told.outputs, told.output_masks, strict=False):
        gives, other = masked.get(passed.get(value, value), (False, False))
        if other or gives != flag:
            found.append(Unread(what=f"the mask of output {name!r}, which the loss goes by,", needs=NEEDS))
    return found
