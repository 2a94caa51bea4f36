"""How a caller says what a tensor holds: probabilities, log-probabilities or logits."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Probs:
    """Probabilities along ``dim``: non-negative, summing to 1.

    >>> import torch
    >>> Probs(torch.tensor([0.25, 0.75])).dim
    -1
    """

    tensor: Tensor
    dim: int = -1


@dataclass(frozen=True)
class LogProbs:
    """Natural logarithms of probabilities along ``dim``; ``-inf`` is a probability of 0.

    >>> import torch
    >>> LogProbs(torch.tensor([0.0, float("-inf")])).dim
    -1
    """

    tensor: Tensor
    dim: int = -1


@dataclass(frozen=True)
class Logits:
    """Unnormalised scores along ``dim``: softmax makes them probabilities; ``-inf`` masks.

    >>> import torch
    >>> Logits(torch.zeros(3)).dim
    -1
    """

    tensor: Tensor
    dim: int = -1


Distribution = Tensor | Probs | LogProbs | Logits
