"""What runs Keras 2 in a worker."""

import os

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
