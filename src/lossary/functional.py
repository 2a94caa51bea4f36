"""The door for ``torch.nn.functional``: its every name, with every loss exact."""

import torch.nn.functional as _torch_functional

# mypy believes the first import of a name, Python and pyright the last. What takes more than
# torch's own stands on either side of the star.
from lossary.losses.linear_cross_entropy import (  # isort: skip
    linear_cross_entropy as linear_cross_entropy,
)
from torch.nn.functional import *  # type: ignore[assignment]  # noqa: F403

from lossary.core import doors as _doors

_doors.mirror(_torch_functional, globals())

from lossary.losses._remembered import sigmoid as sigmoid  # noqa: E402
from lossary.losses.binary_cross_entropy import (  # noqa: E402
    binary_cross_entropy as binary_cross_entropy,
)
from lossary.losses.binary_cross_entropy import (  # noqa: E402
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from lossary.losses.cross_entropy import cross_entropy as cross_entropy  # noqa: E402
from lossary.losses.ctc import ctc_loss as ctc_loss  # noqa: E402
from lossary.losses.embedding import cosine_embedding_loss as cosine_embedding_loss  # noqa: E402
from lossary.losses.embedding import hinge_embedding_loss as hinge_embedding_loss  # noqa: E402
from lossary.losses.embedding import margin_ranking_loss as margin_ranking_loss  # noqa: E402
from lossary.losses.gaussian_nll import (  # type: ignore[assignment]  # noqa: E402
    gaussian_nll_loss as gaussian_nll_loss,
)
from lossary.losses.huber import huber_loss as huber_loss  # noqa: E402
from lossary.losses.huber import smooth_l1_loss as smooth_l1_loss  # noqa: E402
from lossary.losses.kl_div import kl_div as kl_div  # noqa: E402
from lossary.losses.l1 import l1_loss as l1_loss  # noqa: E402
from lossary.losses.linear_cross_entropy import (  # noqa: E402, F811
    linear_cross_entropy as linear_cross_entropy,
)
from lossary.losses.linear_cross_entropy import (  # noqa: E402
    linear_cross_entropy_with_statistics as linear_cross_entropy_with_statistics,
)
from lossary.losses.margin import multi_margin_loss as multi_margin_loss  # noqa: E402
from lossary.losses.margin import multilabel_margin_loss as multilabel_margin_loss  # noqa: E402
from lossary.losses.mse import mse_loss as mse_loss  # noqa: E402
from lossary.losses.nll import nll_loss as nll_loss  # noqa: E402
from lossary.losses.poisson_nll import poisson_nll_loss as poisson_nll_loss  # noqa: E402
from lossary.losses.soft_margin import (  # noqa: E402
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
)
from lossary.losses.soft_margin import soft_margin_loss as soft_margin_loss  # noqa: E402
from lossary.losses.softmax import log_softmax as log_softmax  # noqa: E402
from lossary.losses.softmax import softmax as softmax  # noqa: E402
from lossary.losses.softmax import softmin as softmin  # noqa: E402
from lossary.losses.token_statistics import TokenStatistics as TokenStatistics  # noqa: E402
from lossary.losses.token_statistics import token_statistics as token_statistics  # noqa: E402
from lossary.losses.triplet import triplet_margin_loss as triplet_margin_loss  # noqa: E402
from lossary.losses.triplet import (  # noqa: E402
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)

__getattr__ = _doors.fall_back_to(_torch_functional)
