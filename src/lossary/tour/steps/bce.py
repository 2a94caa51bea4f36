"""Step 5: binary cross-entropy is the KL divergence from a one-hot target."""

from typing import Any

import torch
from torch import Tensor

from lossary.tour import exact
from lossary.tour.draws import seed_70_stream
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def _one_hot_by_hand(g: Given) -> Tensor:
    return torch.tensor([[1.0 if k == g.t.item() else 0.0 for k in range(2)]])


def _one_hot(nn: Any, g: Given) -> Any:
    return nn.functional.one_hot(g.t.long(), 2).float()


def _one_hot_torch(nn: Any, g: Given) -> Any:
    return torch.eye(2).index_select(0, g.t.long())


def _one_hot_exact(mp: Any, g: Given) -> Any:
    return [1 - int(g.t.item()), int(g.t.item())]


def _kl_by_hand(g: Given) -> Tensor:
    return (1.0 * torch.log(1.0 / g.y)).sum()


def _kl(nn: Any, g: Given) -> Any:
    p = torch.cat([1 - g.y, g.y], 1)
    return nn.KLDivLoss(reduction="sum")(torch.log(p), torch.tensor([[0.0, 1.0]]))


def _kl_exact(mp: Any, g: Given) -> Any:
    y = mp.mpf(g.y.item())
    return exact.kl_divergence(mp, [mp.mpf(0), mp.mpf(1)], [1 - y, y])


def _bce_by_hand(g: Given) -> Tensor:
    return -(g.t * torch.log(g.y) + (1 - g.t) * torch.log(1 - g.y)).sum()


def _bce(nn: Any, g: Given) -> Any:
    return nn.BCELoss(reduction="sum")(g.y.squeeze(1), g.t)


def _bce_exact(mp: Any, g: Given) -> Any:
    return mp.fsum(exact.bce(mp, [mp.mpf(g.y.item())], [1]))


def _sigmoid_by_hand(g: Given) -> Tensor:
    s = torch.tensor(g.stream[55:59]).reshape(4, 1)
    return 1 / (1 + torch.exp(-s))


def _sigmoid(nn: Any, g: Given) -> Any:
    return nn.Sigmoid()(g.s)


def _sigmoid_exact(mp: Any, g: Given) -> Any:
    return [exact.sigmoid(mp, s) for (s,) in exact.exactly(mp, g.s)]


def _four_by_hand(g: Given) -> Tensor:
    p = 1 / (1 + torch.exp(-g.s))
    return -(g.t4 * torch.log(p) + (1 - g.t4) * torch.log(1 - p)).mean()


def _four(nn: Any, g: Given) -> Any:
    return nn.BCELoss()(torch.sigmoid(g.s), g.t4)


def _four_exact(mp: Any, g: Given) -> Any:
    p = [row[0] for row in exact.exactly(mp, torch.sigmoid(g.s))]
    return mp.fsum(exact.bce(mp, p, [int(y) for (y,) in g.t4.tolist()])) / 4


def _next_by_hand(g: Given) -> Tensor:
    return torch.tensor(g.stream[59:]).reshape(4, 1)


def _next_draw(nn: Any, g: Given) -> Any:
    torch.set_rng_state(g.before_next)
    return nn.init.normal_(torch.empty(4, 1))


def _next_torch(nn: Any, g: Given) -> Any:
    torch.set_rng_state(g.before_next)
    return torch.randn(4, 1)


def _next_exact(mp: Any, g: Given) -> Any:
    return seed_70_stream(mp)[59:]


RECIPES = (
    Recipe("one_hot", _one_hot_by_hand, _one_hot, _one_hot_exact, torch=_one_hot_torch),
    Recipe("kl_one_hot", _kl_by_hand, _kl, _kl_exact),
    Recipe("bce_network", _bce_by_hand, _bce, _bce_exact),
    Recipe("sigmoid_probabilities", _sigmoid_by_hand, _sigmoid, _sigmoid_exact),
    Recipe("bce_targets", _four_by_hand, _four, _four_exact),
    Recipe("next_draw", _next_by_hand, _next_draw, _next_exact, torch=_next_torch),
)
