"""Step 7: cross-entropy, the surprise of the true class under the softmax of the scores."""

from typing import Any

import torch
from torch import Tensor

from lossary.tour import exact
from lossary.tour.draws import seed_70_stream
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def _one_by_hand(g: Given) -> Tensor:
    p = torch.exp(g.z) / torch.exp(g.z).sum()
    return -torch.log(p[0, 1])


def _one(nn: Any, g: Given) -> Any:
    return nn.CrossEntropyLoss(reduction="sum")(g.z, torch.tensor([1]))


def _one_exact(mp: Any, g: Given) -> Any:
    return mp.fsum(exact.cross_entropies(mp, exact.exactly(mp, g.z), [1]))


def _logits_by_hand(g: Given) -> Tensor:
    return torch.tensor(g.stream[40:55]).reshape(3, 5)


def _logits(nn: Any, g: Given) -> Any:
    torch.set_rng_state(g.before_outputs)
    return nn.init.normal_(torch.empty(3, 5))


def _logits_torch(nn: Any, g: Given) -> Any:
    torch.set_rng_state(g.before_outputs)
    return torch.randn(3, 5)


def _logits_exact(mp: Any, g: Given) -> Any:
    return seed_70_stream(mp)[40:55]


def _three_by_hand(g: Given) -> Tensor:
    p = torch.exp(g.outputs) / torch.exp(g.outputs).sum(1, keepdim=True)
    return -torch.log(p[[0, 1, 2], [1, 0, 3]]).mean()


def _three(nn: Any, g: Given) -> Any:
    return nn.CrossEntropyLoss()(g.outputs, torch.tensor([1, 0, 3]))


def _three_exact(mp: Any, g: Given) -> Any:
    return mp.fsum(exact.cross_entropies(mp, exact.exactly(mp, g.outputs), [1, 0, 3])) / 3


RECIPES = (
    Recipe("cross_entropy_class_1", _one_by_hand, _one, _one_exact),
    Recipe("cross_entropy_logits", _logits_by_hand, _logits, _logits_exact, torch=_logits_torch),
    Recipe("cross_entropy_classes", _three_by_hand, _three, _three_exact),
)
