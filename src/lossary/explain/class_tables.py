"""Tables by class: shares of the loss, and which class was taken for which."""

import math

from lossary.explain.class_pairs import Pairs
from lossary.explain.class_sums import ClassSums
from lossary.explain.examples import ratio
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


def confusion(pairs: Pairs, classes: int, view: View) -> tuple[Cell, ...]:
    """Pairs of target and prediction that occur, those that cost most first."""
    total = sum(finite for _, finite, _ in pairs.met.values())
    endless = sum(infinite for _, _, infinite in pairs.met.values())

    def share(row: list[float]) -> float:
        return ratio(row[2], endless) if endless else ratio(row[1], total)

    found = sorted(pairs.met.items(), key=lambda pair: (-share(pair[1]), pair[0]))[:MOST]
    return tuple(
        Cell(
            target=view.name(kind // classes),
            prediction=view.name(kind % classes),
            examples=int(row[0]),
            mean_nats=math.inf if row[2] else row[1] / row[0],
            loss_share=share(row),
        )
        for kind, row in found
    )
