"""Measuring a point: turns, truth, memory, and contenders that cannot take part."""

import sys
import time
from types import ModuleType
from typing import Any

import mpmath
import pytest
import torch
from torch import Tensor

from lossary.bench import contenders, measure, memory
from lossary.bench.clock import milliseconds, spread
from lossary.bench.measure import Effort
from lossary.bench.peaks import peaks
from lossary.bench.points import CONTENDERS, LOSSES, Point, at
from lossary.bench.points import contenders as taking_part
from lossary.bench.problem import make, smaller
from lossary.bench.results import MEASURED, Found
from lossary.bench.truth import Errors, Truth, errors, truth

FEW = Effort(rounds=1, seconds=None, without=("compile",))
linux = pytest.mark.skipif(not memory.can_measure(), reason="memory is measured on Linux")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process of its own for memory: these tests look at something else."""
    monkeypatch.setattr(measure, "peaks", lambda point, names: dict.fromkeys(names, 1))


def test_steps_take_turns_and_everyone_begins_once() -> None:
    calls: list[str] = []
    times, rounds = milliseconds([lambda: calls.append("a"), lambda: calls.append("b")], 2)
    assert "".join(calls) == "abbaabba"
    assert rounds == 2
    assert all(t >= 0 for t in times)


def test_a_limit_of_time_leaves_at_least_three_rounds() -> None:
    _, rounds = milliseconds([lambda: time.sleep(0.001)], 50, seconds=0.0)
    assert rounds == 3


def test_the_spread_is_of_the_middle_half() -> None:
    assert spread([1.0, 1.0]) is None
    assert spread([1.0, 1.0, 1.0, 9.0, 1.0]) == 0
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("loss", LOSSES)
def test_everybody_computes_the_same_loss(loss: Any, alone: None) -> None:
    found = measure.measure(at(loss, 6, 20, "float32"), FEW)
    measured = [row for row in found.rows if row.status == MEASURED]
    assert {row.contender for row in measured} >= {"lossary", "torch", "floor"}
    for row in measured:
        assert row.step_ms is not None
        assert row.forward_ms is not None
        if row.contender != "floor":
            assert row.loss_error is not None
            assert row.loss_error < 1e-6
            assert row.gradient_error is not None
            assert row.gradient_error < 1e-5
    assert [row.contender for row in found.rows] == list(taking_part(loss, FEW.without))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_truth_is_the_truth(loss: Any) -> None:
    """Against 50 digits, through an independent formula."""
    problem = make(at(loss, 3, 7, "float32"))
    right = truth(problem)
    logits = problem.leaves[0].detach().double()
    if problem.point.width:
        logits = logits @ problem.leaves[1].detach().double().t()
    with mpmath.workdps(50):
        total = mpmath.mpf(0)
        for row, target in zip(logits.tolist(), problem.target.tolist(), strict=True):
            total += mpmath.log(mpmath.fsum(mpmath.exp(z) for z in row)) - mpmath.mpf(row[target])
        assert abs(right.loss - total / 3) < 1e-14
    wide = [leaf.detach().double().requires_grad_() for leaf in problem.leaves]
    scores = wide[0] @ wide[1].t() if problem.point.width else wide[0]
    torch.nn.functional.cross_entropy(scores, problem.target).backward()
    for leaf, gradient in zip(wide, right.gradients, strict=True):
        torch.testing.assert_close(leaf.grad, gradient)


def test_the_truth_does_not_depend_on_its_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make(at("linear_cross_entropy", 5, 9, "float32"))
    whole = truth(problem)
    monkeypatch.setattr("lossary.bench.truth.CHUNK_LOGITS", 18)
    parts = truth(problem)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-15)
    for a, b in zip(parts.gradients, whole.gradients, strict=True):
        torch.testing.assert_close(a, b)


def test_errors_see_a_planted_one_and_a_missing_gradient() -> None:
    gradient = torch.tensor([[0.5, -1.0]])
    right = Truth(2.0, (gradient.double(),))
    assert errors(torch.tensor(2.0), (gradient,), right) == Errors(0, 0)
    off = errors(torch.tensor(2.5), (gradient + torch.tensor([[0.1, 0.0]]),), right)
    assert off.loss == 0.25
    assert off.gradient == pytest.approx(0.1, rel=1e-6)
    assert errors(torch.tensor(2.0), (None,), right).gradient == float("inf")
    assert errors(torch.tensor(2.0), (gradient * torch.nan,), right).gradient != 0


@linux
def test_memory_is_what_a_step_takes() -> None:
    kept: list[Tensor] = []
    peak = memory.peak_bytes(lambda: kept.append(torch.ones(10_000_000)))
    assert peak is not None
    assert 40e6 <= peak < 60e6


@linux
def test_a_fault_in_the_process_of_its_own_is_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="no_such_loss"):
        peaks(Point("no_such_loss", 4, 5), ("lossary",))  # type: ignore[arg-type]


@linux
def test_a_process_of_its_own_sees_all_of_a_step() -> None:
    """A fresh gradient is in every peak; torch's loss has two more tensors of its size."""
    point = at("cross_entropy", 256, 20_000, "float32")
    found = peaks(point, ("lossary", "torch", "floor"))
    assert set(found) == {"lossary", "torch", "floor"}
    for peak in found.values():
        assert peak is not None
        assert peak >= 0.95 * point.gradient_bytes
    ours, theirs = found["lossary"], found["torch"]
    assert ours is not None
    assert theirs is not None
    assert ours < theirs


def test_memory_that_cannot_be_seen_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossary.bench.peaks.can_measure", lambda: False)
    found = measure.measure(at("cross_entropy", 4, 5, "float32"), FEW)
    assert {row.peak_bytes for row in found.rows} == {None}
    monkeypatch.setattr("lossary.bench.memory.can_measure", lambda: False)
    assert memory.peak_bytes(lambda: None) is None


def test_what_does_not_fit_is_left_out_and_said(
    monkeypatch: pytest.MonkeyPatch, alone: None
) -> None:
    enough = 2 * 10**9
    monkeypatch.setattr(measure, "available_bytes", lambda device: enough)
    monkeypatch.setattr("lossary.bench.fits.OVERHEAD", 0)
    monkeypatch.setattr("lossary.bench.fits.inputs_bytes", lambda point: enough - 2_000)
    found = measure.measure(at("cross_entropy", 10, 50, "float32"), FEW)
    rows = {row.contender: row for row in found.rows}
    assert rows["torch"].status == "does_not_fit"
    assert rows["torch"].detail == "2.0 GB / 2.0 GB"
    assert rows["torch"].step_ms is None
    assert rows["floor"].status == MEASURED
    monkeypatch.setattr(measure, "available_bytes", lambda device: 0)
    nobody = measure.measure(at("cross_entropy", 10, 50, "float32"), FEW)
    assert {row.status for row in nobody.rows} == {"does_not_fit"}


def test_a_containers_limit_counts(tmp_path: Any) -> None:
    assert memory._left_in_group(tmp_path) is None
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("300\n")
    assert memory._left_in_group(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory._left_in_group(tmp_path) == 700


def test_what_does_not_compile_is_said(monkeypatch: pytest.MonkeyPatch, alone: None) -> None:
    def none(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("\nNo C++ compiler in ('/opt/c++', 'D:\\tools\\cl')\nmore")

    monkeypatch.setattr(torch, "compile", none)
    found = measure.measure(at("cross_entropy", 4, 5, "float32"), Effort(1, None))
    row = next(row for row in found.rows if row.contender == "compile")
    assert (row.status, row.detail) == ("does_not_compile", "No C++ compiler in ('...', '...')")


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch, alone: None) -> None:
    def wrong(*arguments: Any) -> Tensor:
        raise RuntimeError("a fault")

    monkeypatch.setattr("lossary.functional.cross_entropy", wrong)
    with pytest.raises(RuntimeError, match="a fault"):
        measure.measure(at("cross_entropy", 4, 5, "float32"), FEW)


def test_nobody_waits_for_what_takes_too_long(alone: None) -> None:
    effort = Effort(1, None, ("compile", "liger"), patience=-1.0)
    found = measure.measure(at("linear_cross_entropy", 4, 5, "float32"), effort)
    slow = {row.contender for row in found.rows if row.status == "too_slow"}
    assert slow == {"chunked", "chunked_auto"}


def test_liger_is_asked_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make(at("cross_entropy", 4, 5, "float32"))
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers.functional", None)
    with pytest.raises(contenders.UnavailableError, match="not_installed"):
        contenders.contender("liger", problem)
    there: Any = ModuleType("liger_kernel.transformers.functional")
    for name in ("liger_kernel", "liger_kernel.transformers"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, there.__name__, there)
    with pytest.raises(contenders.UnavailableError, match="needs_gpu"):
        contenders.contender("liger", problem)


def test_a_contender_that_overwrites_gets_numbers_of_its_own() -> None:
    problem = make(at("cross_entropy", 4, 5, "float32"))
    apart = problem.apart()
    with torch.no_grad():
        apart.leaves[0].zero_()
    assert problem.leaves[0].abs().sum() > 0


def test_everyone_is_timed_on_the_same_numbers_each_time() -> None:
    point = at("linear_cross_entropy", 4, 5, "bfloat16")
    first, second = make(point), make(point)
    assert all(torch.equal(a, b) for a, b in zip(first.leaves, second.leaves, strict=True))
    assert first.leaves[0].dtype == torch.bfloat16


def test_a_warm_up_is_small_but_runs_the_same_way() -> None:
    few = smaller(at("linear_cross_entropy", 4_096, 256_000, "float32"))
    assert (few.rows, few.vocabulary) == (9, 256_000)
    assert smaller(at("cross_entropy", 4, 5, "float32")).rows == 4


def test_ratios_are_to_the_point_itself(alone: None) -> None:
    found = measure.measure(at("cross_entropy", 4, 5, "float32"), FEW)
    torchs, floor = found.of("torch"), found.of("floor")
    assert torchs is not None
    assert floor is not None
    assert found.ratio(torchs, "torch") == 1
    assert found.ratio(floor, "torch") == pytest.approx(
        (floor.step_ms or 0) / (torchs.step_ms or 1)
    )
    assert Found(found.point, ()).of("torch") is None


def test_all_contenders_have_texts_and_an_estimate() -> None:
    from lossary.bench.fits import needed_bytes
    from lossary.bench.words import Words

    for loss in LOSSES:
        for name in taking_part(loss):
            assert Words("en")(f"contender.{name}")
            assert needed_bytes(at(loss, 2, 3, "float16"), name) > 0
    assert set(taking_part("linear_cross_entropy")) == set(CONTENDERS)
    assert isinstance(at("cross_entropy", 2, 3, "float16"), Point)
