"""What a raw TensorFlow program computes between its rows and its loss, told layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from parity.frameworks.tensorflow.driver.chain import SIZES, OperationChain, arguments_of, number_of
from parity.frameworks.tensorflow.driver.named import layer_name
from parity.frameworks.tensorflow.driver.norm import Norm
from parity.frameworks.tensorflow.driver.taped import TapedOperation
from parity.frameworks.tensorflow.driver.told_norms import normed
from parity.frameworks.tensorflow.driver.told_pools import averaged, padded, pooled
from parity.frameworks.tensorflow.driver.told_tied import tied, turned
from parity.frameworks.tensorflow.driver.told_words import (
    ACTIVATIONS,
    LINEAR,
    MERGES,
    PASSING,
    RESHAPES,
    SINGLE,
    SUMS,
    along_last,
    index_of,
    padding_of,
    row_of,
    sizes_of,
)
from parity.free_names import FreeNames
from parity.run.decimals import decimal_of
from parity.run.single_numbers import WHOLE, with_an_axis
from parity.run.told import ToldInput, ToldNode, Word


class TapedGraph:
    """A program's layers.

    Args:
        chain: of the operations of a step.
        outputs: tensor that the loss reads.
        names: of variables, by their handles.
        trained: handles of those that are trained.
        penalties: as :class:`~parity.frameworks.tensorflow.driver.told_loss.LossFound` has them.
        norms: that stand in it.

    ``output`` is the node that gives the outputs, ``reads`` has the rows that come in, ``layers`` the variables of each
    layer by the fields of their initializers.
    """

    def __init__(
        self, chain: OperationChain, outputs: Any, names: Mapping[int, str], trained: set[int],
        penalties: Mapping[int, list[float]], norms: Sequence[Norm] = (),
    ) -> None:  # fmt: skip
        self.chain, self.names, self.trained, self.penalties = chain, names, trained, penalties
        self.inputs: list[ToldInput] = []
        self.reads: list[Any] = []
        self.nodes: list[ToldNode] = []
        self.layers: dict[str, dict[str, int]] = {}
        self.values: dict[int, str] = {}
        self.operations = chain.needed(outputs)
        self._norms = {id(one.last): one for one in norms}
        self._within = {one for norm in norms for one in norm.inside}
        self._readers: dict[int, int] = {}
        for op in self.operations:
            for one in {id(given): given for given in op.inputs}.values():
                if op.kind not in SIZES:
                    self._readers[id(one)] = self._readers.get(id(one), 0) + 1
        self._readers[id(outputs)] = self._readers.get(id(outputs), 0) + 1
        self._free = FreeNames()
        self._of_kernel: dict[tuple[int, ...], str] = {}
        for op in self.operations:
            self._take(op)
        if id(outputs) not in self.values:
            self._value(outputs)
        rows = with_an_axis(self.inputs, self.nodes, [self.values[id(outputs)]], SINGLE)
        self.inputs, self.nodes, (self.output,) = rows.inputs, rows.nodes, rows.outputs

    def _take(self, op: TapedOperation) -> None:
        if not any(self.chain.moves(one) for one in op.outputs) or op.kind == "ReadVariableOp":
            return
        if op.kind == "Identity" and self.chain.handle(op.inputs[0]) is not None:
            return
        if id(op) in self._within:
            if id(op) in self._norms:
                normed(self, self._norms[id(op)])
            return
        told = KINDS.get(op.kind)
        told = TapedGraph._activation if told is None and op.kind in ACTIVATIONS else told
        if not (told and told(self, op)):
            self._unknown(op)

    def _value(self, tensor: Any) -> str:
        """Return the node that a tensor is of; rows that come in become an input."""
        if id(tensor) in self.values:
            return self.values[id(tensor)]
        if self.chain.producer(tensor) is None or self.chain.brought(tensor):
            array = number_of(tensor)
            for name, one in zip((one.name for one in self.inputs), self.reads, strict=True):
                if np.array_equal(number_of(one), array):
                    self.values[id(tensor)] = name
                    return name
            name = self._free.take("input" if not self.inputs else f"input_{len(self.inputs) + 1}")
            self.inputs.append(ToldInput(name=name, shape=[int(size) for size in tensor.shape[1:]]))
            self.reads.append(tensor)
            self.values[id(tensor)] = name
        return self.values.get(id(tensor), "")

    def _node(
        self, op: TapedOperation, part: str, reads: list[Any], name: str, variables: Mapping[str, int] | None = None,
        function: bool = False, **arguments: Word,
    ) -> bool:  # fmt: skip
        """Tell a layer; variables by the field of the initializer that each has."""
        sources = [self._value(one) for one in reads]
        handles = {field: handle for field, handle in (variables or {}).items() if handle}
        called = self._free.take(name)
        layer = called
        if handles:
            layer = self._of_kernel.setdefault(tuple(handles.values()), called)
            self.layers.setdefault(layer, dict(handles))
        moved = {handle in self.trained for handle in handles.values()}
        self.nodes.append(ToldNode(
            name=called, part=part, reads=sources, shape=row_of(op.outputs[0]), arguments=dict(arguments), layer=layer,
            read_shapes=[row_of(one) for one in reads], function=function, trainable=moved != {False}, place=op.place,
        ))  # fmt: skip
        self.values[id(op.outputs[0])] = called
        return True

    def _unknown(self, op: TapedOperation) -> None:
        """Tell an operation that no layer is."""
        part = op.kind if "." in op.kind else f"tf.raw_ops.{op.kind}"
        reads = [one for one in op.inputs if self.chain.moves(one) and self.chain.handle(one) is None]
        self._node(
            op, part, [one for one in reads if len(one.shape)], op.kind.rpartition(".")[2].lower(), function=True
        )

    def _named(self, handle: int, kind: str) -> str:
        return layer_name(self.names.get(handle, ""), kind) or kind

    def _matmul(self, op: TapedOperation) -> bool:
        """Tell a product with a kernel, or one along the last axis of what is read and the first of a kernel."""
        x, w = op.inputs if op.call is None else (arguments_of(op)[name] for name in ("a", "b"))
        if op.call is not None and not along_last(arguments_of(op)["axes"], len(x.shape)):
            return False
        kernel = self.chain.handle(w)
        if kernel is None or len(w.shape) != 2 or turned(op):
            return kernel is not None and turned(op) and tied(self, op, x, kernel)
        return self._node(op, "tf.matmul", [x], self._named(kernel, "dense"), {"kernel_initializer": kernel},
                          units=int(w.shape[1]), use_bias=False)  # fmt: skip

    def _indexed(self, op: TapedOperation) -> bool:
        """Tell an index, as Python writes it."""
        x, begin, end, steps = op.inputs
        if self.chain.handle(x) is not None or any(self.chain.moves(one) for one in (begin, end, steps)):
            return False
        index = index_of(op.attributes, *(number_of(one).tolist() for one in (begin, end, steps)))
        return self._node(op, "tf.strided_slice", [x], "getitem", function=True, index=index)

    def _conv(self, op: TapedOperation, rank: int = 2) -> bool:
        if op.call is None:
            (x, w), said = op.inputs, op.attributes
        else:
            given = arguments_of(op)
            x, w, said = given["input"], given["filters"], {**given, "strides": given["stride"]}
        kernel, padding = self.chain.handle(w), padding_of(said)
        if kernel is None or padding is None:
            return False
        kind, shape = f"conv{rank}d", [int(one) for one in w.shape]
        return self._node(
            op, f"tf.nn.{kind}", [x], self._named(kernel, kind), {"kernel_initializer": kernel}, filters=shape[-1],
            kernel_size=sizes_of(shape[:-2], rank), strides=sizes_of(said["strides"], rank), padding=padding,
            use_bias=False, dilation_rate=sizes_of(said["dilations"], rank), groups=int(x.shape[-1]) // shape[-2],
        )  # fmt: skip

    def _depthwise(self, op: TapedOperation) -> bool:
        kernel, padding = self.chain.handle(op.inputs[1]), padding_of(op.attributes)
        if kernel is None or padding is None:
            return False
        shape = [int(one) for one in op.inputs[1].shape]
        return self._node(
            op, "tf.nn.depthwise_conv2d", [op.inputs[0]], self._named(kernel, "depthwise_conv2d"),
            {"depthwise_initializer": kernel}, kernel_size=shape[:2], depth_multiplier=shape[3], padding=padding,
            strides=sizes_of(op.attributes["strides"], 2), dilation_rate=sizes_of(op.attributes["dilations"], 2),
            use_bias=False,
        )  # fmt: skip

    def _sum(self, op: TapedOperation) -> bool:
        """Tell a bias of the layer that it is added to, or two tensors added."""
        first, second = op.inputs
        if self.chain.handle(first) is not None:
            first, second = second, first
        bias = self.chain.handle(second)
        if bias is None:
            return self._merged(op)
        node = self._last(first)
        if node is None or "use_bias" not in node.arguments or node.arguments["use_bias"]:
            return False
        if "activation" in node.arguments or len(second.shape) != 1 or int(second.shape[0]) != node.shape[-1]:
            return False
        node.arguments["use_bias"] = True
        kept = self.layers[node.layer]
        if kept.setdefault("bias_initializer", bias) != bias:
            return False
        kernel = next(iter(kept.values()))
        if (bias in self.trained) != (kernel in self.trained):
            return False
        self.values[id(op.outputs[0])] = node.name
        return True

    def _last(self, tensor: Any) -> ToldNode | None:
        """Return the layer that gives a tensor, where nothing else reads it."""
        name = self.values.get(id(tensor))
        if name is None or self._readers.get(id(tensor), 0) != 1:
            return None
        return next((one for one in self.nodes if one.name == name), None)

    def _activation(self, op: TapedOperation) -> bool:
        part = ACTIVATIONS[op.kind]
        given = arguments_of(op) if op.call is not None else {}
        told = {name: one for name, one in given.items() if name in ("approximate",)}
        if float(given.get("beta", 1.0)) != 1.0:
            return False
        if op.kind == "LeakyRelu":
            told["alpha"] = decimal_of(float(op.attributes["alpha"]))
        word = {"part": part, "arguments": told, "own": {}}
        x = next(one for one in op.inputs if self.chain.moves(one))
        node = self._last(x)
        if node is not None and "use_bias" in node.arguments and "activation" not in node.arguments:
            node.arguments["activation"] = word
            self.values[id(op.outputs[0])] = node.name
            return True
        return self._node(op, "activation", [x], part.rpartition(".")[2], function=True, of=word)

    def _merged(self, op: TapedOperation) -> bool:
        """Tell an operation of two tensors, or of a tensor and a number."""
        first, second = op.inputs
        if any(self.chain.handle(one) is not None for one in op.inputs):
            return False
        if not (self.chain.moves(first) and self.chain.moves(second)):
            return self._rescaled(op)
        if list(first.shape) != list(second.shape):
            return False
        kind = MERGES.get(op.kind)
        return kind is not None and self._node(op, kind, [first, second], kind, function=True)

    def _rescaled(self, op: TapedOperation) -> bool:
        if op.kind == "Neg":
            return self._node(op, "rescaling", [op.inputs[0]], "negative", function=True, scale=-1.0, offset=0.0)
        ahead = not self.chain.moves(op.inputs[0])
        x, number = (op.inputs[1], op.inputs[0]) if ahead else op.inputs
        c = number_of(number)
        if c.ndim or op.kind not in LINEAR or (ahead and op.kind == "RealDiv"):
            return False
        scale, offset = LINEAR[op.kind](decimal_of(float(c)), ahead)
        return self._node(op, "rescaling", [x], "rescaling", function=True, scale=scale, offset=offset)

    def _reshaped(self, op: TapedOperation) -> bool:
        x, shape = op.inputs[0], row_of(op.outputs[0])
        if self.chain.handle(x) is not None or len(x.shape) == 0:
            return False
        if int(op.outputs[0].shape[0]) != int(x.shape[0]) or int(x.shape[0]) != self.chain.rows:
            return False
        if shape == row_of(x):
            return self._passed(op)
        if not shape and row_of(x) == [1]:
            return self._node(op, "tf.strided_slice", [x], "getitem", function=True, index=[WHOLE, 0])
        told: dict[str, Any] = {} if len(shape) == 1 else {"target_shape": shape}
        kind = "flatten" if len(shape) == 1 else "reshape"
        return self._node(op, kind, [x], kind, function=True, **told)

    def _moved(self, op: TapedOperation) -> bool:
        first, *axes = (int(one) for one in number_of(op.inputs[1]))
        still = first == 0 and self.chain.handle(op.inputs[0]) is None
        return still and self._node(op, "permute", [op.inputs[0]], "permute", function=True, dims=axes)

    def _joined(self, op: TapedOperation) -> bool:
        *parts, axis = op.inputs
        if any(self.chain.handle(one) is not None or not self.chain.moves(one) for one in parts):
            return False
        rank = len(parts[0].shape)
        along = int(number_of(axis)) % rank
        return along > 0 and self._node(op, "concatenate", parts, "concatenate", function=True,
                                        axis=-1 if along == rank - 1 else along)  # fmt: skip

    def _dropped(self, op: TapedOperation) -> bool:
        given = arguments_of(op)
        if given.get("noise_shape") is not None or not isinstance(given["rate"], int | float):
            return False
        return self._node(op, "dropout", [given["x"]], "dropout", function=True, rate=float(given["rate"]))

    def _looked_up(self, op: TapedOperation) -> bool:
        table, numbers = op.inputs[:2]
        if op.call is not None:
            given = arguments_of(op)
            table, numbers = given["params"], given["ids"]
        handle = self.chain.handle(table)
        if handle is None or len(self.chain.variables[handle].shape) != 2:
            return False
        if op.kind == "GatherV2" and int(number_of(op.inputs[2])):
            return False
        size = [int(one) for one in self.chain.variables[handle].shape]
        return self._node(op, "tf.nn.embedding_lookup", [numbers], self._named(handle, "embedding"),
                          {"embeddings_initializer": handle}, input_dim=size[0], output_dim=size[1])  # fmt: skip

    def _cast(self, op: TapedOperation) -> bool:
        return op.outputs[0].dtype.name in ("float32", "float64", "int32", "int64") and self._passed(op)

    def _passed(self, op: TapedOperation) -> bool:
        self.values[id(op.outputs[0])] = self._value(op.inputs[0])
        return True


KINDS: dict[str, Callable[[TapedGraph, TapedOperation], bool]] = {
    "MatMul": TapedGraph._matmul, "BatchMatMulV2": TapedGraph._matmul, "Conv2D": TapedGraph._conv,
    "tf.nn.conv1d": lambda graph, op: graph._conv(op, 1), "Conv3D": lambda graph, op: graph._conv(op, 3),
    "DepthwiseConv2dNative": TapedGraph._depthwise, **dict.fromkeys(SUMS, TapedGraph._sum),
    **dict.fromkeys(("Sub", "Mul", "RealDiv", "Maximum", "Minimum"), TapedGraph._merged), "Neg": TapedGraph._rescaled,
    **dict.fromkeys(RESHAPES, TapedGraph._reshaped), "Transpose": TapedGraph._moved, "ConcatV2": TapedGraph._joined,
    **dict.fromkeys(("Mean", "Max"), averaged),
    **dict.fromkeys(("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D", "tf.nn.max_pool1d", "tf.nn.avg_pool1d"),
                    pooled),
    "tf.nn.dropout": TapedGraph._dropped, "Pad": padded, "PadV2": padded,
    "Cast": TapedGraph._cast, "StridedSlice": TapedGraph._indexed, "tf.tensordot": TapedGraph._matmul,
    **dict.fromkeys(("ResourceGather", "GatherV2", "tf.nn.embedding_lookup"), TapedGraph._looked_up),
    **dict.fromkeys(PASSING, TapedGraph._passed),
}  # fmt: skip
"""By kind, what tells an operation; False where it is not what it tells."""
