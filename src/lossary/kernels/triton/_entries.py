"""Kernels of single entries: what they take, and in which blocks."""

from torch import Tensor

from lossary.kernels.triton._launch import FLOATS

# Eight entries a thread: 16 bytes of half precision.
BLOCK, WARPS = 1024, 4


def why_no_entries(tensors: tuple[Tensor, ...]) -> str | None:
    """Why tensors cannot be read entry by entry, side by side; None if they can."""
    for t in tensors:
        if t.dtype not in FLOATS:
            return f"{t.dtype} takes the formula"
        if not t.is_contiguous():
            return "the tensors are not contiguous"
    return None if tensors[0].numel() else "there are no entries"
