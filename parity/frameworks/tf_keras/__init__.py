"""Keras 2, as the package ``tf_keras`` has it beside TensorFlow 2.16 and later."""

from __future__ import annotations

from dataclasses import replace

from parity.frameworks import Hole
from parity.frameworks.keras import FRAMEWORK as KERAS
from parity.frameworks.tensorflow import QUIET, WORDS

LATER = ("hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "soft_shrink", "sparse_plus", "sparse_sigmoid",
         "squareplus", "tanh_shrink")  # fmt: skip
"""Activations that Keras has from 3 on."""

OTHERWISE = (
    "losses.binary_focal_crossentropy", "losses.cosine_similarity", "losses.log_cosh", "ops.adaptive_average_pooling1d",
    "ops.adaptive_average_pooling2d", "ops.multi_head_attention", "ops.rms_norm", "optimizers.lamb", "optimizers.nadam",
)  # fmt: skip
"""Keras 2 has none, or computes another thing by that name; its Nadam counts steps beside the state that it keeps."""

FRAMEWORK = replace(
    KERAS,
    name="tf_keras",
    title="Keras 2 (tf_keras)",
    packages=("tf_keras", "tensorflow", "numpy"),
    modules=("tf_keras", "tensorflow"),
    releases={},
    install="tf_keras",
    extra="tf-keras",
    falls_back="keras",
    files="tf_keras/src/",
    words=WORDS,
    environment={"TF_USE_LEGACY_KERAS": "1", **QUIET},
    lacks={**KERAS.lacks, "numerics.mixed_precision": Hole(fix="leave it out")},
    not_yet=frozenset({*(f"activations.{name}" for name in LATER), *OTHERWISE}),
    saves_as=(),
)
