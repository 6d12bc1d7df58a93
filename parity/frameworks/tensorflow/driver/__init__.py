"""What runs raw TensorFlow programs, in a worker: the only code of parity that imports the framework."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
