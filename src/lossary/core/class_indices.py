"""What is said of an index that names no class."""

from torch import Tensor

from lossary.core.errors import ClassIndexError, teach


def refuse_wrong_indices(where: str, target: Tensor, classes: int, ignore_index: int) -> None:
    """Raise if one of the targets that count is no class."""
    counted = target[target != ignore_index]
    wrong = counted[(counted < 0) | (counted >= classes)]
    if wrong.numel():
        index = int(wrong[0])
        cause, fix = _index_cause(index, int(counted.min()), classes)
        came = f"Target {index} is out of bounds ({wrong.numel()} such of {target.numel()})"
        expected = f"indices from 0 to {classes - 1}, or ignore_index={ignore_index}"
        if not classes:
            expected = f"scores of one class at least; of none, only ignore_index={ignore_index}"
        raise ClassIndexError(teach(where, came, expected, cause, fix))


def _index_cause(index: int, lowest: int, classes: int) -> tuple[str, str]:
    if classes == 0:
        cause = "scores that were sliced away, or a last layer without outputs"
        return cause, "print the shape of the scores just before the loss"
    if index < 0:
        return "padding marked with another number", f"ignore_index={index}"
    if classes == 1:
        return "one score for a yes-or-no answer", "binary_cross_entropy_with_logits"
    if index == classes and lowest >= 1:
        return "labels that start at 1", "target - 1"
    return "a class the model lacks", f"a last layer with {index + 1} or more outputs"
