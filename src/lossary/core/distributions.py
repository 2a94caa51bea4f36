"""How a caller says what a tensor holds: probabilities, log-probabilities or logits."""

from dataclasses import dataclass

import torch
from torch import Tensor

from lossary.core.errors import DtypeError, teach

# No equality by fields: that of tensors is a tensor, which has no truth value.


@dataclass(frozen=True, eq=False)
class Probs:
    """Probabilities along ``dim``: non-negative, summing to 1.

    >>> import torch
    >>> Probs(torch.tensor([0.25, 0.75])).dim
    -1
    """

    tensor: Tensor
    dim: int = -1

    def __post_init__(self) -> None:
        """Refuse what is no tensor here, where the caller can see it."""
        check_is_tensor("Probs", "x", self.tensor)


@dataclass(frozen=True, eq=False)
class LogProbs:
    """Natural logarithms of probabilities along ``dim``; ``-inf`` is a probability of 0.

    >>> import torch
    >>> LogProbs(torch.tensor([0.0, float("-inf")])).dim
    -1
    """

    tensor: Tensor
    dim: int = -1

    def __post_init__(self) -> None:
        """Refuse what is no tensor here, where the caller can see it."""
        check_is_tensor("LogProbs", "x", self.tensor)


@dataclass(frozen=True, eq=False)
class Logits:
    """Unnormalised scores along ``dim``: softmax makes them probabilities; ``-inf`` masks.

    >>> import torch
    >>> Logits(torch.zeros(3)).dim
    -1
    """

    tensor: Tensor
    dim: int = -1

    def __post_init__(self) -> None:
        """Refuse what is no tensor here, where the caller can see it."""
        check_is_tensor("Logits", "x", self.tensor)


Distribution = Tensor | Probs | LogProbs | Logits


def check_is_tensor(where: str, name: str, given: object) -> None:
    """Refuse what is no tensor, and say how to make one of it.

    >>> check_is_tensor("entropy", "p", torch.zeros(2))
    """
    if isinstance(given, Tensor):
        return
    came = f"got {name} of type {type(given).__name__}"
    raise DtypeError(teach(where, came, "a tensor", *_cause_and_fix(name, given)))


def _cause_and_fix(name: str, given: object) -> tuple[str, str]:
    if isinstance(given, (Probs, LogProbs, Logits)):
        return "a wrapper where the tensor itself belongs", _unwrapped(name, given)
    if isinstance(given, torch.distributions.Categorical):
        return "an object of torch.distributions", f"{name}.probs, or {name}.logits as Logits"
    if type(given).__module__ == "numpy" and type(given).__name__ == "ndarray":
        return "an array that was not made a tensor", f"torch.from_numpy({name})"
    return "numbers that were not made a tensor", f"torch.tensor({name})"


def _unwrapped(name: str, given: Probs | LogProbs | Logits) -> str:
    if isinstance(given, Probs):
        return f"{name}.tensor"
    if isinstance(given, LogProbs):
        return f"{name}.tensor for log-probabilities, {name}.tensor.exp() for probabilities"
    return f"{name}.tensor for scores, {name}.tensor.softmax({given.dim}) for probabilities"
