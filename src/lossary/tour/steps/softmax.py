"""Step 6: softmax turns many scores into one distribution."""

from typing import Any

import torch
from torch import Tensor

from lossary.tour import exact
from lossary.tour.draws import seed_70_stream
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def _scores_by_hand(g: Given) -> Tensor:
    return torch.tensor([g.stream[:10]])


def _scores(nn: Any, g: Given) -> Any:
    torch.manual_seed(70)
    return nn.init.uniform_(torch.empty(1, 10))


def _scores_torch(nn: Any, g: Given) -> Any:
    torch.manual_seed(70)
    return torch.rand(1, 10)


def _scores_exact(mp: Any, g: Given) -> Any:
    return seed_70_stream(mp)[:10]


def _softmax_by_hand(g: Given) -> Tensor:
    return torch.exp(g.z) / torch.exp(g.z).sum()


def _softmax(nn: Any, g: Given) -> Any:
    return nn.Softmax(dim=1)(g.z)


def _softmax_exact(mp: Any, g: Given) -> Any:
    return exact.softmax(mp, exact.exactly(mp, g.z)[0])


RECIPES = (
    Recipe("softmax_input", _scores_by_hand, _scores, _scores_exact, torch=_scores_torch),
    Recipe("softmax", _softmax_by_hand, _softmax, _softmax_exact),
)
