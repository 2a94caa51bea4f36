"""One table of all losses: who they are, what they eat, and which oracle knows the answer.

Every law, every planted fault and the certificate run over ``LOSSES``. A row is added here
and nowhere else.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tests import inputs
from tests.inputs import Tensors, rand
from tests.oracles.dual import absolute, total
from tests.rows import LOGIT_REGIMES, BothWays, Loss


def class_weight(rng: torch.Generator, tensors: Tensors) -> Tensor:
    """One weight per class, the first of them 0."""
    x = tensors[0]
    weight = rand(rng, x.shape[1] if x.dim() > 1 else x.shape[0]) + 0.25
    weight[0] = 0
    return weight.to(x.dtype)


def linear_class_weight(rng: torch.Generator, tensors: Tensors) -> Tensor:
    """One weight per class of a linear layer."""
    return (rand(rng, tensors[1].shape[0]) + 0.25).to(tensors[0].dtype)


def linear_bias(rng: torch.Generator, tensors: Tensors) -> Tensor:
    """A bias of a linear layer."""
    return rand(rng, *tensors[1].shape[:-1]).to(tensors[0].dtype)


def entry_weight(rng: torch.Generator, tensors: Tensors) -> Tensor:
    """One weight per entry."""
    return (rand(rng, *tensors[0].shape) + 0.25).to(tensors[0].dtype)


def last_weight(rng: torch.Generator, tensors: Tensors) -> Tensor:
    """One weight per entry of the last dimension."""
    return (rand(rng, tensors[0].shape[-1]) * 3 + 0.25).to(tensors[0].dtype)


def first_label(rng: torch.Generator, tensors: Tensors) -> int:
    """A class that occurs among the targets."""
    return int(tensors[1].reshape(-1)[0])


def _last_first_label(rng: torch.Generator, tensors: Tensors) -> int:
    return int(tensors[2].reshape(-1)[0])


SHAPES = ("spatial", "single")
MANHATTAN = BothWays(
    lambda a, b: (a - b).abs().sum(-1),
    lambda a, b: total(absolute(x - y) for x, y in zip(a, b, strict=True)),
)

LOSSES = (
    Loss(
        "cross_entropy",
        "CrossEntropyLoss",
        inputs.hard,
        ("input", "target"),
        (*LOGIT_REGIMES, "masked", *SHAPES),
        ({}, {"weight": class_weight}, {"ignore_index": first_label}),
        function_only=(),
    ),
    Loss(
        "cross_entropy[smoothed]",
        "CrossEntropyLoss",
        inputs.hard,
        ("input", "target"),
        (*LOGIT_REGIMES, *SHAPES),
        (
            {"label_smoothing": 0.1},
            {"label_smoothing": 1.0},
            {"label_smoothing": 0.3, "weight": class_weight, "ignore_index": first_label},
        ),
        function_only=(),
        cancels=("tiny", "zeros", "tied"),
    ),
    Loss(
        "cross_entropy[soft]",
        "CrossEntropyLoss",
        inputs.soft,
        ("input", "target"),
        (*LOGIT_REGIMES, *SHAPES),
        ({}, {"weight": class_weight}, {"label_smoothing": 0.2}),
        differentiable=(0, 1),
        function_only=(),
        domain="targets are probabilities",
        cancels=("optimum", "tiny"),
    ),
    Loss(
        "cross_entropy[soft masked]",
        "CrossEntropyLoss",
        lambda rng, regime, dtype: inputs.soft(rng, "masked", dtype),
        ("input", "target"),
        ("masked",),
        ({}, {"weight": class_weight}),
        function_only=(),
        smooth=False,
        domain="masked classes carry no probability",
    ),
    Loss(
        "nll_loss",
        "NLLLoss",
        inputs.log_probabilities,
        ("input", "target"),
        ("ordinary", "saturated", "optimum", "masked", *SHAPES),
        ({}, {"weight": class_weight}, {"ignore_index": first_label}),
        function_only=(),
        domain="log-probabilities",
    ),
    Loss(
        "binary_cross_entropy",
        "BCELoss",
        inputs.chances,
        ("input", "target"),
        ("ordinary", "rare", "tied", "tiny", "optimum"),
        ({}, {"weight": last_weight}),
        differentiable=(0, 1),
        function_only=(),
        elementwise=True,
        domain="probabilities",
        cancels=("optimum", "tiny", "tied"),
    ),
    Loss(
        "binary_cross_entropy[certain]",
        "BCELoss",
        inputs.chances,
        ("input", "target"),
        ("certain",),
        function_only=(),
        elementwise=True,
        smooth=False,
        domain="0 and 1",
    ),
    Loss(
        "binary_cross_entropy_with_logits",
        "BCEWithLogitsLoss",
        inputs.events,
        ("input", "target"),
        (*LOGIT_REGIMES, "single"),
        ({}, {"weight": last_weight}, {"pos_weight": last_weight}),
        differentiable=(0, 1),
        function_only=(),
        elementwise=True,
        cancels=("optimum", "tiny"),
    ),
    Loss(
        "binary_cross_entropy_with_logits[masked]",
        "BCEWithLogitsLoss",
        inputs.events,
        ("input", "target"),
        ("masked",),
        ({}, {"pos_weight": last_weight}),
        function_only=(),
        elementwise=True,
        smooth=False,
        domain="logits of +-inf on the target's side",
    ),
    Loss(
        "kl_div",
        "KLDivLoss",
        inputs.log_distributions,
        ("input", "target"),
        ("ordinary", "optimum", "saturated", "single"),
        differentiable=(0, 1),
        reductions=("none", "mean", "sum", "batchmean"),
        elementwise=True,
        domain="log-probabilities and probabilities",
    ),
    Loss(
        "kl_div[masked]",
        "KLDivLoss",
        inputs.log_distributions,
        ("input", "target"),
        ("masked",),
        reductions=("none", "mean", "sum", "batchmean"),
        elementwise=True,
        smooth=False,
        domain="zeros of the target may be zeros of the prediction",
    ),
    Loss(
        "kl_div[log_target]",
        "KLDivLoss",
        inputs.two_logs,
        ("input", "target"),
        ("ordinary", "optimum", "saturated", "single", "masked"),
        always={"log_target": True},
        differentiable=(0, 1),
        reductions=("none", "mean", "sum", "batchmean"),
        elementwise=True,
        domain="two log-probabilities",
    ),
    Loss(
        "mse_loss",
        "MSELoss",
        inputs.numbers,
        ("input", "target"),
        (*LOGIT_REGIMES, "single"),
        ({}, {"weight": entry_weight}),
        differentiable=(0, 1),
        elementwise=True,
    ),
    Loss(
        "l1_loss",
        "L1Loss",
        inputs.numbers,
        ("input", "target"),
        (*LOGIT_REGIMES, "single"),
        ({}, {"weight": entry_weight}),
        differentiable=(0, 1),
        elementwise=True,
        smooth=False,
    ),
    Loss(
        "smooth_l1_loss",
        "SmoothL1Loss",
        inputs.numbers,
        ("input", "target"),
        (*LOGIT_REGIMES, "single"),
        ({}, {"beta": 0.1}, {"beta": 0.0}),
        differentiable=(0, 1),
        elementwise=True,
        smooth=False,
    ),
    Loss(
        "huber_loss",
        "HuberLoss",
        inputs.numbers,
        ("input", "target"),
        (*LOGIT_REGIMES, "single"),
        ({}, {"delta": 0.3}, {"delta": 2.0, "weight": entry_weight}),
        differentiable=(0, 1),
        elementwise=True,
        smooth=False,
    ),
    Loss(
        "poisson_nll_loss",
        "PoissonNLLLoss",
        inputs.counts,
        ("input", "target"),
        ("ordinary", "saturated", "tiny", "zeros", "optimum", "single"),
        ({}, {"full": True}),
        differentiable=(0, 1),
        elementwise=True,
        domain="targets are counts",
        cancels=("optimum", "tiny", "zeros"),
    ),
    Loss(
        "poisson_nll_loss[rate]",
        "PoissonNLLLoss",
        inputs.rates,
        ("input", "target"),
        ("ordinary", "saturated", "tiny", "zeros", "optimum", "single"),
        ({}, {"full": True, "eps": 1e-3}),
        always={"log_input": False},
        differentiable=(0, 1),
        elementwise=True,
        domain="positive rates",
        cancels=("ordinary", "optimum", "tiny", "zeros", "saturated", "single"),
    ),
    Loss(
        "gaussian_nll_loss",
        "GaussianNLLLoss",
        inputs.gaussians,
        ("input", "target", "var"),
        ("ordinary", "tiny", "optimum", "row", "column", "zeros"),
        ({}, {"full": True}, {"eps": 0.5}),
        differentiable=(0, 1, 2),
        elementwise=True,
        smooth=False,
        domain="variances of at least 0",
    ),
    Loss(
        "gaussian_nll_loss[number]",
        "GaussianNLLLoss",
        inputs.numbers,
        ("input", "target"),
        ("ordinary", "optimum", "single"),
        ({}, {"var": 2.0, "full": True}),
        always={"var": 0.5},
        differentiable=(0, 1),
        function_only=("var",),
        elementwise=True,
    ),
    Loss(
        "soft_margin_loss",
        "SoftMarginLoss",
        inputs.signs,
        ("input", "target"),
        (*LOGIT_REGIMES, "single"),
        fixed=(1,),
        elementwise=True,
        domain="targets -1 and 1",
    ),
    Loss(
        "multilabel_soft_margin_loss",
        "MultiLabelSoftMarginLoss",
        inputs.label_sets,
        ("input", "target"),
        (*LOGIT_REGIMES, "single"),
        ({}, {"weight": last_weight}),
        differentiable=(0, 1),
        function_only=(),
        domain="targets 0 and 1",
        cancels=("optimum", "tiny"),
    ),
    Loss(
        "multilabel_margin_loss",
        "MultiLabelMarginLoss",
        inputs.label_lists,
        ("input", "target"),
        ("ordinary", "saturated", "huge", "tiny", "single"),
        smooth=False,
        domain="lists of labels that end at -1",
    ),
    Loss(
        "multi_margin_loss",
        "MultiMarginLoss",
        inputs.hard,
        ("input", "target"),
        ("ordinary", "saturated", "huge", "tiny", "single"),
        ({}, {"p": 2, "margin": 0.5}, {"weight": class_weight}),
        function_only=(),
        smooth=False,
    ),
    Loss(
        "hinge_embedding_loss",
        "HingeEmbeddingLoss",
        inputs.distances,
        ("input", "target"),
        ("ordinary", "saturated", "huge", "tiny", "optimum", "single"),
        ({}, {"margin": 2.5}),
        fixed=(1,),
        elementwise=True,
        smooth=False,
        domain="targets -1 and 1",
    ),
    Loss(
        "margin_ranking_loss",
        "MarginRankingLoss",
        inputs.rankings,
        ("input1", "input2", "target"),
        (*LOGIT_REGIMES, "single"),
        ({}, {"margin": 0.5}),
        differentiable=(0, 1),
        fixed=(2,),
        elementwise=True,
        smooth=False,
        domain="targets -1 and 1",
    ),
    Loss(
        "cosine_embedding_loss",
        "CosineEmbeddingLoss",
        inputs.pairs,
        ("input1", "input2", "target"),
        ("ordinary", "huge", "tiny", "optimum", "zeros", "single"),
        ({}, {"margin": -0.2}),
        differentiable=(0, 1),
        fixed=(2,),
        smooth=False,
        domain="targets -1 and 1",
    ),
    Loss(
        "triplet_margin_loss",
        "TripletMarginLoss",
        inputs.triplets,
        ("anchor", "positive", "negative"),
        ("ordinary", "optimum", "huge", "tiny", "single"),
        ({}, {"swap": True}, {"p": 1.0, "margin": 0.4}, {"p": 3.0, "eps": 0.01}),
        differentiable=(0, 1, 2),
        smooth=False,
    ),
    Loss(
        "triplet_margin_with_distance_loss",
        "TripletMarginWithDistanceLoss",
        inputs.triplets,
        ("anchor", "positive", "negative"),
        ("ordinary", "huge", "tiny"),
        ({}, {"swap": True}, {"distance_function": MANHATTAN}),
        differentiable=(0, 1, 2),
        smooth=False,
    ),
    Loss(
        "ctc_loss",
        "CTCLoss",
        inputs.words,
        ("log_probs", "targets", "input_lengths", "target_lengths"),
        ("ordinary", "saturated", "repeated", "single", "flat"),
        domain="log-probabilities of frames",
    ),
    Loss(
        "ctc_loss[impossible]",
        "CTCLoss",
        inputs.words,
        ("log_probs", "targets", "input_lengths", "target_lengths"),
        ("impossible",),
        always={"zero_infinity": True},
        smooth=False,
        domain="words longer than their frames",
    ),
    Loss(
        "linear_cross_entropy",
        "LinearCrossEntropyLoss",
        inputs.features,
        ("input", "linear_weight", "target"),
        ("ordinary", "saturated", "spatial", "single"),
        (
            {},
            {"linear_bias": linear_bias, "label_smoothing": 0.1},
            {"weight": linear_class_weight, "ignore_index": _last_first_label},
        ),
        differentiable=(0, 1),
        function_only=("linear_bias",),
        multiplies=True,
    ),
)

BY_NAME = {loss.name: loss for loss in LOSSES}
