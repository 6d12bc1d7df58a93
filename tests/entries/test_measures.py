"""What "accuracy" stands for: as Keras has it, the same value as Keras's own, and said in every report."""

from __future__ import annotations

import io
import json
import subprocess
from html import unescape
from itertools import product
from typing import Any

import numpy as np
import pytest
from helpers_forked import interpreter
from helpers_frameworks import missing, side_of
from rich.console import Console

from parity.catalog import METRICS
from parity.commands.tables import differences_json, print_differences
from parity.data.dataset import Dataset
from parity.metrics.accuracy import Accuracy
from parity.report import html, lookup, markdown, terminal
from parity.report.sentences import measures
from parity.result.filling import metric_fact
from parity.result.schema import EpochFact, MetricFact, Result
from tests import report_samples as samples

SHAPES = [((3,), (3, 5)), ((3, 1), (3, 5)), ((3, 5), (3, 5)), ((3,), (3, 1)), ((3, 1), (3, 1)), ((3, 3, 1), (3, 3, 1)),
          ((3, 4), (3, 4, 5)), ((3, 4, 5), (3, 4, 5)), ((3, 4, 1), (3, 4, 5)), ((3, 2), (3, 2))]  # fmt: skip
"""Of targets and outputs, with the batch axis."""

KERAS = """
import json, sys
import numpy as np
import keras
from keras.src.trainers.compile_utils import get_metric
found = {}
for targets, outputs in json.loads(sys.argv[1]):
    y, p = np.zeros(targets), np.zeros(outputs)
    found[f"{targets} {outputs}"] = type(get_metric("accuracy", y, p)).__name__
values = []
for name, targets, outputs in json.loads(sys.argv[2]):
    metric = keras.metrics.get(name)
    metric = metric if isinstance(metric, keras.metrics.Metric) else keras.metrics.MeanMetricWrapper(metric)
    metric.update_state(np.array(targets, "float32"), np.array(outputs, "float32"))
    values.append(float(metric.result()))
print(json.dumps([found, values]))
"""


def rows(name: str) -> list[tuple[list[Any], list[Any]]]:
    """Return targets and outputs to measure, float32 so that Keras has the same numbers."""
    rng = np.random.default_rng(0)
    if name == "sparse_categorical_accuracy":
        y, p = rng.integers(0, 4, 50), rng.normal(size=(50, 4))
        return [(y.tolist(), p.tolist()), (y[:, None].tolist(), p.tolist())]
    found = []
    for shape in ((50, 4), (20, 3, 1), (20, 3, 4)):
        y = rng.choice([0.0, 1.0, 0.25, 0.75], shape).astype(np.float32)
        found.append((y.tolist(), rng.normal(0.5, 1.0, shape).astype(np.float32).tolist()))
    return found


@pytest.mark.skipif(bool(missing("keras")), reason="keras not installed")
def test_accuracy_is_what_keras_takes_and_every_metric_has_keras_s_value() -> None:
    asked = [(name, *one) for name in METRICS if name != "accuracy" for one in rows(name)]
    done = subprocess.run(
        [interpreter("keras"), "-c", KERAS, json.dumps(SHAPES), json.dumps(asked)],
        capture_output=True,
        text=True,
        check=True,
    )
    kinds, values = json.loads(done.stdout.strip().splitlines()[-1])
    for targets, outputs in SHAPES:
        ours = type(Accuracy().taken(targets[1:], outputs[1:]).metric).__name__
        assert ours == kinds[f"{list(targets)} {list(outputs)}"], (targets, outputs)
    assert len(set(kinds.values())) == 3
    for (name, targets, outputs), value in zip(asked, values, strict=True):
        assert METRICS[name]().value(np.array(outputs), np.array(targets)) == pytest.approx(value, rel=1e-6), name
    assert len({name for name, *_ in asked}) == len(METRICS) - 1


def test_every_metric_says_which_way_is_better() -> None:
    better = {name: entry.better for name, entry in METRICS.items()}
    assert {name for name, way in better.items() if way == "lower"} == {"mae", "mse"}
    assert all(way == "higher" for name, way in better.items() if "accuracy" in name)


def test_accuracy_of_classes_is_what_it_was() -> None:
    """One-hot targets, several outputs: the share of rows whose largest output is the target's class."""
    rng = np.random.default_rng(1)
    for classes in (2, 3, 99):
        y, p = np.eye(classes)[rng.integers(0, classes, 40)], rng.normal(size=(40, classes))
        assert Accuracy().value(p, y) == float((p.argmax(axis=1) == y.argmax(axis=1)).mean())


@pytest.mark.parametrize("seed", range(3))
def test_no_prediction_gets_above_the_ceiling_and_a_perfect_one_reaches_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.choice([0.0, 1.0, 0.3, 0.999999], size=(40, 3, 1))
    entry = METRICS["binary_accuracy"]()
    exact = entry.reachable(y)
    assert exact == np.isin(y, (0.0, 1.0)).sum()
    assert entry.value(y, y) == pytest.approx(exact / y.size)
    assert all(entry.value(rng.normal(0.5, 2.0, y.shape), y) <= exact / y.size for _ in range(20))


# ------------------------------------------------------------------------------------------------ said


def regression(framework: str = "keras", last: int = 1) -> Any:
    model = {"input": [4, 2], "layers": [{"dense": {"units": last}}]}
    return side_of(framework, model, loss="mse", metrics=["accuracy", "mse"])


def test_a_resolved_side_knows_what_its_metrics_are() -> None:
    found = [(one.name, one.metric.kind, one.reason) for one in regression().metrics()]
    assert found == [("accuracy", "binary_accuracy", "the output's last axis is 1"), ("mse", "mse", "")]
    (accuracy, _) = regression(last=3).metrics()
    assert accuracy.metric.kind == "categorical_accuracy"
    assert accuracy.reason == "the output's last axis is 3, and so is the targets'"


def test_parity_diff_says_what_accuracy_is() -> None:
    stream = io.StringIO()
    print_differences([regression(), regression("torch")], Console(file=stream, width=200))
    assert "accuracy -> binary_accuracy, since the output's last axis is 1." in stream.getvalue()
    assert stream.getvalue().count("mse ->") == 0, "a name that says it is not explained"
    (told,) = json.loads(differences_json([regression(), regression("torch")]))
    assert set(map(str, told["metrics"].values())) == {"{'accuracy': 'binary_accuracy', 'mse': 'mse'}"}


def test_the_ceiling_is_counted_in_the_data() -> None:
    y = np.array([[0.0, 1.0, 0.5], [0.25, 1.0, 0.125]])[..., None]
    data = Dataset(x=y, y=y, raw_x=y, raw_y=y, description="invented", x_val=y[:1], y_val=y[:1])
    accuracy, mse = (metric_fact(one, data) for one in regression().metrics())
    assert (accuracy.exact_values, accuracy.target_values) == (3, 6)
    assert (accuracy.ceiling, accuracy.val_ceiling) == (0.5, 2 / 3)
    assert (accuracy.better, mse.better) == ("higher", "lower")
    assert (mse.ceiling, mse.exact_values, mse.reason) == (None, None, "")


def told(values: list[float], losses: list[float], ceiling: float = 0.125, **fields: Any) -> Result:
    """Invent a result of one side whose accuracy is binary."""
    fact = MetricFact(name="accuracy", computed="binary_accuracy", reason="the output's last axis is 1",
                      target_values=9_600, exact_values=int(9_600 * ceiling), ceiling=ceiling)  # fmt: skip
    epochs = [
        EpochFact(epoch=number, step=12 * number, metrics={"accuracy": value}, running_loss=loss)
        for number, (value, loss) in enumerate(zip(values, losses, strict=True), start=1)
    ]
    side = samples.a_side("keras", losses, values, epochs=epochs, measures=[fact.model_copy(update=fields)])
    return samples.a_result([side], [])


def printed(result: Result) -> str:
    stream = io.StringIO()
    terminal.print_result(result, Console(file=stream, width=120))
    return " ".join(stream.getvalue().split())


def test_reports_say_what_accuracy_was_how_high_it_can_get_and_that_it_stood_still() -> None:
    result = told([0.120, 0.122, 0.121], [0.0437, 0.024, 0.0209], val_ceiling=0.124)
    which, ceiling, plateau = measures.notes(result)
    assert which.startswith("accuracy -> binary_accuracy, since the output's last axis is 1: Keras decides by these")
    assert "1,200 of the 9,600 target values trained on are exactly 0 or 1" in ceiling
    assert ceiling.endswith("it cannot rise above 0.125; 0.124 on the validation rows.")
    assert plateau.startswith(
        "keras: accuracy is 0.120 after the first epoch and 0.121 after epoch 3, while the loss falls from 0.043700 to "
        "0.020900 (running means). It stands at all it can reach"
    )
    assert "the share of target values that are exactly 0 or 1 (0.125)" in plateau
    assert "Nothing is trained by a metric" in plateau
    page, terse = unescape(html.to_html(result)).replace("→", "->"), printed(result)
    for note in measures.notes(result):
        assert note in page
        assert note in terse
        assert markdown.text(note) in markdown.to_markdown(result)


@pytest.mark.parametrize(
    ("values", "losses", "ceiling", "count"),
    [
        ([0.12, 0.12], [0.04, 0.02], 0.125, 3),
        ([0.12, 0.12], [0.04, 0.039], 0.125, 2),  # the loss does not fall
        ([0.02, 0.12], [0.04, 0.02], 0.125, 2),  # the metric moves
        ([0.12], [0.04], 0.125, 2),  # one epoch shows no standing still
        ([0.9, 1.0], [0.04, 0.02], 1.0, 1),  # targets that are all 0 or 1: an honest accuracy
    ],
)
def test_only_what_was_measured_is_said(values: list[float], losses: list[float], ceiling: float, count: int) -> None:
    assert len(measures.notes(told(values, losses, ceiling))) == count


def test_a_note_names_its_sides_unless_it_is_of_all() -> None:
    posted = told([0.12, 0.12], [0.04, 0.02]).sides[0]
    other = samples.a_side("torch", [1.0, 0.5], [], epochs=[], metrics={"mse": 0.5})
    which, ceiling, _ = measures.notes(samples.a_result([posted, other], []))
    assert which.startswith("accuracy -> binary_accuracy (of keras), since")
    assert ceiling.endswith("(keras).")
    both = measures.notes(samples.a_result([posted, posted.model_copy(update={"name": "torch"})], []))
    assert "(of" not in both[0]
    assert len(both) == 4, "one plateau each"


def test_the_outcome_is_a_metric_that_every_side_has() -> None:
    one = samples.a_side("keras", [1.0], [], epochs=[], metrics={"accuracy": 0.1, "mse": 0.5})
    two = samples.a_side("torch", [1.0], [], epochs=[], metrics={"mse": 0.25})
    silent = samples.a_side("tensorflow", [], [], epochs=[], metrics={}, error="it died")
    for sides in product((one, two, silent), repeat=2):
        names = {name for side in sides for name in side.metrics}
        wanted = "accuracy" if names and all("accuracy" in s.metrics for s in sides if s.metrics) else "mse"
        assert lookup.metric_name(samples.a_result(list(sides), [])) == (wanted if names else None)
