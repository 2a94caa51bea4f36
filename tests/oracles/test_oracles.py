"""The oracles against mathematics that they do not use, and against torch where torch is right."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath
import pytest
import torch
from mpmath import mpf

from tests.cases import LOSSES
from tests.oracles import ORACLES
from tests.oracles import dual as d
from tests.oracles.compare import assert_exact, misses
from tests.oracles.sequences import alignment_probability
from tests.rows import Loss

STEP = 2.0**-20
ROWS = [pytest.param(loss, id=loss.name) for loss in LOSSES]
# torch gives NaN for masked classes, and 100 for inf; tests/test_defects.py has the numbers.
TORCH_IS_RIGHT = [
    p
    for p, loss in zip(ROWS, LOSSES, strict=True)
    if "[" not in loss.name
    or loss.name.split("[")[1] in ("smoothed]", "soft]", "log_target]", "rate]", "number]")
]
# Its masked entries have no finite slope to take a difference over.
SMOOTH_ENOUGH = [p for p, loss in zip(ROWS, LOSSES, strict=True) if "masked" not in loss.regimes[0]]


def test_every_oracle_is_in_the_table() -> None:
    assert {loss.function_name for loss in LOSSES} == set(ORACLES)


@pytest.mark.parametrize("loss", SMOOTH_ENOUGH)
def test_slopes_are_the_limits_of_differences(loss: Loss) -> None:
    regime = loss.regimes[0]
    tensors = tuple(
        t.double() if t.is_floating_point() else t for t in loss.tensors(regime, torch.float32)
    )
    if regime == "certain":
        tensors = (tensors[0] * 0.5 + 0.25, tensors[1])
    for options in loss.options(tensors):
        gradient = loss.oracle(tensors, options).gradient("sum", tensors)
        for which in loss.differentiable:
            for index in (0, tensors[which].numel() - 1):
                expected = _difference(loss, tensors, options, which, index)
                found = gradient[which][index]
                assert abs(found - expected) <= 1e-6 * max(1, abs(expected)), (which, index)


def _difference(
    loss: Loss, tensors: tuple[torch.Tensor, ...], options: dict[str, Any], which: int, index: int
) -> Any:
    """A central difference; the step is exact in binary, the values are exact in mpmath."""
    sums = []
    for sign in (1, -1):
        moved = list(tensors)
        moved[which] = moved[which].clone()
        moved[which].view(-1)[index] += sign * STEP
        sums.append(loss.oracle(tuple(moved), options).value("sum")[0])
    return (sums[0] - sums[1]) / (2 * mpf(STEP))


@pytest.mark.parametrize("loss", TORCH_IS_RIGHT)
def test_oracle_agrees_with_torch_on_ordinary_float64_inputs(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    for options in loss.options(tensors):
        if options.get("full") and loss.name.startswith("poisson"):
            continue
        exact = loss.oracle(tensors, options)
        for reduction in loss.reductions:
            value = loss.call_torch(tensors, options, reduction=reduction)
            found = misses(value, exact.value(reduction), "value", relative=1e-10)
            assert_exact(found, f"{loss.name} {options} {reduction}")


def test_known_numbers() -> None:
    zeros, y = torch.zeros(1, 4), torch.tensor([2])
    assert _value("cross_entropy", zeros, y) == pytest.approx(math.log(4))
    z, one = torch.zeros(1), torch.ones(1)
    assert _value("binary_cross_entropy_with_logits", z, one) == pytest.approx(math.log(2))
    p = torch.tensor([0.5, 0.5], dtype=torch.float64)
    q = torch.tensor([0.25, 0.75], dtype=torch.float64)
    expected = 0.5 * math.log(2) + 0.5 * math.log(2 / 3)
    assert _value("kl_div", q.log(), p) == pytest.approx(expected)
    # 3 events at rate 1, in full: 1 - 0 + log 3!
    counts = torch.tensor([3.0])
    assert _value("poisson_nll_loss", z, counts, full=True) == pytest.approx(1 + math.log(6))


def _value(name: str, *tensors: torch.Tensor, **options: Any) -> float:
    return float(ORACLES[name](tensors, **options).value("sum")[0])


def test_ctc_sums_every_alignment() -> None:
    rng = torch.Generator().manual_seed(3)
    log_probs = torch.randn(4, 3, generator=rng, dtype=torch.float64).log_softmax(-1)
    word = [1, 1]
    total = mpf(0)
    for path in itertools.product(range(3), repeat=4):
        merged = [k for k, _ in itertools.groupby(path)]
        if [k for k in merged if k != 0] == word:
            total += mpmath.exp(sum(mpf(log_probs[t, k].item()) for t, k in enumerate(path)))
    x = d.leaves(log_probs, 0)
    assert alignment_probability(x, word, 0).value == pytest.approx(total, rel=1e-40)


def test_duals_follow_the_chain_rule() -> None:
    x = d.Dual(mpf("0.7"), {(0, 0): mpf(1)})
    functions = {
        "exp": (d.exp, mpmath.exp),
        "log": (d.log, mpmath.log),
        "log_gamma": (d.log_gamma, mpmath.loggamma),
        "power": (lambda v: d.power(v, 3), lambda v: v**3),
        "quotient": (lambda v: v / (v * v + 1), lambda v: v / (v * v + 1)),
        "log_sum_exp": (
            lambda v: d.log_sum_exp([v, v * 2]),
            lambda v: mpmath.log(mpmath.exp(v) + mpmath.exp(2 * v)),
        ),
    }
    for name, (ours, theirs) in functions.items():
        with mpmath.workdps(60):
            slope = mpmath.diff(theirs, mpf("0.7"))
        assert abs(ours(x).slopes[0, 0] - slope) < mpf(10) ** -20, name


def test_a_tail_far_below_the_working_precision_of_floats_is_kept() -> None:
    x = torch.tensor([[100.0, -100.0]])
    answer = ORACLES["cross_entropy"]((x, torch.tensor([0])))
    exact = mpmath.log1p(mpmath.exp(-200))
    assert abs(answer.value("sum")[0] / exact - 1) < mpf(10) ** -50
    slope = answer.gradient("sum", (x,))[0][0]
    assert abs(slope * (1 + mpmath.exp(200)) + 1) < mpf(10) ** -50
