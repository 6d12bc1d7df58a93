"""What runs programs of Keras on PyTorch, in a worker."""
