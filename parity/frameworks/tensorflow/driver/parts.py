"""TensorFlow's own parts, told nothing: functions, which keep no state and draw nothing by themselves."""

from __future__ import annotations

import tensorflow as tf

from parity.run.driver.parts import Parts

PARTS = Parts({"tf": tf})
