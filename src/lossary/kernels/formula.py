"""A loss as data: its mathematics, and quicker ways to it where they are known."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

# (wanted, *tensors, **options) -> per-item losses, and their slopes for the wanted tensors.
Kernel = Callable[..., tuple[Tensor, tuple[Tensor, ...]]]


@dataclass(frozen=True)
class Formula:
    """The mathematics of one loss, item by item.

    ``losses(*tensors, **options)`` is the exact formula, made of torch operations, so that
    every transform of torch differentiates it. It is all that a loss must have.

    ``kernel(wanted, *tensors, **options)`` gives the same losses and, written out, their slopes
    with respect to the tensors whose places are ``wanted`` (none, or some of ``slopes_for``).
    It gets float32 or float64 tensors, widens what it must, may branch on values, and never
    writes to what it was given; only plain eager calls reach it. Losses that it leaves NaN
    (0 * inf) are computed again by the formula; its slopes must be right even there.
    ``block_entries`` is how much of the first tensor it gets at once. Below 2**15 entries
    torch runs an operation on one thread; 2**17 gives two threads full work while a block's
    float64 intermediates (1 MB each) still fit a core's cache.

    ``fused`` names the modules, in ``kernels/cpu`` and ``kernels/triton``, of compiled loops and
    GPU kernels that read the tensors once and keep next to nothing: the first tensor's slope is
    made again in backward. Either may be missing.

    ``elementwise`` says that item i depends on entry i alone, so that any split will do;
    otherwise items are rows along the first dimension. ``wide`` says that the formula
    subtracts nearly equal numbers and so needs the wider dtype.
    """

    losses: Callable[..., Tensor]
    kernel: Kernel | None = None
    slopes_for: tuple[int, ...] = (0,)
    block_entries: int = 2**17
    fused: str | None = None
    elementwise: bool = True
    wide: bool = True
