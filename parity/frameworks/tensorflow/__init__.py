"""raw TensorFlow."""
