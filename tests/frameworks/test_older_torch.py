"""What older versions of PyTorch do not have: optimizers without hooks are watched all the same."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from parity.frameworks.torch.driver.older import watched_steps  # noqa: E402


class WithoutHooks:
    """An optimizer as PyTorch had it before 2.0, which counts its steps."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    def step(self, closure: Any = None) -> str:
        self.taken.append(closure)
        return "loss"


def optimizers() -> list[Any]:
    weight = torch.nn.Parameter(torch.ones(1))
    weight.grad = torch.ones(1)
    return [WithoutHooks(), torch.optim.SGD([weight], lr=0.1)]


@pytest.mark.parametrize("optimizer", optimizers(), ids=["before 2.0", "with hooks"])
def test_a_step_is_seen_before_and_behind_and_left_alone_afterwards(optimizer: Any) -> None:
    seen: list[str] = []
    ends = watched_steps(optimizer, lambda *given: seen.append("begun"), lambda *given: seen.append("ended"))
    optimizer.step()
    assert seen == ["begun", "ended"]
    for end in ends:
        end.remove()
    optimizer.step()
    assert seen == ["begun", "ended"], "nobody looks any more"


def test_a_closure_can_be_put_in_the_place_of_another() -> None:
    optimizer = WithoutHooks()

    def begun(one: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        return given[:1], {**named, "closure": "other"}

    (end,) = watched_steps(optimizer, begun, lambda: None)
    assert optimizer.step("its own") == "loss"
    end.remove()
    optimizer.step("its own")
    assert optimizer.taken == ["other", "its own"]
