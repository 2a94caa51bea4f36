"""Numbers of losses over quantities against scikit-learn, scipy and numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import explained_variance_score, mean_absolute_error, mean_squared_error

from lossary.explain import Explanation, explain


def pairs(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    t = torch.randn(400, generator=generator, dtype=torch.float64).exp()
    x = t + 0.5 * torch.randn(400, generator=generator, dtype=torch.float64) + 0.1
    return x, t


def of_quantities(found: Explanation) -> Any:
    assert found.regression is not None
    return found.regression


def test_squared_error_is_scikit_learns() -> None:
    x, t = pairs()
    found = explain(torch.nn.MSELoss(), x, t)
    it = of_quantities(found)
    assert found.value == pytest.approx(mean_squared_error(t, x), rel=1e-12)
    assert it.explained_variance == pytest.approx(explained_variance_score(t, x), rel=1e-12)
    assert it.mean_baseline == pytest.approx(float(t.var(correction=0)), rel=1e-12)
    assert it.bias == pytest.approx(float((x - t).mean()), rel=1e-12)
    assert it.noise.scale == pytest.approx(math.sqrt(found.value), rel=1e-12)
    assert it.noise.nats == pytest.approx(stats.norm(scale=it.noise.scale).entropy(), rel=1e-12)
    for quantile in it.quantiles:
        exact = float(np.quantile((x - t).numpy(), quantile.share))
        assert quantile.residual == pytest.approx(exact, rel=1e-12)


def test_absolute_error_is_scikit_learns() -> None:
    x, t = pairs(1)
    found = explain("l1_loss", x, t)
    it = of_quantities(found)
    assert found.value == pytest.approx(mean_absolute_error(t, x), rel=1e-12)
    assert it.median_baseline == pytest.approx(float((t - t.median()).abs().mean()), rel=1e-6)
    assert it.median_baseline <= it.mean_baseline
    assert it.noise.nats == pytest.approx(stats.laplace(scale=found.value).entropy(), rel=1e-12)


@pytest.mark.parametrize(
    ("loss", "settings"),
    [("huber_loss", {"delta": 0.3}), ("smooth_l1_loss", {"beta": 0.5}), ("mse_loss", {})],
)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_values_are_torchs(loss: str, settings: dict[str, Any], reduction: str) -> None:
    x, t = pairs(2)
    found = explain(loss, x.view(100, 4), t.view(100, 4), reduction=reduction, **settings)
    exact = getattr(torch.nn.functional, loss)(x, t, reduction=reduction, **settings)
    assert found.value == pytest.approx(float(exact), rel=1e-12)
    losses = getattr(torch.nn.functional, loss)(x, t, reduction="none", **settings)
    worst = losses.sort(descending=True).values[:4].sum() / losses.sum()
    assert of_quantities(found).worst_percent_share == pytest.approx(float(worst), rel=1e-12)


def test_weights_count() -> None:
    x, t = pairs(3)
    weight = torch.rand(400, dtype=torch.float64)
    found = explain("mse_loss", x, t, weight=weight)
    assert found.value == pytest.approx(float(((x - t) ** 2 * weight).sum() / weight.sum()))


def test_targets_that_are_all_one_number_have_no_variance_to_explain() -> None:
    found = of_quantities(explain("mse_loss", torch.randn(30), torch.ones(30)))
    assert found.explained_variance is None
    assert found.mean_baseline == 0
