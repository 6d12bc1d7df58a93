"""Digests of tensors where they lie: as the host's, whatever way they lie; a whole step by them alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_forked import interpreter
from helpers_frameworks import EACH_FRAMEWORK, IMAGE, compiled, missing, side_of, starting_weights

from parity.run.digest import RESOLUTION, apart, digest

SHAPES: list[tuple[tuple[int, ...], list[int] | None]] = [
    ((), None), ((1,), None), ((0, 3), None), ((5,), None), ((300, 7), [1, 0]), ((4, 6, 5, 3), [0, 2, 3, 1]),
    ((2, 3, 65), None), ((70, 70), [1, 0]), ((3, 129, 2, 2), [3, 2, 1, 0]),
]  # fmt: skip


def far(framework: str, value: np.ndarray) -> Any:
    """Return a tensor of a framework, as if it lay on a GPU."""
    if missing(framework):
        pytest.skip(missing(framework))
    if framework == "torch":
        import torch

        from parity.frameworks.torch.driver.on_device import FarTensor

        return FarTensor(torch.from_numpy(value))
    import tensorflow as tf

    from parity.frameworks.tensorflow.driver.on_device import FarEager

    return FarEager(tf.constant(value))


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_digest_is_the_hosts(framework: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parity.run.on_device.BLOCK", 200)  # Several blocks of the larger ones.
    for shape, axes in SHAPES:
        value = np.asarray(np.random.default_rng(3).normal(size=shape), dtype)
        known, found = digest(value.astype("float64"), axes), far(framework, value).digest(axes)
        assert apart(known, found) <= RESOLUTION * 2.0**-53, (shape, axes)
        assert found["norm"] == pytest.approx(known["norm"], rel=1e-14)


def test_a_tensor_that_lies_otherwise_has_the_same_digest() -> None:
    if missing("torch"):
        pytest.skip(missing("torch"))
    import torch

    from parity.frameworks.torch.driver.on_device import FarTensor

    value = torch.from_numpy(np.random.default_rng(4).normal(size=(4, 6, 5, 3)))
    turned = value.contiguous(memory_format=torch.channels_last)
    assert turned.stride() != value.stride()
    assert apart(digest(value.numpy()), FarTensor(turned).digest()) <= RESOLUTION * 2.0**-53
    low = FarTensor(value.to(torch.bfloat16))
    assert apart(digest(low.host().astype("float64")), low.digest()) <= RESOLUTION * 2.0**-53


@pytest.mark.parametrize("value", [np.inf, np.nan, 0.0, 1e200])
def test_what_has_no_usual_squares_is_digested_by_the_host(value: float) -> None:
    tensor = np.full((3, 80), value)
    with np.errstate(all="ignore"):
        assert far("torch", tensor).digest().tobytes() == digest(tensor).tobytes()


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_everything_else_about_it_is_numpys(framework: str) -> None:
    value = np.arange(12.0).reshape(3, 4)
    one = far(framework, value)
    assert (one.shape, one.ndim, one.size) == ((3, 4), 2, 12)
    assert np.array_equal(one, value)
    assert np.array_equal(np.asarray(one.transpose((1, 0))), value.T)
    assert np.array_equal(np.asarray(one.reshape((2, 6))), value.reshape(2, 6))
    assert np.array_equal(np.asarray(one.reshape(6, 2)), value.reshape(6, 2))
    assert np.array_equal(np.asarray(one - value[::-1]), value - value[::-1])
    assert np.array_equal(np.asarray(one * 0.5 / 2.0), value / 4)


STEP = """
import json, sys
from pathlib import Path
import numpy as np
from parity.frameworks.{module}.driver import driver as drivers
from parity.frameworks.{kind}.driver import on_device as far
from parity.run.digest import RECORD, apart
from parity.run.exchange import Exchange
from parity.run.worker import Worker
places = [drivers]
if {module!r} != "torch":
    from parity.frameworks.tensorflow.driver import driver as tensorflow, watching
    places = [tensorflow, watching]
program, bindings, rows, folder = sys.argv[1], json.loads(sys.argv[2]), dict(np.load(sys.argv[3])), Path(sys.argv[4])
Exchange(str(folder / "data")).put("x", rows.pop("x"))
Exchange(str(folder / "data")).put("y", rows.pop("y"))
files = {{}}
for name, value in rows.items():
    np.save(folder / f"{{name}}.npy", value)
    files[name] = str(folder / f"{{name}}.npy")

class Channel:
    heard = []
    def send(self, message):
        self.heard.append(message)

def everything(mark):
    worker, found = Worker(Channel()), []
    plan = dict(seed=0, batch_size=8, shuffle=False, drop_remainder=False)
    worker.open({module!r}, program, bindings, "float64", str(folder / "data"), files, plan, shadow="float32")
    worker.advance(0, 1)
    state = str(folder / f"state{{mark}}")
    worker.publish(state)
    worker.adopt(state, 1)
    found.append(worker.probe(1, out=str(folder / f"out{{mark}}")))
    names = found[0]["names"]
    worker.adopt(state, 1)
    found.append(worker.probe(1, out=str(folder / f"guided{{mark}}"),
                              guide=dict(folder=str(folder / f"out{{mark}}"), names=names)))
    worker.adopt(state, 1, shadow=True, nudge=3)
    found.append(worker.probe(1, shadow=True))
    worker.train(3, [3], str(folder / "predicted"), trace=True, first=2)
    return found

first = everything("near")
for place in places:
    place.lying = lambda tensor: far.{kept}({tensor})
second = everything("far")
for one, other in zip(first, second, strict=True):
    assert one["loss"] == other["loss"], (one["loss"], other["loss"])
    assert one["names"] == other["names"]
    pairs = zip(*(np.frombuffer(taken["digests"], RECORD) for taken in (one, other)), strict=True)
    worst = max(apart(*pair) for pair in pairs)
    assert worst <= 64 * 2.0**-53, worst
for kind, taken in (("out", first[0]), ("guided", first[1])):
    mine, theirs = (Exchange(str(folder / f"{{kind}}{{mark}}")) for mark in ("near", "far"))
    for phase, name in taken["names"]:
        assert np.array_equal(mine.get(f"{{phase}}/{{name}}"), theirs.get(f"{{phase}}/{{name}}")), (kind, phase, name)
print(len(first[0]["names"]))
"""


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_steps_watched_where_their_tensors_lie_are_the_same_steps(framework: str, tmp_path: Path) -> None:
    """All that a worker does with a step, with tensors of the CPU taken for some of a GPU."""
    side = side_of(framework, IMAGE, optimizer="adam", training={"batch_size": 8})
    program = compiled(side)
    (tmp_path / "program.py").write_text(program.source)
    numbers = np.random.default_rng(5)
    rows = {"x": numbers.normal(size=(8, *IMAGE["input"])), "y": np.eye(4)[numbers.integers(0, 4, 8)]}  # type: ignore[misc]
    np.savez(tmp_path / "weights.npz", **starting_weights(side), **rows)
    kind = "torch" if framework == "torch" else "tensorflow"
    script = STEP.format(
        module=framework, kind=kind, kept="FarTensor" if framework == "torch" else "FarEager",
        tensor="tensor.detach()" if framework == "torch" else "__import__('tensorflow').convert_to_tensor(tensor)",
    )  # fmt: skip
    command = [interpreter(framework), "-c", script, str(tmp_path / "program.py"), json.dumps(program.bindings.plain())]
    done = subprocess.run(
        [*command, str(tmp_path / "weights.npz"), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30
