"""Logits remembered beside a sigmoid's output, so that a loss on it loses nothing.

In float32 ``sigmoid(20)`` is 1: the logit cannot be read back from the probability, and a
binary cross-entropy of it is 100 in torch where the truth is 20, with gradient 0 where the
truth is 1. :func:`sigmoid` notes its logits on its output; views of the output find them too.
"""

import torch
from torch import Tensor

from lossary.core.transforms import reason_not_plain

_NOTE = "_lossary_logits"


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
    if output.dtype == input.dtype:
        setattr(output, _NOTE, (input, *_versions(input, output)))
    return output


class Sigmoid(torch.nn.Sigmoid):
    """Module of :func:`sigmoid`.

    >>> Sigmoid()(torch.tensor([0.0]))
    tensor([0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """See :func:`sigmoid`."""
        return sigmoid(input)


def logits_of(probabilities: Tensor) -> Tensor | None:
    """The logits whose sigmoid these probabilities are, connected to the graph; or None.

    Not used where the caller watches the probabilities' own gradient.

    >>> logits_of(sigmoid(torch.tensor([[20.0]])).squeeze(1))
    tensor([20.])
    """
    if _is_watched(probabilities):
        return None
    noted = _noted(probabilities)
    if noted is not None:
        return noted
    if reason_not_plain(probabilities) is not None and not torch.compiler.is_compiling():
        return None
    base = probabilities._base
    if base is None or _is_watched(base):
        return _leaf_logits(probabilities)
    logits = _noted(base)
    if logits is None:
        logits = _leaf_logits(base)
    return None if logits is None else _same_view(logits, base, probabilities)


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


def _is_watched(t: Tensor) -> bool:
    if torch.compiler.is_compiling():  # hooks are outside what is traced
        return False
    return bool(t.retains_grad) or bool(t._backward_hooks)


def _versions(logits: Tensor, probabilities: Tensor) -> tuple[int, int]:
    """How often each was written to; a trace, where that cannot be read, starts at 0."""
    if torch.compiler.is_compiling():
        return 0, 0
    return logits._version, probabilities._version


def _noted(t: Tensor) -> Tensor | None:
    note = getattr(t, _NOTE, None)
    if note is None:
        return None
    logits: Tensor
    logits, logits_version, own_version = note
    current = _versions(logits, t) == (logits_version, own_version)
    # Made without a graph but asked for one, or the reverse: the note is of another time.
    return logits if current and logits.requires_grad == t.requires_grad else None


def _leaf_logits(t: Tensor) -> Tensor | None:
    """Logits that are a leaf, under torch's own sigmoid: the graph still knows them."""
    if torch.compiler.is_compiling():
        return None
    if t.grad_fn is None or t.grad_fn.name() != "SigmoidBackward0":
        return None
    leaf: Tensor | None = getattr(t.grad_fn.next_functions[0][0], "variable", None)
    if leaf is None or leaf.shape != t.shape or leaf.dtype != t.dtype:
        return None
    # The leaf may have been stepped since; only an unchanged one explains these numbers.
    return leaf if torch.equal(torch.sigmoid(leaf.detach()), t.detach()) else None


def _same_view(logits: Tensor, base: Tensor, view: Tensor) -> Tensor | None:
    """The part of the logits that a view shows of their sigmoid."""
    if logits.stride() != base.stride() or view.dtype != base.dtype:
        return None
    offset = view.storage_offset() - base.storage_offset() + logits.storage_offset()
    return logits.as_strided(view.shape, view.stride(), offset)
