"""Step 5: binary cross-entropy is the KL divergence from a one-hot target."""

from typing import Any

import torch
from torch import Tensor

from lossary.tour import exact
from lossary.tour.draws import study_stream
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def one_hot_by_hand(g: Given) -> Tensor:
    return torch.tensor([[1.0 if k == g.t.item() else 0.0 for k in range(2)]])


def one_hot(nn: Any, g: Given) -> Tensor:
    return nn.functional.one_hot(g.t.long(), 2).float()


def one_hot_torch(nn: Any, g: Given) -> Tensor:
    return torch.eye(2).index_select(0, g.t.long())


def one_hot_exact(mp: Any, g: Given) -> Any:
    return [1 - int(g.t.item()), int(g.t.item())]


def kl_by_hand(g: Given) -> Tensor:
    return (1.0 * torch.log(1.0 / g.y)).sum()


def kl(nn: Any, g: Given) -> Tensor:
    p = torch.cat([1 - g.y, g.y], 1)
    return nn.KLDivLoss(reduction="sum")(torch.log(p), torch.tensor([[0.0, 1.0]]))


def kl_exact(mp: Any, g: Given) -> Any:
    y = mp.mpf(g.y.item())
    return exact.kl_divergence(mp, [mp.mpf(0), mp.mpf(1)], [1 - y, y])


def bce_by_hand(g: Given) -> Tensor:
    return -(g.t * torch.log(g.y) + (1 - g.t) * torch.log(1 - g.y)).sum()


def bce(nn: Any, g: Given) -> Tensor:
    return nn.BCELoss(reduction="sum")(g.y.squeeze(1), g.t)


def bce_exact(mp: Any, g: Given) -> Any:
    return mp.fsum(exact.bce(mp, [mp.mpf(g.y.item())], [1]))


def sigmoid_by_hand(g: Given) -> Tensor:
    s = torch.tensor(g.stream[55:59]).reshape(4, 1)
    return 1 / (1 + torch.exp(-s))


def sigmoid(nn: Any, g: Given) -> Tensor:
    return nn.Sigmoid()(g.s)


def sigmoid_exact(mp: Any, g: Given) -> Any:
    return [exact.sigmoid(mp, s) for (s,) in exact.exactly(mp, g.s)]


def four_by_hand(g: Given) -> Tensor:
    p = 1 / (1 + torch.exp(-g.s))
    return -(g.t4 * torch.log(p) + (1 - g.t4) * torch.log(1 - p)).mean()


def four(nn: Any, g: Given) -> Tensor:
    return nn.BCELoss()(torch.sigmoid(g.s), g.t4)


def four_exact(mp: Any, g: Given) -> Any:
    p = [row[0] for row in exact.exactly(mp, torch.sigmoid(g.s))]
    return mp.fsum(exact.bce(mp, p, [int(y) for (y,) in g.t4.tolist()])) / 4


def next_by_hand(g: Given) -> Tensor:
    return torch.tensor(g.stream[59:]).reshape(4, 1)


def next_draw(nn: Any, g: Given) -> Tensor:
    return nn.init.normal_(torch.empty(4, 1))


def next_torch(nn: Any, g: Given) -> Tensor:
    return torch.randn(4, 1)


def next_exact(mp: Any, g: Given) -> Any:
    return study_stream(mp)[59:]


RECIPES = (
    Recipe("one_hot", one_hot_by_hand, one_hot, one_hot_exact, torch=one_hot_torch),
    Recipe("kl_one_hot", kl_by_hand, kl, kl_exact),
    Recipe("bce_network", bce_by_hand, bce, bce_exact),
    Recipe("sigmoid_probabilities", sigmoid_by_hand, sigmoid, sigmoid_exact),
    Recipe("bce_targets", four_by_hand, four, four_exact),
    Recipe("next_draw", next_by_hand, next_draw, next_exact, torch=next_torch),
)
