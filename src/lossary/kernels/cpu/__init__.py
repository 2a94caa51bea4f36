"""Fused kernels for the CPU: compiled by numba at first use, kept on disk, one idea per file."""
