"""Everything a spec can name, by family and name."""

from __future__ import annotations

from collections.abc import Mapping

from parity.activations import Activation
from parity.constraints import Constraint
from parity.discovery import discover
from parity.entries import Entry
from parity.initializers import Initializer
from parity.losses import Loss
from parity.metrics import Metric
from parity.ops import Op
from parity.optimizers import Optimizer
from parity.regularizers import Regularizer
from parity.schedules import Schedule

OPS: Mapping[str, type[Op]] = discover(Op, "parity.ops")
ACTIVATIONS: Mapping[str, type[Activation]] = discover(Activation, "parity.activations")
INITIALIZERS: Mapping[str, type[Initializer]] = discover(Initializer, "parity.initializers")
LOSSES: Mapping[str, type[Loss]] = discover(Loss, "parity.losses")
OPTIMIZERS: Mapping[str, type[Optimizer]] = discover(Optimizer, "parity.optimizers")
SCHEDULES: Mapping[str, type[Schedule]] = discover(Schedule, "parity.schedules")
REGULARIZERS: Mapping[str, type[Regularizer]] = discover(Regularizer, "parity.regularizers")
CONSTRAINTS: Mapping[str, type[Constraint]] = discover(Constraint, "parity.constraints")
METRICS: Mapping[str, type[Metric]] = discover(Metric, "parity.metrics")

FAMILIES: Mapping[str, Mapping[str, type[Entry]]] = {
    "op": OPS,
    "activation": ACTIVATIONS,
    "initializer": INITIALIZERS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "regularizer": REGULARIZERS,
    "constraint": CONSTRAINTS,
    "metric": METRICS,
}
"""Family to entries by name."""
