"""What runs raw TensorFlow programs, in a worker: the only code of parity that imports the framework."""
