"""Keras 3 on its PyTorch backend: Keras's layers and optimizers, PyTorch's kernels and gradients."""

from __future__ import annotations

from dataclasses import replace

from parity.frameworks import Framework, Hole
from parity.frameworks.keras import LACKS, WORDS
from parity.frameworks.torch import CPU

SOFTPLUS = "keras.ops.logaddexp(_0, keras.ops.zeros_like(_0))"
"""By itself Keras's own cuts off at 20 on PyTorch, where log1p(exp(-x)) is 2e-9."""

FRAMEWORK = Framework(
    name="keras_torch",
    title="Keras on PyTorch",
    packages=("keras", "torch", "numpy"),
    modules=("keras", "torch"),
    releases={"keras": ("3", ""), "torch": ("1.13", "")},
    install="keras torch",
    extra="keras-torch",
    on_a_gpu="pip install torch from https://download.pytorch.org/whl/, a build with CUDA",
    builds={"torch": CPU},
    falls_back="keras",
    words=replace(WORDS, functions={**WORDS.functions, "softplus": SOFTPLUS}),
    native={"numerics": {"tf32": "convolutions", "deterministic": False}},
    environment={"KERAS_BACKEND": "torch"},
    imports_late=("torch._dynamo", "tensorflow"),
    carries_masks=True,
    penalises_outputs=True,
    why_moved="as the Keras program on TensorFlow needs them",
    lacks={
        "numerics.channels_last": LACKS["numerics.channels_last"],
        "numerics.compile": Hole(fix="leave it out"),
    },
)
