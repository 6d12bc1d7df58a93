"""Names: what is misspelt gets the right one, what means the same its entry, other mathematics a word of its own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from parity.catalog import FAMILIES
from parity.errors import SpecError, nearest
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, prepare
from parity.spec.known import FIELDS, NOT_YET, SAME, entry_hint, field_hint, known, own_names, plain
from parity.spec.load import load_spec, parse_spec

SPEC = """\
name: m
data: {source: digits}
model:
  input: [64]
  layers:
    - dense: {units: 32, activation: relu}
    - dense: {units: 10}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.1}}
training: {batch_size: 32}
metrics: [accuracy]
sides:
  keras: {framework: keras}
"""


def fault(old: str, new: str) -> str:
    assert old in SPEC
    with pytest.raises(SpecError) as caught:
        parse_spec(SPEC.replace(old, new, 1), "m.yaml")
    (line,) = str(caught.value).splitlines()
    return line.rpartition("; ")[2]


@pytest.mark.parametrize("family", NOT_YET)
def test_what_is_not_in_the_catalogue_yet_is_not_in_the_catalogue(family: str) -> None:
    """An entry that is added is no longer taken from the list, and may stay there."""
    assert family in FAMILIES
    assert not {plain(name) for name in FAMILIES[family]} & known(family)
    names = NOT_YET[family].split()
    assert sorted(set(names)) == names, "in order, each once"


def test_other_names_of_an_entry_lead_to_entries() -> None:
    for family, names in SAME.items():
        if family != "framework":
            assert set(names.values()) <= set(FAMILIES[family])
            assert not {plain(name) for name in names} & {plain(name) for name in FAMILIES[family]}
            assert not {plain(name) for name in names} & known(family)


def test_arguments_that_no_entry_has_are_no_fields_of_every_entry() -> None:
    """One may have come to some entry, as ``weight_decay`` to AdamW; what all of a family have is none of these."""
    for entries in FAMILIES.values():
        shared = set.intersection(*({*entry.model_fields} for entry in entries.values()))
        assert not shared & set(FIELDS.split())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("relu", "glu", "glu is not in the catalogue yet"),
        ("relu", "RReLU", "RReLU is not in the catalogue yet"),
        ("relu", "rleu", "did you mean 'relu'?"),
        ("relu", "LeakyReLU", "did you mean 'leaky_relu'?"),
        ("activation: relu", "kernel_regularizer: orthogonal_regularizer",
         "orthogonal_regularizer is not in the catalogue yet"),
        ("activation: relu", "kernel_initializer: dirac", "dirac is not in the catalogue yet"),
        ("activation: relu", "kernel_initializer: xavier_uniform", "did you mean 'glorot_uniform'?"),
        ("- dense: {units: 10}", "- attention", "attention is not in the catalogue yet"),
        ("- dense: {units: 10}", "- LayerNormalization", "did you mean 'layer_norm'?"),
        ("- dense: {units: 10}", "- BatchNormalization", "did you mean 'batch_norm'?"),
        ("- dense: {units: 10}", "- Linear: {units: 10}", "did you mean 'dense'?"),
        ("- dense: {units: 10}", "- Dense: {units: 10}", "did you mean 'dense'?"),
        ("- dense: {units: 10}", "- GlobalAvgPool2D", "did you mean 'global_average_pooling2d'?"),
        ("- dense: {units: 10}", "- Upsample", "did you mean 'up_sampling1d' or 'up_sampling2d' or 'up_sampling3d'?"),
        ("- dense: {units: 10}", "- relu", "write {activation: relu}"),
        ("- dense: {units: 10}", "- additive_attention", "additive_attention is not in the catalogue yet"),
        ("{sgd: {learning_rate: 0.1}}", "asgd", "asgd is not in the catalogue yet"),
        ("{sgd: {learning_rate: 0.1}}", "adm", "did you mean 'adam'?"),
        ("{sgd: {learning_rate: 0.1}}", "{lars: {learning_rate: 0.1}}", "lars is not in the catalogue yet"),
        ("learning_rate: 0.1", "learning_rate: 0.1, lr_decay: 0.001",
         "lr_decay of sgd is not in the catalogue yet"),
        ("learning_rate: 0.1", "learning_rate: 0.1, foreach: true", "foreach of sgd is not in the catalogue yet"),
        ("learning_rate: 0.1", "lr: 0.1", "did you mean 'learning_rate'?"),
        ("batch_size: 32", "validation_split: 0.2", "it is data.validation_split"),
        ("batch_size: 32", "bs: 32", "did you mean 'batch_size'?"),
        ("{categorical_crossentropy: {from_logits: true}}", "CrossEntropyLoss",
         "did you mean 'categorical_crossentropy'?"),
        ("{categorical_crossentropy: {from_logits: true}}", "mean_squared_error", "did you mean 'mse'?"),
        ("{categorical_crossentropy: {from_logits: true}}", "dice", "dice is not in the catalogue yet"),
        ("[accuracy]", "[auc]", "auc is not in the catalogue yet"),
        ("framework: keras", "framework: pytorch", "did you mean 'torch'?"),
    ],
)  # fmt: skip
def test_a_name_gets_the_word_that_helps(old: str, new: str, says: str) -> None:
    assert fault(old, new) == says


@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_framework_calls_an_entry_leads_to_the_entry(family: str) -> None:
    choices = list(FAMILIES[family])
    for name, entries in own_names(family).items():
        told = entry_hint(name, choices, family)
        meant = {*entries, *(one for one in choices if plain(one) == name)}
        assert any(repr(one) in told for one in meant), (name, told)


@pytest.mark.parametrize("family", [family for family in NOT_YET if family != "metric"])
def test_nothing_is_said_to_be_missing_that_an_entry_means(family: str) -> None:
    there = {*map(plain, FAMILIES[family]), *own_names(family), *map(plain, SAME.get(family, {}))}
    assert not there & set(map(plain, NOT_YET[family].split()))


@pytest.mark.parametrize(
    ("name", "choices", "found"),
    [
        ("weight_decay", ["decay", "momentum"], None),
        ("layer_norm", ["batch_norm"], None),
        ("l1", ["l2"], None),
        ("elu", ["relu"], "relu"),  # Spelling alone cannot know: the list of names does.
        ("torhc", ["torch"], "torch"),
        ("batchsize", ["batch_size"], "batch_size"),
        ("Batch-Norm", ["batch_norm"], "batch_norm"),
        ("lr", ["learning_rate"], "learning_rate"),
        ("categorical_crosentropy", ["categorical_crossentropy"], "categorical_crossentropy"),
        ("", ["a"], None),
        ("x" * 100_000, ["x"], None),
    ],
)
def test_only_a_misspelling_is_near(name: str, choices: list[str], found: str | None) -> None:
    assert nearest(name, choices) == found


def test_a_name_of_a_choice_is_never_said_to_be_missing() -> None:
    assert entry_hint("adamax", ["adamax2", "adamax"]) == "did you mean 'adamax'?"
    assert field_hint("weight_decay", ["weight_decay"], "adamw") == "did you mean 'weight_decay'?"


# ---------------------------------------------------------------------------------------------------- paths


def test_paths_in_a_spec_are_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, elsewhere = tmp_path / "specs", tmp_path / "elsewhere"
    (folder / "data").mkdir(parents=True)
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for place, value in ((folder, 1.0), (elsewhere, 2.0)):
        (place / "data").mkdir(exist_ok=True)
        np.savez(place / "data" / "rows.npz", X=np.full((20, 64), value), y=np.arange(20) % 10)
    np.savez(folder / "other.npz", X=np.full((20, 64), 3.0), y=np.arange(20) % 10)
    (folder / "own.py").touch()
    (elsewhere / "own.py").touch()
    text = SPEC.replace("source: digits", "source: data/rows.npz")
    text += "  own: {framework: torch, program: own.py, python: venv/bin/python}\n"
    text += "  b: {framework: torch, changes: {data.source: other.npz}}\n"
    text += "  c: {framework: torch, changes: {data: {source: other.npz}}}\n"
    (folder / "spec.yaml").write_text(text)
    spec = load_spec(Path("..") / "specs" / "spec.yaml")
    sides = {side.name: side for side in prepare(spec, Options())}
    values = {name: float(dataset_of(side, None).x[0, 0]) for name, side in sides.items()}
    assert values == {"keras": 1.0, "own": 1.0, "b": 3.0, "c": 3.0}
    assert spec.sides["own"].program == str((folder / "own.py").resolve())
    assert sides["own"].python == os.path.join("..", "specs", "venv/bin/python")
    changed = prepare(spec, Options(changes={"data.source": "data/rows.npz"}))[0]
    assert float(dataset_of(changed, None).x[0, 0]) == 2.0, "a path on the command line is from the current folder"
    given = Options(data="data/rows.npz")
    assert float(dataset_of(prepare(spec, given)[0], given.data).x[0, 0]) == 2.0


def test_a_path_that_is_only_in_the_current_folder_is_taken_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "specs").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.npz").touch()
    (tmp_path / "specs" / "spec.yaml").write_text(SPEC.replace("source: digits", "source: rows.npz"))
    assert load_spec("specs/spec.yaml").data.source == "rows.npz"
    (tmp_path / "rows.npz").unlink()
    assert load_spec("specs/spec.yaml").data.source == os.path.join("specs", "rows.npz"), "where it ought to be"
