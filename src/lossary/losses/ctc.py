"""Connectionist temporal classification: the surprise of a label sequence without alignment."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lossary.core import checks
from lossary.core.dtypes import accumulation_dtype, autocast_dtype, wide_dtype
from lossary.core.errors import DomainError, DtypeError, ShapeError, teach
from lossary.core.reduction import check_reduction, reduce
from lossary.core.transforms import reason_not_plain
from lossary.kernels.formula import Formula
from lossary.kernels.select import evaluate
from lossary.losses._module import ShowsSettings

WHERE = "ctc_loss"

# Stands for log 0 inside the recursion: exp of it is 0, and unlike -inf its differences are
# numbers, so that no path of probability 0 turns a gradient into NaN.
NOTHING = -1e30

Lengths = Tensor | Sequence[int]


def ctc_losses(x: Tensor, labels: Tensor, frames: Tensor, lengths: Tensor, blank: int) -> Tensor:
    """The forward recursion over ``blank y1 blank y2 ... blank``; x is (N, T, C)."""
    states = _with_blanks(labels, blank, x.shape[2])
    scores = _scores(x, states)
    return -_log_likelihood(_forward(scores, states, frames, blank, _log_sum)[-1], frames, lengths)


def ctc_kernel(
    wanted: tuple[int, ...], x: Tensor, labels: Tensor, frames: Tensor, lengths: Tensor, blank: int
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The same; the slope is minus the posterior, from the recursion run in both directions."""
    states = _with_blanks(labels, blank, x.shape[2])
    scores = _scores(x.to(wide_dtype(x)), states)
    if not wanted:
        alpha = _forward(scores, states, frames, blank, _log_sum_of_three)[-1]
        return -_log_likelihood(alpha, frames, lengths), ()
    rows, steps, positions = scores.shape
    moments, places = (torch.arange(n, device=x.device) for n in (steps, positions))
    time = (frames.unsqueeze(1) - 1 - moments).clamp_min(0).unsqueeze(2)
    place = (2 * lengths.unsqueeze(1) - places).clamp_min(0)

    def read_back(t: Tensor) -> Tensor:
        t = t.gather(1, time.expand(-1, -1, positions))
        return t.gather(2, place.unsqueeze(1).expand(-1, steps, -1))

    # Backward is forward over each sequence read from its own end: both run as one batch.
    both = torch.cat((scores, read_back(scores)))
    both_states = torch.cat((states, states.gather(1, place)))
    walk = _forward(both, both_states, frames.repeat(2), blank, _log_sum_of_three)
    alphas = torch.stack(walk, 1)
    found = _log_likelihood(alphas[:rows, -1], frames, lengths)
    betas = read_back(alphas[rows:])
    log_posterior = betas.add_(alphas[:rows]).sub_(scores).sub_(found.view(-1, 1, 1))
    reachable = (moments < frames.unsqueeze(1)).unsqueeze(2)
    reachable = reachable & (places <= 2 * lengths.unsqueeze(1)).unsqueeze(1)
    reachable &= found.isfinite().view(-1, 1, 1)
    posterior = log_posterior.exp_().masked_fill_(~reachable, 0)
    index = states.unsqueeze(1).expand(-1, steps, -1)
    slope = posterior.new_zeros(x.shape).scatter_add_(2, index, posterior)
    return -found, (slope.neg_(),)


def _with_blanks(labels: Tensor, blank: int, classes: int) -> Tensor:
    # Padding may hold anything; what lies beyond a target's end is never reached.
    labels = labels.clamp(0, classes - 1)
    states = torch.stack((torch.full_like(labels, blank), labels), 2).flatten(1)
    return torch.nn.functional.pad(states, (0, 1), value=blank)


def _scores(x: Tensor, states: Tensor) -> Tensor:
    """The log-probability of each state at each frame, (N, T, states)."""
    return x.gather(2, states.unsqueeze(1).expand(-1, x.shape[1], -1)).clamp_min(NOTHING)


def _log_sum(*terms: Tensor) -> Tensor:
    """The logarithm of the terms' sum; its second derivative is finite at NOTHING too."""
    return torch.stack(terms).logsumexp(0)


def _log_sum_of_three(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """The same without a copy, for kernels, which are not differentiated."""
    return torch.logaddexp(a, torch.logaddexp(b, c))


def _forward(
    scores: Tensor, states: Tensor, frames: Tensor, blank: int, merge: Callable[..., Tensor]
) -> list[Tensor]:
    """Log-probabilities of the frames so far, by the state they end in; still after the last."""
    # A state may be entered from two before if that skips a blank between unequal labels.
    skips = (states[:, 2:] != blank) & (states[:, 2:] != states[:, :-2])
    may_skip = torch.nn.functional.pad(skips, (min(2, states.shape[1]), 0))
    toll = torch.zeros_like(scores[:, 0]).masked_fill(~may_skip, NOTHING)
    position = torch.arange(states.shape[1], device=scores.device)
    first = (position < 2) & (frames > 0).unsqueeze(1)
    alphas = [torch.where(first, scores[:, 0], NOTHING)]
    running = torch.arange(scores.shape[1], device=scores.device) < frames.unsqueeze(1)
    for score, runs in zip(scores.unbind(1)[1:], running.unbind(1)[1:], strict=True):
        before = torch.nn.functional.pad(alphas[-1], (2, 0), value=NOTHING)
        step = merge(alphas[-1], before[:, 1:-1], before[:, :-2] + toll) + score
        alphas.append(torch.where(runs.unsqueeze(1), step, alphas[-1]))
    return alphas


def _log_likelihood(alpha: Tensor, frames: Tensor, lengths: Tensor) -> Tensor:
    last = 2 * lengths.unsqueeze(1)
    position = torch.arange(alpha.shape[1], device=alpha.device)
    ends = torch.where((position == last) | (position == last - 1), alpha, NOTHING)
    found = ends.logsumexp(1)
    empty = (frames == 0) & (lengths == 0)
    return torch.where(empty, 0, torch.where(found < NOTHING / 10, -torch.inf, found))


CTC = Formula(ctc_losses, ctc_kernel, elementwise=False)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    r"""Surprise, in nats, of a label sequence, summed over all its alignments to the frames.

    .. math:: \ell = -\log\sum_{\pi \in B^{-1}(y)}\prod_t p_t(\pi_t)

    The gradient is that of this number with respect to ``log_probs``: minus the posterior of
    each label at each frame. (torch's adds ``exp(log_probs)``, which log_softmax removes
    again; the gradient of the scores behind a log_softmax is the same.)

    Shape: ``log_probs`` (T, N, C) or (T, C); ``targets`` (N, S), (S) or all concatenated;
    lengths (N) or numbers.
    Dtype: floating ``log_probs``, integer targets and lengths.
    Units: nats; ``mean`` divides each loss by its target's length, then by N.
    Raises: ShapeError, DtypeError, DeviceError, DomainError, OptionError.
    Reference: Graves et al. (2006), Connectionist temporal classification.

    >>> x = torch.full((2, 1, 2), 0.5).log()
    >>> ctc_loss(x, torch.tensor([[1]]), [2], [1], reduction="sum")
    tensor(0.2877)
    """
    check_reduction(WHERE, reduction)
    checks.check_floating(WHERE, "log_probs", log_probs)
    checks.check_class_dtype(WHERE, targets)
    if log_probs.dim() not in (2, 3):
        came = f"got log_probs of shape {checks.shape(log_probs)}"
        raise ShapeError(teach(WHERE, came, "(T, N, C), or (T, C) for one sequence"))
    batched = log_probs.dim() == 3
    dtype = autocast_dtype(log_probs)
    x = log_probs.to(accumulation_dtype(dtype))
    x = x.transpose(0, 1) if batched else x.unsqueeze(0)
    frames, lengths = (
        _as_lengths(name, n, x)
        for name, n in (("input_lengths", input_lengths), ("target_lengths", target_lengths))
    )
    _check_lengths(x, targets, frames, lengths, blank)
    labels = _padded(targets.long(), lengths, x.shape[0])
    losses = evaluate(CTC, (x, labels, frames, lengths), {"blank": blank}, "none")
    if zero_infinity:
        losses = losses.masked_fill(losses == torch.inf, 0)
    if reduction == "mean":
        losses = losses / lengths.clamp_min(1)
    return reduce(losses if batched else losses.squeeze(0), reduction).to(dtype)


def _as_lengths(name: str, given: Lengths, x: Tensor) -> Tensor:
    lengths = torch.as_tensor(given, device=x.device)
    if lengths.is_floating_point() or lengths.is_complex():
        came = f"{name} must be integral, got {lengths.dtype}"
        raise DtypeError(teach(WHERE, came, "whole numbers", "lengths as shares", f"{name}.long()"))
    return lengths.long().reshape(-1)


def _padded(targets: Tensor, lengths: Tensor, rows: int) -> Tensor:
    """Targets as (N, S), whichever way they came."""
    if targets.dim() == 2:
        return targets
    if rows == 1:
        return targets.reshape(1, -1)
    # Where lengths may not be read, no sequence is longer than all of them together.
    traced = reason_not_plain(targets, lengths) is not None
    width = targets.numel() if traced or not rows else int(lengths.max())
    starts = (lengths.cumsum(0) - lengths).unsqueeze(1)
    places = starts + torch.arange(width, device=targets.device)
    return targets[places.clamp(max=targets.numel() - 1)] if targets.numel() else places


def _check_lengths(x: Tensor, targets: Tensor, frames: Tensor, lengths: Tensor, blank: int) -> None:
    rows, steps, classes = x.shape
    came = ""
    if not 0 <= blank < classes:
        came = f"blank must be in label range [0, {classes}), got {blank}"
    elif frames.numel() != rows or lengths.numel() != rows:
        came = (
            f"input_lengths and target_lengths must be of size batch_size {rows},"
            f" got {frames.numel()} and {lengths.numel()}"
        )
    elif targets.dim() == 2 and targets.shape[0] != rows:
        came = f"got {targets.shape[0]} rows of targets for a batch of {rows}"
    if came:
        expected = "log_probs (T, N, C), targets (N, S), one length each per sequence"
        fix = "log_probs.transpose(0, 1)"
        raise ShapeError(teach(WHERE, came, expected, "a batch that comes first", fix))
    if not checks.readable(frames, lengths, targets) or not rows:
        return
    concatenated = targets.dim() == 1 and rows > 1
    longest = targets.shape[1] if targets.dim() == 2 else int(targets.numel())
    total = int(lengths.max()) if targets.dim() == 2 else int(lengths.sum())
    if int(frames.max()) > steps or int(frames.min()) < 0:
        came = f"Expected input_lengths to have value at most {steps}, got {int(frames.max())}"
    elif total > longest or int(lengths.min()) < 0 or (concatenated and total != longest):
        came = f"Expected target_lengths to fit targets of {longest} labels, got {total}"
    elif targets.numel() and bool((targets.aminmax()[1] >= classes) | (targets.amin() < 0)):
        _check_labels(targets, lengths, classes)
    if came:
        raise DomainError(teach(WHERE, came, "lengths within the tensors they describe"))


def _check_labels(targets: Tensor, lengths: Tensor, classes: int) -> None:
    """Refuse labels that name no class; padding beyond a target's length may hold anything."""
    used = targets
    if targets.dim() == 2:
        places = torch.arange(targets.shape[1], device=targets.device)
        used = targets[places < lengths.unsqueeze(1)]
    checks.check_class_indices(WHERE, used, classes, ignore_index=-(2**63))


class CTCLoss(ShowsSettings, torch.nn.CTCLoss):
    """Module of :func:`ctc_loss`, with the same keywords.

    >>> CTCLoss()
    CTCLoss(reduction='mean', blank=0, zero_infinity=False)
    """

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Lengths, target_lengths: Lengths
    ) -> Tensor:
        """See :func:`ctc_loss`."""
        return ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )
