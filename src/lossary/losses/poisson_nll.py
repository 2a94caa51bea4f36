"""Poisson negative log-likelihood: counts whose prediction is a rate."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import wide_dtype
from lossary.core.reduction import legacy_reduction
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings
from lossary.losses._pairs import paired

WHERE = "poisson_nll_loss"


def log_rate_losses(x: Tensor, y: Tensor, full: bool) -> Tensor:
    """``e^x - y x``, and ``log y!`` when asked for in full."""
    x = x.masked_fill((y == 0) & (x == -torch.inf), -torch.finfo(x.dtype).max)
    losses = x.exp() - y * x
    return losses + torch.lgamma(y + 1) if full else losses


def log_rate_kernel(
    wanted: tuple[int, ...], x: Tensor, y: Tensor, full: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same from one exponential; rate and count nearly cancel, so it is made wide."""
    wide = wide_dtype(x)
    x, y = x.to(wide), y.to(wide)
    rate = x.exp()
    losses = torch.addcmul(rate, y, x, value=-1)
    if full:
        losses += torch.lgamma(y + 1)
    return losses, (rate.sub_(y),) if wanted else ()


def rate_losses(x: Tensor, y: Tensor, full: bool, eps: float) -> Tensor:
    """``x - y log(x + eps)``: the caller's eps is applied, in the wide dtype."""
    losses: Tensor = x - torch.special.xlogy(y, x + eps)
    return losses + torch.lgamma(y + 1) if full else losses


LOG_RATE = Formula(log_rate_losses, log_rate_kernel)
RATE = Formula(rate_losses)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Surprise, in nats, of a count under a Poisson distribution of the predicted rate.

    .. math:: \ell_i = e^{x_i} - y_i x_i \;[+ \log y_i!]
       \qquad\text{or, without log\_input,}\qquad x_i - y_i\log(x_i + \varepsilon)

    ``full`` adds :math:`\log y!` exactly, where torch adds Stirling's approximation.

    Shape: equal shapes; torch would broadcast silently.
    Dtype: floating input; the target may be of any real dtype.
    Units: nats.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Nelder and Wedderburn (1972), Generalized linear models.

    >>> poisson_nll_loss(torch.tensor([0.0]), torch.tensor([2.0]), full=True)
    tensor(1.6931)
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    # torch multiplies the target by the input, and names their sizes in that order.
    says = checks.broadcast_refusal(target, input)
    x, y = paired(WHERE, input, target, reduction, torch_says=says)
    if log_input:
        return evaluate(LOG_RATE, (x, y), {"full": full}, reduction)
    return evaluate(RATE, (x, y), {"full": full, "eps": eps}, reduction)


class PoissonNLLLoss(ShowsSettings, torch.nn.PoissonNLLLoss):
    """Module of :func:`poisson_nll_loss`, with the same keywords.

    >>> PoissonNLLLoss(full=True)
    PoissonNLLLoss(reduction='mean', log_input=True, full=True, eps=1e-08)
    """

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        """See :func:`poisson_nll_loss`."""
        return poisson_nll_loss(
            log_input,
            target,
            log_input=self.log_input,
            full=self.full,
            eps=self.eps,
            reduction=self.reduction,
        )
