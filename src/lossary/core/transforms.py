"""What surrounds a call: eager, compiled, inside a function transform, on fake tensors."""

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

NO_MEMORY = "the tensor has no memory of its own"


def reason_not_plain(*tensors: Tensor | None) -> str | None:
    """Why these tensors must go through the composed formula; None if they are plain eager.

    A plain call is one in which values can be read and an autograd function of our own
    sees ordinary tensors. Everything else (``torch.compile``, ``torch.func``, forward-mode
    differentiation, tracing, subclasses, meta and fake tensors) takes the formula, which is
    made of torch operations only and so inherits every transform.

    >>> reason_not_plain(torch.zeros(2)) is None
    True
    """
    if torch.compiler.is_compiling():
        return "torch.compile traces the formula"
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "a torch.func transform is active"
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation is active"
    if torch._C._is_tracing():
        return "torch.jit is tracing"
    if torch._C._len_torch_dispatch_stack():
        return "a torch dispatch mode is active"
    for t in tensors:
        if t is None:
            continue
        if type(t) is not Tensor and type(t) is not torch.nn.Parameter:
            return f"{type(t).__name__} is a tensor subclass"
        if is_traceable_wrapper_subclass(t) or t.is_meta or t.is_sparse or t.is_mkldnn:
            return "the tensor holds no dense values"
        if not has_memory(t):
            return NO_MEMORY
    return None


def has_memory(t: Tensor) -> bool:
    """Whether there is memory behind a tensor's numbers.

    There is none behind the zeros that torch's autograd makes up, and behind a tensor whose
    storage was given back, as sharding does: torch answers for the first and refuses the second.

    >>> has_memory(torch.zeros(2)), has_memory(torch._efficientzerotensor(2))
    (True, False)
    """
    # What hides a batch of tensors has no storage at all, and no address to ask for.
    return not t.numel() or (torch._C._has_storage(t) and t.data_ptr() != 0)
