"""What a tour finds, as plain numbers: nothing here knows how it will be shown."""

import struct
from dataclasses import dataclass

from lossary.explain.explanation import Explanation

WAYS = ("by_hand", "lossary", "torch", "exact")


@dataclass(frozen=True)
class Answer:
    """One way's answer to a figure: the code that ran and what it gave, flattened.

    ``difference`` is the largest relative distance of a value from the exact one.
    """

    code: str
    values: tuple[float, ...]
    difference: float
    comes_out: bool


@dataclass(frozen=True)
class Figure:
    """One figure of the tour, computed four ways; ``expected`` is what the study printed."""

    topic: str
    shape: tuple[int, ...]
    digits: int | None
    expected: tuple[float, ...]
    from_study: bool
    answers: dict[str, Answer]

    @property
    def comes_out(self) -> bool:
        """Whether all four ways print the expected digits."""
        return all(answer.comes_out for answer in self.answers.values())


@dataclass(frozen=True)
class Step:
    """One step of the thread: its key in the catalogues and its figures."""

    key: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Baseline:
    """What a model that never looks at the input loses on the held-out examples."""

    key: str
    loss: float


@dataclass(frozen=True)
class TrainingResult:
    """The study's network on one data set: losses in nats, or in target variances for MSE.

    ``explanation`` is what ``lossary.explain`` says of the held-out predictions; ``meaning`` holds
    the readings of their loss that are not in it, by catalogue key.
    """

    data: str
    loss_name: str
    sizes: tuple[int, int, int]
    train_examples: int
    held_out_examples: int
    epochs: int
    curve: tuple[float, ...]
    train_loss: float
    held_out_loss: float
    torch_held_out_loss: float
    baselines: tuple[Baseline, ...]
    meaning: dict[str, float]
    explanation: Explanation

    @property
    def agrees_with_torch(self) -> bool:
        """Whether the same training with torch's loss ends at the same held-out loss."""
        return abs(self.held_out_loss - self.torch_held_out_loss) <= 1e-3 * self.held_out_loss

    @property
    def beats_chance(self) -> bool:
        """Whether the network knows more than the best guess made without looking."""
        return self.held_out_loss < min(baseline.loss for baseline in self.baselines)


@dataclass(frozen=True)
class Measured:
    """One number of a repair: torch's, Lossary's and the exact one.

    ``dtype`` is that of the answers: of a float16 nobody can ask for five digits.
    """

    what: str
    torch: float
    lossary: float
    exact: float
    dtype: str = "float32"

    @property
    def rounded(self) -> float | None:
        """The exact number in the answer's dtype, where that holds fewer than five digits.

        >>> Measured("value", 0.0, 0.0, 0.1, dtype="float16").rounded
        0.0999755859375
        """
        if self.dtype != "float16":
            return None
        half: float = struct.unpack("e", struct.pack("e", self.exact))[0]
        return half

    def off(self, value: float) -> float:
        """Relative distance of a value from the nearest that its dtype can say."""
        return relative(value, self.exact if self.rounded is None else self.rounded)


@dataclass(frozen=True)
class Repair:
    """A place where torch's number may be wrong: the code, and each number measured now.

    ``torch_code`` is torch's own call where it has no such call as Lossary's, and ``given``
    what both start from.
    """

    key: str
    code: str
    measured: tuple[Measured, ...]
    torch_code: str = ""
    given: str = ""

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """The code by way: under no way's name where one call serves both."""
        if not self.torch_code:
            return (("", self.code),)
        return (("torch", self.torch_code), ("lossary", self.code))

    @property
    def lossary_is_right(self) -> bool:
        """Whether every number of Lossary's keeps the promise of five digits."""
        return all(m.off(m.lossary) <= 1e-5 for m in self.measured)

    @property
    def torch_is_wrong(self) -> bool:
        """Whether at least one number of the installed torch does not."""
        return any(not m.off(m.torch) <= 1e-5 for m in self.measured)


@dataclass(frozen=True)
class Tour:
    """Everything a tour found."""

    steps: tuple[Step, ...]
    trainings: tuple[TrainingResult, ...]
    repairs: tuple[Repair, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of all steps, in order."""
        return tuple(figure for step in self.steps for figure in step.figures)

    @property
    def passed(self) -> bool:
        """Whether every figure came out, every training beat chance and every repair held."""
        return (
            all(figure.comes_out for figure in self.figures)
            and all(t.beats_chance and t.agrees_with_torch for t in self.trainings)
            and all(repair.lossary_is_right for repair in self.repairs)
        )


def relative(value: float, exact: float) -> float:
    """Distance of a value from the exact one, as a share of the exact one.

    >>> relative(0.0, 2e-9)
    1.0
    >>> relative(float("inf"), float("inf"))
    0.0
    """
    if value == exact:
        return 0.0
    return abs(value - exact) / abs(exact) if exact else float("inf")
