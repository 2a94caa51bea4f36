"""A calm word on numbers that are not firm: under the floor, or widely spread."""

from collections.abc import Iterator

from lossary.bench.numbers import count, ratio
from lossary.bench.results import MEASURED, Found, Report, Row
from lossary.bench.words import Words

# The middle half of the turns reaches over more than this part of the median.
WIDE = 0.25
# More places than this are counted, not listed.
LISTED = 3
# Turns of which a median is firm, if the machine is quiet.
ENOUGH = 51


def notes(report: Report, words: Words) -> list[str]:
    """What to know of this run's times, and how to get firmer ones; nothing where all is well."""
    under = [_place(here, row, words) for here, row in _rows(report) if is_under(here, row)]
    wide = [
        _place(here, row, words) for here, row in _rows(report) if (row.step_spread or 0) > WIDE
    ]
    said = []
    if under:
        said.append(words("note.under", places=_listed(under, words)))
    if wide:
        said.append(words("note.wide", places=_listed(wide, words)))
    if not said:
        return []
    most = max(row.rounds for _, row in _rows(report))
    rounds = ENOUGH if most < ENOUGH else 2 * most + 1
    return [" ".join([*said, words("note.what_to_do", rounds=rounds)])]


def is_under(here: Found, row: Row) -> bool:
    """Whether a time is shown as less than the floor's."""
    to_floor = here.ratio(row, "floor")
    return to_floor is not None and float(ratio(to_floor).replace(",", "")) < 1


def _rows(report: Report) -> Iterator[tuple[Found, Row]]:
    for here in report.found:
        for row in here.rows:
            if row.status == MEASURED:
                yield here, row


def _place(here: Found, row: Row, words: Words) -> str:
    sizes = f"{count(here.point.rows)} x {count(here.point.vocabulary)}"
    loss, who = words(f"loss.{here.point.loss}"), words(f"contender.{row.contender}")
    return words("note.place", who=who, loss=loss, sizes=sizes, dtype=here.point.dtype)


def _listed(places: list[str], words: Words) -> str:
    shown = "; ".join(places[:LISTED])
    more = len(places) - LISTED
    return words("note.and_more", places=shown, more=more) if more > 0 else shown
