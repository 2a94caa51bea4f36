"""The formula of every step: as text for a terminal, as MathML for the page."""

TEXT = {
    "sigmoid": "σ(z) = 1 / (1 + e⁻ᶻ)",
    "self_information": "I(p) = −log p",
    "entropy": "H(p) = −Σ pₖ log pₖ",
    "kl_divergence": "D(u‖p) = Σ uₖ log (uₖ / pₖ)",
    "bce": "ℓ = −t log y − (1 − t) log (1 − y)",
    "softmax": "pₖ = exp zₖ / Σⱼ exp zⱼ",
    "cross_entropy": "ℓ = −log pₜ = log Σⱼ exp zⱼ − zₜ",
    "mse": "ℓ = (1/n) Σ (aᵢ − bᵢ)²",
}


def _i(*names: str) -> str:
    return "".join(f"<mi>{name}</mi>" for name in names)


def _o(*signs: str) -> str:
    return "".join(f"<mo>{sign}</mo>" for sign in signs)


def _n(number: str) -> str:
    return f"<mn>{number}</mn>"


def _sub(base: str, index: str) -> str:
    return f"<msub>{_i(base)}{_i(index)}</msub>"


def _over(top: str, bottom: str) -> str:
    return f"<mfrac><mrow>{top}</mrow><mrow>{bottom}</mrow></mfrac>"


def _sum(index: str) -> str:
    return f"<munder>{_o('∑')}{_i(index)}</munder>"


def _call(name: str, argument: str) -> str:
    return _i(name) + _o("(") + argument + _o(")")


# A minus before a term stands close to it; after an equals sign MathML would space it apart.
MINUS = "<mo form='prefix'>−</mo>"
LOG = "<mi>log</mi><mspace width='0.17em'/>"
EXP_Z = f"<msup>{_i('e')}{_sub('z', 'j')}</msup>"

MATHML = {
    "sigmoid": _call("σ", _i("z"))
    + _o("=")
    + _over(_n("1"), _n("1") + _o("+") + f"<msup>{_i('e')}<mrow>{_o('−')}{_i('z')}</mrow></msup>"),
    "self_information": _call("I", _i("p")) + _o("=") + MINUS + LOG + _i("p"),
    "entropy": _call("H", _i("p"))
    + _o("=")
    + MINUS
    + _sum("k")
    + _sub("p", "k")
    + LOG
    + _sub("p", "k"),
    "kl_divergence": _call("D", _i("u") + _o("‖") + _i("p"))
    + _o("=")
    + _sum("k")
    + _sub("u", "k")
    + LOG
    + _over(_sub("u", "k"), _sub("p", "k")),
    "bce": _i("ℓ")
    + _o("=")
    + MINUS
    + _i("t")
    + LOG
    + _i("y")
    + _o("−", "(")
    + _n("1")
    + _o("−")
    + _i("t")
    + _o(")")
    + LOG
    + _o("(")
    + _n("1")
    + _o("−")
    + _i("y")
    + _o(")"),
    "softmax": _sub("p", "k")
    + _o("=")
    + _over(f"<msup>{_i('e')}{_sub('z', 'k')}</msup>", _sum("j") + EXP_Z),
    "cross_entropy": _i("ℓ")
    + _o("=")
    + MINUS
    + LOG
    + _sub("p", "t")
    + _o("=")
    + LOG
    + _sum("j")
    + EXP_Z
    + _o("−")
    + _sub("z", "t"),
    "mse": _i("ℓ")
    + _o("=")
    + _over(_n("1"), _i("n"))
    + _sum("i")
    + _o("(")
    + _sub("a", "i")
    + _o("−")
    + _sub("b", "i")
    + f"<msup>{_o(')')}{_n('2')}</msup>",
}


def mathml(step: str) -> str:
    """A step's formula as one MathML element, with its text for readers without MathML.

    >>> mathml("self_information")[:32]
    '<math display="block" alttext="I'
    """
    return f'<math display="block" alttext="{TEXT[step]}"><mrow>{MATHML[step]}</mrow></math>'
