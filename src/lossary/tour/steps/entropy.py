"""Step 3: entropy, the surprise to expect."""

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.tour import exact
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def coin_by_hand(g: Given) -> Tensor:
    return -(g.p * torch.log(g.p)).sum()


def coin(nn: Any, g: Given) -> Tensor:
    return lossary.entropy(g.p)


def coin_torch(nn: Any, g: Given) -> Tensor:
    return torch.distributions.Categorical(probs=g.p).entropy()


def coin_exact(mp: Any, g: Given) -> Any:
    return exact.entropy(mp, exact.exactly(mp, g.p))


def sure_by_hand(g: Given) -> Tensor:
    terms = [-p * torch.log(p) for p in g.q if p > 0]
    return torch.stack(terms).sum()


def sure(nn: Any, g: Given) -> Tensor:
    return lossary.entropy(g.q)


def sure_torch(nn: Any, g: Given) -> Tensor:
    return torch.special.entr(g.q).sum()


def sure_exact(mp: Any, g: Given) -> Any:
    return exact.entropy(mp, exact.exactly(mp, g.q))


def sum_by_hand(g: Given) -> Tensor:
    return torch.tensor(1.0 + 2.0 + 3.0)


def sum_lossary(nn: Any, g: Given) -> Tensor:
    return nn.L1Loss(reduction="sum")(torch.tensor([[1.0, 2.0, 3.0]]), torch.zeros(1, 3))


def sum_torch(nn: Any, g: Given) -> Tensor:
    return torch.tensor([[1, 2, 3]]).sum()


def sum_exact(mp: Any, g: Given) -> Any:
    return mp.mpf(1) + 2 + 3


RECIPES = (
    Recipe("coin_entropy", coin_by_hand, coin, coin_exact, torch=coin_torch),
    Recipe("sure_coin_entropy", sure_by_hand, sure, sure_exact, torch=sure_torch),
    Recipe("sum", sum_by_hand, sum_lossary, sum_exact, torch=sum_torch),
)
