"""Valid inputs for every loss, regime by regime.

Everything is drawn in float64 and cast once, so that the oracle sees the very floats that
the loss sees. A generator returns the tensors of one call, in the order of the signature.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Tensors = tuple[Tensor, ...]
Make = Callable[[torch.Generator, str, torch.dtype], Tensors]

ROWS = (5, 4)
INF = float("inf")


def randn(rng: torch.Generator, *shape: int) -> Tensor:
    """Standard normal, in float64."""
    return torch.randn(shape, generator=rng, dtype=torch.float64)


def rand(rng: torch.Generator, *shape: int) -> Tensor:
    """Uniform on [0, 1), in float64."""
    return torch.rand(shape, generator=rng, dtype=torch.float64)


def shape_of(regime: str) -> tuple[int, ...]:
    """The shape of the scores: rows, but for the regimes that are about shape."""
    return {"spatial": (2, 4, 3), "single": (4,)}.get(regime, ROWS)


def scores(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensor:
    """Logits, of the shape and in the range that the regime names."""
    shape = shape_of(regime)
    half = dtype == torch.float16
    if regime == "saturated":
        return rand(rng, *shape) * 200 - 100
    if regime == "huge":
        return randn(rng, *shape) * (3e3 if half else 1e4)
    if regime == "tiny":
        return randn(rng, *shape) * (1e-3 if half else 1e-6)
    if regime == "tied":
        return torch.full(shape, 0.75, dtype=torch.float64)
    if regime == "zeros":
        return torch.zeros(shape, dtype=torch.float64)
    return randn(rng, *shape) * 2


def labels(rng: torch.Generator, x: Tensor) -> Tensor:
    """Class indices for scores whose classes are dimension 1 (or the only one)."""
    dim = 1 if x.dim() > 1 else 0
    shape = x.shape[:dim] + x.shape[dim + 1 :]
    return torch.randint(0, x.shape[dim], shape, generator=rng)


def hard(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Scores and class indices."""
    x = scores(rng, regime, dtype)
    y = labels(rng, x)
    dim = 1 if x.dim() > 1 else 0
    if regime == "optimum":
        x = x.scatter_add(dim, y.unsqueeze(dim), torch.full(x.shape, 18.0, dtype=x.dtype))
    if regime == "masked":
        true = torch.zeros_like(x, dtype=torch.bool).scatter(dim, y.unsqueeze(dim), True)
        x = x.masked_fill((rand(rng, *x.shape) < 0.4) & ~true, -INF)
    return x.to(dtype), y


def soft(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Scores and probabilities; near the optimum these are the scores' own softmax."""
    x = scores(rng, regime, dtype)
    dim = 1 if x.dim() > 1 else 0
    q = randn(rng, *x.shape).softmax(dim)
    if regime == "optimum":
        # In float64 exactly equal floats would leave a gradient of rounding errors alone.
        away = 1e-9 * randn(rng, *x.shape) if dtype == torch.float64 else 0
        q = (x.to(dtype).double() + away).softmax(dim)
    if regime == "masked":
        gone = (rand(rng, *x.shape) < 0.4).scatter(dim, labels(rng, x).unsqueeze(dim), False)
        x, q = x.masked_fill(gone, -INF), q.masked_fill(gone, 0)
        q = q / q.sum(dim, keepdim=True)
    return x.to(dtype), q.to(dtype)


def log_probabilities(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Log-probabilities and class indices."""
    x, y = hard(rng, regime, dtype)
    return x.double().log_softmax(1 if x.dim() > 1 else 0).to(dtype), y


def events(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Logits and targets in [0, 1]; half of them 0 or 1."""
    z = scores(rng, regime, dtype)
    y = torch.where(rand(rng, *z.shape) < 0.5, rand(rng, *z.shape).round(), rand(rng, *z.shape))
    if regime == "optimum":
        away = 1e-9 * randn(rng, *z.shape) if dtype == torch.float64 else 0
        y = (z.to(dtype).double() + away).sigmoid()
    if regime == "masked":
        y = y.round()
        z = torch.where(y > 0.5, INF, -INF).to(z.dtype).where(rand(rng, *z.shape) < 0.5, z)
    return z.to(dtype), y.to(dtype)


def chances(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Probabilities and targets in [0, 1]."""
    z, y = events(rng, "ordinary" if regime in ("certain", "rare") else regime, dtype)
    p = z.double().sigmoid()
    if regime == "rare":
        low = 1e-4 if dtype == torch.float16 else 1e-35
        p = torch.tensor(low, dtype=torch.float64) ** rand(rng, *p.shape)
    if regime == "certain":
        p = rand(rng, *p.shape).round()
        # Half of them right, half of them as wrong as can be: 0 and inf.
        y = torch.where(rand(rng, *p.shape) < 0.5, p, 1 - p).to(dtype)
    return p.to(dtype), y


def signs(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Scores and targets of -1 or 1."""
    x = scores(rng, regime, dtype)
    y = rand(rng, *x.shape).round() * 2 - 1
    if regime == "optimum":
        x = y * (x.abs() + 12)
    return x.to(dtype), y.to(dtype)


def distances(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Non-negative distances and targets of -1 or 1."""
    x, y = signs(rng, regime, dtype)
    return x.abs(), y


def numbers(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Predictions and real targets; near the optimum they differ by a few ulps."""
    x = scores(rng, regime, dtype).to(dtype)
    y = x.double() + randn(rng, *x.shape)
    if regime in ("tied", "zeros"):
        y = x.double()
    if regime == "optimum":
        y = x.double() * (1 + 4 * torch.finfo(dtype).eps * randn(rng, *x.shape))
    if regime == "huge":
        y = -randn(rng, *x.shape) * (100 if dtype == torch.float16 else 1e4)
        x = (x / 30).to(dtype) if dtype == torch.float16 else x
    if regime == "tiny":
        y = randn(rng, *x.shape) * (1e-3 if dtype == torch.float16 else 1e-6)
    return x, y.to(dtype)


def log_distributions(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """log q and p, both distributions along the last dimension."""
    a, b = scores(rng, regime, dtype), randn(rng, *shape_of(regime)) * 2
    q, p = a.log_softmax(-1), b.softmax(-1)
    if regime == "optimum":
        p = (a + 1e-4 * b).softmax(-1)
    if regime == "masked":
        gone = rand(rng, *p.shape) < 0.3
        p, q = p.masked_fill(gone, 0), q.masked_fill(gone & (b > 0), -INF)
    return q.to(dtype), p.to(dtype)


def two_logs(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """log q and log p."""
    a, b = scores(rng, regime, dtype), randn(rng, *shape_of(regime)) * 2
    t = (a + 1e-4 * b if regime == "optimum" else b).log_softmax(-1)
    q = a.log_softmax(-1)
    if regime == "masked":
        gone = rand(rng, *t.shape) < 0.3
        t, q = t.masked_fill(gone, -INF), q.masked_fill(gone & (b > 0), -INF)
    return q.to(dtype), t.to(dtype)


def counts(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Log-rates and counts."""
    x = scores(rng, regime, dtype)
    x = x.clamp(-90, 10 if dtype == torch.float16 else 80)
    y = torch.poisson(rand(rng, *x.shape) * 6, generator=rng)
    if regime == "optimum":
        y = torch.poisson(rand(rng, *x.shape) * 6, generator=rng) + 1
        x = y.log() * (1 + 1e-3 * randn(rng, *x.shape))
    return x.to(dtype), y.to(dtype)


def rates(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Rates and counts."""
    x, y = counts(rng, regime, dtype)
    return x.double().clamp(-8, 8).exp().to(dtype), y


def gaussians(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Means, observations and variances; "tiny" has variances below eps."""
    x, y = numbers(rng, "ordinary" if regime in ("row", "column") else regime, dtype)
    var = rand(rng, *x.shape) * 2 + 0.05
    if regime == "tiny":
        var = var * (1e-3 if dtype == torch.float16 else 1e-6)
    if regime == "row":
        var = var[:, 0]
    if regime == "column":
        var = var[:, :1]
    return x, y, var.to(dtype)


def label_lists(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Scores and lists of labels that end at -1."""
    x = scores(rng, regime, dtype)
    rows, classes = (x.shape[0], x.shape[1]) if x.dim() > 1 else (1, x.shape[0])
    y = torch.full((rows, classes), -1)
    for i in range(rows):
        n = int(torch.randint(0, classes, (), generator=rng))
        y[i, :n] = torch.randperm(classes, generator=rng)[:n]
    return x.to(dtype), y.view(x.shape)


def label_sets(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Scores and, for every class, whether it applies."""
    x, y = events(rng, regime, dtype)
    return x, y if regime == "optimum" else y.round()


def rankings(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Two scores and which of them should lead."""
    a, y = signs(rng, regime, dtype)
    b, _ = signs(rng, regime, dtype)
    return a, b + 0.25 if regime in ("tied", "zeros") else b, y


def pairs(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Two vectors and whether they belong together."""
    shape = (4,) if regime == "single" else (5, 4)
    a, b = randn(rng, *shape), randn(rng, *shape)
    y = rand(rng, *shape[:-1]).round() * 2 - 1
    if regime == "huge":
        a, b = (a * 1e3, b * 1e4) if dtype == torch.float16 else (a * 1e20, b * 1e25)
    if regime == "tiny":
        a, b = (a * 1e-3, b * 1e-2) if dtype == torch.float16 else (a * 1e-25, b * 1e-8)
    if regime == "optimum":
        b = 3 * a * (1 + 1e-4 * b)
    if regime == "zeros":
        a[0], b[1] = 0, 0
    return a.to(dtype), b.to(dtype), y.to(dtype)


def triplets(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Anchors, positives and negatives."""
    shape = (3,) if regime == "single" else (5, 3)
    a, p, n = randn(rng, *shape), randn(rng, *shape), randn(rng, *shape)
    if regime == "optimum":
        p = a + 1e-3 * p
        n = a + 0.5 * n
    if regime == "huge":
        scale = 50.0 if dtype == torch.float16 else 1e4
        a, p, n = a * scale, p * scale, n * scale
    if regime == "tiny":
        a, p, n = a * 1e-3, p * 1e-3, n * 1e-3
    return a.to(dtype), p.to(dtype), n.to(dtype)


def words(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Log-probabilities of frames, words, and both lengths."""
    frames, batch, classes = 6, 3, 4
    x = randn(rng, frames, batch, classes) * 2
    if regime == "saturated":
        x = rand(rng, frames, batch, classes) * 60 - 30
    y = torch.randint(1, classes, (batch, 3), generator=rng)
    if regime == "repeated":
        y = torch.full((batch, 3), 2)
    lengths, sizes = torch.tensor([6, 5, 6]), torch.tensor([3, 2, 0])
    if regime == "impossible":
        lengths = torch.tensor([6, 1, 2])
    if regime == "single":
        return x[:, 0].log_softmax(-1).to(dtype), y[:1], torch.tensor([6]), torch.tensor([3])
    if regime == "flat":
        y = torch.cat([y[0, :3], y[1, :2]])
    return x.log_softmax(-1).to(dtype), y, lengths, sizes


def features(rng: torch.Generator, regime: str, dtype: torch.dtype) -> Tensors:
    """Features, a linear layer's weight, and class indices."""
    shape = (3,) if regime == "single" else (4, 3)
    x = randn(rng, *shape)
    w = randn(rng, 5, 2, 3) if regime == "spatial" else randn(rng, 5, 3)
    if regime == "saturated":
        w = w * 8
    y_shape = (4, 2) if regime == "spatial" else shape[:-1]
    return x.to(dtype), w.to(dtype), torch.randint(0, 5, y_shape, generator=rng)
