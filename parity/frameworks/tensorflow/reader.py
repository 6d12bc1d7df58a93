"""What of raw TensorFlow's programs is no renaming: layers that are operations on variables."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ValidationError

from parity.catalog import OPS
from parity.reading.entries_of import value_of
from parity.reading.indexed import indexed
from parity.reading.odd import Passing, Reader, Said
from parity.reading.unread import NoEntryError
from parity.run.told import ToldNode

LAYERS = {
    "tf.matmul": "dense", "tf.nn.conv1d": "conv1d", "tf.nn.conv2d": "conv2d", "tf.nn.conv3d": "conv3d",
    "tf.nn.depthwise_conv2d": "depthwise_conv2d", "tf.nn.embedding_lookup": "embedding",
}  # fmt: skip
"""Operations on a variable, and the layers that they are."""


class TensorFlowReader(Reader):
    """The watcher puts operations together; here they are entries."""

    beside: ClassVar = frozenset({"reduction"})

    def canonical(self, kind: str, tensor: str) -> tuple[str, ...]:
        return (tensor,)  # The watcher knows a variable by what it is of its layer.

    def odd(self, node: ToldNode) -> Said | Passing | None:
        kind = LAYERS.get(node.part, node.part)
        if node.part == "tf.strided_slice":
            found = indexed(node.arguments["index"], node.read_shapes[0])
            return found or Said("reshape", {"target_shape": node.shape})
        if node.part == "tf.nn.batch_normalization" and "needs" in node.arguments:
            raise NoEntryError(str(node.arguments["needs"]))
        if kind not in OPS:
            return None
        if kind == "activation":
            return Said(kind, {"function": value_of(node.arguments["of"], "tensorflow")})
        fields = {name: value_of(one, "tensorflow") for name, one in node.arguments.items()}
        try:
            OPS[kind].model_validate(fields)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise NoEntryError(f"a {kind} that can have {where}={first['input']} ({first['msg']})") from None
        return Said(kind, fields)


READER = TensorFlowReader()
