"""Letters for a console that lacks some: ASCII that says the same, else a question mark."""

import codecs

NAME = "lossary.plain_letters"
PLAIN = {
    "✓": "ok",
    "✗": "WRONG",
    "█": "#",
    "─": "-",
    "…": "...",
    "−": "-",
    "×": "x",
    "→": "->",
    "Σ": "sum",
    "σ": "sigmoid",
    "ℓ": "loss",
    "‖": "||",
    "²": "^2",
    "⁻": "^-",
    "ᶻ": "z",
    "ₖ": "_k",
    "ⱼ": "_j",
    "ᵢ": "_i",
    "ₜ": "_t",
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(PLAIN.get(letter, "?") for letter in letters), error.end


def register() -> str:
    """Make the substitutes known to Python's encoders and return their name.

    >>> "✓ 1 가".encode("ascii", errors=register())
    b'ok 1 ?'
    """
    codecs.register_error(NAME, _plain)
    return NAME
