"""What recurrent layers share in the frameworks: an entry says its cell, its gates and its states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from parity.code import (
    Helper,
    KerasCode,
    Site,
    TensorFlowCode,
    TorchCode,
    TorchWeight,
    call,
)
from parity.entries import Shape
from parity.ops.cell import Calls, worded
from parity.ops.recurrent_module import BY_GATE, ONE_BIAS, left_alone, written
from parity.ops.stepped import Stepped


class Recurrent(Stepped):
    """Base of the recurrent layers, as Keras, raw TensorFlow and PyTorch have them."""

    keras_penalised: ClassVar[Helper | None] = None
    """What stands for Keras's own layer where that takes an ``activity_regularizer`` and does nothing with it."""

    # ------------------------------------------------------------------------------------------- Keras

    def keras_fits(self) -> bool:
        """Return whether Keras's own layer means it; how many biases it has not got is the same to all."""
        return self.natives["keras"].fits(self) or self.biases() == 0

    def keras_told(self) -> dict[str, str | None]:
        """Return the source of the activations, None where they are Keras's own defaults."""
        return {
            field: None if one == type(self).model_fields[field].default else one.keras()
            for field, one in self.activations().values()
        }

    def keras_own(self, shape: Shape, name: str | None = None, **more: str) -> str:
        """Return the source of the layer.

        Args:
            shape: of what it reads.
            name: source of its name, None where that is Keras's to choose.
            more: the source of activations that are not written as the fields are.
        """
        own = self.natives["keras"]
        cell, penalty = self._keras_parameters(shape) | self.keras_told() | more, self.keras_penalty()
        if self.keras_fits():
            called = self.keras_penalised.name if penalty and self.keras_penalised else ""
            return own.source(self, name_=called, **cell, activity_regularizer=penalty,
                              trainable=self.keras_trainable(), name=name)  # fmt: skip
        beside = {"return_sequences": None, "go_backwards": None, "use_bias": None}
        # A layer around a cell does not tell it so (docs/findings.md).
        frozen = self.keras_trainable()
        made = own.source(self, name_=f"TwoBias{own.title}Cell", **cell, **beside, trainable=frozen)
        said = {name: "True" if getattr(self, name) else None for name in ("return_sequences", "go_backwards")}
        return call("keras.layers.RNN", made, **said, activity_regularizer=penalty, trainable=frozen, name=name)

    def keras_helpers(self) -> tuple[Helper, ...]:
        """Return what the layer's source calls."""
        own = () if self.keras_fits() else (self.keras_cell(),)
        penalised = (self.keras_penalised,) if not own and self.activity() and self.keras_penalised else ()
        return (*self.activation_helpers("keras"), *own, *penalised)

    def keras_cell(self) -> Helper:
        """Return the cell where Keras's own means something else."""
        raise TypeError(f"{type(self).__name__} is Keras's own")

    def activation_helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return what the sources of the activations call."""
        return tuple(helper for _, one in self.activations().values() for helper in one.helpers(framework))

    def keras(self, site: Site) -> KerasCode:
        places = {name: f"cell.{name}" for name in self.parameters(site.input_shape)}
        layer = self.keras_own(site.input_shape, repr(site.name))
        return KerasCode(layer=layer, helpers=self.keras_helpers(), weights=places)

    # ------------------------------------------------------------------------------------------ TensorFlow

    def lines(self, framework: str, names: dict[str, str], split: str, module: str = "") -> list[str]:
        """Return the cell in a framework's words.

        Args:
            framework: whose program it is.
            names: what its names are written as.
            split: how its last axis is cut, ``{}`` standing for the tensor.
            module: what its activations are attributes of; empty where they are written as functions.
        """
        calls: dict[str, Any] = {"split": lambda z: split.format(z)}
        for name, (field, one) in self.activations().items():
            calls[name] = (lambda z, field=field: f"{module}.{field}({z})") if module else one.tensorflow
        said: Calls = calls
        return worded(self.step(), {"x": "step", **names}, said)

    def tensorflow_loop(self, steps: str, names: dict[str, str], seen: str = "") -> list[str]:
        """Return the statements of a loop over the steps; the last one is the output, without ``return``.

        Args:
            steps: source of a list of them.
            names: what the parameters are called.
            seen: source of a list of their masks, (N, 1); empty where all of them count.
        """
        states = " = ".join(self.states)
        lines = self.lines("tensorflow", names, f"tf.split({{}}, {len(self.gates)}, axis=1)")
        lines = left_alone(self.states, lines, "tf.where") if seen else lines
        lines += ["outputs.append(h)"] if self.return_sequences else []
        each = f"step, seen in zip({steps}, {seen})" if seen else f"step in {steps}"
        return [
            f"{states} = tf.zeros((tf.shape(x)[0], {self.units}), x.dtype)",
            *(["outputs = []"] if self.return_sequences else []),
            f"for {each}:",
            *(f"    {line}" for line in lines),
            "tf.stack(outputs, axis=1)" if self.return_sequences else "h",
        ]

    def says(self) -> str:
        """Return in words what a method of raw TensorFlow is."""
        gates = f", gates {' '.join(self.gates)}" if len(self.gates) > 1 else ""
        gives = "every state" if self.return_sequences else "the last state"
        return f"{self.units} units{gates}; {gives}{', from the end' if self.go_backwards else ''}."

    def tensorflow(self, site: Site) -> TensorFlowCode:
        names = {name: f"self.{site.name}_{name}" for name in self.parameters(site.input_shape)}
        steps, seen = "tf.unstack(x, axis=1)", "tf.unstack(mask[:, :, None], axis=1)"
        if self.go_backwards:
            steps, seen = f"reversed({steps})", f"reversed({seen})"
        *lines, last = self.tensorflow_loop(steps, names, seen if any(site.masked) else "")
        return TensorFlowCode(
            body=(*(self.tensorflow_dropped() if self.draws else ()), *lines, f"return {last}"), doc=self.says(),
            training=self.draws, helpers=(*self.activation_helpers("tensorflow"), *self.products("tensorflow")),
        )  # fmt: skip

    def tensorflow_dropped(self, by_step: bool = False) -> tuple[str, ...]:
        """Return the statements that drop what it drops of ``x``, or say what each gate keeps.

        Args:
            by_step: what is read is not ``x`` but a list of its steps, ``steps``.
        """
        if self.recurrent_dropout:
            ones = {"x": "tf.ones_like(x[:, 0])", "h": f"tf.ones((tf.shape(x)[0], {self.units}), x.dtype)"}
            return tuple(
                f"{name}_kept = [tf.nn.dropout({ones[name]}, rate={rate!r}) if training else {ones[name]} "
                f"for _ in range({len(self.gates)})]"
                for name, rate in (("x", self.dropout), ("h", self.recurrent_dropout)) if rate
            )  # fmt: skip
        first = "if training:  # the same features at every step"
        if by_step:
            kept = f"    kept = tf.nn.dropout(tf.ones_like(steps[0]), rate={self.dropout!r})"
            return first, kept, "    steps = [step * kept for step in steps]"
        return first, f"    x = x * tf.nn.dropout(tf.ones_like(x[:, :1]), rate={self.dropout!r})"

    def products(self, framework: str) -> tuple[Helper, ...]:
        """Return the function that the products of gates with masks of their own call."""
        return (BY_GATE[framework],) if f"{BY_GATE[framework].name}(" in self.step() else ()

    # --------------------------------------------------------------------------------------------- PyTorch

    def torch_fits(self, masked: bool = False) -> bool:
        """Return whether PyTorch's own module means it; it keeps two biases apart, which a constraint holds as one."""
        return (
            not (masked or self.recurrent_dropout)
            and self.natives["torch"].fits(self) and (self.biases() < 2 or self.bias_constraint is None)
        )  # fmt: skip

    def in_parts(self, framework: str, masked: bool) -> tuple[str, ...]:
        return ("bias",) if framework == "torch" and self.biases() == 2 and self.torch_fits(masked) else ()

    def torch_module(self, features: int, masked: bool = False, **more: str) -> tuple[str, tuple[Helper, ...]]:
        """Return the source of the module, and what it calls.

        Args:
            features: size of the last axis of what it reads.
            masked: it is given a mask, too.
            more: the source of further arguments of PyTorch's own.
        """
        if self.torch_fits(masked):
            made = self.natives["torch"].source(self, input_size=repr(features), batch_first="True", **more)
            return (made, ()) if self.biases() != 1 else (f"{ONE_BIAS.name}({made})", (ONE_BIAS,))
        written = self._written_out(masked)
        told = [one.torch(-1) or "nn.Identity()" for _, one in self.activations().values()]
        rates = {name: repr(getattr(self, name)) for name in ("dropout", "recurrent_dropout") if self.recurrent_dropout}
        helpers = (*self.activation_helpers("torch"), *self.products("torch"), written)
        return call(written.name, features, self.units, *told, **rates), helpers

    def torch_weights(self, name: str, shape: Shape, masked: bool = False) -> dict[str, TorchWeight]:
        """Return where the parameters are kept.

        Args:
            name: attribute of the module.
            shape: of what it reads.
            masked: it is given a mask, too.
        """
        parameters = self.parameters(shape)
        if not self.torch_fits(masked):
            return {one: TorchWeight(attribute=f"{name}.{one}") for one in parameters}
        found = {
            one: replace(place, blocks=self.order)
            for one, place in self.natives["torch"].kept_at(name, parameters).items()
        }
        if self.biases() == 2:
            found["bias"] = replace(found["bias"], beside=(f"{name}.bias_hh_l0",))
        return found

    def torch_called(self, module: str, masked: bool = False) -> tuple[str, tuple[int, ...]]:
        """Return the expression of the states at every step, and which part of what the module gives they are."""
        outside = self.draws and not self.recurrent_dropout
        x = f"x * {module}_dropout(torch.ones_like(x[:, :1]))" if outside else "x"
        x = (f"({x}).flip(1)" if outside else f"{x}.flip(1)") if self.go_backwards else x
        if masked:
            return f"{module}({x}, {'mask.flip(1)' if self.go_backwards else 'mask'})", ()
        return (f"{module}({x})[0]", (0,)) if self.torch_fits() else (f"{module}({x})", ())

    def torch(self, site: Site) -> TorchCode:
        masked = any(site.masked)
        module, helpers = self.torch_module(site.input_shape[-1], masked)
        forward, part = self.torch_called(f"self.{site.name}", masked)
        if not self.return_sequences:
            forward, part = f"{forward}[:, -1]", (*part, -1)
        outside = self.draws and not self.recurrent_dropout
        dropping = {f"{site.name}_dropout": f"nn.Dropout({self.dropout!r})"} if outside else {}
        return TorchCode(
            modules={**dropping, site.name: module}, forward=forward, output=site.name, part=part, helpers=helpers,
            weights=self.torch_weights(site.name, site.input_shape, masked),
            comment="drops the same features at every step" if outside else "",
        )  # fmt: skip

    def _written_out(self, masked: bool) -> Helper:
        """Return the module where PyTorch has none."""
        own, rows = self.natives["torch"].title, self.biases()
        names = {one: f"self.{one}" for one in self.started}
        dropping = "" if not self.recurrent_dropout else "Dropping" if self.dropout else "StateDropping"
        lines = self.lines("torch", names, f"torch.chunk({{}}, {len(self.gates)}, dim=1)", "self")
        other = f"nn.{own} knows no masks" if masked else f"nn.{own} is another cell"
        other = f"nn.{own} drops nothing of the state" if self.recurrent_dropout else other
        return written(
            f"{'Masked' if masked else ''}{dropping}{['Unbiased', 'Plain', 'TwoBias'][rows]}{own}{self.variant()}",
            doc=f"{self.equation()}; {'a masked step leaves the state; ' if masked else ''}{other}.",
            activations=[field for field, _ in self.activations().values()], states=self.states,
            gates=len(self.gates), biases=rows, masked=masked,
            drops=("x", "h") if dropping == "Dropping" else ("h",) if dropping else (),
            lines=left_alone(self.states, lines, "torch.where") if masked else lines,
        )  # fmt: skip

    def variant(self) -> str:
        """Return a suffix of the written-out module's name for another cell of the same kind."""
        return ""

    def equation(self) -> str:
        """Return the cell in a line."""
        raise TypeError(f"{type(self).__name__} has no meaning")
