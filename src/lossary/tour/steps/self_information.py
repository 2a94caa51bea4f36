"""Step 2: self-information, the surprise of what happened."""

import math
from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def _log_by_hand(g: Given) -> Tensor:
    return torch.tensor(math.log(g.rare.item()))


def _log_lossary(nn: Any, g: Given) -> Any:
    return -lossary.self_information(g.rare)


def _log_torch(nn: Any, g: Given) -> Any:
    return torch.log(g.rare)


def _log_exact(mp: Any, g: Given) -> Any:
    return mp.log(mp.mpf(g.rare.item()))


RECIPES = (Recipe("log", _log_by_hand, _log_lossary, _log_exact, torch=_log_torch),)
