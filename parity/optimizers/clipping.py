"""Clipping of gradients, which every optimizer may do before its step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, model_validator

from parity.entries import Entry
from parity.lazy import np
from parity.native import Native, same

CLIPS = ("clipvalue", "clipnorm", "global_clipnorm")
"""The three ways, of which an optimizer takes one."""


class Clipping(Entry):
    """Base of what clips gradients g, of one parameter each, before an update rule sees them.

    ===================== ============================================================================================
    ``clipvalue``         every number of g to [-clipvalue, clipvalue]
    ``clipnorm``          g min(clipnorm / (|g| + clip_epsilon), 1), each parameter by itself
    ``global_clipnorm``   g min(global_clipnorm / (|all g| + clip_epsilon), 1), one factor for all parameters
    ===================== ============================================================================================

    Keras's three, and ``clip_grad_value_`` and ``clip_grad_norm_`` of PyTorch, which adds 1e-6 to the norm where Keras
    and TensorFlow add nothing (``clip_epsilon``). A penalty is part of the loss and clipped with it; a decoupled weight
    decay is not.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({*CLIPS, "clip_epsilon"})

    clipvalue: PositiveFloat | None = Field(default=None, description="largest size of a number of a gradient")
    clipnorm: PositiveFloat | None = Field(default=None, description="largest norm of the gradient of a parameter")
    global_clipnorm: PositiveFloat | None = Field(default=None, description="largest norm of all gradients together")
    clip_epsilon: NonNegativeFloat = Field(
        default=0.0, description="added to a norm before it divides: 1e-6 in clip_grad_norm_ of PyTorch, else 0"
    )

    @model_validator(mode="after")
    def _clips_once(self) -> Self:
        if sum(getattr(self, name) is not None for name in CLIPS) > 1:
            raise ValueError("one of clipvalue, clipnorm and global_clipnorm")
        return self

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Tell Keras's own optimizers how to clip: no entry needs to."""
        super().__pydantic_init_subclass__(**kwargs)
        if "keras" in vars(cls).get("natives", {}):
            cls.natives = {**cls.natives, "keras": clipping(cls.natives["keras"])}

    def clip(self) -> tuple[str, float] | None:
        """Return how gradients are clipped, the field and its number; None where they are not."""
        said: dict[str, float | None] = {name: getattr(self, name) for name in CLIPS}
        return next(((name, limit) for name, limit in said.items() if limit is not None), None)

    def clipped(self, gradients: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the gradients of all parameters as the update rule sees them."""
        how, found = self.clip(), dict(gradients)
        if how is None:
            return found
        name, limit = how
        if name == "clipvalue":
            return {key: np.clip(g, -limit, limit) for key, g in found.items()}
        sizes = {key: float(np.linalg.norm(np.ravel(g))) for key, g in found.items()}
        whole = float(np.linalg.norm(list(sizes.values())))
        return {
            key: g * self._factor(limit, whole if name == "global_clipnorm" else sizes[key]) for key, g in found.items()
        }

    def _factor(self, limit: float, norm: float) -> float:
        return min(limit / (norm + self.clip_epsilon), 1.0) if norm + self.clip_epsilon > 0 else 1.0

    def clip_words(self) -> str:
        """Return how gradients are clipped, in words that follow the rule; an empty string where they are not."""
        how = self.clip()
        if how is None:
            return ""
        name, limit = how
        more = f" with {self.clip_epsilon!r} added to it" if self.clip_epsilon and name != "clipvalue" else ""
        what = {"clipvalue": "every number of g to", "clipnorm": "each g to the norm",
                "global_clipnorm": "all g together to the norm"}[name]  # fmt: skip
        return f"; before that {what} {limit!r}{more}"


def clipping(part: Native) -> Native:
    """Return an optimizer of Keras's that is told how to clip."""
    return replace(part, arguments={**part.arguments, **same(*CLIPS)}, own={**part.own, **dict.fromkeys(CLIPS)})
