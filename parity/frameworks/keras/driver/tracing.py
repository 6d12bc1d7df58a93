"""A Keras model called with symbolic tensors, as ``fit`` calls it, so that every call of a layer shows.

A layer that is a program's own, and a model in a model, is gone into: its ``call`` runs on the same symbolic tensors,
by Keras's own ``Layer.__call__``. So modes and masks come to each layer within by the rules that hold in training: what
a line says, what the call around it has, or what the layer has by itself; a functional model tells all its layers its
mode, whatever a line said (read in ``layers/layer`` and ``models/functional``, keras 3).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from textwrap import shorten
from types import MappingProxyType
from typing import Any

import keras

from parity.frameworks.keras.driver.places import KerasPlaces
from parity.frameworks.keras.driver.words import attributes, name_of
from parity.run.here import line_here
from parity.run.told import ToldRefusal


class UntoldError(Exception):
    """A model cannot be told; carries what stands in the way."""

    def __init__(self, refusal: ToldRefusal) -> None:
        super().__init__(refusal.what)
        self.refusal = refusal


@dataclass(frozen=True, kw_only=True)
class CallSeen:
    """What is seen of one call of a layer or a function beside its arguments.

    Args:
        mode: what it is told of training; None where it is told nothing.
        masks: of tensors that it is given, by their identity, the masks that they carry.
        stack: calls of layers of the program's own, and models, that it is made in, the outermost first.
        why: what stood in the way of going into it.
    """

    mode: bool | None = None
    masks: Mapping[int, Any] = field(default_factory=dict)
    stack: tuple[OwnCall, ...] = ()
    why: str = ""

    @property
    def within(self) -> Any:
        """Return the innermost layer of the program's own, or model, that calls it."""
        return self.stack[-1].layer if self.stack else None


@dataclass(eq=False, kw_only=True)
class OwnCall:
    """A call of a layer of the program's own, or of a model, that is gone into.

    Args:
        layer: that is called.
        args: that it is given, like ``given``, by name.
        given: as there.
        outputs: symbolic tensors that it gives.
    """

    layer: Any
    args: Any
    given: Any
    outputs: list[Any] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class AddedLoss:
    """What a layer adds to the loss itself, by ``add_loss``.

    Args:
        layer: that does.
        tensors: symbolic ones; none of a layer that is not gone into.
        place: line of the program.
    """

    layer: Any
    tensors: list[Any]
    place: str = ""


def is_entered(layer: Any) -> bool:
    """Return whether a layer is gone into: one of a program's own, one of a function of it, or a model."""
    return isinstance(layer, keras.Model | keras.layers.Lambda) or (
        isinstance(layer, keras.Layer) and name_of(type(layer)) is None
    )


class Trace:
    """One call of a model, with all calls within.

    Args:
        model: of Keras.
        given: symbolic tensors, in the structure that the model is called with.
        mode: of the model: whether it trains.
        closed: layers of the program's own that are not gone into, by their identity, and why.

    ``inputs`` has the symbolic tensors, ``outputs`` what it returns, ``nodes`` the calls, each behind what it reads,
    ``masks`` the masks of outputs by the identity of the tensors, ``calls`` what was gone into, ``added`` what layers
    add to the loss.
    """

    def __init__(self, model: Any, given: Any, mode: bool, closed: Mapping[int, str] = MappingProxyType({})) -> None:
        self.calls: list[OwnCall] = []
        self.places = KerasPlaces()
        self.added: list[AddedLoss] = []
        self.model, self.mode, self._closed = model, mode, closed
        self._seen: dict[int, CallSeen] = {}
        self._kept: list[Any] = []  # Nodes whose identities stand above.
        self._mode: bool | None = None
        self._stack: list[OwnCall] = []
        self._whys: dict[int, str] = {}
        self._ends: list[list[tuple[Any, Any]]] = []
        with self._entering(), _of_the_backend():
            self.outputs = model(given, training=mode)
        self.inputs = keras.tree.flatten(given)
        flat = keras.tree.flatten(self.outputs)
        graph = keras.Function(self.inputs, flat)
        depths = sorted(graph._nodes_by_depth, reverse=True)
        self.nodes = [
            node for depth in depths for node in graph._nodes_by_depth[depth] if node.operation and not node.is_input
        ]
        self.masks = _masks(flat)

    def closes(self, layer: Any) -> bool:
        """Return whether a layer is not gone into because that was asked for."""
        return id(layer) in self._closed

    def seen(self, node: Any) -> CallSeen:
        """Return what was seen of a call."""
        return self._seen.get(id(node), CallSeen())

    @contextmanager
    def _entering(self) -> Iterator[None]:
        """Within it, layers of a program's own and models show what they call in place of themselves."""
        operation, layer = keras.Operation, keras.Layer
        before = operation.symbolic_call, layer.symbolic_call, layer.__call__, layer.add_loss
        filtered = keras.config.is_traceback_filtering_enabled()
        keras.config.disable_traceback_filtering()  # It makes other errors of those that come by.

        def calls(one: Any, *args: Any, **given: Any) -> Any:
            return self._called(before[2], one, args, given)

        def functions(one: Any, *args: Any, **given: Any) -> Any:
            return self._function(before[0], one, args, given)

        def layers(one: Any, *args: Any, **given: Any) -> Any:
            return self._layer(before[1], one, args, given)

        def adds(one: Any, loss: Any) -> None:
            found = [x for x in keras.tree.flatten(loss) if isinstance(x, keras.KerasTensor)]
            if not found and any(call.layer is one for call in self._stack):
                what = f"{type(one).__name__}.add_loss of what no layer gives"  # Its gradient comes on top.
                raise UntoldError(ToldRefusal(what=what, place=line_here(), needs="a regularizer of a layer"))
            self.added.append(AddedLoss(layer=one, tensors=found, place=line_here()))

        operation.symbolic_call, layer.symbolic_call, layer.__call__ = functions, layers, calls
        layer.add_loss = adds
        try:
            yield
        finally:
            operation.symbolic_call, layer.symbolic_call, layer.__call__, layer.add_loss = before
            if filtered:
                keras.config.enable_traceback_filtering()

    def _called(self, call: Any, layer: Any, args: Any, given: Any) -> Any:
        tensors = [one for one in keras.tree.flatten((args, given)) if isinstance(one, keras.KerasTensor)]
        masks, known = _masks(tensors), len(layer._inbound_nodes)
        if tensors and is_entered(layer):
            self._ends.append([])
            outputs = call(layer, *args, **given)
            for tensor, history in self._ends.pop():
                tensor._keras_history = history  # That of the call within, not of the layer around it.
        else:
            outputs = call(layer, *args, **given)
            if not tensors and not given:
                self.places.see(layer, args, outputs)
        why = self._whys.get(id(layer), "")
        for node in layer._inbound_nodes[known:]:
            self._note(node, CallSeen(mode=self._mode, masks=masks, stack=tuple(self._stack), why=why))
        return outputs

    def _layer(self, call: Any, layer: Any, args: Any, given: Any) -> Any:
        if not is_entered(layer) or id(layer) in self._closed:
            self._whys[id(layer)] = self._closed.get(id(layer), "")
            return self._as_one(call, layer, args, given)
        within, ends = OwnCall(layer=layer, args=args, given=given), len(self._ends)
        marks = len(self.calls), len(self.added), len(self._stack)
        self.calls.append(within)
        self._stack.append(within)
        try:
            outputs = layer.call(*args, **given)
        except UntoldError:
            raise
        except Exception as error:
            del self.calls[marks[0] :], self.added[marks[1] :], self._stack[marks[2] :], self._ends[ends:]
            self._whys[id(layer)] = f"it cannot be traced ({line_of(error)})"
            return self._as_one(call, layer, args, given, error)
        self._stack.pop()
        if layer.activity_regularizer is not None and not isinstance(layer, keras.Model):
            what = f"activity_regularizer of {type(layer).__name__}, a layer of the program's own,"
            needs = "one of a layer that an entry is"
            raise UntoldError(ToldRefusal(what=what, place=place_of_call(layer), needs=needs))
        within.outputs = [one for one in keras.tree.flatten(outputs) if isinstance(one, keras.KerasTensor)]
        self._ends[-1] = [(one, one._keras_history) for one in within.outputs]
        return outputs

    def _as_one(self, call: Any, layer: Any, args: Any, given: Any, error: Exception | None = None) -> Any:
        """Return what a call gives that is not gone into.

        Raises:
            UntoldError: when Keras cannot tell that either, or when it is the model itself.
        """
        own = inspect.signature(layer.call).parameters.get("training")
        by_itself = own.default if own is not None and own.default is not inspect.Parameter.empty else None
        self._mode = given.get("training", by_itself)
        if layer is not self.model:
            try:
                return call(layer, *args, **given)
            except Exception as again:
                if not is_entered(layer):
                    raise
                error = again
        assert error is not None
        what = f"{type(layer).__name__}.call, which cannot be traced ({line_of(error)}),"
        other = "A KerasTensor cannot be used as input to a TensorFlow function" in str(error)
        needs = "functions of keras.ops there" if other else "a call that is the same whatever the numbers are"
        raise UntoldError(ToldRefusal(what=what, place=place_of_call(layer), needs=needs)) from error

    def _function(self, call: Any, operation: Any, args: Any, given: Any) -> Any:
        converts = isinstance(operation, keras.src.ops.core.ConvertToTensor)  # As a model does with its inputs.
        if converts and operation.dtype in (None, args[0].dtype):
            return args[0]
        if not getattr(operation, "_parity_place", ""):
            object.__setattr__(operation, "_parity_place", line_here())
        masks, known = _masks(one for one in keras.tree.flatten((args, given))), len(operation._inbound_nodes)
        outputs = call(operation, *args, **given)
        for node in operation._inbound_nodes[known:]:
            self._note(node, CallSeen(masks=masks, stack=tuple(self._stack)))
        return outputs

    def _note(self, node: Any, seen: CallSeen) -> None:
        self._seen[id(node)] = seen
        self._kept.append(node)


def _of_the_backend() -> AbstractContextManager[None]:
    """Return within what the backend's own functions take symbolic tensors."""
    if keras.config.backend() != "tensorflow":
        return nullcontext()
    from parity.frameworks.keras.driver.tensor_functions import in_keras

    return in_keras()


def _masks(tensors: Any) -> dict[int, Any]:
    """Return the masks that symbolic tensors carry, by the identity of the tensors."""
    found = {id(one): keras.src.backend.get_keras_mask(one) for one in tensors if isinstance(one, keras.KerasTensor)}
    return {key: mask for key, mask in found.items() if mask is not None}


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same, or tensors that the same calls make of the same tensors."""
    if one is other:
        return True
    if not isinstance(one, keras.KerasTensor) or not isinstance(other, keras.KerasTensor):
        return type(one) is type(other) and isinstance(one, bool | int | float | str) and bool(one == other)
    histories = one._keras_history, other._keras_history
    operations = [history.operation for history in histories]
    if operations[0] is not operations[1] and (
        isinstance(operations[0], keras.Layer)
        or type(operations[0]) is not type(operations[1])
        or attributes(operations[0]) != attributes(operations[1])
    ):
        return False
    if operations[0] is None or histories[0].tensor_index != histories[1].tensor_index:
        return False
    given = [
        keras.tree.flatten((node.arguments.args, node.arguments.kwargs))
        for node in (history.operation._inbound_nodes[history.node_index] for history in histories)
    ]
    return bool(given[0]) and len(given[0]) == len(given[1]) and all(map(same, *given))


def place_of_call(layer: Any) -> str:
    """Return the line in which the class of a layer defines its ``call``."""
    code = getattr(type(layer).call, "__code__", None)
    return f"{os.path.basename(code.co_filename)}, line {code.co_firstlineno}" if code is not None else ""


def line_of(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {shorten(str(error), 160, placeholder=' ...')}"
