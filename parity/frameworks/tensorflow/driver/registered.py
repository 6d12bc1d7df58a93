"""What TensorFlow keeps for good of every graph with a gradient of its own, or with a function of Python's in it."""

from __future__ import annotations

from tensorflow.python.framework import ops


def forget_graphs() -> None:
    """Let go of the graphs of programs that are closed, which TensorFlow keeps, and each by it the whole program.

    Each call of ``tf.custom_gradient`` in a graph registers a gradient (``ops/custom_gradient.py``), which is looked up
    while gradients are added to the graph; each ``tf.numpy_function`` is kept by the outermost graph
    (``ops/script_ops.py``). Without this, a worker that opens one program after another keeps all of them, and looks
    through all of them at each.
    """
    registered: dict[str, object] = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    for name in [one for one in registered if one.startswith("CustomGradient-")]:
        del registered[name]
    functions: list[object] = getattr(ops.get_default_graph(), "_py_funcs_used_in_graph", [])
    functions.clear()
