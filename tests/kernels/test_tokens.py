"""Log-probability and entropy of tokens: against 50 digits, and by every way alike."""

from __future__ import annotations

from typing import Any

import mpmath
import pytest
import torch
from mpmath import mpf
from torch import Tensor

import lossary
import lossary.functional as F
from lossary.core.errors import ClassIndexError, ShapeError
from lossary.kernels import explain_choice
from tests.oracles.compare import RELATIVE

INF = float("inf")
ROWS = (
    [0.0, 0.0, 0.0, 0.0],
    [20.0, 0.0, -1.0, 3.0],
    [100.0, -100.0, 0.0, 50.0],
    [1e-7, 0.0, -1e-7, 2e-7],
    [-INF, 1.0, 2.0, -INF],
    [90.0, 89.99, 0.0, -INF],
    [0.0, -100.0, -101.0, -102.0],
)


def exact(row: list[float], y: int) -> tuple[list[mpf], list[mpf]]:
    """Both numbers, and their slopes one after the other."""
    with mpmath.workdps(80):
        scores = [mpf(v) for v in row]
        odds = [mpmath.exp(v) for v in scores]
        total = mpmath.fsum(odds)
        p = [o / total for o in odds]
        log_p = [mpmath.log(v) if v else mpf(0) for v in p]
        entropy = -mpmath.fsum(a * b for a, b in zip(p, log_p, strict=True))
        by_log = [(k == y) - v for k, v in enumerate(p)]
        by_entropy = [-a * (b + entropy) for a, b in zip(p, log_p, strict=True)]
        return [mpmath.log(p[y]) if p[y] else mpf("-inf"), entropy], by_log + by_entropy


def found(x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    leaf = x.clone().requires_grad_()
    both = F.token_statistics(leaf, y)
    slopes = [torch.autograd.grad(t.sum(), leaf, retain_graph=True)[0] for t in both]
    return [t.detach() for t in both], slopes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("repeats", [1, 3000])
def test_every_digit(dtype: torch.dtype, repeats: int) -> None:
    x = torch.tensor(ROWS, dtype=dtype)
    for y in range(4):
        target = torch.full((len(x) * repeats,), y)
        (choice,) = explain_choice(F.token_statistics, x.repeat(repeats, 1), target)
        assert choice.path == ("formula" if repeats == 1 else "fused")
        values, slopes = found(x.repeat(repeats, 1), target)
        for i, row in enumerate(x.tolist()):
            numbers, derivatives = exact(row, y)
            if numbers[0] == -INF:
                assert values[0][i] == -INF
            else:
                near(values[0][i], numbers[0], dtype)
            near(values[1][i], numbers[1], dtype)
            if numbers[0] != -INF:
                for k in range(4):
                    near(slopes[0][i, k], derivatives[k], dtype)
                    near(slopes[1][i, k], derivatives[4 + k], dtype)


def near(ours: Tensor, truth: mpf, dtype: torch.dtype) -> None:
    # What cancels exactly may leave a trace of float64's rounding.
    limit = RELATIVE[dtype] * abs(truth) + torch.finfo(dtype).tiny + 1e-15
    assert abs(mpf(float(ours)) - truth) <= limit, (ours, truth)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("classes", [1, 2, 63, 64, 65, 200, 5000])
def test_loops_agree_with_the_formula(classes: int, dtype: torch.dtype) -> None:
    torch.manual_seed(classes)
    rows = max(4, 40_000 // classes)
    x, y = (torch.randn(rows, classes) * 5).to(dtype), torch.randint(classes, (rows,))
    y[::5] = -100
    values, slopes = found(x, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOSSARY_KERNELS", "formula")
        exactly, derivatives = found(x.double(), y)
    rounding = torch.finfo(dtype).eps if dtype.itemsize == 2 else RELATIVE[dtype]
    for a, b in zip([*values, *slopes], [*exactly, *derivatives], strict=True):
        assert a.dtype == dtype
        tiny = 2 * torch.finfo(dtype).tiny
        torch.testing.assert_close(a.double(), b, rtol=rounding, atol=max(tiny, 1e-14))


def test_ignored_rows_are_0_whatever_they_hold() -> None:
    x = torch.full((20_000, 3), torch.nan)
    x[0] = torch.tensor([1.0, 2.0, 3.0])
    y = torch.full((20_000,), -100)
    y[0] = 2
    for rows in (2, 20_000):
        values, slopes = found(x[:rows], y[:rows])
        assert not any(t[1:].any() for t in (*values, *slopes))
        assert abs(float(values[0][0]) + float(F.cross_entropy(x[:1], y[:1]))) < 1e-7
        assert torch.allclose(values[1][0], lossary.entropy(lossary.Logits(x[0])))


def test_a_row_that_is_masked_whole() -> None:
    for rows in (1, 20_000):
        x = torch.full((rows, 3), -INF)
        values, slopes = found(x, torch.zeros(rows, dtype=torch.int64))
        assert (values[0] == -INF).all()
        assert not values[1].any()
        assert not slopes[1].any()


def test_shapes_transforms_and_second_derivatives() -> None:
    x, y = torch.randn(2, 3, 5, dtype=torch.float64), torch.randint(5, (2, 3))
    log_p, entropy = F.token_statistics(x, y)
    assert log_p.shape == entropy.shape == (2, 3)
    each = torch.func.vmap(torch.func.vmap(F.token_statistics))(x, y)
    torch.testing.assert_close(each[0], log_p)
    torch.testing.assert_close(each[1], entropy)
    compiled = torch.compile(F.token_statistics, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x, y)[1], entropy)
    wide = torch.randn(1, 40_000, dtype=torch.float64) / 100
    label = torch.tensor([3])

    def bonus(t: Tensor) -> Any:
        return sum(F.token_statistics(torch.cat([t, wide[:, 4:]], 1), label))

    assert torch.autograd.gradgradcheck(bonus, wide[:, :4].clone().requires_grad_())


def test_wrong_arguments_are_told() -> None:
    x = torch.zeros(2, 3, 4)
    with pytest.raises(ShapeError, match="classes last"):
        F.token_statistics(x, torch.zeros(2, 4, dtype=torch.int64))
    with pytest.raises(ShapeError, match=r"fix: target\.squeeze\(-1\)"):
        F.token_statistics(x, torch.zeros(2, 3, 1, dtype=torch.int64))
    with pytest.raises(ShapeError, match="different batches"):
        F.token_statistics(x, torch.zeros(5, dtype=torch.int64))
    with pytest.raises(ClassIndexError, match="scores of one class at least"):
        F.token_statistics(x[..., :0], torch.zeros(2, 3, dtype=torch.int64))
    with pytest.raises(ClassIndexError, match="Target 4 is out of bounds"):
        F.token_statistics(x, torch.full((2, 3), 4))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_entropy_of_large_logits(dtype: torch.dtype) -> None:
    x = (torch.randn(4, 30, 700) * 5).to(dtype)
    x[0, 0, 1:] = -INF
    values = []
    for given, way in ((x, "fused"), (x.double(), "formula")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOSSARY_KERNELS", way)
            leaf = given.clone().requires_grad_()
            for dim in (-1, 1):
                bits = lossary.entropy(lossary.Logits(leaf, dim), base=2)
                values.append((bits.detach(), *torch.autograd.grad(bits.sum(), leaf)))
    rounding = torch.finfo(dtype).eps if dtype.itemsize == 2 else RELATIVE[dtype]
    for ours, exact in zip(values[:2], values[2:], strict=True):
        for a, b in zip(ours, exact, strict=True):
            assert a.dtype == dtype
            torch.testing.assert_close(a.double(), b, rtol=rounding, atol=1e-14)
    (choice,) = explain_choice(lossary.entropy, lossary.Logits(x))
    assert choice.path == "fused"
