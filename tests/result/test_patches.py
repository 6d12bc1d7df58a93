"""From a finding to what a person changes: a patch gives exactly the config that was run, a line is the right one."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from parity.compile.emit import compile_side
from parity.explain.contest import Contest, ImpossibleError, Paths, contest, split
from parity.prepare.options import Options, parse_set, prepare
from parity.result.patches import as_options, as_yaml, changes_of, first_lines, lines_of, plain
from parity.spec.differences import differences
from parity.spec.load import build_spec, parse_spec
from parity.spec.resolve import Resolved, changed, resolve
from parity.spec.sections import Config, Spec
from parity.spec.yaml import parse_yaml
from tests.spec.test_differences import pairs
from tests.spec.test_layer_lists import sides as sides_of_layers

DENSE: list[Any] = [
    {"conv1d": {"filters": 4, "kernel_size": 3}},
    "flatten",
    {"dense": {"units": 6, "activation": "relu"}},
    {"dropout": 0.5},
    {"dense": {"units": 2, "name": "logits"}},
]


def spec_of(changes: Mapping[str, Any], layers: Sequence[Any] = DENSE, **more: Any) -> dict[str, Any]:
    return {
        "name": "patched", "data": {"source": "rows.npz"}, "model": {"input": [12, 3], "layers": list(layers)},
        "loss": "categorical_crossentropy", "optimizer": {"sgd": {"momentum": 0.9}}, "metrics": ["accuracy"],
        "sides": {"a": {"framework": "torch"}, "b": {"framework": "keras", "changes": dict(changes)}}, **more,
    }  # fmt: skip


def contest_of(changes: Mapping[str, Any], layers: Sequence[Any] = DENSE, **more: Any) -> Contest:
    a, b = resolve(build_spec(spec_of(changes, layers, **more)))
    return contest(a, b, differences(a, b))


def patched(match: Contest, *paths: str) -> dict[str, Any]:
    """Return the patch that gives the good side some differences, once it has been seen to do just that."""
    given = frozenset(paths) or match.everything
    changes = changes_of(match, given)
    assert applied(match.good, changes) == match.config_of(given)
    return changes


def applied(side: Resolved, changes: Mapping[str, Any]) -> Config:
    return changed(side, changes, "a patch").config


# ------------------------------------------------------------------------------------------ what is written


def test_a_value_is_written_as_a_user_would() -> None:
    (side, _) = resolve(build_spec(spec_of({"layers.dense.kernel_initializer": {"truncated_normal": {"stddev": 2}}})))
    assert plain(side.config.optimizer) == {"sgd": {"momentum": 0.9}}
    assert plain(side.config.loss) == "categorical_crossentropy"
    assert plain(side.config.model.layers[0]) == {"conv1d": {"filters": 4, "kernel_size": 3}}
    assert plain(side.config.metrics) == ["accuracy"]
    assert (plain(0.1), plain(None), plain((1, (2,)))) == (0.1, None, [1, [2]])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"optimizer.learning_rate": 0.5}, {"optimizer.learning_rate": 0.5}),
        ({"layers.*.kernel_initializer": {"truncated_normal": {"stddev": 2.0}}},
         {"layers.*.kernel_initializer": {"truncated_normal": {"stddev": 2.0}}}),
        ({"layers.{dense,logits}.use_bias": False}, {"layers.{dense,logits}.use_bias": False}),
        ({"layers.dense.kernel_regularizer": "l2"}, {"layers.dense.kernel_regularizer": "l2"}),
        ({"loss": "sigmoid_crossentropy"}, {"loss": "sigmoid_crossentropy"}),
        ({"layers.conv1d.kernel_size": 2}, {"layers.conv1d.kernel_size": 2}),
        ({"layers.dropout": None}, {"layers.dropout": None}),
        ({"layers.dense.after": "batch_norm"}, {"layers.dense.after": {"batch_norm": {"name": "batch_norm"}}}),
        ({"layers.conv1d.before": "batch_norm"}, {"layers.conv1d.before": [{"batch_norm": {"name": "batch_norm"}}]}),
        ({"layers.dropout.after": {"activation": {"function": "tanh", "name": "new"}}, "layers.dropout": None},
         {"layers.dropout": None, "layers.dense.after": {"activation": {"function": "tanh", "name": "new"}}}),
    ],
)  # fmt: skip
def test_a_patch_says_what_changes_and_no_more(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert patched(contest_of(changes)) == expected


def test_a_change_of_kind_without_the_fields_both_kinds_have() -> None:
    match = contest_of({"optimizer": {"adam": {"learning_rate": 0.5}}})
    assert patched(match, "optimizer") == {"optimizer": {"adam": {"learning_rate": 0.01}}}
    assert patched(match, "optimizer.learning_rate") == {"optimizer.learning_rate": 0.5}
    assert patched(match)["optimizer"] == {"adam": {"learning_rate": 0.5}}
    assert patched(match.turned(), "optimizer") == {"optimizer": {"sgd": {"learning_rate": 0.5, "momentum": 0.9}}}


def test_what_is_inert_stays_as_the_side_has_it() -> None:
    match = contest_of({"metrics": ["accuracy", "mse"], "training.batch_size": 8})
    assert [one.path for one in match.inert] == ["metrics"]
    assert patched(match) == {"training.batch_size": 8}
    assert patched(match.turned()) == {"training.batch_size": 32}


def test_a_group_leaves_alone_the_layers_that_only_one_side_has() -> None:
    match = contest_of({
        "layers.*.kernel_initializer": "zeros", "layers.dense.after": {"dense": {"units": 5, "name": "more"}},
    })  # fmt: skip
    group = next(one for one in match.live if one.path.endswith("kernel_initializer"))
    assert len(group.paths) == 3
    assert patched(match, group.path) == {"layers.*.kernel_initializer": "zeros"}
    assert patched(match.turned(), group.path) == {
        "layers.{conv1d,dense,logits}.kernel_initializer": "glorot_uniform"
    }  # fmt: skip


def test_layers_that_all_change_are_given_as_a_list() -> None:
    match = contest_of({"layers": ["flatten", {"dense": {"units": 2, "name": "other"}}]})
    for one in (match, match.turned()):
        patched(one)


def test_what_a_native_side_does_not_say_is_its_frameworks_own() -> None:
    spec = spec_of({"layers.dense.after": {"dense": {"units": 6, "kernel_initializer": "glorot_uniform"}}})
    spec["sides"]["a"]["defaults"] = "native"
    a, b = resolve(build_spec(spec))
    match = contest(a, b, differences(a, b))
    path = next(one.path for one in match.live if "dense_1" in one.layers)
    changes = patched(match, path)
    spec["sides"]["a"]["changes"] = changes
    again, _ = resolve(build_spec(spec))
    assert again.config == match.config_of(frozenset({path}))


# ----------------------------------------------------------------------------------- any pair, any set of them


def try_patch(match: Contest, paths: Paths) -> None:
    try:
        config = match.config_of(paths)
    except ImpossibleError:
        assume(False)
    changes = changes_of(match, paths)
    assert applied(match.good, changes) == config
    parsed, _ = parse_yaml(as_yaml(changes) or "{}", None)
    assert applied(match.good, parsed or {}) == config
    options = [shlex.split(one) for one in as_options(match.good.name, changes)]
    assert all(len(one) == 2 and one[0] == "--set" for one in options)
    again = dict(parse_set(text) for _, text in options)
    assert list(again) == [f"{match.good.name}:{path}" for path in changes]
    assert applied(match.good, {path.partition(":")[2]: value for path, value in again.items()}) == config


@given(pairs(), st.data())
def test_a_patch_gives_the_config_that_was_run(both: tuple[Resolved, Resolved], data: st.DataObject) -> None:
    found = differences(*both)
    match = contest(*both, found)
    assume(match.live)
    one = match.turned() if data.draw(st.booleans()) else match
    try_patch(one, frozenset(data.draw(st.sets(st.sampled_from([live.path for live in match.live])))))


@given(sides_of_layers(), st.data())
def test_a_patch_of_layers_that_come_and_go(both: tuple[Resolved, Resolved], data: st.DataObject) -> None:
    found = differences(*both)
    match = contest(*both, found)
    assume(match.live)
    one = match.turned() if data.draw(st.booleans()) else match
    try_patch(one, frozenset(data.draw(st.sets(st.sampled_from([live.path for live in match.live])))))


def test_a_group_that_was_split_is_patched_layer_by_layer() -> None:
    a, b = resolve(build_spec(spec_of({"layers.*.kernel_initializer": "zeros"})))
    match = contest(a, b, split(differences(a, b), ["layers.*.kernel_initializer"]))
    assert patched(match, "layers.dense.kernel_initializer") == {"layers.dense.kernel_initializer": "zeros"}


def test_the_options_of_a_patch_are_options_of_the_command_line() -> None:
    """What is printed, pasted back: the bad side's config is then the one that was run."""
    spec: Spec = build_spec(spec_of({
        "optimizer": {"adam": {"learning_rate": 1e-7, "beta_1": 0.5}}, "layers.{dense,logits}.use_bias": False,
        "layers.dropout": None, "data.scale": 1e-6,
    }))  # fmt: skip
    a, b = resolve(spec)
    match = contest(b, a, differences(b, a))
    changes = changes_of(match, match.everything)
    given = dict(parse_set(shlex.split(one)[1]) for one in as_options("b", changes))
    kept, mended = prepare(spec, Options(changes=given))
    assert (kept.config, mended.config) == (a.config, a.config)


def test_the_yaml_of_a_patch_stands_under_a_sides_changes() -> None:
    match = contest_of({"layers.*.kernel_initializer": {"truncated_normal": {"stddev": 2.0}}, "loss.from_logits": True,
                        "optimizer.learning_rate": 1e-7, "layers.dense.after": "batch_norm"})  # fmt: skip
    changes = "\n".join(f"      {line}" for line in as_yaml(changes_of(match, match.everything)).splitlines())
    text = f"""\
name: patched
data: {{source: rows.npz}}
model:
  input: [12, 3]
  layers:
    - conv1d: {{filters: 4, kernel_size: 3}}
    - flatten
    - dense: {{units: 6, activation: relu}}
    - dropout: 0.5
    - dense: {{units: 2, name: logits}}
loss: categorical_crossentropy
optimizer: {{sgd: {{momentum: 0.9}}}}
metrics: [accuracy]
sides:
  a:
    framework: torch
    changes:
{changes}
"""
    (side,) = resolve(parse_spec(text))
    assert side.config == match.bad.config


# -------------------------------------------------------------------------------------- lines of the programs


def line(framework: str, changes: Mapping[str, Any], path: str) -> tuple[str, str]:
    """Return the line of a program that a difference points at, and what is told of it."""
    a, b = resolve(build_spec(spec_of(changes, sides={
        "a": {"framework": framework}, "b": {"framework": framework, "changes": dict(changes)}})))  # fmt: skip
    found = next(one for one in differences(a, b) if one.path == path)

    def source(side: Resolved, config: Config) -> str:
        return compile_side(replace(side, config=config), name="patched", classes=2, formatted=False).source

    told = lines_of(a, b, [found], source, {"a": "a.py", "b": "b.py"})[path]
    one, other = (next(fact for fact in told if fact.side == name) for name in ("a", "b"))
    assert (one.file, other.file) == ("a.py", "b.py")
    assert (one.text, one.instead) == (other.instead, other.text), "each is what stands in the other"
    lines = source(a, a.config).splitlines()
    return lines[one.line - 1].strip(), one.text


@pytest.mark.parametrize("framework", ["keras", "tensorflow", "torch"])
@pytest.mark.parametrize(
    ("changes", "path", "named"),
    [
        ({"optimizer.learning_rate": 0.5}, "optimizer.learning_rate", "0.01"),
        ({"optimizer.momentum": 0.5}, "optimizer.momentum", "0.9"),
        ({"layers.dropout.rate": 0.25}, "layers.dropout.rate", "0.5"),
        ({"training.batch_size": 8}, "training.batch_size", "32"),
        ({"layers.dense.activation": "tanh"}, "layers.dense.activation", "relu"),
    ],
)
def test_a_difference_points_at_its_line(framework: str, changes: dict[str, Any], path: str, named: str) -> None:
    text, told = line(framework, changes, path)
    assert named in told
    assert named in text or named in told
    assert not text.startswith("#")
    ast.parse(told)


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ("a = 1\nb = 2\n", "a = 1\nb = 3\n", (2, "b = 2", "b = 3")),
        (
            "a = 1\n# two\nb = f(1,\n      2)\n",
            "a = 1\n# three\nb = f(1,\n      3)\n",
            (4, "b = f(1, 2)", "b = f(1, 3)"),
        ),
        ('"""One."""\na = 1\n', '"""Two."""\na = 1\n', None),
        ("import x\na = 1\n", "import y\na = 1\n", None),
        ("a = 1\n", "a = 1\nb = 2\n", (1, "", "b = 2")),
        ("a = 1\nb = 2\n", "a = 1\n", (2, "b = 2", "")),
        ("a = 1\n", "a = 1\n", None),
    ],
)
def test_the_first_place_in_which_two_programs_differ(
    mine: str, theirs: str, expected: tuple[int, str, str] | None
) -> None:
    found = first_lines("a", "a.py", mine, theirs)
    assert [(one.line, one.text, one.instead) for one in found] == ([] if expected is None else [expected])
