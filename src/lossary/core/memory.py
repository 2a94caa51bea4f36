"""Refuse a tensor whose memory was given back: most of torch's operations would crash on it."""

import torch
from torch import Tensor

from lossary.core.errors import DeviceError, teach
from lossary.core.transforms import NO_MEMORY, has_memory, reason_not_plain


def check_memory(where: str, name: str, t: Tensor) -> None:
    """Refuse a tensor that has numbers by its shape, and none in fact.

    >>> import torch
    >>> check_memory("mse_loss", "input", torch.zeros(2))
    """
    # Nearly every call ends here: what may stand around a call is asked only of what has none.
    if torch.compiler.is_compiling() or (type(t) is Tensor and has_memory(t)):
        return
    # The zeros that torch's autograd makes up have no memory either, and are understood.
    if reason_not_plain(t) != NO_MEMORY or t._is_zerotensor():
        return
    came = (
        f"got {name} of shape {tuple(t.shape)} whose storage was given back (The tensor has a"
        " non-zero number of elements, but its data is not allocated yet)"
    )
    cause = "a sharded parameter outside its module's forward, or untyped_storage().resize_(0)"
    fix = "call the loss while the parameters are gathered"
    raise DeviceError(teach(where, came, "numbers in memory", cause, fix))
