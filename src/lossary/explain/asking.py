"""Which loss is meant, and with which settings: a module, a function or a name of either."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lossary import functional
from lossary.core.errors import OptionError, teach
from lossary.core.reduction import check_reduction, legacy_reduction

Loss = torch.nn.Module | Callable[..., Any] | str

# What a function takes beside its settings, and torch's words for a reduction of long ago.
_NOT_SETTINGS = ("input", "target", "size_average", "reduce", "options", "linear_weight")
_LAYER = ("linear_weight", "linear_bias")


@dataclass(frozen=True)
class Asked:
    """A loss by its functional name, and the settings that it was asked with.

    >>> asked("mse_loss", reduction="sum").settings["reduction"]
    'sum'
    """

    name: str
    settings: dict[str, Any]

    @property
    def reduction(self) -> str:
        """How the loss joins its items."""
        return str(self.settings["reduction"])

    def call(self, prediction: Tensor, target: Tensor) -> Tensor:
        """The loss itself, as Lossary computes it."""
        found: Tensor = getattr(functional, self.name)(prediction, target, **self.settings)
        return found


def asked(loss: Loss, **more: Any) -> Asked:
    """The loss that is meant; ``more`` are settings of the call, and go before a module's own.

    >>> asked(torch.nn.CrossEntropyLoss(label_smoothing=0.1)).settings["label_smoothing"]
    0.1
    >>> asked(torch.nn.functional.huber_loss, delta=2.0).name, asked("KLDivLoss").name
    ('huber_loss', 'kl_div')
    """
    own: dict[str, Any] = {}
    while isinstance(loss, functools.partial):
        own = {**loss.keywords, **own}
        loss = loss.func
    name = _name_of(loss)
    settings = _defaults(name)
    if isinstance(loss, torch.nn.Module):
        settings |= {key: getattr(loss, key) for key in settings if hasattr(loss, key)}
        settings |= _layer(loss)
    given = {**own, **{key: value for key, value in more.items() if value is not None}}
    old = given.pop("size_average", None), given.pop("reduce", None)
    _refuse_unknown(name, given, settings)
    settings |= given
    settings["reduction"] = legacy_reduction(*old, settings["reduction"])
    allowed = ("none", "mean", "sum", *(("batchmean",) if name == "kl_div" else ()))
    check_reduction("explain", settings["reduction"], allowed)
    return Asked(name, settings)


def _name_of(loss: object) -> str:
    from lossary.explain.kinds import names

    known = names()
    if isinstance(loss, str):
        plain = _plain(loss)
        found = next((name for name in known if plain in _spellings(name)), None)
    elif isinstance(loss, torch.nn.Module):
        found = next((name for name in known if _is_module_of(name, loss)), None)
    else:
        found = getattr(loss, "__name__", None)
        found = found if found in known else None
    if found is not None:
        return found
    shown = repr(loss) if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
    raise OptionError(
        teach(
            "explain",
            f"got the loss {shown}",
            "one of " + ", ".join(known) + ", or its module",
            "a loss of one's own, or one that has no explanation yet",
            'name what it computes: explain("cross_entropy", prediction, target)',
        )
    )


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").removesuffix("loss")


def _spellings(name: str) -> set[str]:
    return {_plain(name), _plain(_CLASSES[name])}


_CLASSES = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "linear_cross_entropy": "LinearCrossEntropyLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
    "kl_div": "KLDivLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
}


def _is_module_of(name: str, loss: torch.nn.Module) -> bool:
    # A loss derived from torch's may compute anything: its forward must be torch's or ours.
    kind = next((k for k in type(loss).__mro__ if k.__name__ == _CLASSES[name]), None)
    if kind is None or not kind.__module__.startswith(("torch.nn", "lossary")):
        return False
    return "forward" not in {n for k in _before(type(loss), kind) for n in vars(k)}


def _before(derived: type, kind: type) -> list[type]:
    order = derived.__mro__
    return list(order[: order.index(kind)])


def _defaults(name: str) -> dict[str, Any]:
    parameters = inspect.signature(getattr(functional, name)).parameters.values()
    return {p.name: p.default for p in parameters if p.name not in _NOT_SETTINGS}


def _layer(loss: torch.nn.Module) -> dict[str, Tensor | None]:
    linear = getattr(loss, "linear", None)
    if not isinstance(linear, torch.nn.Linear):
        return {}
    return {"linear_weight": linear.weight, "linear_bias": linear.bias}


def _refuse_unknown(name: str, given: dict[str, Any], settings: dict[str, Any]) -> None:
    takes = {*settings, *(_LAYER if name == "linear_cross_entropy" else ())}
    unknown = [key for key in given if key not in takes]
    if unknown:
        came = f"{name} has no setting {unknown[0]!r}"
        raise OptionError(teach("explain", came, "one of " + ", ".join(sorted(takes))))
