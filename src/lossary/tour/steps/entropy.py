"""Step 3: entropy, the surprise to expect."""

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.tour import exact
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def _coin_by_hand(g: Given) -> Tensor:
    return -(g.p * torch.log(g.p)).sum()


def _coin(nn: Any, g: Given) -> Any:
    return lossary.entropy(g.p)


def _coin_torch(nn: Any, g: Given) -> Any:
    return torch.distributions.Categorical(probs=g.p).entropy()


def _coin_exact(mp: Any, g: Given) -> Any:
    return exact.entropy(mp, exact.exactly(mp, g.p))


def _sure_by_hand(g: Given) -> Tensor:
    terms = [-p * torch.log(p) for p in g.q if p > 0]
    return torch.stack(terms).sum()


def _sure(nn: Any, g: Given) -> Any:
    return lossary.entropy(g.q)


def _sure_torch(nn: Any, g: Given) -> Any:
    return torch.special.entr(g.q).sum()


def _sure_exact(mp: Any, g: Given) -> Any:
    return exact.entropy(mp, exact.exactly(mp, g.q))


def _sum_by_hand(g: Given) -> Tensor:
    return torch.tensor(1.0 + 2.0 + 3.0)


def _sum_lossary(nn: Any, g: Given) -> Any:
    return nn.L1Loss(reduction="sum")(torch.tensor([[1.0, 2.0, 3.0]]), torch.zeros(1, 3))


def _sum_torch(nn: Any, g: Given) -> Any:
    return torch.tensor([[1, 2, 3]]).sum()


def _sum_exact(mp: Any, g: Given) -> Any:
    return mp.mpf(1) + 2 + 3


RECIPES = (
    Recipe("coin_entropy", _coin_by_hand, _coin, _coin_exact, torch=_coin_torch),
    Recipe("sure_coin_entropy", _sure_by_hand, _sure, _sure_exact, torch=_sure_torch),
    Recipe("sum", _sum_by_hand, _sum_lossary, _sum_exact, torch=_sum_torch),
)
