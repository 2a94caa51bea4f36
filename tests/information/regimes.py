"""Pairs of score rows: ordinary and extreme, drawn in float64 and cast once."""

import torch
from torch import Tensor

INF = float("inf")
OUTCOMES = 6

ORDINARY = ("random", "tied", "saturated", "near 1e-1", "near 1e-3", "near 1e-5")
MASKED = ("masked", "masked near")
FAR = ("far apart",)


def score_rows(regime: str, dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two rows of logits over the same outcomes."""
    rng = torch.Generator().manual_seed(seed)
    x, y = torch.randn(2, OUTCOMES, generator=rng, dtype=torch.float64)
    if regime == "tied":
        x[1:] = x[1]
    elif regime == "saturated":
        x, y = 12 * x, 12 * y
    elif regime.startswith("near"):
        y = x + float(regime.split()[1]) * y
    elif regime == "far apart":
        x, y = 40 * x, 40 * y
    elif regime == "masked":
        x[2] = y[2] = x[0] = -INF
    elif regime == "masked near":
        y = x + 1e-3 * y
        x[1] = y[1] = -INF
    return x.to(dtype), y.to(dtype)


def as_kind(kind: str, scores: Tensor) -> Tensor:
    """The floats that a caller would hold: logits, or what torch makes of them."""
    if kind == "logits":
        return scores
    wide = scores.double()
    return (wide.softmax(-1) if kind == "probs" else wide.log_softmax(-1)).to(scores.dtype)
