"""The page's second half: trainings and repairs."""

from html import escape

from lossary.explain.html import fragment
from lossary.tour.digits import number
from lossary.tour.results import Repair, TrainingResult
from lossary.tour.text_results import losses, outcome, reading, roundings, setup, sign, unit
from lossary.tour.words import Words


def training_section(words: Words, trainings: tuple[TrainingResult, ...], drawn: str) -> str:
    """All trainings under one plot."""
    parts = "".join(_training(words, found) for found in trainings)
    return (
        f'<section id="training">\n<h2>{escape(words("training.title"))}</h2>\n'
        f"<p>{escape(words('training.lead'))}</p>\n"
        f'<figure class="wide">{drawn}</figure>\n{parts}</section>\n'
    )


def _training(words: Words, found: TrainingResult) -> str:
    verdict = words("training.below", percent=f"{100 * found.meaning['explained']:.0f}%")
    if not found.beats_chance:
        verdict = words("training.not_below")
    rows = "".join(_pair(name, f"{loss:.4f}") for name, loss in losses(words, found))
    rows += "".join(
        _pair(words(f"meaning.{key}"), reading(key, value))
        for key, value in list(found.meaning.items())[1:]
    )
    tone = "good" if found.beats_chance else "bad"
    return (
        f'<h3><span class="value {tone}">{escape(verdict)}</span>'
        f"{escape(words(f'data.{found.data}'))}</h3>\n"
        f'<p class="setup">{escape(setup(words, found))} ({escape(unit(words, found))})</p>\n'
        f'<div class="scroll"><table class="results"><tbody>{rows}</tbody></table></div>\n'
        f'<p class="note">{escape(words("training.says"))}</p>\n'
        f"{fragment(found.explanation.into(words.language), styled=False)}"
    )


def _pair(name: str, value: str) -> str:
    return f'<tr><th scope="row">{escape(name)}</th><td class="number">{escape(value)}</td></tr>\n'


def repair_section(words: Words, repairs: tuple[Repair, ...], drawn: str) -> str:
    """The places where torch is wrong, each with its numbers."""
    parts = "".join(_repair(words, repair) for repair in repairs)
    return (
        f'<section id="repairs">\n<h2>{escape(words("repairs.title"))}</h2>\n'
        f"<p>{escape(words('repairs.lead'))}</p>\n<figure>{drawn}</figure>\n{parts}</section>\n"
    )


def _repair(words: Words, repair: Repair) -> str:
    head = "".join(
        f'<th scope="col">{escape(words(f"way.{way}"))}</th>'
        for way in ("torch", "lossary", "exact")
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(words(f"measured.{m.what}"))}</th>'
        + "".join(f'<td class="number">{number(v)}</td>' for v in (m.torch, m.lossary, m.exact))
        + "</tr>\n"
        for m in repair.measured
    )
    notes = "".join(f'<p class="note">{escape(line)}</p>\n' for line in roundings(words, repair))
    tone = "good" if repair.lossary_is_right else "bad"
    return (
        f"<h3>{escape(words(f'repair.{repair.key}.title'))}</h3>\n"
        f"{_calls(words, repair)}"
        f'<div class="scroll"><table><thead><tr><td></td>{head}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>\n{notes}"
        f'<p class="{tone}">{sign(repair)} {escape(words(outcome(repair)))}</p>\n'
        f"<p>{escape(words(f'repair.{repair.key}.why'))}</p>\n"
    )


def _calls(words: Words, repair: Repair) -> str:
    given = f"<pre>{escape(repair.given)}</pre>\n" if repair.given else ""
    parts = []
    for way, code in repair.calls:
        name = f'<p class="note">{escape(words(f"way.{way}"))}:</p>\n' if way else ""
        parts.append(f"{name}<pre>{escape(code)}</pre>\n")
    return given + "".join(parts)
