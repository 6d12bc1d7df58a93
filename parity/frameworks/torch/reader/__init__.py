"""What of PyTorch's programs is no renaming: losses, optimizers, schedules; of layers see ``layers.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from parity.catalog import LOSSES
from parity.frameworks.torch.reader.functions import function
from parity.frameworks.torch.reader.layers import module_of
from parity.frameworks.torch.reader.starts import parameters_in
from parity.losses.reducing import OVER_WEIGHTS
from parity.reading.entries_of import entry_of
from parity.reading.fitted_rate import rate_of
from parity.reading.odd import Passing, Reader, Said
from parity.reading.unread import NoEntryError
from parity.run.told import BY_WEIGHTS, Told, ToldNode, Word

RATES = "torch.optim.lr_scheduler."


class TorchReader(Reader):
    """PyTorch's modules keep what they were made with; most tables read it as it is."""

    ignored: ClassVar = frozenset({"foreach", "fused", "capturable", "differentiable", "device", "dtype"})
    opaque: ClassVar = True
    beside: ClassVar = frozenset({
        "data_format", "gradient_accumulation_steps", "accumulation", "global_clipnorm", "clipvalue", "clip_epsilon",
    })  # fmt: skip

    def odd(self, node: ToldNode) -> Said | Passing | None:
        family, _, name = node.part.partition(".")
        return function(name, node) if family in ("F", "torch") else module_of(node)

    def canonical(self, kind: str, tensor: str) -> tuple[str, ...]:
        return parameters_in(kind, tensor)

    def adjusted(self, config: dict[str, Any], told: Told) -> dict[str, Any]:
        return {**config, "numerics": {"mixed_precision": told.precision}} if told.precision else config

    def said(self, part: Word) -> Mapping[str, Any] | None:
        name, told = part["part"], part.get("arguments", {})
        if name.startswith(RATES):
            return schedule_of(part)
        if name.startswith("nn.") and "seen" in part:
            return loss_of(part)
        if name.startswith("torch.optim.") and isinstance(told.get("lr"), Mapping):
            return _scheduled(part)
        return None


def _scheduled(part: Word) -> Mapping[str, Any]:
    """Return an optimizer whose rate changes: PyTorch's holds it outside of what it keeps."""
    told, schedule = dict(part["arguments"]), schedule_of(part["arguments"]["lr"])
    ((kind, fields),) = entry_of({**part, "arguments": {**told, "lr": 1.0}}, "torch", "optimizer").items()
    fields = {**fields, "learning_rate": dict(schedule)}
    if fields.get("momentum"):
        if kind != "sgd":
            raise NoEntryError(f"a field of {kind} that holds a rate that changes outside of its momentum")
        fields["rate_place"] = "outside_velocity"
    return {kind: fields}


def loss_of(part: Word) -> Mapping[str, Any]:
    """Return a loss of PyTorch's as the entry that it is.

    Raises:
        NoEntryError: when none is it.
    """
    name, told, seen = part["part"], part["arguments"], part["seen"]
    if told.get("reduction") == BY_WEIGHTS:
        ((kind, fields),) = loss_of({**part, "arguments": {**told, "reduction": "mean"}}).items()
        return {kind: {**fields, "reduction": OVER_WEIGHTS}}
    word = {key: one for key, one in part.items() if key != "seen"}
    if name == "nn.NLLLoss":
        if not seen.get("of_logs"):
            raise NoEntryError("a loss of log-probabilities: a model that ends with log_softmax")
        # The softmax of log-probabilities is these probabilities again: from them as from logits it is the same loss.
        word, name = {**word, "part": "nn.CrossEntropyLoss"}, "nn.CrossEntropyLoss"
    if name == "nn.CrossEntropyLoss":
        return _of_classes(word, seen["targets"], bool(seen.get("ignored")))
    if name == "nn.BCELoss":
        if told.get("weight") is not None:
            raise NoEntryError("a field of sigmoid_crossentropy that says weight")
        found = {"sigmoid_crossentropy": {"reduction": told.get("reduction", "mean")}}
    else:
        found = dict(entry_of(word, "torch", "loss"))
    ((kind, fields),) = found.items()
    if "broadcast" in LOSSES[kind].model_fields:
        fields = {**fields, "broadcast": "stretch" if seen["stretches"] else "align"}
    return {kind: fields}


def _of_classes(word: Word, targets: str, some: bool) -> Mapping[str, Any]:
    """Return a cross-entropy of classes; ``some``: targets are what it leaves out."""
    told = dict(word["arguments"])
    weight, reduction = told.pop("weight", None), told.get("reduction", "mean")
    unsaid = word.get("own", {}).get("ignore_index")  # What PyTorch's leave out where nothing is said.
    ignored, by_rows = told.pop("ignore_index", unsaid), told.pop("divisor", "") == "rows"
    if by_rows and some:
        raise NoEntryError("a field of the loss that says that its mean counts targets that are left out")
    if reduction not in ("mean", "sum"):
        raise NoEntryError(f"a field of the loss that says reduction={reduction}")
    kind = "sparse_categorical_crossentropy" if targets == "index" else "categorical_crossentropy"
    logits = not told.pop("from_probabilities", False)  # Of a softmax: a loss that is written out takes logarithms.
    fields = {"from_logits": logits, "label_smoothing": float(told.get("label_smoothing", 0.0)), "reduction": reduction}
    if targets == "index" and (some or ignored != unsaid):
        fields |= {"ignore_index": ignored}
    if weight is not None:
        fields |= {"class_weight": weight}
        if targets == "index" and reduction == "mean" and not by_rows:
            fields |= {"divisor": "weights"}
    return {kind: fields}


def schedule_of(part: Word) -> Mapping[str, Any]:
    """Return a scheduler as the schedule that it is.

    Raises:
        NoEntryError: when none is it.
    """
    name, told = part["part"].removeprefix(RATES), part["arguments"]
    if name not in SCHEDULES:
        raise NoEntryError(f"a schedule that is {part['part']}")
    ((kind, fields),) = SCHEDULES[name](told).items()
    return {kind: {**fields, **{key: told[key] for key in ("per", "counted") if key in told}}}


def _milestones(told: Mapping[str, Any]) -> list[int]:
    """Return the steps at which a rate falls; as often as it falls there."""
    said = told["milestones"]
    if not isinstance(said, Mapping):
        return [int(one) for one in said]
    return sorted(int(step) for step, times in said.items() for _ in range(int(times)))


def _one_cycle(told: Mapping[str, Any]) -> dict[str, Any]:
    if told.get("cycle_momentum"):
        raise NoEntryError("a one_cycle that moves the momentum, too (cycle_momentum=True)")
    if told.get("phases") != 2 or told.get("anneal") not in ("cos", None):
        raise NoEntryError("a one_cycle of three phases, or along lines")
    return {"one_cycle": {"max_rate": told["max_lr"], "total_steps": told["total_steps"],
                          "pct_start": told["pct_start"], "div_factor": told["max_lr"] / told["base_lr"],
                          "final_div_factor": told["base_lr"] / told["min_lr"]}}  # fmt: skip


def _warmed(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schedule that begins with a warm-up, which PyTorch puts together of two."""
    first, *rest = told["schedulers"]
    rises, milestones = first["arguments"], told["milestones"]
    if (
        first["part"] != f"{RATES}LinearLR" or len(rest) != 1 or rises["end_factor"] != 1.0
        or [rises["total_iters"]] != milestones
    ):  # fmt: skip
        raise NoEntryError("a sequence of schedules other than a linear warm-up to the whole rate and another one")
    ((kind, fields),) = schedule_of(rest[0]).items()
    start = rises["base_lr"] * rises["start_factor"]
    return {kind: {**fields, "warmup_steps": milestones[0], "warmup_from": start}}


def _computed(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schedule that gives the rates that a program computes by itself."""
    if told.get("factors") is None:
        raise NoEntryError("a rate that functions of groups of parameters give, each another one")
    base, dense = float(told["base_lr"]), told["factors"]
    found = rate_of([base * one for one in dense], {int(step): base * one for step, one in told["later"]})
    if found is None:
        shown = ", ".join(f"{base * one:g}" for one in dense[:4])
        raise NoEntryError(f"a schedule that gives the rates of this function ({shown}, ...)")
    return found


def _constant(told: Mapping[str, Any]) -> dict[str, Any]:
    rate, steps = told["base_lr"], int(told["total_iters"])
    return {"piecewise": {"boundaries": [steps - 1], "values": [rate * told["factor"], rate]}}


def _share(told: Mapping[str, Any]) -> dict[str, float]:
    return {"alpha": told["eta_min"] / told["base_lr"]} if told.get("eta_min") else {}


SCHEDULES: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "StepLR": lambda told: {"step": {"initial_learning_rate": told["base_lr"], "step_size": told["step_size"],
                                     "gamma": told["gamma"]}},
    "MultiStepLR": lambda told: {"multi_step": {"initial_learning_rate": told["base_lr"], "gamma": told["gamma"],
                                                "milestones": _milestones(told)}},
    "ExponentialLR": lambda told: {"exponential": {"initial_learning_rate": told["base_lr"], "decay_steps": 1,
                                                   "decay_rate": told["gamma"]}},
    "CosineAnnealingLR": lambda told: {"cosine": {"initial_learning_rate": told["base_lr"],
                                                  "decay_steps": told["T_max"], **_share(told)}},
    "CosineAnnealingWarmRestarts": lambda told: {"cosine_restarts": {
        "initial_learning_rate": told["base_lr"], "first_decay_steps": told["T_0"], "t_mul": told["T_mult"],
        **_share(told)}},
    "OneCycleLR": _one_cycle,
    "LinearLR": lambda told: {"linear": {"learning_rate": told["base_lr"], "start_factor": told["start_factor"],
                                         "end_factor": told["end_factor"], "total_steps": told["total_iters"]}},
    "PolynomialLR": lambda told: {"polynomial": {"initial_learning_rate": told["base_lr"],
                                                 "decay_steps": told["total_iters"], "end_learning_rate": 0.0,
                                                 "power": told["power"]}},
    "ConstantLR": _constant,
    "SequentialLR": _warmed, "LambdaLR": _computed,
}  # fmt: skip
"""What each of PyTorch's schedulers is; any other is none."""

READER = TorchReader()
