"""A side as it is seen from each of its outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, cast

from parity.metrics import Metric, OfOutput, TakenMetric
from parity.metrics.counted import OfCounted

if TYPE_CHECKING:
    from parity.losses import Loss
    from parity.spec.graph import Graph, Layer
    from parity.spec.sections import Config
    from parity.spec.values import Value


class Views:
    """The part of a resolved side that knows about several outputs."""

    if TYPE_CHECKING:
        config: Config
        origins: Mapping[str, str]

        @property
        def graph(self) -> Graph: ...

        @property
        def last(self) -> Layer: ...

    @property
    def outputs(self) -> tuple[Mapping[str, Any], ...]:
        """Return where each of several outputs stands among the numbers of a row; nothing for the only one.

        Predictions and targets of several are kept side by side, as inputs are (:mod:`parity.rows`).
        """
        if len(self.views) == 1:
            return ()
        return tuple(
            {"name": name, "shape": one.last.output_shape, "dtype": "float"} for name, one in self.views.items()
        )

    @property
    def row(self) -> tuple[int, ...]:
        """Return the shape of a row of predictions and targets as the harness keeps it."""
        shapes = [one.last.output_shape for one in self.views.values()]
        return shapes[0] if len(shapes) == 1 else (sum(map(math.prod, shapes)),)

    @cached_property
    def views(self) -> Mapping[str, Self]:
        """Return the side once for each output, as if that were its only one; itself, without a name, of a single one.

        What is asked about an output, its loss, its last activation or its metrics, is asked of its view.
        """
        if not self.config.model.outputs:
            return {"": self}
        return {name: self._view(name, value) for name, value in zip(self.config.model.outputs, self.graph.outputs,
                                                                     strict=True)}  # fmt: skip

    @property
    def forms(self) -> Mapping[str, str | None]:
        """Return the form in which the loss of each output is given its targets; None for the output's shape."""
        return {name: one.config.loss.form(one.config.data.targets) for name, one in self.views.items()}

    def _view(self, name: str, value: Value) -> Self:
        config, measured = self.config, cast(Any, self.config.metrics) or {}
        changes = {"loss": getattr(config.loss, name), "metrics": tuple(measured.get(name, ()))}
        own = f"loss.{name}"
        origins = {
            f"loss{path.removeprefix(own)}" if path == own or path.startswith(f"{own}.") else path: origin
            for path, origin in self.origins.items()
        }
        found: Any = replace(cast(Any, self), config=config.model_copy(update=changes), origins=origins)
        vars(found)["graph"] = replace(self.graph, outputs=(value,))
        vars(found)["views"] = {"": found}
        return cast(Self, found)

    @property
    def weighs(self) -> bool:
        """Return whether the rows of the data have weights, which the loss takes."""
        return self.config.data.sample_weights is not None

    def named(self, path: str, output: str) -> str:
        """Return the path in this side of what a view calls ``loss...`` or ``metrics...``.

        Args:
            path: in the config of a view.
            output: of the view.
        """
        section, dot, rest = path.partition(".")
        return f"{section}.{output}{dot}{rest}" if output and section in ("loss", "metrics") else path

    @property
    def measured(self) -> list[Metric]:
        """Return the metrics, each of predictions and targets as the harness keeps them."""
        if not self.outputs:
            return [_counted(metric, self.config.loss) for metric in self.config.metrics]
        return [
            OfOutput(output=name, metric=_counted(metric, one.config.loss), places=self.outputs)
            for name, one in self.views.items()
            for metric in one.config.metrics
        ]

    def metrics(self) -> list[TakenMetric]:
        """Return what is computed under the names of the metrics; targets have the shape of the outputs."""
        return [metric.taken(self.row, self.row) for metric in self.measured]

    @property
    def formula(self) -> str:
        """Return which loss formula runs, in words; of several outputs, that of each."""
        losses = {
            name: one.config.loss.weighing() if one.weighs else one.config.loss for name, one in self.views.items()
        }
        told = {name: loss.words(self.views[name].graph.ending) for name, loss in losses.items()}
        return told[""] if "" in told else "; ".join(f"{name}: {words}" for name, words in told.items())


def _counted(metric: Metric, loss: Loss) -> Metric:
    """Return a metric of the targets that a loss counts."""
    return metric if loss.ignored is None else OfCounted(metric=metric, ignored=loss.ignored)
