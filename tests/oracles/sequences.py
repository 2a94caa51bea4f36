"""CTC: the summed probability of every alignment that spells the target."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import mpf
from torch import Tensor

from tests.oracles.answer import Answer, answer
from tests.oracles.dual import INF, ZERO, Dual, exp, leaves, log, total


def ctc_loss(tensors: tuple[Tensor, ...], blank: int = 0, zero_infinity: bool = False) -> Answer:
    """-log of the summed alignments; its slope is minus the posterior of each label and frame."""
    log_probs, targets, input_lengths, target_lengths = tensors
    x = leaves(log_probs, 0)
    batched = x.ndim == 3
    x = x if batched else x[:, None, :]
    frames = [int(v) for v in input_lengths.reshape(-1).tolist()]
    lengths = [int(v) for v in target_lengths.reshape(-1).tolist()]
    labels = _split(targets, lengths)
    items = []
    for i, (t, word) in enumerate(zip(frames, labels, strict=True)):
        p = alignment_probability(x[:t, i], word, blank)
        impossible = p.value == 0
        if impossible:
            items.append(Dual(ZERO if zero_infinity else INF))
        else:
            items.append(-log(p))
    shares = [mpf(1) / (max(n, 1) * len(items)) for n in lengths]
    array = np.array(items, dtype=object)
    return answer(array if batched else array.reshape(()), mean_weights=shares)


def _split(targets: Tensor, lengths: list[int]) -> list[list[int]]:
    if targets.dim() == 2:
        return [r[:n] for r, n in zip(targets.tolist(), lengths, strict=True)]
    flat, words = targets.tolist(), []
    for n in lengths:
        words.append(flat[:n])
        flat = flat[n:]
    return words


def alignment_probability(x: Any, word: list[int], blank: int) -> Dual:
    """The forward algorithm over the word with a blank around every label."""
    path = [blank]
    for label in word:
        path += [label, blank]
    alpha: list[Dual] = [Dual(mpf(1))] + [Dual(ZERO)] * (len(path) - 1)
    # Before the first frame all mass stands at a virtual state that reaches path[0] and path[1].
    for t, frame in enumerate(x):
        now = []
        for s, label in enumerate(path):
            if t == 0:
                came = Dual(mpf(1)) if s < 2 else Dual(ZERO)
            else:
                skip = s >= 2 and label != blank and label != path[s - 2]
                came = total(alpha[s - k] for k in range(3 if skip else 2) if s - k >= 0)
            now.append(came * exp(frame[label]))
        alpha = now
    return total(alpha[-2:])
