"""The named ways in which a sample of torch's may be answered differently, and nothing else."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions

from lossary.core.errors import DomainError, ShapeError

# Losses that torch broadcasts, silently or with a warning.
BROADCAST_BY_TORCH = (
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "soft_margin_loss",
    "multilabel_soft_margin_loss",
    "triplet_margin_loss",
)
ALLOWED = (
    "targets that are no probabilities are refused",
    "unequal shapes raise",
    "a mean over nothing is 0",
    "the factorial is exact",
    "the gradient of ctc_loss is its own",
)


def named_difference(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """Which of ``ALLOWED`` this call falls under, judged by its inputs alone."""
    tensors = [a for a in args if isinstance(a, Tensor)]
    if name in BROADCAST_BY_TORCH and len({t.shape for t in tensors}) > 1:
        return "unequal shapes raise"
    if name == "gaussian_nll_loss" and tensors[0].dim() != tensors[1].dim():
        return "unequal shapes raise"
    if name == "kl_div" and not kwargs.get("log_target") and (tensors[1] < 0).any():
        return "targets that are no probabilities are refused"
    if name == "kl_div" and kwargs.get("reduction") != "none" and tensors[1].isnan().any():
        return "targets that are no probabilities are refused"
    if name == "poisson_nll_loss" and kwargs.get("full"):
        return "the factorial is exact"
    if name == "ctc_loss":
        return "the gradient of ctc_loss is its own"
    if kwargs.get("reduction", "mean") == "mean" and counts_nothing(name, tensors, kwargs):
        return "a mean over nothing is 0"
    return None


REFUSALS: dict[str | None, type[Exception]] = {
    "unequal shapes raise": ShapeError,
    "targets that are no probabilities are refused": DomainError,
}


def counts_nothing(name: str, tensors: list[Tensor], kwargs: dict[str, Any]) -> bool:
    """An empty batch, targets that are all ignored, or a total weight of 0."""
    if any(t.numel() == 0 for t in tensors):
        return True
    if name not in ("cross_entropy", "nll_loss", "linear_cross_entropy"):
        return False
    target = tensors[2] if name == "linear_cross_entropy" else tensors[1]
    if target.is_floating_point():
        return False
    ignored = kwargs.get("ignore_index", -100)
    counted = target[target != (-100 if ignored is None else ignored)]
    weight = kwargs.get("weight")
    if weight is not None and counted.numel():
        return bool(weight[counted.long()].sum() == 0)
    return counted.numel() == 0


def widened(value: Any) -> Any:
    """The same sample in float64, where torch's half precision is not the judge."""
    if isinstance(value, Tensor):
        wide = value.detach().double() if value.is_floating_point() else value.detach()
        return wide.requires_grad_(value.requires_grad)
    if isinstance(value, LinearCrossEntropyOptions):
        return None  # the chunks are torch's; its plain path gives the same number
    if isinstance(value, dict):
        return {k: widened(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(widened(v) for v in value)
    return value


RELATIVE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.bfloat16: 1e-2,
    torch.float16: 1.5e-3,
}


def assert_close(found: Tensor, expected: Tensor, about: object) -> None:
    """Relative to each entry, and to the largest one for sums that cancel."""
    finite = expected[expected.isfinite()].abs()
    largest = float(finite.max()) if finite.numel() else 0.0
    relative = RELATIVE[found.dtype]
    torch.testing.assert_close(
        found,
        expected,
        rtol=relative,
        atol=relative * largest / 2 + 1e-300,
        equal_nan=True,
        msg=lambda m: f"{about}\n{m}",
    )
