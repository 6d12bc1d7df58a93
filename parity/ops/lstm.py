"""lstm: long short-term memory, a state h and a cell c behind three gates."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from parity.activations import AnyActivation
from parity.activations.sigmoid import Sigmoid
from parity.activations.tanh import Tanh
from parity.code import Case, Helper, Parameter
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer, Initializer
from parity.lazy import np
from parity.native import Native, same
from parity.ops.recurrent import Recurrent
from parity.ops.stepped import HELD, UNIFORM

KERAS = Helper(
    name="TwoBiasLSTMCell",
    source='''
@keras.saving.register_keras_serializable()
class TwoBiasLSTMCell(keras.layers.LSTMCell):
    """LSTMCell with a bias for the input and one for the state, as PyTorch has them."""

    def __init__(self, units, **more):
        super().__init__(units, **more | {"use_bias": False})

    def build(self, input_shape):
        super().build(input_shape)
        self.bias = self.add_weight(
            shape=(2, 4 * self.units), name="bias", initializer=self.bias_initializer,
            regularizer=self.bias_regularizer, constraint=self.bias_constraint,
        )
        if self.unit_forget_bias:
            ones = keras.ops.ones((1, self.units), self.bias.dtype)
            self.bias.assign(keras.ops.slice_update(self.bias, (0, self.units), ones))

    def call(self, inputs, states, training=False):
        h, c = states
        if training and self.dropout:
            inputs = inputs * self.get_dropout_mask(inputs)
        z = keras.ops.matmul(inputs, self.kernel) + keras.ops.matmul(h, self.recurrent_kernel)
        i, f, g, o = keras.ops.split(z + self.bias[0] + self.bias[1], 4, axis=1)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]
''',
)


class ForgetGateOnes(Initializer):
    """How a bias starts whose forget gate's part is 1, and the rest as another initializer has it."""

    kind: ClassVar = "forget_gate_ones"  # no entry that a spec could name

    rest: AnyInitializer = Field(description="how the other gates' parts start")
    units: int = Field(description="size of a gate's part, of which the second is the forget gate's")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        found = np.array(np.broadcast_to(self.rest.sample(uniform, parameter), parameter.shape))
        found.reshape(-1)[self.units : 2 * self.units] = 1.0  # Of two biases, the first.
        return found

    def fault(self, shape: Shape) -> str:
        return self.rest.fault(shape[-1:])  # Each of two biases is one tensor.

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether the rest draws."""
        return self.rest.random

    def of_row(self, number: int) -> Initializer:
        return self if number == 0 else self.rest

    def keras(self, parameter: Parameter) -> str:
        return self.rest.keras(parameter)  # The layer sets the ones by itself.

    def tensorflow(self, parameter: Parameter) -> str:
        def part(gates: int) -> str:
            return self.rest.tensorflow(replace(parameter, shape=(gates * self.units,)))

        first = f"tf.concat(({part(1)}, tf.ones(({self.units},), dtype), {part(2)}), 0)"
        return first if len(parameter.shape) == 1 else f"tf.stack(({first}, {part(4)}))"

    def tensorflow_helpers(self) -> tuple[Helper, ...]:
        return self.rest.tensorflow_helpers()

    def torch(self, attribute: str, parameter: Parameter) -> str:
        first = f"{attribute}[0, " if len(parameter.shape) == 2 else f"{attribute}["
        ones = f"nn.init.ones_({first}{self.units} : {2 * self.units}])  # of the forget gate"
        return f"{self.rest.torch(attribute, parameter)}\n{ones}"


class LSTM(Recurrent):
    """i, f, g, o = split(x W + h U + b); c' = gate(f) c + gate(i) activation(g); h' = gate(o) activation(c').

    h = c = 0 before the first step. Gates stand in this order in Keras, which calls g ``c``, and in PyTorch's
    ``nn.LSTM``. Keras has one bias, PyTorch two that are added up, b_ih and b_hh; both are trained, so that under
    gradient descent their sum moves twice as fast as one bias would: ``two_biases`` says so. With one, PyTorch's second
    is held at 0. Keras starts the forget gate's bias at 1 (``unit_forget_bias``), PyTorch at what all else starts at:
    a port then forgets half of its cell at every step. Keras's documentation has it that ``unit_forget_bias`` forces
    the rest to zeros; its code keeps ``bias_initializer`` for that. ``dropout`` of ``nn.LSTM`` is another thing, one
    between stacked layers, and does nothing to a single one.
    """

    kind: ClassVar[str] = "lstm"
    short: ClassVar[str | None] = "units"
    source: ClassVar = read_in(keras="layers/rnn/lstm", torch="nn/modules/rnn")
    native: ClassVar = {"torch": {**UNIFORM, "unit_forget_bias": False, "two_biases": True}}
    natives: ClassVar = {
        "keras": Native("keras.layers.LSTM", same("units", "activation", "recurrent_activation", "use_bias")
                        | same("unit_forget_bias", "return_sequences", "go_backwards", "dropout")
                        | same("recurrent_dropout", *HELD),
                        leading=("units",), when={"two_biases": False},
                        why={"two_biases": "with a bias of the state beside that of the input"},
                        own={"use_bias": True, "unit_forget_bias": True, "return_sequences": False,
                             "go_backwards": False, "dropout": 0.0, "recurrent_dropout": 0.0}),
        "torch": Native("nn.LSTM", {"input_size": "", "hidden_size": "units", "bias": "use_bias", "batch_first": ""},
                        leading=("input_size", "hidden_size"), own={"bias": True},
                        when={"activation": Tanh(), "recurrent_activation": Sigmoid()},
                        weights={"kernel": ("weight_ih_l0", (1, 0)), "recurrent_kernel": ("weight_hh_l0", (1, 0)),
                                 "bias": ("bias_ih_l0", None)}),
    }  # fmt: skip
    states: ClassVar = ("h", "c")
    gates: ClassVar = ("i", "f", "g", "o")

    recurrent_activation: AnyActivation = Field(default=Sigmoid(), description="applied to the gates")
    unit_forget_bias: bool = Field(default=True, description="the forget gate's bias starts at 1")
    two_biases: bool = Field(default=False, description="a second bias, of the state, as PyTorch has it; both trained")

    def biases(self) -> int:
        return int(self.use_bias) * (1 + self.two_biases)

    def cell(self) -> str:
        return f"""
            i, f, g, o = split(x @ kernel{self.bias(0)} + h @ recurrent_kernel{self.bias(1)})
            c = gate(f) * c + gate(i) * act(g)
            h = gate(o) * act(c)
        """

    def equation(self) -> str:
        return "i, f, g, o = split(x W + h U + b); c' = gate(f) c + gate(i) activation(g); h' = gate(o) activation(c')"

    def _made(self, name: str, shape: Shape) -> Parameter:
        made = super()._made(name, shape)
        if name != "bias" or not self.unit_forget_bias:
            return made
        return replace(made, initializer=ForgetGateOnes(rest=self.bias_initializer, units=self.units))

    def keras_cell(self) -> Helper:
        return KERAS

    @classmethod
    def cases(cls) -> list[Case]:
        # sigmoid(log 3) = 3/4, sigmoid(0) = 1/2, tanh(log 2) = 3/5; linear, the gates are the numbers themselves.
        log2, log3 = 0.6931471805599453, 1.0986122886681098
        linear = {"units": 1, "activation": "linear", "recurrent_activation": "linear"}
        gates = {"kernel": [[1.0, 10.0, 100.0, 2.0]], "recurrent_kernel": [[0.0, 0.0, 0.0, 0.0]],
                 "bias": [0.0, 0.0, 0.0, 0.0]}  # fmt: skip
        return [
            Case(shows="the gates are i f g o: c = 100, then 10 * 100 + 100, then o = 2 times that",
                 fields=linear, x=[[[1.0], [1.0]]], parameters=gates, expected=[[2200.0]]),
            Case(shows="a half of tanh(c), c = 3/4 of 3/5, where all is PyTorch's own",
                 fields={"units": 1, "return_sequences": True}, x=[[[0.0]]],
                 parameters=gates | {"bias": [log3, 0.0, log2, 0.0]}, expected=[[[0.5 * 0.4218990052500079]]]),
            Case(shows="two biases are added up: i = 1 + 2, g = 10 + 20, o = 5", fields=linear | {"two_biases": True},
                 x=[[[0.0]]], parameters=gates | {"bias": [[1.0, 0.0, 10.0, 5.0], [2.0, 0.0, 20.0, 0.0]]},
                 expected=[[450.0]]),
            Case(shows="in training, the features that are kept at every step are doubled: 2 of x[0], 0 of x[1]",
                 fields=linear | {"dropout": 0.5, "use_bias": False}, x=[[[1.0, 5.0], [2.0, 7.0]]],
                 parameters={"kernel": [[1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]],
                             "recurrent_kernel": [[0.0, 0.0, 0.0, 0.0]]},
                 mask=[[True, False]], expected=[[64.0]]),
            Case(shows="a masked step leaves both states: c = 1, 1, 1 + 9, then o = 2 times that",
                 fields=linear | {"use_bias": False}, x=[[[1.0], [2.0], [3.0]]], steps=[[True, False, True]],
                 parameters={"kernel": [[1.0, 0.0, 1.0, 2.0]], "recurrent_kernel": [[0.0, 0.5, 0.0, 0.0]]},
                 expected=[[(1.0 + 9.0) * 6.0]]),
            Case(shows="the state goes round through the recurrent kernel, and backwards from the end",
                 fields=linear | {"go_backwards": True, "use_bias": False}, x=[[[1.0], [2.0]]],
                 parameters={"kernel": [[1.0, 0.0, 1.0, 1.0]], "recurrent_kernel": [[0.0, 1.0, 0.0, 0.0]]},
                 expected=[[33.0]]),
        ]  # fmt: skip
