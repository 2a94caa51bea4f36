"""Margin losses, and losses of similarity and distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf
from torch import Tensor

from tests.oracles.answer import Answer, answer
from tests.oracles.classification import soft_plus
from tests.oracles.dual import (
    ZERO,
    Dual,
    absolute,
    constants,
    hinge,
    leaves,
    positive_part,
    power,
    total,
)
from tests.oracles.regression import each

Tensors = tuple[Tensor, ...]


def soft_margin_loss(tensors: Tensors) -> Answer:
    """log(1 + e^(-y x))."""
    return answer(
        each(lambda a, b: soft_plus(-(a * b)), leaves(tensors[0], 0), leaves(tensors[1], 1))
    )


def multilabel_soft_margin_loss(tensors: Tensors, weight: Tensor | None = None) -> Answer:
    """The mean over classes of the binary cross-entropies of their logits."""
    x, y = leaves(tensors[0], 0), leaves(tensors[1], 1)
    items = each(lambda a, b: b * soft_plus(-a) + (1 - b) * soft_plus(a), x, y)
    if weight is not None:
        w = np.broadcast_to(constants(weight), items.shape)
        items = each(lambda a, c: a * c, items, w)
    return _over_last(items, lambda row: total(row) / len(row))


def multilabel_margin_loss(tensors: Tensors) -> Answer:
    """sum over true j and other i of max(0, 1 - (x_j - x_i)) / C; labels end at the first -1."""
    x = leaves(tensors[0], 0)
    labels = tensors[1].reshape(-1, x.shape[-1] if x.ndim else 1).tolist()

    def row_loss(row: Any, marked: list[int]) -> Dual:
        true = marked[: marked.index(-1)] if -1 in marked else marked
        others = [i for i in range(len(row)) if i not in true]
        gaps = (positive_part(1 - row[int(j)] + row[i]) for j in true for i in others)
        return total(gaps) / len(row)

    rows = [row_loss(r, m) for r, m in zip(x.reshape(len(labels), -1), labels, strict=True)]
    return answer(np.array(rows, dtype=object).reshape(x.shape[:-1]))


def multi_margin_loss(
    tensors: Tensors, p: int = 1, margin: float = 1.0, weight: Tensor | None = None
) -> Answer:
    """w_y sum_{i != y} max(0, margin - x_y + x_i)^p / C."""
    x = leaves(tensors[0], 0)
    classes = x.shape[-1]
    w = [mpf(1)] * classes if weight is None else list(constants(weight))

    def row_loss(row: Any, y: int) -> Dual:
        gaps = [positive_part(mpf(margin) - row[y] + row[i]) for i in range(classes) if i != y]
        loss: Dual = total(g * g if p == 2 else g for g in gaps) * w[y] / classes
        return loss

    labels = [int(v) for v in tensors[1].reshape(-1).tolist()]
    rows = [row_loss(r, y) for r, y in zip(x.reshape(-1, classes), labels, strict=True)]
    return answer(np.array(rows, dtype=object).reshape(x.shape[:-1]))


def hinge_embedding_loss(tensors: Tensors, margin: float = 1.0) -> Answer:
    """x where y is 1, max(0, margin - x) where y is -1."""
    return answer(
        each(
            lambda a, b: a if b == 1 else hinge(mpf(margin) - a),
            leaves(tensors[0], 0),
            constants(tensors[1]),
        )
    )


def margin_ranking_loss(tensors: Tensors, margin: float = 0.0) -> Answer:
    """max(0, -y (x1 - x2) + margin)."""
    a, b, y = (leaves(t, i) for i, t in enumerate(tensors))
    return answer(each(lambda p, q, s: hinge(mpf(margin) - s * (p - q)), a, b, y))


def cosine_embedding_loss(tensors: Tensors, margin: float = 0.0) -> Answer:
    """1 - cos where y is 1, max(0, cos - margin) where y is -1; a zero vector has cosine 0."""
    a, b = leaves(tensors[0], 0), leaves(tensors[1], 1)
    y = constants(tensors[2]).reshape(-1)
    items = []
    for u, v, s in zip(a.reshape(len(y), -1), b.reshape(len(y), -1), y, strict=True):
        c = cosine(u, v)
        items.append(1 - c if s == 1 else hinge(c - mpf(margin)))
    return answer(np.array(items, dtype=object).reshape(tuple(tensors[2].shape)))


def cosine(u: Any, v: Any) -> Dual:
    """The cosine of two vectors; 0, with no slope, if either is 0."""
    norms = [power(total(x * x for x in w), mpf("0.5")) for w in (u, v)]
    if any(n.value == 0 for n in norms):
        return Dual(ZERO)
    return total(x * y for x, y in zip(u, v, strict=True)) / (norms[0] * norms[1])


def triplet_margin_loss(
    tensors: Tensors, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False
) -> Answer:
    """max(0, margin + d(a, p) - d(a, n)), with d the p-norm of the difference plus eps."""
    return triplet_margin_with_distance_loss(
        tensors, lambda u, v: distance(u, v, p, eps), margin, swap
    )


def triplet_margin_with_distance_loss(
    tensors: Tensors,
    distance_function: Callable[..., Dual] | None = None,
    margin: float = 1.0,
    swap: bool = False,
) -> Answer:
    """The same with any distance of two rows of duals."""
    measure = distance_function or (lambda u, v: distance(u, v, 2.0, 1e-6))
    a, p, n = (leaves(t, i) for i, t in enumerate(tensors))
    width = a.shape[-1]
    items = []
    for u, v, w in zip(*(t.reshape(-1, width) for t in (a, p, n)), strict=True):
        near, far = measure(u, v), measure(u, w)
        if swap:
            other = measure(v, w)
            far = other if other.value < far.value else far
        items.append(hinge(mpf(margin) + near - far))
    return answer(np.array(items, dtype=object).reshape(a.shape[:-1]))


def distance(u: Any, v: Any, p: float, eps: float) -> Dual:
    """||u - v + eps||_p."""
    parts = [absolute(x - y + mpf(eps)) for x, y in zip(u, v, strict=True)]
    if p == mpmath.inf:
        return max(parts, key=lambda d: d.value)
    return power(total(power(d, p) for d in parts), mpf(1) / mpf(p))


def _over_last(items: Any, f: Any) -> Answer:
    rows = [f(r) for r in items.reshape(-1, items.shape[-1])]
    return answer(np.array(rows, dtype=object).reshape(items.shape[:-1]))
