"""What a program may do otherwise than its config says, as changes to try: other values of fields, and habits.

A field's other values are those that its entry knows: the other choices of an enumeration, the frameworks' own
defaults, nothing in the place of a regularizer. A number that is none of these is solved for
(:class:`~parity.explain.changes.Knob`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from parity.activations import Activation
from parity.catalog import ACTIVATIONS, LOSSES, OPTIMIZERS
from parity.constraints import Constraint
from parity.entries import Entry, scalars, shown
from parity.explain.changes import Change, Knob, Suspects, field_change, pattern
from parity.explain.habit_list import (
    decay_knobs,
    loss_knobs,
    of_detaching,
    of_gradient,
    of_layers,
    of_loss,
    of_metric,
    of_update,
)
from parity.explain.loss_changes import losses, stretched, swapped, weighed
from parity.initializers import Initializer
from parity.lazy import np
from parity.ops import Op
from parity.regularizers import Regularizer
from parity.schedules import Schedule
from parity.spec.paths import at, visit
from parity.spec.resolve import DEFAULT, Resolved

LAYOUT = ("data_format", "name", "inputs", "trainable", "freeze_statistics")
"""Fields that are not tried: how the spec's tensors lie is known from a program's layers, and what does not move, or
goes by its running statistics, is a habit."""

OF_OUTPUTS = {"activity_regularizer": "regularizer"}
"""Fields that say it of a layer's output, and what: of :data:`~parity.ops.SAID`."""

TRIED = np.linspace(-3.0, 3.0, 14)[None]
"""Values at which activations are held against each other."""

HABITUAL = {
    "loss": ("reduction", "weight"),
    "optimizer": ("dampening", "weight_decay", "clip_epsilon"),
}  # fmt: skip
"""Fields whose other values are habits of a program: a factor of the loss, a form of the momentum, a decay.

Of several outputs the factor of one loss is no habit: it is what an output counts beside the others."""


def candidates(side: Resolved, suspects: Suspects) -> list[Change]:
    """Return the changes to try for a place, each as plain as can be; those of one layer before those of several."""
    found: list[Change] = []
    names = [layer.name for layer in suspects.layers]
    if suspects.phase in ("forward", "loss", "state"):
        found += [*of_layers(side, suspects.layers), *_of_masks(side, suspects)]
        found += [one for name in names for one in _of_part(side, f"layers.{name}")]
    if suspects.phase == "loss":
        found += [one for path in losses(side) for one in _of_part(side, path)]
        found += [*swapped(side), *stretched(side), *weighed(side), *of_loss(side)]
    if suspects.phase in ("loss", "gradient"):
        found += [*of_gradient(side, suspects.leftovers, suspects.phase), *_held(side, "regularizer"), *_spread(side)]
        found += _reductions(side)
    if suspects.phase in ("gradient", "update"):  # PyTorch has no gradient at all of what is cut off.
        found += of_detaching(side)
    if suspects.phase in ("update", "state"):
        found += [*_of_part(side, "optimizer"), *of_update(side), *_held(side, "constraint")]
    if suspects.phase in ("metric", "state"):
        found += of_metric(side)
    return list({repr((one.sets, one.habits)): one for one in found}.values())


def knobs(side: Resolved, suspects: Suspects) -> list[Knob]:
    """Return the numbers to solve for at a place."""
    found: list[Knob] = []
    parts = [f"layers.{layer.name}" for layer in suspects.layers] if suspects.phase in ("forward", "loss") else []
    parts += {"loss": losses(side), "update": ["optimizer"], "state": ["optimizer"]}.get(suspects.phase, [])
    parts += [f"layers.{layer.name}" for layer in suspects.layers] if suspects.phase == "state" else []
    for path in parts:
        found += [_knob(side, one) for one in _numbers(side, path)]
    if suspects.phase in ("loss", "gradient"):
        found += loss_knobs(side, suspects.phase)
        held = _groups(side, [path for path, _ in _fields(side, "regularizer", filled=True)])
        found += [_knob(side, [f"{path}.{name}" for path in paths]) for paths in held
                  for name in _floats(paths[0], at(side.config, paths[0]))]  # fmt: skip
        for free in _free(side):
            found += [_penalty_knob(side, paths) for paths in [*_groups(side, free), *([path] for path in free)]]
    if suspects.phase == "update":
        found += decay_knobs(side)
    return found


def _of_part(side: Resolved, path: str) -> Iterator[Change]:
    """Yield the other values of every field of a part of a config, alone and in all layers that have the same."""
    for inner, part in visit(path, at(side.config, path)):
        for name in type(part).model_fields:
            if name in LAYOUT or _habitual(path, part, name) or _of_a_parameter(part, name):
                continue
            for value in others(part, name):
                for paths in _everywhere(side, f"{inner}.{name}"):
                    yield field_change(side, paths, value)
    yield from _kinds(side, path, at(side.config, path))


def _kinds(side: Resolved, path: str, part: BaseModel) -> Iterator[Change]:
    """Yield entries of other kinds, with the fields that both have as they are, or with the framework's defaults."""
    families: dict[str, dict[str, Any]] = {"loss": dict(LOSSES), "optimizer": dict(OPTIMIZERS)}
    section = path.partition(".")[0]
    for kind, entry in families.get(section, {}).items():
        if kind == at(side.config, path).kind or _required(entry):
            continue
        shared = {name: getattr(part, name) for name in type(part).model_fields if name in entry.model_fields}
        own = dict(entry.natively(side.framework))
        rate = {name: one for name, one in shared.items() if name == "learning_rate"}
        for fields in (shared, own | shared, shared | own | rate):
            with contextlib.suppress(ValueError):
                yield field_change(side, [path], entry(**fields), cost=2)


def _of_masks(side: Resolved, suspects: Suspects) -> Iterator[Change]:
    """Yield masks left out that what departs goes by, or made where it would go by them, at the layers that make them.

    A program that ignores a mask departs where a layer goes by it, and agrees where the mask is made.
    """
    graph, makers = side.graph, list[str]()
    for layer in graph.layers if suspects.phase == "loss" else suspects.layers:
        if layer.op.uses_mask or suspects.phase == "loss":
            makers += [one.name for one in graph.ahead(layer) if "mask_zero" in type(one.op).model_fields]
    for name in dict.fromkeys(makers):
        path = f"layers.{name}.mask_zero"
        for paths in _everywhere(side, path):
            with contextlib.suppress(ValueError):
                yield field_change(side, paths, not at(side.config, path))


def others(part: BaseModel, name: str) -> list[Any]:
    """Return the values that a field may have otherwise, of those that its entry knows.

    Args:
        part: an entry, or a part of a config.
        name: of the field.
    """
    value, annotation = getattr(part, name), type(part).model_fields[name].annotation
    if isinstance(value, Activation):
        other = [kind() for kind in ACTIVATIONS.values() if kind.kind != value.kind and not _required(kind)]
        told: list[Any] = [said for one in other for said in _told_otherwise(one)]
        # With a threshold of 0 a shrink is nothing but linear: what has a plain name is called by it.
        plain = [one.forward(TRIED).round(12).tolist() for one in other]
        return [*other, *(one for one in told if one.forward(TRIED).round(12).tolist() not in plain)]
    if isinstance(value, Schedule):
        return [value.rate(0)]
    if isinstance(value, Entry):
        return []
    if isinstance(value, bool):
        return [not value]
    if value in (choices := _choices(annotation)):
        return [one for one in choices if one != value]
    if not isinstance(value, float) and float not in scalars(annotation):
        return []
    default = type(part).model_fields[name].default
    known = [default, *(told[name] for told in getattr(part, "native", {}).values() if name in told)]
    known += [round(1.0 - value, 12)] if isinstance(value, float) and 0.0 < value < 1.0 else []
    if not getattr(part, "draws", False):  # What drops nothing is a habit, of all layers.
        known += [0.0]  # Without it; a field that cannot be 0 refuses.
    numbers = [float(one) for one in known if isinstance(one, int | float) and not isinstance(one, bool)]
    return [one for one in dict.fromkeys(numbers) if one != value]


def _choices(annotation: Any) -> list[Any]:
    """Return the words of an enumeration, also of one that takes something else beside them."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    among = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()
    return [word for one in among for word in _choices(one)]


def _told_otherwise(one: Entry) -> Iterator[Entry]:
    """Yield an entry with each of its fields at the other values that are known, where it takes them."""
    for field in type(one).model_fields:
        for told in others(one, field):
            with contextlib.suppress(ValueError):  # A slope that cannot be 0 refuses.
                yield one.replace(**{field: told})


def _required(kind: type[Entry]) -> bool:
    return any(one.is_required() for one in kind.model_fields.values())


def _everywhere(side: Resolved, path: str) -> list[list[str]]:
    """Return the path alone, and with those of all layers of the kind that say the same, where there are others."""
    if not path.startswith("layers."):
        return [[path]]
    _, name, keys = path.split(".", 2)
    kinds = {str(op.name): type(op) for op in side.config.model.layers}
    paths = [f"layers.{one}.{keys}" for one, kind in kinds.items() if kind is kinds[name]]
    same = [one for one in paths if _value(side, one) == at(side.config, path)]
    return [[path], same] if len(same) > 1 else [[path]]


def _value(side: Resolved, path: str) -> Any:
    try:
        return at(side.config, path)
    except AttributeError:
        return ...  # The layer's activation is of another kind, say.


def _of_a_parameter(part: BaseModel, name: str) -> bool:
    """Return whether a field is of a parameter of a layer: how it starts or is held."""
    return isinstance(part, Op) and part.about(name) != ("", "")


def _fields(side: Resolved, said: str, filled: bool) -> list[tuple[str, Any]]:
    """Return the layers' fields that say it of a parameter or the output, with values: those that are set, or not."""
    found = [(f"layers.{op.name}.{name}", getattr(op, name)) for op in side.config.model.layers
             for name in type(op).model_fields if (op.about(name)[1] or OF_OUTPUTS.get(name)) == said]  # fmt: skip
    return [(path, value) for path, value in found if (value is not None) is filled]


def _held(side: Resolved, said: str) -> Iterator[Change]:
    """Yield nothing in the place of what holds a parameter: of each, of all of one name, and of all there are."""
    found: list[list[str]] = []
    paths = [path for path, value in _fields(side, said, filled=True) if isinstance(value, Regularizer | Constraint)]
    for group in [*([path] for path in paths), *_groups(side, paths)]:
        if group not in found:
            found.append(group)
            yield field_change(side, group, None)
    for several in dict.fromkeys((tuple(paths), tuple(path for path in paths if _of_an_output(path)))):
        if len(_groups(side, several)) < 2:
            continue
        was = " and ".join(dict.fromkeys(shown(at(side.config, path)) for path in several))
        alike = len({path.split(".", 2)[2] for path in several}) == 1
        path = pattern(side, several) if alike else f"layers.*.*_{said}"
        yield Change(path=path, value=None, was=was, sets=tuple((path, None) for path in several))


def _spread(side: Resolved) -> Iterator[Change]:
    """Yield a layer's regularizer on its other parameters, too: a penalty that goes over all there are."""
    free = {path for path, _ in _fields(side, "regularizer", filled=False) if not _of_an_output(path)}
    found: dict[tuple[str, str], list[tuple[str, Any]]] = {}
    for path, value in _fields(side, "regularizer", filled=True):
        if _of_an_output(path):
            continue
        layer = path.rpartition(".")[0]
        for other in (one for one in free if one.rpartition(".")[0] == layer):
            found.setdefault((other.rpartition(".")[2], str(value)), []).append((other, value))
    for members in found.values():
        for group in [*([one] for one in members), *([members] if len(members) > 1 else [])]:
            yield field_change(side, [path for path, _ in group], group[0][1])
    every = tuple((path, value) for members in found.values() for path, value in members)
    if len(found) > 1:
        same = len({path.split(".", 2)[2] for path, _ in every}) == 1
        path = pattern(side, [path for path, _ in every]) if same else "layers.*.*_regularizer"
        yield Change(path=path, value="as the layer's other", sets=every)


def _groups(side: Resolved, paths: Sequence[str]) -> list[list[str]]:
    """Return the paths by the name of their field, and by value."""
    found: dict[Any, list[str]] = {}
    for path in paths:
        found.setdefault((path.split(".", 2)[2], str(at(side.config, path))), []).append(path)
    return list(found.values())


def _free(side: Resolved) -> list[list[str]]:
    """Return the regularizers that there are none of, of kernels and of outputs."""
    paths = [path for path, _ in _fields(side, "regularizer", filled=False)]
    return [[path for path in paths if path.endswith(end)] for end in (".kernel_regularizer", ".activity_regularizer")]


def _of_an_output(path: str) -> bool:
    return path.rpartition(".")[2] in OF_OUTPUTS


def _reductions(side: Resolved) -> Iterator[Change]:
    """Yield the penalties of outputs divided by the rows, or not, whichever is not said: of each, and of all."""
    paths = [f"{path.removesuffix('_regularizer')}_reduction" for path, _ in _fields(side, "regularizer", filled=True)
             if _of_an_output(path)]  # fmt: skip
    for group in [*([path] for path in paths), *(one for one in _groups(side, paths) if len(one) > 1)]:
        yield field_change(side, group, "sum" if at(side.config, group[0]) == "mean" else "mean")


def _floats(path: str, part: BaseModel) -> list[str]:
    """Return the fields that are numbers, but those that are habits."""
    found = [name for name in type(part).model_fields if isinstance(getattr(part, name), float)]
    return [name for name in found if not _habitual(path, part, name)]


def _habitual(path: str, part: BaseModel, name: str) -> bool:
    """Return whether a field's other values are habits; what an optimizer has, a program may also lack."""
    return name in HABITUAL.get(path, ()) and not (path == "optimizer" and getattr(part, name))


def _numbers(side: Resolved, path: str) -> Iterator[list[str]]:
    """Yield the paths of the numbers of a part, alone and with those of the layers that say the same."""
    for inner, part in visit(path, at(side.config, path)):
        if isinstance(part, Initializer | Regularizer | Constraint):
            continue
        for name in _floats(inner, part):
            yield from _everywhere(side, f"{inner}.{name}")


def _knob(side: Resolved, paths: Sequence[str]) -> Knob:
    start = float(at(side.config, paths[0]))
    return Knob(
        start=start, step=1e-3 * (start or 1.0), change=lambda number: field_change(side, paths, number),
        any=paths[0] == "optimizer.learning_rate",
    )  # fmt: skip


def _penalty_knob(side: Resolved, paths: Sequence[str]) -> Knob:
    return Knob(start=0.0, step=1e-3, change=lambda number: field_change(side, paths, {"l2": number}))


def native(side: Resolved, suspects: Suspects) -> Iterator[tuple[Change, ...]]:
    """Yield, for each part that may be the cause, all of a framework's own defaults that it has otherwise."""
    paths = (
        [f"layers.{layer.name}" for layer in suspects.layers] if suspects.phase not in ("update", "gradient") else []
    )
    paths += ["optimizer"] if suspects.phase in ("update", "state") else []
    for path in paths:
        part = at(side.config, path)
        every = {name: type(part).model_fields[name].default for one in part.native.values() for name in one}
        for told in ({}, *part.native.values()):
            for values in (told, every | dict(told)):
                changed = {
                    name: value
                    for name, value in values.items()
                    if not _of_a_parameter(part, name) and getattr(part, name) != value
                }
                # What the config says for itself the program may say, too: a rate most of all.
                unsaid = {name: one for name, one in changed.items() if side.origin(f"{path}.{name}") == DEFAULT}
                yield from _together(side, path, changed)
                yield from _together(side, path, unsaid)


def _together(side: Resolved, path: str, values: Mapping[str, Any]) -> Iterator[tuple[Change, ...]]:
    """Yield the changes of several fields of a part at once: in it alone, and in all that say the same."""
    for spread in (0, -1) if len(values) > 1 else ():
        yield tuple(
            field_change(side, _everywhere(side, f"{path}.{name}")[spread], value) for name, value in values.items()
        )
