"""Step 4: KL divergence, the extra surprise of believing the wrong distribution."""

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.tour import exact
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def coin_by_hand(g: Given) -> Tensor:
    return (g.u * torch.log(g.u / g.p)).sum()


def coin(nn: Any, g: Given) -> Tensor:
    return nn.KLDivLoss(reduction="sum")(torch.log(g.p), g.u)


def coin_exact(mp: Any, g: Given) -> Any:
    return exact.kl_divergence(mp, exact.exactly(mp, g.u), exact.exactly(mp, g.p))


def eps_by_hand(g: Given) -> Tensor:
    u, q = g.u + g.eps, g.q + g.eps
    return (u * torch.log(u / q)).sum()


def eps(nn: Any, g: Given) -> Tensor:
    return nn.KLDivLoss(reduction="sum")(torch.log(g.q + g.eps), g.u + g.eps)


def eps_exact(mp: Any, g: Given) -> Any:
    u, q = exact.exactly(mp, g.u + g.eps), exact.exactly(mp, g.q + g.eps)
    return exact.kl_divergence(mp, u, q)


def impossible_by_hand(g: Given) -> Tensor:
    return (g.u * torch.log(g.u / g.q)).sum()


def impossible(nn: Any, g: Given) -> Tensor:
    return lossary.kl_divergence(g.u, g.q)


def impossible_torch(nn: Any, g: Given) -> Tensor:
    return nn.KLDivLoss(reduction="sum")(torch.log(g.q), g.u)


def impossible_exact(mp: Any, g: Given) -> Any:
    return exact.kl_divergence(mp, exact.exactly(mp, g.u), exact.exactly(mp, g.q))


RECIPES = (
    Recipe("kl_coin", coin_by_hand, coin, coin_exact),
    Recipe("kl_with_eps", eps_by_hand, eps, eps_exact),
    Recipe(
        "kl_impossible", impossible_by_hand, impossible, impossible_exact, torch=impossible_torch
    ),
)
