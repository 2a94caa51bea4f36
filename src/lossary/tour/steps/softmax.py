"""Step 6: softmax turns many scores into one distribution."""

from typing import Any

import torch
from torch import Tensor

from lossary.tour import exact
from lossary.tour.draws import study_stream
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def scores_by_hand(g: Given) -> Tensor:
    return torch.tensor([g.stream[:10]])


def scores(nn: Any, g: Given) -> Tensor:
    return nn.init.uniform_(torch.empty(1, 10))


def scores_torch(nn: Any, g: Given) -> Tensor:
    return torch.rand(1, 10)


def scores_exact(mp: Any, g: Given) -> Any:
    return study_stream(mp)[:10]


def softmax_by_hand(g: Given) -> Tensor:
    return torch.exp(g.z) / torch.exp(g.z).sum()


def softmax(nn: Any, g: Given) -> Tensor:
    return nn.Softmax(dim=1)(g.z)


def softmax_exact(mp: Any, g: Given) -> Any:
    return exact.softmax(mp, exact.exactly(mp, g.z)[0])


RECIPES = (
    Recipe("softmax_input", scores_by_hand, scores, scores_exact, torch=scores_torch),
    Recipe("softmax", softmax_by_hand, softmax, softmax_exact),
)
