"""One call of a loss, looked at: part of it is read, and added to the sums."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from lossary.core.errors import ShapeError, teach
from lossary.explain.asking import Asked
from lossary.explain.class_rows import ClassRows
from lossary.explain.door import batched
from lossary.explain.kinds import kind_of
from lossary.explain.monitor import looking
from lossary.explain.monitor.class_tally import ClassTally, Shape
from lossary.explain.monitor.quantity_tally import QuantityTally
from lossary.explain.source import Block
from lossary.kernels.express import is_plain
from lossary.kernels.select import compiled_module, level_is

Tally = ClassTally | QuantityTally
# So many calls go by before a kernel is compiled, or read from the disk.
PATIENCE = 4


def meet(
    tally: Tally | None, asked: Asked, prediction: Tensor, target: Tensor, call: int, whole: bool
) -> Tally | None:
    """Add a call to the sums, which begin with the first; ``whole``: all of every call."""
    prediction, target = prediction.detach(), target.detach()
    if prediction.dim() < 2:
        prediction, target = batched(asked, prediction, target)
    if asked.name == "linear_cross_entropy":
        asked, prediction, target, missed = _scores(asked, prediction, target, call, whole)
        call, whole = max(call, PATIENCE), True
    else:
        missed = 0
    if isinstance(tally, ClassTally) and call >= PATIENCE:
        if _by_kernel(tally, asked, prediction, target, call, whole):
            if missed:
                tally.passed_over(missed)
            return tally
    if not whole and not looking.is_turn(call):
        if tally is not None:
            tally.passed_over(missed + items(asked, prediction))
        return tally
    kept = [] if whole else looking.parts(prediction, call, asked.name != "kl_div")
    block, asked = _part(asked, prediction, target, kept)
    missed += items(asked, prediction) - items(asked, block.prediction)
    return _by_torch(tally, asked, block, missed)


def _by_kernel(
    tally: ClassTally, asked: Asked, x: Tensor, target: Tensor, call: int, whole: bool
) -> bool:
    """Rows of scores with class targets, side by side in this machine's memory."""
    weight, smoothing = asked.settings["weight"], asked.settings.get("label_smoothing", 0.0)
    if asked.name not in ("cross_entropy", "linear_cross_entropy") or x.dim() != 2:
        return False
    if target.dim() != 1 or not len(x) or (weight is not None and smoothing):
        return False
    target = target.long()
    weight = None if weight is None else weight.double()
    if not all(is_plain(t) for t in (x, target, *(() if weight is None else (weight,)))):
        return False
    kernel = compiled_module("tally") if level_is("fused") else "another level"
    if isinstance(kernel, str) or x.shape[1] != tally.shape.classes:
        return False
    ignored = asked.settings["ignore_index"]
    first, step = (0, 1) if whole else looking.rows(x.shape[0], x.shape[1], call)
    ignored = -(2**63) if ignored is None else ignored
    added: bool = kernel.add(x, target, weight, tally.values, first, step, ignored, smoothing)
    return added


def _by_torch(tally: Tally | None, asked: Asked, block: Block, missed: int) -> Tally:
    found = kind_of(asked.name).read(asked, block, 0)
    if not isinstance(found, ClassRows):
        of_quantities = tally if isinstance(tally, QuantityTally) else QuantityTally()
        of_quantities.meet(found, missed)
        return of_quantities
    shape = Shape(found.mass.shape[1], found.groups, found.is_binary)
    of_classes = tally if isinstance(tally, ClassTally) else ClassTally(shape)
    if of_classes.shape != shape:
        came = f"got {shape.classes} classes and {shape.groups} labels"
        expected = f"{of_classes.shape.classes} and {of_classes.shape.groups}, as before"
        raise ShapeError(teach("Monitor", came, expected, fix="one monitor for each head"))
    good = ~found.nats.isnan()
    of_classes.meet(_only(found, good), int((~good).sum()), missed)
    return of_classes


def _only(rows: ClassRows, kept: Tensor) -> ClassRows:
    """The rows that are kept."""
    columns = {f.name: getattr(rows, f.name) for f in dataclasses.fields(rows)}
    held: dict[str, Any] = {
        name: t[kept] if isinstance(t, Tensor) else t for name, t in columns.items()
    }
    return ClassRows(**held)


def _part(
    asked: Asked, prediction: Tensor, target: Tensor, kept: list[looking.Part]
) -> tuple[Block, Asked]:
    """The part that is looked at, on the processor, with the weights that belong to it."""
    whole = prediction.shape

    def taken(t: Tensor) -> Tensor:
        for part in kept:
            t = part.of(t)
        return t.cpu()

    settings = {key: _beside(value) for key, value in asked.settings.items()}
    weight = None
    if kind_of(asked.name).BY_ENTRY:
        for key in ("weight", "pos_weight"):
            if settings.get(key) is not None:
                settings[key] = taken(settings[key].expand(whole))
        weight = settings.get("weight")
    block = Block(taken(prediction), taken(target), weight)
    return block, Asked(asked.name, settings)


def _beside(value: Any) -> Any:
    return value.detach().cpu() if isinstance(value, Tensor) else value


def _scores(
    asked: Asked, hidden: Tensor, target: Tensor, call: int, whole: bool
) -> tuple[Asked, Tensor, Tensor, int]:
    """What a linear layer makes of the rows that are looked at, and how many are not."""
    settings = dict(asked.settings)
    matrix, bias = settings.pop("linear_weight"), settings.pop("linear_bias", None)
    first, step = (0, 1) if whole else looking.rows(len(hidden), len(matrix), call)
    rows, cap = hidden[first::step], settings.get("logit_softcap")
    scores = torch.nn.functional.linear(rows.to(matrix.dtype), matrix, bias)
    scores = scores if cap is None else cap * torch.tanh(scores / cap)
    return Asked("cross_entropy", settings), scores, target[first::step], len(hidden) - len(rows)


def items(asked: Asked, prediction: Tensor) -> int:
    """How many examples a prediction holds."""
    if kind_of(asked.name).BY_ENTRY:
        return prediction.numel()
    classes = prediction.shape[1] if prediction.dim() > 1 else 1
    return prediction.numel() // max(1, classes)
