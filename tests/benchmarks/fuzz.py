"""Mutated specs and odd data files: whatever is given, a command ends with one line and a code of its own.

    python tests/benchmarks/fuzz.py --specs 1000 --files 200

Each case goes through ``diff``, ``lint`` and ``compile`` of every side, as the command line has them, in this process.
It is a failure when a command takes too long, ends with another code than 0, 1 or 2, blames itself, writes what a
terminal would obey, or when ``lint`` and ``compile`` do not agree on what is refused.
"""

from __future__ import annotations

import argparse
import collections
import copy
import io
import json
import random
import signal
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from ruamel.yaml import YAML

from parity.cli import main
from parity.errors import ParityError, controlled
from parity.spec.load import load_spec

SECONDS = 30
"""A command that takes longer hangs."""

SPEC: dict[str, Any] = {
    "name": "odd",
    "question": "What does it say?",
    "data": {"source": "rows.npz", "rows": 40, "scale": 0.5},
    "model": {
        "input": [8, 3],
        "layers": [
            {"conv1d": {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu", "name": "conv"}},
            {"max_pooling1d": 2},
            {"batch_norm": {"momentum": 0.9}},
            "flatten",
            {"dropout": 0.25},
            {"dense": {"units": 6, "kernel_regularizer": {"l2": 0.01}, "kernel_initializer": "he_normal"}},
            {"dense": {"units": 3, "name": "logits"}},
        ],
    },
    "loss": {"categorical_crossentropy": {"from_logits": True}},
    "optimizer": {"sgd": {"learning_rate": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 10}}}},
    "training": {"batch_size": 8, "epochs": 2, "shuffle": True, "seed": 3},
    "metrics": ["accuracy"],
    "sides": {
        "a": {"framework": "torch"},
        "b": {
            "framework": "keras",
            "changes": {"layers.logits.use_bias": False, "optimizer.momentum": 0.9, "layers.dropout": None},
        },
    },
    "explain": {"outcome": "accuracy >= 0.8"},
}

ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3.5, -0.0, 1e308, 1e-320, float("inf"), float("nan"), 2**31, 2**53, 2**63, 2**64,
    10**30, 10**400, "", " ", "a", "relu", "adamax", "elu", "x" * 300, "x" * 5000, "../..", "/", "~", "a/b.npz",
    "\x1b[31m",
    "\ud800", "\ud83d\ude00", "\u202e", "é", "日本", "*", "layers.*", "{a,b}", "[", "null", "1e-3", "0x10", "yes", [],
    {}, [[]], [1],
    [1, 2, 3], [-1], [0], [8, 3], [24], [3, 8], [1] * 40, ["a"], {"a": 1}, {"a": {"b": {"c": 1}}},
    {"dense": {"units": 3}},
    {"dense": 3}, {"conv2d": {}}, "dense", "flatten", ["flatten"], "mse", "mae", "sgd", {"adam": {}},
    {"adamw": None}, "zeros",
    {"constant": 1e300}, {"truncated_normal": {"stddev": 1e-300}}, "keras", "tensorflow", "jax", {"framework": "torch"},
    "digits", "leaf_like", "nowhere.npz", "rows.csv", "spec.yaml", 10**9, 10**12, [10**9, 10**9], 1_000_000_007,
]  # fmt: skip
"""What may stand where something else ought to."""

KEYS = ["", "name", "units", "lr", "momentum", "weight_decay", "layers", "a.b", "*", "x" * 200, "\x1b[0m", 3, None,
        True, "sides",
        "program", "python", "changes", "map", "source", "reshape", "transpose", "one_hot",
        "validation_split", "y"]  # fmt: skip


LIKELY: dict[str, list[Any]] = {
    "source": ["rows.npz", "digits"],
    "rows": [8, 40, 41],
    "scale": [0.1, -1.0, 0.0],
    "filters": [1, 2, 16],
    "kernel_size": [1, 2, 5, [3]],
    "padding": ["same", "valid"],
    "activation": ["linear", "relu", "softmax", "sigmoid", "tanh", "gelu", "leaky_relu", {"leaky_relu": 0.1}],
    "max_pooling1d": [1, 2, {"pool_size": 2, "padding": "same"}],
    "dropout": [0.0, 0.5, 0.9],
    "units": [1, 2, 3, 10],
    "kernel_initializer": ["zeros", "ones", "glorot_uniform", {"constant": 0.1}, {"truncated_normal": {"stddev": 2.0}}],
    "loss": ["mse", "mae", "categorical_crossentropy", "sigmoid_crossentropy"],
    "from_logits": [True, False],
    "optimizer": ["sgd", "adam", "rmsprop", "nadam", "adadelta", {"adamw": {"weight_decay": 0.1}}],
    "learning_rate": [0.1, 1e-9, {"inverse_time": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5}}],
    "batch_size": [1, 7, 40, 100],
    "epochs": [1, 3],
    "shuffle": [True, False],
    "seed": [0, 2**62],
    "framework": ["keras", "tensorflow", "torch"],
    "metrics": [[], ["mse"], ["accuracy", "mae"]],
    "changes": [{}, {"layers.conv.filters": 2}, {"layers.*.activation": "tanh"}, {"loss": "mse"}, {"data.rows": 9}],
    "explain": [{}, {"steps": 3}],
    "question": ["", "Why?"],
}
"""What somebody may well write under a key."""


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value of a tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def mutated(rng: random.Random) -> str:
    """Return a spec, one to three of whose parts are others."""
    tree = copy.deepcopy(SPEC)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        found = list(places(tree))
        if not found:
            break
        *above, last = rng.choice(found)
        owner: Any = tree
        for key in above:
            owner = owner[key]
        if last in LIKELY and rng.random() < 0.8:
            owner[last] = copy.deepcopy(rng.choice(LIKELY[last]))
            continue
        match rng.randrange(6):
            case 0 if isinstance(owner, dict):
                del owner[last]
            case 1 if isinstance(owner, dict):
                owner[rng.choice(KEYS)] = rng.choice(ODD)
            case 2 if isinstance(owner, dict) and isinstance(last, str) and last:
                at = rng.randrange(len(last))
                owner[last[:at] + rng.choice(["", "x", last[at] * 2]) + last[at + 1 :]] = owner.pop(last)
            case 3 if isinstance(owner, list):
                owner.insert(last, rng.choice([copy.deepcopy(owner[last]), rng.choice(ODD)]))
            case 4 | 5 if isinstance(owner[last], int | float) and rng.random() < 0.7:
                owner[last] = type(owner[last])(owner[last] * rng.choice([0.5, 1.01, 2, 3]))
            case _:
                owner[last] = rng.choice(ODD)
    text = written(tree)
    if rng.random() < 0.1:
        text = garbled(text, rng)
    return text


def written(tree: Any) -> str:
    """Return a tree as JSON, which YAML is a superset of, or as YAML where that can say it."""
    stream = io.StringIO()
    try:
        YAML(typ="safe", pure=True).dump(tree, stream)
    except Exception:  # Half a surrogate pair.
        return json.dumps(tree, indent=1)
    return stream.getvalue()


def garbled(text: str, rng: random.Random) -> str:
    """Return text with a piece that is lost, doubled or another."""
    at = rng.randrange(len(text))
    end = min(len(text), at + rng.randrange(1, 12))
    tokens = ["", "\t", "\n", ":", "- ", "&a ", "*a", "!!int ", "!!python/name:os.system ", "!!binary ", "<<: ", "{",
              "]", "'", '"',
              "---\n", "%", "\0", "\x85", "#", "? ", "|\n", "!!set {a}", "\ufeff", "9" * 5000, "[" * 300]  # fmt: skip
    return text[:at] + rng.choice([*tokens, text[at:end] * 2]) + text[end:]


def array(rng: random.Random, rows: int, labels: bool) -> np.ndarray:
    """Return an array as somebody may have stored it, right or not."""
    made = np.random.default_rng(rng.randrange(2**32))
    if labels and rng.random() < 0.5:
        return made.integers(0, 3, rows)
    shape: Any = rng.choice(
        [(rows, 24)] * 6 + [(rows, 8, 3)] * 4 + [(rows,), (rows, 1), (rows, 3), (0, 24), (), (1,), (rows, 0)]
    )
    numbers = made.normal(size=shape)
    match rng.randrange(40):
        case 0 if numbers.size:
            numbers.flat[0] = rng.choice([np.nan, np.inf, -np.inf, 1e308])
        case 1:
            return numbers.astype(complex)
        case 2:
            return numbers.astype(str)
        case 3:
            return numbers > 0
        case 4:
            return numbers.astype(object)
        case 5:
            return (numbers * 1e3).astype("datetime64[s]")
        case 6:
            return numbers.astype(np.float16)
        case 7:
            return (numbers * 1e18).astype(np.int64)
        case 8:
            return np.abs(numbers * 10).astype(np.uint8)
        case 9:
            return np.zeros(shape, [("a", float), ("b", int)])
        case 10:
            return numbers.astype(">f8")
        case 11:
            return np.full(shape, 2**63, np.uint64)
        case 12:
            return np.asfortranarray(numbers)
    return numbers


def npz(rng: random.Random, file: Path) -> None:
    """Write an .npz file as somebody may bring it."""
    rows = rng.choice([1, 2, *[40] * 8])
    arrays = {rng.choice([*["X"] * 9, "x_train"]): array(rng, rows, False)}
    arrays[rng.choice([*["y"] * 9, "label"])] = array(rng, rng.choice([*[rows] * 9, rows + 1]), True)
    rng.choice([np.savez, np.savez_compressed])(file, **arrays)
    match rng.randrange(16):
        case 0:
            content = bytearray(file.read_bytes())
            for _ in range(rng.randrange(1, 9)):
                content[rng.randrange(len(content))] = rng.randrange(256)
            file.write_bytes(content)
        case 1:
            file.write_bytes(file.read_bytes()[: rng.randrange(file.stat().st_size)])
        case 2:
            with zipfile.ZipFile(
                file, "w", rng.choice([zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED])
            ) as archive:
                archive.writestr("X.npy", rng.choice([b"", b"\x93NUMPY\x01\x00", b"text", bytes(200)]))
                archive.writestr(rng.choice(["y.npy", "y.npy/", "y"]), b"")
        case 3:
            shape = (rng.choice([10**13, 10**18, -1]),)
            header = repr({"descr": "<f8", "fortran_order": False, "shape": shape})
            head = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("X.npy", head)
                archive.writestr("y.npy", head)


def table(rng: random.Random, file: Path) -> None:
    """Write a .csv file as somebody may bring it."""
    width = rng.choice([*[24] * 8, 2, 1])
    cells = ["0.5", "1", "-3", "1e3", "1_0", "0,5", '"0,5"', "", " ", "nan", "inf", "x", "16777217", "9" * 30, "٣",
             "0x10", "é", "\x1b[1m",
             "1.", "'", '"', "True", "2026-01-02", "x" * 200_000]  # fmt: skip
    odd = rng.choice([0.0, 0.0, 0.02, 0.3])
    names = [rng.choice(["id", "Id", "y", "a", ""]) if rng.random() < odd else f"f{at}" for at in range(width)]
    head = [*names, rng.choice(["y", "y", "Y", "target"])]
    lines = [",".join(head)]
    for _ in range(rng.choice([0, 1, *[40] * 8])):
        row = [rng.choice(cells) if rng.random() < odd else f"{rng.gauss(0, 1):.3f}" for _ in range(width)]
        lines.append(",".join([*row, rng.choice(["0", "1", "2", "2", "cat" if odd else "1"])]))
    text = rng.choice(["\n", "\n", "\r\n", "\r"]).join(lines)
    encoding = rng.choice(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "latin-1"])
    file.write_bytes(text.encode(encoding, errors="replace"))


class Failed(Exception):  # noqa: N818 - what a case does
    """A command does what none may."""


@contextmanager
def in_time() -> Iterator[None]:
    """Interrupt what hangs."""

    def late(*told: object) -> None:
        raise Failed(f"no end after {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def asked(*arguments: str) -> tuple[int, str]:
    """Return exit code and output of a command.

    Raises:
        Failed: when it ends otherwise than a command may.
    """
    with in_time():
        done = CliRunner().invoke(main, list(arguments))
    said = done.output
    if done.exit_code not in (0, 1, 2):
        raise Failed(f"{arguments[0]} ends with {done.exit_code}: {said[-400:]} {done.exception!r}")
    if "Traceback" in said or "a fault of parity's own" in said:
        raise Failed(f"{arguments[0]} blames itself: {said[-400:]}")
    if controlled(said.replace("\n", "")):
        raise Failed(f"{arguments[0]} writes {controlled(said)!r}")
    if done.exit_code == 2 and (not done.stderr.strip() or max(map(len, done.stderr.splitlines())) > 1200):
        raise Failed(f"{arguments[0]} says nothing that can be read: {done.stderr[:400]!r}")
    return done.exit_code, said


def tried(spec: Path) -> str:
    """Put a spec to the commands that train nothing, and return what came of it: ``refused`` or ``taken``.

    Raises:
        Failed: when one does what none may, or when two do not agree.
    """
    diff, _ = asked("diff", str(spec))
    lint, _ = asked("lint", str(spec), "--json")
    try:
        sides = list(load_spec(spec).sides) or [""]
    except ParityError:
        sides = [""]
    compiled = [asked("compile", str(spec), *(["--side", side] if side else []))[0] for side in sides]
    if diff == 2 and lint != 2 and len(sides) > 1:
        raise Failed("diff refuses what lint takes")
    if (2 in compiled) != (lint == 2):
        raise Failed(f"lint ends with {lint}, compile with {compiled}")
    return "refused" if lint == 2 else "taken"


def rows(folder: Path) -> None:
    """Write the data that the spec names."""
    rng = np.random.default_rng(0)
    np.savez(folder / "rows.npz", X=rng.normal(size=(40, 8, 3)), y=np.arange(40) % 3)


def spec_case(seed: int, folder: Path) -> str:
    """Try one mutated spec; raises as :func:`tried` does."""
    rows(folder)
    file = folder / "spec.yaml"
    file.write_bytes(mutated(random.Random(seed)).encode("utf-8", "surrogatepass"))
    return tried(file)


def file_case(seed: int, folder: Path) -> str:
    """Try one odd file of data; raises as :func:`tried` does."""
    rng = random.Random(seed)
    make: Callable[[random.Random, Path], None] = rng.choice([npz, npz, table])
    file = folder / f"odd.{'csv' if make is table else 'npz'}"
    make(rng, file)
    spec = copy.deepcopy(SPEC)
    more = rng.choice([{}, {}, {"one_hot": False}, {"standardize": True}])
    spec["data"] = {"source": file.name, **({"reshape": [8, 3]} if rng.random() < 0.8 else {}), **more}
    (folder / "spec.yaml").write_text(written(spec), encoding="utf-8")
    return tried(folder / "spec.yaml")


def counted(case: Callable[[int, Path], str], many: int, first: int) -> dict[str, Any]:
    """Try many cases and count what came of them."""
    counts: collections.Counter[str] = collections.Counter()
    failed: dict[int, str] = {}
    for seed in range(first, first + many):
        with tempfile.TemporaryDirectory() as folder:
            try:
                counts[case(seed, Path(folder))] += 1
            except Failed as error:
                failed[seed] = str(error)
    return {"cases": many, **counts, "failed": failed}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", type=int, default=1000)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="of the first case")
    given = parser.parse_args()
    result = {
        "specs": counted(spec_case, given.specs, given.seed),
        "files": counted(file_case, given.files, given.seed),
    }
    print(json.dumps(result, indent=1))
    sys.exit(any(one["failed"] for one in result.values()))
