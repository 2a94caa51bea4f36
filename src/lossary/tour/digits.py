"""Numbers as a table shows them."""

import math


def number(value: float) -> str:
    """A number as a table shows it: nine significant digits, which tell float32s apart.

    >>> number(0.020410955), number(2.06115362e-09), number(6.0)
    ('0.0204109550', '2.06115362e-09', '6')
    """
    return f"{value:.9g}" if value == _nearest_whole(value) else f"{value:#.9g}"


def _nearest_whole(value: float) -> float:
    # Infinities and NaN stay what they are.
    return float(round(value)) if math.isfinite(value) else value


def several(values: tuple[float, ...]) -> str:
    """One number, or the first and the last of several.

    >>> several((0.5,)), several((0.0, 1.0)), several((1.0, 2.0, 3.0))
    ('0.500000000', '0  1', '1 … 3')
    """
    if len(values) == 1:
        return number(values[0])
    between = "  " if len(values) == 2 else " … "
    return f"{number(values[0])}{between}{number(values[-1])}"


def distance(value: float) -> str:
    """A relative distance from the exact value: one digit says enough.

    >>> distance(0.0), distance(6.43e-7)
    ('0', '6e-07')
    """
    return "0" if value == 0 else f"{value:.0e}"
