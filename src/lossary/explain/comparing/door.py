"""``lossary.compare``: several losses on the same predictions."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.explain.asking import Loss, asked
from lossary.explain.comparing.comparison import Cared, Comparison, OneLoss, Pair
from lossary.explain.door import check_view
from lossary.explain.examples import ratio
from lossary.explain.view import View

# How many examples are named for each loss, and what share of them "most" is.
NAMED, MOST = 5, 0.1
TENTHS = 10


def compare(
    losses: Sequence[Loss] | Mapping[str, Loss],
    prediction: Tensor,
    target: Tensor,
    *,
    language: str = "en",
) -> Comparison:
    r"""Values, directions of gradients, and the examples each loss minds, on the same predictions.

    .. math:: \cos(g, h) = \frac{\sum g h}{\lVert g\rVert \lVert h\rVert}, \qquad
       s_i = \frac{\sum_k |g_{ik}|}{\sum_{jk} |g_{jk}|}

    with :math:`g` the gradient of a loss at the prediction and :math:`s_i` what example i has of
    it. A loss is a module, a function, a name as in ``explain``, or anything that makes a tensor of
    ``(prediction, target)``, such as a lambda that turns the target into another form first.

    Shape: ``prediction`` (N, ...), one example in each row; ``target`` as the losses take it.
    Units: each loss's own. Raises: OptionError for fewer than two losses, or two of one name;
    ShapeError for a prediction without examples; what a loss itself raises.

    >>> scores, labels = torch.tensor([[2.0, 0.0], [0.5, 1.0]]), torch.tensor([0, 1])
    >>> found = compare(["cross_entropy", torch.nn.MultiMarginLoss()], scores, labels)
    >>> found.losses[1].name, found.losses[1].without_gradient, round(found.pairs[0].cosine, 3)
    ('MultiMarginLoss', 1, 0.954)
    """
    named = _named(losses)
    check_view(View(language=language))
    checks.check_floating("compare", "prediction", prediction)
    if not prediction.dim() or not len(prediction):
        came = f"got prediction of shape {checks.shape(prediction)}"
        raise ShapeError(teach("compare", came, "one example at least, along the first dimension"))
    slopes, measured = [], []
    for name, loss in named.items():
        value, slope = _slope(name, loss, prediction, target)
        slopes.append(slope)
        measured.append(_measured(name, value, slope))
    pairs = tuple(
        _pair((measured[i].name, slopes[i]), (measured[j].name, slopes[j]))
        for i in range(len(slopes))
        for j in range(i + 1, len(slopes))
    )
    return Comparison(len(prediction), tuple(measured), pairs, language)


def _named(losses: Sequence[Loss] | Mapping[str, Loss]) -> dict[str, Loss]:
    pairs = list(losses.items() if isinstance(losses, Mapping) else ((_name(x), x) for x in losses))
    found = {str(name): loss for name, loss in pairs}
    if len(pairs) < 2:
        came = f"got {len(pairs)} loss" + ("" if len(pairs) == 1 else "es")
        raise OptionError(teach("compare", came, "two or more"))
    if len(found) < len(pairs):
        came = f"got two losses of one name among {[str(name) for name, _ in pairs]}"
        fix = 'give them names: {"plain": loss, "smoothed": other}'
        raise OptionError(teach("compare", came, "a name for each", fix=fix))
    return found


def _name(loss: Loss) -> str:
    if isinstance(loss, str):
        return loss
    return str(getattr(loss, "__name__", type(loss).__name__))


def _slope(name: str, loss: Loss, prediction: Tensor, target: Tensor) -> tuple[float, Tensor]:
    """The loss, or the mean of its items, and its gradient at the prediction in float64."""
    function = asked(loss).call if isinstance(loss, str) else loss
    leaf = prediction.detach().clone().requires_grad_()
    with torch.enable_grad():
        found: Any = function(leaf, target)
    if not isinstance(found, Tensor) or found.grad_fn is None:
        came = f"the loss {name} gave {type(found).__name__}, which does not lead to the prediction"
        expected = "a tensor that was made of it"
        raise OptionError(teach("compare", came, expected, "a detach(), or an item()"))
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(found.mean(), leaf)
    return float(found.detach().double().mean()), slope.double().reshape(len(leaf), -1).cpu()


def _measured(name: str, value: float, slope: Tensor) -> OneLoss:
    sizes = _sizes(slope)
    total = float(sizes.sum())
    order = torch.argsort(sizes, descending=True, stable=True)
    passed = torch.cat((torch.zeros(1, dtype=sizes.dtype), sizes[order].cumsum(0)))
    places = torch.linspace(0, len(sizes), TENTHS + 1, dtype=torch.float64)
    low = places.floor().long()
    part = passed[low] + (places - low) * (passed[(low + 1).clamp(max=len(sizes))] - passed[low])
    return OneLoss(
        name=name,
        value=value,
        gradient_norm=float(slope.norm()),
        without_gradient=int((sizes == 0).sum()),
        cumulative=tuple(ratio(float(x), total) for x in part),
        cares=tuple(Cared(int(i), ratio(float(sizes[i]), total)) for i in order[:NAMED]),
    )


def _pair(first: tuple[str, Tensor], second: tuple[str, Tensor]) -> Pair:
    (one, g), (other, h) = first, second
    norms = float(g.norm()) * float(h.norm())
    count = max(1, round(MOST * len(g)))
    tops = [set(torch.argsort(-_sizes(t), stable=True)[:count].tolist()) for t in (g, h)]
    return Pair(
        first=one,
        second=other,
        cosine=float((g * h).sum()) / norms if norms else None,
        shared=len(tops[0] & tops[1]) / count,
    )


def _sizes(slope: Tensor) -> Tensor:
    return slope.abs().sum(1)
