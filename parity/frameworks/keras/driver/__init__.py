"""What runs Keras programs, in a worker: the only code of parity that imports the framework."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
