"""What an oracle answers: exact items with their slopes, and the one reduction over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from mpmath import mpf
from torch import Tensor

from tests.oracles.dual import ZERO, Dual, times


@dataclass(frozen=True)
class Answer:
    """Exact losses, item by item; ``shape`` is that of ``reduction="none"``.

    ``divisor`` is what a mean divides by, the number of items if None. ``mean_weights``
    replaces it where a mean weighs its items (CTC divides each by its target's length).
    """

    items: list[Dual]
    shape: tuple[int, ...]
    divisor: Any = None
    batch: int | None = None
    mean_weights: list[Any] | None = field(default=None)

    def shares(self, reduction: str) -> list[Any]:
        """The factor with which each item enters the reduced loss."""
        if reduction in ("sum", "none"):
            return [mpf(1)] * len(self.items)
        if self.mean_weights is not None and reduction == "mean":
            return list(self.mean_weights)
        divisor = len(self.items) if self.divisor is None else self.divisor
        if reduction == "batchmean":
            divisor = self.batch
        return [mpf(0) if divisor == 0 else mpf(1) / divisor] * len(self.items)

    def value(self, reduction: str) -> list[Any]:
        """The exact loss: one number, or one per item."""
        if reduction == "none":
            return [d.value for d in self.items]
        pairs = zip(self.items, self.shares(reduction), strict=True)
        return [sum((times(d.value, s) for d, s in pairs), ZERO)]

    def gradient(
        self, reduction: str, tensors: Sequence[Tensor], upstream: Sequence[float] | None = None
    ) -> dict[int, list[Any]]:
        """The exact gradient of the reduced (or upstream-weighted) loss, by tensor."""
        shares = self.shares(reduction)
        if upstream is not None:
            scale = [mpf(u) for u in upstream]
            scale = scale if len(scale) == len(shares) else scale * len(shares)
            shares = [times(s, u) for s, u in zip(shares, scale, strict=True)]
        grads = {i: [ZERO] * t.numel() for i, t in enumerate(tensors)}
        for item, share in zip(self.items, shares, strict=True):
            for (which, index), slope in item.slopes.items():
                grads[which][index] += times(slope, share)
        return grads


def answer(items: Any, **more: Any) -> Answer:
    """An answer from an array (or one dual) of exact losses."""
    array = np.asarray(items, dtype=object)
    return Answer(list(array.reshape(-1)), tuple(array.shape), **more)
