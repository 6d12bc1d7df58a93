"""What runs Keras programs, in a worker: the only code of parity that imports the framework."""
