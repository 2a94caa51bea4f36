"""Cross-entropies: of classes, of log-probabilities, of events."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mpf
from torch import Tensor

from tests.oracles.answer import Answer, answer
from tests.oracles.dual import (
    ZERO,
    Dual,
    as_dual,
    constants,
    exp,
    leaves,
    log,
    log_sum_exp,
    total,
)

Tensors = tuple[Tensor, ...]


def cross_entropy(
    tensors: Tensors,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Answer:
    """-sum_k w_k q_k log softmax(x)_k, with q the (smoothed) one-hot or given probabilities."""
    x, target = tensors
    return _from_scores(leaves(x, 0), target, 1, weight, ignore_index, label_smoothing)


def linear_cross_entropy(
    tensors: Tensors,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Answer:
    """Cross-entropy of ``input @ linear_weight.T + linear_bias``."""
    x, w = leaves(tensors[0], 0), leaves(tensors[1], 1)
    bias = None if linear_bias is None else constants(linear_bias)
    classes = w.shape[0]
    rows = x.reshape(-1, x.shape[-1])
    flat = w.reshape(-1, w.shape[-1])
    flat_bias = None if bias is None else bias.reshape(-1)
    scores = np.empty((len(rows), len(flat)), dtype=object)
    for i, row in enumerate(rows):
        for k, column in enumerate(flat):
            dot = total(a * b for a, b in zip(row, column, strict=True))
            scores[i, k] = dot if flat_bias is None else dot + flat_bias[k]
    scores = scores.reshape(*x.shape[:-1], classes, *w.shape[1:-1])
    ignored = -100 if ignore_index is None else ignore_index
    return _from_scores(scores, tensors[2], 2, weight, ignored, label_smoothing)


def _from_scores(
    scores: Any,
    target: Tensor,
    which: int,
    weight: Tensor | None,
    ignore_index: int,
    smoothing: float,
) -> Answer:
    by_class = np.moveaxis(scores, 1 if scores.ndim > 1 else 0, -1)
    shape, classes = by_class.shape[:-1], by_class.shape[-1]
    w = [mpf(1)] * classes if weight is None else list(constants(weight))
    rows = by_class.reshape(-1, classes)
    s = mpf(smoothing)
    soft = tuple(target.shape) == tuple(scores.shape)
    if soft:
        q = leaves(target, which)
        q = np.moveaxis(q, 1 if q.ndim > 1 else 0, -1).reshape(-1, classes)
        items = [
            _soft(r, [t * (1 - s) + s / classes for t in ts], w)
            for r, ts in zip(rows, q, strict=True)
        ]
        return answer(np.array(items, dtype=object).reshape(shape), divisor=len(rows))
    labels = [int(v) for v in target.reshape(-1).tolist()]
    items = []
    for row, y in zip(rows, labels, strict=True):
        if y == ignore_index:
            items.append(Dual(ZERO))
        elif smoothing == 0:
            items.append((log_sum_exp(row) - row[y]) * w[y])
        else:
            mass = [s / classes + (1 - s if k == y else 0) for k in range(classes)]
            items.append(_soft(row, mass, w))
    divisor = sum((w[y] for y in labels if y != ignore_index), ZERO)
    return answer(np.array(items, dtype=object).reshape(shape), divisor=divisor)


def _soft(row: Any, mass: list[Any], w: list[Any]) -> Dual:
    lse = log_sum_exp(row)
    return total((lse - x) * as_dual(q) * c for x, q, c in zip(row, mass, w, strict=True))


def nll_loss(tensors: Tensors, weight: Tensor | None = None, ignore_index: int = -100) -> Answer:
    """-w_y x_y for log-probabilities x."""
    x = leaves(tensors[0], 0)
    by_class = np.moveaxis(x, 1 if x.ndim > 1 else 0, -1)
    classes = by_class.shape[-1]
    w = [mpf(1)] * classes if weight is None else list(constants(weight))
    labels = [int(v) for v in tensors[1].reshape(-1).tolist()]
    items = [
        Dual(ZERO) if y == ignore_index else -row[y] * w[y]
        for row, y in zip(by_class.reshape(-1, classes), labels, strict=True)
    ]
    divisor = sum((w[y] for y in labels if y != ignore_index), ZERO)
    return answer(np.array(items, dtype=object).reshape(by_class.shape[:-1]), divisor=divisor)


def binary_cross_entropy(tensors: Tensors, weight: Tensor | None = None) -> Answer:
    """-w (y log p + (1 - y) log(1 - p)), nothing clamped."""
    p, y = leaves(tensors[0], 0), leaves(tensors[1], 1)
    items = _each(lambda a, b: -(b * log(a)) - (1 - b) * log(1 - a), p, y)
    return answer(_weighted(items, weight))


def binary_cross_entropy_with_logits(
    tensors: Tensors, weight: Tensor | None = None, pos_weight: Tensor | None = None
) -> Answer:
    """w (c y log(1 + e^-z) + (1 - y) log(1 + e^z)), with c the weight of positives."""
    z, y = leaves(tensors[0], 0), leaves(tensors[1], 1)
    c = np.array(mpf(1), dtype=object) if pos_weight is None else constants(pos_weight)
    items = _each(
        lambda a, b, e: b * e * soft_plus(-a) + (1 - b) * soft_plus(a),
        z,
        y,
        np.broadcast_to(c, z.shape),
    )
    return answer(_weighted(items, weight))


def soft_plus(x: Dual) -> Dual:
    """log(1 + e^x), whose limit at +inf is x itself."""
    return x if x.value == mpf("inf") else log(exp(x) + 1)


def _each(f: Any, *arrays: Any) -> Any:
    """An elementwise function of object arrays that keeps 0-d arrays arrays."""
    out = np.empty(arrays[0].shape, dtype=object)
    for i in np.ndindex(arrays[0].shape):
        out[i] = f(*(a[i] for a in arrays))
    return out


def _weighted(items: Any, weight: Tensor | None) -> Any:
    if weight is None:
        return items
    w = np.broadcast_to(constants(weight), items.shape)
    return _each(lambda a, b: Dual(ZERO) if b == 0 else a * b, items, w)
