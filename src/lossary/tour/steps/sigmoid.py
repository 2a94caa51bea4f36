"""Step 1: the sigmoid turns a score into a probability, and two classes need only one."""

from typing import Any

import torch
from torch import Tensor

from lossary.tour import exact
from lossary.tour.given import Given
from lossary.tour.network import Network
from lossary.tour.recipe import Recipe


def _network_by_hand(g: Given) -> Tensor:
    w1, b1, w2, b2 = g.net.parameters()
    h = 1 / (1 + torch.exp(-(g.x @ w1.T + b1)))
    return 1 / (1 + torch.exp(-(h @ w2.T + b2)))


def _network(nn: Any, g: Given) -> Any:
    torch.manual_seed(70)
    net = Network(2, 2, 1, last=nn.Sigmoid(), layers=nn)
    return net(g.x)


def _network_exact(mp: Any, g: Given) -> Any:
    w1, b1, w2, b2 = g.net.parameters()
    h = [exact.sigmoid(mp, v) for v in exact.linear(mp, exact.exactly(mp, g.x)[0], w1, b1)]
    return [exact.sigmoid(mp, v) for v in exact.linear(mp, h, w2, b2)]


def _two_classes_by_hand(g: Given) -> Tensor:
    return torch.tensor([[1 - g.y.item(), g.y.item()]])


def _two_classes(nn: Any, g: Given) -> Any:
    score = torch.logit(g.y)
    return nn.Softmax(dim=1)(torch.cat([torch.zeros(1, 1), score], 1))


def _two_classes_torch(nn: Any, g: Given) -> Any:
    return torch.cat([1 - g.y, g.y], 1)


def _two_classes_exact(mp: Any, g: Given) -> Any:
    y = mp.mpf(g.y.item())
    return [1 - y, y]


RECIPES = (
    Recipe("network_output", _network_by_hand, _network, _network_exact),
    Recipe(
        "two_class_probabilities",
        _two_classes_by_hand,
        _two_classes,
        _two_classes_exact,
        torch=_two_classes_torch,
    ),
)
