"""Logits remembered beside a sigmoid's output, so that a loss on it loses nothing.

In float32 ``sigmoid(20)`` is 1: the logit cannot be read back from the probability, and a
binary cross-entropy of it is 100 in torch where the truth is 20, with gradient 0 where the
truth is 1. :func:`sigmoid` notes its logits on its output; views of the output find them too.

Wherever the probability still knows its logit, the gradient takes torch's road, through the
probability, so that hooks and whatever else stands on it are met. Only where it has rounded to 0
or 1, and torch's gradient would end, does it go to the logit itself.
"""

from typing import Any

import torch
from torch import Tensor

from lossary.core.transforms import reason_not_plain

_NOTE = "_lossary_logits"
# What a view does to a gradient is to lay it out anew; anything else on the way may change it.
_VIEWS = (
    "Alias",
    "AsStrided",
    "Permute",
    "ReshapeAlias",
    "Select",
    "Slice",
    "Split",
    "Squeeze",
    "T",
    "Transpose",
    "Unbind",
    "Unsqueeze",
    "UnsafeView",
    "View",
)


class _Note:
    """Logits, and the versions of both tensors at the time. It is not saved with the output."""

    __slots__ = ("logits", "versions")

    def __init__(self, logits: Tensor, versions: tuple[int, int]) -> None:
        self.logits = logits
        self.versions = versions

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


def sigmoid(input: Tensor) -> Tensor:
    r"""The probability whose log-odds are the input; the logits stay known to the loss.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}

    Shape: any. Dtype: floating, kept. Units: a probability.
    The output holds a reference to the input for as long as it lives.
    Reference: Verhulst (1845), Recherches mathematiques sur la loi d'accroissement.

    >>> sigmoid(torch.tensor([0.0]))
    tensor([0.5000])
    """
    output = torch.sigmoid(input)
    # torch.fx traces with stand-ins for tensors, and inference tensors count no versions.
    if isinstance(output, Tensor) and output.dtype == input.dtype and not input.is_inference():
        if torch.compiler.is_compiling() or not output.is_inference():
            setattr(output, _NOTE, _Note(input, _versions(input, output)))
    return output


class Sigmoid(torch.nn.Sigmoid):
    """Module of :func:`sigmoid`.

    >>> Sigmoid()(torch.tensor([0.0]))
    tensor([0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """See :func:`sigmoid`."""
        return sigmoid(input)


def stands_alone(probabilities: object) -> bool:
    """Whether nothing stands behind these probabilities: a leaf, or constant, without a note.

    >>> stands_alone(torch.rand(2)), stands_alone(sigmoid(torch.zeros(2)))
    (True, False)
    """
    if not isinstance(probabilities, Tensor) or torch.compiler.is_compiling():
        return False
    if probabilities.grad_fn is not None or probabilities._base is not None:
        return False
    return not hasattr(probabilities, _NOTE)


def logits_of(probabilities: Tensor) -> Tensor | None:
    """The logits whose sigmoid these probabilities are, connected to the graph; or None.

    >>> logits_of(sigmoid(torch.tensor([[20.0]])).squeeze(1))
    tensor([20.])
    """
    logits = _found(probabilities)
    if logits is None or not probabilities.requires_grad:
        return logits
    return _by_both_roads(probabilities, logits)


def _by_both_roads(probabilities: Tensor, logits: Tensor) -> Tensor:
    """The logits' values; their gradient goes to the probabilities wherever those are inside."""
    certain = (probabilities == 1) | (probabilities < torch.finfo(probabilities.dtype).tiny)
    through = torch.logit(probabilities.masked_fill(certain, 0.5))
    return torch.where(certain, logits, through + (logits - through).detach())


def _found(probabilities: Tensor) -> Tensor | None:
    noted = _noted(probabilities)
    if noted is not None:
        return noted
    if torch.compiler.is_compiling() or reason_not_plain(probabilities) is not None:
        return None
    base = probabilities._base
    if base is None:
        return _leaf_logits(probabilities)
    if not _only_views_between(probabilities):
        return None
    logits = _noted(base)
    if logits is None:
        logits = _leaf_logits(base)
    return None if logits is None else _same_view(logits, base, probabilities)


def _only_views_between(probabilities: Tensor) -> bool:
    """Whether the graph goes from here to a sigmoid through views alone."""
    node: Any = probabilities.grad_fn
    while node is not None:
        name = node.name().rstrip("0123456789").removesuffix("Backward")
        if name == "Sigmoid":
            return True
        if name not in _VIEWS:
            return False
        node = node.next_functions[0][0]
    return not probabilities.requires_grad


def links_to_sigmoid(probabilities: Tensor) -> bool:
    """Whether the chain rule goes on into a sigmoid or softmax, whose slope may be 0.

    >>> links_to_sigmoid(torch.sigmoid(torch.zeros(1, requires_grad=True)))
    True
    """
    if torch.compiler.is_compiling():  # the graph cannot be asked there: it may
        return True
    if reason_not_plain(probabilities) is not None:
        return False
    for t in (probabilities, probabilities._base):
        if t is not None and t.grad_fn is not None:
            name = t.grad_fn.name()
            if name.startswith(("SigmoidBackward", "SoftmaxBackward")):
                return True
    return False


def _versions(logits: Tensor, probabilities: Tensor) -> tuple[int, int]:
    """How often each was written to; a trace, where that cannot be read, starts at 0."""
    if torch.compiler.is_compiling():
        return 0, 0
    return logits._version, probabilities._version


def _noted(t: Tensor) -> Tensor | None:
    note = getattr(t, _NOTE, None)
    if note is None:
        return None
    logits: Tensor = note.logits
    if _versions(logits, t) != note.versions or logits.requires_grad != t.requires_grad:
        return None  # written to since; or made without a graph and asked for one
    if torch.compiler.is_compiling() or not t.requires_grad:
        return logits if _explains(logits, t) else None
    # A hook of a module puts a node of its own behind the sigmoid's.
    own = t.grad_fn is not None and t.grad_fn.name() == "SigmoidBackward0"
    return logits if own and _explains(logits, t) else None


def _explains(logits: Tensor, t: Tensor) -> bool:
    """Whether the numbers still fit: a write through ``.data`` or numpy leaves no other trace."""
    if t.device.type != "cpu" or reason_not_plain(t, logits) is not None:
        return True
    return torch.equal(torch.sigmoid(logits.detach()), t.detach())


def _leaf_logits(t: Tensor) -> Tensor | None:
    """Logits that are a leaf, under torch's own sigmoid: the graph still knows them."""
    if t.grad_fn is None or t.grad_fn.name() != "SigmoidBackward0":
        return None
    leaf: Tensor | None = getattr(t.grad_fn.next_functions[0][0], "variable", None)
    if leaf is None or leaf.shape != t.shape or leaf.dtype != t.dtype:
        return None
    # The leaf may have been stepped since; only an unchanged one explains these numbers.
    return leaf if torch.equal(torch.sigmoid(leaf.detach()), t.detach()) else None


def _same_view(logits: Tensor, base: Tensor, view: Tensor) -> Tensor | None:
    """The part of the logits that a view shows of their sigmoid."""
    if view.dtype != base.dtype:
        return None
    if logits.stride() != base.stride():
        if not base.is_contiguous():
            return None
        logits = logits.contiguous()
    offset = view.storage_offset() - base.storage_offset() + logits.storage_offset()
    return logits.as_strided(view.shape, view.stride(), offset)
