"""What every emitter does with the fragments that entries give it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from parity.spec.resolve import Layer
from parity.written import Helper, LossCode


def helpers_source(groups: Iterable[tuple[Helper, ...]]) -> tuple[list[str], list[str]]:
    """Return the sources and the imports of helpers, each once."""
    helpers = {helper.name: helper for group in groups for helper in group}
    imports = {line for helper in helpers.values() for line in helper.imports}
    return [helper.source.strip("\n") for helper in helpers.values()], sorted(imports)


def loss_context(code: LossCode) -> dict[str, Any]:
    """Return a loss for the templates."""
    return {"doc": code.doc, "comment": code.comment, "body": "\n".join(code.body)}


def activation_helpers(layers: Iterable[Layer], framework: str) -> list[tuple[Helper, ...]]:
    """Return what the layers' activations call."""
    return [ending.helpers(framework) for layer in layers if (ending := layer.op.ending()) is not None]
