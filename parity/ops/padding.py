"""What zero paddings and croppings share, whatever the number of axes."""

from __future__ import annotations

from typing import Any, ClassVar

from parity.code import Site
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned
from parity.ops import ShapeError
from parity.ops.around import Edged, Edges, shorter
from parity.ops.windows import tf_pads, torch_pads


def pad(rank: int) -> dict[str, Native]:
    """Return the frameworks' own paddings along so many axes."""
    return {
        "keras": Native(f"keras.layers.ZeroPadding{rank}D", {"padding": Turned("padding", shorter)}, ("padding",)),
        "torch": Native(f"nn.ZeroPad{rank}d", {"padding": Turned("padding", _last_first, _first_last)}, ("padding",)),
    }


def crop(rank: int) -> dict[str, Native]:
    """Return Keras's own cropping along so many axes, and PyTorch's padding by less than nothing."""
    taken = Turned("cropping", lambda edges: _last_first(_turned(edges)), lambda said: _turned(_first_last(said)))
    return {
        "keras": Native(f"keras.layers.Cropping{rank}D", {"cropping": Turned("cropping", shorter)}, ("cropping",)),
        "torch": Native(f"nn.ZeroPad{rank}d", {"padding": taken}, ("padding",)),
    }


def _last_first(edges: Edges) -> int | tuple[int, ...]:
    """Return edges as PyTorch takes them: the last axis first."""
    flat = torch_pads(edges)
    return flat[0] if len(set(flat)) == 1 else flat


def _first_last(said: Any) -> Any:
    """Return the edges that PyTorch was told."""
    return said if isinstance(said, int) else tuple(zip(said[::2], said[1::2], strict=True))[::-1]


def _turned(edges: Any) -> Any:
    """Return what is to be added where it was to be taken."""
    return -edges if isinstance(edges, int) else tuple((-before, -after) for before, after in edges)


class ZeroPadding(Edged):
    """Base of the paddings with zeros."""

    sign: ClassVar[int] = 1
    short: ClassVar[str | None] = "padding"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/zero_padding2d", torch="nn/modules/padding")

    def _changed(self, x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, 0), *self.edges(), (0, 0)), "constant")

    def expression(self, site: Site) -> str:
        return f"tf.pad(x, {tf_pads(self.edges())})"

    def said(self, site: Site) -> str:
        """Return that zeros come around the input."""
        return "Zeros around it."


class Cropping(Edged):
    """Base of the croppings."""

    sign: ClassVar[int] = -1
    short: ClassVar[str | None] = "cropping"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/cropping2d", torch="nn/modules/padding")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the lengths without what is taken, the channels as they are.

        Raises:
            ShapeError: when nothing is left.
        """
        found = super().output_shape(shape)
        if min(found) < 1:
            raise ShapeError(f"{self.label()} leaves nothing of {shape}")
        return found

    def _changed(self, x: np.ndarray) -> np.ndarray:
        kept = (slice(a, n - b) for n, (a, b) in zip(x.shape[1:-1], self.edges(), strict=True))
        return np.cut(x, (slice(None), *kept))

    def expression(self, site: Site) -> str:
        kept = [f"{a or ''}:{-b or ''}" for a, b in self.edges()]
        return f"x[:, {', '.join(kept)}]"

    def said(self, site: Site) -> str:
        """Return that the edges are cut off."""
        return "Without its edges."
