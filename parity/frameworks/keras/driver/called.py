"""What a layer or an operation of Keras's was called with beside the tensors that it reads, in words."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Sequence
from typing import Any

import keras

from parity.frameworks.keras.driver.tracing import same
from parity.frameworks.keras.driver.words import bare, word


def _words_of(tensors: Sequence[Any]) -> Any:
    """Return what makes a tensor its number among those that a call reads, and anything else a word."""
    numbers = {id(one): number for number, one in enumerate(tensors)}

    def told_as(one: Any) -> Any:
        if isinstance(one, keras.KerasTensor):
            return {"tensor": numbers[id(one)]} if id(one) in numbers else bare("a mask")
        if isinstance(one, keras.Variable):
            return {**bare("a variable"), "arguments": {"shape": list(one.shape)}}
        return word(one)

    return told_as


def operands_of(node: Any, tensors: Sequence[Any]) -> dict[str, Any]:
    """Return what an operation was called with, where that is more than tensors in their order."""
    told_as = _words_of(tensors)
    given = [keras.tree.map_structure(told_as, one) for one in node.arguments.args]
    more = {name: keras.tree.map_structure(told_as, one) for name, one in node.arguments.kwargs.items()}
    plain = [{"tensor": number} for number in range(len(node.input_tensors))]
    if not more and given in (plain, [plain]):
        return {}
    return {"operands": given, **more}


def bound_to(layer: Any, node: Any) -> dict[str, Any]:
    """Return what the arguments of a layer's ``call`` were given."""
    signature = inspect.signature(layer.call)
    given = {name: one for name, one in node.arguments.kwargs.items() if name in signature.parameters}
    return dict(signature.bind(*node.arguments.args, **given).arguments)


def masks_carried(layer: Any, node: Any, masks: Collection[Any]) -> set[int]:
    """Return the masks that a layer is told which are those that its tensors carry, by their identity."""
    told = [keras.tree.flatten(one) for name, one in bound_to(layer, node).items() if name.endswith("mask")]
    return {id(one) for every in told for one in every if any(same(one, mask) for mask in masks)}


def called_with(layer: Any, node: Any, tensors: Sequence[Any], carried: Collection[int]) -> dict[str, Any]:
    """Return what a layer was called with beside what it reads, by argument; ``training`` follows the model."""
    signature, told_as = inspect.signature(layer.call), _words_of(tensors)
    bound = bound_to(layer, node)
    plain = [{"tensor": number} for number in range(len(tensors))]
    found = {}
    for number, (name, one) in enumerate(bound.items()):
        if name.endswith("mask") and all(id(mask) in carried for mask in keras.tree.flatten(one) if mask is not None):
            continue
        said = keras.tree.map_structure(told_as, one)
        if name == "training" or (number == 0 and said in (plain, plain[0], tuple(plain))):
            continue
        if said != signature.parameters[name].default:
            found[name] = said
    return found
