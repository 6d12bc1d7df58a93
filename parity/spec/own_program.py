"""A program written by hand in a side's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parity.lazy import np
from parity.spec.sections import SideSpec


@dataclass(frozen=True, kw_only=True)
class OwnProgram:
    """A program written by hand, in place of the compiled one.

    Args:
        file: its path.
        names: what it calls the parts of the contract: ``model``, ``loss``, ``optimizer``.
        map: layer or ``layer.parameter`` of the spec to what the program calls it.
        script: the program as a person has it, where ``file`` runs that until it trains.
        inputs: file of the rows that the program is given in place of the spec's: what its own first layers make of
            them is what the spec's data are.
        channels_first: layers that flatten, and whose features the program counts with the channels first.
        padded: layers of whose zeros the program puts some around what it gives them.
        cut: layers of whose output the program cuts off the ends behind them.
        l2_in_optimizer: the l2 penalties of the spec are weight decay of its optimizer, and no part of its loss.
        masks_ignored: the program leaves out by a mask what has targets below 0, and is given the first class there.
        said_at: path to the line of the script that says it, ``FILE:LINE``.
    """

    file: str
    names: Mapping[str, str] = field(default_factory=dict)
    map: Mapping[str, str] = field(default_factory=dict)
    script: str | None = None
    inputs: str | None = None
    channels_first: tuple[str, ...] = ()
    padded: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    l2_in_optimizer: bool = False
    masks_ignored: bool = False
    said_at: Mapping[str, str] = field(default_factory=dict)

    @property
    def row(self) -> tuple[int, ...]:
        """Return the shape of a row of :attr:`inputs`; empty where the program is given the spec's."""
        if self.inputs is None:
            return ()
        with np.load(self.inputs, allow_pickle=False) as arrays:
            return tuple(arrays["X"].shape[1:])

    @property
    def shown(self) -> str:
        """Return the file that people know it by."""
        return self.script or self.file


def own_program(side: SideSpec) -> OwnProgram | None:
    """Return the program that a side names; None where it is compiled."""
    if side.program is None:
        return None
    names = {part: getattr(side, part) for part in ("model", "loss", "optimizer") if getattr(side, part)}
    return OwnProgram(
        file=side.program, names=names, map=dict(side.map), script=side.script, inputs=side.inputs,
        channels_first=side.channels_first, padded=side.padded, cut=side.cut, l2_in_optimizer=side.l2_in_optimizer,
        masks_ignored=side.masks_ignored, said_at=dict(side.said_at),
    )  # fmt: skip
