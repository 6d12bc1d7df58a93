"""What an entry says about itself to the compiler: code fragments, parameters, worked cases.

These are plain records. An op's three templates return :class:`KerasCode`, :class:`TensorFlowCode` and
:class:`TorchCode`; ``parity.compile`` lays them out as one readable module per framework.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from parity.entries import Shape

if TYPE_CHECKING:
    import numpy as np

    from parity.constraints import Constraint
    from parity.initializers import Initializer
    from parity.regularizers import Regularizer

Layout = Literal["as_said", "to_first", "to_last", "any"]
"""How a tensor lies against the shape that the spec gives it: as it says; with its last axis moved to the front; with
its first axis moved to the end. The batch axis stays where it is. A layer that does not care says ``any``."""

Axes = tuple[int, ...]
"""A permutation of the axes of a batch, its own axis 0 included."""


def axes_of(layout: Layout, rank: int) -> Axes:
    """Return where the axes of a batch come from: those of the spec's shape, of so many axes beside the batch.

    >>> axes_of("to_first", 3), axes_of("to_last", 3)
    ((0, 3, 1, 2), (0, 2, 3, 1))
    """
    if layout == "to_first":
        return (0, rank, *range(1, rank))
    return (0, *range(2, rank + 1), 1) if layout == "to_last" else tuple(range(rank + 1))


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One tensor a layer keeps, in the canonical layout (channels last, kernels ``[..., in, out]``).

    Args:
        shape: canonical shape.
        initializer: how it starts.
        fan_in: inputs that feed one output, for initializers that scale by it.
        fan_out: outputs that one input feeds.
        feeds: inputs that feed one output of the layer, which PyTorch also scales biases by.
        trainable: False for running statistics, which the forward pass moves and the optimizer does not.
        regularizer: what it adds to the loss.
        constraint: what it is made to be after every update.
    """

    shape: Shape
    initializer: Initializer
    fan_in: int
    fan_out: int
    feeds: int
    trainable: bool = True
    regularizer: Regularizer | None = None
    constraint: Constraint | None = None


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a layer stands in a model.

    Args:
        name: the layer's name, a Python identifier.
        input_shape: shape of what it reads, without the batch axis, as the spec says it.
        layout: how the tensor lies when it reaches this layer, had it nothing to say in that.
        linear: leave the activation out here; the loss applies it (see ``Loss.fused``).
        input_shapes: of everything that it reads, where that is more than one tensor.
        arguments: what its code calls what it reads.
        masked: of each that it reads, whether it has a mask; of a layer that goes by masks, its code is given them:
            ``mask`` for ``x``, else the name with ``_mask`` behind it.
        framework: that it is written for, which may be one that falls back on the template's.
    """

    name: str
    input_shape: Shape
    layout: Layout = "as_said"
    linear: bool = False
    input_shapes: tuple[Shape, ...] = ()
    arguments: tuple[str, ...] = ("x",)
    masked: tuple[bool, ...] = ()
    framework: str


@dataclass(frozen=True, kw_only=True)
class Helper:
    """A function or class that fragments need once at the top of a program.

    Args:
        name: of it.
        source: as it stands in the program.
        imports: lines that it needs above it.
        freezes: it keeps some parameters of what it is given as they start.
    """

    name: str
    source: str
    imports: tuple[str, ...] = ()
    freezes: bool = False


@dataclass(frozen=True, kw_only=True)
class KerasCode:
    """A layer in Keras: one expression that builds it.

    Args:
        layer: the expression.
        comment: one line, when something here is not the obvious choice.
        helpers: classes the expression calls.
        reads: layout it must be given.
        writes: layout of what it returns; ``any`` means as it came.
        weights: parameters that are not attributes of the layer by their names, and the paths from it to them.
        shapes: of these, the shapes that they are kept in where that is not the canonical one.
        called: what it is called with, ``{x}`` standing for what it reads, where that is more than the tensor itself.
    """

    layer: str
    comment: str = ""
    helpers: tuple[Helper, ...] = ()
    reads: Layout = "as_said"
    writes: Layout = "as_said"
    weights: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    called: str = ""


@dataclass(frozen=True, kw_only=True)
class TensorFlowCode:
    """A layer in raw TensorFlow: the body of a method ``name(self, x)``; variables are ``self.NAME_PARAMETER``.

    A layer that reads several has a method of the site's arguments.

    Args:
        body: statements; the last one returns.
        training: the method also takes ``training``.
        doc: one line saying what the layer does.
        helpers: functions the body calls.
        reads: layout it must be given.
        writes: layout of what it returns; ``any`` means as it came.
    """

    body: tuple[str, ...]
    doc: str
    training: bool = False
    helpers: tuple[Helper, ...] = ()
    reads: Layout = "as_said"
    writes: Layout = "as_said"


@dataclass(frozen=True, kw_only=True)
class TorchWeight:
    """Where a canonical parameter lives in PyTorch: ``value.permute(axes)`` goes to ``attribute``.

    Args:
        attribute: dotted path from the model.
        axes: permutation of the canonical axes; None where both lie alike.
        blocks: the canonical last axis is made of equal blocks, which PyTorch has in this order.
        beside: further attributes: the canonical first axis counts them, ``attribute`` being the first.
    """

    attribute: str
    axes: tuple[int, ...] | None = None
    blocks: tuple[int, ...] | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TorchCode:
    """A layer in PyTorch.

    Args:
        modules: attribute to constructor, in order; an attribute may be the layer's name or ``NAME_suffix``.
        forward: expression in the site's arguments that applies them: in ``x``.
        reads: layout it must be given; ``any`` for elementwise layers.
        writes: layout of what it returns; ``any`` means as it came.
        weights: canonical parameter to its place.
        output: attribute whose output is the layer's output; empty where ``forward`` calls no module.
        part: of that output, where it is a part of it: numbers that lead into tuples, then, counted from the end and
            so below 0, a step of the tensor, behind the batch axis.
        comment: one line, when something here is not the obvious choice.
        helpers: functions the code calls.
        ties: parameters of its modules that are those of other layers, by their paths from the model.
    """

    modules: Mapping[str, str]
    forward: str
    reads: Layout = "as_said"
    writes: Layout = "as_said"
    weights: Mapping[str, TorchWeight] = field(default_factory=dict)
    output: str = ""
    part: tuple[int, ...] = ()
    comment: str = ""
    helpers: tuple[Helper, ...] = ()
    ties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """Where an optimizer keeps one canonical slot in one framework.

    Args:
        attribute: Keras and raw TensorFlow: list attribute of the optimizer, one variable a parameter, or one variable
            with a number that all parameters share; PyTorch: key in ``optimizer.state[parameter]``, or, with a dot
            ahead, an attribute of the optimizer that has one for each parameter.
        scale: canonical value = scale * stored value.
    """

    attribute: str
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class OptimizerCode:
    """An optimizer in one framework.

    Args:
        build: expression that makes it; ``model`` is in scope.
        slots: canonical slot name to its place.
        helpers: classes the expression calls.
        doc: one line with the update rule.
        comment: one line, when something here is not the obvious choice.
        then: calls of its methods that follow, before it is built.
    """

    build: str
    slots: Mapping[str, Slot]
    doc: str
    helpers: tuple[Helper, ...] = ()
    comment: str = ""
    then: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LossCode:
    """A loss in one framework: the body of ``build_loss()``.

    Args:
        body: statements, the last one returns the loss function.
        doc: one line with the formula.
        comment: said above the body when something here is not the obvious choice.
        weighs: the loss takes sample weights beside outputs and targets; else, where a side has such, it gives the
            losses of the rows.
    """

    body: tuple[str, ...]
    doc: str
    comment: str = ""
    weighs: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """A case worked by hand, named for what it shows.

    Args:
        shows: what the case shows, in words.
        fields: the entry's fields.
        x: input, with its batch axis; for an optimizer the gradients of successive steps; for an initializer uniform
            numbers of a dense kernel.
        parameters: canonical parameters; for an optimizer the starting value under ``w``.
        expected: what must come out.
        steps: for layers that know masks, the mask of what it reads, of several a list of them or None.
        targets: for losses and metrics.
        mask: for dropout, 1 where kept.
        statistics: for layers that keep running statistics, what they are after a step in training, whose output is
            expected; without them the output is that of evaluation.
    """

    shows: str
    fields: Mapping[str, Any]
    x: Any
    expected: Any
    parameters: Mapping[str, Any] = field(default_factory=dict)
    steps: Any = None
    targets: Any = None
    mask: Any = None
    statistics: Mapping[str, Any] | None = None


Arrays = Mapping[str, "np.ndarray"]
"""Named tensors."""


def lines_at(indent: int, lines: Iterable[str]) -> str:
    """Return lines for a place in a template that is indented already."""
    return ("\n" + " " * indent).join(lines)


def documented(text: str, indent: int = 4) -> str:
    """Return text for a docstring in a program, on several lines where one would be too long."""
    return lines_at(indent, textwrap.wrap(text, 93 - indent))


def needs(source: str) -> tuple[str, ...]:
    """Return what a piece of source needs imported."""
    return ("import math",) if "math." in source.replace("tf.math.", "") else ()


def function(name: str, arguments: Iterable[str], doc: str, lines: Iterable[str]) -> Helper:
    """Return a function of a program.

    Args:
        name: its name.
        arguments: their names.
        doc: its docstring.
        lines: its body.
    """
    body = lines_at(4, [f'"""{documented(doc)}"""', *lines])
    source = f"\ndef {name}({', '.join(arguments)}):\n    {body}\n"
    return Helper(name=name, source=source, imports=needs(source))


def call(function: str, *arguments: Any, **keywords: Any) -> str:
    """Return the source of a call; strings among the values are taken as source, not quoted.

    Keywords with value None are left out.
    """
    parts = [str(argument) for argument in arguments]
    parts += [f"{name}={value}" for name, value in keywords.items() if value is not None]
    return f"{function}({', '.join(parts)})"
