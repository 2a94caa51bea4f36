"""Losses over classes: cross-entropy, negative log-likelihood, a linear layer's, KL."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from lossary import functional
from lossary.core.errors import DomainError, teach
from lossary.explain.asking import Asked
from lossary.explain.class_explanation import explain_classes
from lossary.explain.class_rows import ClassRows
from lossary.explain.explanation import Explanation
from lossary.explain.source import Block, Source
from lossary.explain.view import View

NAMES = ("cross_entropy", "nll_loss", "linear_cross_entropy", "kl_div")
# Whether every entry is an example, and a weight one of each entry.
BY_ENTRY = False
# How far log-probabilities may be from adding up to 1, for what half precision rounds away.
NORMALISED = 2e-2


def explain(asked: Asked, source: Source, view: View) -> Explanation:
    """Measure all blocks of the source."""
    return explain_classes(asked, source, partial(read, asked), view)


def read(asked: Asked, block: Block, start: int) -> ClassRows:
    """The examples of a block that count, as rows; the first of the block is example ``start``."""
    how = {"kl_div": _divergence, "linear_cross_entropy": _layer}.get(asked.name, _plain)
    return how(asked, block.prediction, block.target, start)


def _plain(asked: Asked, prediction: Tensor, target: Tensor, start: int) -> ClassRows:
    return _read(asked, prediction.double(), target, start)


def _layer(asked: Asked, prediction: Tensor, target: Tensor, start: int) -> ClassRows:
    """The scores that the layer makes of its input."""
    matrix, bias = (_wide(asked.settings.get(key)) for key in ("linear_weight", "linear_bias"))
    assert matrix is not None  # the door has asked for it
    scores = torch.nn.functional.linear(prediction.double(), matrix, bias)
    cap = asked.settings.get("logit_softcap")
    return _read(asked, scores if cap is None else cap * torch.tanh(scores / cap), target, start)


def _wide(t: Tensor | None) -> Tensor | None:
    return None if t is None else t.detach().double()


def _read(asked: Asked, x: Tensor, target: Tensor, start: int) -> ClassRows:
    settings, weight = asked.settings, _wide(asked.settings["weight"])
    is_soft = target.shape == x.shape
    x = x.movedim(1, -1).flatten(0, -2)
    target = target.movedim(1, -1).flatten(0, -2).double() if is_soft else target.flatten().long()
    index = torch.arange(start, start + len(x))
    smoothing = float(settings.get("label_smoothing", 0.0))
    ignored = settings["ignore_index"]
    counted = torch.ones(len(x), dtype=torch.bool)
    if not is_soft and ignored is not None:
        counted = target != ignored
    x, target, index = x[counted], target[counted], index[counted]
    classes = x.shape[1]
    by_class = torch.ones(classes, dtype=torch.float64) if weight is None else weight
    given: dict[str, Any] = {"weight": weight, "reduction": "none"}
    if asked.name == "nll_loss":
        _check_normalised(x, index)
        nats = functional.nll_loss(x, target, **given)
    else:
        nats = functional.cross_entropy(x, target, label_smoothing=smoothing, **given)
    label = target.argmax(1) if is_soft else target
    truth = target if is_soft else None
    share = target if is_soft else torch.zeros_like(x).scatter_(1, target.unsqueeze(1), 1.0)
    mass = (share * (1 - smoothing) + smoothing / classes) * by_class
    divisor = torch.ones(len(x), dtype=torch.float64) if is_soft else by_class[target]
    gone = int((~counted).sum())
    smoothed = smoothing > 0 and not is_soft
    return ClassRows(index, x, mass, truth, label, divisor, nats, gone, smoothed)


def _divergence(asked: Asked, prediction: Tensor, target: Tensor, start: int) -> ClassRows:
    x, q = prediction.double(), target.double()
    x, q = (t.movedim(_classes_at(x), -1).flatten(0, -2) for t in (x, q))
    index = torch.arange(start, start + len(x))
    log_target = asked.settings["log_target"]
    _check_normalised(x, index)
    nats = functional.kl_div(x, q, reduction="none", log_target=log_target).sum(1)
    mass = q.exp() if log_target else q
    one = torch.ones(len(x), dtype=torch.float64)
    return ClassRows(index, x, mass, mass, mass.argmax(1), one, nats, 0)


def _classes_at(x: Tensor) -> int:
    """The dimension along which log-probabilities add up to 1: the last, or torch's second."""
    last = x.logsumexp(-1).abs().amax() if x.numel() else 0
    return -1 if x.dim() <= 2 or last <= NORMALISED else 1


def _check_normalised(x: Tensor, index: Tensor) -> None:
    total = x.logsumexp(1).exp()
    wrong = (total - 1).abs() > NORMALISED
    if not bool(wrong.any()):
        return
    at = int(wrong.nonzero()[0])
    raise DomainError(
        teach(
            "explain",
            f"the probabilities of example {int(index[at])} add up to {float(total[at]):.4g}",
            "log-probabilities, whose exponentials add up to 1",
            "scores or probabilities where log-probabilities belong",
            "log_softmax first, or explain cross_entropy of the scores",
        )
    )
