"""The study's network: Linear, sigmoid, Linear, and the last activation that the loss wants."""

from types import ModuleType

import torch
from torch import Tensor

import lossary.nn as nn


class Network(torch.nn.Module):
    """``Linear(inputs, hidden) -> sigmoid -> Linear(hidden, outputs) -> last``.

    The layers are made in this order, so a seed gives the study's weights.

    >>> with torch.random.fork_rng(devices=[]):
    ...     _ = torch.manual_seed(70)
    ...     Network(2, 2, 1, last=nn.Sigmoid())(torch.tensor([[0.0, 1.0]])).item()
    0.42035338282585144
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        last: torch.nn.Module | None = None,
        layers: ModuleType = nn,
    ) -> None:
        super().__init__()
        self.hidden = layers.Linear(inputs, hidden)
        self.out = layers.Linear(hidden, outputs)
        self.last = layers.Identity() if last is None else last

    def forward(self, x: Tensor) -> Tensor:
        """Outputs for a batch of examples, one row each."""
        outputs: Tensor = self.last(self.out(torch.sigmoid(self.hidden(x))))
        return outputs
