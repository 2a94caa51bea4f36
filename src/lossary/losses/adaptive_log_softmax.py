"""Adaptive softmax: a large vocabulary in clusters, the rare words behind small projections."""

from typing import cast

import torch
from torch import Tensor
from torch.nn.modules.adaptive import _ASMoutput

from lossary.core import checks
from lossary.core.dtypes import accumulation_dtype
from lossary.core.errors import ClassIndexError, ShapeError, teach
from lossary.core.reduction import reduce
from lossary.losses.cross_entropy import cross_entropy

WHERE = "AdaptiveLogSoftmaxWithLoss"


class AdaptiveLogSoftmaxWithLoss(torch.nn.AdaptiveLogSoftmaxWithLoss):
    r"""torch's adaptive softmax, with each of its cross-entropies exact.

    .. math:: \log p(y) = \log p(\text{cluster of } y) + \log p(y \mid \text{cluster})

    Shape: ``input_`` (D) or (N, D), ``target_`` () or (N) -> output of the target's shape.
    Dtype: floating input; any integer dtype for the target.
    Units: nats. The loss is the mean of the negated output; over nothing it is 0.
    Raises: ShapeError, DtypeError, ClassIndexError.
    Reference: Grave et al. (2017), Efficient softmax approximation for GPUs, arXiv 1609.04309.

    >>> layer = AdaptiveLogSoftmaxWithLoss(32, 10, cutoffs=[3, 6])
    >>> layer(torch.zeros(2, 32), torch.tensor([0, 9])).output.shape
    torch.Size([2])
    """

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        """Log-probabilities of the targets, and their mean loss."""
        batched = target_.dim() > 0
        x = input_ if batched else input_.unsqueeze(0)
        y = target_.long().reshape(-1)
        self._check(x, target_, y)
        head_target = y.clone()
        # Head and tail are added, and the losses averaged, before they are rounded.
        wide = accumulation_dtype(x.dtype)
        losses = torch.zeros_like(x[:, 0], dtype=wide)
        for i, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:], strict=False)):
            rows = ((y >= low) & (y < high)).nonzero().squeeze(1)
            if not rows.numel():
                continue
            head_target[rows] = self.shortlist_size + i
            scores = cast(Tensor, self.tail[i](x.index_select(0, rows)))
            within = cross_entropy(scores.to(wide), y[rows] - low, reduction="none")
            losses = losses.index_add(0, rows, within)
        head = cast(Tensor, self.head(x))
        losses = losses + cross_entropy(head.to(wide), head_target, reduction="none")
        output = -losses if batched else -losses.squeeze(0)
        return _ASMoutput(output.to(head.dtype), reduce(losses, "mean").to(head.dtype))

    def _check(self, x: Tensor, target: Tensor, y: Tensor) -> None:
        checks.check_class_dtype(WHERE, target)
        if target.dim() > 1 or x.dim() != 2 or x.shape[0] != y.shape[0]:
            came = (
                "Input and target should have the same size in the batch dimension;"
                f" got input {checks.shape(x)} and target {checks.shape(target)}"
            )
            raise ShapeError(teach(WHERE, came, "input (N, D) with target (N)"))
        if (
            y.numel()
            and checks.readable(y)
            and not 0 <= int(y.min()) <= int(y.max()) < self.n_classes
        ):
            came = (
                f"Target values should be in [0, {self.n_classes - 1}], but values in range"
                f" [{int(y.min())}, {int(y.max())}] were found"
            )
            raise ClassIndexError(teach(WHERE, came, "a class of the vocabulary"))
