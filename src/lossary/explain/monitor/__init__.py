"""A loss that keeps count while a model trains: running sums, and no prediction."""

from lossary.explain.monitor.monitor import Monitor

__all__ = ["Monitor"]
