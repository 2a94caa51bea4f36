"""Gaussian negative log-likelihood: a prediction that says how sure it is."""

import math

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import wide_dtype
from lossary.core.errors import DomainError, ShapeError, teach
from lossary.core.reduction import check_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import common_dtype

WHERE = "gaussian_nll_loss"


def gaussian_losses(x: Tensor, y: Tensor, var: Tensor, full: bool, eps: float) -> Tensor:
    """``(log var + (x - y)^2 / var) / 2`` with the variance held above the caller's eps."""
    # As torch documents, the clamp is not seen by the gradient: a variance below eps is pushed
    # by the slope at eps.
    var = torch.where(var < eps, eps + (var - var.detach()), var)
    losses = 0.5 * (var.log() + (x - y).square() / var)
    return losses + 0.5 * math.log(2 * math.pi) if full else losses


def gaussian_kernel(
    wanted: tuple[int, ...], x: Tensor, y: Tensor, var: Tensor, full: bool, eps: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same, with the three slopes written out: ``d/v``, ``-d/v`` and ``(1 - d^2/v) / 2v``."""
    wide = wide_dtype(x)
    var = var.to(wide).clamp_min(eps)
    distance = x.to(wide).sub(y)
    pull = distance / var
    squares = distance.mul_(pull)
    losses = torch.log(var).add_(squares).mul_(0.5)
    if full:
        losses += 0.5 * math.log(2 * math.pi)
    slopes = []
    for place in wanted:
        if place == 2:
            slopes.append((1 - squares).div_(var).mul_(0.5))
        else:
            slopes.append(pull if place == 0 else -pull)
    return losses, tuple(slopes)


GAUSSIAN = Formula(gaussian_losses, gaussian_kernel, slopes_for=(0, 1, 2))


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    r"""Surprise, in nats, of a real target under a Gaussian of predicted mean and variance.

    .. math:: \ell_i = \tfrac12\Bigl(\log v_i + \frac{(x_i - y_i)^2}{v_i}\Bigr)
       \;[+ \tfrac12\log 2\pi], \qquad v = \max(\mathrm{var}, \varepsilon)

    The caller's ``eps`` is applied to the value; the gradient passes it by, as in torch.

    Shape: ``target`` as the input, or with dimensions of 1; ``var`` as the input, without
    its last dimension, or with one dimension of 1; or a number.
    Dtype: floating.
    Units: nats (of a density: it can be negative).
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Nix and Weigend (1994), Estimating the mean and variance of the target.

    >>> gaussian_nll_loss(torch.tensor([1.0]), torch.tensor([3.0]), 4.0)
    tensor(1.1931)
    """
    check_reduction(WHERE, reduction)
    checks.check_floating(WHERE, "input", input)
    _check_target(input, target)
    if not isinstance(var, Tensor):
        var = torch.full((), var, dtype=input.dtype, device=input.device)
        var = var.expand_as(input) if input.dim() else var
    else:
        var = _fitted(input, var)
    checks.check_same_device(WHERE, input=input, target=target, var=var)
    checks.check_not_nan(WHERE, target, reduction)
    _check_variance(var)
    dtype = common_dtype(input, target, var, autocast=False)
    # Widened before it is broadcast, so that a shared variance's gradient is summed wide.
    whole = target.shape == var.shape == input.shape
    wide = dtype if whole else wide_dtype(input.to(dtype))
    # Target and variance were seen to broadcast to the input, never beyond it.
    x, y, v = (t.to(wide).expand(input.shape) for t in (input, target, var))
    return evaluate(GAUSSIAN, (x, y, v), {"full": full, "eps": eps}, reduction).to(dtype)


def _check_target(input: Tensor, target: Tensor) -> None:
    """Allow what torch documents: equal sizes, or a target with dimensions of 1."""
    fits = input.dim() == target.dim() and all(
        n in (m, 1) for m, n in zip(input.shape, target.shape, strict=True)
    )
    if not fits:
        checks.check_same_shape(WHERE, input=input, target=target)


def _fitted(input: Tensor, var: Tensor) -> Tensor:
    if var.shape == input.shape:
        return var
    if var.shape == input.shape[:-1]:
        return var.unsqueeze(-1)
    differing = [n for m, n in zip(input.shape, var.shape, strict=False) if m != n]
    if var.dim() == input.dim() and differing == [1]:
        return var
    raise ShapeError(
        teach(
            WHERE,
            f"var is of incorrect size: {checks.shape(var)} for input {checks.shape(input)}",
            "the input's shape, that without its last dimension, or with one dimension of 1",
            "one variance per batch, or a model's second output of another size",
            "var.expand_as(input)",
        )
    )


def _check_variance(var: Tensor) -> None:
    if var.numel() and checks.readable(var) and bool(var.detach().amin() < 0):
        raise DomainError(
            teach(
                WHERE,
                f"var has negative entry/entries, down to {float(var.detach().amin()):.6g}",
                "variances: no entry below 0",
                "a network's raw output taken as a variance",
                "softplus(raw), or raw.exp() for a log-variance",
            )
        )


class GaussianNLLLoss(ShowsSettings, torch.nn.GaussianNLLLoss):
    """Module of :func:`gaussian_nll_loss`, with the same keywords.

    >>> GaussianNLLLoss(full=True)
    GaussianNLLLoss(reduction='mean', full=True, eps=1e-06)
    """

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """See :func:`gaussian_nll_loss`."""
        return gaussian_nll_loss(
            input, target, var, full=self.full, eps=self.eps, reduction=self.reduction
        )
