"""Invented results for the tests of the reports: no framework runs, every number is made up."""

from __future__ import annotations

import math
from typing import Any

from parity.result.causefact import CauseFact
from parity.result.schema import (
    ClaimFact,
    Comparison,
    DifferenceFact,
    EffectFact,
    EpochFact,
    Explanation,
    FreeFact,
    FreePlace,
    InteractionFact,
    LineFact,
    MovedFact,
    OwnFact,
    PhaseFact,
    Place,
    Result,
    SaidFact,
    SideFact,
    SpecFact,
    StrikeFact,
    Verdict,
    WitnessFact,
)
from tests.report_lessons import spoiled, taught

KERAS_PROGRAM = '''"""The program of side keras."""

import keras


def build_model() -> keras.Model:
    """A small network: 64 x 3 in, 99 classes out."""
    return keras.Sequential(
        [
            keras.Input((64, 3)),
            keras.layers.Conv1D(512, 1, activation="relu", name="conv1d"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dropout(0.4, name="dropout"),
            keras.layers.Dense(2048, activation="relu", name="dense"),
            keras.layers.Dense(99, activation="softmax", name="logits"),
        ]
    )


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
'''

TENSORFLOW_PROGRAM = '''"""The program of side tensorflow."""

import tensorflow as tf


class Model(tf.Module):
    """A small network: 64 x 3 in, 99 classes out.

    Every kernel and bias starts from a truncated normal of standard deviation 1.
    """

    def __init__(self) -> None:
        self.conv1d_kernel = tf.Variable(tf.zeros((1, 3, 512)), name="conv1d/kernel")
        self.dense_kernel = tf.Variable(tf.zeros((32768, 2048)), name="dense/kernel")

    def __call__(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        x = tf.nn.relu(tf.nn.conv1d(x, self.conv1d_kernel, stride=1, padding="SAME"))
        return tf.nn.softmax(tf.matmul(tf.reshape(x, (-1, 32768)), self.dense_kernel))


def build_optimizer() -> "Adam":
    return Adam(learning_rate=0.001, epsilon=1e-8)
'''


def a_side(name: str, losses: list[float], accuracies: list[float], **fields: Any) -> SideFact:
    """Invent a side whose accuracies were measured at even distances."""
    steps = len(losses)
    versions = {"keras": "3.15.1", "tensorflow": "2.21.0", "torch": "2.13.0"}
    facts: dict[str, Any] = {
        "name": name,
        "framework": name if name in versions else "keras",
        "version": versions.get(name, "3.15.1"),
        "interpreter": "python",
        "precision": "float32",
        "device": "cpu",
        "parameters": 69_417_059,
        "losses": losses,
        "epochs": [
            EpochFact(epoch=number, step=number * steps // len(accuracies), metrics={"accuracy": accuracy})
            for number, accuracy in enumerate(accuracies, start=1)
        ],
        "metrics": {"accuracy": accuracies[-1]} if accuracies else {},
        "seconds": 12.5,
        "cached": False,
        "loss_formula": "categorical cross-entropy from logits",
        "program": TENSORFLOW_PROGRAM if name == "tensorflow" else KERAS_PROGRAM.replace("keras.", f"{name}."),
        "program_file": f"programs/{name}.py",
    }
    return SideFact(**{**facts, **fields})


CHECKED = [1, 2, 3, 4, 6, 8, 12, 16, 24]
"""Steps checked of 24, unless a test says otherwise."""


def a_place(**fields: Any) -> Place:
    """Invent a place: the initial values of a parameter, unless said otherwise."""
    facts: dict[str, Any] = {"step": 1, "phase": "weights", "tensor": "dense.kernel", "difference": 1.0, "noise": 0.0}
    return Place(**{**facts, **fields})


def a_free(verdict: Verdict = "rounding", **fields: Any) -> FreeFact:
    """Invent how two free runs stand to each other: explained by rounding, with a horizon at step 80."""
    horizon = fields.get("horizon", 80)
    reason = (
        f"rounding explains every gap up to step {horizon}, its horizon, growing by 12.0 % a step; from there on it "
        "makes the curves part visibly by itself (here by 4 %), and they say nothing about the sides"
    )
    facts: dict[str, Any] = {
        "verdict": verdict, "reason": reason, "horizon": 80, "growth": 1.12, "first": None, "gap": 0.009,
        "largest": 0.04,
    }  # fmt: skip
    return FreeFact(**{**facts, **fields})


def a_comparison(a: str, b: str, verdict: Verdict, **fields: Any) -> Comparison:
    """Invent the comparison of two sides; a divergent one parts in the weights of step 1."""
    parted = verdict == "divergent"
    first = a_place(tensor="conv1d.kernel", shape=[1, 3, 512], difference=11.3, noise=2.2e-16)
    largest = Place(
        step=3, phase="gradient", tensor="dense_1.kernel", difference=412.0 if parted else 3.14e-16, noise=1e-14
    )
    phases = [
        PhaseFact(
            phase="weights", tensors=8, largest=first if parted else largest.model_copy(update={"phase": "weights"})
        ),
        PhaseFact(phase="gradient", tensors=8, largest=largest),
    ]
    facts: dict[str, Any] = {
        "a": a,
        "b": b,
        "verdict": verdict,
        "reason": "An invented reason.",
        "precision": "float64",
        "steps": len(CHECKED),
        "checked": CHECKED,
        "first": first if parted else None,
        "largest": largest,
        "phases": phases,
    }
    return Comparison(**{**facts, **fields})


def a_difference(path: str, a: Any, b: Any, effect: tuple[Any, ...] | None = None, **fields: Any) -> DifferenceFact:
    """Invent a difference between keras and tensorflow; effect is (alone, taken back, breaks, repairs)."""
    facts: dict[str, Any] = {
        "path": path,
        "a": a,
        "b": b,
        "a_side": "keras",
        "b_side": "tensorflow",
        "a_origin": "spec",
        "b_origin": "side tensorflow",
        "inert": False,
        "effect": None
        if effect is None
        else EffectFact(alone=effect[0], taken_back=effect[1], breaks=effect[2], repairs=effect[3]),
    }
    return DifferenceFact(**{**facts, **fields})


def a_result(sides: list[SideFact], comparisons: list[Comparison], **fields: Any) -> Result:
    """Put invented parts together."""
    facts: dict[str, Any] = {
        "parity_version": "0.1.0",
        "created": "2026-01-02T03:04:05Z",
        "spec": SpecFact(
            name="leaf",
            question="Why does the same network learn in Keras and not in TensorFlow?",
            file="specs/leaf.yaml",
            text="name: leaf\ndata: {source: leaf, standardize: true}\n",
            data="leaf: 990 rows of 64 x 3, 99 classes",
        ),
        "sides": sides,
        "comparisons": comparisons,
        "differences": [],
        "command": "parity run specs/leaf.yaml",
    }
    return Result(**{**facts, **fields})


def decay(start: float, end: float, steps: int) -> list[float]:
    """Invent a loss that falls from start to end, with a ripple."""
    falls = (start * (end / start) ** (step / max(steps - 1, 1)) for step in range(steps))
    return [loss * (1 + 0.1 * math.sin(step)) for step, loss in enumerate(falls)]


def leaf_differences() -> list[DifferenceFact]:
    """Invent the twelve differences of the leaf question."""
    normal = "truncated_normal(stddev=1.0)"
    losses = ("categorical_crossentropy", "sigmoid_crossentropy")
    return [
        a_difference(
            "layers.conv1d.padding", "valid", "same", inert=True, reason="kernel size 1 and stride 1 pad nothing"
        ),
        a_difference("layers.*.kernel_initializer", "glorot_uniform", normal, (0.0101, 0.2031, True, False)),
        a_difference("layers.*.bias_initializer", "zeros", normal, (0.0808, 0.0101, True, False)),
        a_difference("layers.dropout.rate", 0.4, 0.6, (0.9212, 0.0101, False, False)),
        a_difference("layers.logits.use_bias", True, False, (0.9303, 0.0101, False, False)),
        a_difference("loss.kind", *losses, (0.4515, 0.0202, False, False)),
        a_difference("loss.from_logits", False, True, (None, None, None, None)),
        a_difference("training.batch_size", 16, 64, (0.6011, 0.0202, False, False)),
        a_difference("optimizer.kind", "sgd(momentum=0.9, nesterov=true)", "adam", (0.95, 0.0101, False, False)),
        a_difference("optimizer.learning_rate", 0.01, 0.001, (0.5, None, False, None)),
        a_difference("training.shuffle", True, False, (0.9091, 0.0101, False, False)),
        a_difference("training.drop_last", False, True, (0.9273, 0.0101, False, False)),
    ]


def leaf_places() -> list[Place]:
    """Invent the places in which the two sides of the leaf question make a difference."""
    initial = [
        a_place(tensor="conv1d.kernel", shape=[1, 3, 512], difference=11.3, noise=2.2e-16),
        a_place(
            tensor="conv1d.bias", shape=[512], difference=math.inf, element=[279], values=(0.0, -1.9995036600719522)
        ),
    ]
    gradient = [
        a_place(
            phase="gradient", tensor=tensor, shape=shape, difference=0.5, noise=1.4e-14, element=[3, 26],
            values=(-0.04862567860313152, 1.050909326997182e-07),
        )
        for tensor, shape in (("logits.logits", [16, 99]), ("logits.kernel", [1024, 99]), ("dense_1", [16, 1024]))
    ]  # fmt: skip
    updates = [
        a_place(step=2, phase="update", tensor=f"{layer}.{what}", difference=3.4, noise=2e-13, exact=layer != "dense")
        for layer in ("conv1d", "dense", "dense_1")
        for what in ("kernel", "bias")
    ]
    loss = a_place(
        phase="loss", tensor="loss", shape=[], difference=0.848, noise=2.9e-15, values=(4.598747864356692, 0.69810967)
    )
    return [*initial, loss, *gradient, *updates]


def leaf() -> Result:
    """A divergent pair on stand-in data, explained, with twelve differences."""
    keras = a_side("keras", decay(4.6, 0.2, 124), [0.61, 0.9296])
    tensorflow = a_side(
        "tensorflow",
        [0.69941 - 1e-5 * step for step in range(122)],
        [0.0101, 0.0101],
        loss_formula="sigmoid cross-entropy from logits, mean over all elements",
        parameters=69_416_960,
    )
    explanation = Explanation(
        framework="keras",
        least_gap=0.02,
        level=0.95,
        outcome="accuracy",
        good="keras",
        bad="tensorflow",
        good_value=0.9296,
        bad_value=0.0101,
        steps=124,
        breakers=[["layers.*.kernel_initializer"], ["layers.*.bias_initializer"]],
        repairs=[["layers.*.kernel_initializer", "layers.*.bias_initializer", "loss.kind"]],
        harmless=[
            "layers.dropout.rate",
            "layers.logits.use_bias",
            "optimizer.kind",
            "training.shuffle",
            "training.drop_last",
        ],
        unexplained=0.031,
        runs=24,
        cached_runs=3,
        seconds=61.4,
    )
    parted = a_comparison(
        "keras",
        "tensorflow",
        "divergent",
        places=leaf_places(),
        witnesses=[WitnessFact(side="keras", agrees=True), WitnessFact(side="tensorflow", agrees=True)],
        free=a_free(
            "divergent",
            reason="they part at step 1, loss, loss: by 8.5e-01, rounding explains 3.8e-06",
            first=FreePlace(step=1, phase="loss", tensor="loss"),
        ),
    )
    result = a_result([keras, tensorflow], [parted])
    stand_in = "leaf_like: 990 invented rows of 64 x 3, 99 classes; a stand-in for the real leaf data"
    return result.model_copy(
        update={
            "spec": result.spec.model_copy(update={"data": stand_in}),
            "differences": leaf_differences(),
            "explanation": explanation,
            "notes": ["The partial batch is dropped on side tensorflow."],
        }
    )


def agreeing() -> Result:
    """Three sides that differ by rounding only."""
    losses = decay(4.6, 0.2, 122)
    names = ("keras", "tensorflow", "torch")
    sides = [a_side(name, losses, [0.61, 0.93]) for name in names]
    comparisons = [
        a_comparison("keras", "tensorflow", "rounding"),
        a_comparison("keras", "torch", "identical", largest=None, phases=[]),
        a_comparison("tensorflow", "torch", "rounding"),
    ]
    return a_result(sides, comparisons)


def odd() -> Result:
    """Three sides of one config, of which torch alone departs, in float32; keras does not repeat itself."""
    losses = decay(4.6, 0.2, 122)
    sides = [a_side(name, losses, [0.61, 0.93]) for name in ("keras", "tensorflow")]
    sides.append(a_side("torch", [loss * 1.1 for loss in losses], [0.5, 0.7], precision="bfloat16"))
    at = a_place(
        step=3, phase="gradient", tensor="dense_1", shape=[16, 128], difference=3e-3, noise=2e-6, made="here",
        element=[2, 5], values=(0.125, 0.12537), exact=False,
    )  # fmt: skip
    restless = (
        "keras does not repeat itself: step 1, taken twice from the same state, differs by 1.2e-08 in dense.kernel "
        "(update)"
    )
    witnessed = at.model_copy(update={"values": (0.125, 0.12537), "exact": True})
    common: dict[str, Any] = {"precision": "float32", "unsteady": [restless]}
    comparisons = [
        a_comparison("keras", "tensorflow", "rounding", free=a_free(horizon=90), **common),
        a_comparison(
            "keras",
            "torch",
            "divergent",
            first=at,
            largest=at,
            places=[at],
            odd=["torch"],
            witnesses=[
                WitnessFact(side="keras", agrees=True),
                WitnessFact(side="torch", agrees=False, place=witnessed),
            ],
            free=a_free(horizon=85),
            **common,
        ),
    ]
    return a_result(sides, comparisons)


def lost() -> Result:
    """Losses that leave the finite numbers, one of them coming back; sides of different lengths."""
    nan, inf = math.nan, math.inf
    sides = [
        a_side("keras", [4.6, 3.9, nan, 3.1, inf, -inf, 2.5], [0.2, nan]),
        a_side("tensorflow", [4.6, 12.0, nan, nan], [nan, nan]),
        a_side("torch", [nan], [nan], metrics={"accuracy": nan}),
    ]
    odd = a_comparison("keras", "tensorflow", "divergent")
    place = Place(step=2, phase="loss", tensor="loss", difference=inf, noise=nan)
    return a_result(sides, [odd.model_copy(update={"largest": place})])


def unfinished() -> Result:
    """A side that died: what the other did is kept, and nothing is decided."""
    dead = a_side("torch", [], [], error="The worker of side torch died (exit code 137).\nLast line: Killed")
    sides = [a_side("keras", decay(4.6, 1.0, 20), [0.4]), dead]
    undecided = a_comparison(
        "keras", "torch", "inconclusive", reason="torch has no trajectory.", steps=0, largest=None, phases=[]
    )
    return a_result(sides, [undecided])


def alone() -> Result:
    """One side, one step."""
    return a_result([a_side("keras", [4.6], [0.0101])], [])


EVIL = '</script><script>alerted=true;alert("1")</script> | `x` [red]b[/red] {{ 7*7 }} <!-- & \u2028'
"""A name that breaks out of whatever forgets to escape it: HTML, JSON in HTML, Markdown tables, rich, Jinja."""


def evil_comparison(a: str, b: str) -> Comparison:
    """Every text field of a comparison holds markup of every kind."""
    at = a_place(phase="gradient", tensor=EVIL.replace(".", ""), difference=0.5, values=(0.25, 0.5), element=[1])
    return a_comparison(
        a,
        b,
        "divergent",
        reason=EVIL,
        places=[at] * 9,
        unmatched=[EVIL],
        unsteady=[EVIL],
        odd=[b],
        witnesses=[WitnessFact(side=a, agrees=True), WitnessFact(side=b, agrees=False, place=at)],
        free=a_free(reason=EVIL, horizon=120),
        causes=[CauseFact(side=EVIL, path=EVIL, value=EVIL, text=EVIL, steps=[1], largest=1e-16, sentence=EVIL)],
        uncaused=[EVIL],
    )


def evil() -> Result:
    """Every text field holds markup of every kind."""
    result = leaf()
    sides = [
        side.model_copy(
            update={"name": f"{side.name} {EVIL}", "program": f"x = '{EVIL}'\n", "loss_formula": EVIL, "device": EVIL}
        )
        for side in result.sides
    ]
    a, b = (side.name for side in sides)
    explanation = result.explanation
    assert explanation is not None
    line = LineFact(side=a, file=EVIL, line=1, text=EVIL, instead=EVIL)
    strike = StrikeFact(step=1, phase="gradient", tensor=EVIL.replace(".", ""), share=0.5)
    paths = [item.path for item in result.differences[1:4]]
    claims = [
        a_claim(kind, one, side=a, patch=f"x: {EVIL}", options=[EVIL])
        for kind in ("breaks", "compensates")
        for one in (paths[:1], paths[1:])
    ]
    told = {"text": EVIL, "source": EVIL, "paths": paths, "sufficient": None, "necessary": None, "sentence": EVIL}
    said = SaidFact(**told, alone=None, taken_back=None, seeds=0)
    spoilt = result.model_copy(
        update={
            "spec": result.spec.model_copy(update={"name": EVIL, "question": EVIL, "text": EVIL, "data": EVIL}),
            "sides": sides,
            "comparisons": [evil_comparison(a, b)],
            "differences": [
                item.model_copy(
                    update={
                        "a": EVIL,
                        "a_side": a,
                        "b_side": b,
                        "a_origin": EVIL,
                        "reason": EVIL,
                        "lines": [line],
                        "strike": strike,
                    }
                )
                for item in result.differences
            ],
            "explanation": explanation.model_copy(
                update={"good": a, "bad": b, "claims": claims, "said": [said], "missing": [EVIL], "why": EVIL}
            ),
            "notes": [EVIL],
            "command": EVIL,
        }
    )
    return spoiled(spoilt, EVIL)


def a_claim(kind: str, paths: list[str], values: tuple[float, ...] = (0.03, 0.04, 0.05), **fields: Any) -> ClaimFact:
    """Invent a claim that holds with three seeds, on the side that it is about."""
    known = [value for value in values if math.isfinite(value)]
    mean = sum(values) / len(values)
    facts: dict[str, Any] = {
        "kind": kind, "paths": paths, "status": "holds", "held": len(values), "seeds": len(values),
        "before": 0.011 if kind == "repairs" else 0.947, "after": mean,
        "spread": math.sqrt(sum((value - mean) ** 2 for value in known) / max(len(known) - 1, 1)), "values": values,
        "side": "tensorflow" if kind == "repairs" else "keras",
        "patch": "\n".join(f"{path}: 1" for path in paths),
        "options": [f"--set '{'tensorflow' if kind == 'repairs' else 'keras'}:{path}=1'" for path in paths],
    }  # fmt: skip
    return ClaimFact(**{**facts, **fields})


def a_line(side: str, line: int, text: str = "rate=0.1", instead: str = "rate=0.2") -> LineFact:
    """Invent where a difference stands in a side's program."""
    return LineFact(side=side, file=f"programs/{side}.py", line=line, text=text, instead=instead)


def a_strike(phase: str, tensor: str, share: float = 0.5, step: int | None = 1, end: float | None = None) -> StrikeFact:
    """Invent where a difference strikes first."""
    return StrikeFact(step=step, phase=phase, tensor=tensor, share=share, end_share=end)


def an_explanation(**fields: Any) -> Explanation:
    """Invent an explanation of keras and tensorflow with three seeds; nothing was found, unless said otherwise."""
    facts: dict[str, Any] = {
        "framework": "keras", "outcome": "accuracy", "good": "keras", "bad": "tensorflow", "good_value": 0.947,
        "least_gap": 0.02, "level": 0.95,
        "bad_value": 0.011, "good_values": [0.924, 0.956, 0.961], "bad_values": [0.016, 0.010, 0.007],
        "seeds": [0, 1, 2], "steps": 124, "breakers": [], "repairs": [], "searched": 23, "runs": 84, "cached_runs": 12,
        "stopped": 39, "why": "the fastest here: a run takes Keras 7.3 s, raw TensorFlow 8.7 s", "seconds": 645.4,
    }  # fmt: skip
    return Explanation(**{**facts, **fields})


def explained(explanation: Explanation, differences: list[DifferenceFact]) -> Result:
    """Put an explanation and its differences into the result of a divergent pair."""
    result = leaf()
    plain = result.spec.model_copy(update={"data": "leaf: 990 rows of 64 x 3, 99 classes"})
    return result.model_copy(
        update={"spec": plain, "explanation": explanation, "differences": differences, "notes": []}
    )


def claimed() -> Result:
    """Claims of every kind and of every status, with what somebody said, shares, strikes, lines and patches."""
    normal = "truncated_normal(mean=0.0, stddev=1.0)"
    both = ["layers.*.kernel_initializer", "layers.*.bias_initializer"]
    adam = "adam(beta_1=0.9, beta_2=0.999, epsilon=1e-08, epsilon_place=before_correction)"
    differences = [
        a_difference(
            both[0], "glorot_uniform", normal, (0.0, 0.0101, True, False), share=0.4, layers=["conv1d", "dense"],
            strike=a_strike("weights", "conv1d.kernel", 4409.16),
            lines=[a_line("keras", 14), a_line("tensorflow", 21, "", "def glorot_uniform(shape): ...")],
        ),
        a_difference(
            both[1], "zeros", normal, (0.04, 0.0111, True, False), share=0.35,
            strike=a_strike("weights", "conv1d.bias", 13.1, end=1.55), lines=[a_line("tensorflow", 59)],
        ),
        a_difference(
            "loss.from_logits", False, True, (0.0401, 0.0121, True, False), share=0.25,
            strike=a_strike("gradient", "dense_1", 0.99, end=0.998),
            lines=[a_line("keras", 40), a_line("tensorflow", 44)],
        ),
        a_difference(
            "optimizer", "sgd(momentum=0.9)", adam, (0.672, 0.0111, False, False),
            strike=a_strike("update", "conv1d.kernel", 530.0, end=31.2), lines=[a_line("keras", 45)],
        ),
        a_difference(
            "optimizer.learning_rate", 0.01, 0.001, (0.5, 0.0111, None, False),
            strike=a_strike("update", "conv1d.kernel", 0.9),
        ),
        a_difference("training.shuffle", True, False, None, strike=a_strike("batch", "x", 0.0728)),
        a_difference("layers.dropout.rate", 0.4, 0.6, (0.906, None, False, None), strike=a_strike("", "", 0.0, None)),
        a_difference("layers.conv1d.padding", "valid", "same", inert=True, reason="kernel size 1 pads nothing"),
    ]  # fmt: skip
    compensated = a_claim("compensates", ["loss.from_logits"], (0.68, 0.49, 0.59), by=["optimizer"])
    explanation = an_explanation(
        breakers=[[both[0]], ["loss.from_logits"], [both[1]]],
        repairs=[both],
        claims=[
            a_claim("breaks", both[:1], (0.0, 0.0, 0.0)),
            a_claim("breaks", ["loss.from_logits"]),
            a_claim("breaks", both[1:], (0.04,), status="unconfirmed"),
            a_claim("breaks", ["optimizer.learning_rate"], (0.45, 0.5, 0.55), status="inconclusive", held=2),
            a_claim("repairs", both, (0.57, 0.54, 0.65)),
            compensated,
        ],
        said=[
            SaidFact(
                text="You feed the softmax into a loss that wants logits.", source="an answer, 2018",
                paths=["loss.from_logits"], sufficient=True, necessary=False, alone=0.04, taken_back=0.0121, seeds=3,
                sentence="Half right: enough to ruin, not enough to mend: loss.from_logits alone takes keras from "
                "accuracy 0.947 to 0.04 (3 seeds).",
            )
        ],
        harmless=["training.shuffle", "layers.dropout.rate", "layers.conv1d.padding"],
        harmless_together=0.983,
        interactions=[
            InteractionFact(paths=(both[0], both[1]), share=-0.34),
            InteractionFact(paths=(both[0], "loss.from_logits"), share=0.12),
            InteractionFact(paths=(both[1], "loss.from_logits"), share=0.01),
        ],
        unexplained=0.0,
        own=[
            OwnFact(side="tensorflow", own=0.5, trial=0.016, agrees=False),
            OwnFact(side="keras", own=0.95, trial=0.947, agrees=True),
        ],
    )  # fmt: skip
    return explained(explanation, differences)


def both_ways() -> Result:
    """One cause, proved both ways, of an outcome that is a level; the other difference does nothing."""
    differences = [
        a_difference(
            "loss.from_logits", False, True, (0.0, 1.0, True, True), share=1.0, lines=[a_line("tensorflow", 44)]
        ),
        a_difference("layers.dropout.rate", 0.4, 0.6, (2 / 3, 0.0, None, False)),
    ]
    explanation = an_explanation(
        outcome="accuracy >= 0.8",
        good_value=1.0,
        bad_value=0.0,
        good_values=[1.0] * 3,
        bad_values=[0.0] * 3,
        breakers=[["loss.from_logits"]],
        repairs=[["loss.from_logits"]],
        claims=[
            a_claim("breaks", ["loss.from_logits"], (0.0, 0.0, 0.0), before=1.0),
            a_claim("repairs", ["loss.from_logits"], (1.0, 1.0, 1.0), before=0.0),
        ],
        unexplained=0.0,
    )
    return explained(explanation, differences)


def alike() -> Result:
    """No gap: one difference alone would ruin it, the other makes up for it; of the outcome less is better."""
    differences = [
        a_difference("optimizer.learning_rate", 0.01, 0.1, (4.2, None, True, None)),
        a_difference("training.batch_size", 16, 160, (math.nan, None, None, None)),
        a_difference("optimizer.momentum", 0.9, 0.89, (0.0125, None, False, None)),
    ]
    one, other = ["optimizer.learning_rate"], ["training.batch_size"]
    explanation = an_explanation(
        outcome="mse", better="lower", gap="none", good_value=0.0123, bad_value=0.0125,
        good_values=[0.0122, 0.0123, 0.0124], bad_values=[0.0124, 0.0125, 0.0126], breakers=[one],
        claims=[
            a_claim("breaks", one, (4.0, 4.2, 4.4), before=0.0123),
            a_claim("compensates", one, (0.013, 0.0131, 0.0132), by=other, before=0.0123),
        ],
        harmless=["optimizer.momentum"],
    )  # fmt: skip
    result = explained(explanation, differences)
    return result.model_copy(
        update={"sides": [side.model_copy(update={"metrics": {"mse": 0.0123}}) for side in result.sides]}
    )


def unsteady() -> Result:
    """The seeds do more than the sides differ by; interrupted besides; the outcome is a number of steps."""
    explanation = an_explanation(
        outcome="steps to accuracy >= 0.8", better="lower", gap="unsteady", good_value=52.0, bad_value=125.0,
        good_values=[40.0, 64.0], bad_values=[125.0, 125.0], interrupted=True, complete=False,
        missing=["the other seeds: interrupted", "the causes' shares of the gap: interrupted"],
        stopped=0, cached_runs=0,
    )  # fmt: skip
    differences = [
        a_difference("optimizer.learning_rate", 0.01, 0.02, (125.0, None, None, None)),
        a_difference("layers.dropout.rate", 0.4, 0.6),
    ]
    return explained(explanation, differences)


def moving() -> Result:
    """Each difference was tried with three seeds: one moves the outcome, one does nothing, two are not decided."""
    explanation = an_explanation(
        outcome="val_accuracy", good="keras", bad="tensorflow", good_value=0.43, bad_value=0.39,
        good_values=[0.42, 0.43, 0.44], bad_values=[0.38, 0.39, 0.40], gap="unsteady", rows=500,
    )  # fmt: skip
    differences = [
        a_moved("layers.dropout.rate", 0.4, 0.6, 0.005, 0.021, "open"),
        a_moved("layers.batch_norm", "absent", "batch_norm", -0.052, 0.021, "moves"),
        a_moved("training.shuffle", True, False, -0.001, 0.012, "still"),
        a_moved("layers.dense.units", 256, 1024, -0.018, 0.021, "open"),
    ]
    result = explained(explanation, differences)
    return result.model_copy(update={"sides": [_validated(side) for side in result.sides]})


def _validated(side: SideFact) -> SideFact:
    """Move a side's accuracies to the validation rows."""
    epochs = [
        one.model_copy(update={"metrics": {f"val_{name}": value for name, value in one.metrics.items()}})
        for one in side.epochs
    ]
    metrics = {f"val_{name}": value for name, value in side.metrics.items()}
    return side.model_copy(update={"epochs": epochs, "metrics": metrics})


def a_moved(path: str, a: Any, b: Any, by: float, margin: float, verdict: Any) -> DifferenceFact:
    """Invent a difference whose effect was measured with several seeds."""
    plain = a_difference(path, a, b, (0.43 + by, 0.39 - by, None, None))
    assert plain.effect is not None
    told = MovedFact(by=by, margin=margin, verdict=verdict)
    return plain.model_copy(update={"effect": plain.effect.model_copy(update={"moved": told})})


SAMPLES = {
    "leaf": leaf,
    "agreeing": agreeing,
    "odd": odd,
    "lost": lost,
    "unfinished": unfinished,
    "alone": alone,
    "evil": evil,
    "claimed": claimed,
    "both_ways": both_ways,
    "alike": alike,
    "unsteady": unsteady,
    "moving": moving,
    "taught": lambda: taught(claimed()),
}
"""Every sample by name, for tests that hold whatever the result."""
