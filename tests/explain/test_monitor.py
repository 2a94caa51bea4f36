"""A monitor against the explanation of everything it met: sums, merging, checkpoints, compiling."""

from __future__ import annotations

import copy
import dataclasses
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

import lossary
from lossary.core.errors import OptionError
from lossary.explain import Explanation, explain
from lossary.explain.monitor import looking
from lossary.explain.monitor.class_tally import ClassTally, Shape
from lossary.kernels.cpu import tally as kernel

# Numbers that bins of a monitor know to within one part in sixteen only, or do not know.
IN_BINS = ("interval", "concentration", "histogram", "hardest", "calibration", "sentences")


def batches(seed: int = 0, count: int = 12, rows: int = 64, classes: int = 10) -> list[Any]:
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        x = 3 * torch.randn(rows, classes, generator=generator)
        y = torch.randint(classes, (rows,), generator=generator)
        right = torch.rand(rows, generator=generator) < 0.5
        y[right] = x[right].argmax(1)
        made.append((x, y))
    return made


def whole(met: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.cat([x for x, _ in met]), torch.cat([y for _, y in met])


def numbers(found: Explanation) -> dict[str, Any]:
    """All numbers that a monitor knows exactly, by their place."""
    flat: dict[str, Any] = {}

    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            for key, part in value.items():
                if key not in IN_BINS:
                    walk(part, f"{place}.{key}")
        elif isinstance(value, list | tuple):
            for k, part in enumerate(value):
                walk(part, f"{place}.{k}")
        else:
            flat[place] = value

    walk(found.to_dict(), "")
    return flat


def assert_same(monitor: Explanation, all_at_once: Explanation) -> None:
    ours, theirs = numbers(monitor), numbers(all_at_once)
    assert ours.keys() == theirs.keys()
    for place, value in theirs.items():
        if isinstance(value, float):
            assert ours[place] == pytest.approx(value, rel=1e-9, abs=1e-12), place
        else:
            assert ours[place] == value, place


def classes_of(found: Explanation) -> Any:
    return found.classification


SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weight": {"weight": torch.linspace(0.2, 2, 10)},
    "ignored": {"ignore_index": 3},
    "smoothed": {"label_smoothing": 0.1},
    "both": {"label_smoothing": 0.1, "weight": torch.linspace(0.2, 2, 10)},
    "sum": {"reduction": "sum"},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_monitor_says_of_batches_what_explain_says_of_all(name: str) -> None:
    loss = lossary.nn.CrossEntropyLoss(**SETTINGS[name])
    monitor, met = lossary.Monitor(loss, every_example=True), batches()
    for x, y in met:
        assert torch.equal(monitor(x, y), loss(x, y))
    assert_same(monitor.report(), explain(loss, *whole(met)))


def test_few_rows_are_all_met_without_being_asked_for() -> None:
    monitor, met = lossary.Monitor(torch.nn.CrossEntropyLoss()), batches(count=100)
    for x, y in met:
        monitor(x, y)
    found = monitor.report()
    assert_same(found, explain("cross_entropy", *whole(met)))
    assert found.count.examples == 6400
    assert found.count.passed_over == 0


def test_what_bins_know_is_near_what_all_examples_say() -> None:
    monitor, met = lossary.Monitor("cross_entropy"), batches(count=60)
    for x, y in met:
        monitor(x, y)
    ours, theirs = monitor.report(), explain("cross_entropy", *whole(met))
    a, b = ours.interval, theirs.interval
    assert a is not None
    assert b is not None
    assert ours.concentration
    assert theirs.concentration
    assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-9)
    near = theirs.concentration
    assert ours.concentration.loss_share == pytest.approx(near.loss_share, abs=0.01)
    assert ours.concentration.examples_share == pytest.approx(near.examples_share, abs=0.01)
    mine, other = classes_of(ours).calibration, classes_of(theirs).calibration
    assert mine.expected_error == pytest.approx(other.expected_error, abs=0.01)
    assert [b.examples for b in mine.bins] == [b.examples for b in other.bins]
    for x, y in zip(mine.bins, other.bins, strict=True):
        assert x.confidence == pytest.approx(y.confidence, abs=0.01)
    assert sum(b.examples for b in ours.histogram) == ours.count.examples
    assert sum(b.loss_share for b in ours.histogram) == pytest.approx(1)


@pytest.mark.parametrize("binary", [1, 4])
def test_yes_and_no(binary: int) -> None:
    generator = torch.Generator().manual_seed(3)
    loss = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0] * binary))
    x = 3 * torch.randn(300, binary, generator=generator)
    y = (torch.rand(300, binary, generator=generator) < 0.3).float()
    monitor = lossary.Monitor(loss)
    for a, b in zip(x.split(50), y.split(50), strict=True):
        monitor(a, b)
    assert_same(monitor.report(), explain(loss, x, y))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("far", [0.0, 2000.0])
def test_quantities(name: str, far: float) -> None:
    generator = torch.Generator().manual_seed(4)
    t = far + torch.randn(2000, generator=generator, dtype=torch.float64) * 5
    x = t + torch.randn(2000, generator=generator, dtype=torch.float64)
    monitor = lossary.Monitor(name)
    for a, b in zip(x.split(100), t.split(100), strict=True):
        monitor(a, b)
    ours, theirs = monitor.report(), explain(name, x, t)
    mine, other = ours.regression, theirs.regression
    assert mine is not None
    assert other is not None
    assert ours.mean == pytest.approx(theirs.mean)
    assert mine.bias == pytest.approx(other.bias)
    assert mine.explained_variance == pytest.approx(other.explained_variance, rel=1e-6)
    exact = name == "mse_loss"
    near = 1e-6 if exact else 0.3 if far else 0.01
    assert mine.mean_baseline == pytest.approx(other.mean_baseline, rel=near)
    assert mine.median_baseline == pytest.approx(other.median_baseline, rel=max(near, 0.01))
    assert mine.worst_percent_share == pytest.approx(other.worst_percent_share, rel=0.02)
    assert mine.noise == other.noise or other.noise is not None
    for a, b in zip(mine.quantiles, other.quantiles, strict=True):
        assert a.residual == pytest.approx(b.residual, rel=1 / 16, abs=0.02)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_kernel_adds_up_what_torch_does(smoothing: float, dtype: torch.dtype) -> None:
    from lossary.explain.asking import asked
    from lossary.explain.kinds.classes import read
    from lossary.explain.source import Block

    x, y = batches(rows=200)[0]
    x[::5] *= 20
    x[0], x[1, :4] = 7.0, -math.inf
    x, y = x.to(dtype), y.clone()
    y[::7] = -100
    if smoothing:
        x = x.clamp(min=-50)
    question = asked("cross_entropy", label_smoothing=smoothing)
    ours, theirs = ClassTally(Shape(10)), ClassTally(Shape(10))
    assert kernel.add(x, y, None, ours.values, 0, 1, -100, smoothing)
    theirs.meet(read(question, Block(x, y), 0), 0, 0)
    torch.testing.assert_close(ours.values, theirs.values, rtol=1e-11, atol=1e-12)
    planted = theirs.values.clone()
    planted[6] *= 1 + 1e-9
    with pytest.raises(AssertionError):
        torch.testing.assert_close(ours.values, planted, rtol=1e-11, atol=1e-12)


def test_a_wrong_target_adds_nothing() -> None:
    x, y = batches()[0]
    y = y.clone()
    y[-1] = 10
    tally = ClassTally(Shape(10))
    assert not kernel.add(x, y, None, tally.values, 0, 1, -100, 0.0)
    assert not tally.values.any()


def test_large_calls_are_sampled_and_every_row_has_its_turn() -> None:
    met: set[int] = set()
    for call in range(0, 63 * looking.SELDOM, looking.SELDOM):
        first, step = looking.rows(2000, 1000, call)
        met.update(range(first, 2000, step))
    assert met == set(range(2000))
    monitor = lossary.Monitor(torch.nn.CrossEntropyLoss())
    x, y = torch.randn(2000, 1000), torch.zeros(2000, dtype=torch.long)
    for _ in range(8):
        monitor(x, y)
    count = monitor.report().count
    assert count.examples + count.passed_over == 16_000
    assert count.passed_over > 0
    assert any("were passed over" in line for line in monitor.report().sentences())
    for language in ("en", "ko"):
        assert str(monitor.report(language))


def test_huge_images_are_sampled_inside() -> None:
    monitor = lossary.Monitor(torch.nn.CrossEntropyLoss())
    x, y = torch.randn(2, 5, 200, 300), torch.randint(5, (2, 200, 300))
    for _ in range(3):
        monitor(x, y)
    count = monitor.report().count
    assert count.examples + count.passed_over == 3 * y.numel()
    assert 0 < count.examples < 3 * 40_000


def test_the_gradient_and_the_random_stream_are_the_losss_own() -> None:
    x, y = batches()[0]
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    before = torch.get_rng_state()
    lossary.Monitor(loss)(a, y).backward()
    assert torch.equal(before, torch.get_rng_state())
    loss(b, y).backward()
    assert a.grad is not None
    assert b.grad is not None
    assert torch.equal(a.grad, b.grad)


def test_halves_merge_into_the_whole() -> None:
    met = batches()
    one, two, both = (lossary.Monitor(torch.nn.CrossEntropyLoss()) for _ in range(3))
    for k, (x, y) in enumerate(met):
        (one if k < 5 else two)(x, y)
        both(x, y)
    one.merge(two)
    assert_same(one.report(), both.report())
    empty = lossary.Monitor(torch.nn.CrossEntropyLoss())
    empty.merge(one)
    assert empty.report() == one.report()
    other = lossary.Monitor(torch.nn.CrossEntropyLoss())
    other(torch.zeros(2, 3), torch.tensor([0, 1]))
    with pytest.raises(OptionError, match="monitors of one loss"):
        other.merge(one)


def test_a_checkpoint_goes_on_where_it_was_written() -> None:
    met = batches()
    monitor = lossary.Monitor(lossary.nn.CrossEntropyLoss(weight=torch.ones(10)))
    for x, y in met[:6]:
        monitor(x, y)
    file = io.BytesIO()
    torch.save(monitor.state_dict(), file)
    file.seek(0)
    again = lossary.Monitor(lossary.nn.CrossEntropyLoss(weight=torch.zeros(10)))
    again.load_state_dict(torch.load(file, weights_only=True))
    assert again.report() == monitor.report()
    twin = copy.deepcopy(monitor)
    for x, y in met[6:]:
        for each in (monitor, again, twin):
            each(x, y)
    assert again.report() == monitor.report() == twin.report()


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_step_is_met_whole(backend: str) -> None:
    met = batches(count=6)
    monitor = lossary.Monitor(lossary.nn.CrossEntropyLoss())

    @torch.compile(fullgraph=True, backend=backend)
    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = monitor(2 * x, y)
        return value

    for x, y in met:
        leaf = x.clone().requires_grad_()
        step(leaf, y).backward()
        assert leaf.grad is not None
        assert bool(leaf.grad.any())
    x, y = whole(met)
    assert_same(monitor.report(), explain("cross_entropy", 2 * x, y))


def test_a_transform_gives_the_loss_and_is_not_met() -> None:
    monitor = lossary.Monitor(lossary.nn.CrossEntropyLoss())
    x, y = batches()[0]
    found = torch.func.grad(lambda x: monitor(x, y))(x)
    assert found.shape == x.shape
    with pytest.raises(OptionError, match="no call has been looked at"):
        monitor.report()


def test_a_linear_layer_is_met_by_the_rows_that_are_looked_at() -> None:
    loss = lossary.nn.LinearCrossEntropyLoss(8, 10)
    x, y = torch.randn(300, 8), torch.randint(10, (300,))
    monitor = lossary.Monitor(loss)
    for a, b in zip(x.split(60), y.split(60), strict=True):
        monitor(a, b)
    found = monitor.report()
    assert found.count.examples == 300
    assert found.mean == pytest.approx(explain(loss, x, y).mean, rel=1e-5)


def test_nan_is_counted_and_stops_nothing() -> None:
    monitor = lossary.Monitor(torch.nn.CrossEntropyLoss())
    x, y = batches()[0]
    x = x.clone()
    x[3, 1] = math.nan
    for _ in range(6):
        monitor(x, y)
    count = monitor.report().count
    assert (count.nan, count.examples) == (6, 6 * 63)
    assert "NaN" in monitor.report().sentences()[1]
    squares = lossary.Monitor("mse_loss")
    squares(torch.tensor([1.0, math.nan]), torch.zeros(2))
    assert squares.report().count.nan == 1
    assert squares.report().mean == 1


def test_what_cannot_be_read_warns_once_and_stops_nothing() -> None:
    monitor = lossary.Monitor(torch.nn.NLLLoss())
    x, y = batches()[0]
    with pytest.warns(UserWarning, match="add up to"):
        monitor(x, y)
    assert float(monitor(x, y)) == float(torch.nn.NLLLoss()(x, y))
    with pytest.raises(OptionError, match="add up to"):
        monitor.report()


def test_numbers_go_to_a_callback_and_to_tensorboard(tmp_path: Any) -> None:
    told: list[tuple[int, dict[str, float]]] = []
    monitor = lossary.Monitor(
        torch.nn.CrossEntropyLoss(), log_to=lambda call, it: told.append((call, it)), log_every=4
    )
    met = batches()
    for x, y in met:
        monitor(x, y)
    assert [call for call, _ in told] == [4, 8, 12]
    last = explain("cross_entropy", *whole(met[8:]))
    assert told[-1][1]["loss"] == pytest.approx(last.mean)
    assert told[-1][1]["accuracy"] == pytest.approx(classes_of(last).accuracy)
    assert {"brier", "calibration_error", "prediction_entropy_nats"} <= told[-1][1].keys()

    class Writer:
        def __init__(self) -> None:
            self.rows: list[tuple[str, float, int]] = []

        def add_scalar(self, name: str, value: float, step: int) -> None:
            self.rows.append((name, value, step))

    writer = Writer()
    monitor = lossary.Monitor(torch.nn.MSELoss(), log_to=writer, log_every=1)
    monitor(torch.ones(3), torch.zeros(3))
    assert ("mse_loss/loss", 1.0, 1) in writer.rows


def test_a_reset_begins_anew() -> None:
    monitor, met = lossary.Monitor(torch.nn.CrossEntropyLoss()), batches()
    monitor(*met[0])
    monitor.reset()
    monitor(*met[1])
    assert_same(monitor.report(), explain("cross_entropy", *met[1]))


WRONG: list[Callable[[], Any]] = [
    lambda: lossary.Monitor("nothing"),
    lambda: lossary.Monitor("cross_entropy", language="fr"),
    lambda: lossary.Monitor("cross_entropy", log_every=0),
    lambda: lossary.Monitor("linear_cross_entropy"),
    lambda: lossary.Monitor("cross_entropy").report(all_ranks=True),
]


@pytest.mark.parametrize("make", WRONG)
def test_wrong_use_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(OptionError):
        make()


def test_it_is_an_explanation_that_shows_itself() -> None:
    monitor = lossary.Monitor(torch.nn.CrossEntropyLoss(), class_names=["a", "b", "c"])
    monitor(torch.randn(60, 3), torch.arange(60) % 3)
    found = monitor.report("ko")
    assert isinstance(found, Explanation)
    assert dataclasses.is_dataclass(found)
    assert found.language == "ko"
    assert "교차" in str(found)
    assert found._repr_html_()
    assert found.to_json()
    assert found.figure()
    assert "CrossEntropyLoss" in repr(monitor)
