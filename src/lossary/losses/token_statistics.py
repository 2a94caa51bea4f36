"""What is logged of every token: how likely the right one was, and how unsure the prediction."""

from typing import NamedTuple

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import autocast_dtype
from lossary.core.errors import ShapeError, teach
from lossary.kernels.formula import Formula
from lossary.kernels.tokens import statistics
from lossary.losses._class_targets import whole_index
from lossary.losses.cross_entropy import hard_losses, soft_losses

WHERE = "token_statistics"


class TokenStatistics(NamedTuple):
    """Two numbers a token, in nats; both 0 where the target is ignored."""

    log_probability: Tensor
    entropy: Tensor


def both_statistics(x: Tensor, target: Tensor, ignore_index: int) -> Tensor:
    """``log p_y`` and ``-sum p log p`` of rows of scores (N, C), as (N, 2)."""
    counted = target != ignore_index
    rows = torch.where(counted.unsqueeze(1), x, 0)
    # 0 minus 0 is 0; minus 0 would be shown as -0.
    log_p = 0 - hard_losses(rows, target, ignore_index, None)
    # A row that is masked whole has no prediction to be unsure of.
    possible = counted & (rows.detach().amax(1) > -torch.inf)
    rows = torch.where(possible.unsqueeze(1), rows, 0)
    entropy = soft_losses(rows, torch.softmax(rows, 1)).masked_fill(~possible, 0)
    return torch.stack([log_p, entropy], 1)


TOKENS = Formula(both_statistics, fused="token_statistics", elementwise=False)


def token_statistics(
    logits: Tensor, target: Tensor, *, ignore_index: int = -100
) -> TokenStatistics:
    r"""Log-probability of each target and entropy of each prediction, from one reading.

    .. math:: \log p_{y} = x_y - \log\sum_k e^{x_k}, \qquad H(p) = -\sum_k p_k \log p_k

    Both can be differentiated. Policy-gradient training takes the first as its ratio and the
    second as its bonus; a trainer logs both. Minus the log-probability is the cross-entropy.

    Shape: ``logits`` (..., C), classes last; ``target`` (...); both answers (...).
    Dtype: floating logits, kept; any integer dtype for the target.
    Units: nats.
    Raises: ShapeError, DtypeError, DeviceError, ClassIndexError.
    Reference: Shannon (1948), A mathematical theory of communication; Williams & Peng (1991),
    Function optimization using connectionist reinforcement learning algorithms.

    >>> log_p, entropy = token_statistics(torch.zeros(2, 4), torch.tensor([3, -100]))
    >>> log_p, entropy
    (tensor([-1.3863,  0.0000]), tensor([1.3863, 0.0000]))
    """
    checks.check_floating(WHERE, "logits", logits)
    checks.check_same_device(WHERE, logits=logits, target=target)
    ignore_index = whole_index(WHERE, ignore_index)
    checks.check_class_dtype(WHERE, target)
    if not logits.dim() or target.shape != logits.shape[:-1]:
        came = f"got logits of shape {checks.shape(logits)} and target {checks.shape(target)}"
        expected = "logits (..., C), classes last, and one target for each row: (...)"
        cause, fix = "logits and targets of different batches", "compare both shapes"
        if target.shape == (*logits.shape[:-1], 1):
            cause, fix = "a target with a last dimension of 1", "target.squeeze(-1)"
        elif logits.dim() > 1 and target.shape == (*logits.shape[:1], *logits.shape[2:]):
            cause, fix = "classes second, as cross_entropy has them", "logits.movedim(1, -1)"
        raise ShapeError(teach(WHERE, came, expected, cause, fix))
    classes = logits.shape[-1]
    checks.check_class_indices(WHERE, target, classes, ignore_index)
    x = logits.to(autocast_dtype(logits)).reshape(-1, classes)
    found = statistics(TOKENS, x, target.long().reshape(-1), ignore_index)
    return TokenStatistics(*(t.view(target.shape) for t in found))
