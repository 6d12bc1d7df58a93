"""Keras, on the TensorFlow backend."""

from __future__ import annotations

from parity.frameworks import Build, Framework, Hole, Words
from parity.frameworks.tensorflow import QUIET

LACKS = {
    "numerics.tf32": Hole(
        why="Keras has one switch for all products", fix="say true or false", values=("convolutions",)
    ),
    "numerics.matmul_precision": Hole(why="Keras has no such setting", fix="leave it out, or say tf32"),
    "numerics.channels_last": Hole(
        why="in Keras tensors lie in memory as their layers' data_format says", fix="leave it out"
    ),
}

WORDS = Words(
    prefix="keras.ops.",
    functions={
        "clip": "keras.ops.clip", "erfc": "1.0 - keras.ops.erf(_0)", "expit": "keras.ops.sigmoid",
        "piece": "keras.ops.take(keras.ops.convert_to_tensor(_2, _0.dtype), "
        "keras.ops.sum(keras.ops.cast(_0 > keras.ops.convert_to_tensor(_1, _0.dtype), 'int32')))",
        "picked": "keras.ops.take_along_axis(_0, keras.ops.expand_dims(_1, -1), axis=-1)[..., 0]",
        "weight_of": "keras.ops.take(keras.ops.convert_to_tensor(_1, _0.dtype), _2)", "width": "_0.shape[-1]",
        "xlogx": "_0 * keras.ops.log(keras.ops.where(_0 > 0.0, _0, 1.0))",
    },
)  # fmt: skip

FRAMEWORK = Framework(
    name="keras",
    title="Keras",
    packages=("keras", "tensorflow", "numpy"),
    modules=("keras", "tensorflow"),
    releases={"keras": ("3", "")},
    install="keras tensorflow",
    extra="keras",
    on_a_gpu="pip install 'tensorflow[and-cuda]'",
    builds={"tensorflow": Build(package="tensorflow-cpu")},
    documentation={"keras.": "https://www.tensorflow.org/api_docs/python/tf/{path}"},
    files="keras/src/",
    words=WORDS,
    environment={"KERAS_BACKEND": "tensorflow", **QUIET},
    native={"numerics": {"tf32": True, "deterministic": False}},
    lacks=LACKS,
    masks_under_a_compiler=False,
    why_moved="TensorFlow on a CPU wants channels last",
    remembers_logits=True,
    carries_masks=True,
    penalises_outputs=True,
    saves_as=(".keras", ".h5"),
)
