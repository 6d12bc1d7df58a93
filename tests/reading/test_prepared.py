"""Rows that one program prepares in its model and the other ahead of it, and features counted in another order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.reading.pair import Pair, paired
from parity.reading.whole import ReadProgram
from parity.run.told import Told, ToldNode, ToldTraining

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 256, (30, 6, 5, 2)).astype(np.uint8)
LABELS = RNG.integers(0, 2, (30, 1)).astype(np.float32)
SCALE: dict[str, Any] = {"rescaling": {"name": "scale", "scale": 1 / 255}}
DENSE: dict[str, Any] = {"dense": {"name": "out", "units": 1}}
FLAT: dict[str, Any] = {"flatten": {"name": "flat"}}
CONV: dict[str, Any] = {"conv2d": {"name": "conv", "filters": 3, "kernel_size": 2}}
FIRST: dict[str, Any] = {
    "conv2d": {"name": "conv", "filters": 3, "kernel_size": 2, "data_format": "channels_first"}
}  # fmt: skip
BEHIND: dict[str, Any] = {"permute": {"name": "permute", "dims": [3, 1, 2]}}


def read(framework: str, input_: list[int], layers: list[Any], x: np.ndarray, **more: Any) -> ReadProgram:
    """Return a program that was read."""
    y = more.pop("y", LABELS)
    split = more.pop("split", 0.0)
    called = more.pop("called", "")
    given: dict[str, Any] = {"inputs": {called: input_}} if called else {"input": input_}
    spec: dict[str, Any] = {
        "name": framework, "data": {"source": "rows.npz", **({"validation_split": split} if split else {})},
        "model": {**given, "layers": layers}, "loss": "mse", "optimizer": "sgd",
        "training": {"batch_size": 5, "epochs": 2, "shuffle": True, "seed": 0},
    }  # fmt: skip
    names = {name: name for one in layers for fields in one.values() if (name := fields.get("name"))}
    nodes = [ToldNode(name=one, part="", reads=[], shape=[], read_shapes=[]) for one in names]
    told = Told(framework=framework, nodes=nodes, training=ToldTraining(validation_split=split), **more)
    return ReadProgram(framework=framework, spec=spec, arrays={"X": x, "y": y}, names=names, told=told)


def pair_of(a: ReadProgram, b: ReadProgram, fresh: bool = True, counted: bool = True) -> Pair:
    return paired(a, b, ("a", "b"), "rows.npz", "b_rows.npz", fresh=fresh, counted=counted)


def kinds(pair: Pair) -> list[str]:
    return [next(iter(one)) for one in pair.spec["model"]["layers"]]


def noted(pair: Pair) -> list[str]:
    return [one for one in pair.notes if "names a metric" not in one]


def test_rows_scaled_in_a_model_are_those_scaled_ahead_of_it() -> None:
    scaled = read("torch", [6, 5, 2], [CONV, FLAT, DENSE], (PIXELS / 255).astype("float32"))
    found = pair_of(read("keras", [6, 5, 2], [SCALE, CONV, FLAT, DENSE], PIXELS), scaled)
    assert kinds(found) == ["conv2d", "flatten", "dense"]
    assert "changes" not in found.spec["sides"]["b"]
    assert [one.ahead and one.ahead[0].kind for one in found.sides] == ["rescaling", ()]
    assert found.rows.arrays["X"].dtype == np.float64
    np.testing.assert_array_equal(found.rows.arrays["X"], PIXELS.astype(np.float64) * (1 / 255))
    assert noted(found) == [
        "a prepares its rows in its model (scale), b ahead of it: they are compared behind that."
    ]  # fmt: skip


def test_it_may_be_the_second_program_and_the_rows_are_then_what_its_layers_make_in_full() -> None:
    first = read("torch", [6, 5, 2], [CONV, FLAT, DENSE], (PIXELS / 255).astype("float32"))
    found = pair_of(first, read("keras", [6, 5, 2], [SCALE, CONV, FLAT, DENSE], PIXELS))
    assert [bool(one.ahead) for one in found.sides] == [False, True]
    np.testing.assert_array_equal(found.rows.arrays["X"], PIXELS.astype(np.float64) * (1 / 255))


@pytest.mark.parametrize(("layers", "rows"), [
    ([{"flatten": {"name": "f"}}, DENSE], PIXELS.reshape(30, -1)),
    ([SCALE, {"flatten": {"name": "f"}}, DENSE], PIXELS.reshape(30, -1) / 255),
    ([{"normalization": {"name": "n", "mean": 100.0, "variance": 400.0}}, FLAT, DENSE], (PIXELS - 100.0) / 20),
    ([{"zero_padding2d": {"name": "p", "padding": 1}}, FLAT, DENSE], np.pad(PIXELS, ((0, 0), (1, 1), (1, 1), (0, 0)))),
])  # fmt: skip
def test_what_a_model_begins_with_may_be_any_layer_that_prepares_rows(layers: list[Any], rows: np.ndarray) -> None:
    own = [one for one in layers if next(iter(one)) == "dense" or (rows.ndim > 2 and next(iter(one)) == "flatten")]
    found = pair_of(read("keras", [6, 5, 2], layers, PIXELS), read("torch", list(rows.shape[1:]), own, rows))
    assert kinds(found) == [next(iter(one)) for one in own]
    assert found.spec["model"]["input"] == list(rows.shape[1:])
    assert "data.source" not in found.spec["sides"]["b"].get("changes", {})


def test_one_reads_channels_first_what_the_other_scales() -> None:
    first = np.moveaxis(PIXELS / 255, -1, 1).astype("float32")
    found = pair_of(
        read("keras", [6, 5, 2], [SCALE, CONV, FLAT, DENSE], PIXELS),
        read("torch", [2, 6, 5], [FIRST, FLAT, DENSE], first),
    )
    assert kinds(found) == ["conv2d", "flatten", "dense"]
    assert [one.moved for one in found.sides] == [False, True]
    assert "changes" not in found.spec["sides"]["b"]


def test_of_rows_of_two_axes_who_reads_channels_first_is_turned() -> None:
    """Either program's rows are the other's turned."""
    x = np.random.default_rng(6).normal(size=(30, 8, 2)).astype("float32")
    conv = {"name": "conv", "filters": 3, "kernel_size": 2}
    last = read("keras", [8, 2], [{"conv1d": conv}, FLAT, DENSE], x)
    first = read(
        "torch", [2, 8], [{"conv1d": {**conv, "data_format": "channels_first"}}, FLAT, DENSE], np.moveaxis(x, -1, 1)
    )
    for a, b, moved in (last, first, [False, True]), (first, last, [True, False]):
        found = pair_of(a, b)
        assert [one.moved for one in found.sides] == moved
        assert kinds(found) == ["conv1d", "flatten", "dense"]
        np.testing.assert_array_equal(found.rows.arrays["X"], x)


MASKS = np.random.default_rng(5).integers(0, 2, (30, 5, 4, 3)).astype("float32")
"""What each place of a picture should be, channels last."""


def test_pictures_that_a_model_gives_channels_first_are_those_that_the_other_gives_channels_last() -> None:
    moved = [np.moveaxis(one, -1, 1) for one in (PIXELS, MASKS)]
    last = read("keras", [6, 5, 2], [CONV], PIXELS, y=MASKS)
    first = read("torch", [2, 6, 5], [FIRST], moved[0], y=moved[1])
    for a, b, at in (last, first, 1), (first, last, 0):
        found = pair_of(a, b)
        assert kinds(found) == ["conv2d"]
        assert "changes" not in found.spec["sides"]["b"]
        assert [one.ends_moved for one in found.sides] == [at == 0, at == 1]
        np.testing.assert_array_equal(found.rows.arrays["y"], MASKS)


def test_pictures_that_an_opaque_layer_gives_channels_first_are_moved_with_their_targets() -> None:
    mixes, *ends = [{"opaque": {"name": f"own_{len(shape)}", "what": "Own", "shape": shape}}
                    for shape in ([60], [5, 4, 3], [3, 5, 4])]  # fmt: skip
    moved = [np.moveaxis(one, -1, 1) for one in (PIXELS, MASKS)]
    last = read("keras", [6, 5, 2], [CONV, mixes, ends[0]], PIXELS, y=MASKS)
    first = read("torch", [2, 6, 5], [FIRST, mixes, ends[1]], moved[0], y=moved[1])
    found = pair_of(last, first)
    assert [one.ends_moved for one in found.sides] == [False, True]
    assert [one.model.layers[-1].shape for one in found.sides] == [(5, 4, 3), (5, 4, 3)]
    np.testing.assert_array_equal(found.rows.arrays["y"], MASKS)
    assert found.rows.others == {}


@pytest.mark.parametrize(("more", "y"), [
    ([BEHIND], np.moveaxis(MASKS, -1, 1)),  # Both give them first.
    ([], LABELS),  # There are no such targets.
])  # fmt: skip
def test_what_is_given_otherwise_in_the_end_stays(more: list[Any], y: np.ndarray) -> None:
    last = read("keras", [6, 5, 2], [CONV, *more], PIXELS, y=y)
    found = pair_of(last, read("torch", [2, 6, 5], [FIRST], np.moveaxis(PIXELS, -1, 1), y=y))
    assert not any(one.ends_moved for one in found.sides)
    np.testing.assert_array_equal(found.rows.arrays["y"], y)


@pytest.mark.parametrize(("last", "first"), [("image", ""), ("", "pixels"), ("image", "pixels")])
def test_an_input_with_a_name_may_have_its_channels_first_in_the_other_program(last: str, first: str) -> None:
    rows = np.moveaxis(PIXELS / 255, -1, 1).astype("float32")
    a = read("keras", [6, 5, 2], [SCALE, CONV, FLAT, DENSE], PIXELS, called=last)
    b = read("torch", [2, 6, 5], [FIRST, FLAT, DENSE], rows, called=first)
    for found, moved in ((pair_of(a, b), [False, True]), (pair_of(b, a), [True, False])):
        assert kinds(found) == ["conv2d", "flatten", "dense"]
        assert [one.moved for one in found.sides] == moved
        assert "changes" not in found.spec["sides"]["b"]


def test_rows_prepared_in_another_way_are_apart_by_what_that_is() -> None:
    layers = [{"normalization": {"name": "n", "mean": 100.0, "variance": 400.0}}, FLAT, DENSE]
    other = read("torch", [6, 5, 2], [FLAT, DENSE], (PIXELS - 100.0) / 20.02)
    found = pair_of(read("keras", [6, 5, 2], layers, PIXELS), other)
    assert kinds(found) == ["flatten", "dense"]
    assert found.spec["sides"]["b"]["changes"] == {"data.scale": pytest.approx(20 / 20.02)}


@pytest.mark.parametrize("layers", [
    [CONV, FLAT, DENSE],  # Trained.
    [{"dropout": {"name": "d", "rate": 0.5}}, FLAT, DENSE],  # Drawn.
    [{"activation": {"name": "act", "function": "relu"}}, FLAT, DENSE],
    [{"batch_norm": {"name": "bn"}}, FLAT, DENSE],  # Moves in training.
])  # fmt: skip
def test_a_layer_that_does_more_than_prepare_stays(layers: list[Any]) -> None:
    found = pair_of(read("keras", [6, 5, 2], layers, PIXELS), read("torch", [6, 5, 2], [FLAT, DENSE], PIXELS / 255))
    assert kinds(found) == [next(iter(one)) for one in layers]


@pytest.mark.parametrize("first", [
    {"dropout": {"name": "d", "rate": 0.5}}, {"activation": {"name": "act", "function": "relu"}},
])  # fmt: skip
def test_nothing_is_cut_off_behind_a_layer_that_does_more(first: dict[str, Any]) -> None:
    scaled = read("torch", [6, 5, 2], [FLAT, DENSE], PIXELS / 255)
    found = pair_of(read("keras", [6, 5, 2], [first, SCALE, FLAT, DENSE], PIXELS), scaled)
    assert kinds(found) == [next(iter(first)), "rescaling", "flatten", "dense"]


def test_rows_that_are_nearer_and_far_apart_all_the_same_are_others() -> None:
    wide: dict[str, Any] = {"rescaling": {"name": "wide", "scale": 255.0}}
    other = read("torch", [6, 5, 2], [FLAT, DENSE], (PIXELS * 1.3))
    found = pair_of(read("keras", [6, 5, 2], [wide, FLAT, DENSE], PIXELS / 255), other)
    assert kinds(found) == ["rescaling", "flatten", "dense"]


def test_rows_that_are_the_same_ahead_of_the_model_leave_it_as_it_is() -> None:
    found = pair_of(
        read("keras", [6, 5, 2], [SCALE, FLAT, DENSE], PIXELS), read("torch", [6, 5, 2], [FLAT, DENSE], PIXELS)
    )
    assert kinds(found) == ["rescaling", "flatten", "dense"]
    assert [next(iter(one)) for one in found.spec["sides"]["b"]["changes"]["layers"]] == ["flatten", "dense"]


def test_a_program_that_prepares_its_rows_is_given_no_further_ones_for_validation() -> None:
    shows = read("keras", [6, 5, 2], [FLAT, DENSE], (PIXELS / 255).astype("float32"), split=0.2)
    loop = read("torch", [6, 5, 2], [SCALE, FLAT, DENSE], PIXELS[:24], y=LABELS[:24])
    found = pair_of(shows, loop)
    assert {name: len(one) for name, one in found.rows.arrays.items()} == {"X": 24, "y": 24}
    assert found.spec["data"]["validation_split"] == 0.0


def test_rows_that_are_drawn_anew_are_not_looked_into() -> None:
    drawn = read("torch", [6, 5, 2], [FLAT, DENSE], (PIXELS / 255).astype("float32"), redrawn="a transform draws")
    found = pair_of(read("keras", [6, 5, 2], [SCALE, FLAT, DENSE], PIXELS), drawn)
    assert not any(one.ahead for one in found.sides)


@pytest.mark.parametrize("between", [
    [], [{"dropout": {"name": "drop", "rate": 0.5}}], [{"activation": {"name": "act", "function": "elu"}}],
    [{"batch_norm": {"name": "bn"}}],
])  # fmt: skip
def test_features_flattened_with_the_channels_first_are_the_same(between: list[Any]) -> None:
    first = np.moveaxis(PIXELS, -1, 1)
    a = read("keras", [6, 5, 2], [CONV, FLAT, *between, DENSE], PIXELS)
    b = read("torch", [2, 6, 5], [FIRST, FLAT, *between, DENSE], first)
    for found, of in ((pair_of(a, b), 1), (pair_of(b, a), 0)):
        assert [one.flattened for one in found.sides] == [("flat",) if side == of else () for side in (0, 1)]
        assert "permute" not in kinds(found)
        assert "changes" not in found.spec["sides"]["b"]
    assert noted(found) == [
        "a flattens with the channels first, b with the channels last (flat): of weights drawn afresh that is the "
        "order of a kernel's rows, and no difference."
    ]  # fmt: skip


def test_two_that_are_flattened_and_then_stand_side_by_side_are_the_same() -> None:
    def branches(form: dict[str, Any], source: str) -> list[Any]:
        return [
            {"conv2d": {"name": "small", "filters": 3, "kernel_size": 2, "inputs": source, **form}},
            {"flatten": {"name": "one", "inputs": "small"}},
            {"conv2d": {"name": "large", "filters": 4, "kernel_size": 3, "inputs": source, **form}},
            {"flatten": {"name": "two", "inputs": "large"}},
            {"concatenate": {"name": "join", "inputs": ["one", "two"]}}, DENSE,
        ]  # fmt: skip

    a = read("keras", [6, 5, 2], branches({}, "input"), PIXELS)
    b = read("torch", [2, 6, 5], branches({"data_format": "channels_first"}, "input"), np.moveaxis(PIXELS, -1, 1))
    found = pair_of(a, b)
    assert found.sides[1].flattened == ("one", "two")
    assert "changes" not in found.spec["sides"]["b"]


@pytest.mark.parametrize("behind", [
    [{"layer_norm": {"name": "norm"}}, DENSE],  # Means of all features, but nobody has looked at it.
    [{"dense": {"name": "out", "units": 1, "kernel_initializer": "identity"}}],  # Says which number stands where.
    [{"reshape": {"name": "rows", "target_shape": [3, 20]}}, {"flatten": {"name": "again"}}, DENSE],
])  # fmt: skip
def test_where_their_order_is_known_it_is_a_difference(behind: list[Any]) -> None:
    a = read("keras", [6, 5, 2], [CONV, FLAT, *behind], PIXELS)
    found = pair_of(a, read("torch", [2, 6, 5], [FIRST, FLAT, *behind], np.moveaxis(PIXELS, -1, 1)))
    assert not any(one.flattened for one in found.sides)
    assert "permute" in [next(iter(one)) for one in found.spec["sides"]["b"]["changes"]["layers"]]


def test_with_a_kernel_of_its_own_that_stands_as_the_other_s_the_order_is_a_difference() -> None:
    a = read("keras", [6, 5, 2], [CONV, FLAT, DENSE], PIXELS)
    b = read("torch", [2, 6, 5], [FIRST, FLAT, DENSE], np.moveaxis(PIXELS, -1, 1))
    (told,) = noted(pair_of(a, b, fresh=False))
    assert told.endswith("with the channels last (flat): its kernel's rows stand so, and no difference.")
    found = pair_of(a, b, fresh=False, counted=False)
    assert not any(one.flattened for one in found.sides)
    assert "permute" in [next(iter(one)) for one in found.spec["sides"]["b"]["changes"]["layers"]]


def test_of_two_that_both_bring_the_channels_first_nothing_is_said() -> None:
    rows = PIXELS[:, :4, :4]  # Three by three with three channels: no shape tells which come first.
    a = read("keras", [4, 4, 2], [CONV, BEHIND, FLAT, DENSE], rows)
    found = pair_of(a, read("torch", [2, 4, 4], [FIRST, FLAT, DENSE], np.moveaxis(rows, -1, 1)))
    assert not any(one.flattened for one in found.sides)
    assert "changes" not in found.spec["sides"]["b"]


def test_of_two_that_flatten_alike_nothing_is_said() -> None:
    b = read("torch", [2, 6, 5], [FIRST, FLAT, DENSE], np.moveaxis(PIXELS, -1, 1))
    found = pair_of(b, b)
    assert not any(one.flattened for one in found.sides)
    assert noted(found) == []
