"""Losses of numbers: residuals, counts, Gaussians, and the pointwise KL divergence."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
from mpmath import mpf
from torch import Tensor

from tests.oracles.answer import Answer, answer
from tests.oracles.dual import (
    ZERO,
    Dual,
    absolute,
    as_dual,
    constants,
    exp,
    leaves,
    log,
    log_gamma,
)

Tensors = tuple[Tensor, ...]


def each(f: Any, *arrays: Any) -> Any:
    """An elementwise function of object arrays of one shape."""
    out = np.empty(arrays[0].shape, dtype=object)
    for i in np.ndindex(arrays[0].shape):
        out[i] = f(*(a[i] for a in arrays))
    return out


def _residual_loss(
    tensors: Tensors, f: Any, weight: Tensor | None = None, by_weight: bool = False
) -> Answer:
    items = each(lambda a, b: f(a - b), leaves(tensors[0], 0), leaves(tensors[1], 1))
    if weight is None:
        return answer(items)
    w = constants(weight)
    divisor = sum(w.reshape(-1), ZERO) if by_weight else None
    return answer(each(lambda a, c: a * c, items, w), divisor=divisor)


def mse_loss(tensors: Tensors, weight: Tensor | None = None) -> Answer:
    """w (x - y)^2; a weighted mean divides by the summed weights."""
    return _residual_loss(tensors, lambda r: r * r, weight, by_weight=True)


def l1_loss(tensors: Tensors, weight: Tensor | None = None) -> Answer:
    """w |x - y|; a weighted mean divides by the summed weights."""
    return _residual_loss(tensors, absolute, weight, by_weight=True)


def huber_loss(tensors: Tensors, delta: float = 1.0, weight: Tensor | None = None) -> Answer:
    """r^2 / 2 within delta, delta (|r| - delta / 2) beyond; a weighted mean divides by N."""

    def huber(r: Dual) -> Dual:
        d = mpf(delta)
        inside: Dual = r * r * mpf("0.5")
        return inside if abs(r.value) <= d else (absolute(r) - d / 2) * d

    return _residual_loss(tensors, huber, weight)


def smooth_l1_loss(tensors: Tensors, beta: float = 1.0) -> Answer:
    """r^2 / (2 beta) within beta, |r| - beta / 2 beyond."""

    def smooth(r: Dual) -> Dual:
        b = mpf(beta)
        loss: Dual = r * r / (2 * b) if abs(r.value) < b else absolute(r) - b / 2
        return loss

    return _residual_loss(tensors, smooth)


def poisson_nll_loss(
    tensors: Tensors, log_input: bool = True, full: bool = False, eps: float = 1e-8
) -> Answer:
    """rate - y log(rate), plus log y! when full; the rate is exp(x), or x with eps in the log."""

    def poisson(x: Dual, y: Dual) -> Dual:
        loss = exp(x) - y * x if log_input else x - y * log(x + mpf(eps))
        return loss + log_gamma(y + 1) if full else loss

    return answer(each(poisson, leaves(tensors[0], 0), leaves(tensors[1], 1)))


def gaussian_nll_loss(
    tensors: Tensors, var: float | None = None, full: bool = False, eps: float = 1e-6
) -> Answer:
    """(log v + (x - y)^2 / v) / 2 with v = max(var, eps), through which the slope goes straight."""
    x, y = leaves(tensors[0], 0), leaves(tensors[1], 1)
    if var is not None:
        v = np.full(x.shape, Dual(mpf(var)), dtype=object)
    else:
        v = leaves(tensors[2], 2)
        v = v[..., None] if v.shape != x.shape and v.shape == x.shape[:-1] else v
        v = np.broadcast_to(v, x.shape)
    constant = mpmath.log(2 * mpmath.pi) / 2 if full else ZERO

    def gaussian(a: Dual, b: Dual, c: Dual) -> Dual:
        clamped = Dual(max(c.value, mpf(eps)), c.slopes)
        r = a - b
        loss: Dual = (log(clamped) + r * r / clamped) * mpf("0.5") + constant
        return loss

    return answer(each(gaussian, x, y, v))


def kl_div(tensors: Tensors, log_target: bool = False) -> Answer:
    """p (log p - log q) entry by entry, with input = log q and target = p, or log p."""
    x, t = leaves(tensors[0], 0), leaves(tensors[1], 1)
    entry = _kl_of_logs if log_target else _kl_of_probabilities
    batch = x.shape[0] if x.ndim else 1
    return answer(each(entry, x, t), batch=batch)


def _kl_of_logs(x: Dual, t: Dual) -> Dual:
    return Dual(ZERO) if t.value == -mpf("inf") else exp(t) * (t - x)


def _kl_of_probabilities(x: Dual, t: Dual) -> Dual:
    if t.value != 0:
        return t * (log(t) - x)
    # The limit of p (log p - log q): 0, falling infinitely steeply as p leaves 0.
    slope = mpf("-inf") if x.value != -mpf("inf") else mpf("nan")
    return as_dual(0) + t.chain(ZERO, slope)
