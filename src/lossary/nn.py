"""The door for ``torch.nn``: ``import lossary.nn as nn`` and every loss is exact."""

import sys as _sys

import torch.nn as _torch_nn

# For type checkers, as in functional.py.
from lossary import functional as functional  # isort: skip
from lossary.losses.linear_cross_entropy import (  # isort: skip
    LinearCrossEntropyLoss as LinearCrossEntropyLoss,
)
from torch.nn import *  # type: ignore[assignment, no-redef]  # noqa: F403

from lossary import functional as functional  # noqa: F811
from lossary.core import doors as _doors

_doors.mirror(_torch_nn, globals())

from lossary.losses._remembered import Sigmoid as Sigmoid  # noqa: E402
from lossary.losses.adaptive_log_softmax import (  # noqa: E402
    AdaptiveLogSoftmaxWithLoss as AdaptiveLogSoftmaxWithLoss,
)
from lossary.losses.binary_cross_entropy import BCELoss as BCELoss  # noqa: E402
from lossary.losses.binary_cross_entropy import (  # noqa: E402
    BCEWithLogitsLoss as BCEWithLogitsLoss,
)
from lossary.losses.cross_entropy import CrossEntropyLoss as CrossEntropyLoss  # noqa: E402
from lossary.losses.ctc import CTCLoss as CTCLoss  # noqa: E402
from lossary.losses.embedding import CosineEmbeddingLoss as CosineEmbeddingLoss  # noqa: E402
from lossary.losses.embedding import HingeEmbeddingLoss as HingeEmbeddingLoss  # noqa: E402
from lossary.losses.embedding import MarginRankingLoss as MarginRankingLoss  # noqa: E402
from lossary.losses.gaussian_nll import GaussianNLLLoss as GaussianNLLLoss  # noqa: E402
from lossary.losses.huber import HuberLoss as HuberLoss  # noqa: E402
from lossary.losses.huber import SmoothL1Loss as SmoothL1Loss  # noqa: E402
from lossary.losses.kl_div import KLDivLoss as KLDivLoss  # noqa: E402
from lossary.losses.l1 import L1Loss as L1Loss  # noqa: E402
from lossary.losses.linear_cross_entropy import (  # noqa: E402, F811
    LinearCrossEntropyLoss as LinearCrossEntropyLoss,
)
from lossary.losses.margin import MultiLabelMarginLoss as MultiLabelMarginLoss  # noqa: E402
from lossary.losses.margin import MultiMarginLoss as MultiMarginLoss  # noqa: E402
from lossary.losses.mse import MSELoss as MSELoss  # noqa: E402
from lossary.losses.nll import NLLLoss as NLLLoss  # noqa: E402
from lossary.losses.nll import NLLLoss2d as NLLLoss2d  # type: ignore[assignment]  # noqa: E402
from lossary.losses.poisson_nll import PoissonNLLLoss as PoissonNLLLoss  # noqa: E402
from lossary.losses.soft_margin import (  # noqa: E402
    MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss,
)
from lossary.losses.soft_margin import SoftMarginLoss as SoftMarginLoss  # noqa: E402
from lossary.losses.softmax import LogSoftmax as LogSoftmax  # noqa: E402
from lossary.losses.softmax import Softmax as Softmax  # noqa: E402
from lossary.losses.softmax import Softmin as Softmin  # noqa: E402
from lossary.losses.triplet import TripletMarginLoss as TripletMarginLoss  # noqa: E402
from lossary.losses.triplet import (  # noqa: E402
    TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss,
)

# ``from lossary.nn.utils.rnn import pad_sequence`` must work too, and where a submodule of
# torch.nn holds losses (modules, modules.loss, ...) the losses behind our door are ours.
__path__: list[str] = []
_sys.modules[f"{__name__}.functional"] = functional
_ours = {k: v for k, v in globals().items() if getattr(v, "__module__", "").startswith("lossary.")}
modules = _doors.door(f"{__name__}.modules", _torch_nn.modules, _ours)
for _part in ("loss", "activation", "adaptive"):
    setattr(
        modules,
        _part,
        _doors.door(f"{__name__}.modules.{_part}", getattr(_torch_nn.modules, _part), _ours),
    )
# First, since a submodule's submodules would be found by torch's path, and loaded twice.
_sys.meta_path.insert(0, _doors.SubmoduleAliases(__name__, _torch_nn.__name__))

__getattr__ = _doors.fall_back_to(_torch_nn)
