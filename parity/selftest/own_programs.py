"""Programs written by hand, as different people write them, and what each of them is meant to be.

They stand in the folder ``programs`` beside this file, and are data: nothing imports them but a worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parity.lazy import np
from parity.selftest.networks import BATCH, OPTIMIZERS, ROWS, Network
from parity.spec.load import build_spec
from parity.spec.sections import Spec

FOLDER = Path(__file__).parent / "programs"
"""Where they stand."""

REFERENCE, PORT = "meant", "port"
"""Names of the two sides: what the spec compiles to, and the program."""

LOGITS: Any = {"categorical_crossentropy": {"from_logits": True}}


def _dense(units: int, name: str, activation: Any = None, **fields: Any) -> Any:
    said = {"activation": activation} if activation else {}
    return {"dense": {"units": units, "name": name, **said, **fields}}


def _mlp(*between: Any, activation: Any = "relu", loss: Any = LOGITS, out: Any = None, **fields: Any) -> Network:
    """Return the network that nearly all of them are: six inputs, eight hidden units, five classes."""
    layers = (_dense(8, "hidden", activation, **fields), *between, _dense(5, "out", out, **fields))
    return Network(input=(6,), layers=layers, loss=loss, outputs=5)


_CONV: Any = {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu", "name": "conv"}
_FLAT: Any = {"flatten": {"name": "flatten"}}
_RELU: Any = {"activation": {"function": "relu", "name": "relu"}}
_TORCH_NORM: Any = {"momentum": 0.9, "epsilon": 1e-5, "unbiased_variance": True, "name": "norm"}

NETWORKS: dict[str, Network] = {
    "mlp": _mlp(),
    "softmax": _mlp(out="softmax", loss={"categorical_crossentropy": {}}),
    "dropped": _mlp({"dropout": {"rate": 0.25, "name": "dropout"}}),
    "deep": _mlp(_dense(8, "second", "tanh")),
    "weighed": replace(_mlp(), weighs=True),
    "penalised": _mlp(kernel_regularizer={"l2": 0.01}),
    "sparse": Network(
        input=(6,),
        layers=(_dense(8, "hidden", "relu", activity_regularizer={"l1": 0.01}), _dense(5, "out")),
        loss=LOGITS,
        outputs=5,
    ),
    "gelu": _mlp(activation="gelu"),
    "norm": _mlp({"batch_norm": {"name": "norm"}}, _RELU, activation=None),
    "norm_torch": _mlp({"batch_norm": _TORCH_NORM}, _RELU, activation=None),
    "norm_softmax": _mlp(
        {"batch_norm": {"name": "norm"}}, _RELU, activation=None, out="softmax", loss={"categorical_crossentropy": {}}
    ),
    "image": Network(
        input=(8, 8, 3),
        layers=(
            {"conv2d": _CONV},
            {"max_pooling2d": {"pool_size": 2, "name": "pool"}},
            _FLAT,
            _dense(8, "hidden", "relu"),
            _dense(5, "out"),
        ),
        loss=LOGITS,
        outputs=5,
    ),
    "strided": Network(
        input=(8, 8, 3), layers=({"conv2d": {**_CONV, "strides": 2}}, _FLAT, _dense(5, "out")), loss=LOGITS, outputs=5
    ),
    "sequence": Network(input=(9, 3), layers=({"conv1d": _CONV}, _FLAT, _dense(5, "out")), loss=LOGITS, outputs=5),
    "regression": Network(
        input=(5,), layers=(_dense(8, "hidden", "tanh"), _dense(1, "out")), loss="mse", outputs=1, targets="real"
    ),
    "binary": Network(
        input=(6,),
        layers=(_dense(8, "hidden", "relu"), _dense(1, "out", "sigmoid")),
        loss={"sigmoid_crossentropy": {}},
        outputs=1,
    ),
}
"""What the programs are meant to be, by name."""

RULES: dict[str, Any] = {
    **OPTIMIZERS,
    "rmsprop_torch": {"rmsprop": {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-8, "epsilon_place": "outside_root"}},
}
"""Optimizers, by name."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A program, what it is meant to be, and what is wrong with it.

    Args:
        program: name of its file, without the suffix; begins with its framework.
        style: in whose manner it is written.
        network: what it is meant to be, a name of ``NETWORKS``.
        optimizer: a name of ``RULES``.
        names: what it calls the parts of the contract.
        changes: of its side, as a spec has them: the form of its targets.
        fault: what is wrong, in words; empty where it is right.
        step: in which a fault must be found, counted from 1.
        places: by phase, the tensors that count as its place.
        causes: config paths of which one must be named; ``*`` stands for anything; none where no field and no habit
            describes the fault.
        value: that must be named with it; None for any.
        optional: the cause is true of a part of the fault only; it need not be named.
    """

    program: str
    style: str
    network: str
    optimizer: str
    names: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    step: int = 1
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    value: Any = None
    optional: bool = False

    @property
    def nameable(self) -> bool:
        """Return whether there is a cause that must be named."""
        return bool(self.causes) and not self.optional

    @property
    def phase(self) -> str:
        """Return the phase in which its fault is, empty where it has none."""
        return next(iter(self.places), "")

    @property
    def framework(self) -> str:
        """Return the framework it is written in."""
        return self.program.partition("_")[0]

    @property
    def file(self) -> Path:
        """Return where it stands."""
        return FOLDER / f"{self.program}.py"

    @property
    def place(self) -> str:
        """Return where the fault is, in words."""
        there = [f"{phase}, {' or '.join(tensors)}" for phase, tensors in self.places.items()]
        return f"step {self.step}, {'; or '.join(there)}"

    def spec(self, against: str, rows: Path) -> Spec:
        """Return the spec that says what it is meant to be, with the program as its second side.

        Args:
            against: framework of the first side.
            rows: file with the data.
        """
        network = NETWORKS[self.network]
        port = {"framework": self.framework, "program": str(self.file), "changes": dict(self.changes), **self.names}
        sides = {REFERENCE: {"framework": against}, PORT: port}
        return spec_of(network, RULES[self.optimizer], rows, sides)


def spec_of(network: Network, optimizer: Any, rows: Path, sides: Mapping[str, Any], seed: int = 0) -> Spec:
    """Return the spec of a small network.

    Args:
        network: what is trained.
        optimizer: as a spec has it.
        rows: file with the data.
        sides: as a spec has them.
        seed: of everything random.
    """
    return build_spec(
        {
            "name": "selftest",
            "data": {"source": str(rows), **network.counted},
            "model": network.model,
            "loss": network.loss,
            "optimizer": optimizer,
            "training": {"batch_size": BATCH, "seed": seed},
            "sides": dict(sides),
        }
    )


def write_rows(network: Network, file: Path, seed: int = 0) -> None:
    """Write invented rows for a network, classes as numbers, as data come.

    Args:
        network: that learns from them.
        file: an .npz, written.
        seed: of the rows.
    """
    generator = np.random.default_rng([8, seed])
    x = generator.normal(size=(ROWS, *network.input))
    if not network.classes:
        y = generator.normal(size=(ROWS, network.outputs))
    elif network.outputs == 1:
        y = generator.integers(0, 2, (ROWS, 1)).astype(np.float64)
    else:
        y = np.concatenate([np.arange(network.outputs), generator.integers(0, network.outputs, ROWS - network.outputs)])
    counts: Any = {name: generator.uniform(0.25, 3.0, ROWS) for name in network.counted.values()}
    np.savez(file, X=x, y=y, **counts)
