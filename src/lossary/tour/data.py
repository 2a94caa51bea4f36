"""Real data that comes with scikit-learn: no download, split once, scaled by the training part."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.console.optional import need
from lossary.tour.given import SEED

HELD_OUT = 0.25


@dataclass(frozen=True)
class Split:
    """Training and held-out examples; ``unit`` is the target's spread in its own unit."""

    x: Tensor
    y: Tensor
    held_out_x: Tensor
    held_out_y: Tensor
    classes: int
    unit: float = 1.0


def load(name: str, *, classes: int) -> Split:
    """Load a bundled data set by name; ``classes`` is 0 where the target is a quantity.

    A quarter is held out, with the same share of every class. Nothing about it enters the
    training, not even its mean: inputs and quantities are scaled by the training part.

    >>> load("breast_cancer", classes=2).held_out_y.shape
    torch.Size([143])
    """
    bunch = getattr(need("sklearn.datasets"), f"load_{name}")()
    split = need("sklearn.model_selection").train_test_split
    parts = split(
        bunch.data,
        bunch.target,
        test_size=HELD_OUT,
        random_state=SEED,
        stratify=bunch.target if classes else None,
    )
    x, held_x, y, held_y = (torch.tensor(part) for part in parts)
    x, held_x, _ = _scaled(x, held_x)
    unit = 1.0
    if not classes:
        y, held_y, unit = _scaled(y, held_y)
    return Split(x, y, held_x, held_y, classes, unit)


def _scaled(train: Tensor, held_out: Tensor) -> tuple[Tensor, Tensor, float]:
    mean, spread = train.double().mean(0), train.double().std(0, correction=0)
    # A pixel that is blank in every training image has no spread and carries nothing.
    spread = torch.where(spread == 0, 1, spread)
    train, held_out = ((part - mean) / spread for part in (train, held_out))
    return train.float(), held_out.float(), float(spread.flatten()[0])
