"""What parity writes in raw TensorFlow, read back: specs of the gallery, with what a program has no word for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import LOADED, differing, weights_apart

from parity.compile import compile_side
from parity.errors import ParityError
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, prepare
from parity.reading.asking import asked_in, program_of
from parity.reading.whole import read_told
from parity.run.epochs import counted
from parity.run.session import Session
from parity.spec.load import build_spec, load_spec
from parity.spec.plain import dump
from parity.spec.targets import settled

SPECS = Path(__file__).resolve().parents[2] / "specs"

RUN = """

def trained(x, y):
    model, loss_fn = Model(tf.float32), build_loss()
    {start}
    optimizer = build_optimizer(model)
    for epoch in range(EPOCHS):
        for x_batch, y_batch in tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(y)).batch(BATCH_SIZE):
            train_step(model, loss_fn, optimizer, x_batch, y_batch)


with np.load("rows.npz") as arrays:
    trained(tuple(arrays[one] for one in arrays if one != "y") if len(arrays) > 2 else arrays["x"], arrays["y"])
"""

MOVED = "of channels first, its program moves the axes by operations of their own"
NAMES = "an operation, a second call and an input have no names of their own"
LOGITS = "the loss applies the last activation: its program gives logits"

ENDED = {
    "loss.categorical_crossentropy.from_logits": LOGITS, "model.layers.1.dense.activation.linear": LOGITS,
    "model.layers.1.dense.activation.softmax": LOGITS,
}  # fmt: skip

LOST: dict[str, dict[str, str]] = {
    "acts_together": ENDED,
    "cifar_small": {"loss.categorical_crossentropy.from_logits": LOGITS, "model.layers": MOVED},
    "leaf_port": {},
    "leaf_small": {name.replace(".1.", ".5."): why for name, why in ENDED.items()},
    "made_up_for": ENDED,
    "same_seed": {"model.layers.1.dropout.name": NAMES, "training.random": "who draws is the harness's affair"},
    "siamese": {
        **{name.replace(".1.", ".6."): why for name, why in ENDED.items()},
        "model.inputs.input": NAMES, "model.inputs.input_2": NAMES, "model.inputs.left": NAMES,
        "model.inputs.right": NAMES, "model.layers.0.dense.inputs": NAMES, "model.layers.2.again.inputs": NAMES,
        "model.layers.2.again.name": NAMES, "model.layers.3.again.name": NAMES,
        "model.layers.4.multiply.inputs.1": NAMES, "model.layers.4.multiply.name": NAMES,
    },
    "two_lone_causes": ENDED,
}  # fmt: skip
"""By spec, the fields that do not come back as they were, and why."""


WRITTEN = {
    "cifar_batch_norm": "an update that is written out, with Sum, is not read; it needs an optimizer that moves",
    "regression": "rules that were tried moves weights so) is not read; it needs an optimizer with that rule",
}
"""By spec, one of the lines that say why it does not come back."""


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", [*LOST, *WRITTEN])
def test_a_gallery_spec_comes_back(name: str, session: Session, tmp_path: Path) -> None:
    spec = load_spec(SPECS / f"{name}.yaml")
    side = side_of(spec)
    data = dataset_of(side, None)
    side = counted(settled(side, data.target, data.classes is not None), len(data.x))
    source = compile_side(side, name=name, **data.stored).source
    generator = np.random.default_rng(0)
    rows = 3 * side.config.training.batch_size
    x = {name: generator.normal(size=(rows, *one.shape)).astype("float32")
         for name, one in side.config.model.named_inputs().items()}  # fmt: skip
    x = x if len(x) > 1 else {"x": next(iter(x.values()))}
    y = generator.random((rows, *side.graph.layers[-1].output_shape)).astype("float32")
    np.savez(tmp_path / "rows.npz", **x, y=y)
    head = source.partition('if __name__ == "__main__":')[0]
    program, loaded = (head + RUN.replace("{start}", one) for one in ("pass", LOADED))
    (tmp_path / "train.py").write_text(program)
    told, arrays = asked_in(session, program_of(str(tmp_path / "train.py")))
    if name in WRITTEN:
        with pytest.raises(ParityError, match=re.escape(WRITTEN[name])):
            read_told(told, arrays, name=name, source="blobs")
        return
    found = read_told(told, arrays, name=name, source="blobs")
    back = prepare(build_spec({**found.spec, "sides": {side.name: {"framework": "tensorflow"}}}), Options())[0]
    parts = ("model", "loss", "optimizer", "training")
    before, after = ({part: dump(one)[part] for part in parts} for one in (side.config, back.config))
    lost = sorted(differing(before, after))
    assert lost == sorted(LOST[name]), lost
    assert weights_apart(found, side, loaded, tmp_path) == []


def side_of(spec: Any) -> Any:
    """Return Keras's side in raw TensorFlow; the one in raw TensorFlow where a spec says no sides."""
    keras = next((name for name, one in spec.sides.items() if one.framework == "keras"), None)
    wanted = Options() if keras is None else Options(like=keras, frameworks=("tensorflow",))
    return next(side for side in prepare(spec, wanted) if side.framework == "tensorflow")
