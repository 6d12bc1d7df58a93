"""prelu: max(x, 0) + alpha min(x, 0), alpha trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight
from parity.constraints import AnyConstraint
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import SAID, Op, check_constraints, held
from parity.ops.axes import counted, with_an_axis
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

KERAS = Helper(
    name="SlopedPReLU",
    source='''
class SlopedPReLU(keras.layers.PReLU):
    """PReLU whose slope at 0 is alpha, as in PyTorch; Keras's is 0."""

    def call(self, inputs):
        return keras.ops.where(inputs > 0, inputs, self.alpha * inputs)
''',
)

OWN = Helper(
    name="PReLU",
    source='''
class PReLU(nn.Module):
    """max(x, 0) + alpha min(x, 0), alpha of any shape; nn.PReLU has one or one a channel."""

    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)
''',
)


class PReLU(Op):
    """y = x where x > 0, else alpha x; alpha is trained.

    Keras has an alpha of every place of a row, channels or not, unless ``shared_axes`` says along which axes, counted
    from 1, they are one; ``nn.PReLU()`` has one of all, ``nn.PReLU(channels)`` one of each channel, axis 1 of its
    tensor. Keras starts it at 0, which makes it a relu whose slope grows, PyTorch at 0.25. The slope at 0 is alpha
    in PyTorch and here; in Keras it is 0, which is seen where a bias of 0 meets a border of zeros.
    """

    kind: ClassVar[str] = "prelu"
    passes_mask: ClassVar[bool] = True
    started: ClassVar = ("alpha",)
    native: ClassVar = {"torch": {"alpha_initializer": {"constant": 0.25}}}
    source: ClassVar = read_in(keras="layers/activations/prelu", torch="nn/modules/activation")
    natives: ClassVar = {
        "keras": Native("keras.layers.PReLU", same("shared_axes", *(f"alpha_{said}" for said in SAID)),
                        own={"shared_axes": None}, never="has the slope 0 at 0, not alpha"),
        "torch": Native("nn.PReLU", {"num_parameters": ""}, leading=("num_parameters",),
                        weights={"alpha": ("weight", None)}),
    }  # fmt: skip

    shared_axes: tuple[int, ...] | None = Field(
        default=None, description="along which all places have one alpha, from 1"
    )
    alpha_initializer: AnyInitializer = Field(default=Zeros(), description="how alpha starts")
    alpha_regularizer: AnyRegularizer | None = Field(default=None, description="what alpha adds to the loss")
    alpha_constraint: AnyConstraint | None = Field(default=None, description="what alpha is held to")

    def output_shape(self, shape: Shape) -> Shape:
        check_constraints(self, with_an_axis(self.kind, shape))
        return shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return alpha, of the shape of a row, 1 along the axes that share it."""
        shared = counted(self.kind, self.shared_axes, shape) if self.shared_axes else ()
        size = tuple(1 if axis in shared else length for axis, length in enumerate(shape, 1))
        window = math.prod(size[:-2])
        fans = [window * one for one in (*size[-2:], *size[-2:])[:2]]
        return {"alpha": held(self, "alpha", size, fans[0], fans[1], 1)}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return np.where(x > 0, x, p["alpha"] * x)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when what is shared is one place long."""
        if field == "shared_axes" and self.parameters(shape)["alpha"].shape == self.replace(
            shared_axes=other
        ).parameters(shape)["alpha"].shape:  # fmt: skip
            return "the axes are 1 long"
        return ""

    def keras(self, site: Site) -> KerasCode:
        return KerasCode(layer=self.keras_layer(site, KERAS.name), helpers=(KERAS,))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        return TensorFlowCode(
            body=(f"return tf.where(x > 0, x, self.{site.name}_alpha * x)",),
            doc="Of what is below 0, a share that is trained.",
        )

    def torch(self, site: Site) -> TorchCode:
        (shape,) = (one.shape for one in self.parameters(site.input_shape).values())
        own = len(shape) == 1
        made = f"nn.PReLU({shape[0]})" if own and shape != (1,) else "nn.PReLU()" if own else f"PReLU{shape}"
        return TorchCode(
            modules={site.name: made},
            forward=f"self.{site.name}(x)",
            weights={"alpha": TorchWeight(attribute=f"{site.name}.weight")},
            output=site.name,
            helpers=() if own else (OWN,),
        )

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="an alpha of each feature", fields={}, x=[[-1.0, -2.0, 3.0]],
                 parameters={"alpha": [0.5, 2.0, 9.0]}, expected=[[-0.5, -4.0, 3.0]]),
            Case(shows="at 0 the slope is alpha", fields={}, x=[[0.0, -2.0]], parameters={"alpha": [0.5, 2.0]},
                 expected=[[0.0, -4.0]]),
            Case(shows="one of all", fields={"shared_axes": [1]}, x=[[-1.0, -2.0, 3.0]],
                 parameters={"alpha": [0.5]}, expected=[[-0.5, -1.0, 3.0]]),
            Case(shows="an alpha of each place and channel", fields={}, x=[[[-1.0, -2.0], [-3.0, 4.0]]],
                 parameters={"alpha": [[1.0, 2.0], [3.0, 4.0]]}, expected=[[[-1.0, -4.0], [-9.0, 4.0]]]),
            Case(shows="one of each channel, as PyTorch has it", fields={"shared_axes": [1]},
                 x=[[[-1.0, -2.0], [-3.0, 4.0]]], parameters={"alpha": [[10.0, 0.5]]},
                 expected=[[[-10.0, -1.0], [-30.0, 4.0]]]),
        ]  # fmt: skip
