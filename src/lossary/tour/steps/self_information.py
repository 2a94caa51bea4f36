"""Step 2: self-information, the surprise of what happened."""

import math
from typing import Any

import torch
from torch import Tensor

import lossary
from lossary.tour.given import Given
from lossary.tour.recipe import Recipe


def log_by_hand(g: Given) -> Tensor:
    return torch.tensor(math.log(g.rare.item()))


def log_lossary(nn: Any, g: Given) -> Tensor:
    return -lossary.self_information(g.rare)


def log_torch(nn: Any, g: Given) -> Tensor:
    return torch.log(g.rare)


def log_exact(mp: Any, g: Given) -> Any:
    return mp.log(mp.mpf(g.rare.item()))


RECIPES = (Recipe("log", log_by_hand, log_lossary, log_exact, torch=log_torch),)
