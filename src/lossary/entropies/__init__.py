"""Entropies as objects, their links, and the losses and divergences that they make.

One idea runs through all of them: choose an entropy; its conjugate gives the link (sigmoid,
softmax, identity, sparsemax); the gap between the two is the loss; the loss's gradient is the
prediction minus the target.
"""

from lossary.entropies.bernoulli import Bernoulli
from lossary.entropies.bregman import bregman_divergence
from lossary.entropies.burg import Burg
from lossary.entropies.entmax import entmax
from lossary.entropies.entropy import Entropy
from lossary.entropies.fenchel_young import fenchel_young_loss
from lossary.entropies.poisson import Poisson
from lossary.entropies.shannon import Shannon
from lossary.entropies.sparsemax import entmax15, sparsemax
from lossary.entropies.squared import Squared
from lossary.entropies.tsallis import Tsallis

__all__ = [
    "Bernoulli",
    "Burg",
    "Entropy",
    "Poisson",
    "Shannon",
    "Squared",
    "Tsallis",
    "bregman_divergence",
    "entmax",
    "entmax15",
    "fenchel_young_loss",
    "sparsemax",
]
