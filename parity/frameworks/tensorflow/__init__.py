"""Raw TensorFlow: variables, functions and a tape."""

from __future__ import annotations

from parity.frameworks import Build, Framework, Hole, Words

LACKS = {
    "numerics.tf32": Hole(
        why="raw TensorFlow has one switch for all products", fix="say true or false", values=("convolutions",)
    ),
    "numerics.matmul_precision": Hole(why="raw TensorFlow has no such setting", fix="leave it out, or say tf32"),
    "numerics.channels_last": Hole(
        why="in raw TensorFlow tensors lie in memory as their layers' data_format says", fix="leave it out"
    ),
}

WORDS = Words(
    prefix="tf.",
    functions={
        "all": "tf.reduce_all", "any": "tf.reduce_any", "concatenate": "tf.concat",
        "every_step": "tf.ones((tf.shape(_0)[0], *_1), tf.bool)", "ceil": "tf.math.ceil",
        "clip": "tf.clip_by_value", "erf": "tf.math.erf", "erfc": "tf.math.erfc", "expit": "tf.sigmoid",
        "softplus": "tf.math.softplus", "expm1": "tf.math.expm1", "log": "tf.math.log", "log1p": "tf.math.log1p",
        "log_sigmoid": "tf.math.log_sigmoid", "log_softmax": "tf.nn.log_softmax",
        "mean": "tf.reduce_mean",
        "piece": "tf.constant(_2, _0.dtype)[tf.reduce_sum(tf.cast(_0 > _1, tf.int32))]",
        "picked": "tf.gather(_0, _1, batch_dims=_1.shape.rank)", "power": "tf.pow", "sum": "tf.reduce_sum",
        "weight_of": "tf.gather(tf.constant(_1, _0.dtype), _2)", "width": "_0.shape[-1]",
        "xlogx": "tf.math.xlogy(_0, _0)",
        "where_number": "tf.where(tf.logical_not(_0), _2, _1)",  # A number that stands first is taken for a float32.
    },
)  # fmt: skip

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
"""Warnings, and nothing of what its kernels are made of."""

FRAMEWORK = Framework(
    name="tensorflow",
    title="raw TensorFlow",
    packages=("tensorflow", "numpy"),
    modules=("tensorflow",),
    install="tensorflow",
    extra="tensorflow",
    on_a_gpu="pip install 'tensorflow[and-cuda]'",
    builds={"tensorflow": Build(package="tensorflow-cpu")},
    documentation={"tf.": "https://www.tensorflow.org/api_docs/python/{path}"},
    files="tensorflow/python/",
    other_names=("tf",),
    words=WORDS,
    scalars=WORDS,
    native={"training": {"shuffle": False}, "numerics": {"tf32": True, "deterministic": False}},
    lacks=LACKS,
    masks_under_a_compiler=False,
    why_moved="TensorFlow on a CPU wants channels last",
    takes_in_order=True,
    sees_inputs=False,  # A function's input cannot be told from its other arguments.
    environment=QUIET,
    forks_of="keras",
)
