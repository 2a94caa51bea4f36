"""Cross-entropy with class targets: three numbers an item are kept, the rest is made again.

Floor: the scores are read once forward; backward reads them once more and writes the gradient.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.cpu import _hard_groups, _hard_rows, _hard_tiles
from lossary.kernels.cpu._arrays import array, computing
from lossary.kernels.cpu._labels import none_wrong, refuse
from lossary.kernels.cpu._threads import share

# Shorter rows are read side by side: forward, where a row costs more than its entries do ...
LONG_FORWARD = 48
# ... up to where rows need no longer be made a few together; ...
LONGEST_GROUPED = 448
# ... and backward, where only very short ones do.
LONG_BACKWARD = 48


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """Nothing: every dtype, layout and option is served."""
    return None


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses, or their sum, and what the gradient needs of each item."""
    x, target = tensors
    items = torch.empty(target.shape, dtype=torch.float64, device="cpu")
    notes = torch.empty((3, *target.shape), dtype=computing(x.dtype), device="cpu")
    kernel, views, count = _laid_out(x, target, LONG_FORWARD, items, notes)
    if kernel is _hard_rows and x.shape[1] <= LONGEST_GROUPED:
        kernel = _hard_groups
    _share(kernel.losses, count, tensors, options, views)
    if options.get("z_loss"):
        _penalise(items, notes, target, options)
    if options["weight"] is not None:
        items *= _row_weights(target, options)
    return items.sum() if summed else items, (notes,)


def _penalise(items: Tensor, notes: Tensor, target: Tensor, options: dict[str, Any]) -> None:
    """Add ``z lse^2`` to the losses; its slope, ``2 z lse p``, is a change of the notes."""
    counted = target != options["ignore_index"]
    lse = torch.where(counted, notes[0] - notes[1].log(), 0)
    items.add_(lse.double().square(), alpha=options["z_loss"])
    more = 2 * options["z_loss"] * lse
    notes[1].mul_(1 + more)
    notes[2].sub_((1 - notes[2]) * more)


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
    out: Tensor | None = None,
) -> Tensor:
    """The slope of the scores times each item's scale; ``out`` may be the scores themselves."""
    x, target = tensors
    if options["weight"] is not None:
        scale = scale * _row_weights(target, options)
    scale = scale.to(notes[0].dtype).expand(target.shape).contiguous()
    out = torch.empty(x.shape, dtype=x.dtype, device="cpu") if out is None else out
    kernel, views, count = _laid_out(x, target, LONG_BACKWARD, notes[0], scale, out=out)
    _share(kernel.gradient, count, tensors, options, views)
    return out


def _share(
    loop: Any, count: int, tensors: tuple[Tensor, ...], options: dict[str, Any], views: list[Any]
) -> None:
    """Hand the parts of a loop to the threads; a label that named no class is refused then."""
    (x, target), ignored, wrong = tensors, options["ignore_index"], none_wrong()
    share(loop, count, x.numel(), *views[:2], ignored, wrong, *views[2:])
    refuse(wrong, "cross_entropy", target, x.shape[1], ignored)


def _laid_out(
    x: Tensor, target: Tensor, long: int, *by_item: Tensor, out: Tensor | None = None
) -> tuple[Any, list[Any], int]:
    """The kernel for this layout, what it reads and writes as arrays, and how many parts."""
    rows = x.dim() == 2 and (x.shape[1] <= 1 or x.stride(1) == 1)
    if rows and x.shape[1] >= long:
        scores = [x] if out is None else [x, out]
        order = [scores[0], target, *by_item, *scores[1:]]
        return _hard_rows, [array(t) for t in order], x.shape[0]

    def tiled(t: Tensor) -> Tensor:
        return t.t().unsqueeze(0) if t.dim() == 2 else t.flatten(2)

    def flat(t: Tensor) -> Tensor:
        lead = t.shape[: t.dim() - target.dim()]
        return t.view(*lead, 1, -1) if x.dim() == 2 else t.reshape(*lead, target.shape[0], -1)

    order = [tiled(x), flat(target), *(flat(t) for t in by_item)]
    if out is not None:
        order.append(tiled(out))
    across = -(-order[0].shape[2] // _hard_tiles.WIDTH)
    return _hard_tiles, [array(t) for t in order], order[0].shape[0] * across


def _row_weights(target: Tensor, options: dict[str, Any]) -> Tensor:
    counted = target != options["ignore_index"]
    weight: Tensor = options["weight"].double()
    return torch.where(counted, weight[torch.where(counted, target, 0)], 0)
