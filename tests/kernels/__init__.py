"""The kernels: right at every length, layout and dtype, and chosen for a reason."""
