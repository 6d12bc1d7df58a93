"""opaque: a loss that no entry reads; it runs only in the program that it was read from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import LossCode
from parity.frameworks import Hole
from parity.losses import Loss

if TYPE_CHECKING:
    from parity.activations import Activation
    from parity.entries import Shape


class Opaque(Loss):
    """L is what a program's own loss makes of outputs and targets, and of layers within the model; no meaning is known.

    In its own program it takes part as it is, and is compared as a whole: its value, and its gradients with respect to
    what it reads. It is compiled in no framework; the NumPy reference goes on with what the program itself gave.
    """

    kind: ClassVar[str] = "opaque"
    rule: ClassVar[str] = "opaque"
    forms: ClassVar[tuple[str, ...]] = ("one_hot", "index", "column", "flat")
    at_home: ClassVar[bool] = True
    descriptive: ClassVar[frozenset[str]] = frozenset({"what", "place", "needs"})

    what: str = Field(description="the function or class of the program, or what stands in its loss, that it is")
    place: str = Field(default="", description="line of the program, where that is known")
    needs: str = Field(default="", description="the entry or field that would read it")
    reads: tuple[str, ...] = Field(default=(), description="layers that it reads beside the output")

    @property
    def pointed_at(self) -> str:
        """Return it as a person would point at it: what it is, and its line."""
        return f"{self.what} ({self.place})" if self.place else self.what

    def label(self) -> str:
        return f"{self.kind} {self.pointed_at}"

    @classmethod
    def hole(cls, framework: str) -> Hole | None:
        del framework
        return Hole(why="what is opaque runs only in the program that it was read from")

    def words(self, ending: Activation | None) -> str:
        beside = f", of {', '.join(self.reads)} beside the output" if self.reads else ""
        return f"opaque: {self.pointed_at}{beside}"

    def unweighed(self, shape: Shape) -> str:
        return "it is not known what an opaque loss does with them"

    def _code(self) -> LossCode:
        name = re.sub(r"\W+", "_", self.what).strip("_") or "opaque"
        return LossCode(body=(f"return {name}",), doc=f"As the program has it: {self.what}.")

    def keras(self, ending: Activation | None, framework: str = "keras") -> LossCode:
        return self._code()

    def tensorflow(self, logits: bool) -> LossCode:
        return self._code()

    def torch(self, logits: bool, rank: int) -> LossCode:
        return self._code()
