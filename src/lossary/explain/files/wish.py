"""What is asked of a file: which columns or arrays hold what, and which loss is meant."""

from dataclasses import dataclass

from lossary.core.errors import OptionError
from lossary.explain.words import Words

KINDS = ("logits", "probs", "prediction")
# Names that are looked for where none is given, in this order.
GUESSES = {
    "logits": ("logits", "logit", "logit*", "logits*", "scores", "score*"),
    "probs": ("probs", "prob", "prob*", "probs*", "probabilities", "p_*"),
    "prediction": ("prediction", "predictions", "pred", "preds", "y_pred", "output"),
    "target": ("target", "targets", "label", "labels", "y", "y_true"),
}
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


@dataclass(frozen=True)
class Wish:
    """Names or patterns as they were given; None where they are to be guessed."""

    logits: str | None = None
    probs: str | None = None
    prediction: str | None = None
    target: str | None = None
    loss: str | None = None
    ignore_index: int | None = None

    def check(self, words: Words) -> None:
        """Refuse two kinds of prediction at once."""
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) > 1:
            options = " ".join(f"--{kind}" for kind in given)
            raise OptionError(words("file.two_kinds", options=options))


@dataclass(frozen=True)
class Found:
    """The names that a wish comes to in a file, and what the prediction is."""

    kind: str
    prediction: tuple[str, ...]
    target: tuple[str, ...]
    class_names: tuple[str, ...] = ()


def default_loss(kind: str, width: int) -> str:
    """The loss of a prediction of this kind with so many columns.

    >>> default_loss("logits", 10), default_loss("probs", 1)
    ('cross_entropy', 'binary_cross_entropy')
    """
    if kind == "prediction":
        return "mse_loss"
    if width > 1:
        return "cross_entropy"
    return "binary_cross_entropy_with_logits" if kind == "logits" else "binary_cross_entropy"
