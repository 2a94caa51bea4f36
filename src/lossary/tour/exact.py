"""The same steps at 50 digits: the judge of the other three ways.

Every function takes floats as they stand in the tensors, converts them without loss and
rounds once, at the end, to the nearest double.
"""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from lossary.console.optional import need

DIGITS = 50


def at_50_digits(compute: Callable[[Any], Any]) -> Any:
    """Run a computation with mpmath's context at 50 digits and round what it returns.

    >>> at_50_digits(lambda mp: mp.log(2))
    0.6931471805599453
    """
    mp = need("mpmath").mp
    with mp.workdps(DIGITS):
        return _rounded(compute(mp))


def _rounded(value: Any) -> Any:
    return [_rounded(v) for v in value] if isinstance(value, list) else float(value)


def exactly(mp: Any, tensor: Tensor) -> Any:
    """A tensor's numbers as nested lists of exact numbers."""

    def convert(value: Any) -> Any:
        return [convert(v) for v in value] if isinstance(value, list) else mp.mpf(value)

    return convert(tensor.detach().tolist())


def sigmoid(mp: Any, z: Any) -> Any:
    """``1 / (1 + exp(-z))``."""
    return 1 / (1 + mp.exp(-z))


def linear(mp: Any, x: Sequence[Any], weight: Tensor, bias: Tensor) -> list[Any]:
    """``W x + b`` for one example."""
    rows, offsets = exactly(mp, weight), exactly(mp, bias)
    return [mp.fdot(row, x) + b for row, b in zip(rows, offsets, strict=True)]


def softmax(mp: Any, scores: Sequence[Any]) -> list[Any]:
    """``exp(z_k) / sum exp z``: at 50 digits nothing needs to be subtracted first."""
    powers = [mp.exp(z) for z in scores]
    return [power / mp.fsum(powers) for power in powers]


def kl_divergence(mp: Any, p: Sequence[Any], q: Sequence[Any]) -> Any:
    """``sum p log(p / q)``, where nothing expected costs nothing and the impossible costs inf."""
    parts = [mp.inf if not b else a * mp.log(a / b) for a, b in zip(p, q, strict=True) if a]
    return mp.fsum(parts)


def entropy(mp: Any, p: Sequence[Any]) -> Any:
    """``-sum p log p``, with ``0 log 0 = 0``."""
    return -mp.fsum([a * mp.log(a) for a in p if a])


def bce(mp: Any, p: Sequence[Any], target: Sequence[Any]) -> list[Any]:
    """Binary cross-entropy of each probability."""
    pairs = zip(p, target, strict=True)
    return [-(y * mp.log(a) + (1 - y) * mp.log(1 - a)) for a, y in pairs]


def cross_entropies(mp: Any, scores: Sequence[Sequence[Any]], classes: Sequence[int]) -> list[Any]:
    """``-log softmax(z)_y`` of each row."""
    pairs = zip(scores, classes, strict=True)
    return [-mp.log(softmax(mp, row)[int(c)]) for row, c in pairs]
