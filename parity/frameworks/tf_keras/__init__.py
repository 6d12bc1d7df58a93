"""Keras 2, as the package ``tf_keras`` has it beside TensorFlow 2.16 and later."""

from __future__ import annotations

from parity.frameworks import Build, Framework, Hole
from parity.frameworks.keras import LACKS as KERAS_LACKS
from parity.frameworks.tensorflow import WORDS

NOT_YET = Hole(fix="leave it out")

LACKS = {**KERAS_LACKS, "numerics.mixed_precision": NOT_YET}

LATER = ("hard_shrink", "hard_silu", "hard_tanh", "log_sigmoid", "soft_shrink", "sparse_plus", "sparse_sigmoid",
         "squareplus", "tanh_shrink")  # fmt: skip
"""Activations that Keras has from 3 on."""

OTHERWISE = (
    "losses.binary_focal_crossentropy", "losses.cosine_similarity", "losses.log_cosh", "ops.adaptive_average_pooling1d",
    "ops.adaptive_average_pooling2d", "ops.multi_head_attention", "ops.rms_norm", "optimizers.lamb", "optimizers.nadam",
)  # fmt: skip
"""Keras 2 has none, or computes another thing by that name; its Nadam counts steps beside the state that it keeps."""

FRAMEWORK = Framework(
    name="tf_keras",
    title="Keras 2 (tf_keras)",
    packages=("tf_keras", "tensorflow", "numpy"),
    modules=("tf_keras", "tensorflow"),
    install="tf_keras",
    extra="tf-keras",
    on_a_gpu="pip install 'tensorflow[and-cuda]'",
    builds={"tensorflow": Build(package="tensorflow-cpu")},
    falls_back="keras",
    files="tf_keras/src/",
    words=WORDS,
    native={"numerics": {"tf32": True, "deterministic": False}},
    lacks=LACKS,
    masks_under_a_compiler=False,
    why_moved="TensorFlow on a CPU wants channels last",
    remembers_logits=True,
    carries_masks=True,
    penalises_outputs=True,
    not_yet=frozenset({*(f"activations.{name}" for name in LATER), *OTHERWISE}),
)
