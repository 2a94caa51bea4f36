"""Checks at every door: shapes and dtypes always, values where reading them is cheap."""

from types import TracebackType

import torch
from torch import Tensor

from lossary.core.class_indices import refuse_wrong_indices
from lossary.core.errors import (
    DeviceError,
    DomainError,
    DtypeError,
    OptionError,
    ShapeError,
    teach,
)
from lossary.core.memory import check_memory
from lossary.core.transforms import reason_not_plain

CLASS_DTYPES = (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)
VALUE_CHECK_MODES = ("auto", "strict", "off")
_value_check_mode = "auto"


class value_checks:
    """Choose which checks read values; as a statement it holds from then on, as a ``with`` inside.

    ``"auto"`` (the default) reads values of plain CPU tensors: class indices, NaN in targets,
    probabilities outside [0, 1]. ``"strict"`` also reads tensors on other devices, which
    makes them synchronise, and asks that soft targets of a cross-entropy be distributions.
    ``"off"`` reads nothing. Shapes and dtypes are checked always.

    >>> with value_checks("off"):
    ...     value_check_mode()
    'off'
    """

    def __init__(self, mode: str) -> None:
        global _value_check_mode
        if mode not in VALUE_CHECK_MODES:
            came = f"mode {mode!r}"
            raise OptionError(teach("value_checks", came, f"one of {VALUE_CHECK_MODES}"))
        self._before = _value_check_mode
        _value_check_mode = mode

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        global _value_check_mode
        _value_check_mode = self._before


def value_check_mode() -> str:
    """The mode in force.

    >>> value_check_mode()
    'auto'
    """
    return _value_check_mode


def is_strict() -> bool:
    """Whether even distributions among the targets are checked."""
    return _value_check_mode == "strict"


def readable(*tensors: Tensor) -> bool:
    """Whether the values of these tensors may be read here without a surprise.

    >>> readable(torch.zeros(2))
    True
    """
    if _value_check_mode == "off" or reason_not_plain(*tensors) is not None:
        return False
    return _value_check_mode == "strict" or all(t.device.type == "cpu" for t in tensors)


def shape(t: Tensor) -> str:
    """A tensor's shape as people write it.

    >>> shape(torch.zeros(2, 3))
    '(2, 3)'
    """
    return str(tuple(t.shape))


def check_floating(where: str, name: str, t: Tensor) -> None:
    """Refuse integers where a prediction, or a target that is a probability, belongs."""
    check_tensor(where, name, t)
    if t.is_floating_point():
        return
    cause = "class indices or counts where a prediction belongs"
    fix = f"{name}.float(), or swap the arguments: (input, target)"
    if name == "target":
        cause, fix = "labels read as integers", "target.float()"
    expected = "a floating dtype (bfloat16, float16, float32 or float64)"
    raise DtypeError(teach(where, f"got {name} of dtype {t.dtype}", expected, cause, fix))


def check_tensor(where: str, name: str, t: object) -> None:
    """Refuse what is no tensor: a list, an array, None, another library's."""
    if isinstance(t, Tensor):
        check_memory(where, name, t)
        return
    kind = type(t).__name__
    wrapped = kind in ("Probs", "LogProbs", "Logits")
    cause, fix = "a list or an array", f"torch.as_tensor({name})"
    if t is None:
        cause, fix = "a function that returns nothing", f"print({name}) just before the loss"
    elif wrapped:
        cause, fix = "a measure's argument given to a loss", f"{name}.tensor"
    raise DtypeError(teach(where, f"got {name} of type {kind}", "a torch.Tensor", cause, fix))


def check_same_device(where: str, **tensors: Tensor | None) -> None:
    """Refuse what is no tensor, and tensors that live on different devices."""
    present = {name: t for name, t in tensors.items() if t is not None}
    for name, t in present.items():
        check_tensor(where, name, t)
    if len({t.device for t in present.values() if t.dim()}) > 1:
        came = ", ".join(f"{name} on {t.device}" for name, t in present.items())
        raise DeviceError(
            teach(
                where,
                f"expected all tensors to be on the same device, got {came}",
                "one device",
                "a batch or a weight that was not moved with the model",
                "tensor.to(input.device)",
            )
        )


def check_same_shape(where: str, torch_says: str = "", **tensors: Tensor) -> None:
    """Refuse unequal shapes, which torch would broadcast into a wrong number."""
    (name, first), *others = tensors.items()
    for other_name, other in others:
        if other.shape != first.shape:
            raise ShapeError(
                teach(
                    where,
                    f"got {name} of shape {shape(first)} and {other_name} of shape {shape(other)}"
                    + _sentence(torch_says or broadcast_refusal(first, other)),
                    "equal shapes; broadcasting here would average over pairs that do not belong",
                    _shape_cause(first, other),
                    _shape_fix(name, first, other_name, other),
                )
            )


def broadcast_refusal(a: Tensor, b: Tensor) -> str:
    """torch's own sentence for the same fault, so that a search for it finds this one."""
    for back in range(1, min(a.dim(), b.dim()) + 1):
        m, n = a.shape[-back], b.shape[-back]
        if m != n and m != 1 and n != 1:
            axis = max(a.dim(), b.dim()) - back
            return (
                f"The size of tensor a ({m}) must match the size of tensor b ({n})"
                f" at non-singleton dimension {axis}"
            )
    return ""


def _sentence(text: str) -> str:
    return f". {text}" if text else ""


def _shape_cause(a: Tensor, b: Tensor) -> str:
    if a.numel() == b.numel():
        return "the same numbers in another shape, such as a model's last dimension of 1"
    if a.dim() == b.dim() + 1:
        return "class scores against class indices, or a target that lost a dimension"
    return "predictions and targets of different batches or different layouts"


def _shape_fix(name: str, a: Tensor, other_name: str, b: Tensor) -> str:
    if a.numel() != b.numel():
        return "compare print(input.shape, target.shape) just before the loss"
    if a.dim() == b.dim() + 1 and a.shape[-1] == 1:
        return f"{name}.squeeze(-1), or {other_name}.unsqueeze(-1)"
    if b.dim() == a.dim() + 1 and b.shape[-1] == 1:
        return f"{other_name}.squeeze(-1), or {name}.unsqueeze(-1)"
    return f"{other_name}.view_as({name}), if their orders agree"


def check_class_dtype(where: str, target: Tensor) -> None:
    """Refuse class targets that are not integers."""
    if target.dtype not in CLASS_DTYPES:
        raise DtypeError(
            teach(
                where,
                f"got class targets of dtype {target.dtype} (expected target dtype to be Long or"
                " Byte; expected scalar type Long but found"
                f" {str(target.dtype).removeprefix('torch.').title()})",
                "class indices of an integer dtype (int8, uint8, int16, int32 or int64)",
                "targets read from a file as floats, or one-hot rows of another shape",
                "target.long()",
            )
        )


def check_class_indices(where: str, target: Tensor, classes: int, ignore_index: int) -> None:
    """Refuse an index that names no class, before anything is computed."""
    if not target.numel() or not readable(target):
        return
    low, high = (int(v) for v in target.aminmax())
    if 0 <= low and high < classes:
        return
    refuse_wrong_indices(where, target, classes, ignore_index)


def check_class_weight(where: str, weight: Tensor | None, classes: int) -> None:
    """Refuse a class weight of another length, or one that is to be learned."""
    if weight is not None and weight.requires_grad and torch.is_grad_enabled():
        came = "the derivative for 'weight' is not implemented: it requires a gradient"
        cause, fix = "a parameter passed as a class weight", "weight.detach()"
        raise OptionError(teach(where, came, "a constant weight", cause, fix))
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ShapeError(
            teach(
                where,
                f"weight tensor should be defined either for all {classes} classes or no classes"
                f" but got weight tensor of shape: {list(weight.shape)}",
                f"one weight per class: shape ({classes},)",
                "weights per example, or another number of classes",
                "for weights per example use reduction='none' and multiply",
            )
        )


def check_not_nan(where: str, target: Tensor, reduction: str) -> None:
    """Refuse a NaN among the targets of a reduced loss: it would make the whole loss NaN.

    With ``reduction='none'`` the caller may still mask the entry, so it passes.
    """
    if reduction == "none" or not target.is_floating_point() or not readable(target):
        return
    # The sum reads the target once; only a NaN (or inf - inf) makes a second look needed.
    if not bool(target.detach().sum().isnan()):
        return
    where_nan = target.isnan().flatten().nonzero()
    if where_nan.numel():
        raise DomainError(
            teach(
                where,
                f"got {where_nan.numel()} NaN in the target, the first at flat index"
                f" {int(where_nan[0])} of {target.numel()}",
                "a number for every target that is counted",
                "missing values read from a file",
                "drop those rows, or use reduction='none' and average over the rest",
            )
        )


def check_unit_interval(where: str, name: str, t: Tensor) -> None:
    """Refuse probabilities outside [0, 1], NaN included."""
    if not t.numel() or not readable(t):
        return
    low, high = t.detach().aminmax()
    if not (low >= 0 and high <= 1):
        raise DomainError(
            teach(
                where,
                f"all elements of {name} should be between 0 and 1,"
                f" got values from {float(low):.6g} to {float(high):.6g}",
                "probabilities",
                "logits passed where probabilities belong"
                if name == "input"
                else "targets coded as -1 and 1, or as class indices",
                "binary_cross_entropy_with_logits" if name == "input" else "(target + 1) / 2",
            )
        )
