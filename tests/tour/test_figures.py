"""Every figure of the study, digit for digit, four ways; the facts are typed again here."""

from dataclasses import replace
from typing import Any

import pytest
import torch

import lossary.nn
from lossary.tour.expected import flatten, printed, same_digits, study_figures
from lossary.tour.given import draw
from lossary.tour.results import WAYS, Tour
from lossary.tour.steps import mse
from lossary.tour.thread import STEPS

# Typed from the study's printout, not read from the package: topic -> numbers as printed.
STUDY = {
    "network_output": "0.42035338282585144",
    "coin_entropy": "0.6730",
    "sure_coin_entropy": "0.0000",
    "sum": "6",
    "log": "-1.2040",
    "kl_coin": "0.0204",
    "kl_with_eps": "33.8456",
    "two_class_probabilities": "0.5796 0.4204",
    "one_hot": "0.0000 1.0000",
    "kl_one_hot": "0.8667",
    "bce_network": "0.8667",
    "softmax_input": "0.4350 0.3591 0.3411 0.2644 0.6656 0.1341 0.7236 0.6668 0.1091 0.5745",
    "softmax": "0.0986 0.0914 0.0897 0.0831 0.1241 0.0729 0.1315 0.1243 0.0711 0.1133",
    "cross_entropy_class_1": "2.3930",
    "mse": "1.7011",
    "cross_entropy_logits": "1.3889 0.5574 -1.1089 0.1678 -0.5106 -0.9303 0.0338 0.0661 1.4811"
    " -0.9629 -1.9167 1.0238 0.6950 -0.7553 -0.0706",
    "cross_entropy_classes": "2.3407",
    "sigmoid_probabilities": "0.8104 0.5761 0.5539 0.7081",
    "bce_targets": "0.7226",
    "next_draw": "0.3460 -0.1633 -0.5894 -1.5458",
}
MEASURED_WAYS = [way for way in WAYS if way != "exact"]


@pytest.mark.parametrize("topic", STUDY)
def test_figure_comes_out_digit_for_digit(found: Tour, topic: str) -> None:
    figure = next(f for f in found.figures if f.topic == topic)
    wanted = STUDY[topic].split()
    for way in MEASURED_WAYS:
        values = figure.answers[way].values
        if topic == "network_output":
            assert [repr(v) for v in values] == wanted
        else:
            places = [len(text.partition(".")[2]) for text in wanted]
            shown = [f"{v:.{n}f}" for v, n in zip(values, places, strict=True)]
            assert [s.replace("-0.0000", "0.0000") for s in shown] == wanted, way
    assert figure.comes_out
    assert figure.from_study


def test_every_figure_of_the_study_is_on_the_tour(found: Tour) -> None:
    shown = [f.topic for f in found.figures if f.from_study]
    assert sorted(shown) == sorted(STUDY) == sorted(study_figures())


def test_the_thread_is_in_the_order_of_the_design(found: Tour) -> None:
    assert tuple(step.key for step in found.steps) == STEPS
    assert STEPS[0] == "sigmoid"
    assert STEPS[-1] == "mse"


def test_float32_answers_are_close_to_the_exact_ones(found: Tour) -> None:
    for figure in found.figures:
        for way in WAYS:
            assert figure.answers[way].difference < 1e-6, (figure.topic, way)


def test_sum_keeps_its_type() -> None:
    assert torch.tensor([[1, 2, 3]]).sum().dtype == torch.int64
    assert torch.tensor([[1.0, 2.0, 3.0]]).sum().dtype == torch.float32


def test_without_an_eps_the_impossible_costs_infinity(found: Tour) -> None:
    figure = next(f for f in found.figures if f.topic == "kl_impossible")
    assert not figure.from_study
    assert {answer.values for answer in figure.answers.values()} == {(float("inf"),)}


def test_the_code_shown_is_the_code_that_ran(found: Tour) -> None:
    figure = next(f for f in found.figures if f.topic == "mse")
    assert figure.answers["lossary"].code == "nn.MSELoss()(a, b)"
    assert figure.answers["by_hand"].code == "((a - b) ** 2).sum() / 15"


def test_a_wrong_loss_does_not_come_out() -> None:
    """The tour's check can fail: one unit in the fourth digit is enough."""
    (recipe,) = mse.RECIPES

    def wrong(nn: Any, g: Any) -> Any:
        return nn.MSELoss()(g.a, g.b) + 1e-4

    figure = replace(recipe, library=wrong, torch=recipe.library).cook(draw())
    assert not figure.comes_out
    assert not figure.answers["lossary"].comes_out
    assert figure.answers["torch"].comes_out
    assert figure.answers["by_hand"].comes_out


def test_the_callers_random_stream_is_left_alone() -> None:
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    given = draw()
    for recipe in mse.RECIPES:
        recipe.cook(given)
    assert torch.equal(torch.rand(3), wanted)


def test_losses_come_from_lossary() -> None:
    assert lossary.nn.MSELoss.__module__.startswith(("lossary.", "torch."))
    assert lossary.nn.CrossEntropyLoss is not torch.nn.CrossEntropyLoss


@pytest.mark.parametrize(
    ("values", "expected", "digits", "same"),
    [
        ([2.39303], [2.3930], 4, True),
        ([2.39306], [2.3930], 4, False),
        ([-0.00001], [0.0], 4, True),
        ([0.42035338282585144], [0.42035338282585144], None, True),
        ([0.4203533828258515], [0.42035338282585144], None, False),
        ([float("inf")], [float("inf")], 4, True),
        ([float("nan")], [0.0], 4, False),
    ],
)
def test_same_digits(
    values: list[float], expected: list[float], digits: int | None, same: bool
) -> None:
    assert same_digits(values, expected, digits) is same


def test_flatten_and_printed() -> None:
    assert flatten([[1, 2], [3]]) == (1.0, 2.0, 3.0)
    assert printed(-0.00001, 4) == "0.0000"
