"""The parts of a run, each on its own, without a framework: random numbers, exchange, store, records, workers.

The worker processes are real ones. Their program is a few lines of NumPy behind a driver that this file brings, so that
each can be made to die, hang, raise or print where a test wants it.
"""

from __future__ import annotations

import ast
import itertools
import json
import math
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import FRAMEWORKS
from helpers_numpy import ROWS, net_job, numpy_bench, numpy_workers
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from parity.code import Parameter
from parity.compare.free import Series, judge_free
from parity.compile import compile_side
from parity.court.freeruns import Trace, gaps
from parity.court.work import Work
from parity.errors import WorkerError
from parity.initializers.fan_in_uniform import FanInUniform
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.prepare.options import Options
from parity.reference import Reference
from parity.run import forks, randomness, session
from parity.run.digest import apart, digest, minus
from parity.run.environment import driven_gpus
from parity.run.exchange import Exchange
from parity.run.freerun import free_run
from parity.run.initial import InitialWeights, initial_value
from parity.run.jobs import Bench, Job
from parity.run.local_imports import beside
from parity.run.session import Session, find_interpreter, memory_folder
from parity.run.store import Store, run_key
from parity.run.trace import read_trace
from parity.run.trajectory import Measured, Trajectory
from parity.spec.load import parse_spec
from parity.spec.resolve import Resolved, changed, resolve

NAN, INF = math.nan, math.inf

# --------------------------------------------------------------------------------------------- randomness

# Written down once, and never to be changed: whoever changes a draw changes every run that was ever stored or printed.
GOLDEN_RAW = {
    (0, 1, 0, 0): [15003734204198539638, 13859618513508960101, 12389738016430293093, 8912064414512752064],
    (7, 3, 2**64 - 1, 2**63 + 1): [16859064803701761329, 13950771616374946981],
    (2**63 - 1, 2, 5, 0): [4841223142621561869, 12056483647408634091],
}
GOLDEN_UNIFORM = [0.9111758700885741, 0.27227790394519497, 0.544751747950825, 0.2683482539780582]
GOLDEN_ORDERS = {
    (0, 0): [6, 7, 2, 9, 1, 3, 5, 0, 4, 8],
    (0, 1): [2, 7, 5, 4, 0, 8, 1, 9, 3, 6],
    (3, 0): [8, 2, 4, 1, 3, 6, 5, 0, 7, 9],
}
GOLDEN_MASKS = {
    (0, 0): "1111000011011000",
    (1, 0): "1110110110001011",
    (0, 1): "1101011101011110",
}
GOLDEN_NUDGE = [1, 1, 1, -1, -1, 1]


def bits(mask: np.ndarray) -> str:
    return "".join(str(int(bit)) for bit in mask.reshape(-1))


def test_the_numbers_are_what_they_always_were() -> None:
    for words, numbers in GOLDEN_RAW.items():
        assert randomness.raw(*words, len(numbers)).tolist() == numbers
    assert randomness.uniform(0, "dense.kernel", (2, 2)).ravel().tolist() == GOLDEN_UNIFORM
    for (seed, epoch), order in GOLDEN_ORDERS.items():
        assert randomness.row_order(seed, epoch, 10, shuffle=True).tolist() == order
    for (step, call), mask in GOLDEN_MASKS.items():
        assert bits(randomness.keep_mask(0, step, call, (2, 8), 0.4)) == mask
    moved = randomness.nudged(np.ones(6), 0, "dense.kernel", 0)
    assert np.sign(moved - 1).tolist() == GOLDEN_NUDGE


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Return a block of Philox 4x64-10 (Salmon et al. 2011), written out: the witness beside NumPy's."""
    word = 2**64
    x, (k0, k1) = list(counter), key
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * x[0], word)
        high1, low1 = divmod(0xCA5A826395121157 * x[2], word)
        x = [high1 ^ x[1] ^ k0, low1, high0 ^ x[3] ^ k1, low0]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) % word, (k1 + 0xBB67AE8584CAA73B) % word
    return x


def test_the_witness_gives_the_published_answers() -> None:
    # The known answers that come with the authors' own implementation, Random123.
    assert philox([0] * 4, [0] * 2) == [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    ones = 2**64 - 1
    assert philox([ones] * 4, [ones] * 2)[0] == 0x87B092C3013FE90B


WORDS = st.integers(0, 2**64 - 1)


@given(st.integers(0, 2**63 - 1), st.sampled_from([1, 2, 3, 4, 5]), WORDS, WORDS)
def test_every_word_of_key_and_counter_reaches_the_generator_unrounded(
    seed: int, purpose: int, high: int, low: int
) -> None:
    numbers = randomness.raw(seed, purpose, high, low, 6).tolist()
    blocks = [philox([block, 0, low, high], [seed, purpose]) for block in (1, 2)]  # NumPy counts before it draws.
    assert numbers == [*blocks[0], *blocks[1][:2]]


def test_a_longer_draw_begins_with_the_shorter_one() -> None:
    assert randomness.raw(1, 2, 3, 4, 9)[:5].tolist() == randomness.raw(1, 2, 3, 4, 5).tolist()


def test_numbers_for_weights_are_uniform_and_never_at_an_end() -> None:
    numbers = randomness.uniform(3, "dense.kernel", (200, 100))
    assert numbers.dtype == np.float64
    assert 0.0 < numbers.min() < 1e-3
    assert 1 - 1e-3 < numbers.max() < 1.0
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 0.01
    # The ends of what 53 bits and a half can give.
    assert 0.0 < (0 + 0.5) * 2.0**-53
    assert (2**53 - 1 + 0.5) * 2.0**-53 <= 1.0


@pytest.mark.parametrize(
    "other",
    [
        lambda: randomness.uniform(4, "dense.kernel", (5000,)),
        lambda: randomness.uniform(3, "dense.bias", (5000,)),
        lambda: randomness.uniform(3, "dense_1.kernel", (5000,)),
    ],
)
def test_weights_of_another_seed_or_name_are_other_numbers(other: Callable[[], np.ndarray]) -> None:
    numbers = randomness.uniform(3, "dense.kernel", (5000,))
    assert abs(np.corrcoef(numbers, other())[0, 1]) < 0.05
    assert not np.intersect1d(numbers, other()).size


def test_weights_of_one_name_begin_alike_whatever_their_shape() -> None:
    assert np.array_equal(randomness.uniform(0, "a", (6,)), randomness.uniform(0, "a", (2, 3)).ravel())


@given(st.integers(0, 2**63 - 1), st.integers(0, 9), st.integers(1, 50))
def test_an_epoch_reads_every_row_once(seed: int, epoch: int, rows: int) -> None:
    assert sorted(randomness.row_order(seed, epoch, rows, shuffle=True)) == list(range(rows))
    assert randomness.row_order(seed, epoch, rows, shuffle=False).tolist() == list(range(rows))


def test_every_row_comes_as_often_at_every_place() -> None:
    orders = np.array([randomness.row_order(0, epoch, 8, shuffle=True) for epoch in range(4000)])
    counts = np.array([[(orders[:, place] == row).sum() for row in range(8)] for place in range(8)])
    assert stats.chisquare(counts.ravel()).pvalue > 0.01


@given(st.integers(1, 30), st.integers(1, 12), st.booleans(), st.booleans())
def test_batches_go_through_the_rows_epoch_after_epoch(rows: int, size: int, shuffle: bool, drop: bool) -> None:
    per_epoch = randomness.steps_per_epoch(rows, size, drop)
    if per_epoch == 0:
        with pytest.raises(ValueError, match=f"{rows} rows fill no batch of {size}, and drop_remainder leaves out"):
            next(randomness.batches(5, rows, size, shuffle, drop))
        return
    found = list(islice(randomness.batches(5, rows, size, shuffle, drop), 2 * per_epoch))
    for epoch in range(2):
        read = np.concatenate(found[epoch * per_epoch : (epoch + 1) * per_epoch])
        order = randomness.row_order(5, epoch, rows, shuffle)
        assert read.tolist() == order[: len(read)].tolist()
        assert len(read) == (rows - rows % size if drop else rows)
    assert {len(one) for one in found} <= {size, rows % size}
    for first in (1, per_epoch, per_epoch + 1):
        later = islice(randomness.batches(5, rows, size, shuffle, drop, first), 2 * per_epoch - first)
        assert [one.tolist() for one in later] == [one.tolist() for one in found[first:]]


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.5, 0.999])
def test_a_mask_keeps_its_share(rate: float) -> None:
    kept = int(randomness.keep_mask(0, 0, 0, (400, 500), rate).sum())
    assert stats.binomtest(kept, 200_000, 1 - rate).pvalue > 0.01


def test_a_mask_of_rate_0_keeps_all_and_the_largest_rate_is_no_error() -> None:
    assert randomness.keep_mask(0, 0, 0, (100,), 0.0).all()
    assert not randomness.keep_mask(0, 0, 0, (100,), float(np.nextafter(1, 0))).any()


def test_a_larger_rate_drops_what_a_smaller_one_drops_and_more() -> None:
    small, large = (randomness.keep_mask(0, 3, 1, (1000,), rate) for rate in (0.4, 0.6))
    assert not (large & ~small).any()
    assert large.sum() < small.sum()


def test_noise_is_normal_and_every_call_has_its_own() -> None:
    places = [(0, 0), (0, 1), (1, 0)]
    found = [randomness.normal(5, *place, (100, 81)) for place in places]
    for numbers in found:
        assert numbers.shape == (100, 81)
        assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.01
    assert np.abs(np.corrcoef([one.ravel() for one in found]) - np.eye(3)).max() < 0.05
    half = randomness.normal(5, 0, 0, (8100,))
    assert abs(np.corrcoef(half[:4050], half[4050:])[0, 1]) < 0.05, "sine and cosine of one pair"
    assert np.array_equal(half, found[0].ravel())
    assert randomness.normal(5, 0, 0, (3,)).shape == (3,)


def test_masks_of_other_steps_and_calls_have_nothing_to_do_with_each_other() -> None:
    places = list(itertools.product(range(3), range(3)))
    masks = {place: randomness.keep_mask(0, *place, (20_000,), 0.5) for place in places}
    for one, two in itertools.combinations(places, 2):
        assert abs(np.corrcoef(masks[one], masks[two])[0, 1]) < 0.03, (one, two)
    again = randomness.keep_mask(0, 2, 1, (20_000,), 0.5)
    assert np.array_equal(again, masks[2, 1]), "a mask does not depend on what was drawn before"


FINITE = {
    kind: hnp.arrays(
        kind, hnp.array_shapes(min_dims=0, max_dims=3, max_side=9), elements=st.floats(-(2**99), 2**99, width=width)
    )
    for kind, width in ((np.float32, 32), (np.float64, 64))
}  # fmt: skip


@given(st.one_of(*FINITE.values()), st.integers(0, 2**63 - 1), st.integers(0, 100))
def test_a_nudge_moves_every_element_by_exactly_one_unit(values: np.ndarray, seed: int, step: int) -> None:
    moved = np.asarray(randomness.nudged(values, seed, "dense.kernel", step))
    assert (moved.dtype, moved.shape) == (values.dtype, values.shape)
    up, down = (np.nextafter(values, np.array(end, values.dtype)) for end in (INF, -INF))
    assert ((moved == up) | (moved == down)).all()
    assert np.array_equal(moved, randomness.nudged(values, seed, "dense.kernel", step))


def test_nudges_go_both_ways_and_differ_by_name_and_step() -> None:
    values = np.ones(6400)
    one = randomness.nudged(values, 0, "a", 0) > 1
    assert stats.binomtest(int(one.sum()), 6400, 0.5).pvalue > 0.01
    for other in (("b", 0), ("a", 1)):
        assert abs(np.corrcoef(one, randomness.nudged(values, 0, *other) > 1)[0, 1]) < 0.05


def test_a_nudge_of_bfloat16_is_one_unit_of_its_own() -> None:
    values = np.array([1.0, -1.5, 0.0, 2.0**20, 3e-30], np.float32)
    values = (values.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    moved = randomness.nudged(values, 0, "a", 0, True)
    assert moved.dtype == np.float32
    assert not (moved.view(np.uint32) & np.uint32(0xFFFF)).any(), "they are bfloat16 again"
    steps = (moved.view(np.int32) >> 16) - (values.view(np.int32) >> 16)
    assert np.abs(steps).tolist() == [1, 1, 0, 1, 1], "0 has no last place"


# ----------------------------------------------------------------------------------------------- programs

SPEC = """\
name: small
data: {source: leaf_like}
model:
  input: [3]
  layers:
    - dropout: 0.25
    - dense: {units: 2, kernel_initializer: fan_in_uniform}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.05}}
training: {batch_size: 4, seed: 9}
metrics: [accuracy]
"""


def small_side(framework: str = "keras", name: str = "", **changes: Any) -> Resolved:
    (side,) = resolve(parse_spec(SPEC), (framework,))
    return replace(changed(side, changes, "a test"), name=name or framework)


def exported(framework: str, **changes: Any) -> dict[str, Any]:
    """Return the drawing functions and settings of an exported program, without importing its framework."""
    program = compile_side(small_side(framework, **changes), name="small", classes=2, formatted=False)
    tree = ast.parse(program.source)
    drawn = {"recorded_batches", "keep_mask"}
    tree.body = [
        node
        for node in tree.body
        if (isinstance(node, ast.FunctionDef) and node.name in drawn)
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper())
    ]
    names: dict[str, Any] = {"np": np, "math": math, "itertools": itertools}
    exec(compile(tree, "program.py", "exec"), names)
    assert drawn <= set(names)
    return names


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("seed", [0, 9, 2**63 - 1])
def test_exported_programs_draw_the_same_numbers(framework: str, seed: int) -> None:
    program = exported(framework, **{"training.seed": seed})
    rows, size = np.arange(50), program["BATCH_SIZE"]
    batches = program["recorded_batches"](rows, rows)
    for epoch in range(3):
        order = np.concatenate([x for x, _ in islice(batches, -(-50 // size))])
        assert np.array_equal(order, randomness.row_order(seed, epoch, 50, shuffle=True))
    for step, call in ((0, 0), (1, 0), (70, 0)):
        mask = program["keep_mask"](step, call, (4, 3), 0.25)
        assert np.array_equal(mask, randomness.keep_mask(seed, step, call, (4, 3), 0.25))


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop", [True, False])
def test_exported_programs_read_the_same_batches(framework: str, shuffle: bool, drop: bool) -> None:
    program = exported(framework, **{"training.shuffle": shuffle, "training.drop_remainder": drop})
    rows = np.arange(10)
    theirs = [x.tolist() for x, _ in islice(program["recorded_batches"](rows, rows), 7)]
    assert theirs == [one.tolist() for one in islice(randomness.batches(9, 10, 4, shuffle, drop), 7)]


# ----------------------------------------------------------------------------------------------- exchange


ARRAYS = st.one_of(
    *(
        hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
        for kind in (np.float64, np.float32, np.int64, np.bool_)
    )
)


@given(value=ARRAYS, then=ARRAYS)
def test_what_is_put_is_what_is_got(
    tmp_path_factory: pytest.TempPathFactory, value: np.ndarray, then: np.ndarray
) -> None:
    folder = tmp_path_factory.mktemp("exchange")
    exchange = Exchange(folder)
    for one in (value, then, value):
        exchange.put("a", one)
        for reader in (exchange, Exchange(folder)):
            got = reader.get("a")
            assert (got.dtype, got.shape) == (one.dtype, one.shape)
            assert got.tobytes() == one.tobytes()
    shutil.rmtree(folder)


def test_a_file_is_kept_while_shape_and_type_stay_and_later_writes_show_through(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    exchange.put("a", np.zeros(3))
    (file,) = tmp_path.iterdir()
    inode, seen = file.stat().st_ino, exchange.get("a")
    exchange.put("a", np.arange(3.0))
    assert file.stat().st_ino == inode
    assert seen.tolist() == [0, 1, 2]


@pytest.mark.parametrize("then", [np.ones(3, np.float32), np.ones((3, 1)), np.ones(2), np.ones(5)])
def test_another_shape_or_type_is_another_file(tmp_path: Path, then: np.ndarray) -> None:
    exchange = Exchange(tmp_path)
    exchange.put("a", np.arange(3.0))
    exchange.put("a", then)
    assert np.array_equal(exchange.get("a"), then)
    assert exchange.get("a").dtype == then.dtype
    assert len(list(tmp_path.iterdir())) == 1


def test_who_reads_a_file_that_another_shape_takes_the_place_of_keeps_it(tmp_path: Path) -> None:
    # In a process of its own: had the file been cut short under its reader, the reader would be killed.
    code = f"""
import numpy as np
from parity.run.exchange import Exchange
exchange = Exchange({str(tmp_path)!r})
exchange.put("a", np.arange(400_000.0))
seen = exchange.get("a")
exchange.put("a", np.ones(2))
print(int(seen[-1]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=forks.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "399999\n"), done.stderr


def test_arrays_may_lie_in_any_order_and_come_as_numbers(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    value = np.arange(6.0).reshape(2, 3)
    exchange.put("turned", value.T)
    assert np.array_equal(exchange.get("turned"), value.T)
    exchange.put("number", 3.5)  # type: ignore[arg-type]
    assert float(exchange.get("number")) == 3.5


def test_names_that_a_file_system_confuses_are_kept_apart(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path)
    long = "x" * 200
    names = ["a/B", "a/b", "A/B", "a_b", "a.b", "a b", "a:b", "ä", "a/../b", "", long, f"{long}y"]
    for number, name in enumerate(names):
        exchange.put(name, np.array(number))
    assert [int(exchange.get(name)) for name in names] == list(range(len(names)))
    files = [file.name for file in tmp_path.iterdir()]
    assert len({file.casefold() for file in files}) == len(names)
    assert all(len(file) < 110 and file.isascii() for file in files)


def test_an_exchange_knows_what_it_has(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path / "deep" / "folder")
    assert not exchange.has("a")
    with pytest.raises(FileNotFoundError):
        exchange.get("a")
    exchange.put("a", np.ones(1))
    assert exchange.has("a")
    assert not exchange.has("A")


# ------------------------------------------------------------------------------------- records and store


NAMES = st.text(min_size=1, max_size=8)
RECORDS = st.builds(
    Trajectory,
    key=st.just("0123abc"), side=NAMES, framework=st.sampled_from(FRAMEWORKS), version=NAMES, interpreter=NAMES,
    precision=st.sampled_from(["float32", "float64"]), device=NAMES, parameters=st.integers(0, 2**70),
    losses=st.lists(st.floats(), max_size=5).map(tuple),
    measured=st.lists(
        st.builds(
            Measured, step=st.integers(0, 99), epoch=st.integers(0, 9),
            metrics=st.dictionaries(NAMES | st.just("float"), st.floats(), max_size=3),
        ),
        max_size=3,
    ).map(tuple),
    seconds=st.floats(0, 1e9),
)  # fmt: skip


def shown(run: Trajectory) -> str:
    """Return a record as text in which NaN is NaN."""
    return repr(replace(run, cached=False))


@given(RECORDS)
def test_a_record_survives_json_bit_for_bit(run: Trajectory) -> None:
    text = run.to_json()
    back = Trajectory.from_json(text)
    assert shown(back) == shown(run)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert Trajectory.from_json(text, cached=True).cached
    assert replace(back, cached=True) == back or any(math.isnan(loss) for loss in run.losses) or "nan" in shown(run)


def record(**fields: Any) -> Trajectory:
    told: dict[str, Any] = {
        "key": "abc", "side": "keras", "framework": "keras", "version": "3", "interpreter": "python", "device": "cpu",
        "precision": "float32", "parameters": 8, "losses": (0.5, NAN, INF, -INF, 1e-320), "seconds": 1.5,
        "measured": (Measured(step=5, epoch=1, metrics={"accuracy": NAN}),),
    }  # fmt: skip
    return Trajectory(**{**told, **fields})


def test_the_last_measure_is_the_final_one() -> None:
    last = Measured(step=9, epoch=2, metrics={"accuracy": 0.75})
    assert record(measured=(*record().measured, last)).final == {"accuracy": 0.75}
    assert record(measured=()).final == {}


def test_a_run_is_kept_and_comes_back_as_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    assert store.get("abc") is None
    store.put(record())
    kept = store.get("abc")
    assert kept is not None
    assert shown(kept) == shown(record())
    assert (kept.cached, record().cached) == (True, False)
    assert [file.name for file in (tmp_path / "runs").iterdir()] == ["abc.json"]
    store.put(record(side="other"))
    again = store.get("abc")
    assert again is not None
    assert again.side == "other"


def test_a_file_cut_short_anywhere_counts_as_no_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(record())
    file = tmp_path / "abc.json"
    text = file.read_text()
    for end in range(len(text)):
        file.write_text(text[:end])
        assert store.get("abc") is None, text[:end]
    file.write_text(text)
    assert store.get("abc") is not None


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\xff\xfe", b"null", b"3", b"[]", b"{}", b'"abc"', b'{"key": "abc"}', b"[[[", b"NaN"],
)
def test_a_file_of_anything_else_counts_as_no_run(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "abc.json").write_bytes(content)
    assert Store(tmp_path).get("abc") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"key": "abc"', '"key": "abd"'),
        ('"seconds"', '"minutes"'),
        ('"losses": [', '"losses": [[],'),
        ('"step": 5', '"steps": 5'),
        ('"cached": false', '"cached": false, "more": 1'),
    ],
)
def test_a_run_whose_content_was_changed_counts_as_none(tmp_path: Path, old: str, new: str) -> None:
    store = Store(tmp_path)
    store.put(record())
    text = (tmp_path / "abc.json").read_text()
    assert old in text
    (tmp_path / "abc.json").write_text(text.replace(old, new))
    assert store.get("abc") is None


def test_a_run_is_in_the_store_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    store.put(record())

    def stop(*paths: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        store.put(record(side="half"))
    kept = store.get("abc")
    assert kept is not None
    assert kept.side == "keras"
    assert [file.name for file in tmp_path.iterdir()] == ["abc.json"]


def test_the_key_is_a_hash_of_everything_it_is_given() -> None:
    key = run_key(steps=3, versions={"a": "1", "b": "2"}, side=Path("x"))
    assert key == run_key(side=Path("x"), versions={"b": "2", "a": "1"}, steps=3), "in any order"
    assert len(key) == 20
    others = [run_key(steps=4, versions={"a": "1", "b": "2"}, side=Path("x")),
              run_key(steps=3, versions={"a": "1", "b": "3"}, side=Path("x")),
              run_key(steps=3, versions={"a": "1", "b": "2"}, side=Path("y")),
              run_key(steps=3, versions={"a": "1", "b": "2"}, side=Path("x"), more=None)]  # fmt: skip
    assert len({key, *others}) == 5


# ----------------------------------------------------------------------------------------- initial values


def parameter(**fields: Any) -> Parameter:
    told: dict[str, Any] = {"shape": (3, 2), "initializer": GlorotUniform(), "fan_in": 3, "fan_out": 2, "feeds": 3}
    return Parameter(**{**told, **fields})


def test_two_initializers_of_one_parameter_are_given_the_same_numbers() -> None:
    drawn = randomness.uniform(4, "a.kernel", (3, 2))
    glorot, fan_in = (
        initial_value(4, "a.kernel", parameter(initializer=one)) for one in (GlorotUniform(), FanInUniform())
    )
    assert np.array_equal(glorot, math.sqrt(6 / 5) * (2 * drawn - 1))
    assert np.array_equal(fan_in, (2 * drawn - 1) / math.sqrt(3))
    assert np.array_equal(initial_value(4, "a.bias", parameter(shape=(2,), initializer=Zeros())), np.zeros(2))


def test_sides_that_start_alike_share_their_files(tmp_path: Path) -> None:
    initial = InitialWeights(tmp_path / "weights")
    keras, torch = (initial.files(small_side(name), "float32") for name in ("keras", "torch"))
    assert keras == torch
    assert set(keras) == {"dense.kernel", "dense.bias"}
    kernel = np.load(keras["dense.kernel"])
    assert (kernel.dtype, kernel.shape) == (np.float32, (3, 2))
    drawn = initial_value(9, "dense.kernel", small_side().parameters()["dense.kernel"])
    assert np.array_equal(kernel, drawn.astype(np.float32)), "drawn in float64, rounded once"
    assert len(list((tmp_path / "weights").iterdir())) == 2


@pytest.mark.parametrize(
    "changes",
    [{"training.seed": 10}, {"layers.dense.kernel_initializer": "glorot_uniform"}, {"layers.dense.units": 3}],
)
def test_sides_that_start_otherwise_do_not_share_files(tmp_path: Path, changes: dict[str, Any]) -> None:
    initial = InitialWeights(tmp_path)
    first = initial.files(small_side(), "float32")["dense.kernel"]
    assert initial.files(small_side(**changes), "float32")["dense.kernel"] != first
    assert initial.files(small_side(), "float64")["dense.kernel"] != first


def test_a_bias_scaled_by_what_feeds_its_layer_is_not_shared_with_one_of_another_window(tmp_path: Path) -> None:
    text = SPEC.replace("[3]", "[8, 3]").replace(
        "- dropout: 0.25\n", "- conv1d: {filters: 2, kernel_size: 1, bias_initializer: fan_in_uniform}\n    - flatten\n"
    )
    (side,) = resolve(parse_spec(text), ("keras",))
    wide = changed(side, {"layers.conv1d.kernel_size": 4}, "a test")
    initial = InitialWeights(tmp_path)
    narrow_bias, wide_bias = (np.load(initial.files(one, "float64")["conv1d.bias"]) for one in (side, wide))
    assert wide_bias == pytest.approx(narrow_bias / 2)


def test_a_twin_starts_from_weights_one_unit_apart_and_another_twin_from_others(tmp_path: Path) -> None:
    initial = InitialWeights(tmp_path)
    for precision, unit in (("float32", 2.0**-23), ("float64", 2.0**-52)):
        own, twin, other = (initial.files(small_side(), precision, nudge) for nudge in (None, 3, 4))
        assert not set(own.values()) & set(twin.values()) | set(twin.values()) & set(other.values())
        kernels = [np.load(files["dense.kernel"]) for files in (own, twin, other)]
        for one in kernels[1:]:
            assert one.dtype == kernels[0].dtype
            assert (one != kernels[0]).all()
            assert np.abs(one / kernels[0] - 1).max() <= unit
        assert (kernels[1] != kernels[2]).any()
        assert initial.files(small_side(), precision, 3) == twin, "and each twin always from the same"


def test_running_statistics_of_a_twin_are_not_moved(tmp_path: Path) -> None:
    """They begin with a mean of 0 and a variance of 1 on every side: no initializer draws them."""
    text = SPEC.replace("- dropout: 0.25\n", "- batch_norm\n")
    (side,) = resolve(parse_spec(text), ("keras",))
    statistics = [name for name, parameter in side.parameters().items() if not parameter.trainable]
    assert len(statistics) == 2
    own, twin = (InitialWeights(tmp_path).files(side, "float32", nudge) for nudge in (None, 3))
    for name in own:
        assert (np.load(own[name]) == np.load(twin[name])).all() == (name in statistics), name


# ------------------------------------------------------------------------------------------------ workers


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder that takes the place of the machine's folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def boot(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let workers run other code than their own."""
    monkeypatch.setattr(session, "BOOT", textwrap.dedent(code))


def is_running(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_worker_tells_versions_and_ends_with_its_session(temporary: Path) -> None:
    with Session("keras") as worker:
        found = worker.ask("versions", packages=["numpy", "no-such-package"])
        assert is_running(worker.pid)
    assert found == {
        "python": ".".join(map(str, sys.version_info[:3])),
        "executable": sys.executable,
        "numpy": np.__version__,
        "no-such-package": "",
        "gpus": driven_gpus(),
    }
    assert not is_running(worker.pid)
    assert list(temporary.iterdir()) == []


DEATHS = [
    ("os._exit(3)", "its process ended with exit code 3"),
    ("os._exit(0)", "its process ended with exit code 0"),
    ("os.kill(os.getpid(), 9)", "its process was killed by SIGKILL, as a machine out of memory does"),
    ("os.kill(os.getpid(), 11)", "its process was killed by SIGSEGV"),
    ("raise ZeroDivisionError('by hand')", "ZeroDivisionError: by hand"),
    ("sys.exit('enough')", "SystemExit: enough"),
    ("time.sleep(60)", "no word for 0.4 seconds; it was ended"),
    ("signal.signal(15, signal.SIG_IGN); stubborn()", "no word for 0.4 seconds; it was ended"),
]


@pytest.mark.parametrize(("end", "says"), DEATHS)
def test_a_worker_that_ends_or_hangs_is_one_error_that_names_the_side(
    end: str, says: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot(
        monkeypatch,
        f"""
        import os, signal, sys, time

        def stubborn():
            while True:
                try:
                    time.sleep(60)
                except BaseException:
                    pass

        for command, payload in channel:
            channel.send(("event", {{"heard": command}}))
            {end}
        """,
    )
    heard: list[dict[str, Any]] = []
    worker = Session("tensorflow", timeout=60.0)

    def listen(event: dict[str, Any]) -> None:
        heard.append(event)
        worker.timeout = 0.4  # From here on: a busy machine may need longer to start.

    with pytest.raises(WorkerError) as caught:
        worker.ask("train", listen)
    assert str(caught.value) == f"side tensorflow: {says}"
    assert (caught.value.side, caught.value.exit_code) == ("tensorflow", 3)
    assert heard == [{"heard": "train"}]
    assert not is_running(worker.pid)
    # It stays an error, and closing again is none.
    with pytest.raises(WorkerError, match=r"^side tensorflow: its process "):
        worker.ask("train")
    worker.close()
    assert list(temporary.iterdir()) == []


def test_an_error_in_the_block_ends_the_worker_too() -> None:
    with pytest.raises(RuntimeError, match="mine"), Session("keras") as worker:
        raise RuntimeError("mine")
    assert not is_running(worker.pid)


@pytest.mark.parametrize(
    ("python", "says"),
    [
        ("/no/such/python", "no Python interpreter at /no/such/python; set `python:` of the side to one"),
        ("no-such-python", "no Python interpreter at no-such-python; set `python:` of the side to one"),
        ("/", "no Python interpreter at /; set `python:` of the side to one"),
    ],
)
def test_a_path_without_an_interpreter_is_one_clear_error(python: str, says: str, temporary: Path) -> None:
    with pytest.raises(WorkerError) as caught:
        Session("torch", python)
    assert str(caught.value) == f"side torch: {says}"
    assert list(temporary.iterdir()) == []


def test_a_program_that_is_no_interpreter_is_one_clear_error(
    temporary: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    true = shutil.which("true")
    assert true is not None
    with pytest.raises(WorkerError, match=f"^side torch: {true} does not answer as a Python interpreter does"):
        Session("torch", true)
    assert list(temporary.iterdir()) == []


def test_an_interpreter_may_be_named_and_its_path_may_have_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "my // environment's"
    folder.mkdir(parents=True)
    (folder / "py thon").symlink_to(sys.executable)
    with Session("torch", f"{folder}//py thon") as worker:
        assert worker.ask("versions", packages=["numpy"])["executable"] == str(folder / "py thon")
    assert find_interpreter("sh") == shutil.which("sh")
    assert find_interpreter(str(folder)) is None


def test_what_a_killed_process_left_in_memory_is_removed_and_what_a_living_one_has_is_not() -> None:
    code = (
        "import time; from parity.run.session import memory_folder; print(memory_folder(), flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    theirs = Path(process.stdout.readline().strip())
    mine = [memory_folder()]
    try:
        assert theirs.exists(), "its process lives"
        process.kill()
        process.wait()
        mine.append(memory_folder())
        assert not theirs.exists()
        assert mine[0].exists()
    finally:
        process.kill()
        for folder in mine:
            shutil.rmtree(folder)


def test_little_shared_memory_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Containers have 64 MB of it, and what does not fit there ends a process by SIGBUS."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=64 << 20))
    assert memory_folder().parent == tmp_path


def test_a_memory_folder_is_new_and_private() -> None:
    one, two = memory_folder(), memory_folder()
    try:
        assert one != two
        assert stat.S_IMODE(one.stat().st_mode) == 0o700
        assert list(one.iterdir()) == []
    finally:
        shutil.rmtree(one)
        shutil.rmtree(two)


# ------------------------------------------------------- real workers behind a driver of a few lines of NumPy


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """What runs share, with workers that know no framework but the one in ``helpers_numpy_driver``."""
    numpy_workers(monkeypatch)
    with numpy_bench(tmp_path) as made:
        yield made


job = net_job


def run_it(bench: Bench, one: Job, patience: float = 60.0) -> Trajectory:
    """Make a run; once its first step is taken, wait no longer than ``patience`` for the next."""
    with Session(one.side.name, log=bench.logs / f"{one.side.name}.log", timeout=60.0) as worker:
        return free_run(worker, bench, one, lambda done, total, loss: setattr(worker, "timeout", patience))


def by_hand(bench: Bench, one: Job) -> tuple[list[float], dict[int, float]]:
    """Return losses and accuracies of a job, as the NumPy reference of its config has them."""
    weights = {name: np.load(file) for name, file in bench.initial.files(one.side, one.precision).items()}
    reference, x, y = Reference(one.side, weights), bench.dataset.x, bench.dataset.y
    losses, accuracies = [], {}
    for number, rows in enumerate(islice(randomness.batches(9, ROWS, 4, True, False), one.steps)):
        losses.append(reference.step(x[rows], y[rows], number).loss)
        accuracies[number + 1] = float((reference.predict(x).argmax(axis=1) == y.argmax(axis=1)).mean())
    return losses, accuracies


def test_a_free_run_records_losses_and_the_metrics_of_every_epoch(bench: Bench) -> None:
    one = job(steps=7)  # Three batches an epoch: two epochs and a step.
    told: list[tuple[int, int, float]] = []
    with Session("keras", log=bench.logs / "keras.log") as worker:
        run = free_run(worker, bench, one, lambda *progress: told.append(progress))
    losses, accuracies = by_hand(bench, one)
    assert run.losses == pytest.approx(losses, rel=1e-5)
    assert [(point.step, point.epoch) for point in run.measured] == [(3, 1), (6, 2), (7, 3)]
    assert [point.metrics["accuracy"] for point in run.measured] == [accuracies[step] for step in (3, 6, 7)]
    assert (run.side, run.framework, run.precision, run.device, run.parameters) == (
        "keras",
        "keras",
        "float32",
        "abacus",
        26,
    )
    assert run.interpreter == sys.executable
    assert not run.cached
    assert told[-1] == (7, 7, run.losses[-1])
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


def test_a_run_is_not_made_twice_whoever_asks(bench: Bench) -> None:
    first = run_it(bench, job())
    again = run_it(bench, replace_name(job(), "twin"))
    assert again == replace(first, side="twin"), "the same program under another name"
    assert again.cached
    assert len(list(bench.store.folder.iterdir())) == 1


def replace_name(one: Job, name: str) -> Job:
    return replace(one, side=replace(one.side, name=name))


@pytest.mark.parametrize(
    "other",
    [
        lambda: job(steps=6),
        lambda: job("RATE = 0.2\n"),
        lambda: job(**{"training.seed": 3}),
        lambda: replace(job(), precision="float64"),
        lambda: replace(job(), threads=1),
    ],
)
def test_whatever_decides_a_run_makes_it_another_run(bench: Bench, other: Callable[[], Job]) -> None:
    versions = {"keras": "3", "tensorflow": "2", "numpy": "2"}
    assert bench.key(other(), versions) != bench.key(job(), versions)
    assert bench.key(job(), versions | {"numpy": "3"}) != bench.key(job(), versions)
    assert bench.key(job(), versions | {"executable": "/elsewhere"}) == bench.key(job(), versions)


def test_what_a_program_written_by_hand_imports_and_binds_decides_its_runs(bench: Bench, tmp_path: Path) -> None:
    versions = {"keras": "3", "tensorflow": "2", "numpy": "2"}
    one = job()
    file = tmp_path / "port.py"
    file.write_text("import numpy\nfrom parts import rate\n")
    (tmp_path / "parts.py").write_text("import inner.deep\nrate = 0.1\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.py").write_text("")
    (tmp_path / "other.py").write_text("")
    assert set(beside(file)) == {"parts.py", "inner/deep.py"}

    def key() -> str:
        return bench.key(replace(one, program=replace(one.program, path=str(file))), versions)

    keys = [key()]
    (tmp_path / "other.py").write_text("unused = 1\n")
    assert key() == keys[0], "it is not imported"
    (tmp_path / "inner" / "deep.py").write_text("rate = 0.2\n")
    keys.append(key())
    (tmp_path / "parts.py").write_text("rate = 0.2\n")
    keys.append(key())
    one = replace(one, program=replace(one.program, bindings=replace(one.program.bindings, names={"loss": "mine"})))
    keys.append(key())
    assert len(set(keys)) == len(keys)
    file.write_text("def (\n")
    assert beside(file) == {}


FAILURES = [
    ("os._exit(3)", "its process ended with exit code 3"),
    ("os.kill(os.getpid(), 9)", "its process was killed by SIGKILL, as a machine out of memory does"),
    ("time.sleep(60)", "no word for 0.5 seconds; it was ended"),
    ("raise ValueError('no such batch')", "ValueError: no such batch"),
    ("raise SystemExit('enough')", "SystemExit: enough"),
]


@pytest.mark.parametrize(("failure", "says"), FAILURES)
def test_a_program_that_fails_in_a_step_names_its_side_and_its_last_words(
    bench: Bench, failure: str, says: str
) -> None:
    source = f"""\
import os, sys, time
RATE = 0.1
def before(number):
    if number == 2:
        print("step two begins")
        print("and goes wrong", file=sys.stderr)
        os.write(1, b"from below Python\\n")
        {failure}
"""
    with pytest.raises(WorkerError) as caught:
        run_it(bench, job(source, "posted"), patience=0.5)
    told, log = str(caught.value).split("; more in ")
    assert told.startswith(f"side posted: {says}")
    assert told.endswith(("(posted.py, line 8, in before)", "; the last that it printed: from below Python"))
    words = Path(log).read_text().splitlines()
    assert [word for word in words if " " in word][:3] == ["step two begins", "and goes wrong", "from below Python"]
    assert list(bench.store.folder.parent.glob("runs/*")) == [], "half a run is no run"


def test_a_program_that_fails_leaves_its_worker_ready_for_the_next(bench: Bench) -> None:
    with Session("keras", log=bench.logs / "keras.log") as worker:
        with pytest.raises(WorkerError, match="NameError: name 'nothing' is not defined"):
            free_run(worker, bench, job("RATE = nothing\n"))
        with pytest.raises(WorkerError, match=r"^side keras: ValueError: unknown command 'dance'"):
            worker.ask("dance")
        assert len(free_run(worker, bench, job()).losses) == 7


def test_rows_that_fill_no_batch_are_an_error_and_not_an_endless_wait(bench: Bench) -> None:
    changes = {"training.batch_size": 11, "training.drop_remainder": True}
    with pytest.raises(WorkerError, match="10 rows fill no batch of 11, and drop_remainder leaves out"):
        run_it(bench, job(steps=2, **changes))


def test_what_a_failing_program_printed_is_told_from_its_own_lines_on(bench: Bench) -> None:
    with pytest.raises(WorkerError) as caught:
        run_it(bench, job("def before(number):\n    number / 0\n", "posted"))
    said = str(caught.value)
    told, log = said.split("; more in ")
    assert told == "side posted: ZeroDivisionError: division by zero (posted.py, line 2, in before)"
    words = Path(log).read_text()
    assert "worker.py" not in words
    assert re.search(r'posted-\w+\.py", line 2, in before', words)


def test_a_command_that_fails_leaves_no_worker_and_no_memory_behind(bench: Bench, tmp_path: Path) -> None:
    side = small_side()
    work = Work(spec=parse_spec(SPEC), sides=[side], options=Options(), folder=tmp_path)
    with pytest.raises(RuntimeError, match="mine"), work:  # noqa: PT012 - the error ends a block of work
        Exchange(work.scratch / "state").put("a", np.ones(1000))
        worker = work.session(side, "keras")
        worker.ask("versions", packages=[])
        raise RuntimeError("mine")
    assert not is_running(worker.pid)
    assert not work.scratch.exists()


def test_threads_are_limited_before_the_program_is_opened(bench: Bench) -> None:
    run_it(bench, replace(job(), threads=1))
    assert (bench.logs / "keras.log").read_text() == "threads 1\n"


# ------------------------------------------------------------------------------------------- traced free runs

PARAMETERS = ("hidden.kernel", "hidden.bias", "out.kernel", "out.bias")
STEPS = 7


def traced(bench: Bench, one: Job) -> Trajectory:
    run = run_it(bench, replace(one, trace=True))
    assert bench.store.traced(run.key)
    return run


def test_a_traced_run_has_the_losses_and_metrics_of_one_that_is_not(bench: Bench, tmp_path: Path) -> None:
    with_trace = traced(bench, job())
    elsewhere = replace(bench, store=Store(tmp_path / "elsewhere"))
    without = run_it(elsewhere, job())
    assert (with_trace.losses, with_trace.measured) == (without.losses, without.measured)
    assert with_trace.key == without.key
    assert not elsewhere.store.traced(without.key)
    assert sorted(file.suffix for file in bench.store.folder.iterdir()) == [".json", ".parquet"]


def test_a_trace_has_every_tensor_of_every_step_and_the_weights_as_they_start(bench: Bench) -> None:
    run = traced(bench, job())
    found = read_trace(bench.store.trace(run.key))
    start = [("weights", name) for name in PARAMETERS] + [("state", f"velocity/{name}") for name in PARAMETERS]
    steps = [("forward", name) for name in ("hidden", "dropout", "out")] + [("gradient", name) for name in PARAMETERS]
    assert {name: len(rows) for name, rows in found.items()} == dict.fromkeys(start, STEPS + 1) | dict.fromkeys(
        steps, STEPS
    )
    for name, file in bench.initial.files(job().side, "float32").items():
        assert found["weights", name][0].tobytes() == digest(np.load(file)).tobytes()
    for name in PARAMETERS:
        weights, velocity = found["weights", name], found["state", f"velocity/{name}"]
        assert not velocity[0]["projections"].any()
        for number in range(STEPS):
            assert apart(minus(weights[number + 1], weights[number]), velocity[number + 1]) < 1e-4
    assert not [name for phase, name in found if phase == "gradient" and "." not in name], "outputs' gradients cost"


def test_a_traced_tensor_that_lies_otherwise_has_the_same_digest(bench: Bench) -> None:
    own = read_trace(bench.store.trace(traced(bench, job(name="a")).key))
    other = read_trace(bench.store.trace(traced(bench, job(name="b", framework="torch")).key))
    assert list(own) == list(other)
    for name, rows in own.items():
        assert all(apart(a, b) < 1e-4 for a, b in zip(rows, other[name], strict=True)), name
    assert gaps_of(bench, job(name="a"), job(name="b", framework="torch"))[LOSS].max() < 1e-5


LOSS = ("loss", "loss")


def gaps_of(bench: Bench, one: Job, other: Job) -> Series:
    return gaps(bench.store, traced(bench, one), [traced(bench, other)])[0]


def test_each_trace_is_read_once_however_many_runs_are_compared(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = [traced(bench, replace(job(), nudge=nudge)) for nudge in (None, 8, 9)]
    one_by_one = [gaps(bench.store, first, [other])[0] for other in others]
    read: list[str] = []

    def counted(file: Path) -> Trace:
        read.append(file.stem)
        return read_trace(file)

    monkeypatch.setattr("parity.run.store.read_trace", counted)
    together = gaps(bench.store, first, others)
    assert read == [first.key, *(other.key for other in others)]
    for one, alone in zip(together, one_by_one, strict=True):
        assert {name: rows.tolist() for name, rows in one.items()} == {n: rows.tolist() for n, rows in alone.items()}


def test_a_kept_run_without_a_trace_is_made_again_when_one_is_asked_for(bench: Bench) -> None:
    first = run_it(bench, job())
    again = traced(bench, job())
    assert not again.cached
    assert again.losses == first.losses
    third = traced(bench, job())
    assert third.cached
    assert run_it(bench, job()).cached, "one that has a trace serves those who need none"


def test_a_traced_run_that_fails_leaves_neither_run_nor_trace(bench: Bench) -> None:
    with pytest.raises(WorkerError, match="ValueError: no such batch"):
        traced(
            bench,
            job("RATE = 0.1\ndef before(number):\n    if number == 4:\n        raise ValueError('no such batch')\n"),
        )
    assert list(bench.store.folder.iterdir()) == []


def test_a_twin_is_another_run_that_ends_close_by(bench: Bench) -> None:
    twin = replace(job(), nudge=9)
    versions = {"keras": "3", "tensorflow": "2", "numpy": "2"}
    assert len({bench.key(one, versions) for one in (job(), twin, replace(job(), nudge=8))}) == 3
    assert bench.key(replace(job(), trace=True), versions) == bench.key(job(), versions)
    found = gaps_of(bench, job(), twin)
    assert found["weights", "hidden.kernel"].shape == (STEPS,)
    assert 0.0 < found[LOSS].max() < 1e-5
    assert all(0.0 < rows.max() < 1e-3 for rows in found.values())


def test_a_pair_of_the_same_program_has_no_gap_and_one_of_another_rate_is_divergent(bench: Bench) -> None:
    twins = [gaps_of(bench, job(), replace(job(), nudge=9))]
    same = judge_free("a", "b", gaps_of(bench, job(), job(name="b")), twins)
    assert same.verdict == "identical"
    other = judge_free("a", "c", gaps_of(bench, job(), job("RATE = 0.1001\n", "c")), twins)
    assert other.verdict == "divergent"
    assert other.first is not None
    step, phase, _ = other.first
    assert (step, phase) in ((1, "weights"), (1, "state")), "the first step moves them differently"
