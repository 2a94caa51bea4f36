"""Which way a call runs, and why: the call itself is asked."""

from collections.abc import Callable
from typing import Any

from lossary.core.errors import DtypeError, teach
from lossary.kernels.select import Choice, recording


def explain_choice(loss: Callable[..., Any], *arguments: Any, **options: Any) -> list[Choice]:
    """Make a call, and tell how each formula in it ran, with the reason.

    The path is ``"fused"`` (compiled loops that keep next to nothing), ``"blocks"`` (torch
    operations on blocks that stay in cache), ``"once"`` (a small tensor whole, its slope kept: by
    torch operations in the first four calls of a loss, from the fifth on in one compiled call),
    ``"formula"`` (torch operations that every transform of torch differentiates) or ``"triton"``
    (kernels for a GPU). The list is empty where the loss is torch's own. The environment variable
    ``LOSSARY_KERNELS`` (``fused``, ``blocks`` or ``formula``) caps what may run; empty, it counts
    as unset. The logger ``lossary.kernels`` says every choice at debug level.

    On CUDA tensors the Triton kernels run wherever they serve a call; they need Triton, which
    torch for CUDA brings on Linux, or ``pip install "lossary[gpu]"``. ``LOSSARY_KERNELS=triton``
    asks for them on a CPU too, in Triton's interpreter (``TRITON_INTERPRET=1``, set before Triton
    is imported). What they do not serve goes the way it would go without them, and the reason
    says so.

    >>> import torch, lossary.functional
    >>> x, y = torch.zeros(2, 3), torch.tensor([0, 1])
    >>> [choice.path for choice in explain_choice(lossary.functional.cross_entropy, x, y)]
    ['once']
    """
    if not callable(loss):
        came = f"got a loss of type {type(loss).__name__}"
        cause = "the answer of a call in place of the function and its arguments"
        fix = "explain_choice(cross_entropy, input, target)"
        raise DtypeError(teach("explain_choice", came, "a loss to call", cause, fix))
    with recording() as choices:
        loss(*arguments, **options)
    return choices
