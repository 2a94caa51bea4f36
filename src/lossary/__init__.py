"""Lossary: the loss-function layer of PyTorch. Exact, fast, explained, used right."""

__version__ = "0.1.0"
