"""Which package has Keras 2 here: ``keras`` where that is 2.15 or before, else ``tf_keras``."""

from __future__ import annotations

import importlib
import importlib.metadata
from contextlib import suppress
from typing import Any


def _module() -> Any:
    with suppress(importlib.metadata.PackageNotFoundError):
        if importlib.metadata.version("keras").startswith("2."):
            return importlib.import_module("keras")
    return importlib.import_module("tf_keras")


keras = _module()

LEGACY = not hasattr(keras.optimizers.SGD, "update_step")
"""Whether its optimizers are those before 2.11, which keep slots by the variable and not in lists."""

RANDOM = type(keras.layers.Dropout(0.5)._random_generator)
"""What its layers draw from."""

DROPOUT, NORMAL = RANDOM.dropout, RANDOM.random_normal
"""The same as it is before the harness's own takes its place."""
