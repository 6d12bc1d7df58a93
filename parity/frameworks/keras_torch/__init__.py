"""Keras 3 on its PyTorch backend: Keras's layers and optimizers, PyTorch's kernels and gradients."""

from __future__ import annotations

from parity.frameworks import Framework, Hole
from parity.frameworks.keras import LACKS, WORDS

FRAMEWORK = Framework(
    name="keras_torch",
    title="Keras on PyTorch",
    packages=("keras", "torch", "numpy"),
    modules=("keras", "torch"),
    install="keras torch",
    extra="keras-torch",
    on_a_gpu="pip install torch from https://download.pytorch.org/whl/, a build with CUDA",
    falls_back="keras",
    words=WORDS,
    native={"numerics": {"tf32": "convolutions", "deterministic": False}},
    why_moved="as the Keras program on TensorFlow needs them",
    lacks={
        "numerics.channels_last": LACKS["numerics.channels_last"],
        "numerics.compile": Hole(fix="leave it out"),
    },
)
