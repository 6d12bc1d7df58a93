"""Random specs: whole valid graphs with everything in them that the catalogue has; a seed gives its spec again.

What a seed gives changes as the catalogue grows, so a failure is told with its spec.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parity.catalog import LOSSES, OPTIMIZERS, SCHEDULES
from parity.data.dataset import INVENTED, Dataset
from parity.entries import Shape
from parity.errors import SpecError
from parity.frameworks import frameworks
from parity.lazy import np
from parity.losses import Loss
from parity.ops.masking import Masking
from parity.ops.multi_head_attention import MultiHeadAttention
from parity.optimizers.per_parameter import DECAYS, FACTORS
from parity.rows import together
from parity.run.epochs import counted
from parity.selftest.random_fields import entry
from parity.selftest.random_networks import MOST_LAYERS as MOST_LAYERS
from parity.selftest.random_networks import MOST_LOOSE, TOKENS, Growing
from parity.spec.apart import movable
from parity.spec.graph import Layer, graph_of, named
from parity.spec.load import build_spec
from parity.spec.plain import yaml_of
from parity.spec.resolve import Resolved, resolve
from parity.spec.sections import ModelSpec
from parity.tensors import layer_of, own_name

EVERYWHERE = tuple(name for name, one in frameworks().items() if not one.falls_back)
"""Frameworks in which a spec must be valid."""

STEPS = 3
"""Steps that the rows are for: an epoch may end within them."""


ENDINGS = (None, "linear", "linear", "softmax", "sigmoid", "softplus", "log_softmax", "tanh")
"""Activations of the head, of those that say most; None for no head."""

POSITIVE = ("softmax", "sigmoid", "softplus")
"""Those whose logarithm is finite."""


DRAWN_LOSSES = {name: one for name, one in LOSSES.items() if not one.at_home}
"""Losses that a spec may have which is read from no program."""


def _spec(numbers: random.Random) -> dict[str, Any]:
    """Return a spec, which is valid but for what only the whole of it shows."""
    grown = Growing(numbers=numbers)
    grown.begin()
    made = entry(numbers, DRAWN_LOSSES[numbers.choice(list(DRAWN_LOSSES))])
    behind = made.behind if numbers.random() < 0.6 else None
    ending = behind or numbers.choice(POSITIVE if _logs(made) else ENDINGS)
    room = MOST_LAYERS - 2 * MOST_LOOSE
    for _ in range(numbers.randint(1, room)):
        grown.grow()
    while any(grown.values[name].dtype == "integer" for name in grown.unread):
        grown.grow()
    grown.end(ending)
    loss: Any = _written(made.replace(**_counted(numbers, type(made), grown.values[grown.unread[0]].shape)))
    optimizer = OPTIMIZERS[numbers.choice(list(OPTIMIZERS))]
    rate: Any = numbers.choice((0.1, 0.02, 0.003))
    if numbers.random() < 0.5:
        rate = entry(numbers, SCHEDULES[numbers.choice(list(SCHEDULES))]).model_dump()
    batch = numbers.choice((1, 2, 3, 4, 5))
    rows = numbers.randint(batch, STEPS * batch)
    training = {"batch_size": batch, "shuffle": numbers.random() < 0.5, "drop_remainder": numbers.random() < 0.2,
                "seed": numbers.randrange(1000)}  # fmt: skip
    inputs = {name: {"shape": list(one.shape), "dtype": one.dtype} for name, one in grown.inputs.items()}
    layers, outputs = [_written(op) for op in grown.layers], dict[str, str]()
    if numbers.random() < SEVERAL:  # Drawn last: all else is what it would be without.
        outputs, more = _second(numbers, grown, layers)
        loss = dict(zip(outputs, (loss, more), strict=True)) if outputs else loss
    if not outputs:  # Which name layers that a block would give another name.
        layers = [_written(op) for op in grown.blocked()]
    counts = {"sample_weights": INVENTED} if not outputs and numbers.random() < WEIGHED else {}  # Drawn last of all.
    model = {"inputs": inputs, "layers": layers, **({"outputs": outputs} if outputs else {})}
    drawn = _written(entry(numbers, optimizer, learning_rate=rate))
    return {
        "name": "random",
        "data": {"source": "rows.npz", "rows": rows, **counts},
        "model": model,
        "loss": loss,
        "optimizer": _with_groups(numbers, drawn, model),
        "training": training,
    }


GROUPED = 0.15
"""Share of the specs whose optimizer treats some parameters otherwise."""


def _with_groups(numbers: random.Random, optimizer: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    """Return an optimizer that may treat some parameters of a model otherwise: drawn behind all else."""
    try:
        names = movable(graph_of(named(ModelSpec.model_validate(model))))
    except ValueError:
        return optimizer  # It is no network, and is drawn again.
    if numbers.random() > GROUPED or not names:
        return optimizer
    ((kind, fields),) = optimizer.items()
    for field, choices in ((FACTORS, (0.1, 0.5, 2.0)), (DECAYS, (0.0, 0.1))):
        if field in OPTIMIZERS[kind].model_fields and numbers.random() < 0.7:
            name = numbers.choice(names)
            pattern = numbers.choice((name, layer_of(name), f"*.{own_name(name)}", "*"))
            fields = {**fields, field: {pattern: numbers.choice(choices)}}
    return {kind: fields}


WEIGHED = 0.15
"""Share of the specs of one output whose rows have weights."""

SEVERAL = 0.15
"""Share of the specs whose model has two outputs."""


def _second(
    numbers: random.Random, grown: Growing, layers: list[dict[str, Any]]
) -> tuple[dict[str, str], dict[str, Any]]:  # fmt: skip
    """Return two outputs and the loss of the second, a layer in the middle or a head that layers take; or nothing."""
    inner = [str(op.name) for op in grown.layers[:-1] if grown.values[str(op.name)].dtype == "float"]
    if not inner:
        return {}, {}
    name = numbers.choice(inner)
    if len(grown.values[name].shape) == 1 and len(layers) < MOST_LAYERS and numbers.random() < 0.5:
        layers.append({"dense": {"units": 2, "inputs": name, "name": "second_head"}})
        name = "second_head"
    loss = {numbers.choice(("mse", "mae")): {"weight": numbers.choice((0.25, 1.0, 2.0))}}
    return {"main": str(grown.layers[-1].name), "side": name}, loss


def _logs(loss: Loss) -> bool:
    """Return whether a loss takes the logarithm of outputs as they are, which of a negative one is no number."""
    return loss.positive and not any(getattr(loss, name, False) for name in ("log_input", "log_outputs"))


def _counted(numbers: random.Random, kind: type[Loss], shape: Shape) -> dict[str, Any]:
    """Return what classes count, one number for each, of a loss that takes such."""
    if "class_weight" not in kind.model_fields:
        return {}
    weights = tuple(numbers.choice((0.5, 1.0, 2.0)) for _ in range(shape[-1]))
    return {"class_weight": weights if len(weights) > 1 and numbers.random() < 0.5 else None}


def _written(one: Any) -> dict[str, Any]:
    """Return an entry as a spec has it: what is said, and nothing else."""
    return _plain(one.model_dump(exclude_unset=True, mode="json"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


@dataclass(frozen=True, kw_only=True)
class RandomSpec:
    """A random spec.

    Args:
        seed: that gives it again.
        written: as a user would write it.
        refused: what was drawn before it and refused, and why.
    """

    seed: int
    written: Mapping[str, Any]
    refused: tuple[str, ...] = ()

    def yaml(self) -> str:
        """Return it as a file."""
        return yaml_of(self.written)

    def sides(self, frameworks: Sequence[str]) -> list[Resolved]:
        """Return a side for each framework, with its name."""
        sides = {name: {"framework": name} for name in frameworks}
        found = resolve(build_spec({**self.written, "sides": sides}))
        return [counted(side, int(self.written["data"]["rows"])) for side in found]

    def dataset(self) -> Dataset:
        """Return invented rows that the model can read and the loss can take."""
        (side,) = self.sides(list(frameworks())[:1])
        rows, generator = int(self.written["data"]["rows"]), np.random.default_rng([11, self.seed])
        parts = [
            generator.integers(0, TOKENS, (rows, *one.shape)) if one.dtype == "integer"
            else generator.normal(size=(rows, *one.shape))
            for one in side.graph.inputs
        ]  # fmt: skip
        self._mask(side, parts, generator)
        each = {name: targets(one, rows, generator) for name, one in side.views.items()}
        steps = (rows, *side.last.output_shape[:-1])
        counts = generator.uniform(0.25, 3.0, steps) if side.weighs else None
        return Dataset.invented(together(parts).astype(np.float64), each, "random rows", counts)

    @staticmethod
    def _mask(side: Resolved, parts: list[np.ndarray], generator: np.random.Generator) -> None:
        """Mask a third of the steps that masking layers read; the first of a row counts: a loss of no step is none."""
        known = {one.name: part for one, part in zip(side.graph.inputs, parts, strict=True)}
        for layer in side.graph.layers:
            part = known.get(layer.reads[0].name)
            if part is None or layer.gives_mask is None:
                continue
            first: Any = (slice(None), *(0,) * (part.ndim - 1))
            if part.dtype.kind == "i":
                part[first] = np.maximum(part[first], 1)
            elif isinstance(layer.op, Masking):
                out = generator.random(part.shape[:-1]) < 1 / 3
                out[first[:-1]] = False
                part[out] = layer.op.mask_value


def targets(side: Resolved, rows: int, generator: np.random.Generator) -> np.ndarray:
    """Return targets of the shape of a side's outputs: classes, probabilities, counts or any numbers."""
    shape, loss = (rows, *side.last.output_shape), side.config.loss
    if loss.forms in (("one_hot",), ("index",)):
        return np.eye(shape[-1])[generator.integers(0, shape[-1], shape[:-1])]
    if loss.behind is not None or "hinge" in loss.kind:
        return generator.integers(0, 2, shape).astype(np.float64)
    if loss.kind == "kl_divergence":
        drawn = generator.uniform(0.1, 1.0, shape)
        return np.asarray(drawn / drawn.sum(axis=-1, keepdims=True))
    if loss.kind == "poisson":
        return generator.integers(0, 4, shape).astype(np.float64)
    return generator.uniform(0.1, 2.0, shape) if loss.kind in ("mape", "msle") else generator.normal(size=shape)


def random_spec(seed: int) -> RandomSpec:
    """Return the spec that a seed gives.

    Args:
        seed: of everything in it.
    """
    refused: list[str] = []
    for attempt in itertools.count():
        found = RandomSpec(seed=seed, written=_spec(random.Random(f"{seed}.{attempt}")), refused=tuple(refused))
        try:
            side, *_ = found.sides(EVERYWHERE)
        except SpecError as error:
            refused.append(str(error))
            continue
        reason = _nothing(side, int(found.written["data"]["rows"]))
        if not reason:
            return found
        refused.append(reason)
    raise AssertionError("itertools.count ends")


def _taken_for_channels(layer: Layer) -> bool:
    """Return whether Keras on TensorFlow adds an attention's biases along the wrong axis (docs/findings.md)."""
    op = layer.op
    if not isinstance(op, MultiHeadAttention) or not op.use_bias or 1 not in (op.key_dim, op.value_dim):
        return False
    return op.num_heads in [one.shape[0] for one in layer.reads]


def _nothing(side: Resolved, rows: int) -> str:
    """Return why a valid spec says nothing of the frameworks; nothing if it does."""
    if not any(one.trainable for one in side.parameters().values()):
        return "nothing to train, of which PyTorch's optimizers are told in vain"
    views = side.views.values()
    if any(one.config.loss.kind == "cosine_similarity" and 1 in one.last.output_shape for one in views):
        # It is 1 or -1: the slope is 0, and what a program computes of it is rounding.
        return "a cosine of single numbers"
    if any(map(_taken_for_channels, side.graph.layers)):
        return "attention with as many heads as places, each of one number, whose biases Keras adds to the places"
    training = side.config.training
    rest = 0 if training.drop_remainder else rows % training.batch_size
    for layer in side.graph.layers:
        if not getattr(layer.op, "unbiased_variance", False):
            continue
        (channels,) = layer.op.parameters(layer.input_shape)["moving_variance"].shape
        if (rest or training.batch_size) * math.prod(layer.input_shape) == channels:
            return "the unbiased variance of one value, which PyTorch refuses and others divide by 0"
    return ""
