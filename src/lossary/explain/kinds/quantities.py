"""Losses over quantities: squared, absolute, Huber's and the smooth absolute error."""

import math
from typing import Any

import torch
from torch import Tensor

from lossary import functional
from lossary.core.errors import DomainError, teach
from lossary.explain.asking import Asked
from lossary.explain.examples import (
    Examples,
    Hardest,
    concentration,
    histogram,
    interval,
    loss_shares,
    ratio,
    total,
)
from lossary.explain.explanation import Explanation
from lossary.explain.numbers import Count, Noise, Quantile, Regression
from lossary.explain.source import Block, Source
from lossary.explain.view import View

NAMES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
# Whether every entry is an example, and a weight one of each entry.
BY_ENTRY = True
SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
WORST = 0.01


def explain(asked: Asked, source: Source, view: View) -> Explanation:
    """Measure all blocks of the source."""
    examples, worst, start = Examples(), Hardest(view.hardest), 0
    for block in source.blocks():
        some = read(asked, block, start)
        _refuse_nan(some)
        worst.add(**{name: t for name, t in some.items() if name != "divisor"})
        examples.add(**{name: some[name] for name in ("loss", "divisor", "label", "predicted")})
        start += block.prediction.numel()
    seen = examples.pieces()
    whole, divisor = total(seen["loss"]), total(seen["divisor"])
    count = sum(map(len, seen["loss"]))
    return Explanation(
        loss=asked.name,
        reduction=asked.reduction,
        value=whole if asked.reduction == "sum" else ratio(whole, divisor),
        mean=ratio(whole, divisor),
        interval=interval(seen["loss"], seen["divisor"]),
        count=Count(count, 0, divisor),
        concentration=concentration(seen["loss"]),
        hardest=worst.told(),
        histogram=histogram(seen["loss"]),
        classification=None,
        regression=_regression(asked, examples.joined()) if count else None,
        language=view.language,
    )


def read(asked: Asked, block: Block, start: int) -> dict[str, Tensor]:
    """A few numbers of each example of a block; the first is example ``start``."""
    x, t = block.prediction.double(), block.target.double()
    weight = torch.ones_like(x) if block.weight is None else block.weight.double()
    loss = (item_losses(asked, x, t) * weight).flatten()
    return {
        "index": torch.arange(start, start + x.numel()),
        "loss": loss,
        "divisor": weight.flatten(),
        "label": t.flatten(),
        "predicted": x.flatten(),
        "gradient": (_slopes(asked, x - t) * weight).abs().flatten(),
    }


def _refuse_nan(seen: dict[str, Tensor]) -> None:
    wrong = seen["loss"].isnan()
    if bool(wrong.any()):
        came = f"the loss of example {int(seen['index'][wrong][0])} is NaN"
        raise DomainError(teach("explain", came, "numbers", "NaN in prediction or target"))


def item_losses(asked: Asked, x: Tensor, t: Tensor) -> Tensor:
    """The loss of each entry, before any weight."""
    found: Tensor = getattr(functional, asked.name)(x, t, reduction="none", **_shape(asked))
    return found


def _shape(asked: Asked) -> dict[str, Any]:
    return {key: asked.settings[key] for key in ("beta", "delta") if key in asked.settings}


def _slopes(asked: Asked, residual: Tensor) -> Tensor:
    with torch.enable_grad():
        leaf = residual.detach().requires_grad_()
        losses = item_losses(asked, leaf, torch.zeros_like(leaf))
        (slope,) = torch.autograd.grad(losses.sum(), leaf)
    return slope


def _regression(asked: Asked, seen: dict[str, Tensor]) -> Regression:
    x, t, weight = seen["predicted"], seen["label"], seen["divisor"]
    residual = (x - t).sort().values
    shares = torch.tensor(SHARES, dtype=torch.float64)
    mean = float((t * weight).sum() / weight.sum())
    spread = float((t - t.mean()).square().mean())
    return Regression(
        mean_baseline=_of_constant(asked, mean, t, weight),
        median_baseline=_of_constant(asked, _median(t, weight), t, weight),
        explained_variance=1 - float(((x - t) - (x - t).mean()).square().mean()) / spread
        if spread > 0
        else None,
        bias=float(((x - t) * weight).sum() / weight.sum()),
        worst_percent_share=_worst(seen["loss"]),
        quantiles=tuple(Quantile(share, _quantile(residual, share)) for share in shares.tolist()),
        noise=noise(asked, ratio(float(seen["loss"].sum()), float(weight.sum()))),
    )


def _of_constant(asked: Asked, guess: float, t: Tensor, weight: Tensor) -> float:
    """The mean loss of always predicting one number."""
    losses = item_losses(asked, torch.full_like(t, guess), t) * weight
    return float(losses.sum() / weight.sum())


def _median(t: Tensor, weight: Tensor) -> float:
    """The weighted median: half of the weight lies on either side, the middle of two."""
    ordered, order = t.sort()
    passed = weight[order].cumsum(0)
    half = float(passed[-1]) / 2
    low = int(torch.searchsorted(passed, half))
    high = low + 1 if float(passed[low]) == half and low + 1 < len(t) else low
    return float(ordered[low] + ordered[high]) / 2


def _quantile(ordered: Tensor, share: float) -> float:
    """Between two neighbours, as numpy does; torch's own takes no more than 16 million."""
    place = share * (len(ordered) - 1)
    low, high = math.floor(place), math.ceil(place)
    a, b = float(ordered[low]), float(ordered[high])
    return a if low == high else a + (b - a) * (place - low)


def _worst(loss: Tensor) -> float:
    """What share of the loss the worst hundredth of the examples has; one example at least."""
    count = max(1, math.ceil(WORST * len(loss)))
    return float(loss_shares(loss).topk(count).values.sum())


def noise(asked: Asked, mean: float) -> Noise | None:
    """The noise for which the loss is a log-likelihood, at the scale that fits best."""
    if not 0 < mean < math.inf:
        return None
    if asked.name == "mse_loss":
        return Noise("Gaussian", math.sqrt(mean), 0.5 * math.log(2 * math.pi * math.e * mean))
    if asked.name == "l1_loss":
        return Noise("Laplace", mean, math.log(2 * math.e * mean))
    return None
