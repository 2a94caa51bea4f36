"""torch's random numbers by hand: the Mersenne Twister, and Box and Muller's normal numbers."""

import math
from typing import Any

WORDS = 624


class Twister:
    """The stream that ``torch.manual_seed(seed)`` starts on the CPU, in plain Python.

    Small draws only: from 16 numbers on, torch fills normal tensors in another order.
    ``functions`` computes the normal numbers: ``math``, or mpmath's context at 50 digits.
    Reference: Matsumoto and Nishimura (1998), Mersenne Twister.

    >>> f"{Twister(70).uniform():.4f}"
    '0.4350'
    """

    def __init__(self, seed: int, functions: Any = math) -> None:
        self._f = functions
        self._state = [seed & 0xFFFFFFFF]
        for i in range(1, WORDS):
            last = self._state[-1]
            self._state.append((1812433253 * (last ^ (last >> 30)) + i) & 0xFFFFFFFF)
        self._at = WORDS
        self._spare: Any = None

    def word(self) -> int:
        """The next 32 random bits."""
        if self._at == WORDS:
            self._stir()
        y = self._state[self._at]
        self._at += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C5680
        y ^= (y << 15) & 0xEFC60000
        return y ^ (y >> 18)

    def _stir(self) -> None:
        s = self._state
        for i in range(WORDS):
            y = (s[i] & 0x80000000) | (s[(i + 1) % WORDS] & 0x7FFFFFFF)
            s[i] = s[(i + 397) % WORDS] ^ (y >> 1) ^ (0x9908B0DF if y & 1 else 0)
        self._at = 0

    def uniform(self) -> float:
        """What ``torch.rand`` draws in float32: 24 bits, so exactly representable."""
        return (self.word() & 0xFFFFFF) / 2**24

    def fraction(self) -> float:
        """53 bits in [0, 1): the raw material of a normal number."""
        high, low = self.word(), self.word()
        return ((high << 32 | low) & (2**53 - 1)) / 2**53

    def normal(self) -> Any:
        """What ``torch.randn`` draws before it rounds: cosine now, sine the next time."""
        if self._spare is not None:
            value, self._spare = self._spare, None
            return value
        f = self._f
        angle, share = 2 * f.pi * self.fraction(), self.fraction()
        radius = f.sqrt(-2 * f.log1p(-share))
        self._spare = radius * f.sin(angle)
        return radius * f.cos(angle)


def seed_70_stream(functions: Any = math) -> list[Any]:
    """The study's 63 draws from seed 70: 10 uniform numbers, then 53 normal ones.

    >>> [f"{value:.4f}" for value in seed_70_stream()[-4:]]
    ['0.3460', '-0.1633', '-0.5894', '-1.5458']
    """
    stream = Twister(70, functions)
    uniforms: list[Any] = [stream.uniform() for _ in range(10)]
    return uniforms + [stream.normal() for _ in range(53)]
