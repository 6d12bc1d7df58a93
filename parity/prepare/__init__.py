"""From options to sides that can run: what is installed, devices, forms of targets, programs written by hand."""
