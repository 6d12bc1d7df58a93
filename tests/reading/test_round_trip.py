"""What parity writes in Keras, read back: every spec of the gallery, and the parts of every entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_reading import LOADED, differing, kept_and_refused, weights_apart
from helpers_sample import WHOLE, taken

from parity.catalog import OPS
from parity.code import Site
from parity.compile import compile_side
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, prepare
from parity.reading.asking import asked_in, program_of
from parity.reading.layers_of import layers_of
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
    model = (globals().get("build_model") or Model)()
    {start}
    model.compile(optimizer=build_optimizer(model), loss=build_loss())
    model.fit({x}, {y}, batch_size={batch_size}, epochs={epochs}, shuffle={shuffle})
"""

MOVED = "of channels first, Keras's program moves the axes by layers of their own"
DECAY = "Keras's legacy decay is written as a schedule"
NAMES = "a call has no name of its own in Keras"

NO_DATA = ("cifar", "leaf")
"""Specs whose data are not part of this project."""

LOST: dict[str, dict[str, str]] = {
    "cifar_adadelta": {"model.layers": MOVED},
    "cifar_all_conv": {"model.layers": MOVED},
    "cifar_base": {"model.layers": MOVED, "optimizer.sgd.decay": DECAY, "optimizer.sgd.learning_rate": DECAY},
    "cifar_batch_norm": {"model.layers": MOVED, "optimizer.sgd.decay": DECAY, "optimizer.sgd.learning_rate": DECAY},
    "cifar_small": {"model.layers": MOVED},
    "leaf_small": {"optimizer.sgd.decay": DECAY, "optimizer.sgd.learning_rate": DECAY},
    "lstm_text": {"model.inputs.input": NAMES, "model.inputs.words": NAMES},
    "same_seed": {"training.random": "who draws is the harness's affair"},
    "siamese": {
        "model.layers.2.again.name": NAMES, "model.layers.3.again.name": NAMES,
        "model.layers.4.multiply.inputs.1": NAMES,
    },
}  # fmt: skip
"""By spec, the fields that do not come back as they were, and why."""

WRITTEN: dict[str, tuple[list[str], list[str]]] = {
    "residual": ([], ["optimizer __main__.SGD"]),
    "transformer": (["keras.layers.Dense"] * 2, ["optimizer keras.optimizers.AdamW"]),
    "two_outputs": ([], ["optimizer keras.optimizers.AdamW"]),
}
"""By spec, what Keras has no part for, so that it is written out: the layers that are opaque, and what is refused."""


def sides() -> Iterator[Any]:
    for file in sorted(SPECS.glob("*.yaml")):
        for side in prepare(load_spec(file), Options()):
            if side.framework == "keras" and side.program is None and file.stem not in NO_DATA:
                yield pytest.param(file, side, id=f"{file.stem}-{side.name}")


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("file", "side"), sides())
def test_a_gallery_spec_comes_back(file: Path, side: Resolved, session: Session, tmp_path: Path) -> None:
    data = dataset_of(side, None)
    side = counted(settled(side, data.target, data.classes is not None), len(data.x))
    source = compile_side(side, name=file.stem, **data.stored).source
    head = source.partition('if __name__ == "__main__":')[0]
    training = side.config.training
    several = len(side.config.model.named_inputs()) > 1
    x = {name: np.zeros((4, *one.shape)) for name, one in side.config.model.named_inputs().items()}
    np.savez(tmp_path / "rows.npz", **x)
    read = f"(lambda f: {'[f[one] for one in f.files]' if several else 'f[f.files[0]]'})(np.load('rows.npz'))"
    said = {"x": read, "y": None, "batch_size": training.batch_size, "epochs": training.epochs}
    program, loaded = (head + RUN.format(**said, shuffle=training.shuffle, start=one) for one in ("pass", LOADED))
    (tmp_path / "train.py").write_text(program)
    told, arrays = asked_in(session, program_of(str(tmp_path / "train.py")))
    for node in told.nodes:
        node.place = ""
    told.places = {}
    assert arrays
    if file.stem in WRITTEN:
        assert kept_and_refused(told) == WRITTEN[file.stem]
        return
    found = read_told(told, {}, name=file.stem, source="blobs")
    back = prepare(build_spec({**found.spec, "sides": {side.name: {"framework": side.framework}}}), Options())[0]
    parts = ("model", "loss", "optimizer", "training")
    before, after = ({name: dump(one)[name] for name in parts} for one in (side.config, back.config))
    assert sorted(differing(before, after)) == sorted(LOST.get(file.stem, {}))
    assert weights_apart(found, side, loaded, tmp_path) == []


CASES = """
import keras
import numpy as np

def made(source, shape, dtype):
    inputs = keras.Input(shape, dtype=dtype)
    return keras.Model(inputs, eval(source)(inputs))

"""

OF_SEVERAL = ("add", "average", "concatenate", "maximum", "minimum", "multi_head_attention", "multiply", "subtract")
"""Layers that read several tensors: programs have them, and the gallery."""

OWN = re.compile(r"lambda|[=(](?!None|True|False|float)[a-z]\w+[,)]")
"""An activation that Keras has no part for: a function of the program's."""

GROUPS = ("group_norm", "instance_norm")
"""Keras has one layer for both, and says how many groups -1 means."""


def test_the_layers_of_all_entries_come_back(session: Session, tmp_path: Path) -> None:
    """Every worked case that is Keras's own layer; in ``make test`` a third of each kind, and one at least."""
    lines, expected = [CASES], []
    for entry in OPS.values():
        for case in entry.cases() if "keras" in entry.natives and entry.kind not in OF_SEVERAL else ():
            op = entry.model_validate({**case.fields, "name": "one"})
            shape = list(np.shape(case.x)[1:])
            code = op.keras(Site(name="one", input_shape=tuple(shape), framework="keras"))
            if op.channels_at() == "channels_first" or code.helpers or OWN.search(code.layer):
                continue  # What Keras has no part for is written out.
            dtype = "int32" if op.reads_dtype == "integer" else "float32"
            lines.append(f"f{len(expected)} = lambda: made({code.layer!r}, {shape}, {dtype!r})\n")
            expected.append(op)
    file = tmp_path / "layers.py"
    file.write_text("".join(lines))
    assert len(expected) > 180
    wrong = []
    for number, op in taken(enumerate(expected), 3, of=lambda one: one[1].kind):
        told, _ = asked_in(session, program_of(f"{file}:f{number}"))
        found = layers_of(told)
        assert not found.unread, (op, found.unread)
        said = found.layers[0]
        ((kind, fields),) = said.items() if isinstance(said, dict) else ((said, {}),)
        back = OPS[kind].model_validate(fields).replace(inputs=None)
        if back != op and not (kind in GROUPS and op.kind in GROUPS):
            wrong.append(f"{op.label()} came back as {back.label()}")
    known = [  # Two ways to say the same.
        "average_pooling2d(name=one, padding=[[0, 0], [0, 0]]) came back as average_pooling2d(name=one)",
        "rms_norm(name=one, epsilon=none) came back as rms_norm(name=one, epsilon=1.1920928955078125e-07)",
    ]
    assert wrong == (known if WHOLE else [one for one in known if one in wrong])
