"""The Fenchel-Young loss of any entropy, and the one gradient rule: prediction - target."""

from typing import Any

import torch
from torch import Tensor

from lossary.core.reduction import check_reduction, reduce
from lossary.entropies._instance import check_entropy
from lossary.entropies.entropy import Entropy, wide_pair

WHERE = "fenchel_young_loss"


def fenchel_young_loss(
    entropy: Entropy, theta: Tensor, y: Tensor, *, reduction: str = "mean"
) -> Tensor:
    r"""How far the prediction that scores make is from the target, in the entropy's own terms.

    .. math:: L(\theta; y) = \Omega^*(\theta) + \Omega(y) - \langle\theta, y\rangle \ge 0,
       \qquad \nabla_\theta L = \hat y(\theta) - y

    The target's own entropy is kept, so the loss is 0 exactly when the prediction is the
    target. :class:`~lossary.entropies.Squared` makes it half the squared error,
    :class:`~lossary.entropies.Bernoulli` binary cross-entropy minus the target's entropy,
    :class:`~lossary.entropies.Shannon` the KL divergence D(y || softmax(theta)),
    :class:`~lossary.entropies.Poisson` half the Poisson deviance. The gradient is the
    prediction minus the target, right in saturation too; a target of 0 sends back 0 where
    ``0 log 0`` has no finite slope.

    Shape: ``theta`` and ``y`` equal; the loss has one item per entry, or per distribution
    along ``entropy.dim``.
    Dtype: floating ``theta``; ``y`` floating or integer (counts, one-hot rows). Computed wider,
    rounded once to the promoted dtype.
    Units: nats where the entropy has a logarithm. ``mean`` divides by the number of items.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Blondel, Martins & Niculae (2020), Learning with Fenchel-Young losses,
    JMLR 21(35), arXiv 1901.02324.

    >>> from lossary.entropies import Shannon
    >>> fenchel_young_loss(Shannon(), torch.zeros(2), torch.tensor([1.0, 0.0]))
    tensor(0.6931)
    """
    check_reduction(WHERE, reduction)
    check_entropy(WHERE, entropy, "(entropy, theta, y)")
    entropy._check_scores(WHERE, theta)
    scores, target, dtype = wide_pair(entropy, WHERE, theta=theta, y=y)
    entropy._check_target(WHERE, "y", y if y.is_floating_point() else y.to(theta.dtype))
    if torch.compiler.is_compiling():
        # The tracer does not take the function below; here autograd finds the same rule.
        losses = entropy._composed(scores, target)
    else:
        losses = _FenchelYoung.apply(scores, target, entropy)  # type: ignore[no-untyped-call]
    return reduce(losses, reduction).to(dtype)


class _FenchelYoung(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(theta: Tensor, y: Tensor, entropy: Entropy) -> Tensor:
        return entropy._gap(theta, y)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Entropy], output: Tensor) -> None:
        theta, y, ctx.entropy = inputs
        ctx.save_for_backward(theta, y)
        ctx.save_for_forward(theta, y)

    @staticmethod
    def backward(ctx: Any, *upstreams: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        theta, y = ctx.saved_tensors
        upstream = ctx.entropy._spread(upstreams[0])
        by_theta = by_y = None
        if ctx.needs_input_grad[0]:
            by_theta = upstream * ctx.entropy._residual(theta, y)
        if ctx.needs_input_grad[1]:
            by_y = upstream * _target_slope(ctx.entropy, theta, y)
        return by_theta, by_y, None

    @staticmethod
    def jvp(ctx: Any, theta_dot: Tensor | None, y_dot: Tensor | None, _: None) -> Tensor:
        theta, y = ctx.saved_tensors
        moved = torch.zeros_like(theta)
        if theta_dot is not None:
            moved = moved + ctx.entropy._residual(theta, y) * theta_dot
        if y_dot is not None:
            moved = moved + _target_slope(ctx.entropy, theta, y) * y_dot
        return ctx.entropy._total(moved)  # type: ignore[no-any-return]


def _target_slope(entropy: Entropy, theta: Tensor, y: Tensor) -> Tensor:
    """``link(y)`` minus the shifted scores; 0 where 0 log 0 or a mask has no finite slope."""
    shifted = entropy._shifted(theta)
    with torch.no_grad():
        finite = (entropy._link(y) - shifted).isfinite()
    # One half lies in the domain of every entropy: the branch not taken stays finite.
    slope = entropy._link(torch.where(finite, y, 0.5)) - torch.where(finite, shifted, 0)
    return torch.where(finite, slope, 0)
