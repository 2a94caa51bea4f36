"""What cross-entropy and NLL share: class targets, checked, batched and counted."""

import operator
from contextlib import suppress
from numbers import Real
from typing import SupportsIndex

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import DomainError, DtypeError, OptionError, ShapeError, teach


def checked(
    where: str,
    input: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    read_indices: bool = True,
) -> tuple[Tensor, Tensor]:
    """Scores as (N, C, ...) and int64 targets as (N, ...), or an error that teaches."""
    whole_index(where, ignore_index)
    _check_shapes(where, input, target)
    checks.check_class_dtype(where, target)
    classes = input.shape[1] if input.dim() > 1 else input.shape[0]
    checks.check_class_weight(where, weight, classes)
    if read_indices:
        checks.check_class_indices(where, target, classes, ignore_index)
    x = input.to(autocast_dtype(input))
    y = target.long()
    return (x, y) if input.dim() > 1 else (x.unsqueeze(0), y.reshape(1))


def whole_index(where: str, ignore_index: object) -> int:
    """``ignore_index`` as Python's own number, numpy's included, or an error that teaches."""
    if isinstance(ignore_index, int):
        return int(ignore_index)
    if isinstance(ignore_index, SupportsIndex):
        with suppress(TypeError):  # a tensor that is not one whole number
            return operator.index(ignore_index)
    came = f"got ignore_index={ignore_index!r}"
    raise DtypeError(teach(where, came, "a whole number; -100 ignores nothing but -100"))


def smoothing_share(where: str, smoothing: object) -> float:
    """``label_smoothing`` as Python's own number, or an error that teaches.

    As in torch, a tensor of no dimensions counts as the number that it holds.
    """
    if isinstance(smoothing, float):
        return float(smoothing)
    if isinstance(smoothing, Tensor) and not smoothing.dim() and not smoothing.requires_grad:
        return float(smoothing.item())
    if isinstance(smoothing, Real):
        return float(smoothing)
    came = f"got label_smoothing={smoothing!r}"
    raise DtypeError(teach(where, came, "a number from 0 to 1, such as 0.1"))


def _check_shapes(where: str, input: Tensor, target: Tensor) -> None:
    if input.dim() == 0:
        came = f"got input of shape {checks.shape(input)}"
        raise ShapeError(teach(where, came, "scores of shape (C), (N, C) or (N, C, d1, ...)"))
    if input.dim() == 1:
        fits = target.numel() == 1 and target.dim() <= 1
        expected = "one class index, for scores of one example (C)"
    else:
        fits = target.shape == (input.shape[0], *input.shape[2:])
        expected = f"target of shape {(input.shape[0], *input.shape[2:])}: the input's without C"
    if fits:
        return
    came = f"got input of shape {checks.shape(input)} and target of shape {checks.shape(target)}"
    if input.dim() > 1 and target.dim() and target.shape[0] != input.shape[0]:
        came = (
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size"
            f" ({target.shape[0]}); {came}"
        )
    cause, fix = "predictions and targets of different batches", "compare both shapes"
    if input.dim() == 3 and target.shape == input.shape[:2]:
        cause = "classes last, as (batch, time, classes), where torch wants them second"
        fix = f"{where}(input.transpose(1, 2), target), or flatten both: input.flatten(0, 1)"
    elif input.dim() > 2 and target.dim() == input.dim() - 1:
        came = f"Expected target size {[input.shape[0], *input.shape[2:]]}; {came}"
    elif target.dim() == input.dim() and target.shape[-1] == 1:
        cause, fix = "a target with a last dimension of 1", "target.squeeze(-1)"
    raise ShapeError(teach(where, came, expected, cause, fix))


def check_probabilities(where: str, target: Tensor, ignore_index: int) -> None:
    """Refuse integers as probabilities, and, in strict mode, rows that are no distribution."""
    if not target.is_floating_point():
        raise DtypeError(
            teach(
                where,
                "Expected floating point type for target with class probabilities,"
                f" got {target.dtype}",
                "class indices of shape (N, ...), or floating probabilities of the scores' shape",
                "one-hot rows of integers",
                "target.float(), or target.argmax(1) for class indices",
            )
        )
    if ignore_index >= 0:
        came = "ignore_index is not supported for floating point target"
        fix = "weight the rows: reduction='none', then multiply by a mask"
        raise OptionError(teach(where, came, "class indices", "", fix))
    if checks.value_check_mode() != "strict" or not checks.readable(target):
        return
    sums = target.detach().double().sum(1 if target.dim() > 1 else 0)
    if bool((target < 0).any()) or not torch.allclose(sums, torch.ones_like(sums), atol=1e-3):
        raise DomainError(
            teach(
                where,
                f"got soft targets whose rows sum to {sums.min():.4g} .. {sums.max():.4g}"
                f" with a smallest entry of {float(target.min()):.4g}",
                "non-negative rows that sum to 1",
                "scores where probabilities belong",
                "target.softmax(1)",
            )
        )


def counted_weight(target: Tensor, weight: Tensor | None, ignore_index: int) -> Tensor:
    """What a mean divides by: the number, or the summed weight, of the targets that count."""
    counted = target != ignore_index
    if weight is None:
        return counted.sum()
    safe = torch.where(counted, target, 0)
    return torch.where(counted, weight.to(wide_dtype(weight))[safe], 0).sum()
