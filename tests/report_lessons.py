"""An invented result with all that a page teaches with: combinations, a step tensor by tensor, a network, entries."""

from __future__ import annotations

import math

from parity.result.entryfact import EntryFact, PartFact
from parity.result.explanation import CombinationFact
from parity.result.schema import Result
from parity.result.stepfact import LayerFact, StepFact, TensorFact


def a_combination(
    paths: list[str], value: float, losses: list[float] | None = None, **fields: object
) -> CombinationFact:
    """Invent a combination; its curve falls from 4.6 to what it is given, unless all of it is given."""
    falls = (
        losses if losses is not None else [4.6 - (4.6 - max(0.1, 4.0 * (1 - value))) * step / 9 for step in range(10)]
    )
    facts: dict[str, object] = {
        "paths": paths, "seeds": [0], "values": [value], "every": 12, "losses": falls, "steps": 118, "side": "keras",
        "patch": "\n".join(f"{path}: 1" for path in paths), "options": [f"--set keras:{path}=1" for path in paths],
    }  # fmt: skip
    return CombinationFact(**{**facts, **fields})


def a_tensor(phase: str, tensor: str, difference: float = 3e-16, **fields: object) -> TensorFact:
    """Invent a tensor of a step: within rounding, unless said otherwise."""
    facts: dict[str, object] = {
        "phase": phase, "tensor": tensor, "layer": tensor.partition(".")[0], "shape": [3, 4], "a": 2.0, "b": 2.0,
        "difference": difference, "noise": 1e-15,
    }  # fmt: skip
    return TensorFact(**{**facts, **fields})


def a_step() -> StepFact:
    """Invent a first step whose sides part in the initial values of a convolution."""
    apart = {"a": 1.0, "b": 3.5, "element": [0, 2], "values": (0.125, -1.75)}
    tensors = [
        a_tensor("batch", "x", 0.0, layer=""),
        a_tensor("weights", "conv1d.kernel", 3.4, **apart),
        a_tensor("weights", "dense.kernel"),
        a_tensor("forward", "conv1d"),
        a_tensor("forward", "shortcut"),
        a_tensor("forward", "logits", 0.5, **apart),
        a_tensor("loss", "loss", 0.85, layer="", shape=[], values=(4.6, 0.698)),
        a_tensor("gradient", "logits", 0.9, **apart),
        a_tensor("update", "conv1d.kernel", 0.7, **apart),
        a_tensor("state", "m/conv1d.kernel", layer="conv1d"),
    ]
    return StepFact(number=1, tensors=tensors, every=len(tensors))


NETWORK = [
    LayerFact(name="conv1d", kind="conv1d", reads=["input"], shape=[64, 128]),
    LayerFact(name="shortcut", kind="conv1d", reads=["input"], shape=[64, 128]),
    LayerFact(name="sum", kind="add", reads=["conv1d", "shortcut"], shape=[64, 128]),
    LayerFact(name="logits", kind="dense", reads=["sum"], shape=[99]),
]
"""A network with two branches."""

ENTRIES = [
    EntryFact(
        name="optimizer.adam", family="optimizer", kind="adam", equation="m = b1 m + (1 - b1) g",
        about="Keras has ``epsilon`` 1e-7, PyTorch 1e-8.",
        parts=[
            PartFact(framework="keras", title="Keras", means="keras.optimizers.Adam", link="https://example.org/adam"),
            PartFact(framework="tensorflow", title="TensorFlow", means="written out", defaults={"epsilon": "1e-08"}),
        ],
    ),
    EntryFact(name="loss.bce", family="loss", kind="bce", equation="L = -y log p", parts=[]),
]  # fmt: skip


def spoiled(result: Result, text: str) -> Result:
    """Let every text that a page teaches with be one that breaks out of whatever forgets to escape it."""
    lesson, bare = taught(result), text.replace(".", "")
    told = lesson.explanation
    assert told is not None
    changes = {"patch": text, "stopped": text, "options": [text]}
    combinations = [one.model_copy(update=changes) for one in told.combinations]
    tensors = [
        one.model_copy(update={"tensor": bare, "layer": bare, "difference": math.inf}) for one in a_step().tensors
    ]
    step = StepFact(number=1, tensors=tensors, every=len(tensors))
    layers = [LayerFact(name=bare, kind=text, reads=[f"{text}!"], shape=[1])]
    part = PartFact(framework=text, title=text, means=text, defaults={text: text}, link="javascript:alert(1)")
    entries = [
        one.model_copy(update={"kind": text, "equation": text, "about": text, "parts": [part]}) for one in ENTRIES
    ]
    return lesson.model_copy(
        update={
            "differences": [item.model_copy(update={"field": text}) for item in lesson.differences],
            "entries": entries,
            "explanation": told.model_copy(update={"combinations": combinations}),
            "sides": [side.model_copy(update={"layers": layers}) for side in lesson.sides],
            "comparisons": [pair.model_copy(update={"step": step}) for pair in lesson.comparisons],
        }
    )


def taught(claimed: Result) -> Result:
    """Give a result with claims all that a page teaches with."""
    told = claimed.explanation
    assert told is not None
    live = [item.path for item in claimed.differences if not item.inert]
    kernel, bias, logits, optimizer = live[:4]
    combinations = [
        a_combination([], 0.947, seeds=[0, 1, 2], values=[0.924, 0.956, 0.961], patch=""),
        *(a_combination([path], value) for path, value in ((kernel, 0.0), (bias, 0.04), (logits, 0.04))),
        a_combination([optimizer], 0.672, stopped="as good as the good side, twice in a row"),
        a_combination([kernel, bias], 0.01, [4.6, 9.0, float("nan"), 30.0]),
        a_combination(live[2:], 0.59, side="tensorflow"),
        a_combination(live, 0.011, side="tensorflow", patch=""),
    ]
    differences = [
        item.model_copy(update={"entries": names, "field": f"what {item.path.rpartition('.')[2]} is for"})
        for item, names in zip(
            claimed.differences, [[]] * 2 + [["loss.bce"]] + [["optimizer.adam"]] * 2 + [[]] * 9, strict=False
        )
    ]
    return claimed.model_copy(
        update={
            "differences": differences,
            "entries": ENTRIES,
            "explanation": told.model_copy(update={"combinations": combinations}),
            "sides": [side.model_copy(update={"layers": NETWORK}) for side in claimed.sides],
            "comparisons": [pair.model_copy(update={"step": a_step()}) for pair in claimed.comparisons],
        }
    )
