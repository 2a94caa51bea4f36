"""Two tensors that belong together: on one device, and of one shape."""

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import DeviceError, ShapeError, teach

EXPECTED = "equal shapes: one belongs to one, nothing is broadcast silently"


def check_alike(where: str, outcomes: bool, **pair: Tensor) -> None:
    """Refuse a pair on two devices or of two shapes; ``outcomes`` says the last holds those."""
    (name, a), (other, b) = pair.items()
    if a.device != b.device and a.dim() and b.dim():
        came = f"got {name} on {a.device} and {other} on {b.device}"
        fix = f"{other}.to({name}.device)"
        raise DeviceError(teach(where, came, "one device", "one of the two was not moved", fix))
    if a.shape != b.shape:
        torch_says = checks.broadcast_refusal(a, b)
        came = f"got {name} of shape {checks.shape(a)} and {other} of shape {checks.shape(b)}"
        came += f". {torch_says}" if torch_says else ""
        raise ShapeError(teach(where, came, EXPECTED, *_why(name, a, other, b, outcomes)))


def _why(name: str, a: Tensor, other: str, b: Tensor, outcomes: bool) -> tuple[str, str]:
    if _squeezed(a) == _squeezed(b):
        return "the same numbers in another shape", f"{other}.reshape({name}.shape)"
    if outcomes and _last(a) != _last(b):
        if a.dim() == 2 and a.mT.shape == b.shape:
            return "one of the two is transposed", f"{other}.mT"
        cause = f"{_last(a)} outcomes against {_last(b)}"
        return cause, f"give {name} and {other} the same outcomes: 0 for one that cannot happen"
    whole = _broadcast(a, b)
    if whole is None:
        return (
            "two batches of different sizes",
            f"print({name}.shape, {other}.shape) where each is made",
        )
    if whole == a.shape:
        return f"one {other} for many {name}", f"{other}.expand_as({name})"
    if whole == b.shape:
        return f"one {name} for many {other}", f"{name}.expand_as({other})"
    return f"every {name} with every {other}", f"torch.broadcast_tensors({name}, {other})"


def _last(t: Tensor) -> int:
    return t.shape[-1] if t.dim() else 1


def _squeezed(t: Tensor) -> list[int]:
    return [n for n in t.shape if n != 1]


def _broadcast(a: Tensor, b: Tensor) -> torch.Size | None:
    try:
        return torch.Size(torch.broadcast_shapes(a.shape, b.shape))
    except RuntimeError:
        return None
