"""What a driver asks of a program's models and optimizers, and puts in the place of their methods.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import inspect
from typing import Any


def called(model: Any, x: Any, training: bool) -> Any:
    """Return what a model makes of rows; not every program's ``__call__`` asks whether it is being trained.

    Several inputs are a tuple; a model that has a parameter for each is given them one by one.
    """
    parameters = inspect.signature(model).parameters.values()
    asks = any(one.name == "training" or one.kind is one.VAR_KEYWORD for one in parameters)
    taken = [one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.POSITIONAL_ONLY)]
    many = any(one.kind is one.VAR_POSITIONAL for one in parameters)
    apart = isinstance(x, tuple) and (many or len([one for one in taken if one.name != "training"]) >= len(x))
    given = x if apart else (x,)
    return model(*given, training=training) if asks else model(*given)


WEIGHTS = ("sample_weights", "sample_weight")
"""What a loss or a training step may call what each row's loss counts; the second is Keras's word."""


def weights_for(function: Any, weights: Any) -> dict[str, Any]:
    """Return the sample weights as an argument of a loss or of a training step; none where it does not take them.

    Args:
        function: of a program: it takes them if it has an argument of such a name.
        weights: of the rows of a batch; None where these have none.
    """
    plain = getattr(function, "python_function", getattr(function, "forward", function))
    try:
        taken = inspect.signature(plain).parameters if weights is not None else {}
    except (TypeError, ValueError):  # What is written in C need not say.
        return {}
    return {name: weights for name in WEIGHTS if name in taken}


def restore(owner: Any, attribute: str, before: Any) -> None:
    """Take back what stands in the place of an attribute of an object."""
    if before is None:
        object.__delattr__(owner, attribute)
    else:
        object.__setattr__(owner, attribute, before)


def built(optimizer: Any, variables: Any) -> Any:
    """Return an optimizer with its slots made: Keras's else makes them in its first step, inside of a graph."""
    if not getattr(optimizer, "built", True):
        optimizer.build(variables)
    return optimizer


def facts_of(optimizer: Any) -> dict[str, Any]:
    """Return an optimizer's class, whose it is, and its attributes with slots: lists of variables, single numbers."""
    known = {name: getattr(optimizer, name, None) for name in dir(optimizer) if name[:2] != "__"}
    slots = [name for name, one in known.items() if isinstance(one, list) or getattr(one, "shape", None) == ()]
    of = type(optimizer).__module__.partition(".")[0]
    return {"optimizer": type(optimizer).__name__, "optimizer_of": of, "learning_rate": 0.0, "attributes": slots}
