"""The habits that are tried: what programs do that no field of an entry describes, and what that is called."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from parity.explain.changes import Change, Knob, pattern
from parity.explain.habits import KERNEL, factors, symmetric_pads
from parity.explain.of_groups import group_knobs, of_groups
from parity.ops import Op
from parity.ops.flatten import Flatten
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved

FACTORS = (0.5, 2.0)
"""What a loss is usually multiplied by: half of a squared error, or the whole where the half is meant."""

TRAINING = (
    ("undropped", "dropout off in training", "dropout drops nothing in training"),
    ("settled", "batch norm by running statistics", "batch norm goes by its running statistics in training"),
    ("", "evaluation mode in training", "the model is in evaluation mode in training"),
)
EVALUATION = (
    ("dropping", "dropout on in evaluation", "dropout drops in evaluation, too"),
    ("batchwise", "batch norm by the batch in evaluation", "batch norm goes by the batch in evaluation, and moves its "
     "running statistics there"),
    ("", "training mode in evaluation", "the model is in training mode in evaluation"),
)  # fmt: skip
"""A mode that was forgotten, of dropout, of batch norm and of both: the habit, its name, and what it is."""


def of_layers(side: Resolved, layers: Sequence[Layer]) -> Iterator[Change]:
    """Yield the habits of a forward pass in training.

    Args:
        side: whose program it is.
        layers: those that may be the cause.
    """
    if any(layer.op.draws or layer.op.statistics for layer in layers):
        yield from _modes(side, "training", TRAINING)
    if any(layer.op.statistics for layer in layers):
        yield Change(
            path="program.training", value="batch norm frozen", was="training",
            habits=(("settled", True), ("unmoved", True)),
            text="batch norm goes by its running statistics in training, and its parameters are not trained, as in "
            "Keras with trainable = False",
        )  # fmt: skip
    yield from _drawn(side, layers)
    for layer in layers:
        if isinstance(layer.op, Flatten):
            yield from _orders(side, layer)
    yield from _turned(side, layers)
    padded = {layer.name: pads for layer in side.layers() if (pads := symmetric_pads(layer))}
    alone = [[layer.name] for layer in layers if layer.name in padded]
    for names in [*alone, list(padded)] if alone and len(padded) > 1 else alone:
        yield _symmetric(side, names, [padded[name] for name in names])


def _drawn(side: Resolved, layers: Sequence[Layer]) -> Iterator[Change]:
    """Yield, of each layer that draws, that it does not, by the fields that are not 0; and that it keeps nothing."""
    drawing = [layer.name for layer in side.drawing()]
    for layer in [layer for layer in layers if layer.name in drawing and len(drawing) > 1]:
        rates = layer.op.rates()
        what = "draws no noise" if layer.op.noise else "drops nothing"
        yield Change(
            path=" + ".join(f"layers.{layer.name}.{field}" for field in rates), value=0.0,
            was=next(iter(rates.values())) if len(rates) == 1 else list(rates.values()),
            habits=(("uncalled", layer.name),), text=f"{layer.name} {what} in training",
        )  # fmt: skip
    for layer in [layer for layer in layers if layer.op.draws and not layer.op.noise]:
        if layer.op.rate_fields == ("rate",):  # A mask of what it reads, not of a state or of weights.
            yield Change(
                path=f"layers.{layer.name}.rate", value=1.0, was=layer.op.drops(), habits=(("emptied", layer.name),),
                text=f"{layer.name} drops everything in training: what is kept, given as the rate",
            )  # fmt: skip


def _turned(side: Resolved, layers: Sequence[Layer]) -> Iterator[Change]:
    """Yield the kernels that may be turned round, one by one and all together."""
    shapes = {name: one.shape for name, one in side.parameters().items()}
    kernels = {layer.name: shapes.get(f"{layer.name}.{KERNEL}", ()) for layer in side.layers()}
    turning = [name for name, shape in kernels.items() if any(length > 1 for length in shape[:-2])]
    alone = [[layer.name] for layer in layers if layer.name in turning]
    for names in [*alone, turning] if alone and len(turning) > 1 else alone:
        yield Change(
            path=pattern(side, [f"layers.{name}.{KERNEL}" for name in names]), value="turned round", was="as it is",
            habits=(("turned", frozenset(names)),),
            text="the kernel is turned round, as in Theano and in what the books call a convolution",
        )  # fmt: skip


def _symmetric(side: Resolved, names: Sequence[str], pads: Sequence[Sequence[int]]) -> Change:
    counts = dict.fromkeys(str(one[0]) if len({*one}) == 1 else str(tuple(one)) for one in pads)
    told = " and ".join(f"padding={count}" for count in counts)
    return Change(
        path=pattern(side, [f"layers.{name}.padding" for name in names]), value="symmetric", was="same",
        habits=(("symmetric", frozenset(names)),), text=f"as many cells before as after, as PyTorch's {told} has it",
    )  # fmt: skip


def _orders(side: Resolved, layer: Layer) -> Iterator[Change]:
    """Yield the other orders in which the axes of a layer's input may be read into one."""
    axes = tuple(range(len(layer.input_shape)))
    before = [one.op for one in side.layers()[: side.layers().index(layer)]]
    channels = 0 if next((one for one in map(_lies, reversed(before)) if one), "") == "channels_first" else axes[-1]
    others = tuple(axis for axis in axes if axis != channels)
    named = {(channels, *others): "channels_first", (*others, channels): "channels_last"}
    own = (*axes[1:], 0) if _lies(layer.op) == "channels_first" else axes
    known = {_long(own, layer)}
    for order in (*named, *itertools.permutations(axes)):
        if _long(order, layer) in known:
            continue
        known.add(_long(order, layer))
        yield Change(
            path="program.flatten_order", value=named.get(order, list(order)), was=named.get(own, list(own)),
            habits=(("flattened", {layer.name: order}),), text=f"{layer.name} reads axes in the order {list(order)}",
        )  # fmt: skip


def _lies(op: Op) -> str:
    return op.channels_at() or ""


def _long(order: Sequence[int], layer: Layer) -> tuple[int, ...]:
    """Return an order without the axes of length 1, which may stand anywhere."""
    return tuple(axis for axis in order if layer.input_shape[axis] > 1)


def _modes(side: Resolved, was: str, told: Sequence[tuple[str, str, str]]) -> Iterator[Change]:
    """Yield the two halves of a mode, those that there are layers for, and the mode as a whole."""
    (dropout, *_), (norm, *_), _ = told
    drops = any(layer.op.draws and not layer.op.passes_on() for layer in side.layers())
    norms = any(layer.op.statistics for layer in side.layers())
    chosen = [*([dropout] if drops else []), *([norm] if norms else [])]
    for (_, value, text), habits in zip(told, ([dropout], [norm], [dropout, norm]), strict=True):
        if set(habits) <= set(chosen):
            yield Change(
                path="program.training", value=value, was=was, habits=tuple((one, True) for one in habits), text=text
            )


def of_metric(side: Resolved) -> Iterator[Change]:
    """Yield the habits of predictions."""
    yield from _modes(side, "evaluation", EVALUATION)


def of_loss(side: Resolved) -> Iterator[Change]:
    """Yield how a loss may be summed up, and its usual factors."""
    words = {
        "mean": "the loss is a mean, not a sum",
        "sum": "the loss is a sum, not a mean",
        "sum_over_rows": "the loss is summed over the rows, and a mean over the outputs",
        "sum_over_outputs": "the loss is summed over the outputs, and a mean over the rows",
        "mean_over_classes": "the loss is a mean over the classes, too",
    }
    for reduction in factors(side, side.config.training.batch_size):
        yield Change(
            path="loss.reduction", value=reduction, was=side.config.loss.reduction, habits=(("reduction", reduction),),
            text=words[reduction],
        )  # fmt: skip
    for factor in FACTORS:
        yield loss_factor(factor)
        if penalties(side):
            yield loss_factor(factor, whole=True)
        if len(penalties(side)) > 1:
            yield penalty_factor(side, factor)


def loss_factor(factor: float, whole: bool = False, cost: int = 1) -> Change:
    """Return the change of a loss that is multiplied by a number, the regularizers' part where asked for."""
    what = "the loss and its regularizers are" if whole else "the loss is"
    return Change(
        path="program.loss_factor", value=factor, was=1, cost=cost, text=f"{what} multiplied by {factor:g}",
        habits=(("loss_factor", factor), *((("whole", True),) if whole else ())),
    )  # fmt: skip


def penalties(side: Resolved) -> list[str]:
    """Return the paths of the regularizers that there are."""
    found = [f"layers.{name}_regularizer" for name, one in side.parameters().items() if one.regularizer]
    return found + [f"layers.{op.name}.activity_regularizer" for op in side.config.model.layers if op.activity()]


def penalty_factor(side: Resolved, factor: float) -> Change:
    """Return the change of regularizers that are multiplied by a number, all by the same."""
    paths = penalties(side)
    same = len({path.split(".", 2)[2] for path in paths}) == 1
    return Change(
        path=pattern(side, paths) if same else "layers.*.*_regularizer", value=f"{factor:g} times as much", was=1,
        habits=(("penalty_factor", factor),), text=f"what regularizers add is multiplied by {factor:g}",
    )  # fmt: skip


def gradient_factor(factor: float) -> Change:
    """Return the change of a gradient that is multiplied by a number, where the loss that is told is not."""
    return Change(
        path="program.loss_factor", value=factor, was=1, habits=(("gradient_factor", factor),),
        text=f"the gradient is that of the loss multiplied by {factor:g}",
    )  # fmt: skip


def of_gradient(side: Resolved, leftovers: bool, phase: str) -> Iterator[Change]:
    """Yield what gradients may have that the loss does not show.

    Args:
        side: whose program it is.
        leftovers: the program has gradients left from the step before.
        phase: of the place.
    """
    if phase != "gradient":
        return
    if leftovers:
        yield Change(
            path="program.zero_grad", value=False, was=True, habits=(("keeps_gradients", True),),
            text="gradients are not set to zero: those of the step before are added",
        )  # fmt: skip
    yield from map(gradient_factor, FACTORS)


def of_detaching(side: Resolved) -> Iterator[Change]:
    """Yield the outputs that may be cut off from what is behind them."""
    for layer in side.layers():
        if layer.gives not in side.graph.outputs:
            yield Change(
                path="program.detached", value=layer.name, was="trained through", habits=(("detached", layer.name),),
                text=f"no gradient goes back through the output of {layer.name}",
            )  # fmt: skip


def of_update(side: Resolved) -> Iterator[Change]:
    """Yield the forms of momentum and of decay that an optimizer may have."""
    optimizer = side.config.optimizer
    momentum = getattr(optimizer, "momentum", None)
    if isinstance(momentum, float) and momentum:
        yield Change(
            path="optimizer.momentum", value="averaged", was=momentum, habits=(("averaged", True),),
            text="the velocity takes 1 - momentum of each gradient",
        )  # fmt: skip
        if optimizer.changes() and getattr(optimizer, "rate_place", "") != "outside_velocity":
            yield Change(
                path="optimizer.momentum", value="rate outside", was=momentum, habits=(("rate_outside", True),),
                text="the velocity is held without the rate, as PyTorch has it, which multiplies it as it is now",
            )  # fmt: skip
    yield from of_groups(side)
    decay = getattr(optimizer, "weight_decay", 0.0)
    if decay and not getattr(type(optimizer), "coupled", True):
        none = _undecayed(side)
        for kernels in (False, True):
            yield Change(
                path="optimizer.weight_decay", value=f"coupled{' and kernels only' if kernels else ''}", was=decay,
                sets=none, text=_decayed(True, kernels),
                habits=(("decay", decay), ("coupled", True), ("kernels_only", kernels)),
            )  # fmt: skip


def _decayed(coupled: bool, kernels: bool) -> str:
    how = "the decay is added to the gradient" if coupled else "the decay is taken off the weight"
    return f"{how}, of kernels only" if kernels else how


def _undecayed(side: Resolved) -> tuple[tuple[str, Any], ...]:
    """Return what leaves an optimizer without any decay of its own."""
    fields = type(side.config.optimizer).model_fields
    none = {"weight_decay": 0.0, "weight_decay_of": {}}
    return tuple((f"optimizer.{name}", value) for name, value in none.items() if name in fields)


def decay_knobs(side: Resolved) -> list[Knob]:
    """Return the decays to solve for, of an optimizer that has none by its config, or that has another form of it.

    Of one that treats some parameters otherwise, what these have, too.
    """
    decay = getattr(side.config.optimizer, "weight_decay", None)
    none = _undecayed(side)

    def knob(coupled: bool, kernels: bool) -> Knob:
        def change(number: float) -> Change:
            return Change(
                path="optimizer.weight_decay", value=number, was=decay, sets=none, text=_decayed(coupled, kernels),
                habits=(("decay", number), ("coupled", coupled), ("kernels_only", kernels)),
            )  # fmt: skip

        return Knob(start=0.0, step=1e-4, change=change)

    every = [knob(coupled, kernels) for kernels in (False, True) for coupled in (True, False)]
    return [*group_knobs(side), *every]


def loss_knobs(side: Resolved, phase: str) -> list[Knob]:
    """Return the factors to solve for: of the loss, or of a gradient that the loss does not show."""
    if phase == "gradient":
        return [Knob(start=1.0, step=1e-2, change=gradient_factor, any=True)]
    whole = Knob(start=1.0, step=1e-2, change=lambda factor: loss_factor(factor, whole=True), any=True)
    penalty = Knob(start=1.0, step=1e-2, change=lambda factor: penalty_factor(side, factor), any=True)
    plain = Knob(start=1.0, step=1e-2, change=loss_factor, any=True)
    held = penalties(side)
    return [plain, *([whole] if held else []), *([penalty] if len(held) > 1 else [])]
