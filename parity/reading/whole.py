"""A program as a spec, or every line of what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from parity.catalog import LOSSES, OPS, OPTIMIZERS
from parity.errors import UsageError
from parity.reading.entries_of import checked, entry_of, reader_of, shown_word
from parity.reading.groups_of import with_groups
from parity.reading.layers_of import Layers, layers_of
from parity.reading.opaque import is_opaque, opaque_parts
from parity.reading.resolved import resolved
from parity.reading.rows_of import Rows, rows_of
from parity.reading.said import said_parts
from parity.reading.unread import NoEntryError, Unread, UnreadProgramError
from parity.run.told import Told, ToldNode, Word
from parity.spec.plain import brief, yaml_of
from parity.tensors import parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray


UNSEEN = "How many epochs it trains cannot be seen: the spec says 1."
"""Noted of a loop that does not say how long it goes on."""


def only_seen(count: int) -> str:
    """Return the note of a program of which so many rows are known, those of the batches that were seen."""
    return f"The {count} rows are those of the batches that were seen: what these were taken from was not found."


@dataclass(kw_only=True)
class ReadProgram:
    """A program that was read.

    Args:
        framework: that it is written in.
        spec: as plain data; its source is the file that :attr:`arrays` go to.
        arrays: the data, by their names in the file.
        names: of each call of the program that is a layer, the layer's name.
        notes: what a reader of the spec should know, in sentences.
        told: what was told of it.
        unsaid: what of a training it does not hold: ``loss``, ``optimizer``.
        made_up: it brings no data; the arrays are invented.
        takes: of the inputs of its program, in their order, the numbers of those of the spec; empty where they are the
            same.
    """

    framework: str
    spec: dict[str, Any]
    arrays: dict[str, Any]
    names: dict[str, str]
    notes: list[str] = field(default_factory=list)
    unsaid: tuple[str, ...] = ()
    made_up: bool = False
    takes: tuple[int, ...] = ()
    told: Told

    @property
    def redrawn(self) -> str:
        """Return why its rows are other ones each time they are read; empty where they are not."""
        return self.told.redrawn

    @property
    def opaque(self) -> dict[str, str]:
        """Return what of it is opaque, as a person would point at it, and the sentence that says so."""
        several = isinstance(self.spec["model"].get("outputs"), Mapping)
        losses = self.spec["loss"] if several else {"": self.spec["loss"]}
        return opaque_parts(self.spec["model"]["layers"], losses)

    def places(self, names: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return where the program keeps layers, and parameters that lie in other modules than their layer's: a map.

        Args:
            names: of each layer of a spec, the layer of this reading that it is; None where they are the same.
        """
        found: dict[str, str] = {}
        called = names if names is not None else {one: one for one in self.names.values()}
        for node in self.told.nodes:
            mine = [name for name, one in called.items() if one == self.names.get(node.name)]
            path = node.name if node.path is None else node.path
            for name in mine:
                kept = node.kept.items() if node.layer == node.name else ()
                own = {self._canonical(node, tensor): one for tensor, one in kept if tensor not in node.tied}
                found |= {parameter(name, tensor): one for tensor, one in own.items()}
                found |= {name: path} if path else {}
        return found

    def _canonical(self, node: ToldNode, tensor: str) -> str:
        """Return the spec's name of a parameter of a call, which a watcher may call as the framework's part does."""
        kinds = {fields["name"]: kind for one in self.spec["model"]["layers"] for kind, fields in one.items()}
        kind = kinds.get(self.names.get(node.name, ""), "")
        own = reader_of(self.framework).canonical(kind, tensor) if kind in OPS else ()
        return own[0] if len(own) == 1 else tensor

    def hidden(self, names: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return those of :meth:`places` that no name and no order tells: opaque layers, and what is kept apart.

        Args:
            names: as there.
        """
        opaque = {one["opaque"]["name"] for one in self.spec["model"]["layers"] if is_opaque(one)}
        apart = {own for node in self.told.nodes if node.path is not None and (own := self.names.get(node.name))
                 and (node.kept or node.tied or own in opaque)}  # fmt: skip
        mine = {name for name, own in (names or {one: one for one in apart}).items() if own in apart}
        return {name: path for name, path in self.places(names).items() if name.partition(".")[0] in mine}

    def known(self, tensor: str) -> str:
        """Return why a tensor is another than a spec can say (:meth:`~parity.reading.odd.Reader.known`)."""
        return reader_of(self.framework).known(self.told, tensor)

    def text(self, program: str) -> str:
        """Return the spec as YAML, with what a reader of it should know ahead.

        Args:
            program: what it was read from.
        """
        return headed([f"Read from {program} by parity read.", *self.notes], self.spec)


def headed(lines: Iterable[str], spec: Mapping[str, Any]) -> str:
    """Return a spec as YAML, with lines ahead that only people read."""
    return "".join(f"# {line}\n" for line in lines) + yaml_of(spec)


def read_told(
    told: Told, arrays: Mapping[str, NDArray[Any]], *, name: str, source: str, said: Mapping[str, Any] | None = None,
    given_weights: bool = False,
) -> ReadProgram:  # fmt: skip
    """Return what a program is as a spec.

    Args:
        told: what a watcher told of it.
        arrays: that it trains on, by the names that are told.
        name: of the spec.
        source: what the spec calls the file of the arrays.
        said: loss and optimizer of a program that has none, as a spec says them.
        given_weights: the spec will start from the program's own weights, whatever its initializers say.

    Raises:
        UnreadProgramError: with everything that no entry reads.
    """
    said = said_parts(said or {})
    for part, there in (("loss", told.losses), ("optimizer", told.optimizer)):
        if part in said and there:
            raise UsageError(f"--{part}: the program has one of its own; leave --{part} out, or change the program")
    unread = [Unread(what=one.what, place=one.place, needs=one.needs) for one in told.refused]
    if not told.outputs:
        raise UnreadProgramError(unread)
    told = resolved(told, arrays, unread, given_weights)
    layers = layers_of(told)
    unread += layers.unread
    outputs = dict(zip((one for one, _ in told.outputs), layers.outputs, strict=True))
    losses = _losses(told, outputs, said, layers, unread)
    optimizer = with_groups(_optimizer(told, said, unread), told, layers, unread)
    notes = list(told.notes)
    if told.training.epochs is None:
        notes.append(UNSEEN)
    notes += opaque_parts(
        layers.layers, losses if len(outputs) > 1 else {"": next(iter(losses.values()), None)}
    ).values()
    metrics = _metrics(told, outputs, notes)
    _callbacks(told, notes, unread)
    if unread:
        raise UnreadProgramError(unread)
    shapes = _shapes(layers)
    rows = rows_of(arrays, layers, losses, shapes, told.training)
    if rows.made_up:
        notes.append(f"It brings no data: the {len(next(iter(rows.arrays.values())))} rows in {source} are made up.")
    notes += [*rows.notes, *told.unseen]
    if told.seen_loops is not None:
        notes.append(only_seen(len(next(iter(rows.arrays.values())))))
    if told.redrawn:
        notes.append(f"Its rows are opaque: {told.redrawn.rstrip(',')}; those in {source} are one reading of them.")
    if unread + rows.unread:
        raise UnreadProgramError(unread + rows.unread)
    losses = {output: _aligned(one, output in rows.aligned) for output, one in losses.items()}
    config = _config(told, name, source, layers, losses, optimizer, metrics, rows)
    config = reader_of(told.framework).adjusted(config, told)
    if told.precision and "numerics" not in config:
        raise UnreadProgramError(
            [Unread(what=f"type {told.precision} of its layers", needs="a numerics that computes so")]
        )
    unsaid = tuple(part for part, there in (("loss", told.losses), ("optimizer", told.optimizer)) if not there)
    return ReadProgram(
        framework=told.framework,
        spec=config,
        arrays=rows.arrays,
        names=layers.names,
        notes=notes,
        unsaid=unsaid,
        made_up=rows.made_up,
        told=layers.told,
    )


def _config(
    told: Told, name: str, source: str, layers: Layers, losses: Mapping[str, Any], optimizer: Any, metrics: Any,
    rows: Rows,
) -> dict[str, Any]:  # fmt: skip
    """Return the spec as plain data, its sections in the order in which people write them."""
    several, training = len(layers.outputs) > 1, told.training
    single = layers.inputs.get("input") if len(layers.inputs) == 1 else None
    model: dict[str, Any] = {"input": single} if isinstance(single, list) else {"inputs": layers.inputs}
    model["layers"] = layers.layers
    last = next(iter(layers.layers[-1].values()))["name"] if layers.layers else ""
    if several:
        model["outputs"] = layers.outputs
    elif next(iter(layers.outputs.values())) != last:
        raise UnreadProgramError([Unread(what="output", needs="a last layer that gives it")])
    said: dict[str, Any] = {"epochs": training.epochs or 1, "shuffle": training.shuffle, "seed": 0}
    if training.batch_size is not None:
        said = {"batch_size": training.batch_size, **said}
    if training.drop_remainder:
        said["drop_remainder"] = True
    config: dict[str, Any] = {
        "name": spec_name(name),
        "data": {"source": source, **rows.section},
        "model": model,
        "loss": dict(losses) if several else next(iter(losses.values())),
        "optimizer": optimizer,
        "training": said,
    }
    if metrics:
        config["metrics"] = metrics if several else next(iter(metrics.values()))
    return config


def spec_name(name: str) -> str:
    """Return a name as a spec can have it."""
    found = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).lstrip("_.-")[:100]
    return found or "program"


def _losses(
    told: Told, outputs: Mapping[str, str], said: Mapping[str, Any], layers: Layers, unread: list[Unread]
) -> dict[str, Any]:  # fmt: skip
    """Return the loss of each output as a spec says it; opaque where no entry is it."""
    found: dict[str, Any] = {}
    for one in told.losses:
        try:
            if one.beside:
                raise NoEntryError(one.needs)
            ((kind, fields),) = entry_of(one.part, told.framework, "loss").items()
            weight = {} if one.weight == 1.0 else {"weight": one.weight}
            found[outputs[one.output]] = brief(checked(LOSSES[kind], {**fields, **weight}))
        except NoEntryError as error:
            what = " and ".join(filter(None, [shown_word(one.part) if one.part is not None else "", one.beside]))
            place = one.place or told.places.get("loss") or told.places.get("compile", "")
            if not reader_of(told.framework).opaque:
                unread.append(Unread(what=f"loss {what}", place=told.places.get("compile", ""), needs=str(error)))
                continue
            opaque = LOSSES["opaque"].model_validate(
                {"what": what, "place": place, "needs": str(error), "reads": layers.reads.get(one.output, [])}
            )
            found[outputs[one.output]] = brief(opaque.replace(weight=one.weight))
    if not told.losses and "loss" in said:
        found = dict.fromkeys(outputs.values(), said["loss"])
    elif not told.losses:
        unread.append(Unread(what="loss: the program has none, and it", needs="one: --loss"))
    elif len(told.losses) < len(outputs):
        missing = ", ".join(sorted(set(outputs) - {one.output for one in told.losses}))
        unread.append(Unread(what=f"output {missing}, which has no loss,", needs="a loss for each output"))
    return found


def _optimizer(told: Told, said: Mapping[str, Any], unread: list[Unread]) -> Any:
    if told.optimizer is None:
        if "optimizer" not in said:
            unread.append(Unread(what="optimizer: the program has none, and it", needs="one: --optimizer"))
        return said.get("optimizer")
    try:
        ((kind, fields),) = entry_of(told.optimizer, told.framework, "optimizer").items()
        return brief(checked(OPTIMIZERS[kind], fields))
    except NoEntryError as error:
        what = f"optimizer {shown_word({'part': told.optimizer['part']})}"
        unread.append(Unread(what=what, place=told.places.get("compile", ""), needs=str(error)))
    return None


def _metrics(told: Told, outputs: Mapping[str, str], notes: list[str]) -> dict[str, list[str]]:
    """Return the metrics of each output; one that no entry is is noted, since it changes nothing of training."""
    reader, found = reader_of(told.framework), dict[str, list[str]]()
    for output, words in told.metrics.items():
        for word in words:
            if word is None:
                continue
            name = reader.metric(word)
            if name is None:
                notes.append(f"Metric {shown_word(_bare(word))} is left out: no entry of the metrics is it.")
            elif name not in found.setdefault(outputs.get(output, next(iter(outputs.values()), "")), []):
                found[outputs.get(output, next(iter(outputs.values()), ""))].append(name)
    return {output: names for output, names in found.items() if names}


def _bare(word: Word) -> Word:
    return {"part": word["part"]} if isinstance(word, Mapping) and "part" in word else word


def _callbacks(told: Told, notes: list[str], unread: list[Unread]) -> None:
    """Note what changes no step, refuse what may."""
    for word in told.training.callbacks:
        what = reader_of(told.framework).harmless(word)
        if what is None:
            unread.append(Unread(what=f"callback {shown_word(_bare(word))}", place=told.places.get("train", ""),
                                 needs="an optimizer's schedule, where it sets rates"))  # fmt: skip
        elif what:
            notes.append(f"{what}.")
    for name, word in told.training.more.items():
        unread.append(Unread(what=f"{name}={shown_word(word)}", place=told.places.get("train", ""),
                             needs=f"a field of training that says {name}"))  # fmt: skip


def _shapes(layers: Layers) -> dict[str, list[int]]:
    """Return the shape of a row of each output, by its name in the spec."""
    known = {node.name: node.shape for node in layers.told.nodes}
    return {name: known[value] for name, (_, value) in zip(layers.outputs, layers.told.outputs, strict=True)}


def _aligned(loss: Any, flat: bool) -> Any:
    """Return the loss of an output of one number, whose targets (N,) the program's framework aligns with it."""
    kind, fields = next(iter(loss.items())) if isinstance(loss, Mapping) else (loss, {})
    return {kind: {"broadcast": "align", **fields}} if flat and "broadcast" in LOSSES[kind].model_fields else loss
