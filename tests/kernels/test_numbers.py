"""The functions that compiled loops are made of, against 50 digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf

from lossary.kernels.cpu import _logarithms, _numbers, _row_sums
from lossary.kernels.cpu._arrays import array

RNG = np.random.default_rng(0)
BELOW = -np.concatenate([RNG.uniform(0, 1, 300), RNG.uniform(0, 700, 300), [0.0, 1e-300]])
UNIT = np.concatenate([np.exp(-RNG.uniform(0, 700, 300)), RNG.uniform(0, 1, 300), [0.0, 1.0]])
POSITIVE = np.concatenate(
    [np.exp(RNG.uniform(-700, 700, 300)), 1 + RNG.uniform(-1e-3, 1e-3, 300), [1.0, 2.0**-1022]]
)


def worst(found: Any, exact: Callable[[Any], Any], given: Any) -> float:
    """The largest relative error; an exact 0 must be 0."""
    errors = [0.0]
    with mpmath.workdps(50):
        for got, x in zip(found, given, strict=True):
            right = exact(mpf(float(x)))
            if right == 0:
                assert got == 0
                continue
            errors.append(float(abs(mpf(float(got)) - right) / abs(right)))
    return max(errors)


@pytest.mark.parametrize(
    ("function", "exact", "given"),
    [
        (_numbers.exponential, mpmath.exp, BELOW),
        (_logarithms.log1p_of_unit, mpmath.log1p, UNIT),
        (_logarithms.logarithm, mpmath.log, POSITIVE),
    ],
)
def test_float64_functions_keep_fifteen_digits(
    function: Any, exact: Callable[[Any], Any], given: Any
) -> None:
    assert worst([function(float(x)) for x in given], exact, given) < 6e-16


def test_the_float32_exponential_keeps_seven_digits() -> None:
    row = (BELOW[BELOW > -109]).astype(np.float32)
    odds = np.zeros(_row_sums.WHOLE, np.float32)
    pairs = [np.array([x, 0], np.float32) for x in row]
    found = [_row_sums.sum_of_others(pair, 1, np.float32(0), odds) for pair in pairs]
    assert worst(found, mpmath.exp, row) < 2e-7


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 127, 128, 129, 4096, 4097, 9000])
@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
def test_a_row_is_summed_without_one_entry(length: int, place: float) -> None:
    row = RNG.normal(0, 3, length).astype(np.float32)
    left_out = int(place * (length - 1))
    top = _row_sums.largest(row)
    assert top == row.max()
    odds = np.zeros(_row_sums.filled(min(length, _row_sums.TOGETHER)), np.float32)
    found = _row_sums.sum_of_others(row, left_out, top, odds)
    terms = np.exp(row.astype(np.float64) - float(top))
    assert found == pytest.approx(np.delete(terms, left_out).sum(), rel=1e-6, abs=0)


def test_a_long_row_of_equal_terms_loses_no_digits() -> None:
    row = np.full(2_000_001, -0.7, np.float32)
    odds = np.zeros(_row_sums.TOGETHER, np.float32)
    found = _row_sums.sum_of_others(row, 0, np.float32(0), odds)
    assert found == pytest.approx(2_000_000 * np.exp(np.float64(np.float32(-0.7))), rel=1e-6)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_largest_of_a_row_is_found_among_all_kinds_of_numbers(kind: type) -> None:
    limits = np.finfo(kind)
    kinds = [-np.inf, limits.min, -1, -limits.smallest_subnormal, 0, limits.tiny, 1, np.inf]
    for count in range(1, len(kinds) + 1):
        row = RNG.permutation(np.resize(np.array(kinds[:count], kind), 100))
        assert _row_sums.largest(row) == kinds[count - 1]
    row[17] = np.nan
    assert np.isnan(_row_sums.largest(row))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_as_torch_rounds(dtype: torch.dtype) -> None:
    numbers = torch.randn(4000) * 10.0 ** torch.randint(-7, 5, (4000,))
    numbers[:4] = torch.tensor([torch.inf, -torch.inf, torch.nan, 0.0])
    out = torch.empty(4000, dtype=dtype)
    store(array(numbers), array(out))
    torch.testing.assert_close(out, numbers.to(dtype), rtol=0, atol=0, equal_nan=True)
    back = torch.empty(4000)
    store(array(out), array(back))
    torch.testing.assert_close(back, out.float(), rtol=0, atol=0, equal_nan=True)


@_numbers.compiled
def store(source: Any, out: Any) -> None:
    """Widen each number and round it to the other array's format."""
    like = out[0]
    for k in range(source.shape[0]):
        out[k] = _numbers.rounded(_numbers.widened(source[k]), like)
