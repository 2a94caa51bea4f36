"""The one argument that torch's losses lack: an entropy, as an object."""

from torch import Tensor

from lossary.core.errors import DtypeError, teach
from lossary.entropies.entropy import Elementwise, Entropy, OnSimplex


def check_entropy(where: str, entropy: object, order: str) -> None:
    """Refuse a class, a name or a tensor where an entropy belongs; ``order`` is the call's."""
    if isinstance(entropy, Entropy):
        return
    came = f"got entropy of type {type(entropy).__name__}"
    cause, fix = "", f"{where}{order}, such as Shannon() or Tsallis(1.5)"
    if isinstance(entropy, Tensor):
        cause = "the arguments in torch's order: here the entropy comes first"
    elif isinstance(entropy, type) and issubclass(entropy, Entropy):
        came = f"got the class {entropy.__name__}"
        cause, fix = "the parentheses were forgotten", f"{entropy.__name__}()"
    elif isinstance(entropy, str):
        came = f"got entropy={entropy!r}"
        cause = "a name where the object belongs"
        fix = _named(entropy) or fix
    raise DtypeError(teach(where, came, "an entropy object, first", cause, fix))


def _named(name: str) -> str:
    kinds = (*Elementwise.__subclasses__(), *OnSimplex.__subclasses__())
    same = [kind.__name__ for kind in kinds if kind.__name__.lower() == name.lower()]
    return f"{same[0]}() of lossary.entropies" if same else ""
