"""What of ``numerics`` a framework has no word for, and what of it provably does nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.errors import Fault
from parity.frameworks import frameworks
from parity.spec.faults import Loc, Where
from parity.spec.sections import Config

HIDDEN = ("tf32", "matmul_precision", "mixed_precision", "loss_scale")
"""Fields that act on float32 tensors only: a step in float64 computes the same with them and without."""


def kept_bits(config: Config, gpus: bool) -> int:
    """Return the bits of a float32 number that products keep of their factors, at most, in the coarsest of them.

    Those of TF32, which is of GPUs, and of float16 are 10, those of bfloat16 are 7; a GPU may keep all 23 where it is
    only allowed to drop some.

    Args:
        config: of the side.
        gpus: whether the machine may have a GPU.
    """
    asked = config.numerics
    if asked.mixed_precision == "bfloat16" or asked.matmul_precision == "medium":
        return 7
    tf32 = asked.tf32 and _on_a_gpu(config, gpus)
    return 10 if asked.mixed_precision or asked.matmul_precision == "high" or tf32 else 23


def _on_a_gpu(config: Config, gpus: bool) -> bool:
    """Return whether a side may run on a GPU."""
    return gpus and config.numerics.device != "cpu"


def hidden_differences(a: Config, b: Config, gpus: bool) -> list[str]:
    """Return the paths at which two configs differ so that no step in float64 shows it.

    Args:
        a: first side's config.
        b: second side's config.
        gpus: whether the machine may have a GPU.
    """
    return [
        f"numerics.{field}"
        for field in HIDDEN
        if getattr(a.numerics, field) != getattr(b.numerics, field) and not numerics_reason(field, a, b, gpus)
    ]


def unsaid_by(framework: str, config: Config) -> dict[str, tuple[str, str]]:
    """Return the fields of ``numerics`` whose value a framework cannot be told: why, and what to do.

    Args:
        framework: that is to run it.
        config: of the side.
    """
    asked, known = config.numerics, frameworks()[framework]
    found = {}
    for path, hole in known.lacks.items():
        section, _, field = path.partition(".")
        if section == "numerics":
            value, default = getattr(asked, field), type(asked).model_fields[field].default
            if value in hole.values if hole.values else value != default:
                found[field] = (hole.why or f"{known.title} does not have it yet", hole.fix)
    if asked.mixed_precision is not None and any(op.activity() is not None for op in config.model.layers):
        found["mixed_precision"] = (
            "an activity_regularizer in mixed precision is not there yet, whose penalty would be a number of few bits",
            "leave one of them out",
        )
    drawn = config.training.random == "recorded" and any(op.draws for op in config.model.layers)
    if asked.compile and drawn and not known.masks_under_a_compiler:
        found["compile"] = (
            f"{known.title} compiles with XLA, which cannot take dropout masks from outside the step, where recorded "
            "ones come from",
            "say training.random: native",
        )
    return found


def numerics_faults(framework: str, config: Config, where: Where, changes: Mapping[str, Any], loc: Loc) -> list[Fault]:
    """Return the faults of what a framework cannot be told.

    Args:
        framework: that is to run it.
        config: of the side.
        where: knows the lines.
        changes: of the side, for the one that made it so.
        loc: their place.
    """
    faults = []
    for field, (why, fix) in unsaid_by(framework, config).items():
        path = f"numerics.{field}"
        at: Loc = (*loc, path) if path in changes else ("numerics", field)
        value = getattr(config.numerics, field)
        faults.append(where.fault(at, f"{str(value).lower()}; {why}", fix=fix))
    return faults


def numerics_reason(field: str, a: Config, b: Config, gpus: bool) -> str:
    """Return why a difference in ``numerics`` does nothing, empty where it may do something.

    Args:
        field: that differs.
        a: first side's config.
        b: second side's config.
        gpus: whether the machine may have a GPU.
    """
    both = (a.numerics, b.numerics)
    if field == "loss_scale" and all(one.mixed_precision != "float16" for one in both):
        return "only float16 scales the loss"
    if field == "device" and not gpus and all(one.device in ("auto", "cpu") for one in both):
        return "there is no GPU here: both run on the CPU"
    if field == "tf32" and not any(_on_a_gpu(one, gpus) for one in (a, b)):
        return "TensorFloat-32 is of GPUs, and both run on the CPU"
    return ""
