"""gru: a gated recurrent unit, a state behind an update gate and a reset gate."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.activations import AnyActivation
from parity.activations.sigmoid import Sigmoid
from parity.activations.tanh import Tanh
from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.ops.recurrent import Recurrent
from parity.ops.stepped import HELD, UNIFORM


class GRU(Recurrent):
    """z = gate(x Wz + h Uz + bz), r = gate(x Wr + h Ur + br), n = activation(x Wn + bn + r (h Un + dn)).

    h' = z h + (1 - z) n, h = 0 before the first step. By Keras's default each gate has two biases, of the input and of
    the state, the rows of one ``bias`` (2, 3 units); PyTorch's ``nn.GRU`` has them in two tensors. With
    ``reset_after`` false, n = activation(x Wn + bn + (r h) Un), with one bias, as it was first published; PyTorch has
    no such module. Keras counts the gates z, r, n, PyTorch r, z, n: weights copied as they lie fit in shape, and swap
    the gates without a word.
    """

    kind: ClassVar[str] = "gru"
    short: ClassVar[str | None] = "units"
    source: ClassVar = read_in(keras="layers/rnn/gru", torch="nn/modules/rnn")
    native: ClassVar = {"torch": UNIFORM}
    natives: ClassVar = {
        "keras": Native("keras.layers.GRU", same("units", "activation", "recurrent_activation", "use_bias")
                        | same("return_sequences", "go_backwards", "reset_after", "dropout")
                        | same("recurrent_dropout", *HELD),
                        leading=("units",),
                        own={"use_bias": True, "return_sequences": False, "go_backwards": False, "reset_after": True,
                             "dropout": 0.0, "recurrent_dropout": 0.0}),
        "torch": Native("nn.GRU", {"input_size": "", "hidden_size": "units", "bias": "use_bias", "batch_first": ""},
                        leading=("input_size", "hidden_size"), own={"bias": True},
                        when={"activation": Tanh(), "recurrent_activation": Sigmoid(), "reset_after": True},
                        why={"reset_after": "with the reset gate ahead of the product"},
                        weights={"kernel": ("weight_ih_l0", (1, 0)), "recurrent_kernel": ("weight_hh_l0", (1, 0)),
                                 "bias": ("bias_ih_l0", None)}),
    }  # fmt: skip
    gates: ClassVar = ("z", "r", "n")
    order: ClassVar = (1, 0, 2)

    recurrent_activation: AnyActivation = Field(default=Sigmoid(), description="applied to the gates")
    reset_after: bool = Field(default=True, description="the reset gate is applied to the product, not to the state")

    def biases(self) -> int:
        return int(self.use_bias) * (1 + self.reset_after)

    def variant(self) -> str:
        return "" if self.reset_after else "ResetBefore"

    def cell(self) -> str:
        if self.reset_after:
            return f"""
                xz, xr, xn = split(x @ kernel{self.bias(0)})
                hz, hr, hn = split(h @ recurrent_kernel{self.bias(1)})
                z = gate(xz + hz)
                r = gate(xr + hr)
                h = z * h + (1.0 - z) * act(xn + r * hn)
            """
        hz, hr, hn = ("(h * h_kept[0])", "(h * h_kept[1])", "h * h_kept[2]") if self.recurrent_dropout else ("h",) * 3
        return f"""
            xz, xr, xn = split(x @ kernel{self.bias(0)})
            uz, ur, un = split(recurrent_kernel)
            z = gate(xz + {hz} @ uz)
            r = gate(xr + {hr} @ ur)
            h = z * h + (1.0 - z) * act(xn + (r * {hn}) @ un)
        """

    def equation(self) -> str:
        inner = "x Wn + bn + r (h Un + dn)" if self.reset_after else "x Wn + bn + (r h) Un"
        return f"z, r = gate(x W + h U + b); h' = z h + (1 - z) activation({inner})"

    @classmethod
    def cases(cls) -> list[Case]:
        # sigmoid(log 3) = 3/4, tanh(log 2) = 3/5; linear, the gates are the numbers themselves.
        log2, log3 = 0.6931471805599453, 1.0986122886681098
        linear = {"units": 1, "activation": "linear", "recurrent_activation": "linear"}
        plain = {"kernel": [[0.0, 0.0, 1.0]], "recurrent_kernel": [[0.0, 0.0, 10.0]]}
        return [
            Case(shows="a quarter of 3/5 is new, and z counts first: r first would give a half of tanh",
                 fields={"units": 1}, x=[[[log2]]],
                 parameters=plain | {"bias": [[log3, 0.0, 0.0], [0.0, 0.0, 0.0]]}, expected=[[0.15]]),
            Case(shows="the reset gate, 2, is applied to the product and its bias: 1, then 1 + 2 (10 + 3)",
                 fields=linear | {"return_sequences": True}, x=[[[-5.0], [1.0]]],
                 parameters=plain | {"bias": [[0.0, 2.0, 0.0], [0.0, 0.0, 3.0]]}, expected=[[[1.0], [27.0]]]),
            Case(shows="a masked step leaves the state", fields=linear | {"return_sequences": True, "use_bias": False},
                 x=[[[1.0], [7.0], [1.0]]], steps=[[True, False, True]], parameters=plain,
                 expected=[[[1.0], [1.0], [1.0]]]),
            Case(shows="ahead of the product, there is one bias: 1, then 1 + (2 * 1) 10",
                 fields=linear | {"reset_after": False}, x=[[[1.0], [1.0]]],
                 parameters=plain | {"bias": [0.0, 2.0, 0.0]}, expected=[[21.0]]),
            Case(shows="ahead of the product, the reset gates weigh each state of its own",
                 fields=linear | {"units": 2, "reset_after": False, "use_bias": False}, x=[[[1.0], [1.0]]],
                 parameters={"kernel": [[0.0, 0.0, 2.0, 3.0, 1.0, 1.0]],
                             "recurrent_kernel": [[0.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 10.0, 0.0]]},
                 expected=[[33.0, 1.0]]),
        ]  # fmt: skip
