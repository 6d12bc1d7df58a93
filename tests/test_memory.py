"""Workers give a program's memory back: hundreds of programs are run one after the other in one process."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from parity import api
from parity.pipeline.prepare import Options, prepare
from parity.pipeline.runner import Runner
from parity.pipeline.work import Work
from parity.run.bench import Job

RUNS = 5

PARAMETERS = 64 * 2000 + 2000 + 2000 * 3000 + 3000 + 3000 * 10 + 10


def resident(pid: int) -> int:
    """Return the bytes that a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("framework", ["keras", "tensorflow"])
def test_a_worker_gives_a_programs_weights_and_slots_back(framework: str, tmp_path: Path) -> None:
    spec = api.build_spec({
        "name": "wide", "data": {"source": "digits", "rows": 64, "scale": 0.0625},
        "model": {"input": [64], "layers": [
            {"dense": {"units": 2000, "activation": "relu"}}, {"dense": {"units": 3000, "activation": "relu"}},
            {"dense": {"units": 10, "activation": "softmax"}},
        ]},
        "loss": "categorical_crossentropy", "optimizer": "adam", "training": {"batch_size": 16, "epochs": 1},
        "metrics": ["accuracy"], "sides": {"only": {"framework": framework}},
    })  # fmt: skip
    (side,) = sides = prepare(spec, Options())
    held: list[int] = []
    with Work(spec=spec, sides=sides, options=Options(), folder=tmp_path) as work, Runner(work=work) as runner:
        for seed in range(RUNS):
            training = side.config.training.model_copy(update={"seed": seed})
            one = replace(side, config=side.config.model_copy(update={"training": training}))
            runner.start(Job(side=one, program=work.trial_program(one), steps=2, threads=1)).result()
            (session,) = runner._opened
            assert session.pid is not None
            held.append(resident(session.pid))
    # The first run is not counted: a framework sets itself up in it. Kept, a run's weights and two slots are 12 bytes
    # a parameter.
    assert held[-1] - held[0] < 0.5 * (RUNS - 1) * 12 * PARAMETERS, [one >> 20 for one in held]
