"""A dense layer whose kernel is the table of an embedding: what Keras has no layer for."""

from __future__ import annotations

from parity.code import Helper

TABLE = "embeddings"
"""What the table of an embedding is called."""

TIED = '''
class TiedDense(keras.layers.Dense):
    """Dense layer whose kernel is the table of an embedding, transposed."""

    def __init__(self, *sizes, table, **more):
        super().__init__(*sizes, **more)
        self.table = table

    def build(self, input_shape):
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.units,), initializer=self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )
        self.built = True

    def call(self, inputs):
        x = keras.ops.matmul(inputs, keras.ops.transpose(self.table.embeddings))
        x = x if self.bias is None else x + self.bias
        return x if self.activation is None else self.activation(x)
'''


def tied_dense(framework: str) -> Helper:
    """Return the class, with TensorFlow's operations where Keras has none of its own."""
    own = framework.startswith("keras") and framework != "keras_2"
    return Helper(name="TiedDense", source=TIED if own else TIED.replace("keras.ops.", "tf."))


def lent_as(name: str) -> str:
    """Return what a Keras program calls a layer that it has a use for beside calling it.

    Args:
        name: of the layer.
    """
    return f"{name}_layer"
