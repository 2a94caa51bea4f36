"""Sentences that the numbers carry, the most important first."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from lossary.explain.explanation import Explanation
from lossary.explain.figures import count, number, percent
from lossary.explain.numbers import Calibration, Classification, Interval, Regression
from lossary.explain.words import Words

MOST = 8
# Of fewer examples the interval of the mean is told.
SMALL = 200
# A share of the loss that is worth a sentence beside the share of the examples that has it.
MUCH_MORE = 0.25


@dataclass(frozen=True)
class Said:
    """A sentence by its key, what fills its blanks, and how much it matters."""

    weight: float
    key: str
    values: dict[str, str]


def sentences(found: Explanation, words: Words) -> list[str]:
    """Three to eight of them; where no example counts, one that says so."""
    if not found.count.examples:
        return [words("say.nothing", ignored=count(found.count.ignored))]
    said = [*_of_examples(found)]
    if found.classification is not None:
        said += _of_classes(found, found.classification)
    if found.regression is not None:
        said += _of_quantities(found, found.regression)
    said.sort(key=lambda one: -one.weight)
    return [words(f"say.{one.key}", **one.values) for one in said[:MOST]]


def _of_examples(found: Explanation) -> Iterator[Said]:
    """What can be said of any loss."""
    here, share = found.interval, found.concentration
    n = count(found.count.examples)
    if here is not None and found.count.examples < SMALL:
        yield Said(70, "few", {"n": n, **_between(here)})
    elif here is not None:
        yield Said(8, "interval", {"n": n, **_between(here)})
    if share is not None and share.loss_share - share.examples_share >= MUCH_MORE:
        values = {"loss": percent(share.loss_share), "examples": percent(share.examples_share)}
        yield Said(60, "concentrated", values)
    elif share is not None:
        values = {"loss": percent(share.loss_share), "examples": percent(share.examples_share)}
        yield Said(5, "spread", values)
    if found.count.ignored:
        every = found.count.ignored + found.count.examples
        values = {"ignored": count(found.count.ignored), "n": count(every)}
        yield Said(20, "ignored", values)
    if found.count.nan:
        yield Said(99, "nan", {"count": count(found.count.nan)})
    if found.count.passed_over:
        yield Said(65, "passed_over", {"n": n, "others": count(found.count.passed_over)})


def _between(here: Interval) -> dict[str, str]:
    return {"low": number(here.low), "high": number(here.high)}


def _of_classes(found: Explanation, it: Classification) -> Iterator[Said]:
    yield from _verdict(found, it)
    base = it.baselines
    n = found.count.examples
    if not it.infinite:
        values = {"accuracy": percent(it.accuracy), "n": count(n)}
        yield Said(40, "accuracy", values)
        if found.loss != "kl_div" and it.classes > 2:
            yield Said(15, "perplexity", {"perplexity": number(it.perplexity)})
    if base.entropy_nats > 0:
        key = "divergence" if found.loss == "kl_div" else "floor"
        values = {
            "entropy": number(base.entropy_nats),
            "kl": number(base.kl_nats),
            "whole": number(base.cross_entropy_nats),
        }
        yield Said(50, key, values)
    if it.calibration is not None:
        yield from _of_calibration(found, it, it.calibration)
    yield from _of_tables(it)
    if it.saturated:
        values = {"count": count(it.saturated), "share": percent(it.saturated / n)}
        yield Said(55, "saturated", values)


def _verdict(found: Explanation, it: Classification) -> Iterator[Said]:
    base, here = it.baselines, found.interval
    # A divergence is told beside what guesses would diverge by.
    left_open = base.entropy_nats if found.loss == "kl_div" else 0.0
    chance, frequency = base.chance_nats - left_open, base.frequency_nats - left_open
    values = {
        "nats": number(it.nats),
        "bits": number(it.bits),
        "classes": count(it.classes),
        "chance": number(chance),
        "frequency": number(frequency),
        "n": count(found.count.examples),
    }
    if it.infinite:
        first = number(found.hardest[0].index) if found.hardest else "0"
        yield Said(100, "infinite", {"count": count(it.infinite), "first": first})
    elif here is not None and here.low <= chance <= here.high:
        yield Said(100, "like_chance", {**values, **_between(here)})
    elif it.nats > chance:
        yield Said(100, "worse_than_chance", values)
    elif here is not None and here.low <= frequency <= here.high:
        yield Said(100, "like_frequency", {**values, **_between(here)})
    elif it.nats > frequency:
        yield Said(100, "worse_than_frequency", values)
    else:
        yield Said(100, "better", values)


def _of_calibration(found: Explanation, it: Classification, c: Calibration) -> Iterator[Said]:
    n = found.count.examples
    if c.temperature is not None and c.temperature_nats is not None:
        gain = it.nats - c.temperature_nats
        # Twice the gain of one fitted number is chi-squared: below 4 it may well be luck.
        if gain > 0.01 * abs(it.nats) and 2 * gain * n > 4:
            key = "overconfident" if c.temperature > 1 else "underconfident"
            # Of smoothed targets the best prediction is not the honest one.
            key = key if it.baselines.entropy_nats == 0 else "temperature"
            values = {
                "temperature": number(c.temperature),
                "then": number(c.temperature_nats),
                "nats": number(it.nats),
            }
            yield Said(58, key, values)
    elif c.temperature is None:
        yield from _of_expectation(found, it)
    luck = sum(math.sqrt(b.examples * b.confidence * (1 - b.confidence)) for b in c.bins) / n
    values = {
        "error": percent(c.expected_error),
        "sure": percent(c.mean_confidence),
        "right": percent(sum(b.examples * b.accuracy for b in c.bins) / n),
    }
    if c.expected_error > 2 * luck:
        yield Said(45, "calibration", values)
    else:
        yield Said(10, "calibrated", values)


def _of_expectation(found: Explanation, it: Classification) -> Iterator[Said]:
    """Without a temperature: whether the loss is what the probabilities themselves expect."""
    here = found.interval
    is_plain = it.baselines.entropy_nats == 0 and found.count.weight == found.count.examples
    if here is None or not is_plain:
        return
    lacks = it.nats - it.prediction_entropy_nats
    if abs(lacks) > (here.high - here.low) / 2 and abs(lacks) > 0.01 * it.nats:
        key = "surprised" if lacks > 0 else "relieved"
        values = {"expected": number(it.prediction_entropy_nats), "nats": number(it.nats)}
        yield Said(58, key, values)


def _of_tables(it: Classification) -> Iterator[Said]:
    rows = [row for row in it.per_class if row.examples >= 10]
    whole = sum(row.examples for row in it.per_class)
    worst = max(rows, key=lambda row: row.loss_share - row.examples / whole, default=None)
    if worst is not None and len(it.per_class) > 1 and worst.examples < whole:
        share = worst.examples / whole
        if worst.loss_share >= 1.5 * share and worst.loss_share - share >= 0.03:
            values = {
                "label": worst.label,
                "examples": percent(share),
                "loss": percent(worst.loss_share),
            }
            yield Said(35, "worst_class", values)
    taken = [c for c in it.confusion if c.target != c.prediction and c.examples >= 3]
    if taken and taken[0].loss_share >= 0.03:
        cell = taken[0]
        values = {
            "target": cell.target,
            "prediction": cell.prediction,
            "count": count(cell.examples),
            "loss": percent(cell.loss_share),
        }
        yield Said(30, "confused", values)


def _of_quantities(found: Explanation, it: Regression) -> Iterator[Said]:
    here, n = found.interval, found.count.examples
    key, guess = min(("mean", it.mean_baseline), ("median", it.median_baseline), key=lambda p: p[1])
    values = {"loss": number(found.mean), "guess": number(guess), "n": count(n)}
    if here is not None and here.low <= guess <= here.high:
        yield Said(100, f"like_{key}", {**values, **_between(here)})
    else:
        how = "worse" if found.mean > guess else "better"
        yield Said(100, f"{how}_than_{key}", values)
    if it.explained_variance is not None:
        yield Said(50, "variance", {"share": number(it.explained_variance)})
    if it.worst_percent_share >= 0.05 and n >= 100:
        yield Said(55, "worst_percent", {"share": percent(it.worst_percent_share)})
    if it.noise is not None:
        values = {"scale": number(it.noise.scale), "nats": number(it.noise.nats)}
        yield Said(40, f"noise_{it.noise.name.lower()}", values)
    low, high = (next(q.residual for q in it.quantiles if q.share == s) for s in (0.05, 0.95))
    yield Said(30, "residuals", {"low": number(low), "high": number(high)})
    spread = high - low
    if abs(it.bias) > 0.1 * spread and n >= 10:
        key = "too_high" if it.bias > 0 else "too_low"
        yield Said(45, key, {"bias": number(abs(it.bias))})
