"""What does it cost to train under the harness? Time, memory and store beside hand-written loops of the same network.

    python tests/benchmarks/tracing_cost.py
    python tests/benchmarks/tracing_cost.py --network leaf --framework torch --steps 5 --rounds 7 --json

For each framework and network four numbers, with what they should stay under:

- ``losses``: step time of a free run that records its losses, over that of the native loop: 1.05;
- ``traced``: the same with digests of every tensor at every step, over that of the native loop: 1.3;
- ``store``: bytes of the trace's file per tensor and step: 200;
- ``memory``: peak resident memory of a traced run's process, over 1.3 times the native one's plus 200 MB: 1.

The native loops (``native_keras.py``, ``native_tensorflow.py``, ``native_torch.py`` beside this file) draw their
framework's own dropout, read the same batches from memory and read the loss of every step, as the harness does. Their
Keras and TensorFlow steps are ``tf.function`` graphs, their PyTorch is eager.

Native loop, losses and traced steps run in one process by turns, a block of ``--steps`` each and ``--rounds`` times
over, in an environment as workers have it (OPENBLAS_NUM_THREADS=1, OMP_WAIT_POLICY=PASSIVE, the framework's own number
of threads). A ratio is that of two blocks of one round; printed are the median of the rounds and their range. Blocks
are timed from the first batch to the last message, which here is packed for the parent and, where it has digests, also
written to the trace's file, although in a real run the parent does that. ``cpu`` is the ratio of processor time in the
place of wall time: steadier where other work shares the machine, but blind to what runs side by side. Memory is that of
processes of their own, which do only that.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from parity.run.randomness import batches
from parity.run.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = ("keras", "tensorflow", "torch")
NETWORKS = ("cifar", "leaf", "leaf_small")
WIDTHS = {"leaf": (2048, 1024), "leaf_small": (256, 128)}
STEPS = {"cifar": 5, "leaf": 4, "leaf_small": 20}
"""Steps of a block, unless said."""

WARM, MEMORY_STEPS = 3, 6
LIMITS = {"losses": 1.05, "traced": 1.3, "store": 200.0, "memory": 1.0}
CONSTANT = 200.0
"""Megabytes of memory that the harness may take whatever the network."""

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "TF_CPP_MIN_LOG_LEVEL": "2"}
ROWS = 512

CIFAR: dict[str, Any] = {
    "name": "cifar",
    "data": {"source": "rows.npz"},
    "model": {
        "input": [32, 32, 3],
        "layers": [
            *(
                layer
                for filters in (32, 64, 128)
                for layer in (
                    *[{"conv2d": {"filters": filters, "kernel_size": 3, "padding": "same", "activation": "relu"}}] * 2,
                    {"max_pooling2d": {"pool_size": 2}},
                    {"dropout": {"rate": 0.2}},
                )
            ),
            {"flatten": {}},
            *(
                layer
                for units in (1024, 512)
                for layer in (
                    {"dense": {"units": units, "activation": "relu",
                               "kernel_constraint": {"max_norm": {"max_value": 3.0}}}},
                    {"dropout": {"rate": 0.5}},
                )
            ),
            {"dense": {"units": 10, "activation": "softmax"}},
        ],
    },
    "loss": "categorical_crossentropy",
    "optimizer": {"sgd": {"learning_rate": 0.01, "momentum": 0.9, "decay": 1e-6}},
    "training": {"batch_size": 32},
}  # fmt: skip


# -------------------------------------------------------------------------------- in processes of their own


class Channel:
    """Stands for the parent: packs what a worker tells as execnet would, and keeps the digests as a run does."""

    def __init__(self) -> None:
        self.writer: Any = None

    def send(self, message: tuple[str, Any]) -> None:
        """Take a message."""
        import execnet

        execnet.dumps(message)
        if self.writer is not None:
            self.writer.add(message[1].get("trace", ()))


class TimedWorker(Worker):
    """A worker that notes when it begins with the first batch: the state before it is digested once in a run."""

    begun = (0.0, 0.0)

    def _batches(self, start: int, stop: int) -> Iterator[np.ndarray]:
        self.begun = now()
        yield from super()._batches(start, stop)


def now() -> tuple[float, float]:
    """Return wall time and this process's processor time."""
    return time.perf_counter(), time.process_time()


def native(task: dict[str, Any]) -> Callable[[int], tuple[float, float]]:
    """Return what takes a number of steps in the hand-written loop and returns their begin."""
    module = importlib.import_module(f"native_{task['framework']}")
    network = task["network"]
    step = module.loop(network, WIDTHS.get(network, (0, 0)))
    x, y = (np.ascontiguousarray(np.load(file), "float32") for file in task["data"])
    plan = task["opening"]["plan"]

    def take(steps: int) -> tuple[float, float]:
        rows = batches(plan["seed"], len(x), plan["batch_size"], plan["shuffle"], plan["drop_remainder"])
        begun = now()
        losses = [step(x[chosen], y[chosen]) for chosen in islice(rows, steps)]
        assert np.isfinite(losses).all()
        return begun

    return take


def harness(task: dict[str, Any], channel: Channel) -> Callable[[int, bool], tuple[float, float]]:
    """Return what takes a number of steps under the harness and returns their begin."""
    worker = TimedWorker(channel)
    worker.open(**task["opening"])

    def take(steps: int, trace: bool) -> tuple[float, float]:
        worker.train(steps, [], task["scratch"], trace)
        return worker.begun

    return take


def timed(task: dict[str, Any]) -> dict[str, Any]:
    """Return the times of each round's blocks, wall and processor, and the bytes a row of the trace takes."""
    import parity.run.trace as tracing

    framework, steps, channel = task["framework"], task["steps"], Channel()
    alone = native(task)
    alone(WARM)  # Before dropout is replaced: a graph keeps what it was traced with.
    if framework == "torch":
        import torch.nn.functional as F

        own_dropout = F.dropout
    under = harness(task, channel)
    file = Path(task["scratch"]) / "trace.parquet"
    with tracing.TraceWriter(file) as writer:

        def block(kind: str, steps: int) -> list[float]:
            if kind == "native":
                with contextlib.ExitStack() as stack:
                    if framework == "torch":  # Eager: it would call what stands there now.
                        stack.callback(setattr, F, "dropout", F.dropout)
                        F.dropout = own_dropout
                    begun = alone(steps)
                    return [(end - start) / steps for start, end in zip(begun, now(), strict=True)]
            channel.writer = writer if kind == "traced" else None
            begun = under(steps, kind == "traced")
            return [(end - start) / steps for start, end in zip(begun, now(), strict=True)]

        kinds = ["native", "losses", "traced"]
        for kind in kinds:
            block(kind, WARM)
        rounds = []
        for number in range(task["rounds"]):
            turn = number % len(kinds)
            order = [*kinds[turn:], *kinds[:turn]]
            rounds.append({kind: block(kind, steps) for kind in order})
    import pyarrow.parquet as pq

    return {"rounds": rounds, "store": file.stat().st_size / pq.read_metadata(file).num_rows}


def peak(task: dict[str, Any], kind: str) -> float:
    """Return the peak resident memory of this process, in MB, after a few steps."""
    if kind == "native":
        native(task)(MEMORY_STEPS)
    else:
        harness(task, Channel())(MEMORY_STEPS, kind == "traced")
    status = Path("/proc/self/status")
    if status.exists():  # Linux lets ru_maxrss begin with what the parent had taken when it forked; this it does not.
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def child(kind: str, task: dict[str, Any]) -> None:
    """Do one measurement and print it as the last line."""
    found = timed(task) if kind == "timed" else peak(task, kind)
    print(json.dumps(found), flush=True)


# ------------------------------------------------------------------------------------------------ the parent


def prepared(network: str, framework: str, folder: Path) -> dict[str, Any]:
    """Return what the processes need: program, data and initial weights in files."""
    from parity.compile import compile_side
    from parity.data.dataset import Dataset
    from parity.run.jobs import Bench, Job
    from parity.run.store import Store
    from parity.spec.load import build_spec
    from parity.spec.resolve import resolve
    from parity.spec.yaml import parse_yaml

    data = CIFAR
    if network != "cifar":
        data = dict(parse_yaml((ROOT / "specs" / f"{network}.yaml").read_text(), None)[0])
        del data["sides"]  # What its first side trains, in each framework.
    side = resolve(build_spec(data), (framework,))[0]
    shape, classes = tuple(data["model"]["input"]), 10 if network == "cifar" else 99
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, *shape)).astype(np.float32)
    y = np.eye(classes, dtype=np.float32)[rng.integers(classes, size=ROWS)]
    dataset = Dataset(x=x, y=y, raw_x=x, raw_y=y, description="noise")
    bench = Bench(dataset=dataset, store=Store(folder / "runs"), scratch=folder / "scratch",
                  programs=folder / "programs", logs=folder / "logs")  # fmt: skip
    program = compile_side(side, name=network, question="", classes=None)
    opening = bench.opening(Job(side=side, program=program, steps=1))
    files = [folder / f"{name}.npy" for name in ("x", "y")]
    for file, value in zip(files, (x, y), strict=True):
        np.save(file, value)
    return {"opening": opening, "data": [str(file) for file in files], "scratch": str(folder / "predictions")}


def ask(kind: str, task: dict[str, Any], folder: Path) -> Any:
    """Run a measurement in a process of its own and return what it found."""
    file = folder / "task.json"
    file.write_text(json.dumps(task))
    command = [sys.executable, str(Path(__file__).resolve()), "--child", kind, str(file)]
    done = subprocess.run(command, text=True, capture_output=True, env={**os.environ, **ENVIRONMENT})
    if done.returncode:
        sys.exit(f"{kind} {task['network']} {task['framework']}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measured(network: str, framework: str, steps: int | None, rounds: int, memory: bool) -> dict[str, Any]:
    """Return everything about one framework and network."""
    folder = Path(tempfile.mkdtemp(prefix="parity-cost-"))
    try:
        task = prepared(network, framework, folder)
        task |= {"network": network, "framework": framework, "steps": steps or STEPS[network], "rounds": rounds}
        load = os.getloadavg()[0]
        found = ask("timed", task, folder)
        peaks = {kind: ask(kind, task, folder) for kind in ("native", "losses", "traced")} if memory else {}
    finally:
        shutil.rmtree(folder)
    line: dict[str, Any] = {"network": network, "framework": framework, "load": load}
    line["steps"], line["rounds"] = task["steps"], rounds
    line["native_ms"] = median(1000 * one["native"][0] for one in found["rounds"])
    for kind in ("losses", "traced"):
        for clock, name in enumerate(("", "_cpu")):
            ratios = [one[kind][clock] / one["native"][clock] for one in found["rounds"]]
            line[kind + name] = median(ratios)
            line[kind + name + "_range"] = [min(ratios), max(ratios)]
    line["store"] = found["store"]
    if memory:
        line["peak_mb"] = peaks
        line["memory"] = peaks["traced"] / (1.3 * peaks["native"] + CONSTANT)
    return line | {"meets": {name: line[name] <= limit for name, limit in LIMITS.items() if name in line}}


def told(line: dict[str, Any]) -> str:
    """Return a line of the table."""

    def ratio(kind: str) -> str:
        low, high = line[kind + "_range"]
        sign = " " if line["meets"][kind] else "!"
        return f"{line[kind]:6.3f}{sign}({low:.2f}-{high:.2f}) {line[kind + '_cpu']:6.3f}"

    memory = "".join(f"{line['peak_mb'][kind]:8.0f}" for kind in line.get("peak_mb", ()))
    memory += f" {line['memory']:6.2f}{' ' if line['meets']['memory'] else '!'}" if memory else ""
    return (
        f"{line['network']:<11}{line['framework']:<11}{line['native_ms']:8.1f}  {ratio('losses')}  {ratio('traced')}"
        f"{line['store']:8.0f}{' ' if line['meets']['store'] else '!'}{memory}   {line['load']:.1f}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, action="append", help="cifar and leaf if not said")
    parser.add_argument("--framework", choices=FRAMEWORKS, action="append", help="all if not said")
    parser.add_argument("--steps", type=int, help=f"of a block: {STEPS} if not said")
    parser.add_argument("--rounds", type=int, default=7, help="of blocks by turns")
    parser.add_argument("--no-memory", action="store_true", help="measure times and store only")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each framework and network")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, file = options.child
        return child(kind, json.loads(Path(file).read_text()))
    if not options.json:
        print(f"{'network':<11}{'framework':<11}{'native ms':>9}  {'losses (range)   cpu':<27} "
              f"{'traced (range)   cpu':<27} store  MB native  losses  traced  of limit  load")  # fmt: skip
    for network in options.network or ("cifar", "leaf"):
        for framework in options.framework or FRAMEWORKS:
            line = measured(network, framework, options.steps, options.rounds, not options.no_memory)
            print(json.dumps(line) if options.json else told(line), flush=True)


if __name__ == "__main__":
    main()
