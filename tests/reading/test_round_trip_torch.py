"""What parity writes in PyTorch, read back: every spec of the gallery, and what does not come back by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import LOADED, kept_and_refused, weights_apart

from parity.compile import compile_side
from parity.compile.fragments import losses_of
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, prepare
from parity.reading.asking import asked_in, program_of
from parity.reading.whole import read_told
from parity.run.epochs import counted
from parity.run.session import Session
from parity.spec.load import build_spec, load_spec
from parity.spec.plain import dump
from parity.spec.resolve import Resolved
from parity.spec.targets import settled

SPECS = Path(__file__).resolve().parents[2] / "specs"

RUN = """

if __name__ == "__main__":
    import numpy as np

    rows = np.load("rows.npz")
    def tensors(kind):
        found = [torch.tensor(rows[one]) for one in rows.files if one.startswith(kind)]
        return [one.float() if one.is_floating_point() else one for one in found]

    model = (globals().get("build_model") or Model)()
    {start}
    optimizer, loss_fn = build_optimizer(model), build_loss()
    x, y = tensors("x"), tensors("y")
    for start in range(0, 3 * {batch_size}, {batch_size}):
        model.train()
        optimizer.zero_grad()
        outputs = model(*(one[start : start + {batch_size}] for one in x))
        targets = [one[start : start + {batch_size}] for one in y]
        if isinstance(outputs, dict):
            targets = dict(zip(outputs, targets))
        loss = loss_fn(outputs, targets if isinstance(targets, dict) else targets[0])
        loss.backward()
        optimizer.step()
"""

LEFT_OUT = ("cifar", "leaf")
"""Beginnings of names of specs whose data are not part of this project, or take long to make up."""


BEHIND = "the loss applies the softmax: the program's model gives logits"

LOST: dict[str, dict[str, str]] = {
    "acts_together": {"layers": BEHIND, "loss.categorical_crossentropy.from_logits": BEHIND},
    "same_seed": {},
}  # fmt: skip
"""By spec, what does not come back as it was, and why."""

WRITTEN: dict[str, tuple[list[str], list[str]]] = {
    "lstm_text": (["torch.ne", "torch.flip", "MaskedPlainLSTM", "torch.flip", "MaskedPlainLSTM"],
                  ["optimizer __main__.Adam"]),
    "made_up_for": ([], ["optimizer __main__.Adam"]),
    "residual": (["__main__.BiasedBatchNorm2d"] * 6, ["optimizer __main__.SGD"]),
    "siamese": ([], ["optimizer __main__.RMSprop"]),
    "transformer": ([], ["rates that the program sets itself (0, 0.0003, ...)", "optimizer __main__.AdamW"]),
    "two_lone_causes": (["loss"], []),
    "two_outputs": (["__main__.BiasedBatchNorm1d"], ["rates that the program sets itself (0, 0.0005, ...)",
                                                     "optimizer __main__.AdamW"]),
    "unet": ([], ["optimizer __main__.Adam"]),
}  # fmt: skip
"""By spec, what PyTorch has no part for by Keras's defaults, so it is written out: what is opaque, and refused."""


def sides() -> Iterator[Any]:
    for file in sorted(SPECS.glob("*.yaml")):
        for side in prepare(load_spec(file), Options()):
            if side.framework == "torch" and side.program is None and not file.stem.startswith(LEFT_OUT):
                yield pytest.param(file, side, id=f"{file.stem}-{side.name}")


def apart(model: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return layers with activations as layers of their own, as PyTorch has them, without names and edges."""
    found = []
    for layer in model["layers"]:
        ((kind, fields),) = layer.items()
        fields = {name: one for name, one in fields.items() if name not in ("name", "inputs")}
        function = fields.pop("activation", "linear") if kind in ("dense", "conv1d", "conv2d") else "linear"
        found.append((kind, fields))
        if function not in ("linear", {"linear": {}}):
            found.append(("activation", {"trainable": True, "function": function}))
    return found


def differing(a: Any, b: Any, path: str) -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        return [one for key in {**a, **b} for one in differing(a.get(key), b.get(key), f"{path}.{key}")]
    return [] if a == b else [path]


def rows_of(side: Resolved, count: int) -> dict[str, np.ndarray]:
    """Return rows that a side's model and its losses take."""
    generator, found = np.random.default_rng(0), dict[str, np.ndarray]()
    for name, one in side.config.model.named_inputs().items():
        whole = one.dtype == "integer"
        values = generator.integers(0, 2, (count, *one.shape)) if whole else generator.normal(size=(count, *one.shape))
        found[f"x_{name}"] = values
    for name, (output, loss) in losses_of(side).items():
        *places, last = output.last.output_shape
        index = loss.forms == ("index",)
        one_hot = np.eye(last)[generator.integers(0, last, (count, *places))]
        found[f"y_{name}"] = generator.integers(0, last, (count, *places)) if index else one_hot
    return found


@pytest.mark.parametrize(("file", "side"), list(sides()))
def test_a_gallery_spec_comes_back_from_torch(
    file: Path, side: Resolved, session: Session, tmp_path: Path
) -> None:  # fmt: skip
    data = dataset_of(side, None)
    side = counted(settled(side, data.target, data.classes is not None), len(data.x))
    head = compile_side(side, name=file.stem, **data.stored).source.partition('if __name__ == "__main__":')[0]
    batch = side.config.training.batch_size
    np.savez(tmp_path / "rows.npz", **rows_of(side, 3 * batch))
    program, loaded = (head + RUN.format(batch_size=batch, start=one) for one in ("pass", LOADED))
    (tmp_path / "train.py").write_text(program)
    told, _ = asked_in(session, program_of(str(tmp_path / "train.py")))
    for node in told.nodes:
        node.place = ""
    told.places = {}
    if file.stem in WRITTEN:
        assert kept_and_refused(told) == WRITTEN[file.stem]
        return
    found = read_told(told, {}, name=file.stem, source="blobs")
    back = prepare(build_spec({**found.spec, "sides": {side.name: {"framework": side.framework}}}), Options())[0]
    before, after = dump(side.config), dump(back.config)
    lost = [] if apart(before["model"]) == apart(after["model"]) else ["layers"]
    lost += [one for part in ("loss", "optimizer") for one in differing(before[part], after[part], part)]
    assert sorted(lost) == sorted(LOST[file.stem])
    assert before["training"]["batch_size"] == after["training"]["batch_size"]
    assert weights_apart(found, side, loaded, tmp_path) == []
