"""Random numbers of each framework's own, seeded alike: the same twice, the same alone, and told in the report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import helpers_frameworks
import numpy as np
import pytest
from helpers_commands import command
from helpers_frameworks import EACH_FRAMEWORK, compiled, missing, opened, side_of, starting_weights, worker

from parity.compile import compile_side
from parity.report import markdown
from parity.report.sentences import draws
from parity.result.drawfact import DrawFact
from parity.result.schema import Result
from parity.spec.load import build_spec
from parity.spec.resolve import resolve
from tests import report_samples as samples
from tests.compile.test_programs import CLASSES, Alone, recorded, spec_data

ROOT = Path(__file__).resolve().parents[2]
SEED = 2**62 + 3
"""Larger than what NumPy's old generator takes, which every program seeds as well."""

STEPS = 7
"""Past the end of the first epoch."""


def training(random: str, seed: int = SEED) -> dict[str, Any]:
    return {"batch_size": 4, "epochs": 2, "shuffle": True, "seed": seed, "random": random}


@pytest.fixture(scope="module", params=EACH_FRAMEWORK)
def native(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Alone]:
    """A framework, and a program of it that draws its own numbers, run by the harness."""
    framework: str = request.param
    return framework, recorded(framework, tmp_path_factory, STEPS, training=training("native"))


def losses(alone: Alone, *arguments: str) -> list[float]:
    done = alone.run("--data", "data.npz", "--steps", str(STEPS), *arguments)
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


def test_a_program_alone_draws_what_it_drew_in_the_harness(native: tuple[str, Alone]) -> None:
    """Weights, order and masks; to the last bit, in a process of its own."""
    _, alone = native
    assert losses(alone) == list(alone.losses)
    assert len(set(alone.losses)) == STEPS, "losses that move"


@pytest.mark.sampled(2)
def test_a_run_is_the_same_twice_and_another_with_another_seed(
    native: tuple[str, Alone], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In a worker that has drawn numbers for other programs before."""
    framework, alone = native
    recorded(framework, tmp_path_factory, 3, training=training("recorded"))
    assert recorded(framework, tmp_path_factory, STEPS, training=training("native")).losses == alone.losses
    other = recorded(framework, tmp_path_factory, STEPS, training=training("native", seed=1))
    assert set(other.losses).isdisjoint(alone.losses)


def test_a_recorded_program_that_is_told_to_draws_the_same(native: tuple[str, Alone]) -> None:
    framework, alone = native
    spec = build_spec(spec_data(str(alone.folder / "data.npz"), training=training("recorded")))
    side = next(side for side in resolve(spec) if side.framework == framework)
    program = compile_side(side, name="told", classes=CLASSES, formatted=False)
    (alone.folder / program.file_name).write_text(program.source)
    assert losses(replace(alone, program=program.file_name), "--native-random") == list(alone.losses)


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_what_a_program_by_hand_draws_does_not_depend_on_what_was_opened_before(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its kernel is its own; a compiled one, which is given all it draws, may leave what TensorFlow draws from."""
    side = side_of(framework, {"input": [3], "layers": [{"dense": 2}]})
    x, y, weights, plain = np.eye(3), np.zeros((3, 2)), starting_weights(side), compiled(side)
    own = {"dense.bias": plain.bindings.weights["dense.bias"]}
    hand = replace(plain, bindings=replace(plain.bindings, weights=own, input=(3,), output=(2,)))
    found = []
    for program in (hand, plain, hand):
        monkeypatch.setattr(helpers_frameworks, "compiled", lambda _, program=program: program)
        with opened(side, x, y, weights) as one:
            found.append(one.predict())
    np.testing.assert_array_equal(found[0], found[2])
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_program_that_draws_itself_holds_nothing_recorded(framework: str) -> None:
    spec = build_spec(spec_data("rows.npz", training=training("native")))
    side = next(side for side in resolve(spec) if side.framework == framework)
    source = compile_side(side, name="told", classes=CLASSES, formatted=False).source
    for word in ("Philox", "recorded", "keep_mask", "--native-random"):
        assert word not in source
    main = source[source.index("def main") :]
    seeded = {"keras": "keras.utils.set_random_seed", "torch": "torch.manual_seed", "tensorflow": "tf.random.set_seed"}
    made = main.index("build_model()" if framework.startswith("keras") else "Model(")
    assert all(main.index(one) < made for one in (seeded.get(framework, seeded["keras"]), "SEED"))


def test_a_free_run_draws_its_own_numbers_and_the_steps_that_are_judged_do_not(tmp_path: Path) -> None:
    if missing("torch"):
        pytest.skip(missing("torch"))
    chosen = ("--side", "recorded", "--side", "torch", "--steps", "4", "--no-explain", "--json")
    done = command("run", str(ROOT / "specs" / "same_seed.yaml"), *chosen, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    (comparison,) = result["comparisons"]
    assert comparison["verdict"] in ("identical", "rounding"), "from the same state, with the same masks"
    ours, theirs = (side["drawn"] for side in result["sides"])
    assert (ours["random"], theirs["random"]) == ("recorded", "native")
    assert (ours["seed"], theirs["seed"]) == (0, 0)
    for name in ("uniform", "mask", "rows"):
        assert ours[name] != theirs[name]
    assert all(0.0 <= number < 1.0 for number in (*ours["uniform"], *theirs["uniform"]))
    assert sorted(theirs["rows"]) != theirs["rows"], "in the framework's order, not the file's"
    first, second = (side["losses"] for side in result["sides"])
    assert set(first).isdisjoint(second)
    (difference,) = result["differences"]
    assert (difference["path"], difference["a"], difference["b"]) == ("training.random", "recorded", "native")
    traced = [path.stem for path in (tmp_path / "reports" / "same_seed").rglob("*.parquet")]
    assert len(traced) == 2, "of recorded and its twin: to watch TensorFlow changes what it draws, so none is watched"


def test_the_first_numbers_are_those_of_the_frameworks_own_functions() -> None:
    """As one would look them up: seed, and ask."""
    if missing("torch"):
        pytest.skip(missing("torch"))
    import torch

    from parity.frameworks.torch.driver import generators as torch_generators
    from parity.run.driver.generators import first

    told = first(torch_generators, 7, 6)
    torch.manual_seed(7)
    np.testing.assert_array_equal(told["uniform"], torch.rand(6).tolist())
    assert any(told["mask"])
    assert worker("torch").ask("versions", packages=["torch"])["torch"].startswith("2")


# ---------------------------------------------------------------------------------------------- as text


def drawn(random: str, seed: int = 0, first: float = 0.25, **more: Any) -> DrawFact:
    values = {"uniform": [first, 0.5, 0.75, 0.125], "mask": [True, False], "rows": (3, 1), "dealt": random}
    return DrawFact.model_validate({"random": random, "seed": seed} | values | more)


def result_of(*facts: DrawFact | None) -> Result:
    """Return a result whose sides were given these numbers."""
    sample = samples.agreeing()
    sides = [side.model_copy(update={"drawn": fact}) for side, fact in zip(sample.sides, facts, strict=False)]
    return sample.model_copy(update={"sides": sides})


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            (drawn("native"), drawn("native", first=0.3)),
            "First mask and first rows are the same, first numbers are not.",
        ),
        (
            (drawn("native"), drawn("native", first=0.3, mask=(False,), rows=(5,))),
            "The same seed is not the same numbers.",
        ),
        ((drawn("native"), drawn("native")), "The numbers are the same."),
        ((drawn("native"), drawn("native", seed=1, first=0.3)), "The seeds differ."),
        (
            (drawn("native"), drawn("native", rows=(1, 3), dealt="recorded")),
            "First numbers and first mask are the same, first rows are not.",
        ),
    ],
)
def test_the_note_says_what_the_cells_show(facts: tuple[DrawFact, ...], said: str) -> None:
    result = result_of(*facts)
    assert draws.known(result)
    assert draws.note(result).startswith(said)
    cells = draws.rows(result)
    assert len(cells) == 2
    assert cells[0][2:] == ("0.2500, 0.5000, 0.7500, ...", "1 0", "3, 1")
    assert ("(parity's)" in cells[1][4]) is (facts[1].dealt == "recorded"), (
        "rows that a program has no order of its own for"
    )
    assert draws.title(result) in markdown.to_markdown(result)


def test_nothing_is_shown_where_all_numbers_are_recorded() -> None:
    for facts in ((drawn("recorded"), drawn("recorded")), (None, None)):
        result = result_of(*facts)
        assert not draws.known(result)
        assert "gave first" not in markdown.to_markdown(result)
