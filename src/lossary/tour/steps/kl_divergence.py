"""Step 4: KL divergence, the extra surprise of believing the wrong distribution."""

from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.tour import exact
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def _coin_by_hand(g: Given) -> Tensor:
    return (g.u * torch.log(g.u / g.p)).sum()


def _coin(nn: Any, g: Given) -> Any:
    return nn.KLDivLoss(reduction="sum")(torch.log(g.p), g.u)


def _coin_exact(mp: Any, g: Given) -> Any:
    return exact.kl_divergence(mp, exact.exactly(mp, g.u), exact.exactly(mp, g.p))


def _eps_by_hand(g: Given) -> Tensor:
    truth = g.u + g.eps
    belief = g.q + g.eps
    return (truth * torch.log(truth / belief)).sum()


def _eps(nn: Any, g: Given) -> Any:
    return nn.KLDivLoss(reduction="sum")(torch.log(g.q + g.eps), g.u + g.eps)


def _eps_exact(mp: Any, g: Given) -> Any:
    u, q = exact.exactly(mp, g.u + g.eps), exact.exactly(mp, g.q + g.eps)
    return exact.kl_divergence(mp, u, q)


def _impossible_by_hand(g: Given) -> Tensor:
    return (g.u * torch.log(g.u / g.q)).sum()


def _impossible(nn: Any, g: Given) -> Any:
    return lossary.kl_divergence(g.u, g.q)


def _impossible_torch(nn: Any, g: Given) -> Any:
    return nn.KLDivLoss(reduction="sum")(torch.log(g.q), g.u)


def _impossible_exact(mp: Any, g: Given) -> Any:
    return exact.kl_divergence(mp, exact.exactly(mp, g.u), exact.exactly(mp, g.q))


RECIPES = (
    Recipe("kl_coin", _coin_by_hand, _coin, _coin_exact),
    Recipe("kl_with_eps", _eps_by_hand, _eps, _eps_exact),
    Recipe(
        "kl_impossible",
        _impossible_by_hand,
        _impossible,
        _impossible_exact,
        torch=_impossible_torch,
    ),
)
