"""The thread: eight steps in order, from a network's output to the mean squared error."""

from collections.abc import Iterator
from importlib import import_module

from lossary.tour.given import draw
from lossary.tour.results import Step

STEPS = (
    "sigmoid",
    "self_information",
    "entropy",
    "kl_divergence",
    "bce",
    "softmax",
    "cross_entropy",
    "mse",
)


def walk() -> Iterator[Step]:
    """Compute the figures step by step."""
    given = draw()
    for key in STEPS:
        recipes = import_module(f"lossary.tour.steps.{key}").RECIPES
        yield Step(key, tuple(recipe.cook(given) for recipe in recipes))
