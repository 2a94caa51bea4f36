"""What each measure is, at 50 digits, from the textbook; with its gradient, written out.

Nothing here is shared with the code under test. A measure is given as a function of two lists
of probabilities that returns its value and its partial derivatives by every ``p_i`` and
``q_i``; :func:`by_entries` carries those on to log-probabilities or logits.
"""

from collections.abc import Callable

from mpmath import inf, log, mp, mpf, sign, sqrt

mp.dps = max(mp.dps, 50)

Numbers = list[mpf]
Answer = tuple[mpf, Numbers, Numbers]
Measure = Callable[[Numbers, Numbers], Answer]


def probabilities(kind: str, entries: list[float]) -> Numbers:
    """The probabilities that floats stand for; only logits are normalised."""
    x = [mpf(v) for v in entries]
    if kind == "probs":
        return x
    if kind == "logprobs":
        return [mp.exp(v) for v in x]
    top = max(x)
    weights = [mp.exp(v - top) for v in x]
    return [w / sum(weights) for w in weights]


def by_entries(kind: str, p: Numbers, slopes: Numbers) -> Numbers:
    """The gradient by what was given, from the gradient by probabilities."""
    if kind == "probs":
        return slopes
    carried = [a * b if a else mpf(0) for a, b in zip(p, slopes, strict=True)]
    if kind == "logprobs":
        return carried
    return [c - a * sum(carried) for a, c in zip(p, carried, strict=True)]


def total(p: Numbers, q: Numbers, term: Callable[[mpf, mpf], mpf]) -> mpf:
    return mp.fsum(term(a, b) for a, b in zip(p, q, strict=True))


def slopes(p: Numbers, q: Numbers, term: Callable[[mpf, mpf], mpf]) -> Numbers:
    """A partial derivative for every outcome; 0 where 0 log 0 leaves none."""
    return [term(a, b) for a, b in zip(p, q, strict=True)]


def entropy(p: Numbers, q: Numbers) -> Answer:
    value = total(p, q, lambda a, _: -a * log(a) if a else mpf(0))
    return value, slopes(p, q, lambda a, _: -log(a) - 1 if a else mpf(0)), []


def perplexity(p: Numbers, q: Numbers) -> Answer:
    value, by_p, _ = entropy(p, q)
    return mp.exp(value), [mp.exp(value) * s for s in by_p], []


def log_of_sum(gap: mpf, textbook: mpf) -> tuple[mpf, mpf, int]:
    """Logarithm, its slope, and whether the sum is counted from 1 (as the docstrings say).

    For exact distributions the two ways are one; they differ by the rounding of a row's sum.
    """
    if abs(gap) < 0.5:
        return log(1 + gap), 1 / (1 + gap), 1
    return (log(textbook), 1 / textbook, 0) if textbook else (-inf, mpf(0), 0)


def renyi_entropy(alpha: float) -> Measure:
    def measure(p: Numbers, q: Numbers) -> Answer:
        a = mpf(alpha)
        if alpha == inf:
            top = max(p)
            return -log(top), [-1 / top if v == top else mpf(0) for v in p], []
        if alpha == 0:
            return log(sum(1 for v in p if v)), [mpf(0)] * len(p), []
        power = mp.fsum(v**a for v in p if v)
        logged, slope, counted = log_of_sum(power - sum(p), power)
        slope /= 1 - a
        by_p = [slope * (a * v ** (a - 1) - counted) if v or a > 1 else mpf(0) for v in p]
        return logged / (1 - a), by_p, []

    return measure


def tsallis_entropy(alpha: float) -> Measure:
    def measure(p: Numbers, q: Numbers) -> Answer:
        a = mpf(alpha)
        value = mp.fsum(v - v**a for v in p if v) / (a - 1)
        return value, [(1 - a * v ** (a - 1)) / (a - 1) if v or a > 1 else mpf(0) for v in p], []

    return measure


def cross_entropy(p: Numbers, q: Numbers) -> Answer:
    def term(a: mpf, b: mpf) -> mpf:
        return (-a * log(b) if b else inf) if a else mpf(0)

    by_p = slopes(p, q, lambda a, b: -log(b) if b else mpf(0))
    return total(p, q, term), by_p, slopes(p, q, lambda a, b: -a / b if a else mpf(0))


def kl(p: Numbers, q: Numbers) -> Answer:
    def term(a: mpf, b: mpf) -> mpf:
        if not a:
            return b
        return a * log(a / b) - a + b if b else inf

    by_p = slopes(p, q, lambda a, b: log(a / b) if a and b else mpf(0))
    return total(p, q, term), by_p, slopes(p, q, lambda a, b: 1 - a / b if b else mpf(0))


def reversed_kl(p: Numbers, q: Numbers) -> Answer:
    value, by_q, by_p = kl(q, p)
    return value, by_p, by_q


def jensen_shannon(weight: float) -> Measure:
    w = mpf(weight)

    def measure(p: Numbers, q: Numbers) -> Answer:
        def part(a: mpf, m: mpf) -> mpf:
            return a * log(a / m) if a else mpf(0)

        def term(a: mpf, b: mpf) -> mpf:
            m = w * a + (1 - w) * b
            return w * part(a, m) + (1 - w) * part(b, m)

        by_p = slopes(p, q, lambda a, b: w * log(a / (w * a + (1 - w) * b)) if a else mpf(0))
        by_q = slopes(p, q, lambda a, b: (1 - w) * log(b / (w * a + (1 - w) * b)) if b else mpf(0))
        return total(p, q, term), by_p, by_q

    return measure


def alpha_divergence(alpha: float) -> Measure:
    if alpha == 1:
        return kl
    if alpha == 0:
        return reversed_kl
    a = mpf(alpha)

    def term(x: mpf, y: mpf) -> mpf:
        if (not y and x and a > 1) or (not x and y and a < 0):
            return inf
        mixed = x**a * y ** (1 - a) if x and y else mpf(0)
        return (mixed - a * x - (1 - a) * y) / (a * (a - 1))

    def slope_by_p(x: mpf, y: mpf) -> mpf:
        if not y or (not x and a < 1):
            # With q = 0 the term is linear in p; both 0, or p = 0 below order 1: none.
            return 1 / (1 - a) if x else mpf(0)
        return (x ** (a - 1) * y ** (1 - a) - 1) / (a - 1)

    def slope_by_q(x: mpf, y: mpf) -> mpf:
        if not x or (not y and a > 0):
            return 1 / a if y else mpf(0)
        return (1 - x**a * y ** (-a)) / a

    def measure(p: Numbers, q: Numbers) -> Answer:
        return total(p, q, term), slopes(p, q, slope_by_p), slopes(p, q, slope_by_q)

    return measure


def chi_squared(p: Numbers, q: Numbers) -> Answer:
    value, by_p, by_q = alpha_divergence(2)(p, q)
    return 2 * value, [2 * s for s in by_p], [2 * s for s in by_q]


def hellinger(p: Numbers, q: Numbers) -> Answer:
    square = total(p, q, lambda a, b: (sqrt(a) - sqrt(b)) ** 2 / 2)
    h = sqrt(square)
    if not h:
        return h, [mpf(0)] * len(p), [mpf(0)] * len(p)

    def slope(a: mpf, b: mpf) -> mpf:
        return (1 - sqrt(b / a)) / (4 * h) if a else mpf(0)

    return h, slopes(p, q, slope), slopes(p, q, lambda a, b: slope(b, a))


def total_variation(p: Numbers, q: Numbers) -> Answer:
    by_p = slopes(p, q, lambda a, b: sign(a - b) / 2)
    by_q = slopes(p, q, lambda a, b: sign(b - a) / 2)
    return total(p, q, lambda a, b: abs(a - b) / 2), by_p, by_q


def renyi_divergence(alpha: float) -> Measure:
    a = mpf(alpha)

    def measure(p: Numbers, q: Numbers) -> Answer:
        if alpha == 1:
            return kl(p, q)
        if any(x and not y for x, y in zip(p, q, strict=True)) and a > 1:
            return inf, [], []
        power = mp.fsum(x**a * y ** (1 - a) for x, y in zip(p, q, strict=True) if x and y)
        gap = power - a * sum(p) - (1 - a) * sum(q)
        logged, slope, counted = log_of_sum(gap, power)
        if logged == -inf:
            return inf, [], []
        c = slope / (a - 1)

        def by_p(x: mpf, y: mpf) -> mpf:
            if not y or (not x and a < 1):
                return -c * a * counted if x else mpf(0)
            return c * a * (x ** (a - 1) * y ** (1 - a) - counted)

        def by_q(x: mpf, y: mpf) -> mpf:
            return c * (1 - a) * ((x**a * y ** (-a) if x else 0) - counted) if y else mpf(0)

        return logged / (a - 1), slopes(p, q, by_p), slopes(p, q, by_q)

    return measure


def bhattacharyya(p: Numbers, q: Numbers) -> Answer:
    value, by_p, by_q = renyi_divergence(0.5)(p, q)
    return value / 2, [s / 2 for s in by_p], [s / 2 for s in by_q]


def mutual_information(table: list[Numbers]) -> tuple[mpf, list[Numbers]]:
    """Of a joint table of rows; the slope is by each cell, up to a constant."""
    rows = [mp.fsum(r) for r in table]
    columns = [mp.fsum(c) for c in zip(*table, strict=True)]
    value = mp.fsum(
        v * log(v / (rows[i] * columns[j])) if v else mpf(0)
        for i, r in enumerate(table)
        for j, v in enumerate(r)
    )
    by_cell = [
        [log(v / (rows[i] * columns[j])) if v else mpf(0) for j, v in enumerate(r)]
        for i, r in enumerate(table)
    ]
    return value, by_cell


def conditional_entropy(table: list[Numbers]) -> tuple[mpf, list[Numbers]]:
    rows = [mp.fsum(r) for r in table]
    by_cell = [[-log(v / rows[i]) if v else mpf(0) for v in r] for i, r in enumerate(table)]
    value = mp.fsum(
        v * s
        for r, cells in zip(table, by_cell, strict=True)
        for v, s in zip(r, cells, strict=True)
    )
    return value, by_cell
