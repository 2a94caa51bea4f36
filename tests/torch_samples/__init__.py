"""PyTorch's own operator and module samples, run against the doors."""
