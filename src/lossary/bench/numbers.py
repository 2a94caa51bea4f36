"""Numbers as people read them."""


def count(number: int) -> str:
    """A whole number with its thousands apart.

    >>> count(128256)
    '128,256'
    """
    return f"{number:,}"


def milliseconds(number: float | None) -> str:
    """Three digits that count, and never a power of ten.

    >>> milliseconds(42.06), milliseconds(0.0042), milliseconds(1234.6), milliseconds(None)
    ('42.1', '0.0042', '1,235', '')
    """
    if number is None:
        return ""
    if number >= 100:
        return f"{number:,.0f}"
    digits = 1 if number >= 10 else 2 if number >= 1 else 3 if number >= 0.1 else 4
    return f"{number:.{digits}f}"


def ratio(number: float | None) -> str:
    """A ratio to two places; a large one needs fewer, a tiny one two digits.

    >>> ratio(0.4), ratio(24.86), ratio(0.0082), ratio(None)
    ('0.40', '24.9', '0.0082', '')
    """
    if number is None:
        return ""
    if number < 0.095:
        return f"{number:.2g}"
    digits = 2 if number < 10 else 1 if number < 100 else 0
    return f"{number:,.{digits}f}"


def size(number: float) -> str:
    """Bytes in the unit that fits.

    >>> size(1.05e9), size(524.3e6), size(8.2e6), size(81_920), size(1280), size(640)
    ('1.05 GB', '524 MB', '8.2 MB', '81.9 kB', '1.3 kB', '640 B')
    """
    if number >= 1e9:
        return f"{number / 1e9:.2f} GB"
    if number >= 1e6:
        return f"{number / 1e6:.0f} MB" if number >= 1e8 else f"{number / 1e6:.1f} MB"
    return f"{number / 1e3:.1f} kB" if number >= 1e3 else f"{number:.0f} B"


def error(number: float | None) -> str:
    """An error to two digits.

    >>> error(2.69e-08), error(0.0)
    ('2.7e-08', '0')
    """
    if number is None:
        return ""
    return f"{number:.1e}" if number else "0"
