"""All plots of a tour, drawn by name."""

from collections.abc import Callable
from typing import Any

from lossary.tour import plots, plots_results
from lossary.tour.given import Given
from lossary.tour.results import Tour
from lossary.tour.svg import draw, label_words
from lossary.tour.words import Words


def gallery(tour: Tour, given: Given, words: Words) -> dict[str, str]:
    """One SVG per step, one of the trainings and one of torch's error."""
    labels = label_words(words)
    drawn = {
        name: draw(name, description(name, tour, words), _on(plot, tour, given, labels))
        for name, plot in plots.STEP_PLOTS.items()
    }

    def trainings(axes: Any) -> None:
        for one, found in zip(axes, tour.trainings, strict=True):
            plots_results.training(one, found, labels)

    def errors(axes: Any) -> None:
        plots_results.errors(axes, labels)

    alt = words("plot.training.alt")
    drawn["training"] = draw("training", alt, trainings, panels=len(tour.trainings))
    drawn["repairs"] = draw("repairs", words("plot.repairs.alt"), errors)
    return drawn


def description(step: str, tour: Tour, words: Words) -> str:
    """What a step's plot shows, in words, with the number that it marks."""
    marked = {
        "self_information": -plots.value(tour, "log"),
        "entropy": plots.value(tour, "coin_entropy"),
        "kl_divergence": plots.value(tour, "kl_coin"),
        "bce": plots.value(tour, "bce_network"),
        "cross_entropy": plots.value(tour, "cross_entropy_classes"),
        "mse": plots.value(tour, "mse"),
    }
    y = plots.value(tour, "network_output")
    return words(f"plot.{step}.alt", y=f"{y:.4f}", value=f"{marked.get(step, 0.0):.4f}")


def _on(plot: Callable[..., None], *arguments: Any) -> Callable[..., None]:
    return lambda axes: plot(axes, *arguments)
