"""The Bregman divergence of any entropy: the gap between it and its tangent."""

from torch import Tensor

from lossary.entropies._instance import check_entropy
from lossary.entropies.entropy import Entropy, wide_pair

WHERE = "bregman_divergence"


def bregman_divergence(entropy: Entropy, y: Tensor, p: Tensor) -> Tensor:
    r"""What is lost, in the entropy's own terms, by predicting ``p`` where the truth is ``y``.

    .. math:: B_\Omega(y \,\|\, p) = \Omega(y) - \Omega(p)
       - \langle\nabla\Omega(p), y - p\rangle \ge 0

    Both arguments are predictions (probabilities, rates), never scores; the truth comes first.
    Where the entropy's link does not clip, it equals the Fenchel-Young loss of the scores that
    predict ``p``; for sparsemax and entmax it is a lower bound. For Shannon and Poisson the
    derivatives are those of :math:`\sum y\log(y/p) - y + p`, which agree with the textbook's
    along the simplex.

    Shape: ``y`` and ``p`` equal; one value per entry, or per distribution along
    ``entropy.dim``.
    Dtype: floating; computed wider and rounded once to the promoted dtype.
    Units: nats where the entropy has a logarithm.
    Raises: ShapeError, DtypeError, DeviceError, DomainError.
    Reference: Bregman (1967); Banerjee et al. (2005), Clustering with Bregman divergences,
    JMLR 6.

    >>> import torch
    >>> from lossary.entropies import Squared
    >>> bregman_divergence(Squared(), torch.tensor([1.0]), torch.tensor([3.0]))
    tensor([2.])
    """
    check_entropy(WHERE, entropy, "(entropy, y, p)")
    guess, truth, dtype = wide_pair(entropy, WHERE, p=p, y=y)
    entropy._check_target(WHERE, "y", y if y.is_floating_point() else y.to(p.dtype))
    entropy._check_target(WHERE, "p", p)
    return entropy._divergence(truth, guess).to(dtype)
