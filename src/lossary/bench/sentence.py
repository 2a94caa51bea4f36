"""The conclusion: what a run says, in one sentence for each loss."""

from lossary.bench.numbers import count, milliseconds, ratio, size
from lossary.bench.results import Report, Row
from lossary.bench.words import Words

# Less than this is no difference: pages are counted, and threads keep some.
NO_DIFFERENCE = 2**21


def conclusions(report: Report, words: Words) -> list[str]:
    """One sentence a loss, about its largest vocabulary."""
    return [text for loss in report.losses() if (text := _conclusion(report, loss, words))]


def _conclusion(report: Report, loss: str, words: Words) -> str:
    found = report.largest(loss)
    ours, torch = found.of("lossary"), found.of("torch")
    if ours is None:
        return ""
    values = {"loss": words(f"loss.{loss}"), "vocabulary": count(found.point.vocabulary)}
    if ours.step_ms is None or torch is None or torch.step_ms is None:
        return words(
            "conclusion.alone",
            time=milliseconds(ours.step_ms) or words("not_measured"),
            memory=words("not_measured") if ours.peak_bytes is None else size(ours.peak_bytes),
            **values,
        )
    return words(
        f"conclusion.{_memory(ours, torch)}",
        to_torch=ratio(found.ratio(ours, "torch")),
        to_floor=ratio(found.ratio(ours, "floor")),
        difference=size(abs((torch.peak_bytes or 0) - (ours.peak_bytes or 0))),
        **values,
    )


def _memory(ours: Row, torch: Row) -> str:
    if ours.peak_bytes is None or torch.peak_bytes is None:
        return "time"
    if abs(ours.peak_bytes - torch.peak_bytes) < NO_DIFFERENCE:
        return "as_much"
    return "less" if ours.peak_bytes < torch.peak_bytes else "more"
