"""Changes that insert, remove or replace whole layers.

============================ ========================================================
change                       what it does
============================ ========================================================
``layers: [LAYER, ...]``     other layers in place of all
``layers.NAME: null``        the layer is left out
``layers.NAME.after: LAYER`` one layer, or a list of them, put behind it; ``before``, ahead of it
============================ ========================================================

``NAME`` may be a pattern, as in any path: what is put behind ``pool*`` is put behind each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parity.ops import Op
from parity.ops.block import layers_adapter
from parity.spec.align import names_like
from parity.spec.edges import Reads, plain, reading, reads_of, through
from parity.spec.sections import Config

PLACES = ("before", "after")
"""What a path to a layer may end in to say where others are put."""


def is_structural(keys: Sequence[str], value: Any) -> bool:
    """Return whether a change below ``layers`` inserts, removes or replaces layers.

    Args:
        keys: parts of its path after ``layers``.
        value: what it sets there.
    """
    return not keys or (len(keys) == 1 and value is None) or (len(keys) == 2 and keys[1] in PLACES)


def read_layers(value: Any) -> tuple[Op, ...]:
    """Return the layers that a change gives: a list, or one alone.

    Raises:
        ValidationError: when one is no layer, or there is none.
    """
    several = value if isinstance(value, list | tuple) else [value]
    return layers_adapter().validate_python(several)


def restructured(config: Config, chosen: Sequence[str], keys: Sequence[str], value: Any) -> tuple[Config, list[str]]:
    """Return the config with layers inserted, removed or replaced, and the names of those that came or went.

    A layer without a name that stands for one there was (:func:`~parity.spec.align.names_like`) takes its name: both
    sides then start from the same weights and drop the same values.

    Args:
        config: whose layers are named.
        chosen: names of the layers that the path means.
        keys: parts of the path after ``layers``.
        value: what is set there.

    Raises:
        ValidationError: when the value does not fit.
    """
    before = config.model.layers
    came: list[int] = []
    if not keys:
        layers = list(read_layers(value))
        came = list(range(len(layers)))
    elif len(keys) == 1:
        layers = [op for op in before if op.name not in chosen]
    else:
        layers = []
        for op in before:
            added = read_layers(value) if op.name in chosen else ()
            behind = keys[1] == "after"
            came += range(len(layers) + behind, len(layers) + behind + len(added))
            layers += [op, *added] if behind else [*added, op]
    names = names_like(before, layers)
    named = tuple(op.model_copy(update={"name": name}) for op, name in zip(layers, names, strict=True))
    if keys and not (plain(before) and plain(named)):
        named = _reconnected(before, named, [names[at] for at in came], keys[-1] if came else "", config.model.first)
    outputs = _outputs(config, named, [names[at] for at in came], keys[-1] if keys and came else "")
    model = config.model.model_copy(update={"layers": named, "outputs": outputs})
    gone = [str(op.name) for op in before if op.name not in names]
    return config.model_copy(update={"model": model}), list(dict.fromkeys([*gone, *(names[at] for at in came)]))


def _outputs(config: Config, after: Sequence[Op], came: Sequence[str], place: str) -> dict[str, str]:
    """Return which layers give the outputs where some are new or gone, as what read them would read others.

    Args:
        config: as it was.
        after: the layers there are now.
        came: names of the new ones.
        place: ``before`` or ``after``, where they are put; empty where none came, or all.
    """
    model, names = config.model, [str(op.name) for op in after]
    old = reads_of(model.layers, model.first)
    gone = set(old) - set(names) if place or not came else set()
    places = [names.index(name) for name in came] if place == "after" else []
    behind = {names[start - 1]: names[end - 1] for start, end in _runs(places)}
    found = {output: through(old, layer, gone) for output, layer in model.outputs.items()}
    return {output: behind.get(layer, layer) for output, layer in found.items()}


def _reconnected(
    before: Sequence[Op], after: Sequence[Op], came: Sequence[str], place: str, first: str
) -> tuple[Op, ...]:
    """Return layers of which some are new or gone, each reading what it read as far as that is there.

    What reads a layer that is gone reads what that one read. What reads a layer that others are put behind reads the
    last of these; what others are put ahead of reads them, in the place of what the first of these reads.

    Args:
        before: the layers there were.
        after: those there are now.
        came: names of the new ones.
        place: ``before`` or ``after``, where they are put; empty where none came.
        first: what a first layer reads.
    """
    old, names = dict(reads_of(before, first)), [str(op.name) for op in after]
    gone = set(old) - set(names)
    found: dict[str, tuple[str, ...]] = {
        name: tuple(through(old, one, gone) for one in old[name]) for name in names if name in old and name not in came
    }
    stands_for: dict[str, str] = {}
    for start, end in _runs([names.index(name) for name in came]):
        block = after[start:end]
        own: Reads = reads_of(block, names[start - 1] if place == "after" else "")
        found |= own
        last = names[end - 1]
        if place == "after":
            stands_for[names[start - 1]] = last
            continue
        behind = names[end]
        (given, *_) = own[names[start]]
        at = found[behind].index(given) if given in found[behind] else 0
        found[names[start]] = own[names[start]] if given else (found[behind][at],)
        found[behind] = (*found[behind][:at], last, *found[behind][at + 1 :])
    for name in names:
        if name not in came:
            found[name] = tuple(stands_for.get(one, one) for one in found[name])
    return reading(after, found, first)


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last but one of places that follow one another."""
    found: list[tuple[int, int]] = []
    for place in sorted(places):
        if found and found[-1][1] == place:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found
