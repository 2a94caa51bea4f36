"""Training on real data: honest splits, losses that mean something, the same end as torch."""

import math

import pytest
import torch

from lossary.explain import explain
from lossary.tour.data import load
from lossary.tour.guide import one_thread
from lossary.tour.results import Baseline, Tour, TrainingResult
from lossary.tour.training import TASKS, Task


def by_data(found: Tour, name: str) -> TrainingResult:
    return next(training for training in found.trainings if training.data == name)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.data)
def test_network_knows_more_than_a_blind_guess(found: Tour, task: object) -> None:
    training = by_data(found, task.data)  # type: ignore[attr-defined]
    assert training.beats_chance
    assert training.agrees_with_torch
    assert training.curve[-1] < training.curve[0]
    assert 0 < training.train_loss < training.held_out_loss


def test_chance_is_ln_c_and_the_frequencies(found: Tour) -> None:
    digits = by_data(found, "digits")
    uniform, frequencies = digits.baselines
    assert uniform.loss == pytest.approx(math.log(10))
    data = load("digits", classes=10)
    shares = torch.bincount(data.y).double() / len(data.y)
    assert frequencies.loss == pytest.approx(-shares.log()[data.held_out_y].mean().item())
    held = torch.bincount(data.held_out_y).double() / len(data.held_out_y)
    entropy = -(held * held.log()).sum().item()
    assert digits.meaning["class_entropy"] == pytest.approx(entropy, rel=1e-6)


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_no_blind_guess_loses_less_than_the_entropy_of_the_classes(found: Tour, name: str) -> None:
    training = by_data(found, name)
    assert training.meaning["class_entropy"] <= min(b.loss for b in training.baselines)


def test_readings_of_a_loss(found: Tour) -> None:
    digits = by_data(found, "digits")
    loss = digits.held_out_loss
    assert digits.meaning["typical_probability"] == pytest.approx(math.exp(-loss))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.data)
def test_what_is_explained_are_the_held_out_predictions(found: Tour, task: Task) -> None:
    training = by_data(found, task.data)
    assert training.explanation.value == pytest.approx(training.held_out_loss, rel=1e-5)
    assert training.explanation.count.examples == training.held_out_examples


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_explanation_of_classes(found: Tour, name: str) -> None:
    training = by_data(found, name)
    it = training.explanation.classification
    assert it is not None
    assert it.perplexity == pytest.approx(math.exp(training.held_out_loss), rel=1e-5)
    assert it.bits == pytest.approx(training.held_out_loss / math.log(2), rel=1e-5)
    assert it.baselines.chance_nats == pytest.approx(training.baselines[0].loss)
    assert it.baselines.frequency_nats == pytest.approx(training.meaning["class_entropy"], rel=1e-6)
    assert it.accuracy > 0.9


def test_explanation_of_quantities(found: Tour) -> None:
    it = by_data(found, "diabetes").explanation.regression
    assert it is not None
    held_out = load("diabetes", classes=0).held_out_y.double()
    assert it.mean_baseline == pytest.approx(held_out.var(correction=0).item(), rel=1e-6)


def test_mse_is_read_against_the_mean_and_in_its_own_unit(found: Tour) -> None:
    diabetes = by_data(found, "diabetes")
    (mean,) = diabetes.baselines
    data = load("diabetes", classes=0)
    assert data.y.mean().item() == pytest.approx(0, abs=1e-6)
    assert mean.loss == pytest.approx((data.held_out_y**2).mean().item(), rel=1e-5)
    error = math.sqrt(diabetes.held_out_loss) * data.unit
    assert diabetes.meaning["typical_error"] == pytest.approx(error)
    assert 70 < data.unit < 85  # the target's own spread


@pytest.mark.parametrize("name", ["breast_cancer", "digits"])
def test_split_is_stratified_disjoint_and_scaled_by_its_training_part(name: str) -> None:
    classes = 10 if name == "digits" else 2
    data = load(name, classes=classes)
    everything = torch.bincount(torch.cat([data.y, data.held_out_y]), minlength=classes)
    shares = torch.bincount(data.held_out_y, minlength=classes) / everything
    assert shares.sub(0.25).abs().max() < 0.02
    torch.testing.assert_close(data.x.mean(0), torch.zeros(data.x.shape[1]), atol=1e-5, rtol=0)
    assert data.held_out_x.mean(0).abs().max() > 1e-3
    train_rows = {tuple(row) for row in data.x.tolist()}
    assert not any(tuple(row) in train_rows for row in data.held_out_x.tolist())


def test_a_network_that_learned_nothing_is_not_passed() -> None:
    blind = TrainingResult(
        data="digits",
        loss_name="CrossEntropyLoss",
        sizes=(64, 16, 10),
        train_examples=1,
        held_out_examples=1,
        epochs=1,
        curve=(2.31,),
        train_loss=2.31,
        held_out_loss=2.31,
        torch_held_out_loss=2.31,
        baselines=(Baseline("uniform", math.log(10)),),
        meaning={},
        explanation=explain("cross_entropy", torch.zeros(1, 10), torch.tensor([1])),
    )
    assert not blind.beats_chance
    assert not Tour((), (blind,), ()).passed


def test_number_of_threads_is_put_back() -> None:
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
