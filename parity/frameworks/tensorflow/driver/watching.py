"""Steps of TensorFlow as they are watched: which tensors they report, and how they are steered."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from itertools import count
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.on_device import lying
from parity.frameworks.tensorflow.driver.repeats import taken
from parity.frameworks.tensorflow.driver.scales import scale_of, scaled_again, unscaled
from parity.frameworks.tensorflow.driver.tensors import (
    Lies,
    Pairs,
    Taps,
    host,
    reached,
    shown,
    unconverted,
    watch_calls,
)
from parity.run.driver.base import Driver
from parity.run.driver.layouts import View
from parity.run.driver.objects import restore
from parity.run.driver.programs import loss_told
from parity.run.driver.scaled import Scaled
from parity.run.probe import Guide, Probe, see_all

Took = TypeVar("Took")


def this_call(view: View) -> Callable[[], bool]:
    """Return what says at each call of a layer whether that is the one to be seen."""
    wanted, numbers = view.output.get("call"), count()
    return lambda: wanted is None or next(numbers) == wanted


class TensorFlowWatching(Scaled, Driver):
    """The part of TensorFlow's and Keras's drivers that takes steps and looks at what they compute."""

    attempted = False

    def attempt(self, take: Callable[[], Took]) -> Took:
        """Return what a step gives, deterministic as far as its operations can be; the first one shows that."""
        first, self.attempted = not self.attempted, True
        # On a CPU only XLA refuses an operation, before anything is computed.
        moved = self._variables_moved() if first and self.gpu is not None else []
        return taken(take, moved, self._without)

    def _variables_moved(self) -> list[Any]:
        return [*self.model.variables, *getattr(self.optimizer, "variables", ())]

    def _without(self, operation: str) -> None:
        """Take note of an operation that has no deterministic form, and trace the steps anew."""
        self.undetermined.append(operation)
        self.__dict__.pop("_traced", None)
        plain = getattr(self.train_step, "python_function", None)
        if plain is not None:
            self.train_step = tf.function(plain, jit_compile=self.train_step._jit_compile)

    def watched(self, x: np.ndarray, y: np.ndarray, probe: Probe, signals: bool, guide: Guide | None) -> float:
        """Take a step in a graph with its tensors as outputs; eagerly where a guide steers it."""
        if guide is not None:
            return self._guided(x, y, probe, guide)
        batch, more = self._batch(x, y)

        def take() -> tuple[Any, Any]:
            step = self.__dict__.setdefault("_traced", {})
            if signals not in step:
                step[signals] = self._trace(signals)
            return step[signals][0](*batch, **more)

        loss, tensors = self.attempt(take)
        seen = zip(self.__dict__["_traced"][signals][1], tensors, strict=True)
        see_all(probe, [(phase, name, *shown(phase, lying(tensor), lies)) for (phase, name, lies), tensor in seen])
        return float(loss)

    def _trace(self, signals: bool) -> tuple[Any, list[tuple[str, str, Lies]]]:
        """Return the step with its tensors as outputs, and what these are."""
        places: list[tuple[str, str, Lies]] = []
        plain = getattr(self.train_step, "python_function", self.train_step)
        jit, told = getattr(self.train_step, "_jit_compile", None), unconverted(loss_told)

        def step(x: tf.Tensor, y: tf.Tensor, **weights: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
            taps: Taps = []
            undo = self._wrap(taps, signals, None)
            try:
                loss = told(plain(self.model, self.loss_fn, self.optimizer, x, y, **weights))
            finally:
                for restore in reversed(undo):
                    restore()
            places[:] = [(phase, name, lies) for phase, name, _, lies in taps]
            return loss, [tensor for _, _, tensor, _ in taps]

        # A compiled program has no branch or loop that a graph would have to be told of; to look for one takes a fifth
        # of the time of tracing.
        return tf.function(step, jit_compile=jit, autograph=self.by_hand), places

    def _guided(self, x: np.ndarray, y: np.ndarray, probe: Probe, guide: Guide) -> float:
        taps: Taps = []
        undo = self._wrap(taps, True, guide)
        tf.config.run_functions_eagerly(True)
        try:
            loss = self.train(x, y)
        finally:
            tf.config.run_functions_eagerly(False)
            for restore in reversed(undo):
                restore()
        see_all(probe, [(phase, name, *shown(phase, lying(tensor), lies)) for phase, name, tensor, lies in taps])
        return loss

    @unconverted
    def _wrap(self, taps: Taps, signals: bool, guide: Guide | None) -> list[Callable[[], None]]:
        """Let layers and optimizer report what they compute; return what takes that back."""
        undo = [
            self.wrap_layer(self.view(key, out), taps, signals, guide) for key, out in self.bindings["outputs"].items()
        ]
        return [*undo, self.wrap_optimizer(taps, guide)]

    def view(self, key: str, output: dict[str, Any]) -> View:
        """Return how an output is seen, with the activation that the program applies as a function behind it."""
        source = output.get("then")
        if source is None:
            return View(key, output)
        return View(key, output, lambda value: host(eval(source, {"tf": tf, "x": tf.constant(value)})))

    @unconverted
    def tapped(self, view: View, value: tf.Tensor, taps: Taps, signals: bool, guide: Guide | None) -> tf.Tensor:
        """Return a layer's output as it goes on, reported, and so that its gradient will be."""
        taps.append(("forward", view.name, value, view))
        if not signals:
            return value
        given = None if guide is None else view.instead(guide, "forward", host(value))

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def through(one: tf.Tensor) -> Any:
            def backward(gradient: tf.Tensor) -> tf.Tensor:
                if not view.gradients:
                    return gradient
                scale = scale_of(self.scaled_by(), gradient)
                taps.append(("gradient", view.name, unscaled(gradient, scale), view))
                instead = None if guide is None else view.instead(guide, "gradient", host(gradient))
                return gradient if instead is None else scaled_again(tf.constant(instead, gradient.dtype), scale)

            return tf.identity(one) if given is None else tf.constant(given, one.dtype), backward

        return through(value)

    def wrap_layer(self, view: View, taps: Taps, signals: bool, guide: Guide | None) -> Callable[[], None]:
        """Let a layer's method, or the model itself, report its output; return what takes that back."""
        attribute = view.output["attribute"]
        if not attribute:
            return watch_calls(self.model, lambda value: self.tapped(view, value, taps, signals, guide))
        path, _, name = attribute.rpartition(".")
        holder = reached(self.model, path)
        before, method, counted = holder.__dict__.get(name), getattr(holder, name), this_call(view)

        def seen(value: Any) -> Any:
            return self.tapped(view, value, taps, signals, guide) if counted() else value

        if isinstance(method, tf.Module):  # Another object in its place would hide its variables.
            return watch_calls(method, seen)

        def watched(*args: Any, **kwargs: Any) -> Any:
            return seen(method(*args, **kwargs))

        object.__setattr__(holder, name, watched)
        return partial(restore, holder, name, before)

    def wrap_optimizer(self, taps: Taps, guide: Guide | None) -> Callable[[], None]:
        """Let ``apply_gradients`` report what it is given; return what takes that back."""
        optimizer, apply = self.optimizer, self.optimizer.apply_gradients

        def watched(gradients: Any, variables: Any = None, *args: Any, **kwargs: Any) -> Any:
            # Not strict: a program that hands over too few is told by what it leaves where it was.
            pairs = list(gradients) if variables is None else list(zip(gradients, variables, strict=False))
            pairs = self.report_gradients(pairs, taps, guide)
            given = (pairs,) if variables is None else ([gradient for gradient, _ in pairs], variables)
            return apply(*given, *args, **kwargs)

        # What it takes is asked of it: pairs, or gradients and variables.
        object.__setattr__(optimizer, "apply_gradients", wraps(apply)(watched))
        return lambda: object.__delattr__(optimizer, "apply_gradients")

    @unconverted
    def report_gradients(self, pairs: Pairs, taps: Taps, guide: Guide | None) -> Pairs:
        """Report gradients by the canonical names of their variables; return the pairs to go on with."""
        names = {id(self.parameter(name)): name for name in self.trainable()}
        onward = []
        for gradient, variable in pairs:
            name = names.get(id(variable))
            if name is not None and gradient is not None:
                # The slices of an embedding go on as they are: Keras's optimizers treat them otherwise than a tensor.
                whole, axes = tf.convert_to_tensor(gradient), self.out_axes(name)
                row = self.bindings["weights"][name].get("lies")
                scale = scale_of(self.scaled_by(), whole)
                shown = unscaled(whole, scale)
                shown = shown if row is None else tf.reshape(shown, row)
                taps.append(("gradient", name, shown, axes))
                given = guide and guide.instead("gradient", name, shown.shape, axes)
                if given is not None:
                    gradient = scaled_again(tf.reshape(tf.constant(given, whole.dtype), whole.shape), scale)
            onward.append((gradient, variable))
        return onward
