"""The settings of linear cross-entropy that torch does not have: penalty, cap and divisor."""

import math
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.errors import DeviceError, DtypeError, OptionError, ShapeError, teach

SYMBOLS = (torch.SymInt, torch.SymFloat)
A_DIVISOR = "a finite number of 0 or more, such as the tokens of all accumulated batches"


def check_settings(where: str, z_loss: Any, softcap: Any) -> None:
    """Refuse a penalty or a cap that makes no sense."""
    expected = "a finite number of 0 or more, such as 1e-4"
    _check_number(where, "z_loss", z_loss, expected)
    if not 0 <= z_loss < math.inf:
        raise OptionError(teach(where, f"got z_loss={z_loss}", expected))
    if softcap is None:
        return
    expected = "a bound above 0, such as 30.0, or None for no cap"
    _check_number(where, "logit_softcap", softcap, expected)
    if not softcap > 0:
        cause = "a setting in which 0 stands for no cap" if softcap == 0 else ""
        fix = "logit_softcap=None" if softcap == 0 else ""
        raise OptionError(teach(where, f"got logit_softcap={softcap}", expected, cause, fix))


def check_module(where: str, weight: Tensor | None, classes: int, smoothing: float) -> None:
    """Refuse, in torch's words, what its module refuses when it is made."""
    if weight is not None and tuple(weight.shape) != (classes,):
        came = f"expected weight shape to be {(classes,)}, got {tuple(weight.shape)}"
        cause = "weights per example, or another number of classes"
        raise ShapeError(teach(where, came, "one weight per class", cause))
    if not 0 <= smoothing <= 1:
        came = f"expected label_smoothing to be in range [0, 1], got {smoothing}"
        raise OptionError(teach(where, came, "a share of the target's mass, such as 0.1"))


def _check_number(where: str, name: str, value: object, expected: str) -> None:
    if isinstance(value, (Real, *SYMBOLS)) and not isinstance(value, bool):
        return
    cause, fix = "", f"float({name})"
    if isinstance(value, str):
        cause = "a setting read from a file or a command line as text"
    elif isinstance(value, Tensor):
        cause, fix = "a setting kept as a tensor", f"{name}.item(), once, before the training"
    elif isinstance(value, bool):
        cause, fix = "a switch where a size belongs", ""
    elif value is None:
        cause, fix = "a setting that was left empty", f"leave out {name}"
    came = f"got {name}={value!r} of type {type(value).__name__}"
    raise DtypeError(teach(where, came, expected, cause, fix))


def effective_cap(softcap: float | None, dtype: torch.dtype) -> float | None:
    """The cap, if a score can feel it: far above all scores it only costs them their digits."""
    if softcap is None or softcap > torch.finfo(dtype).max ** 0.5:
        return None
    return float(softcap)


def checked_divisor(where: str, divisor: Any, reduction: str, like: Tensor) -> Tensor | float:
    """What a mean divides by, as one number; the values of tensors are read where that is free."""
    if reduction != "mean":
        came = f"got a divisor with reduction={reduction!r}"
        raise OptionError(teach(where, came, "reduction='mean', the only one that divides"))
    if isinstance(divisor, SYMBOLS):
        return divisor  # type: ignore[return-value]
    if isinstance(divisor, Tensor):
        return _one_number(where, divisor, like)
    _check_number(where, "divisor", divisor, A_DIVISOR)
    _check_divisor_value(where, divisor)
    return divisor  # type: ignore[no-any-return]


def _one_number(where: str, divisor: Tensor, like: Tensor) -> Tensor:
    if divisor.numel() != 1:
        came = f"got a divisor of shape {checks.shape(divisor)}"
        cause = "a count for each row or rank, not yet added up"
        raise ShapeError(teach(where, came, "a single number", cause, "divisor.sum()"))
    if divisor.dtype == torch.bool or divisor.is_complex():
        came = f"got a divisor of dtype {divisor.dtype}"
        cause = "a mask that was not counted"
        raise DtypeError(teach(where, came, "a real number", cause, "mask.sum()"))
    if divisor.requires_grad and torch.is_grad_enabled():
        came = "the derivative for 'divisor' is not implemented: it requires a gradient"
        cause = "a count made of what is trained"
        raise OptionError(teach(where, came, "a constant divisor", cause, "divisor.detach()"))
    if checks.readable(divisor):
        _check_divisor_value(where, divisor.item())
    if divisor.device != like.device and divisor.device.type != "cpu":
        came = f"got a divisor on {divisor.device} and input on {like.device}"
        fix = "divisor.to(input.device)"
        raise DeviceError(teach(where, came, "one device", "a count from another process", fix))
    # A single number of the CPU's is sent along without waiting for the device.
    return divisor.reshape(()).to(like.device, non_blocking=True)


def _check_divisor_value(where: str, value: Any) -> None:
    if not 0 <= value < math.inf:
        cause = "a count that overflowed its dtype" if math.isinf(value) else ""
        raise OptionError(teach(where, f"got divisor={value}", A_DIVISOR, cause))


def check_zero_divisor(where: str, divisor: Tensor | float, counted: Tensor | float) -> None:
    """Refuse to divide by 0 what is there; 0 by 0 is the mean over nothing, which is 0."""
    numbers = [t for t in (divisor, counted) if isinstance(t, Tensor)]
    if isinstance(divisor, SYMBOLS) or not checks.readable(*numbers):
        return
    if divisor == 0 and counted != 0:
        came = f"got divisor=0, though targets count (their weight is {float(counted):g})"
        expected = "what the mean divides by; 0 only where every target is ignored"
        cause = "a count that was not added up yet, or was reset too early"
        fix = "divisor=(target != ignore_index).sum(), over all batches of the step"
        raise OptionError(teach(where, came, expected, cause, fix))


def shown_settings(module: Any) -> str:
    """A module's settings that are not its layer's, in the order of the constructor."""
    weight = module.weight
    shown = [f"num_classes={module.num_classes}"]
    shown += [] if weight is None else [f"weight=<{weight.numel()} weights>"]
    for name in ("reduction", "ignore_index", "label_smoothing", "z_loss", "logit_softcap"):
        value = getattr(module, name)
        shown += [] if value is None else [f"{name}={value!r}"]
    return ", ".join(shown)
