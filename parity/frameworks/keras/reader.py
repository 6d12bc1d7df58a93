"""What of Keras's programs is no renaming: layers that are activations, layers that hold layers, operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from parity.catalog import ACTIVATIONS, METRICS
from parity.frameworks.keras.apart import parameters_in
from parity.frameworks.keras.warmed import warmed_cosine
from parity.lazy import np
from parity.ops.merging import mergeable
from parity.reading.entries_of import entry_of, shown_word
from parity.reading.indexed import indexed
from parity.reading.odd import Passing, Reader, Said
from parity.reading.unread import NoEntryError
from parity.run.told import Told, ToldNode, Word

MERGES = {
    "add": "add", "subtract": "subtract", "multiply": "multiply", "maximum": "maximum", "minimum": "minimum",
}  # fmt: skip
"""Operations of two tensors, and the layers that they are."""

POOLED = {"mean": "average", "max": "max"}

POOLINGS = [f"{kind}Pooling{rank}D" for kind in ("Max", "Average") for rank in (1, 2, 3)]

UNSAID: dict[str, dict[str, Any]] = {
    **{name: {"strides": "pool_size"} for name in POOLINGS},
    "MultiHeadAttention": {"attention_axes": [1]},
    "LayerNormalization": {"rms_scaling": False},
}
"""Arguments that a configuration tells though nobody said them: their value then, or the argument that has it."""

METRIC_NAMES = {
    "accuracy": "accuracy", "acc": "accuracy", "mean_absolute_error": "mae", "mean_squared_error": "mse",
    "keras.metrics.MeanAbsoluteError": "mae", "keras.metrics.MeanSquaredError": "mse", "MSE": "mse", "MAE": "mae",
    "keras.metrics.BinaryAccuracy": "binary_accuracy",
    "keras.metrics.CategoricalAccuracy": "categorical_accuracy",
    "keras.metrics.SparseCategoricalAccuracy": "sparse_categorical_accuracy",
}  # fmt: skip

HARMLESS = {
    **{f"keras.callbacks.{name}": "" for name in (
        "History", "ProgbarLogger", "ModelCheckpoint", "TensorBoard", "CSVLogger", "BackupAndRestore", "TerminateOnNaN",
        "RemoteMonitor",
    )},
    "keras.callbacks.EarlyStopping": "EarlyStopping is left out: the spec trains all epochs",
}  # fmt: skip
"""Callbacks that change nothing of a step, and what is to be said of them."""


class KerasReader(Reader):
    """Keras's layers tell their configuration; most tables read it as it is."""

    ignored: ClassVar = frozenset({"trainable", "name", "dtype", "seed", "autocast"})
    opaque: ClassVar = True
    beside: ClassVar = frozenset({"data_format"})

    def word(self, part: Word) -> Word:
        name, arguments = part["part"], dict(part.get("arguments", {}))
        for argument, value in UNSAID.get(name.rpartition(".")[2], {}).items():
            if arguments.get(argument) == (arguments.get(value) if isinstance(value, str) else value):
                arguments.pop(argument, None)
        part = {**part, "arguments": arguments}
        if name == "keras.activations.relu":
            return _plain_relu(part)
        if name == "keras.optimizers.Adam" and arguments.get("weight_decay"):
            return {**part, "part": "keras.optimizers.AdamW"}  # Keras has it around every rule; AdamW is Adam so.
        if name == "keras.optimizers.AdamW" or not name.startswith("keras.optimizers."):
            return part
        if arguments.pop("weight_decay", None):
            raise NoEntryError("a decay that is taken off the weights, which of optimizers adamw alone has")
        return {**part, "arguments": arguments}

    def entry(self, name: str) -> Mapping[str, Any] | None:
        return {"linear": {}} if name == "keras.activations.linear" else None

    def said(self, part: Word) -> Mapping[str, Any] | None:
        return warmed_cosine(part)

    def odd(self, node: ToldNode) -> Said | Passing | None:
        family, _, name = node.part.rpartition(".")
        axis = node.arguments.get("axis")
        if family == "keras.layers" and axis in (len(node.shape), [len(node.shape)]):
            node.arguments["axis"] = -1  # The last one, counted from the front.
        if name == "Conv1D" and node.arguments.get("padding") == "causal":  # Zeros ahead of the first step alone.
            size, apart = (np.ravel(node.arguments.get(one, 1))[0] for one in ("kernel_size", "dilation_rate"))
            node.arguments["padding"] = [int(apart) * (int(size) - 1), 0]
        if family == "keras.layers" and name in LAYERS:
            return LAYERS[name](node)
        return operation(name, node) if family == "keras.ops" else None

    def metric(self, told: Word) -> str | None:
        if not isinstance(told, Mapping):
            name = str(told).lower() if str(told).lower() in ("accuracy", "acc") else str(told)
            return METRIC_NAMES.get(name, name if name in METRICS else None)
        own = told.get("own", {})
        other = [
            one for one, value in told.get("arguments", {}).items() if one not in self.ignored and value != own[one]
        ]
        return None if other or not told["part"].startswith("keras.") else METRIC_NAMES.get(told["part"])

    def harmless(self, callback: Word) -> str | None:
        name = callback["part"] if isinstance(callback, Mapping) else str(callback)
        return HARMLESS.get(name)

    def known(self, told: Told, tensor: str) -> str:
        rule = told.optimizer["part"].rpartition(".")[2] if isinstance(told.optimizer, Mapping) else ""
        if not tensor.endswith(".embeddings") or rule == "SGD":
            return ""
        return (
            f"Keras gives {rule} the gradient of an embedding as slices, and it squares each: of a token that a batch "
            "has twice, its step is not that of the gradient"
        )

    def canonical(self, kind: str, tensor: str) -> tuple[str, ...]:
        return parameters_in(kind, tensor)

    def adjusted(self, config: dict[str, Any], told: Told) -> dict[str, Any]:
        low = told.precision.removeprefix("mixed_")
        if low != told.precision:
            config["numerics"] = {"mixed_precision": low}
        return config


def _function(name: str, **fields: Any) -> Said:
    return Said("activation", {"function": {name: fields} if fields else name})


def _plain_relu(part: Word) -> Word:
    """Return what a relu is that is told more than that it is one."""
    told = part["arguments"]
    slope, most, start = (told.get(name) for name in ("negative_slope", "max_value", "threshold"))
    if start or (most is not None and (most != 6.0 or slope)):
        said = f"max_value={most}, negative_slope={slope}, threshold={start}"
        raise NoEntryError(f"an activation that is relu with {said}")
    name = "relu6" if most is not None else "leaky_relu" if slope else "relu"
    return {"part": f"keras.activations.{name}", "arguments": {"negative_slope": slope} if name == "leaky_relu" else {}}


def _relu(node: ToldNode) -> Said:
    word = {"part": "keras.activations.relu", "arguments": node.arguments}
    return Said("activation", {"function": entry_of(word, "keras", "activation")})


def _softmax(node: ToldNode) -> Said:
    _last_axis(node)
    return _function("softmax")


def _last_axis(node: ToldNode) -> None:
    axis = node.arguments.get("axis", -1)
    if axis not in (-1, len(node.shape)):
        raise NoEntryError(f"a softmax along axis {axis}")


def _held(node: ToldNode, **more: Any) -> Said:
    """Return a layer that holds another one."""
    kind = {"Bidirectional": "bidirectional", "TimeDistributed": "time_distributed"}[node.part.rpartition(".")[2]]
    layer = node.arguments["layer"]
    if kind == "bidirectional":  # What it sets itself in the layer, and its entry does, too.
        layer = {**layer, "arguments": {**layer["arguments"], "zero_output_for_mask": False}}
    return Said(kind, {"layer": entry_of(layer, "keras", "op"), **more})


def _both_ways(node: ToldNode) -> Said:
    backward, forward = node.arguments.get("backward_layer"), node.arguments["layer"]
    if backward is not None:
        ahead, back = (dict(one["arguments"]) for one in (forward, backward))
        if {**back, "go_backwards": ahead["go_backwards"]} != ahead or forward["part"] != backward["part"]:
            raise NoEntryError("a bidirectional whose backward layer is another one than the forward layer")
    if "merge_mode" in node.arguments and node.arguments["merge_mode"] is None:
        raise NoEntryError("a bidirectional that gives both outputs")
    return _held(node, merge_mode=node.arguments.get("merge_mode", "concat"))


def _attention(node: ToldNode) -> Said:
    """Return an attention: query, value and, where it is another tensor, key."""
    called = dict(node.called)
    causal = bool(called.pop("use_causal_mask", False))
    numbers = {name: called.pop(name, {}).get("tensor") for name in ("query", "value", "key")}
    if called:
        name, value = next(iter(called.items()))
        raise NoEntryError(
            f"a field of multi_head_attention that says that it is called with {name}={shown_word(value)}"
        )
    query = numbers["query"] or 0
    value = query if numbers["value"] is None else numbers["value"]
    key = value if numbers["key"] is None else numbers["key"]
    reads = [node.reads[one] for one in (query, value, key)]
    kept = (query, value, key) if reads[2] != reads[1] else (query, value) if reads[1] != reads[0] else (query,)
    arguments = dict(node.arguments)
    if arguments.get("value_dim") == arguments.get("key_dim"):
        arguments["value_dim"] = None
    word = {"part": node.part, "arguments": arguments, "own": node.own}
    return Said(
        "multi_head_attention", {**entry_of(word, "keras", "op")["multi_head_attention"], "causal": causal}, kept
    )


def _table(node: ToldNode) -> Said | None:
    """Return an embedding of the numbers of places that is added to a sequence; None of any other."""
    if not node.arguments.get("places"):
        return None
    arguments = {name: one for name, one in node.arguments.items() if name != "places"}
    fields = dict(entry_of({"part": node.part, "arguments": arguments, "own": node.own}, "keras", "op")["embedding"])
    if fields.pop("mask_zero", False):
        raise NoEntryError("a field of position_embedding that says mask_zero=True")
    rows = fields.pop("input_dim")
    kept = {name: one for name, one in fields.items() if name.startswith("embeddings_")}
    return Said("position_embedding", kept | ({"sequence_length": rows} if rows != node.shape[0] else {}))


def _held_norm(node: ToldNode) -> Said | None:
    """Return a norm that is always called as in evaluation; None of any other, which its table reads."""
    if node.called != {"training": False}:
        return None
    word = {"part": node.part, "arguments": node.arguments, "own": node.own}
    return Said("batch_norm", {**entry_of(word, "keras", "op")["batch_norm"], "freeze_statistics": True})


LAYERS: dict[str, Callable[[ToldNode], Said | Passing | None]] = {
    "BatchNormalization": _held_norm,
    "Embedding": _table,
    "ReLU": _relu,
    "LeakyReLU": lambda node: _function("leaky_relu", negative_slope=node.arguments["negative_slope"]),
    "ELU": lambda node: _function("elu", alpha=node.arguments["alpha"]),
    "Softmax": _softmax,
    "Bidirectional": _both_ways,
    "TimeDistributed": _held,
    "MultiHeadAttention": _attention,
    "Identity": lambda node: Passing(),
}
"""Layers that a table does not read by itself."""


def operation(name: str, node: ToldNode) -> Said | Passing:
    """Return a call of a function of ``keras.ops`` as the layer that it is.

    Raises:
        NoEntryError: when no layer is it.
    """
    made = OPERATIONS.get(name)
    if made is not None:
        return made(node)
    if name in MERGES and len(node.reads) == 2 and not node.called:
        if not mergeable([tuple(one) for one in node.read_shapes]):
            raise NoEntryError(
                f"a layer that {name}s tensors of shapes {node.read_shapes[0]} and {node.read_shapes[1]}"
            )
        return Said(MERGES[name])
    if len(node.reads) == 1 and name in LINEAR:
        return _rescaled(name, node)
    if (
        name in {part.natives["keras"].title for part in ACTIVATIONS.values() if "keras" in part.natives}
        and not node.called
    ):
        _last_axis(node) if "axis" in node.arguments else None
        told = {key: one for key, one in node.arguments.items() if key != "axis"}
        word = {"part": f"keras.activations.{name}", "arguments": told, "own": node.own}
        return Said("activation", {"function": entry_of(word, "keras", "activation")})
    said = node.called.get("operands") or [{"tensor": number} for number in range(len(node.reads))]
    numbers = [shown_word(one) for one in said if not (isinstance(one, Mapping) and "tensor" in one)]
    beside = f" with {', '.join(numbers)}" if numbers else ""
    raise NoEntryError(f"a layer that does what keras.ops.{name} does{beside}")


LINEAR: dict[str, Callable[[float, bool], tuple[float, float]]] = {
    "add": lambda c, first: (1.0, c),
    "subtract": lambda c, first: (-1.0, c) if first else (1.0, -c),
    "multiply": lambda c, first: (c, 0.0),
    "true_divide": lambda c, first: (1.0 / c, 0.0),
    "divide": lambda c, first: (1.0 / c, 0.0),
}
"""What an operation with a number makes of a tensor: a scale and an offset; whether the number stands first."""


def _rescaled(name: str, node: ToldNode) -> Said:
    operands = node.called.get("operands", [])
    numbers = [one for one in operands if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(operands) != 2 or len(numbers) != 1 or len(node.called) > 1:
        if not operands and name in ("add", "multiply"):
            raise NoEntryError(f"a layer that {name}s a tensor to itself")
        raise NoEntryError(f"a layer that does what keras.ops.{name} does with {', '.join(map(shown_word, operands))}")
    first = operands[0] is numbers[0] or operands[0] == numbers[0]
    if first and "divide" in name:
        raise NoEntryError("a layer that divides a number by a tensor")
    scale, offset = LINEAR[name](float(numbers[0]), first)
    return Said("rescaling", {"scale": scale, "offset": offset})


def _reshaped(node: ToldNode) -> Said:
    shape = node.arguments.get("newshape") or node.arguments.get("shape")
    if shape is not None and (shape[0] not in (-1, None) or any(one is None for one in node.shape)):
        raise NoEntryError(f"a reshape to {shape}, which says the number of rows")
    if math.prod(node.shape) != math.prod(node.read_shapes[0]):
        raise NoEntryError(f"a reshape that mixes rows, of {node.read_shapes[0]} to {node.shape}")
    return Said("flatten") if len(node.shape) == 1 else Said("reshape", {"target_shape": node.shape})


def _moved(node: ToldNode) -> Said:
    axes = node.arguments.get("axes") or [*range(len(node.shape), -1, -1)]
    if axes[0] != 0:
        raise NoEntryError("a layer that moves the axis of rows")
    return Said("permute", {"dims": axes[1:]})


def _pooled(node: ToldNode) -> Said:
    name = node.part.rpartition(".")[2]
    axis, rank = node.arguments.get("axis"), len(node.read_shapes[0])
    axes = sorted(one % (rank + 1) for one in ([axis] if isinstance(axis, int) else axis or [-1]))
    if axes != [*range(1, rank)] or not 2 <= rank <= 4:
        raise NoEntryError(f"a layer that takes the {name} along axis {axis} of {node.read_shapes[0]}")
    return Said(f"global_{POOLED[name]}_pooling{rank - 1}d", {"keepdims": bool(node.arguments.get("keepdims"))})


def _joined(node: ToldNode) -> Said:
    return Said("concatenate", {"axis": node.arguments.get("axis", -1)})


def _indexed(node: ToldNode) -> Said:
    """Return what an index takes of each row."""
    index = node.called.get("operands", [None, None])[1:]
    found = indexed(index[0], node.read_shapes[0]) if len(index) == 1 and len(node.reads) == 1 else None
    if found is None and math.prod(node.shape) == math.prod(node.read_shapes[0]):
        return _reshaped(node)
    if found is None:
        raise NoEntryError("a layer that takes places whose numbers are computed")
    return found


def _cast(node: ToldNode) -> Passing:
    kind = str(node.arguments.get("dtype"))
    if not kind.startswith("float"):
        raise NoEntryError(f"a layer that makes {kind} of numbers")
    return Passing()


OPERATIONS: dict[str, Callable[[ToldNode], Said | Passing]] = {
    "reshape": _reshaped, "squeeze": _reshaped, "expand_dims": _reshaped, "transpose": _moved, "mean": _pooled,
    "max": _pooled, "concatenate": _joined, "cast": _cast, "negative": lambda node: Said("rescaling", {"scale": -1.0}),
    "get_item": _indexed,
}  # fmt: skip

READER = KerasReader()
