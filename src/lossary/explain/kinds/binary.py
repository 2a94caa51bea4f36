"""Losses of probabilities of yes or no: one number for each, or one for each label of many."""

from functools import partial

import torch

from lossary import functional
from lossary.explain.asking import Asked
from lossary.explain.class_explanation import explain_classes
from lossary.explain.class_rows import ClassRows
from lossary.explain.explanation import Explanation
from lossary.explain.source import Block, Source
from lossary.explain.view import View

NAMES = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
# Whether every entry is an example, and a weight one of each entry.
BY_ENTRY = True


def explain(asked: Asked, source: Source, view: View) -> Explanation:
    """Measure all blocks of the source."""
    return explain_classes(asked, source, partial(read, asked), view)


def read(asked: Asked, block: Block, start: int) -> ClassRows:
    """Each entry as a row of two classes; the first is example ``start``."""
    x, t = block.prediction.double(), block.target.double()
    given = {"weight": block.weight, "pos_weight": asked.settings.get("pos_weight")}
    weights = {k: w.detach().cpu().double() for k, w in given.items() if w is not None}
    items = getattr(functional, asked.name)(x, t, reduction="none", **weights).flatten()
    one = torch.ones_like(t)
    weight = (weights.get("weight", one) * one).flatten()
    positive = (weights.get("pos_weight", one) * one).flatten()
    groups = x.shape[1] if x.dim() > 1 else 1
    group = None
    if groups > 1:
        column = torch.arange(groups).view(1, -1, *[1] * (x.dim() - 2))
        group = column.expand_as(x).flatten()
    p, q = x.flatten(), t.flatten()
    logits = asked.name.endswith("logits")
    scores = torch.stack((torch.zeros_like(p), p) if logits else ((-p).log1p(), p.log()), 1)
    mass = torch.stack((1 - q, positive * q), 1) * weight.unsqueeze(1)
    is_hard = bool(((q == 0) | (q == 1)).all())
    truth = None if is_hard else torch.stack((1 - q, q), 1)
    index = torch.arange(start, start + p.numel())
    label = (q >= 0.5).long()
    one = torch.ones_like(q)
    return ClassRows(
        index, scores, mass, truth, label, one, items, 0, group=group, groups=groups, is_binary=True
    )
