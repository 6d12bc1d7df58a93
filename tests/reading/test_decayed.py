"""Weight decay in one program's optimizer, and l2 penalties in the other's layers: said in one form."""

from __future__ import annotations

from typing import Any

import pytest

from parity.reading.decayed import decayed_alike
from parity.reading.pair_side import PairSide
from parity.reading.whole import ReadProgram
from parity.run.told import Told, ToldNode
from parity.spec.load import build_spec
from parity.spec.plain import brief
from parity.spec.sections import ModelSpec, Spec

L2 = {"l2": 0.25}


def layers_of(kernel: Any = None, bias: Any = None) -> list[Any]:
    held = {f"{name}_regularizer": one for name, one in (("kernel", kernel), ("bias", bias)) if one is not None}
    return [{"conv1d": {"filters": 2, "kernel_size": 1, "name": "c", **held}}, {"batch_norm": {"name": "n"}},
            {"flatten": {"name": "f"}}, {"dense": {"units": 2, "name": "d", **held}}]  # fmt: skip


def pair_of(*both: tuple[list[Any], Any]) -> tuple[list[PairSide], list[Spec]]:
    """Return two sides of a pair; the second program calls its layers by numbers."""
    sides: list[PairSide] = []
    specs: list[Spec] = []
    for number, (layers, optimizer) in enumerate(both):
        own = {"c": "l0", "n": "l1", "f": "l2", "d": "l3"} if number else {name: name for name in "cnfd"}
        called = [{kind: {**fields, "name": own[fields["name"]]}} for one in layers for kind, fields in one.items()]
        told = {"name": "x", "data": {"source": "rows.npz"}, "model": {"input": [4, 3], "layers": called},
                "loss": "mse", "optimizer": optimizer}  # fmt: skip
        nodes = [ToldNode(name=one, part="", reads=[], shape=[], read_shapes=[]) for one in own.values()]
        seen = Told(framework="torch", nodes=nodes, places={"optimizer": f"{number}.py, line 9"})
        read = ReadProgram(framework="torch", spec=told, arrays={}, names={one: one for one in own.values()}, told=seen)
        model = ModelSpec.model_validate({"input": [4, 3], "layers": layers})
        sides.append(PairSide(name="ab"[number], reading=read, model=model, names=own))
        specs.append(build_spec(told))
    return sides, specs


def penalties(side: PairSide) -> dict[str, Any]:
    found = {}
    for op in side.model.layers:
        said = brief(op)[op.kind]
        found |= {f"{op.name}.{name}": one for name, one in said.items() if name.endswith("_regularizer")}
    return found


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("first", [True, False])
def test_decay_is_said_as_penalties_of_what_can_have_them(kind: str, first: bool) -> None:
    penalised = (layers_of(L2), {kind: {"learning_rate": 0.1}})
    decaying = (layers_of(), {kind: {"learning_rate": 0.1, "weight_decay": 0.5}})
    sides, specs = pair_of(*((decaying, penalised) if first else (penalised, decaying)))
    (note,) = decayed_alike(sides, specs)
    at = 0 if first else 1
    assert note.startswith(f"{'ab'[at]} has weight decay in its optimizer, {'ba'[at]} l2 penalties")
    assert [side.decays for side in sides] == [first, not first]
    every = {f"{layer}.{name}_regularizer" for layer in "cd" for name in ("kernel", "bias")}
    assert penalties(sides[at]) == {one: {"l2": {"factor": 0.25}} for one in every}
    optimizer = specs[at].optimizer
    names = {"n.gamma", "n.beta"} if first else {"l1.gamma", "l1.beta"}
    assert (optimizer.weight_decay, dict(optimizer.decays)) == (0.0, dict.fromkeys(names, 0.5))  # type: ignore[attr-defined]
    assert sides[at].said_at("")["layers.c.kernel_regularizer"] == f"{at}.py:9"


def test_decay_of_some_parameters_is_a_penalty_of_those() -> None:
    some = {"sgd": {"weight_decay": 0.5, "weight_decay_of": {"*.bias": 0.0, "l1*": 0.0, "l3.kernel": 0.125}}}
    sides, specs = pair_of((layers_of(L2), "sgd"), (layers_of(), some))
    assert decayed_alike(sides, specs)
    assert penalties(sides[1]) == {
        "c.kernel_regularizer": {"l2": {"factor": 0.25}}, "d.kernel_regularizer": {"l2": {"factor": 0.0625}},
    }  # fmt: skip
    assert specs[1].optimizer == specs[0].optimizer


DECAY = {"sgd": {"weight_decay": 0.5}}


@pytest.mark.parametrize(("first", "second"), [
    ((layers_of(), "sgd"), (layers_of(), DECAY)),  # Nobody has a penalty.
    ((layers_of(L2), DECAY), (layers_of(), DECAY)),  # Both decay.
    ((layers_of(L2), "sgd"), (layers_of(L2), DECAY)),  # It has penalties beside it.
    ((layers_of(L2), "sgd"), (layers_of(), "sgd")),
    ((layers_of(L2), "adam"), (layers_of(), {"adamw": {"weight_decay": 0.5}})),  # Not by way of the gradient.
    ((layers_of(L2), "sgd"), (layers_of(), {"sgd": {"weight_decay": 0.5, "clipnorm": 1.0}})),  # Ahead of the decay.
    ((layers_of(L2), "sgd"), (layers_of(), {"sgd": {"weight_decay": 0.5, "gradient_accumulation_steps": 2}})),
])  # fmt: skip
def test_what_is_no_penalty_stays_decay(first: Any, second: Any) -> None:
    sides, specs = pair_of(first, second)
    before = [side.model for side in sides], [spec.optimizer for spec in specs]
    assert decayed_alike(sides, specs) == []
    assert ([side.model for side in sides], [spec.optimizer for spec in specs]) == before
    assert not any(side.decays for side in sides)
