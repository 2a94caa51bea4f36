"""Entropies, conjugates and predictions at 50 digits, from their definitions alone."""

from collections.abc import Callable
from dataclasses import dataclass

from mpmath import exp, log, mp, mpf

mp.dps = max(mp.dps, 50)

Numbers = list[mpf]


@dataclass(frozen=True)
class Truth:
    """Omega and the prediction; the loss follows from the definition of Fenchel and Young."""

    omega: Callable[[Numbers], mpf]
    predict: Callable[[Numbers], Numbers]

    def conjugate(self, theta: Numbers) -> mpf:
        """The supremum, which is reached at the prediction."""
        p = self.predict(theta)
        return mp.fsum(a * b for a, b in zip(theta, p, strict=True) if b) - self.omega(p)

    def loss(self, theta: Numbers, y: Numbers) -> mpf:
        inner = mp.fsum(a * b for a, b in zip(theta, y, strict=True) if b)
        return self.conjugate(theta) + self.omega(y) - inner

    def gradient(self, theta: Numbers, y: Numbers) -> Numbers:
        return [a - b for a, b in zip(self.predict(theta), y, strict=True)]


def times_log(v: mpf) -> mpf:
    return v * log(v) if v else mpf(0)


def softmax(theta: Numbers) -> Numbers:
    weights = [exp(t - max(theta)) for t in theta]
    return [w / sum(weights) for w in weights]


def entmax(alpha: float) -> Callable[[Numbers], Numbers]:
    """By trying every support size on the sorted scores, and bisecting within it."""
    # A probability of 1e-6 leaves 1e-6 ** (alpha - 1) of the scores' scale above the threshold.
    digits = max(50, int(7 * alpha))

    def predict(theta: Numbers) -> Numbers:
        with mp.workdps(digits):
            a = mpf(alpha)
            z = [(a - 1) * (t - max(theta)) for t in theta]

            def at(tau: mpf) -> Numbers:
                return [(v - tau) ** (1 / (a - 1)) if v > tau else mpf(0) for v in z]

            low, high = mpf(-1), mpf(0)
            for _ in range(int(3.4 * digits)):
                middle = (low + high) / 2
                low, high = (middle, high) if sum(at(middle)) >= 1 else (low, middle)
            return at(low)

    return predict


def entmax_gradient(alpha: float, p: Numbers, upstream: Numbers) -> Numbers:
    """``s_i (u_i - sum s u / sum s)`` with ``s = p ** (2 - alpha)`` on the support."""
    with mp.workdps(max(50, int(7 * alpha))):
        s = [v ** (2 - mpf(alpha)) if v else mpf(0) for v in p]
        mean = mp.fdot(s, upstream) / mp.fsum(s)
        return [a * (u - mean) for a, u in zip(s, upstream, strict=True)]


def tsallis(alpha: float) -> Truth:
    a = mpf(alpha)
    return Truth(lambda p: (mp.fsum(v**a for v in p if v) - 1) / (a * (a - 1)), entmax(alpha))


SQUARED = Truth(lambda p: mp.fsum(v * v for v in p) / 2, lambda t: t)
BERNOULLI = Truth(
    lambda p: mp.fsum(times_log(v) + times_log(1 - v) for v in p),
    lambda t: [1 / (1 + exp(-v)) for v in t],
)
SHANNON = Truth(lambda p: mp.fsum(times_log(v) for v in p), softmax)
POISSON = Truth(lambda p: mp.fsum(times_log(v) - v for v in p), lambda t: [exp(v) for v in t])
BURG = Truth(lambda p: mp.fsum(-log(v) for v in p), lambda t: [-1 / v for v in t])
