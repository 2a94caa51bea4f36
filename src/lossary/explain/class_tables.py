"""Tables by class: shares of the loss, and which class was taken for which."""

import torch
from torch import Tensor

from lossary.explain.class_sums import ClassSums
from lossary.explain.examples import loss_shares, ratio
from lossary.explain.numbers import Cell, ClassRow
from lossary.explain.view import View

# As many rows of a table as are kept where there are more: those with the most of the loss.
MOST = 100


def per_class(sums: ClassSums, view: View) -> tuple[ClassRow, ...]:
    """A row for each class that was met, in their order; of very many, those that cost most."""
    if not sums.items:
        return ()
    examples, loss, truth, hits, asked, gradient = sums.by_class
    total, slopes = float(loss.sum()), float(gradient.sum())
    is_multi_label = sums.groups > 1
    met = [int(i) for i in (examples > 0).nonzero().flatten()]
    if len(met) > MOST:
        met = sorted(sorted(met, key=lambda i: (-float(loss[i]), i))[:MOST])
    return tuple(
        ClassRow(
            label=view.name(i),
            examples=int(asked[i] if is_multi_label else examples[i]),
            examples_share=float(asked[i] / examples[i])
            if is_multi_label
            else ratio(float(examples[i]), sums.items),
            loss_share=ratio(float(loss[i]), total),
            mean_nats=float(loss[i] / examples[i]),
            truth_probability=float(truth[i] / examples[i]),
            recall=float(hits[i] / asked[i]) if asked[i] else None,
            gradient_share=ratio(float(gradient[i]), slopes),
        )
        for i in met
    )


def confusion(seen: dict[str, Tensor], classes: int, view: View) -> tuple[Cell, ...]:
    """Pairs of target and prediction that occur, those that cost most first."""
    if not len(seen["label"]):
        return ()
    pairs = seen["label"].long() * classes + seen["predicted"].long()
    kinds, place, counts = torch.unique(pairs, return_inverse=True, return_counts=True)
    share = torch.zeros(len(kinds), dtype=torch.float64)
    share.index_add_(0, place, loss_shares(seen["loss"]))
    loss = torch.zeros(len(kinds), dtype=torch.float64).index_add_(0, place, seen["loss"])
    order = torch.argsort(share, descending=True, stable=True)[:MOST]
    return tuple(
        Cell(
            target=view.name(int(kinds[i]) // classes),
            prediction=view.name(int(kinds[i]) % classes),
            examples=int(counts[i]),
            mean_nats=float(loss[i] / counts[i]),
            loss_share=float(share[i]),
        )
        for i in order
    )
