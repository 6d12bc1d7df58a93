"""The canonical names of tensors, and the only place that makes them and takes them apart.

============================= ============================ =========================================================
``layer.parameter``           ``dense.kernel``             a parameter or a running statistic
``slot/layer.parameter``      ``m/dense.kernel``           what an optimizer keeps for it
``layer``                     ``dense``                    what a layer puts out, or the gradient with respect to it
``layer:part``                ``lstm:state_h``             one of several
``layer.logits``              ``out.logits``               the same before the activation that the loss applies
``layer.probabilities``       ``out.probabilities``        the same as probabilities, whatever the program returns
``predictions``               ``predictions``              what the model predicts, in evaluation mode
``predictions:output``        ``predictions:label``        what it predicts of one output of several
============================= ============================ =========================================================

A layer's name is a Python identifier, so none of these marks is in it, and no parameter is called as a form is. Only
the standard library: workers read this, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

LOGITS, PROBABILITIES = ".logits", ".probabilities"
"""Forms in which an output may be seen."""

FORMS = (LOGITS, PROBABILITIES)


def parameter(layer: str | None, name: str) -> str:
    """Return the name of a layer's parameter or running statistic."""
    return f"{layer}.{name}"


def slot(kept: str, of: str) -> str:
    """Return the name of what an optimizer keeps for a parameter, ``kept`` being the slot's."""
    return f"{kept}/{of}"


def predictions(of: str) -> str:
    """Return the name of what a model predicts; of one output of several, by its name, which is else empty.

    >>> predictions(""), predictions("label")
    ('predictions', 'predictions:label')
    """
    return output("predictions", of)


def output(layer: str, part: str = "", form: str = "") -> str:
    """Return the name of what a layer puts out.

    Args:
        layer: that puts it out.
        part: which of several tensors; empty for the only one.
        form: one of :data:`FORMS`; empty for the tensor itself.
    """
    return f"{layer}{f':{part}' if part else ''}{form}"


def form_of(name: str) -> str:
    """Return the form in which an output is seen; empty for the tensor itself."""
    return next((form for form in FORMS if name.endswith(form)), "")


def itself(name: str) -> str:
    """Return the name of an output without the form in which it is seen."""
    return name.removesuffix(form_of(name))


def slot_of(name: str) -> str:
    """Return the slot of an optimizer; empty for what is none.

    >>> slot_of("m/dense.kernel"), slot_of("dense.kernel")
    ('m', '')
    """
    return name.rpartition("/")[0]


def without_slot(name: str) -> str:
    """Return the parameter for which a slot is kept; any other name as it is.

    >>> without_slot("m/dense.kernel"), without_slot("dense")
    ('dense.kernel', 'dense')
    """
    return name.rpartition("/")[2]


def is_of_parameter(name: str) -> bool:
    """Return whether a tensor is a parameter, or a slot or gradient of one; else it is an output or its gradient.

    >>> is_of_parameter("dense.kernel"), is_of_parameter("out.logits"), is_of_parameter("lstm:state_h")
    (True, False, False)
    """
    return "." in itself(name)


def layer_of(name: str) -> str:
    """Return the layer that a tensor belongs to.

    >>> layer_of("m/dense.kernel"), layer_of("out.logits"), layer_of("lstm:state_h")
    ('dense', 'out', 'lstm')
    """
    return without_slot(itself(name)).partition(".")[0].partition(":")[0]


def own_name(name: str) -> str:
    """Return a parameter's name within its layer.

    >>> own_name("dense.kernel")
    'kernel'
    """
    return name.rpartition(".")[2]


def fits(pattern: str, name: str) -> bool:
    """Return whether a shell pattern means a parameter; one without a dot is of the layer's name.

    >>> fits("*.bias", "dense.bias"), fits("dense*", "dense_1.bias"), fits("bias", "dense.bias")
    (True, True, False)
    """
    return fnmatchcase(name if "." in pattern else layer_of(name), pattern)


def said_of(name: str, said: Mapping[str, float], other: float) -> float:
    """Return what is said of a parameter: by the first pattern that means it, else the other number.

    Args:
        name: ``layer.parameter``.
        said: numbers by pattern (:func:`fits`).
        other: of those that no pattern means.
    """
    return next((one for pattern, one in said.items() if fits(pattern, name)), other)


def patterns_of(chosen: Collection[str], names: Collection[str]) -> list[str]:
    """Return a few shell patterns that mean some names and none of the others.

    >>> names = ["a.kernel", "a.bias", "b.kernel", "b.bias", "norm.gamma", "norm.beta"]
    >>> patterns_of(["a.bias", "b.bias", "norm.gamma", "norm.beta"], names)
    ['*.bias', 'norm.*']

    Args:
        chosen: the names that they mean.
        names: all there are, of parameters as they are called here or in a program.
    """
    left, others = set(chosen), sorted(set(names) - set(chosen))
    known: dict[str, set[str]] = {}
    for one in dict.fromkeys(_candidates(chosen)):
        if not any(fnmatchcase(name, one) or fits(one, name) for name in others):
            known[one] = {name for name in chosen if fnmatchcase(name, one) and fits(one, name)}
    found = []
    while left:
        found.append(max(known, key=lambda one: (len(known[one] & left), "*" not in one, -len(one))))
        left -= known[found[-1]]
    return found


def _candidates(chosen: Collection[str]) -> Iterator[str]:
    """Yield patterns that mean some names: all, those that end or begin as one does, each alone."""
    yield "*"
    for name in chosen:
        marks = [place for place, mark in enumerate(name) if mark in "._"]
        ends = [f"*{name[place:]}" for place in marks]
        begins = [f"{name[: place + 1]}*" for place in marks]
        yield from (*ends, *(f"*{name[place + 1 :]}" for place in marks), *begins)
        yield f"*.*{name[max(marks, default=-1) + 1 :]}"
        if marks:
            yield from (f"{one}{ends[-1].removeprefix('*')}" for one in begins[:-1])
        yield name
