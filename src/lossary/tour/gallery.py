"""All plots of a tour, drawn by name."""

from collections.abc import Callable
from html import escape
from typing import Any

from lossary.console.fonts import label_words
from lossary.tour import plots, plots_results
from lossary.tour.given import Given
from lossary.tour.results import Tour
from lossary.tour.svg import draw
from lossary.tour.words import Words


def gallery(tour: Tour, given: Given, words: Words) -> dict[str, str]:
    """One picture with its caption per step, one of the trainings and one of torch's error."""
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
    return {name: svg + caption(name, tour, words) for name, svg in drawn.items()}


def caption(name: str, tour: Tour, words: Words) -> str:
    """The line under a plot."""
    text = words(f"plot.{name}.caption", **marked_numbers(name, tour))
    return f"\n<figcaption>{escape(text)}</figcaption>"


def description(step: str, tour: Tour, words: Words) -> str:
    """What a step's plot shows, in words, with the number that it marks."""
    return words(f"plot.{step}.alt", **marked_numbers(step, tour))


def marked_numbers(step: str, tour: Tour) -> dict[str, str]:
    """The network's output and the number that a step's plot marks, as printed."""
    marked = {
        "self_information": -plots.value(tour, "log"),
        "entropy": plots.value(tour, "coin_entropy"),
        "kl_divergence": plots.value(tour, "kl_coin"),
        "bce": plots.value(tour, "bce_network"),
        "cross_entropy": plots.value(tour, "cross_entropy_classes"),
        "mse": plots.value(tour, "mse"),
    }
    y = plots.value(tour, "network_output")
    return {"y": f"{y:.4f}", "value": f"{marked.get(step, 0.0):.4f}"}


def _on(plot: Callable[..., None], *arguments: Any) -> Callable[..., None]:
    return lambda axes: plot(axes, *arguments)
