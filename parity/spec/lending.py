"""What layers of a graph take from others: what they read, the layer that one is again, parameters that one lends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from parity.entries import Shape
from parity.errors import did_you_mean, listed
from parity.ops import Op, ShapeError
from parity.ops.again import Again
from parity.spec.ends import GraphError
from parity.spec.values import Value
from parity.tensors import layer_of, own_name

if TYPE_CHECKING:
    from parity.spec.graph import Layer
    from parity.spec.sections import Scope


def reads_of(
    op: Op, at: int, above: Value | None, known: Mapping[str, Value], ops: Mapping[str, Any]
) -> tuple[Value, ...]:  # fmt: skip
    """Return what a layer reads."""
    names = op.said_inputs
    if names is None:
        if above is None:
            told = f"the model has {len(known)} inputs, {listed(list(known))}"
            raise GraphError(f"{told}, and {op.name} does not say which it reads: say inputs", at)
        names = (above.name,)
    for name in names:
        if name not in known:
            here = f"{name!r} stands below it: a layer reads what is computed before it" if name in ops else ""
            hint = here or did_you_mean(name, list(known)) or f"there are {listed(list(known), 20)}"
            raise GraphError(f"{op.name} reads {name!r}, which is not there; {hint}", at, "inputs")
    most = len(op.ports) or None
    if most is not None and not most - op.optional <= len(names) <= most:
        told = f"{most - op.optional} to {most}" if op.optional else str(most)
        raise GraphError(f"{op.kind} reads {told} tensor{'s' * (most > 1)}, it is given {len(names)}", at, "inputs")
    if most is None and len(names) < op.fewest:
        raise GraphError(f"{op.kind} reads two tensors or more, it is given {len(names)}: say inputs", at, "inputs")
    return tuple(known[name] for name in names)


def used_by(op: Op, at: int, ops: Mapping[str, Op], layers: Sequence[Layer]) -> Op:
    """Return the op that a layer applies: itself, or the one that it names."""
    if not isinstance(op, Again):
        return op
    if op.layer not in {layer.name for layer in layers if layer.owns}:
        above = [layer.name for layer in layers if layer.owns]
        hint = did_you_mean(op.layer, above) or f"the layers above it are {listed(above, 20)}"
        raise GraphError(f"no layer above {op.name} is called {op.layer!r}; {hint}", at, "layer")
    return ops[op.layer]


def alike(op: Op, *applied: tuple[Value, ...]) -> bool:
    """Return whether an op keeps tensors of the same shapes, whichever of several it reads."""
    every = [op.parameters(op.given([value.shape for value in reads])) for reads in applied]
    shapes = [{name: one.shape for name, one in kept.items()} for kept in every]
    return all(one == shapes[0] for one in shapes)


def check_borrowed(op: Op, shape: Shape, layers: Sequence[Layer], scopes: Mapping[str, Sequence[Scope]]) -> None:
    """Check that other layers lend what a layer computes with.

    Args:
        op: the layer.
        shape: of what it reads.
        layers: above it.
        scopes: blocks that layers came from.

    Raises:
        ShapeError: when they do not.
    """
    for mine, name in op.borrowed().items():
        lender, tensor = layer_of(name), own_name(name)
        known = {layer.name: layer for layer in layers if layer.owns and tensor in layer.parameters}
        if lender not in known:
            hint = (
                did_you_mean(lender, list(known)) or f"layers above it with {tensor}: {listed(list(known)) or 'none'}"
            )
            raise ShapeError(f"{op.name} computes with the {tensor} of {lender!r}, which is no such layer; {hint}")
        inside = next((one for one in (lender, str(op.name)) if scopes.get(one)), None)
        if inside is not None:
            raise ShapeError(f"{inside} stands in a block; a layer that lends parameters, and one that borrows them, "
                             "stand outside of blocks")  # fmt: skip
        one, wanted = known[lender].parameters[tensor], op.borrows(mine, shape)
        if one.shape != wanted:
            raise ShapeError(f"{op.name} computes with the {tensor} of {lender}, of shape {one.shape}; "
                             f"it needs {wanted}, for what it is given and gives")  # fmt: skip
        if not op.trainable and known[lender].op.trainable:
            raise ShapeError(f"{op.name} does not train, and the {tensor} that it computes with do; "
                             f"say trainable of both, or of {lender} alone")  # fmt: skip
