"""softmax and log-softmax whose sums keep their digits along any dimension."""

import torch
from torch import Tensor

# Along other dimensions than the last, torch adds one number after another in float32; from
# here on its rounding shows in the fifth digit (over 2**25 equal scores the sum is 2).
LONG_DIMENSION = 1024


def _summed_last(x: Tensor, dim: int) -> bool:
    # torch.fx traces with stand-ins for tensors, whose shape cannot be asked.
    return (
        isinstance(x, Tensor)
        and x.dim() > 1
        and x.shape[dim] > LONG_DIMENSION
        and dim % x.dim() != x.dim() - 1
    )


def softmax(
    input: Tensor,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> Tensor:
    r"""Probabilities proportional to the exponentials of the scores.

    .. math:: p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}

    Shape: any. Dtype: floating, or ``dtype``. Units: probabilities along ``dim``.
    Reference: Bridle (1990), Training stochastic model recognition algorithms.

    >>> softmax(torch.zeros(2, 4), dim=1)[0]
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """
    if dim is not None and _summed_last(input, dim):
        return torch.softmax(input.transpose(dim, -1), -1, dtype=dtype).transpose(dim, -1)
    return torch.nn.functional.softmax(input, dim, _stacklevel + 1, dtype)


def log_softmax(
    input: Tensor,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> Tensor:
    r"""Logarithms of the softmax probabilities.

    .. math:: \log p_i = x_i - \log\sum_j e^{x_j}

    Shape: any. Dtype: floating, or ``dtype``. Units: nats along ``dim``.
    Reference: Bridle (1990), Training stochastic model recognition algorithms.

    >>> log_softmax(torch.zeros(1, 2), dim=1)
    tensor([[-0.6931, -0.6931]])
    """
    if dim is not None and _summed_last(input, dim):
        return torch.log_softmax(input.transpose(dim, -1), -1, dtype=dtype).transpose(dim, -1)
    return torch.nn.functional.log_softmax(input, dim, _stacklevel + 1, dtype)


def softmin(
    input: Tensor,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
) -> Tensor:
    r"""Probabilities proportional to the exponentials of the negated scores.

    .. math:: p_i = \frac{e^{-x_i}}{\sum_j e^{-x_j}}

    Shape: any. Dtype: floating, or ``dtype``. Units: probabilities along ``dim``.
    Reference: Bridle (1990), Training stochastic model recognition algorithms.

    >>> softmin(torch.zeros(1, 2), dim=1)
    tensor([[0.5000, 0.5000]])
    """
    return softmax(-input, dim, _stacklevel + 1, dtype)


class Softmax(torch.nn.Softmax):
    """Module of :func:`softmax`.

    >>> Softmax(dim=1)
    Softmax(dim=1)
    """

    def forward(self, input: Tensor) -> Tensor:
        """See :func:`softmax`."""
        return softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(torch.nn.LogSoftmax):
    """Module of :func:`log_softmax`.

    >>> LogSoftmax(dim=1)
    LogSoftmax(dim=1)
    """

    def forward(self, input: Tensor) -> Tensor:
        """See :func:`log_softmax`."""
        return log_softmax(input, self.dim, _stacklevel=5)


class Softmin(torch.nn.Softmin):
    """Module of :func:`softmin`.

    >>> Softmin(dim=1)
    Softmin(dim=1)
    """

    def forward(self, input: Tensor) -> Tensor:
        """See :func:`softmin`."""
        return softmin(input, self.dim, _stacklevel=5)
