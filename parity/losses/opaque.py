"""opaque: a loss that no entry reads; it runs only in the program that it was read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.at_home import OpaquePart
from parity.code import LossCode
from parity.losses import Loss

if TYPE_CHECKING:
    from parity.activations import Activation
    from parity.entries import Shape


class Opaque(OpaquePart, Loss):
    """L is what a program's own loss makes of outputs and targets, and of layers within the model; no meaning is known.

    In its own program it takes part as it is, and is compared as a whole: its value, and its gradients with respect to
    what it reads. It is compiled in no framework; the NumPy reference goes on with what the program itself gave.
    """

    kind: ClassVar[str] = "opaque"
    rule: ClassVar[str] = "opaque"
    forms: ClassVar[tuple[str, ...]] = ("one_hot", "index", "column", "flat")

    reads: tuple[str, ...] = Field(default=(), description="layers that it reads beside the output")

    def words(self, ending: Activation | None) -> str:
        beside = f", of {', '.join(self.reads)} beside the output" if self.reads else ""
        return f"opaque: {self.pointed_at}{beside}"

    def unweighed(self, shape: Shape) -> str:
        return "it is not known what an opaque loss does with them"

    def _code(self) -> LossCode:
        return LossCode(body=(f"return {self._name}",), doc=f"As the program has it: {self.what}.")

    def keras(self, ending: Activation | None, framework: str = "keras") -> LossCode:
        return self._code()

    def tensorflow(self, logits: bool) -> LossCode:
        return self._code()

    def torch(self, logits: bool, rank: int) -> LossCode:
        return self._code()
