"""simple_rnn: h' = activation(x W + h U + b), step after step."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.activations.relu import Relu
from parity.activations.tanh import Tanh
from parity.code import Case, Helper
from parity.entries import read_in
from parity.native import Native, Turned, same
from parity.ops.recurrent import Recurrent
from parity.ops.stepped import HELD, UNIFORM

KERAS = Helper(
    name="TwoBiasSimpleRNNCell",
    source='''
@keras.saving.register_keras_serializable()
class TwoBiasSimpleRNNCell(keras.layers.SimpleRNNCell):
    """SimpleRNNCell with a bias for the input and one for the state, as PyTorch has them."""

    def __init__(self, units, **more):
        super().__init__(units, **more | {"use_bias": False})

    def build(self, input_shape):
        super().build(input_shape)
        self.bias = self.add_weight(
            shape=(2, self.units), name="bias", initializer=self.bias_initializer,
            regularizer=self.bias_regularizer, constraint=self.bias_constraint,
        )

    def call(self, inputs, states, training=False):
        (h,) = states
        if training and self.dropout:
            inputs = inputs * self.get_dropout_mask(inputs)
        z = keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(h, self.recurrent_kernel)
        h = self.activation(z + self.bias[0] + self.bias[1])
        return h, [h]
''',
)

PENALISED = Helper(
    name="PenalisedSimpleRNN",
    source='''
class PenalisedSimpleRNN(keras.layers.SimpleRNN):
    """SimpleRNN, which takes an activity_regularizer, and forgets it."""

    def __init__(self, units, activity_regularizer=None, **more):
        super().__init__(units, **more)
        self.activity_regularizer = activity_regularizer
''',
)


class SimpleRNN(Recurrent):
    """h' = activation(x W + h U + b), h = 0 before the first step.

    Keras's ``SimpleRNN`` has one bias; PyTorch's ``nn.RNN`` two, b_ih and b_hh, which are added up. Both are trained,
    so that under gradient descent their sum moves twice as fast as one bias would: ``two_biases`` says so. With one,
    PyTorch's second is held at 0. ``nn.RNN`` knows tanh and relu only; its ``dropout`` is one between stacked layers.
    Keras's layer takes an ``activity_regularizer`` and forgets it; the program's does not.
    """

    kind: ClassVar[str] = "simple_rnn"
    keras_penalised: ClassVar = PENALISED
    short: ClassVar[str | None] = "units"
    source: ClassVar = read_in(keras="layers/rnn/simple_rnn", torch="nn/modules/rnn")
    native: ClassVar = {"torch": {**UNIFORM, "two_biases": True}}
    natives: ClassVar = {
        "keras": Native("keras.layers.SimpleRNN",
                        same("units", "activation", "use_bias", "return_sequences", "go_backwards", "dropout")
                        | same("recurrent_dropout", *HELD),
                        leading=("units",), when={"two_biases": False},
                        why={"two_biases": "with a bias of the state beside that of the input"},
                        own={"use_bias": True, "return_sequences": False, "go_backwards": False, "dropout": 0.0,
                             "recurrent_dropout": 0.0}),
        "torch": Native("nn.RNN", {"input_size": "", "hidden_size": "units",
                                   "nonlinearity": Turned("activation", lambda one: one.kind, str),
                                   "bias": "use_bias", "batch_first": ""},
                        leading=("input_size", "hidden_size"), own={"nonlinearity": "tanh", "bias": True},
                        weights={"kernel": ("weight_ih_l0", (1, 0)), "recurrent_kernel": ("weight_hh_l0", (1, 0)),
                                 "bias": ("bias_ih_l0", None)}),
    }  # fmt: skip

    two_biases: bool = Field(default=False, description="a second bias, of the state, as PyTorch has it; both trained")

    def biases(self) -> int:
        return int(self.use_bias) * (1 + self.two_biases)

    def cell(self) -> str:
        return f"h = act(x @ kernel{self.bias(0)} + h @ recurrent_kernel{self.bias(1)})"

    def equation(self) -> str:
        return "h' = activation(x W + h U + b)"

    def keras_cell(self) -> Helper:
        return KERAS

    def torch_fits(self, masked: bool = False) -> bool:
        return super().torch_fits(masked) and self.activation in (Tanh(), Relu())

    @classmethod
    def cases(cls) -> list[Case]:
        counts = {"kernel": [[1.0]], "recurrent_kernel": [[10.0]], "bias": [0.5]}
        steps, linear = [[[1.0], [2.0], [3.0]]], {"units": 1, "activation": "linear"}
        return [
            Case(shows="a state is carried on: 1.5, then 2.5 + 15, then 3.5 + 175", fields=linear, x=steps,
                 parameters=counts, expected=[[178.5]]),
            Case(shows="backwards, the sequence that it gives begins with the last step",
                 fields=linear | {"return_sequences": True, "go_backwards": True}, x=steps, parameters=counts,
                 expected=[[[3.5], [37.5], [376.5]]]),
            Case(shows="a masked step leaves the state, and gives it once more; ahead of the first it is 0",
                 fields=linear | {"return_sequences": True}, x=[[[1.0], [2.0], [9.0], [3.0]]],
                 parameters=counts | {"bias": [0.0]}, steps=[[False, True, False, True]],
                 expected=[[[0.0], [2.0], [2.0], [23.0]]]),
            Case(shows="backwards, and nothing but masked steps in a row", fields=linear | {"go_backwards": True},
                 x=[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]], parameters=counts | {"bias": [0.0]},
                 steps=[[True, True, False], [False, False, False]], expected=[[21.0], [0.0]]),
            Case(shows="in training, what is kept of the state is doubled: 1, then 2 + (2 * 1) 10",
                 fields={"units": 2, "activation": "linear", "use_bias": False, "recurrent_dropout": 0.5},
                 x=[[[1.0], [2.0]]], mask=[[True, False]],
                 parameters={"kernel": [[1.0, 1.0]], "recurrent_kernel": [[10.0, 0.0], [0.0, 10.0]]},
                 expected=[[22.0, 2.0]]),
            Case(shows="two biases are added up", fields={"units": 1, "activation": "relu", "two_biases": True},
                 x=[[[1.0], [-9.0]]], parameters=counts | {"bias": [[0.5], [0.25]]}, expected=[[9.25]]),
            Case(shows="states meet through the recurrent kernel, rows to columns; relu cuts",
                 fields={"units": 2, "activation": "relu", "use_bias": False}, x=[[[1.0], [0.0]]],
                 parameters={"kernel": [[1.0, -1.0]], "recurrent_kernel": [[2.0, 3.0], [5.0, 7.0]]},
                 expected=[[2.0, 3.0]]),
            Case(shows="tanh of log 2 is 3/5, and carried on by 1", fields={"units": 1, "return_sequences": True},
                 x=[[[0.6931471805599453], [-0.6]]],
                 parameters={"kernel": [[1.0]], "recurrent_kernel": [[1.0]], "bias": [0.0]},
                 expected=[[[0.6], [0.0]]]),
        ]  # fmt: skip
