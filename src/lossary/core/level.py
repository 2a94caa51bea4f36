"""``LOSSARY_KERNELS``: the environment variable that says which kernels may run."""

import os

from lossary.core.errors import OptionError, teach

VARIABLE = "LOSSARY_KERNELS"
# Everything, nothing beyond the name, or, also on a CPU, where they are interpreted, the Triton
# kernels.
LEVELS = ("fused", "blocks", "formula", "triton")


def asked() -> str:
    """What the variable holds; empty counts as unset."""
    return os.environ.get(VARIABLE, "")


def level() -> str:
    """One of the levels; ``fused`` where none is asked for."""
    chosen = asked() or LEVELS[0]
    if chosen not in LEVELS:
        came = f"the environment variable {VARIABLE} is {chosen!r}"
        fix = f"unset {VARIABLE}, or set it to one of these"
        raise OptionError(teach("lossary.kernels", came, f"one of {LEVELS}", "", fix))
    return chosen
