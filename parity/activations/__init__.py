"""Activations: one file each. ``AnyActivation`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from parity.code import call, function
from parity.discovery import entry_type
from parity.entries import Entry, read_in
from parity.formula import formula_of
from parity.frameworks import frameworks, part_of

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Helper


class Activation(Entry):
    """Base of the activations: a function of one tensor, the same in evaluation and training.

    It is a formula, and the frameworks' own parts that mean it. Where none of a framework's does, its programs have the
    formula as a function.
    """

    source: ClassVar = read_in(keras="activations/activations", tensorflow="ops/nn_ops", torch="nn/modules/activation")
    logits: ClassVar[bool] = False
    """Keras on TensorFlow remembers what went in as ``_keras_logits``, and cross-entropies recover it."""
    elementwise: ClassVar[bool] = True
    """Each output comes of one input; else of all along the last axis."""
    non_negative: ClassVar[bool] = False
    """No output is below 0, and the gradient is 0 where one is 0."""
    keeps_positive: ClassVar[bool] = False
    """What is above 0 stays as it is, and nothing else comes above 0."""

    @classmethod
    def said_in(cls, framework: str) -> bool:
        return hasattr(cls, framework)

    def formula(self) -> str:
        """Return the output as a formula in ``x`` and the fields."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def called(self) -> str:
        """Return the name of the function that the formula is where it is written out."""
        return self.kind

    def says(self) -> str:
        """Return the formula as people write it."""
        return self.formula()

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the output for an input of any shape."""
        return formula_of(self.formula()).value(x=x, **dict(self))

    def _own(self, framework: str) -> bool:
        part = self.part(framework)
        return part is not None and part.fits(self)

    def _fields(self) -> list[str]:
        """Return the fields that the formula reads."""
        return [name for name in type(self).model_fields if name in formula_of(self.formula()).names]

    def _applied(self, x: str) -> str:
        return call(self.called(), x, *(repr(getattr(self, name)) for name in self._fields()))

    def keras(self, framework: str = "keras") -> str:
        """Return the source of the value for Keras's ``activation=``.

        Args:
            framework: Keras, or one that falls back on it.
        """
        own = self.part(framework)
        if own is not None and own.fits(self):
            applied = own.source(self, "x")
            return f'"{self.kind}"' if applied == f"{own.name}(x)" else f"lambda x: {applied}"
        return f"lambda x: {self._applied('x')}" if self._fields() else self.called()

    def tensorflow(self, x: str) -> str:
        """Return the source of the activation applied to the expression ``x``."""
        return self.natives["tensorflow"].source(self, x) if self._own("tensorflow") else self._applied(x)

    def torch(self, channel_axis: int) -> str | None:
        """Return the source of the module, or None where nothing is to be done.

        Args:
            channel_axis: where the channels stand in the tensor at hand, -1 or 1.
        """
        if self._own("torch"):
            return self.natives["torch"].source(self)
        return call(_class(self.called()), *(repr(getattr(self, name)) for name in self._fields()))

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return the formula written out, where the framework has no part that means it.

        Args:
            framework: whose program it is.
        """
        if self._own(framework):
            return ()
        part = self.part(framework)
        doc = f"{self.says()}; {part.name} {part.reason(self)}." if part and part.reason(self) else f"{self.says()}."
        lines = formula_of(self.formula()).lines(frameworks()[framework].words)
        if framework == "torch":
            made: Helper = part_of(framework, "rule").module(_class(self.called()), self._fields(), doc, lines)
            return (made,)
        return (function(self.called(), ["x", *self._fields()], doc, lines),)


def _class(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


if TYPE_CHECKING:
    AnyActivation = Activation
else:
    AnyActivation: Any = entry_type(Activation, "parity.activations")
