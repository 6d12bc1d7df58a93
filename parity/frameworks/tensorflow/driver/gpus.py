"""Where TensorFlow computes."""

from __future__ import annotations

import os

# A worker takes no more of a GPU than it needs: another one, or somebody else's program, may be on it.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

from contextlib import ExitStack
from functools import lru_cache
from typing import Any

import tensorflow as tf

_scope = ExitStack()


@lru_cache(maxsize=1)
def seen_gpus() -> dict[str, Any]:
    """Return the names of the GPUs that TensorFlow sees, and the libraries it was built for."""
    details = [tf.config.experimental.get_device_details(one) for one in tf.config.list_physical_devices("GPU")]
    info = tf.sysconfig.get_build_info()
    built = f"CUDA {info['cuda_version']}, cuDNN {info['cudnn_version']}" if info.get("is_cuda_build") else ""
    names = [str(one.get("device_name", "a GPU")) for one in details]
    return {"names": names, "built": built, "capabilities": [one.get("compute_capability") for one in details]}


def scope(place: str) -> None:
    """Let everything from now on be made and computed at a place, until another one is said.

    Args:
        place: ``cpu``, ``gpu:0`` and so on; ``cpu:1`` where there are several logical ones.
    """
    _scope.close()
    if place != "cpu" or seen_gpus()["names"]:  # Without a GPU there is nothing to choose.
        _scope.enter_context(tf.device(f"/{place}" if ":" in place else f"/{place}:0"))
