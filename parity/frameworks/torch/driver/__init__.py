"""What runs PyTorch programs, in a worker: the only code of parity that imports the framework."""
