"""What runs Keras 2 in a worker."""
