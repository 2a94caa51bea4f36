"""Errors that teach: what came, what was expected, the likely cause and the fix."""


class LossaryError(Exception):
    """Base class of every error that Lossary raises on purpose."""


# Each class below also derives from what torch raises in the same place, so that
# code written to catch torch's errors keeps working after the import line changes.


class ShapeError(LossaryError, ValueError, RuntimeError):
    """Shapes that do not fit together."""


class DtypeError(LossaryError, TypeError, ValueError, NotImplementedError):
    """A dtype that the operation is not defined for."""


class DeviceError(LossaryError, ValueError, RuntimeError):
    """Tensors on different devices."""


class DomainError(LossaryError, ValueError, RuntimeError):
    """Values outside the set on which the operation is defined."""


class ClassIndexError(LossaryError, IndexError, ValueError, RuntimeError):
    """A class index that names no class."""


class OptionError(LossaryError, ValueError, RuntimeError):
    """An option whose value is not one of those offered."""


def teach(where: str, came: str, expected: str, cause: str = "", fix: str = "") -> str:
    """Lay out one error message: a headline, then what was expected, why, and the fix.

    >>> print(teach("mse_loss", "input (3, 1)", "equal shapes", "a lost squeeze", "x.squeeze(1)"))
    mse_loss: input (3, 1).
      expected: equal shapes
      likely cause: a lost squeeze
      fix: x.squeeze(1)
    """
    lines = [f"{where}: {came}."]
    for label, text in (("expected", expected), ("likely cause", cause), ("fix", fix)):
        if text:
            lines.append(f"  {label}: {text}")
    return "\n".join(lines)
