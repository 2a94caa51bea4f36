"""An explanation's tables, as words: text and page lay out the same ones."""

import math
from dataclasses import dataclass

from lossary.explain.explanation import Explanation
from lossary.explain.figures import count, number, percent
from lossary.explain.numbers import Classification, Regression
from lossary.explain.words import Words

# As many rows as are shown; an explanation itself has more of them.
MOST_ROWS = 12
MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Table:
    """A heading, the heads of the columns, and cells; the first columns are words."""

    title: str
    head: list[str]
    rows: list[list[str]]
    words: int = 1
    note: str = ""


def tables(found: Explanation, words: Words) -> list[Table]:
    """All tables that have rows, in the order in which they are shown."""
    made = []
    if found.classification is not None:
        made += _of_classes(found, found.classification, words)
    if found.regression is not None:
        made += _of_quantities(found, found.regression, words)
    made.append(_hardest(found, words))
    return [table for table in made if table.rows]


def _head(words: Words, *keys: str) -> list[str]:
    return [words(f"column.{key}") if key else "" for key in keys]


def _of_classes(found: Explanation, it: Classification, words: Words) -> list[Table]:
    base = it.baselines
    against = [
        ("this", base.cross_entropy_nats),
        ("floor", base.entropy_nats),
        ("frequency", base.frequency_nats),
        ("chance", base.chance_nats),
    ]
    made = [
        Table(
            words("heading.against"),
            _head(words, "", "nats", "bits", "choice"),
            [
                [words(f"against.{key}"), number(x), number(x / math.log(2)), number(_choices(x))]
                for key, x in against
            ],
        ),
        _by_class(it, words),
    ]
    if it.calibration is not None:
        made.append(
            Table(
                words("heading.calibration"),
                _head(words, "sure", "right", "examples"),
                [
                    [percent(b.confidence), percent(b.accuracy), count(b.examples)]
                    for b in it.calibration.bins
                ],
                words=0,
                note=words(
                    "note.calibration",
                    error=percent(it.calibration.expected_error),
                    brier=number(it.brier),
                ),
            )
        )
    cells = [c for c in it.confusion if c.target != c.prediction][:MOST_ROWS]
    made.append(
        Table(
            words("heading.confusion"),
            _head(words, "target", "prediction", "examples", "mean_nats", "loss_share"),
            [
                [
                    c.target,
                    c.prediction,
                    count(c.examples),
                    number(c.mean_nats),
                    percent(c.loss_share),
                ]
                for c in cells
            ],
            words=2,
        )
    )
    return made


def _by_class(it: Classification, words: Words) -> Table:
    rows = sorted(it.per_class, key=lambda row: -row.loss_share)[:MOST_ROWS]
    keys = ("class", "examples", "examples_share", "loss_share", "mean_nats", "truth", "recall")
    note = ""
    if len(it.per_class) > len(rows):
        note = words("note.more_classes", shown=len(rows), all=count(len(it.per_class)))
    return Table(
        words("heading.classes"),
        _head(words, *keys, "gradient_share"),
        [
            [
                row.label,
                count(row.examples),
                percent(row.examples_share),
                percent(row.loss_share),
                number(row.mean_nats),
                percent(row.truth_probability),
                percent(row.recall),
                percent(row.gradient_share),
            ]
            for row in rows
        ],
        note=note,
    )


def _of_quantities(found: Explanation, it: Regression, words: Words) -> list[Table]:
    against = [
        ("this", found.mean),
        ("mean", it.mean_baseline),
        ("median", it.median_baseline),
    ]
    return [
        Table(
            words("heading.against"),
            _head(words, "", "loss"),
            [[words(f"against.{key}"), number(x)] for key, x in against],
        ),
        Table(
            words("heading.residuals"),
            _head(words, "share", "residual"),
            [[percent(q.share), number(q.residual)] for q in it.quantiles],
            words=0,
        ),
    ]


def _hardest(found: Explanation, words: Words) -> Table:
    is_classes = found.classification is not None
    rows = []
    for e in found.hardest[:MOST_EXAMPLES]:
        shown = [x if isinstance(x, str) else number(x) for x in (e.target, e.prediction)]
        probability = [percent(e.probability)] if is_classes else []
        rows.append([f"{e.index}", *shown, *probability, number(e.loss), percent(e.loss_share)])
    keys = ("index", "target", "prediction", *(("truth",) if is_classes else ()))
    head = _head(words, *keys, "loss", "loss_share")
    return Table(words("heading.hardest"), head, rows, words=0)


def _choices(nats: float) -> float:
    """As many equally likely choices have this entropy."""
    return math.exp(nats) if nats < 700 else math.inf
