"""Classes that programs have in the place of a framework's batch norm where that means something else."""

from __future__ import annotations

from parity.code import Helper

KERAS = Helper(
    name="UnbiasedBatchNormalization",
    source='''
class UnbiasedBatchNormalization(keras.layers.BatchNormalization):
    """BatchNormalization with the moving variance over n - 1, as PyTorch has it, not over n."""

    def call(self, inputs, training=None, mask=None):
        old = self.momentum * keras.ops.convert_to_tensor(self.moving_variance)
        outputs = super().call(inputs, training=training, mask=mask)
        if training:
            n = keras.ops.cast(keras.ops.size(inputs), old.dtype) / inputs.shape[self.axis]
            self.moving_variance.assign_add((self.moving_variance - old) / (n - 1))
        return outputs
''',
)

SETTLED = Helper(
    name="SettledBatchNormalization",
    source='''
class SettledBatchNormalization(keras.layers.BatchNormalization):
    """BatchNormalization by its running statistics in training, too; gamma and beta move."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=False, mask=mask)
''',
)


def _moving(base: str, name: str, doc: str) -> Helper:
    source = f'''
class {name}({base}):
    """{doc}"""

    def build(self, input_shape):
        super().build(input_shape)
        for variable in (self.gamma, self.beta):
            if variable is not None:
                variable.trainable = False
'''
    return Helper(name=name, source=source)


MOVING = _moving(
    "keras.layers.BatchNormalization", "MovingBatchNormalization",
    "BatchNormalization that does not train, but whose statistics move, as in PyTorch.",
)  # fmt: skip
MOVING_UNBIASED = Helper(
    name="MovingUnbiasedBatchNormalization",
    source=f"{KERAS.source.rstrip()}\n\n"
    + _moving(KERAS.name, "MovingUnbiasedBatchNormalization", "The same, which does not train, as in PyTorch.").source,
)

SETTLED_TORCH = '''
class SettledBatchNorm{rank}d(nn.BatchNorm{rank}d):
    """nn.BatchNorm{rank}d in evaluation mode for good: by its running statistics, which stay."""

    def train(self, mode=True):
        return super().train(False)
'''

TORCH = '''
class BiasedBatchNorm{rank}d(nn.BatchNorm{rank}d):
    """nn.BatchNorm{rank}d with the running variance over n, as Keras has it, not over n - 1."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
{begin}        with torch.no_grad():
            self.running_mean.lerp_(x.mean({axes}), self.momentum)
            self.running_var.lerp_(x.var({axes}, correction=0), self.momentum)
        # not F.batch_norm, which refuses a batch of one row
        return torch.batch_norm(x, self.weight, self.bias, None, None, True, 0.0, self.eps, False)
'''
