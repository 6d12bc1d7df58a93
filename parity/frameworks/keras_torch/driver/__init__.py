"""What runs programs of Keras on PyTorch, in a worker."""

import os

os.environ["KERAS_BACKEND"] = "torch"
