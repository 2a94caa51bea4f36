"""Measures of distributions, from the surprise of one event to divergences of two beliefs.

Distributions are given as plain tensors of probabilities, or as ``Probs``, ``LogProbs`` or
``Logits`` in any mix. Answers are in nats; ``base=2`` gives bits. Wherever there are two
arguments, the first is the truth.
"""

from lossary.core.distributions import Distribution, Logits, LogProbs, Probs
from lossary.information.alpha_divergence import (
    alpha_divergence,
    chi_squared_divergence,
    hellinger_distance,
)
from lossary.information.bhattacharyya import bhattacharyya_distance
from lossary.information.cross_entropy import cross_entropy
from lossary.information.entropy import entropy, perplexity
from lossary.information.f_divergence import f_divergence
from lossary.information.jensen_shannon import jensen_shannon_divergence
from lossary.information.joint import conditional_entropy, mutual_information
from lossary.information.kl_divergence import kl_divergence
from lossary.information.kl_estimate import kl_estimate
from lossary.information.renyi import renyi_divergence, renyi_entropy
from lossary.information.self_information import self_information
from lossary.information.total_variation import total_variation_distance
from lossary.information.tsallis_entropy import tsallis_entropy

__all__ = [
    "Distribution",
    "LogProbs",
    "Logits",
    "Probs",
    "alpha_divergence",
    "bhattacharyya_distance",
    "chi_squared_divergence",
    "conditional_entropy",
    "cross_entropy",
    "entropy",
    "f_divergence",
    "hellinger_distance",
    "jensen_shannon_divergence",
    "kl_divergence",
    "kl_estimate",
    "mutual_information",
    "perplexity",
    "renyi_divergence",
    "renyi_entropy",
    "self_information",
    "total_variation_distance",
    "tsallis_entropy",
]
