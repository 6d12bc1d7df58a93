"""Everything a spec can name, by family and name."""

from __future__ import annotations

from parity.activations import Activation
from parity.constraints import Constraint
from parity.entries import Entry, discover
from parity.initializers import Initializer
from parity.losses import Loss
from parity.metrics import Metric
from parity.ops import Op
from parity.optimizers import Optimizer
from parity.regularizers import Regularizer
from parity.schedules import Schedule

OPS: dict[str, type[Op]] = discover(Op, "parity.ops")
ACTIVATIONS: dict[str, type[Activation]] = discover(Activation, "parity.activations")
INITIALIZERS: dict[str, type[Initializer]] = discover(Initializer, "parity.initializers")
LOSSES: dict[str, type[Loss]] = discover(Loss, "parity.losses")
OPTIMIZERS: dict[str, type[Optimizer]] = discover(Optimizer, "parity.optimizers")
SCHEDULES: dict[str, type[Schedule]] = discover(Schedule, "parity.schedules")
REGULARIZERS: dict[str, type[Regularizer]] = discover(Regularizer, "parity.regularizers")
CONSTRAINTS: dict[str, type[Constraint]] = discover(Constraint, "parity.constraints")
METRICS: dict[str, type[Metric]] = discover(Metric, "parity.metrics")

FAMILIES: dict[str, dict[str, type[Entry]]] = {
    "op": dict(OPS),
    "activation": dict(ACTIVATIONS),
    "initializer": dict(INITIALIZERS),
    "loss": dict(LOSSES),
    "optimizer": dict(OPTIMIZERS),
    "schedule": dict(SCHEDULES),
    "regularizer": dict(REGULARIZERS),
    "constraint": dict(CONSTRAINTS),
    "metric": dict(METRICS),
}
"""Family to entries by name."""
