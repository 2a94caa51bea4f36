"""Oracles: every loss as its textbook formula in arbitrary precision, never the code under test.

Each oracle takes the tensors of a call, in order, and its options, and returns an
:class:`~tests.oracles.answer.Answer`. It differentiates the formula with respect to every
floating tensor of the call.
"""

from tests.oracles.answer import Answer
from tests.oracles.classification import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    linear_cross_entropy,
    nll_loss,
)
from tests.oracles.margins import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from tests.oracles.regression import (
    gaussian_nll_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
)
from tests.oracles.sequences import ctc_loss

ORACLES = {
    f.__name__: f
    for f in (
        cross_entropy,
        nll_loss,
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        kl_div,
        mse_loss,
        l1_loss,
        smooth_l1_loss,
        huber_loss,
        poisson_nll_loss,
        gaussian_nll_loss,
        soft_margin_loss,
        multilabel_soft_margin_loss,
        multilabel_margin_loss,
        multi_margin_loss,
        hinge_embedding_loss,
        margin_ranking_loss,
        cosine_embedding_loss,
        triplet_margin_loss,
        triplet_margin_with_distance_loss,
        ctc_loss,
        linear_cross_entropy,
    )
}

__all__ = ["ORACLES", "Answer"]
