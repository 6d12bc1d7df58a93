"""What makes counterfactual runs cheap: workers that give a program's memory back, and updates in one pass over it."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers_commands import lender
from helpers_forked import interpreter

from parity import api
from parity.court.work import Work
from parity.prepare.options import Options, prepare
from parity.prepare.sizes import COMPILED_PAYS, LARGE, fused, large
from parity.run.jobs import Job
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec
from parity.trials.runner import Runner

RUNS = 5

WIDE = [64, 2000, 3000, 10]
PARAMETERS = sum((one + 1) * other for one, other in itertools.pairwise(WIDE))


def mlp(framework: str, units: Sequence[int], optimizer: Any) -> tuple[Spec, Sequence[Resolved]]:
    """Return a small spec with one side, and that side."""
    layers: list[Any] = [{"dense": {"units": count, "activation": "relu"}} for count in units]
    layers += [{"dropout": 0.2}, {"dense": {"units": 10, "activation": "softmax"}}]
    spec = api.build_spec({
        "name": "trial", "data": {"source": "digits", "rows": 64, "scale": 0.0625},
        "model": {"input": [64], "layers": layers},
        "loss": "categorical_crossentropy", "optimizer": optimizer, "training": {"batch_size": 16, "epochs": 1},
        "metrics": ["accuracy"], "sides": {"only": {"framework": framework}},
    })  # fmt: skip
    return spec, prepare(spec, Options())


def resident(pid: int) -> int:
    """Return the bytes that a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.takes_turns
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("framework", ["keras", "tensorflow"])
def test_a_worker_gives_a_programs_weights_and_slots_back(framework: str, tmp_path: Path) -> None:
    spec, sides = mlp(framework, WIDE[1:-1], "adam")
    held: list[int] = []
    with Work(spec=spec, sides=sides, options=Options(), folder=tmp_path) as work, Runner(work=work) as runner:
        for seed in range(RUNS):
            training = sides[0].config.training.model_copy(update={"seed": seed})
            one = replace(sides[0], config=sides[0].config.model_copy(update={"training": training}))
            runner.start(Job(side=one, program=work.trial_program(one), steps=2, threads=1)).result()
            (session,) = runner._opened
            assert session.pid is not None
            held.append(resident(session.pid))
    # The first run is not counted: a framework sets itself up in it. Kept, a run's weights and two slots are 12 bytes
    # a parameter.
    assert held[-1] - held[0] < 0.5 * (RUNS - 1) * 12 * PARAMETERS, [one >> 20 for one in held]


ADAM: dict[str, Any] = {"adam": {"learning_rate": 0.01}}
UPDATES = [
    *((framework, ADAM) for framework in ("keras", "tensorflow", "torch")),
    ("torch", {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}}),
    ("torch", {"adamw": {"learning_rate": 0.01, "weight_decay": 0.01}}),
    ("torch", {"adagrad": {"learning_rate": 0.05}}),
]


@pytest.mark.parametrize(("framework", "optimizer"), UPDATES)
def test_a_fused_update_is_the_same_update_rounded_elsewhere(
    framework: str, optimizer: dict[str, Any], tmp_path: Path
) -> None:
    spec, sides = mlp(framework, [24], optimizer)
    (side,) = sides
    work = Work(spec=spec, sides=sides, options=Options(), folder=tmp_path)
    with lender(), work, Runner(work=work) as runner:
        program = work.trial_program(side)
        runs = [
            runner.start(Job(side=side, program=program, steps=12, threads=1, fused=fused)).result()
            for fused in (False, True)
        ]
    assert runs[0].key != runs[1].key
    assert runs[1].losses == pytest.approx(runs[0].losses, rel=1e-4)
    assert runs[0].losses[-1] < runs[0].losses[0]


FUSING = """
import torch
from parity.frameworks.torch.driver.driver import TorchDriver


class Driven(TorchDriver):
    def __init__(self, precision, made):
        self.precision, self.optimizer = precision, made([torch.nn.Parameter(torch.zeros(2))], lr=0.1)


for name in ("Adam", "AdamW", "SGD", "Adagrad", "RMSprop"):
    told = []
    for precision in ("float32", "float64"):
        driver = Driven(precision, getattr(torch.optim, name))
        driver.fuse_update()
        told.append(driver.optimizer.param_groups[0].get("fused"))
    print(name, *told)
"""


def test_pytorchs_optimizers_use_the_kernel_that_they_have() -> None:
    """RMSprop has none."""
    done = subprocess.run([interpreter("torch"), "-c", FUSING], capture_output=True, text=True, check=True)
    fused_ones = [f"{name} True None" for name in ("Adam", "AdamW", "SGD", "Adagrad")]
    assert done.stdout.splitlines() == [*fused_ones, "RMSprop None None"]


def test_large_networks_are_told_from_small_ones() -> None:
    assert PARAMETERS > LARGE
    assert large(mlp("torch", WIDE[1:-1], "adam")[1][0])
    assert not large(mlp("torch", [24], "adam")[1][0])


def test_an_update_that_has_to_be_compiled_is_fused_where_the_run_is_long_enough_to_pay_for_it() -> None:
    (wide,), (small,) = (mlp("tensorflow", layers, "adam")[1] for layers in (WIDE[1:-1], [24]))
    enough = math.ceil(COMPILED_PAYS / PARAMETERS)
    assert fused(wide, enough)
    assert not fused(wide, enough - 1)
    assert not fused(small, enough)


def test_an_update_that_nothing_has_to_compile_is_fused_in_any_case() -> None:
    assert fused(mlp("torch", [24], "adam")[1][0], 1)
