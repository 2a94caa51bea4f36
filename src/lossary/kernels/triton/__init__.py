"""Kernels for GPUs, in Triton: rows stay on the chip where they fit, and nothing is kept beside."""
