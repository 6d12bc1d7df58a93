"""What a small network of the self-test is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from parity.data.dataset import INVENTED


@dataclass(frozen=True, kw_only=True)
class Network:
    """A small network with its loss.

    Args:
        input: shape of a row.
        layers: as a spec has them.
        loss: as a spec has it.
        outputs: classes of one-hot targets, or size of other ones.
        targets: what it learns: one-hot rows of classes, real numbers, -1 and 1, or counts from 0 on.
        tokens: where a row is of whole numbers, how many there are; 0 where it is of real ones.
        ends: of several outputs, each of that size, the layer that gives it; the first learns ``targets``, others real
            numbers.
        weighs: rows have weights.
    """

    input: tuple[int, ...]
    layers: tuple[Any, ...]
    loss: Any
    outputs: int
    targets: Literal["classes", "real", "signs", "counts"] = "classes"
    tokens: int = 0
    ends: Mapping[str, str] = field(default_factory=dict)
    weighs: bool = False

    @property
    def classes(self) -> bool:
        """Return whether the targets are classes."""
        return self.targets == "classes"

    @property
    def counted(self) -> dict[str, Any]:
        """Return what the data of a spec say of the weights of rows."""
        return {"sample_weights": INVENTED} if self.weighs else {}

    @property
    def model(self) -> dict[str, Any]:
        """Return the model as a spec has it."""
        shape = list(self.input)
        read = {"inputs": {"input": {"shape": shape, "dtype": "integer"}}} if self.tokens else {"input": shape}
        return {**read, "layers": list(self.layers), **({"outputs": dict(self.ends)} if self.ends else {})}


SOFTMAX: Any = {"dense": {"units": 5, "activation": "softmax", "name": "out"}}
CROSS: Any = {"categorical_crossentropy": {}}
