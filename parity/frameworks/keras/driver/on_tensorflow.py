"""What is the same in Keras 2 and in Keras 3 on TensorFlow: it imports neither."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from parity.frameworks.keras.driver.either import EitherKeras
from parity.frameworks.tensorflow.driver.driver import TensorFlowDriver
from parity.frameworks.tensorflow.driver.tensors import Taps, host
from parity.frameworks.tensorflow.driver.watching import this_call
from parity.run.driver.layouts import View
from parity.run.driver.objects import restore
from parity.run.probe import Guide
from parity.tensors import itself

MASK, LOGITS = "_keras_mask", "_keras_logits"
"""What a tensor carries: the mask that a layer made, and the logits behind probabilities."""


class KerasOnTensorFlow(EitherKeras, TensorFlowDriver):
    """The part of a Keras driver that knows of TensorFlow, and of no version: layers are wrapped at ``call``."""

    runs_in_float32 = False  # Its layers are made in the worker's float type.

    def computed(self, function: Callable[[Any], Any], value: np.ndarray) -> np.ndarray:
        return host(function(tf.constant(value)))

    @staticmethod
    def losses(model: Any, optimizer: Any, loss: Any) -> tuple[Any, Any]:
        """Return the loss with the layers' own, both times."""
        del optimizer
        whole = sum(model.losses, loss)
        return whole, whole

    def wrap_layer(self, view: View, taps: Taps, signals: bool, guide: Guide | None) -> Callable[[], None]:
        """Let a layer's ``call``, or the model's, report its output, or the logits that Keras remembers behind it."""
        output = view.output
        target, logits = self._part(output["attribute"]), output["point"] == "logits" and view.meaning is None
        # A layer may be seen by what it takes in and by what it puts out: the second wraps the first.
        before, counted = target.__dict__.get("call"), this_call(view)
        call = before or target.call

        def fed(x: Any, *args: Any, **kwargs: Any) -> Any:
            return call(self.tapped(view, x, taps, signals, guide), *args, **kwargs)

        def watched(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            if not counted():
                return value
            carried = {name: one for name in (MASK, LOGITS) if (one := getattr(value, name, None)) is not None}
            if logits and LOGITS in carried:
                carried[LOGITS] = seen = self.tapped(view, carried[LOGITS], taps, signals, guide)
                # A focal loss reads both: made anew, the probabilities are of the logits that were seen.
                again = getattr(target, "activation", None)
                onward = tf.identity(value) if again is None else again(seen)
            else:
                shown = plainly(view) if logits else view
                onward = self.tapped(shown, tf.convert_to_tensor(value), taps, signals, guide)
            for name, one in carried.items():
                setattr(onward, name, one)
            return onward

        object.__setattr__(target, "call", fed if output["point"] == "input" else watched)
        return partial(restore, target, "call", before)


def plainly(view: View) -> View:
    """Return the view of an output that turns out to remember no logits."""
    return View(itself(view.name), {**view.output, "point": "output"}, view.then)
