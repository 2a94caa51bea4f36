"""Cross-entropy with soft or smoothed targets: five numbers an item are kept.

Floor: scores and mass are read once forward; backward reads them again and writes the gradient.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.kernels.cpu import _soft_rows
from lossary.kernels.cpu._arrays import array
from lossary.kernels.cpu._labels import none_wrong, refuse
from lossary.kernels.cpu._threads import share


def reason_against(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> str | None:
    """A row without classes has no leader."""
    return None if tensors[0].shape[1] else "there are no classes"


def losses(
    tensors: tuple[Tensor, ...], options: dict[str, Any], summed: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The losses, or their sum, and what the gradient needs of each item."""
    x, target = tensors[:2]
    rows, mass = _rows(x), _rows(target) if target.is_floating_point() else target.reshape(-1)
    items = torch.empty(len(rows), dtype=torch.float64, device="cpu")
    notes = torch.empty((_soft_rows.NOTES, len(rows)), dtype=torch.float64, device="cpu")
    results = array(items), array(notes)
    _share(_soft_rows.losses, rows, mass, _settings(tensors, options), results)
    if options.get("z_loss"):
        _penalise(items, notes, mass, options)
    if summed:
        return items.sum(), (notes,)
    return items.view(x.shape[0], *x.shape[2:]), (notes,)


def _penalise(items: Tensor, notes: Tensor, mass: Tensor, options: dict[str, Any]) -> None:
    """Add ``z lse^2`` for all mass to the losses; its slope is a change of the notes."""
    every = torch.ones(len(mass), dtype=torch.bool, device="cpu")
    counted = mass != options["ignore_index"] if mass.dim() == 1 else every
    lse = torch.where(counted, notes[1] + notes[2].log1p(), 0)
    total = torch.where(counted, notes[3], 0)
    items.add_(total * lse.square(), alpha=options["z_loss"])
    more = 2 * options["z_loss"] * lse * total
    notes[3].add_(more)
    notes[4].add_(more)


def gradient(
    tensors: tuple[Tensor, ...],
    options: dict[str, Any],
    notes: tuple[Tensor, ...],
    scale: Tensor,
    out: Tensor | None = None,
) -> Tensor:
    """The slope of the scores times each item's scale; ``out`` may be the scores themselves."""
    x, target = tensors[:2]
    rows, mass = _rows(x), _rows(target) if target.is_floating_point() else target.reshape(-1)
    by_item = scale.double().expand(x.shape[0], *x.shape[2:]).reshape(-1).contiguous()
    in_place = out is not None and rows.data_ptr() == out.data_ptr()
    made = rows if in_place else torch.empty(rows.shape, dtype=x.dtype, device="cpu")
    results = array(notes[0]), array(by_item), array(made)
    _share(_soft_rows.gradient, rows, mass, _settings(tensors, options), results)
    return made.view(x.shape[0], *x.shape[2:], x.shape[1]).movedim(-1, 1)


def _share(
    loop: Any, rows: Tensor, mass: Tensor, settings: tuple[Any, ...], results: tuple[Any, ...]
) -> None:
    """Hand the rows to the threads; a label that named no class is refused then."""
    (ignored, *others), wrong = settings, none_wrong()
    given = array(rows), array(mass), ignored, wrong, *others
    share(loop, len(rows), rows.numel(), *given, *results)
    refuse(wrong, "cross_entropy", mass, rows.shape[1], ignored)


def _rows(t: Tensor) -> Tensor:
    """Classes last and contiguous: the tensor itself where it has two dimensions."""
    if t.dim() == 2 and (t.shape[1] == 1 or t.stride(1) == 1):
        return t
    return t.movedim(1, -1).reshape(-1, t.shape[1]).contiguous()


def _settings(tensors: tuple[Tensor, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """What index is ignored, the weights of the classes, and how the mass is smoothed."""
    x, _, *given = tensors
    classes, smoothing = x.shape[1], options["smoothing"]
    weight = options.get("weight")
    if given:  # the same for every item: a view of one number a class
        weight = given[0].movedim(1, -1).reshape(-1, classes)[0]
    weights = torch.ones(classes, device="cpu") if weight is None else weight
    ignored = options.get("ignore_index", 0)
    kept = 1.0 - smoothing
    return ignored, array(weights.double()), kept, smoothing / classes
