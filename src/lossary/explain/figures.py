"""How numbers are written in sentences and tables."""

import math


def number(x: float | None) -> str:
    """A loss or another measured number: four digits that count, or a power where they would not.

    >>> number(2.302585), number(0.2208), number(0.00012), number(1234.5), number(math.inf)
    ('2.303', '0.2208', '1.2e-04', '1,234', '∞')
    """
    if x is None:
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "-∞"
    if x == 0:
        return "0"
    if abs(x) < 1e-3 or abs(x) >= 1e6:
        return f"{x:.1e}"
    digits = min(5, max(0, 3 - math.floor(math.log10(abs(x)))))
    return f"{x:,.{digits}f}"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage; what is not nothing is never written as 0.

    >>> percent(0.97), percent(0.034), percent(0.0004), percent(0.0), percent(1.0), percent(0.9999)
    ('97.0 %', '3.4 %', '0.04 %', '0 %', '100 %', '99.99 %')
    """
    if share is None:
        return "–"
    x = 100 * share
    if x in (0, 100):
        return f"{x:.0f} %"
    near = min(x, 100 - x)
    digits = 0 if near >= 10 else 1 if near >= 1 else 2
    shown = f"{x:.{digits}f}"
    if float(shown) in (0, 100):
        return "< 0.01 %" if x < 50 else "> 99.99 %"
    return f"{shown} %"


def count(n: int) -> str:
    """A number of things.

    >>> count(10000000)
    '10,000,000'
    """
    return f"{n:,}"
