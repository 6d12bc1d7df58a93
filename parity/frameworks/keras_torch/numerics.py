"""What ``numerics`` compiles to in Keras on PyTorch: PyTorch's settings, Keras's optimizers."""

from __future__ import annotations

from parity.frameworks.keras.numerics import scaled as scaled
from parity.frameworks.torch.numerics import settings as settings
