"""Random specs: a seed gives its spec again, all of the catalogue is met, and every framework trains them alike."""

from __future__ import annotations

from collections import Counter

import pytest
from helpers_frameworks import FRAMEWORKS, missing
from helpers_random import tried
from helpers_sample import WHOLE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parity.catalog import FAMILIES
from parity.entries import Entry
from parity.ops.block import Block
from parity.selftest.pair_bench import TestBench
from parity.selftest.random_specs import MOST_LAYERS, RandomSpec, random_spec
from parity.spec.load import build_spec, parse_spec
from parity.spec.paths import walk
from parity.spec.resolve import Resolved

EXAMPLES = 500 if WHOLE else 25

JUDGED = 10
"""Of so many specs one goes before the court in any case, which runs graphs; the others where there is doubt."""

INSTALLED = [name for name in FRAMEWORKS if not missing(name)]

specs = st.integers(0, 2**32 - 1).map(random_spec)
"""Whole specs; each is told by its seed."""


def entries(spec: RandomSpec, side: Resolved) -> set[tuple[str, str]]:
    """Return family and kind of every entry in a spec and in a side of it."""
    families = {entry: family for family, members in FAMILIES.items() for entry in members.values()}
    blocks = [op for op in build_spec(spec.written).model.layers if isinstance(op, Block)]  # A side has their layers.
    parts = [*blocks, *(part for _, part in walk(side.config) if isinstance(part, Entry))]
    return {(families[type(part)], part.kind) for part in parts}


def test_a_seed_gives_its_spec_again() -> None:
    for seed in range(8):
        one, other = random_spec(seed), random_spec(seed)
        assert one.yaml() == other.yaml()
        assert parse_spec(one.yaml()).model.layers == parse_spec(other.yaml()).model.layers
    assert random_spec(0).yaml() != random_spec(1).yaml()


def test_every_entry_is_met_and_the_shapes_of_networks_are_many() -> None:
    met: Counter[tuple[str, str]] = Counter()
    seen: Counter[str] = Counter()
    for seed in range(250):
        spec = random_spec(seed)
        (side,) = spec.sides(FRAMEWORKS[:1])
        met.update(entries(spec, side))
        graph, training, rows = side.graph, side.config.training, spec.written["data"]["rows"]
        assert len(graph.layers) <= MOST_LAYERS
        seen["a layer used again"] += bool(graph.shared)
        seen["a block twice"] += any(one.get("block", {}).get("repeat") == 2 for one in spec.written["model"]["layers"])
        seen["several inputs"] += len(graph.inputs) > 1
        seen["several outputs"] += len(graph.outputs) > 1
        seen["weights of rows"] += side.weighs
        seen["integers"] += any(one.dtype == "integer" for one in graph.inputs)
        seen["branches"] += not graph.is_chain
        seen["a chain"] += graph.is_chain
        seen["a batch of one"] += training.batch_size == 1
        seen["a partial batch"] += rows % training.batch_size > 0 and not training.drop_remainder
        seen["channels first"] += any(one.op.channels_at() == "channels_first" for one in graph.layers)
        seen["dropout"] += bool(side.drawing())
        optimizer = side.config.optimizer
        seen["clipping"] += any(getattr(optimizer, one) for one in ("clipvalue", "clipnorm", "global_clipnorm"))
    every = {
        (family, kind)
        for family, members in FAMILIES.items()
        if family != "metric"
        for kind, one in members.items()
        if not one.at_home
    }
    assert not every - set(met), "entries that no spec has"
    assert min(seen.values()) >= 5, seen


@pytest.mark.slow
@pytest.mark.skipif(len(INSTALLED) < 2, reason="one framework alone cannot part from another")
@given(spec=specs)
@settings(
    max_examples=EXAMPLES, derandomize=not WHOLE,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_every_framework_trains_a_random_spec_alike(spec: RandomSpec, bench: TestBench) -> None:
    found = tried(spec, INSTALLED, bench, judged=spec.seed % JUDGED == 0)
    assert not found.faults, found.told()
