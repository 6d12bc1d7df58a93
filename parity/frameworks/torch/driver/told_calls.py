"""What a script does beside its steps, told as it is called: gradients clipped, schedulers made and stepped."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from parity.frameworks.torch.driver.older import Scheduler

if TYPE_CHECKING:
    from parity.frameworks.torch.driver.seen import SeenLoop

Put = Callable[[Any, str, Any], None]
"""Puts something in the place of an attribute, for a time."""


def put_clips(seen: SeenLoop, put: Put) -> None:
    """See how gradients are clipped."""
    for name in ("clip_grad_norm_", "clip_grad_value_"):
        run = getattr(nn.utils.clip_grad, name)

        def clipped(parameters: Any, *args: Any, run: Any = run, name: str = name, **kwargs: Any) -> Any:
            return seen.clipped(run, name, parameters, *args, **kwargs)

        put(nn.utils.clip_grad, name, clipped)
        put(nn.utils, name, clipped)


def put_schedulers(seen: SeenLoop, put: Put) -> None:
    """See every class of schedulers: each may have a ``step`` of its own."""
    kinds = [one for one in vars(torch.optim.lr_scheduler).values() if isinstance(one, type)]
    for kind in dict.fromkeys(kinds):
        if not issubclass(kind, Scheduler | ReduceLROnPlateau):
            continue
        for name, told in (("__init__", seen.schedules), ("step", seen.schedule)):
            run = vars(kind).get(name)
            if run is not None:

                def stands(scheduler: Any, *args: Any, run: Any = run, told: Any = told, **kwargs: Any) -> Any:
                    return told(run, scheduler, *args, **kwargs)

                put(kind, name, functools.wraps(run)(stands))
