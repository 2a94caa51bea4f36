"""Lossary: the loss-function layer of PyTorch. Exact, fast, explained, used right.

``lossary.nn`` and ``lossary.functional`` stand where ``torch.nn`` and its functional module
stand; here are the measures of information. Nothing is imported before it is asked for, so
that the command line can answer ``--help`` without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lossary import entropies as entropies
    from lossary import functional as functional
    from lossary import information as information
    from lossary import kernels as kernels
    from lossary import nn as nn
    from lossary.core.checks import value_checks as value_checks
    from lossary.explain import Comparison as Comparison
    from lossary.explain import Explanation as Explanation
    from lossary.explain import Monitor as Monitor
    from lossary.explain import compare as compare
    from lossary.explain import explain as explain
    from lossary.information import Logits as Logits
    from lossary.information import LogProbs as LogProbs
    from lossary.information import Probs as Probs
    from lossary.information import alpha_divergence as alpha_divergence
    from lossary.information import bhattacharyya_distance as bhattacharyya_distance
    from lossary.information import chi_squared_divergence as chi_squared_divergence
    from lossary.information import conditional_entropy as conditional_entropy
    from lossary.information import cross_entropy as cross_entropy
    from lossary.information import entropy as entropy
    from lossary.information import f_divergence as f_divergence
    from lossary.information import hellinger_distance as hellinger_distance
    from lossary.information import jensen_shannon_divergence as jensen_shannon_divergence
    from lossary.information import kl_divergence as kl_divergence
    from lossary.information import kl_estimate as kl_estimate
    from lossary.information import mutual_information as mutual_information
    from lossary.information import perplexity as perplexity
    from lossary.information import renyi_divergence as renyi_divergence
    from lossary.information import renyi_entropy as renyi_entropy
    from lossary.information import self_information as self_information
    from lossary.information import total_variation_distance as total_variation_distance
    from lossary.information import tsallis_entropy as tsallis_entropy

_ROOMS = ("entropies", "functional", "information", "kernels", "nn")
_MEASURES = (
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
)
_VERBS = ("Comparison", "Explanation", "Monitor", "compare", "explain")

__all__ = [*_MEASURES, *_ROOMS, *_VERBS, "__version__", "value_checks"]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name in _MEASURES:
        value = getattr(import_module(f"{__name__}.information"), name)
    elif name in _VERBS:
        room = import_module(f"{__name__}.explain")
        # The import has put the room in the place of the verb of the same name.
        globals()["explain"] = room.explain
        value = getattr(room, name)
    elif name == "value_checks":
        value = import_module(f"{__name__}.core.checks").value_checks
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
