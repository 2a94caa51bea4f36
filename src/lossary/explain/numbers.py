"""What an explanation holds: plain numbers, with their units in their names.

All are Python's own, so that an explanation can be compared, kept and sent; a number that does not
exist (no class weights nothing, no temperature fits) is None. Shares are of 1.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """Where the mean lies in 95 of 100 samples of so many examples."""

    low: float
    high: float


@dataclass(frozen=True)
class Count:
    """Examples that count, those that do not, and what the counted ones weigh together.

    ``nan`` counts losses that are no number, and ``passed_over`` what a monitor did not look at.
    """

    examples: int
    ignored: int
    weight: float
    nan: int = 0
    passed_over: int = 0


@dataclass(frozen=True)
class Concentration:
    """So large a share of the loss comes from so small a share of the examples."""

    examples_share: float
    loss_share: float


@dataclass(frozen=True)
class HardExample:
    """One of the examples with the largest losses; ``index`` counts from 0 in the given order.

    ``target`` and ``prediction`` are quantities, or the names of classes.
    """

    index: int
    target: float | str
    prediction: float | str
    probability: float | None
    loss: float
    loss_share: float
    gradient_share: float


@dataclass(frozen=True)
class LossBin:
    """Examples whose losses lie between two limits, and what they add to the loss."""

    low: float
    high: float
    examples: int
    loss_share: float


@dataclass(frozen=True)
class Baselines:
    """The mean loss in nats, and what simpler predictions would have: floor and guesses.

    ``cross_entropy_nats = entropy_nats + kl_nats``: what the targets leave open, and what the
    prediction misses.
    """

    cross_entropy_nats: float
    entropy_nats: float
    kl_nats: float
    chance_nats: float
    frequency_nats: float


@dataclass(frozen=True)
class ClassRow:
    """One class, or one label of many: its shares, and how probable its truths were thought."""

    label: str
    examples: int
    examples_share: float
    loss_share: float
    mean_nats: float | None
    truth_probability: float | None
    recall: float | None
    gradient_share: float


@dataclass(frozen=True)
class Bin:
    """Predictions of like confidence: how sure they were, and how often they were right."""

    examples: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Whether a probability of 0.9 is right nine times of ten; bins of equal mass.

    ``temperature`` divides the scores and makes the loss smallest; None where none does.
    """

    expected_error: float
    bins: tuple[Bin, ...]
    mean_confidence: float
    temperature: float | None
    temperature_nats: float | None


@dataclass(frozen=True)
class Cell:
    """Examples of one class taken for another, or for itself, and what they cost."""

    target: str
    prediction: str
    examples: int
    mean_nats: float
    loss_share: float


@dataclass(frozen=True)
class Classification:
    """What a loss over classes says.

    ``prediction_entropy_nats`` is the mean loss that the predictions themselves expect: below the
    real one they are too sure. ``brier`` is the mean squared error of the probabilities, over all
    classes (Brier, 1950, Verification of forecasts expressed in terms of probability); of yes and
    no, over yes alone.
    """

    classes: int
    nats: float
    bits: float
    perplexity: float
    accuracy: float
    brier: float
    prediction_entropy_nats: float
    baselines: Baselines
    saturated: int
    infinite: int
    per_class: tuple[ClassRow, ...]
    confusion: tuple[Cell, ...]
    calibration: Calibration | None


@dataclass(frozen=True)
class Noise:
    """The spread of the noise under which this loss is the best that can be done."""

    name: str
    scale: float
    nats: float


@dataclass(frozen=True)
class Quantile:
    """So large a share of the residuals (prediction - target) lies below this."""

    share: float
    residual: float


@dataclass(frozen=True)
class Regression:
    """What a loss over quantities says; the baselines are in the loss's own unit."""

    mean_baseline: float
    median_baseline: float
    explained_variance: float | None
    bias: float
    worst_percent_share: float
    quantiles: tuple[Quantile, ...]
    noise: Noise | None
