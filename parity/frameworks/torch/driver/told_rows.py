"""The rows that a program trains on: of its loaders, of the tensors that it slices itself, or of the batches seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler, TensorDataset

from parity.frameworks.torch.driver.calls import Call, Ref, Replay, behind, key_of, part_at, tensors_in
from parity.frameworks.torch.driver.held_tensors import array_of
from parity.frameworks.torch.driver.loops import Loop, Pass
from parity.frameworks.torch.driver.own_modules import RANDOM
from parity.frameworks.torch.driver.steady import check_rows
from parity.frameworks.torch.driver.terms import Term
from parity.frameworks.torch.driver.tracer import UnclearError
from parity.run.held_rows import among

SLICES = frozenset({"__getitem__", "index_select", "narrow"})
"""Functions that take rows out of a tensor."""


@dataclass
class TrainedRows:
    """The data of a program.

    Args:
        x, y: of each input, and of each output its targets.
        weights: what rows count in the loss; None where all count alike.
        batch: rows of a batch.
        shuffle: whether rows are dealt out in another order in each epoch.
        drops: whether an incomplete last batch is left out.
        notes: what is not as it seems.
        redrawn: why the rows are other ones each time they are read; empty where they are not.
        only_seen: they are the batches of the steps that were seen: what these were taken from is not known.
    """

    x: list[np.ndarray] = field(default_factory=list)
    y: list[np.ndarray] = field(default_factory=list)
    weights: np.ndarray | None = None
    batch: int = 1
    shuffle: bool = False
    drops: bool = False
    notes: list[str] = field(default_factory=list)
    redrawn: str = ""
    only_seen: bool = False


def rows_of(loop: Loop) -> TrainedRows:
    """Return what a loop trains on.

    Raises:
        UnclearError: when it is no rows that a file can hold.
    """
    last = loop.last
    wanted = _wanted(last)
    batch = len(wanted[0].tensor)
    # The last of the steps may be what is left of an epoch.
    found = TrainedRows(batch=max(len(_wanted(one)[0].tensor) for step in loop.steps for one in step))
    loaders = {id(call.what): call.what for ref in wanted for call in _calls(ref) if call.name == "rows"}
    if len(loaders) > 1:
        raise UnclearError(f"{len(loaders)} loaders in one step", last.place, "one set of rows")
    loader = next(iter(loaders.values()), None)
    own: list[_Own] = [] if loader is not None else [_Sliced(batch, loop), _Held(loop)]
    sources: Sequence[_Source] = own or [_of_loader(loader, batch, found, last.place)]
    arrays, source = next(filter(None, (_all_rows(wanted, one, batch, found) for one in sources)), (None, None))
    if arrays is None:
        arrays, found.only_seen = _seen(loop), True
    elif isinstance(source, _Own):
        found.shuffle = source.shuffled()
        rows, inner = len(arrays[0]), loop.loops[-1] if len(loop.loops) > 1 else None
        found.drops = bool(rows % found.batch) and inner == rows // found.batch
    if not (found.only_seen or found.redrawn):
        check_rows([(_wanted(one), one.place) for step in loop.steps for one in step], arrays)
    count = len(last.inputs)
    if any(one.weights is not None for one in last.terms):
        *arrays, found.weights = arrays
    found.x, found.y = arrays[:count], arrays[count:]
    return found


def take_positive(terms: Sequence[Term], rows: TrainedRows) -> None:
    """Say ``pos_weight`` of a loss of one yes or no a row as what the rows count, which it then is.

    Args:
        terms: losses of the program; that of a single one is changed.
        rows: that it trains on; are given weights.
    """
    term, *more = terms
    told = {} if term.part is None else term.part["arguments"]
    positive = told.get("pos_weight")
    if more or positive is None or term.part is None or term.part["part"] != "nn.BCEWithLogitsLoss":
        return
    (y,), numbers = rows.y, np.ravel(positive)
    if y[0].size != 1 or numbers.size != 1 or rows.weights is not None or not np.isin(y, (0, 1)).all():
        return
    told["pos_weight"] = None
    rows.weights = np.where(y.reshape(len(y)) == 1, numbers[0], 1.0).astype(np.float32)
    rows.notes.append(f"pos_weight={numbers[0]:g} of the loss: what a row counts whose target is 1.")


def _wanted(step: Pass) -> list[Ref]:
    """Return the inputs of a step, then the targets of its losses, and what the rows of one count."""
    targets = [one.targets for one in step.terms if one.targets is not None]
    return [*step.inputs, *targets, *(one.weights for one in step.terms if one.weights is not None)]


class _NotFoundError(Exception):
    """The rows from which a batch was taken are not there."""


Chunk = Callable[[int, int], dict[Any, torch.Tensor]]


class _Source:
    """What batches are taken from."""

    count = 0

    def find(self, refs: Sequence[Ref]) -> None:
        """Look for it in what was made of it."""

    def chunk(self, start: int, stop: int) -> dict[Any, Any]:
        """Return, by key, the tensors that so many rows are."""
        raise NotImplementedError


def _calls(ref: Ref) -> list[Call]:
    return [one.call for one in behind(ref) if one.call is not None]


def _whole(wanted: Sequence[Ref], source: _Source, batch: int) -> tuple[list[np.ndarray], list[Call]]:
    """Return all rows as a program makes batches of them, in pieces as long as a batch, and the calls that make one."""
    source.find(wanted)
    parts: list[list[torch.Tensor]] = [[] for _ in wanted]
    made: list[Call] = []
    for start in range(0, source.count, batch):
        stop = min(start + batch, source.count)
        known = {key: _filled(one, batch) for key, one in source.chunk(start, stop).items()}
        replay = Replay(known)
        for part, ref in zip(parts, wanted, strict=True):
            part.append(replay.value(ref).detach()[: stop - start].clone())
        made = replay.made
    return [torch.cat(part).cpu().numpy() for part in parts], made


def _all_rows(
    wanted: Sequence[Ref], source: _Source, batch: int, found: TrainedRows
) -> tuple[list[np.ndarray], _Source] | None:  # fmt: skip
    """Return all rows of what batches are taken from; None where it is not found."""
    try:
        arrays, made = _whole(wanted, source, batch)
    except _NotFoundError:
        return None
    if len({len(one) for one in arrays}) != 1:
        return None
    random = next((call for call in made if call.name in RANDOM), None)
    if random is not None:
        found.redrawn = f"{random.name} ({random.place}), which draws in the loop"
    return arrays, source


def _filled(rows: torch.Tensor, count: int) -> torch.Tensor:
    """Return rows repeated until there are so many."""
    times = -(-count // len(rows))
    return (torch.cat([rows] * times)[:count] if times > 1 or len(rows) != count else rows).clone()


class _Loaded(_Source):
    """Rows of a data set, put together as a loader does."""

    def __init__(self, loader: Any) -> None:
        self._loader, self._data = loader, loader.dataset
        self.count = len(self._data)
        self._refs: list[Ref] = []

    def find(self, refs: Sequence[Ref]) -> None:
        found = {
            key_of(one): one for ref in refs for one in behind(ref) if one.call is not None and one.call.name == "rows"
        }
        self._refs = list(found.values())
        if any(not any(one.call is not None and one.call.name == "rows" for one in behind(ref)) for ref in refs):
            raise _NotFoundError

    def chunk(self, start: int, stop: int) -> dict[Any, Any]:
        batch = self.batch(start, stop)
        return {key_of(ref): part_at(batch, ref.path) for ref in self._refs}

    def batch(self, start: int, stop: int) -> Any:
        """Return rows as the loader would give them, in their order."""
        if type(self._data) is TensorDataset and self._loader.collate_fn is torch.utils.data.default_collate:
            return [one[start:stop] for one in self._data.tensors]
        return self._loader.collate_fn([self._data[number] for number in range(start, stop)])


def _of_loader(loader: DataLoader[Any], batch: int, found: TrainedRows, place: str) -> _Source:
    if isinstance(loader.dataset, IterableDataset) or not hasattr(loader.dataset, "__len__"):
        raise UnclearError("a data set that has no length", place, "rows that a file can hold")
    batches = loader.batch_sampler
    sampler = getattr(batches, "sampler", loader.sampler)
    random, plain = isinstance(sampler, RandomSampler), isinstance(sampler, SequentialSampler)
    own = type(batches) is not torch.utils.data.BatchSampler
    if own or not (random or plain) or (random and (sampler.replacement or sampler.num_samples != len(loader.dataset))):
        what = type(sampler).__name__ if not own else type(batches or sampler).__name__
        raise UnclearError(f"a loader with {what}", place, "rows in their order or shuffled")
    assert batches is not None
    found.shuffle, found.drops, found.batch = random, bool(batches.drop_last), int(batches.batch_size)
    source = _Loaded(loader)
    rows = min(2, source.count)
    pair = [tensors_in(source.batch(0, rows)) for _ in range(2)]
    if any(not torch.equal(a, b) for a, b in zip(*pair, strict=True)):
        found.redrawn = f"a data set ({type(loader.dataset).__name__}) that gives other numbers each time it is read"
    return source


class _Own(_Source):
    """Tensors that the program takes rows out of itself.

    Args:
        loop: that does.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._bases: dict[Any, torch.Tensor] = {}

    def chunk(self, start: int, stop: int) -> dict[Any, Any]:
        return {key: one[start:stop] for key, one in self._bases.items()}

    def shuffled(self) -> bool:
        """Return whether rows are taken in another order than they lie in."""
        raise NotImplementedError


class _Held(_Own):
    """Arrays that the program holds, found by their numbers: of NumPy, say, which makes its batches of them."""

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop)
        self._numbers: list[Any] = []

    def find(self, refs: Sequence[Ref]) -> None:
        passes = [_wanted(one) for step in self._loop.steps for one in step]
        steps = [list(filter(None, (_kept_whole(ref, len(ref.tensor)) for ref in one))) for one in passes]
        batches = [[array_of(one.tensor) for one in step] for step in steps]
        if {len(one) for one in batches} != {len(refs)} or any(len({len(one) for one in step}) > 1 for step in batches):
            raise _NotFoundError
        found = among(batches, [array_of(one) for one in self._loop.held])
        if found is None:
            raise _NotFoundError
        arrays, self._numbers = found
        for leaf, batch, array in zip(steps[-1], batches[-1], arrays, strict=True):
            self._bases[key_of(leaf)] = torch.from_numpy(np.ascontiguousarray(array.astype(batch.dtype)))
        self.count = len(arrays[0])

    def shuffled(self) -> bool:
        within = any((np.diff(one) != 1).any() for one in self._numbers)
        between = any(after[0] not in (before[-1] + 1, 0) for before, after in pairwise(self._numbers))
        return within or between


class _Sliced(_Own):
    """Tensors of which rows are taken by PyTorch, or all of them."""

    def __init__(self, batch: int, loop: Loop) -> None:
        super().__init__(loop)
        self._batch = batch

    def find(self, refs: Sequence[Ref]) -> None:
        for ref in refs:
            found = [(one, base) for one in behind(ref) if (base := sliced(one, self._batch)) is not None]
            if len({id(base.tensor) for _, base in found}) < len(found):
                raise _NotFoundError  # Windows of one sequence, put together to a batch.
            for one, base in found:
                self._bases[key_of(one)] = base.tensor
            if not found:
                whole = _kept_whole(ref, self._batch)
                if whole is None or not self._in_every_step(whole):
                    raise _NotFoundError
                self._bases[key_of(whole)] = whole.tensor
        counts = {len(one) for one in self._bases.values()}
        if len(counts) != 1:
            raise _NotFoundError
        self.count = counts.pop()

    def _in_every_step(self, whole: Ref) -> bool:
        steps = [_wanted(one) for step in self._loop.steps for one in step]
        return all(any(other.tensor is whole.tensor for ref in refs for other in behind(ref)) for refs in steps)

    def shuffled(self) -> bool:
        for number in range(len(self._loop.steps)):
            index = _index(self._loop, number)
            index = index.tensor if isinstance(index, Ref) else index
            if isinstance(index, torch.Tensor | np.ndarray | list):
                numbers = torch.as_tensor(index)
                if numbers.dtype != torch.bool and bool((numbers.diff() != 1).any()):
                    return True
        return False


def sliced(ref: Ref, batch: int) -> Ref | None:
    """Return what a tensor is rows of; None where it is no such."""
    call = ref.call
    if call is None or call.name not in SLICES or not call.args or not isinstance(call.args[0], Ref):
        return None
    base = call.args[0]
    rows = base.tensor.dim() > 0 and len(base.tensor) >= batch and ref.tensor.shape[1:] == base.tensor.shape[1:]
    return base if rows and ref.tensor.dim() > 0 else None


def _kept_whole(ref: Ref, batch: int) -> Ref | None:
    """Return the tensor of all rows where a step takes them all: one that no call that was seen made of rows."""
    for one in behind(ref):
        made = one.call is None or not [x for x in one.call.refs() if x.tensor.dim() and len(x.tensor) == batch]
        if made and one.tensor.dim() and len(one.tensor) == batch:
            return one
    return None


def _index(loop: Loop, number: int) -> Any:
    """Return what the rows of a step were taken by."""
    refs = loop.steps[number][-1].inputs
    for one in behind(refs[0]):
        if one.call is not None and one.call.name in SLICES and sliced(one, len(refs[0].tensor)) is not None:
            index = one.call.args[-1]
            return index[0] if isinstance(index, tuple) else index
    return None


def _seen(loop: Loop) -> list[np.ndarray]:
    """Return the rows of all steps that were seen, one batch behind the other; the same batch once."""
    parts: list[list[np.ndarray]] = []
    met: set[int] = set()
    for step in loop.steps:
        for one in step:
            refs = _wanted(one)
            if id(refs[0].tensor) not in met:
                met.add(id(refs[0].tensor))
                parts.append([ref.tensor.detach().cpu().numpy() for ref in refs])
    return [np.concatenate(every) for every in zip(*parts, strict=True)]
