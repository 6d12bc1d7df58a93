"""What older versions of PyTorch do not have: optimizers without hooks are watched all the same."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="module")
def watched_steps() -> Any:
    """What a driver calls: imported where a test asks, as every process of the suite collects this file."""
    pytest.importorskip("torch")
    return importlib.import_module("parity.frameworks.torch.driver.older").watched_steps


class WithoutHooks:
    """An optimizer as PyTorch had it before 2.0, which counts its steps."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def step(self, closure: Any = None) -> str:
        self.taken.append(closure)
        return "loss"


def with_hooks() -> Any:
    torch = importlib.import_module("torch")
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    return torch.optim.SGD([weight], lr=0.1)


@pytest.mark.parametrize("made", [WithoutHooks, with_hooks], ids=["before 2.0", "with hooks"])
def test_a_step_is_seen_before_and_behind_and_left_alone_afterwards(
    made: Callable[[], Any], watched_steps: Any
) -> None:
    optimizer, seen = made(), list[str]()
    ends = watched_steps(optimizer, lambda *given: seen.append("begun"), lambda *given: seen.append("ended"))
    optimizer.step()
    assert seen == ["begun", "ended"]
    for end in ends:
        end.remove()
    optimizer.step()
    assert seen == ["begun", "ended"], "nobody looks any more"


def test_a_closure_can_be_put_in_the_place_of_another(watched_steps: Any) -> None:
    optimizer = WithoutHooks()

    def begun(one: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        return given[:1], {**named, "closure": "other"}

    (end,) = watched_steps(optimizer, begun, lambda: None)
    assert optimizer.step("its own") == "loss"
    end.remove()
    optimizer.step("its own")
    assert optimizer.taken == ["other", "its own"]
