"""Raw TensorFlow: variables, functions and a tape."""

from __future__ import annotations

from parity.frameworks import Framework, Hole

LACKS = {
    "numerics.tf32": Hole(
        why="raw TensorFlow has one switch for all products", fix="say true or false", values=("convolutions",)
    ),
    "numerics.matmul_precision": Hole(why="raw TensorFlow has no such setting", fix="leave it out, or say tf32"),
    "numerics.channels_last": Hole(
        why="in raw TensorFlow tensors lie in memory as their layers' data_format says", fix="leave it out"
    ),
}

FRAMEWORK = Framework(
    name="tensorflow",
    title="raw TensorFlow",
    packages=("tensorflow", "numpy"),
    modules=("tensorflow",),
    install="tensorflow",
    extra="tensorflow",
    on_a_gpu="pip install 'tensorflow[and-cuda]'",
    other_names=("tf",),
    native={"training": {"shuffle": False}, "numerics": {"tf32": True, "deterministic": False}},
    lacks=LACKS,
    masks_under_a_compiler=False,
    why_moved="TensorFlow convolves and pools channels last on a CPU",
    sees_inputs=False,  # A function's input cannot be told from its other arguments.
)
