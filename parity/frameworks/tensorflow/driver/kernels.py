"""TensorFlow's kernels, which it makes for each kind of operation, and lets go of wherever a generator is seeded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.python import pywrap_tfe

CLEAR = "TFE_ContextClearCaches"
"""What ``tf.random.set_seed`` and Keras's ``clear_session`` call."""


@contextmanager
def kept_kernels() -> Iterator[None]:
    """Within it, seeding a generator and clearing a Keras session leave the kernels that there are.

    Those of random operations hold how far their own generators are: whoever opens a program that draws must let go of
    them. All others compute the same, and to make each anew takes half of the time of opening a small program. Kernels
    of a function go with it.
    """
    clear = getattr(pywrap_tfe, CLEAR)
    setattr(pywrap_tfe, CLEAR, lambda context: None)
    try:
        yield
    finally:
        setattr(pywrap_tfe, CLEAR, clear)
