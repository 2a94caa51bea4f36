"""A loss as data: its mathematics, and a quicker way to it where one is known."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

# (with_slope, *tensors, **options) -> per-item losses, and d losses / d first tensor or None.
Kernel = Callable[..., tuple[Tensor, Tensor | None]]


@dataclass(frozen=True)
class Formula:
    """The mathematics of one loss, item by item.

    ``losses(*tensors, **options)`` is the exact formula, made of torch operations, so that
    every transform of torch differentiates it. It is all that a loss must have.

    ``kernel(with_slope, *tensors, **options)`` gives the same losses and, when asked, their
    slope with respect to the first tensor, written out. It gets float32 or float64 tensors,
    widens what it must, may branch on values, and never writes to what it was given; only
    plain eager calls reach it.

    ``elementwise`` says that item i depends on entry i alone, so that any split will do;
    otherwise items are rows along the first dimension. ``wide`` says that the formula
    subtracts nearly equal numbers and so needs the wider dtype.
    """

    losses: Callable[..., Tensor]
    kernel: Kernel | None = None
    elementwise: bool = True
    wide: bool = True
