"""The optimizers of the self-test."""

from __future__ import annotations

from typing import Any


def _rate(schedule: Any) -> dict[str, Any]:
    return {"sgd": {"learning_rate": schedule}}


OPTIMIZERS: dict[str, Any] = {
    "sgd": {"sgd": {"learning_rate": 0.05}},
    "momentum": {"sgd": {"learning_rate": 0.05, "momentum": 0.9}},
    "nesterov": {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}},
    "decayed": {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "decay": 0.1}},
    "adam": {"adam": {"learning_rate": 0.01}},
    "adam_after": {"adam": {"learning_rate": 0.01, "epsilon_place": "after_correction"}},
    "adamw": {"adamw": {"learning_rate": 0.01}},
    "adamw_after": {"adamw": {"learning_rate": 0.01, "epsilon_place": "after_correction"}},
    "grouped": {
        "adamw": {
            "learning_rate": 0.01,
            "epsilon_place": "after_correction",
            "weight_decay": 0.5,
            "weight_decay_of": {"*.*bias": 0.0},
            "learning_rate_factor_of": {"out*": 0.1, "*": 1.0},
        }
    },
    "bare": {"adamw": {"learning_rate": 0.01, "weight_decay": 0.5, "weight_decay_of": {"*.*bias": 0.0}}},
    "nadam": {"nadam": {"learning_rate": 0.01}},
    "adadelta": {"adadelta": {"learning_rate": 1.0}},
    "rmsprop": {"rmsprop": {"learning_rate": 0.01}},
    "rmsprop_centered": {"rmsprop": {"learning_rate": 0.01, "momentum": 0.5, "centered": True}},
    "cosine": {"sgd": {"learning_rate": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 10}}}},
    "inverse_time": {
        "adam": {
            "learning_rate": {"inverse_time": {"initial_learning_rate": 0.01, "decay_steps": 2, "decay_rate": 0.5}}
        }
    },
    "amsgrad": {"adam": {"learning_rate": 0.01, "amsgrad": True}},
    "adagrad": {"adagrad": {"learning_rate": 0.05}},
    "adamax": {"adamax": {"learning_rate": 0.01}},
    "ftrl": {"ftrl": {"learning_rate": 0.1, "l1_regularization_strength": 0.001, "l2_regularization_strength": 0.01}},
    "lamb": {"lamb": {"learning_rate": 0.01}},
    "lion": {"lion": {"learning_rate": 0.001}},
    "radam": {"radam": {"learning_rate": 0.01}},
    "clipped_value": {"sgd": {"learning_rate": 0.1, "clipvalue": 0.02}},
    "clipped_norm": {"sgd": {"learning_rate": 0.1, "momentum": 0.5, "clipnorm": 0.1}},
    "clipped_global": {"sgd": {"learning_rate": 0.1, "global_clipnorm": 0.1}},
    "constant": _rate({"constant": {"learning_rate": 0.1, "warmup_steps": 2}}),
    "cosine_restarts": _rate({"cosine_restarts": {"initial_learning_rate": 0.1, "first_decay_steps": 2}}),
    "exponential": _rate({"exponential": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5}}),
    "linear": _rate({"linear": {"learning_rate": 0.1, "total_steps": 4}}),
    "multi_step": _rate({"multi_step": {"initial_learning_rate": 0.1, "milestones": [1, 2]}}),
    "one_cycle": _rate({"one_cycle": {"max_rate": 0.1, "total_steps": 6}}),
    "piecewise": _rate({"piecewise": {"boundaries": [1, 2], "values": [0.1, 0.05, 0.01]}}),
    "polynomial": _rate({"polynomial": {"initial_learning_rate": 0.1, "decay_steps": 3, "power": 2.0}}),
    "step": _rate({"step": {"initial_learning_rate": 0.1, "step_size": 2}}),
}
"""By name."""
