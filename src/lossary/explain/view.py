"""How an explanation is wanted: names of classes, how many examples, which language."""

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """``class_names`` in the order of the classes; ``hardest`` and ``bins`` are counts."""

    class_names: tuple[str, ...] = ()
    hardest: int = 10
    bins: int = 15
    language: str = "en"

    def name(self, index: int) -> str:
        """The name of a class, or its number where it has none."""
        return self.class_names[index] if index < len(self.class_names) else str(index)
