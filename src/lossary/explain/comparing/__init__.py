"""Several losses on the same predictions: what each is, where each pulls, whom each minds."""

from lossary.explain.comparing.comparison import Comparison
from lossary.explain.comparing.door import compare

__all__ = ["Comparison", "compare"]
