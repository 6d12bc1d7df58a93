"""A batch norm of raw TensorFlow told as a layer, with what its running statistics start at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from parity.frameworks.tensorflow.driver.chain import number_of
from parity.run.told import ToldRefusal

if TYPE_CHECKING:
    from parity.frameworks.tensorflow.driver.norm import Norm
    from parity.frameworks.tensorflow.driver.told_graph import TapedGraph

STARTS = {"moving_mean": 0.0, "moving_variance": 1.0}
"""Running statistics, and what each number of them starts at."""

VECTOR = r"(?:gamma|beta|scale|offset|shift|(?:moving|running|pop|population|ema)_?(?:mean|var(?:iance)?)|[gb])"
"""What people call the vectors of a batch norm."""


def normed(graph: TapedGraph, norm: Norm) -> None:
    """Tell a batch norm.

    Args:
        graph: of the program.
        norm: that stands in it.
    """
    trains = {one in graph.trained for one in (norm.gamma, norm.beta) if one is not None}
    needs = norm.fault or ("a batch_norm of which gamma or beta alone is trained" if len(trains) == 2 else "")
    handles = [one for one in (norm.gamma, norm.beta, norm.mean, norm.variance) if one is not None]
    name = next(filter(None, (norm_name(graph.names.get(one, "")) for one in handles)), "batch_norm")
    if needs:
        graph._node(norm.last, "tf.nn.batch_normalization", [norm.x], name, function=True, needs=needs)
        return
    variables = {"gamma_initializer": norm.gamma, "beta_initializer": norm.beta} | {
        "moving_mean": norm.mean, "moving_variance": norm.variance
    }  # fmt: skip
    told: dict[str, Any] = {"momentum": norm.statistics[0].momentum, "epsilon": norm.epsilon}
    told |= {"unbiased_variance": True} if norm.kept("unbiased") is not None else {}
    told |= {"axis": 1} if norm.axis == 1 else {}
    told |= {field: False for field, one in (("scale", norm.gamma), ("center", norm.beta)) if one is None}
    told |= {"freeze_statistics": False} if trains == {False} else {}
    graph._node(norm.last, "batch_norm", [norm.x], name, {key: one for key, one in variables.items() if one}, **told)
    graph.nodes[-1].trainable = trains != {False}


def norm_name(path: str) -> str:
    """Return what the batch norm of a vector is called; empty where its name says nothing.

    Args:
        path: of the vector.

    >>> [norm_name(one) for one in ("bn1.gamma", "net.norm.moving_mean", "gamma", "gamma2", "bn_1_scale", "b3")]
    ['bn1', 'norm', '', 'batch_norm_2', 'bn_1', 'batch_norm_3']
    """
    parts = [one for one in re.split(r"[/.]", path) if one]
    found = re.fullmatch(rf"(.*?)_?{VECTOR}_?(\d*)", parts[-1], re.IGNORECASE) if parts else None
    if found is None:
        return ""
    if found[1] or found[2]:
        return found[1] or f"batch_norm_{found[2]}"
    inner = parts[-2] if len(parts) > 1 else ""
    return "" if inner in ("model", "net", "self") or inner.isdigit() else inner


def tell_statistics(graph: TapedGraph, starts: Mapping[int, Any]) -> list[ToldRefusal]:
    """Return what stands in the way of running statistics, which start where batch_norm's do not.

    Args:
        graph: of the program.
        starts: what each variable starts at.
    """
    found = []
    for node in graph.nodes:
        for field, handle in graph.layers.get(node.name, {}).items():
            start = number_of(starts[handle]) if field in STARTS else None
            if start is not None and not np.all(start == STARTS[field]):
                shown = f"{start.flat[0]:g}" if not np.ptp(start) else "several numbers"
                needs = f"a batch_norm whose {field} does not start at {STARTS[field]:g}"
                what = f"{graph.names.get(handle) or field}, a running statistic that starts at {shown},"
                found.append(ToldRefusal(what=what, place=node.place, needs=needs))
    return found
