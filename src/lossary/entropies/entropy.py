"""What an entropy is: a convex function, its conjugate, and the prediction they make."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import ShapeError, teach
from lossary.entropies._alike import check_alike
from lossary.entropies._checks import check_dim, check_tensor
from lossary.entropies._numerics import leads, picked
from lossary.entropies._sums import check_distribution


@dataclass(frozen=True)
class Entropy(ABC):
    r"""A convex function :math:`\Omega`: the negative of an entropy, written as an object.

    .. math:: \Omega^*(\theta) = \sup_\mu \langle\theta, \mu\rangle - \Omega(\mu), \qquad
       \hat y(\theta) = \nabla\Omega^*(\theta), \qquad
       L(\theta; y) = \Omega^*(\theta) + \Omega(y) - \langle\theta, y\rangle \ge 0

    Sign: ``value`` is :math:`\Omega`, so it is lowest where one is least sure; the entropy in
    the everyday sense is ``-value``. ``predict`` turns scores into predictions; the gap
    ``L`` is :func:`~lossary.entropies.fenchel_young_loss`, whose gradient is the prediction
    minus the target. Everything is in nats where a logarithm is involved.

    Subclasses write the mathematics on wide tensors whose outcomes lie in the last dimension
    (or on single entries, if they are :class:`Elementwise`).

    Reference: Blondel, Martins & Niculae (2020), Learning with Fenchel-Young losses,
    JMLR 21(35), arXiv 1901.02324.
    """

    def value(self, y: Tensor) -> Tensor:
        """Omega itself: one number per distribution, or per entry if elementwise."""
        check_tensor(f"{self}.value", "y", y)
        self._check_target(f"{self}.value", "y", y)
        return self._value(self._outcomes_last(y)).to(autocast_dtype(y))

    def conjugate(self, theta: Tensor) -> Tensor:
        """Omega's conjugate: the best score minus Omega that any prediction can reach."""
        self._check_scores(f"{self}.conjugate", theta)
        return self._conjugate(self._outcomes_last(theta)).to(autocast_dtype(theta))

    def predict(self, theta: Tensor) -> Tensor:
        """The prediction that the scores make: the gradient of the conjugate."""
        self._check_scores(f"{self}.predict", theta)
        p = self._predict(self._outcomes_last(theta))
        return self._outcomes_back(p).to(autocast_dtype(theta))

    def link(self, y: Tensor) -> Tensor:
        """Scores that predict ``y``: the gradient of Omega, the inverse of ``predict``."""
        check_tensor(f"{self}.link", "y", y)
        self._check_target(f"{self}.link", "y", y)
        theta = self._link(self._outcomes_last(y))
        return self._outcomes_back(theta).to(autocast_dtype(y))

    def _check_scores(self, where: str, theta: Tensor) -> None:
        check_tensor(where, "theta", theta)
        self._check_outcomes(where, "theta", theta)

    def _outcomes_last(self, t: Tensor) -> Tensor:
        """In the dtype to compute in, outcomes in the last dimension."""
        return t.to(wide_dtype(t))

    def _outcomes_back(self, t: Tensor) -> Tensor:
        return t

    def _total(self, terms: Tensor) -> Tensor:
        """Terms per outcome as one number per item."""
        return terms

    def _spread(self, per_item: Tensor) -> Tensor:
        """One number per item, ready to multiply every outcome of its item."""
        return per_item

    def _composed(self, theta: Tensor, y: Tensor) -> Tensor:
        """The gap, whose own derivatives are prediction minus target."""
        return self._gap(theta, y)

    @abstractmethod
    def _check_outcomes(self, where: str, name: str, t: Tensor) -> None:
        """Refuse shapes (and scores) on which the entropy is not defined."""

    @abstractmethod
    def _check_target(self, where: str, name: str, y: Tensor) -> None:
        """Refuse targets outside the domain of Omega."""

    @abstractmethod
    def _value(self, y: Tensor) -> Tensor:
        """Omega."""

    @abstractmethod
    def _conjugate(self, theta: Tensor) -> Tensor:
        """Omega's conjugate."""

    @abstractmethod
    def _predict(self, theta: Tensor) -> Tensor:
        """The gradient of the conjugate."""

    @abstractmethod
    def _link(self, y: Tensor) -> Tensor:
        """The gradient of Omega."""

    @abstractmethod
    def _shifted(self, theta: Tensor) -> Tensor:
        """The scores, shifted by a constant per item to be the link of their prediction."""

    @abstractmethod
    def _residual(self, theta: Tensor, y: Tensor) -> Tensor:
        """Prediction minus target, in a form that cancels nothing in saturation."""

    @abstractmethod
    def _gap(self, theta: Tensor, y: Tensor) -> Tensor:
        """The Fenchel-Young loss in a form that is never negative."""

    @abstractmethod
    def _divergence(self, y: Tensor, p: Tensor) -> Tensor:
        """The Bregman divergence in a form that is never negative."""


@dataclass(frozen=True)
class Elementwise(Entropy):
    """An entropy of single numbers: every entry of a tensor is an item of its own."""

    def _check_outcomes(self, where: str, name: str, t: Tensor) -> None:
        """Any shape will do."""

    def _shifted(self, theta: Tensor) -> Tensor:
        return theta


@dataclass(frozen=True)
class OnSimplex(Entropy):
    """An entropy of distributions over the outcomes along ``dim``."""

    dim: int = field(default=-1, kw_only=True)

    def _check_outcomes(self, where: str, name: str, t: Tensor) -> None:
        check_dim(where, name, t, self.dim)

    def _check_target(self, where: str, name: str, y: Tensor) -> None:
        check_dim(where, name, y, self.dim)
        check_distribution(where, name, y, self.dim)

    def _outcomes_last(self, t: Tensor) -> Tensor:
        return t.to(wide_dtype(t)).movedim(self.dim, -1)

    def _outcomes_back(self, t: Tensor) -> Tensor:
        return t.movedim(-1, self.dim)

    def _total(self, terms: Tensor) -> Tensor:
        return terms.sum(-1)

    def _composed(self, theta: Tensor, y: Tensor) -> Tensor:
        # The gap does not change when all scores are shifted, so its gradient sums to 0; that of
        # the rule sums to what rounding leaves of 1 - sum y, and is completed without a value.
        top = leads(theta)
        level = (picked(theta, top) - picked(self._shifted(theta), top)).squeeze(-1)
        return self._gap(theta, y) + (1 - y.sum(-1)).detach() * (level - level.detach())

    def _spread(self, per_item: Tensor) -> Tensor:
        return per_item.unsqueeze(-1)


def wide_pair(entropy: Entropy, where: str, **pair: Tensor) -> tuple[Tensor, Tensor, torch.dtype]:
    """Two tensors, checked against each other, wide, outcomes last; and the dtype to answer in."""
    (first_name, first), (second_name, second) = pair.items()
    check_tensor(where, first_name, first)
    on_last = False
    if isinstance(entropy, OnSimplex):
        check_dim(where, first_name, first, entropy.dim)
        on_last = entropy.dim in (-1, first.dim() - 1)
    if isinstance(second, Tensor) and not (second.is_floating_point() or second.is_complex()):
        if isinstance(entropy, OnSimplex) and second.dim() == first.dim() - 1:
            raise _class_indices(where, entropy.dim, **pair)
        # Counts and one-hot rows of integers are exact: nothing is lost by reading them.
        second = second.to(first.dtype)
    check_tensor(where, second_name, second)
    check_alike(where, on_last, **{first_name: first, second_name: second})
    dtype = torch.promote_types(autocast_dtype(first), autocast_dtype(second))
    a, b = (entropy._outcomes_last(t.to(dtype)) for t in (first, second))
    return a, b, dtype


def _class_indices(where: str, dim: int, **pair: Tensor) -> ShapeError:
    (name, t), (other, index) = pair.items()
    came = f"got {name} of shape {tuple(t.shape)} and {other}, integers of shape"
    came += f" {tuple(index.shape)}"
    cause = f"class indices where distributions belong; {other} needs a probability per class"
    fix = f"torch.nn.functional.one_hot({other}, {t.shape[dim]})"
    fix += "" if dim in (-1, t.dim() - 1) else f".movedim(-1, {dim})"
    return ShapeError(teach(where, came, "equal shapes", cause, fix))
