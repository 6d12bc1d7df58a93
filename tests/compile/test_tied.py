"""A dense layer whose kernel is an embedding's table, in every framework; what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import EACH_FRAMEWORK, side_of
from helpers_sample import WHOLE

from parity.compile import compile_side
from parity.errors import ParityError
from parity.reference import Reference
from tests.entries.test_frameworks import agree


def tied(head: dict[str, Any] | None = None, table: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "inputs": {"tokens": {"shape": [4], "dtype": "integer"}},
        "layers": [
            {"embedding": {"input_dim": 5, "output_dim": 3, "name": "table", **(table or {})}},
            {"dense": {"units": 3, "activation": "tanh", "name": "hidden"}},
            {"dense": {"units": 5, "name": "head", "kernel_of": "table", **(head or {})}},
        ],
        **more,
    }


MODELS = {
    "a bias": tied(),
    "no bias, a penalty of the table": tied({"use_bias": False}, {"embeddings_regularizer": {"l2": {"factor": 0.1}}}),
    "a row of padding": tied({"use_bias": False}, {"padding_idx": 0}),
    "an activation, and what holds the table": tied({"activation": "sigmoid"}, {"embeddings_constraint": "unit_norm"}),
    "a frozen table": tied({"use_bias": False}, {"trainable": False}),
}
ROWS = np.array([[0, 1, 2, 1], [3, 4, 0, 1], [2, 2, 4, 0], [1, 3, 3, 2], [4, 0, 1, 0], [2, 1, 1, 4]])


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
@pytest.mark.parametrize("name", MODELS)
def test_tied_weights_are_their_reference(framework: str, name: str) -> None:
    agree(framework, MODELS[name], ROWS, optimizer="adam", free=WHOLE or name == "a bias")


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_tied_weights_decay_with_their_table(framework: str) -> None:
    optimizer = {"adamw": {"weight_decay": 0.1, "weight_decay_of": {"*.bias": 0.0}}}
    agree(framework, tied(), ROWS, optimizer=optimizer)


def test_the_reference_adds_up_both_gradients_of_the_table() -> None:
    """Worked by hand: one row, one token; y = h E^T, h = E[1], the mean of y^2 / 2 along both ways."""
    model = {"inputs": {"tokens": {"shape": [1], "dtype": "integer"}}, "layers": [
        {"embedding": {"input_dim": 2, "output_dim": 2, "name": "table"}},
        {"dense": {"units": 2, "use_bias": False, "kernel_of": "table", "name": "head"}},
    ]}  # fmt: skip
    side = side_of("torch", model, loss="mse", optimizer={"sgd": {"learning_rate": 1.0}})
    table = np.array([[1.0, 0.0], [2.0, 1.0]])
    step = Reference(side, {"table.embeddings": table}).step(np.array([[1.0]]), np.zeros((1, 1, 2)), 0)
    # h = (2, 1), y = (2, 5), the loss (4 + 25) / 2, its slope (2, 5): of the head's rows 2 h and 5 h, of h E^T (2, 5).
    assert step.loss == pytest.approx(14.5)
    assert step.gradient["table.embeddings"] == pytest.approx(np.array([[4.0, 2.0], [10.0 + 12.0, 5.0 + 5.0]]))
    assert list(side.parameters()) == ["table.embeddings"]


WRITTEN = {
    "torch": r"self\.head = nn\.Linear\(3, 5\)\n +self\.head\.weight = self\.table\.weight",
    "tensorflow": r"tf\.matmul\(x, self\.table_embeddings, transpose_b=True\) \+ self\.head_bias",
    "keras": r"TiedDense\(5, table=table_layer, name=['\"]head['\"]\)",
}


@pytest.mark.parametrize("framework", WRITTEN)
def test_programs_tie_weights_as_people_do(framework: str) -> None:
    assert re.search(WRITTEN[framework], compile_side(side_of(framework, tied()), name="tied").source)


@pytest.mark.parametrize(("model", "said"), [
    (tied({"kernel_of": "tabel"}), "the embeddings of 'tabel', which is no such layer; did you mean 'table'"),
    (tied({"kernel_of": "hidden"}), "the embeddings of 'hidden', which is no such layer; .*table"),
    (tied({"units": 4}), r"head computes with the embeddings of table, of shape \(5, 3\); it needs \(4, 3\)"),
    (tied({"trainable": False}), "head does not train, and the embeddings that it computes with do"),
])  # fmt: skip
def test_what_cannot_be_tied_is_a_fault(model: dict[str, Any], said: str) -> None:
    with pytest.raises((ParityError, ValueError), match=said):
        _ = side_of("torch", model).graph
