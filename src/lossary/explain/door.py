"""``lossary.explain``: what a loss means, measured on predictions and targets."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lossary import functional
from lossary.core import checks
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.explain.asking import Asked, Loss, asked
from lossary.explain.explanation import Explanation
from lossary.explain.kinds import kind_of
from lossary.explain.source import Source, in_memory
from lossary.explain.view import View

LANGUAGES = ("en", "ko")


def explain(
    loss: Loss,
    prediction: Tensor,
    target: Tensor,
    *,
    class_names: Sequence[str] = (),
    hardest: int = 10,
    bins: int = 15,
    language: str = "en",
    **settings: Any,
) -> Explanation:
    """What the value of a loss means: against guesses, by class, by example, and its gradient.

    ``loss`` is a module, a function or a name, of Lossary or torch; ``settings`` are its keywords
    (``weight``, ``ignore_index``, ``label_smoothing``, ...). All is computed in float64. Examples
    are counted in the order of the target's entries; those that are ignored do not count.

    Shape: as the loss takes them. Units: nats, unless a name says otherwise.
    Raises: OptionError for a loss or a setting that is not known; what the loss itself raises;
    DomainError for NaN, and for log-probabilities that do not add up to 1.

    >>> scores = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> found = explain("cross_entropy", scores, torch.tensor([0, 1]))
    >>> round(found.value, 4), round(found.classification.baselines.chance_nats, 4)
    (0.2201, 0.6931)
    """
    question = asked(loss, **settings)
    view = View(tuple(map(str, class_names)), hardest, bins, language)
    check_view(view)
    prediction, target = batched(question, prediction, target)
    _check_call(question, prediction, target)
    weight = question.settings.get("weight") if kind_of(question.name).BY_ENTRY else None
    return explain_source(question, in_memory(prediction, target, weight), view)


def explain_source(question: Asked, source: Source, view: View) -> Explanation:
    """The same of predictions that are read block by block."""
    with torch.no_grad():
        found: Explanation = kind_of(question.name).explain(question, source, view)
    return found


def batched(question: Asked, prediction: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """With a first dimension of examples, where the loss takes one example alone."""
    for name, t in (("prediction", prediction), ("target", target)):
        checks.check_tensor("explain", name, t)
    if kind_of(question.name).BY_ENTRY:
        return (prediction, target) if prediction.dim() else (prediction[None], target[None])
    if prediction.dim() != 1:
        return prediction, target
    is_soft = target.shape == prediction.shape
    return prediction[None], target[None] if is_soft else target.reshape(1)


def check_view(view: View) -> None:
    """Refuse a language that there is none of, and counts that are none."""
    if view.language not in LANGUAGES:
        came = f"language {view.language!r}"
        raise OptionError(teach("explain", came, f"one of {LANGUAGES}"))
    if view.hardest < 0 or view.bins < 1:
        came = f"hardest={view.hardest}, bins={view.bins}"
        raise OptionError(teach("explain", came, "counts: hardest of 0 or more, bins of 1 or more"))


def _check_call(question: Asked, prediction: Tensor, target: Tensor) -> None:
    """Let the loss refuse shapes and dtypes, on tensors that hold nothing."""
    settings = {key: _empty(value) for key, value in question.settings.items()}
    settings["reduction"] = "sum"  # the reduction has been looked at, and means nothing here
    layer = {k: settings.pop(k) for k in ("linear_weight",) if k in settings}
    if question.name == "linear_cross_entropy" and layer.get("linear_weight") is None:
        expected = "linear_weight=, and linear_bias= if there is one, or the module itself"
        raise OptionError(teach("explain", "got linear_cross_entropy without its layer", expected))
    getattr(functional, question.name)(
        _empty(prediction), *layer.values(), _empty(target), **settings
    )
    if prediction.shape[0] != target.shape[0]:
        came = f"got prediction of shape {checks.shape(prediction)}, target {checks.shape(target)}"
        raise ShapeError(teach("explain", came, "as many targets as predictions"))


def _empty(value: Any) -> Any:
    return value.to("meta") if isinstance(value, Tensor) else value
