"""Where a model ends: the layers that give its outputs, and that all lead to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from parity.errors import did_you_mean, listed
from parity.ops import ShapeError

if TYPE_CHECKING:
    from parity.spec.graph import Layer
    from parity.spec.values import Value


class GraphError(ShapeError):
    """A layer cannot stand where it does; ``at`` is its number in the list, ``about`` the field at fault, if it is one.

    Args:
        message: what it was given and what it needs.
        at: number of the layer; of an output that no layer gives, of the last one.
        about: ``inputs``, ``layer`` or nothing.
        output: name of the output at fault.
    """

    def __init__(self, message: str, at: int, about: str = "", output: str = "") -> None:
        super().__init__(message)
        self.at, self.about, self.output = at, about, output


def outputs_of(named: Mapping[str, str], layers: Sequence[Layer]) -> tuple[Value, ...]:
    """Return what a model gives: what its last layer gives, or the layers that it names.

    Args:
        named: layer by the name of the output, where there are several.
        layers: of the model.

    Raises:
        GraphError: when it names a layer that is not there.
    """
    given = {layer.name: layer.gives for layer in layers}
    for output, name in named.items():
        if name not in given:
            hint = did_you_mean(name, list(given)) or f"the layers are {listed(list(given), 20)}"
            told = f"output {output} is given by {name!r}, which is no layer of the model; {hint}"
            raise GraphError(told, len(layers) - 1, output=output)
    return tuple(given[name] for name in named.values()) or (layers[-1].gives,)


def check_read(layers: Sequence[Layer], outputs: tuple[Value, ...]) -> None:
    """Check that every layer leads to an output: what nothing reads has no gradient, and Keras leaves it out.

    Args:
        layers: of a model.
        outputs: that it gives.

    Raises:
        GraphError: when one does not.
    """
    wanted = {value.name for value in outputs}
    for layer in reversed(layers):
        if layer.name in wanted:
            wanted |= {value.name for value in layer.reads}
    for at, layer in enumerate(layers):
        if layer.name not in wanted:
            told = "the output" if len(outputs) == 1 else "an output"
            raise GraphError(f"nothing that leads to {told} reads {layer.name}: take it out, or read it", at)
