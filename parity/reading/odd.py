"""What a framework's folder says of reading its programs, beside its tables of native parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from parity.run.told import Told, ToldNode, Word


@dataclass(frozen=True)
class Said:
    """A call as a layer of a spec.

    Args:
        kind: the entry.
        fields: what is said of it.
        reads: numbers of the tensors that it reads, where these are not all that the call was given, in order.
    """

    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    reads: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Passing:
    """A call that gives what it is given.

    Args:
        read: number of the tensor.
    """

    read: int = 0


class Reader:
    """Base: a framework says nothing beside its tables; one that does has ``READER`` in ``reader.py`` of its folder."""

    ignored: ClassVar[Collection[str]] = frozenset()
    """Arguments of parts that change nothing of what they compute."""

    opaque: ClassVar[bool] = False
    """Whether what no entry reads is kept in its place: the framework's programs show what their layers give."""

    beside: ClassVar[Collection[str]] = frozenset()
    """Arguments that mean the field of the same name, though tables, which write calls, do not have them."""

    def odd(self, node: ToldNode) -> Said | Passing | None:
        """Return a call that is no entry by its part's name alone; None for one that its table reads.

        Raises:
            NoEntryError: when no entry is it.
        """
        del node
        return None

    def word(self, part: Word) -> Word:
        """Return a part, other than a layer, that no table knows by its name, as one that a table knows."""
        return part

    def entry(self, name: str) -> Mapping[str, Any] | None:
        """Return the entry that a part is which no table has, ``{kind: fields}``; None where there is none such."""
        del name
        return None

    def said(self, part: Word) -> Mapping[str, Any] | None:
        """Return the entry that a part is, ``{kind: fields}``, where its arguments decide which; None of any other.

        Raises:
            NoEntryError: when no entry is it.
        """
        del part
        return None

    def metric(self, told: Word) -> str | None:
        """Return the metric that is told; None where no entry is it."""
        del told
        return None

    def harmless(self, callback: Word) -> str | None:
        """Return what is to be said of a callback, empty for nothing; None for one that changes training."""
        del callback
        return None

    def known(self, told: Told, tensor: str) -> str:
        """Return why a tensor of a step is another than a spec can say, where that is known of the framework.

        Args:
            told: the program.
            tensor: its canonical name.
        """
        del told, tensor
        return ""

    def canonical(self, kind: str, tensor: str) -> tuple[str, ...]:
        """Return the parameters of a layer that a tensor of a part is, or holds; none where that is not known.

        Args:
            kind: of the layer.
            tensor: what a watcher calls it.
        """
        del kind, tensor
        return ()

    def adjusted(self, config: dict[str, Any], told: Told) -> dict[str, Any]:
        """Return a spec with what follows from several of its parts."""
        del told
        return config
