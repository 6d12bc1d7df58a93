"""parity: one spec, the same training program in Keras, raw TensorFlow and PyTorch, and why two of them part."""

from __future__ import annotations

__version__ = "0.1.0"
