"""Numbers of losses over classes against scikit-learn, scipy, numpy and mpmath."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss

import lossary
from lossary.core.errors import DomainError, LossaryError, OptionError
from lossary.explain import Explanation, explain

ROWS, CLASSES = 300, 7


def scores(seed: int = 0, spread: float = 2.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = spread * torch.randn(ROWS, CLASSES, generator=generator, dtype=torch.float64)
    y = torch.randint(CLASSES, (ROWS,), generator=generator)
    right = torch.rand(ROWS, generator=generator) < 0.6
    x[right, y[right]] += 4
    return x, y


def of_classes(found: Explanation) -> Any:
    assert found.classification is not None
    return found.classification


def test_value_accuracy_and_confusion_are_scikit_learns() -> None:
    x, y = scores()
    found = explain(torch.nn.CrossEntropyLoss(), x, y)
    it = of_classes(found)
    p = x.softmax(1).numpy()
    assert found.value == pytest.approx(log_loss(y, p), rel=1e-12)
    assert it.bits == pytest.approx(found.value / math.log(2), rel=1e-12)
    assert it.perplexity == pytest.approx(math.exp(found.value), rel=1e-12)
    assert it.accuracy == accuracy_score(y, p.argmax(1))
    table = confusion_matrix(y, p.argmax(1))
    cells = {(int(c.target), int(c.prediction)): c.examples for c in it.confusion}
    assert cells == {(i, j): int(n) for (i, j), n in np.ndenumerate(table) if n}


def test_guesses() -> None:
    x, y = scores()
    base = of_classes(explain("cross_entropy", x, y)).baselines
    frequency = np.bincount(y, minlength=CLASSES) / ROWS
    assert base.chance_nats == pytest.approx(math.log(CLASSES), rel=1e-12)
    always = log_loss(y, np.tile(frequency, (ROWS, 1)), labels=range(CLASSES))
    assert base.frequency_nats == pytest.approx(always, rel=1e-12)
    assert base.entropy_nats == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_entropy_and_kl_add_up_to_the_loss(smoothing: float, weighted: bool, kind: str) -> None:
    x, y = scores(1)
    weight = torch.rand(CLASSES, dtype=torch.float64) + 0.5 if weighted else None
    target = y if kind == "hard" else scores(2)[0].softmax(1)
    settings: dict[str, Any] = {"weight": weight, "label_smoothing": smoothing}
    found = explain("cross_entropy", x, target, **settings)
    base = of_classes(found).baselines
    assert found.value == pytest.approx(
        float(torch.nn.functional.cross_entropy(x, target, **settings)), rel=1e-12
    )
    assert base.entropy_nats + base.kl_nats == pytest.approx(found.value, rel=1e-9)
    # No prediction is better than the targets' own, weighted, distribution.
    share = functional_mass(target, smoothing, weight)
    best = float(torch.nn.functional.cross_entropy(share.log(), target, **settings))
    assert base.entropy_nats == pytest.approx(best, rel=1e-9, abs=1e-12)


def functional_mass(
    target: torch.Tensor, smoothing: float, weight: torch.Tensor | None
) -> torch.Tensor:
    q = target
    if target.dim() == 1:
        q = torch.nn.functional.one_hot(target, CLASSES).double()
    mass = q * (1 - smoothing) + smoothing / CLASSES
    mass = mass if weight is None else mass * weight
    return mass / mass.sum(1, keepdim=True)


def test_the_decomposition_to_fifty_digits() -> None:
    x, q = [[3.0, -2.0, 40.0], [0.5, 0.25, -1.0]], [[0.2, 0.3, 0.5], [0.0, 0.9, 0.1]]
    scores_and_targets = (torch.tensor(t, dtype=torch.float64) for t in (x, q))
    found = of_classes(explain("cross_entropy", *scores_and_targets))
    with mpmath.workdps(50):
        entropy = kl = mpmath.mpf(0)
        for scores_, target in zip(x, q, strict=True):
            lse = mpmath.log(mpmath.fsum(mpmath.e**s for s in scores_))
            for s, t in zip(scores_, map(mpmath.mpf, target), strict=True):
                if t:
                    entropy -= t * mpmath.log(t) / 2
                    kl += t * (mpmath.log(t) - s + lse) / 2
    assert found.baselines.entropy_nats == pytest.approx(float(entropy), rel=1e-13)
    assert found.baselines.kl_nats == pytest.approx(float(kl), rel=1e-13)


def test_equal_mass_calibration_and_best_temperature() -> None:
    x, y = scores(3)
    it = of_classes(explain("cross_entropy", x, y)).calibration
    p = x.softmax(1).numpy()
    sure, right = p.max(1), p.argmax(1) == y.numpy()
    order = np.argsort(sure)
    parts = np.array_split(order, 15)
    error = sum(len(k) * abs(sure[k].mean() - right[k].mean()) for k in parts) / ROWS
    assert it.expected_error == pytest.approx(error, rel=1e-12)
    assert [b.examples for b in it.bins] == [len(k) for k in parts]

    def at(temperature: float) -> float:
        return -float(log_softmax(x.numpy() / temperature, 1)[np.arange(ROWS), y].mean())

    best = minimize_scalar(at, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-10})
    assert it.temperature == pytest.approx(best.x, rel=1e-5)
    assert it.temperature_nats == pytest.approx(best.fun, rel=1e-9)


def test_no_temperature_fits_what_is_always_right() -> None:
    x = 3 * torch.eye(4)
    assert of_classes(explain("cross_entropy", x, torch.arange(4))).calibration.temperature is None


def test_by_class() -> None:
    x, y = scores(4)
    rows = of_classes(explain("cross_entropy", x, y)).per_class
    nats = torch.nn.functional.cross_entropy(x, y, reduction="none")
    p = x.softmax(1)
    slope = (p - torch.nn.functional.one_hot(y, CLASSES)).abs()
    for k, row in enumerate(rows):
        mine = y == k
        assert row.examples == int(mine.sum())
        assert row.loss_share == pytest.approx(float(nats[mine].sum() / nats.sum()), rel=1e-9)
        assert row.truth_probability == pytest.approx(float(p[mine, k].mean()), rel=1e-9)
        assert row.recall == pytest.approx(float((p.argmax(1) == y)[mine].double().mean()))
        share = float(slope[:, k].sum() / slope.sum())
        assert row.gradient_share == pytest.approx(share, rel=1e-9)


def test_the_hardest_come_first() -> None:
    x, y = scores(5)
    found = explain("cross_entropy", x, y, hardest=4)
    nats = torch.nn.functional.cross_entropy(x, y, reduction="none")
    assert [e.index for e in found.hardest] == nats.argsort(descending=True)[:4].tolist()
    assert [e.loss for e in found.hardest] == pytest.approx(nats.sort().values.flip(0)[:4].tolist())
    assert sum(b.examples for b in found.histogram) == ROWS
    assert sum(b.loss_share for b in found.histogram) == pytest.approx(1)


def test_saturated_predictions_are_those_that_torch_forgets() -> None:
    x = torch.linspace(0, 40, 400).unsqueeze(1) * torch.tensor([1.0, 0.0, 0.0])
    x.requires_grad_()
    y = torch.zeros(400, dtype=torch.long)
    torch.nn.functional.cross_entropy(x, y, reduction="sum").backward()
    assert x.grad is not None
    forgotten = int((x.grad[:, 0] == 0).sum())
    found = of_classes(explain("cross_entropy", x, y)).saturated
    assert 0 < forgotten < 400
    assert found == forgotten


def test_ignored_targets_count_nowhere() -> None:
    x, y = scores(6)
    y[::3] = 2
    found = explain("cross_entropy", x, y, ignore_index=2)
    kept = y != 2
    alone = explain("cross_entropy", x[kept], y[kept])
    assert (found.value, found.count.ignored) == (alone.value, int((~kept).sum()))
    assert kept[[e.index for e in found.hardest]].all()
    nothing = explain("cross_entropy", x, torch.full_like(y, 2), ignore_index=2)
    assert (nothing.value, nothing.count.examples) == (0, 0)
    assert len(nothing.sentences()) == 1


def test_classes_second_of_many_dimensions() -> None:
    x = torch.randn(4, 5, 3, 2, dtype=torch.float64)
    y = torch.randint(5, (4, 3, 2))
    flat = explain("cross_entropy", x.movedim(1, -1).reshape(-1, 5), y.flatten())
    assert explain("cross_entropy", x, y) == flat


def test_an_infinite_loss() -> None:
    x = torch.tensor([[0.0, -torch.inf], [1.0, 0.0]])
    found = explain("cross_entropy", x, torch.tensor([1, 0]))
    it = of_classes(found)
    assert (found.value, it.infinite, found.hardest[0].loss_share) == (math.inf, 1, 1.0)
    assert "infinite" in found.sentences()[0]
    assert "∞" in str(found)
    assert '"Infinity"' in found.to_json()


def test_log_likelihoods_and_a_linear_layer_say_the_same() -> None:
    x, y = scores(7)
    plain = explain("cross_entropy", x, y)
    logs = explain(torch.nn.NLLLoss(), x.log_softmax(1), y)
    assert logs.value == pytest.approx(plain.value, rel=1e-12)
    layer = explain("linear_cross_entropy", torch.eye(ROWS, dtype=torch.float64), y,
                    linear_weight=x.t())  # fmt: skip
    assert layer.value == pytest.approx(plain.value, rel=1e-12)
    module = lossary.nn.LinearCrossEntropyLoss(4, CLASSES, bias=True)
    z = torch.randn(20, 4)
    found = explain(module, z, y[:20])
    assert found.value == pytest.approx(float(module(z, y[:20]).detach()), rel=1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
def test_kl(reduction: str, log_target: bool) -> None:
    x, q = scores(8)[0].log_softmax(1), scores(9)[0].softmax(1)
    found = explain("kl_div", x, q.log() if log_target else q, reduction=reduction,
                    log_target=log_target)  # fmt: skip
    summed = float(torch.nn.functional.kl_div(x, q, reduction="sum"))
    value = summed / {"sum": 1, "batchmean": ROWS, "mean": ROWS * CLASSES}[reduction]
    assert found.value == pytest.approx(value, rel=1e-10)
    base = of_classes(found).baselines
    entropy = -float((q * q.log()).sum(1).mean())
    assert base.entropy_nats == pytest.approx(entropy, rel=1e-10)
    assert base.kl_nats == pytest.approx(found.mean, rel=1e-10)


@pytest.mark.parametrize("shape", [(200,), (50, 4), (10, 3, 2)])
@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_binary(shape: tuple[int, ...], name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    z = 2 * torch.randn(shape, generator=generator, dtype=torch.float64)
    t = torch.randint(2, shape, generator=generator).double()
    x = z if name.endswith("logits") else z.sigmoid()
    found = explain(name, x, t)
    it = of_classes(found)
    assert found.value == pytest.approx(float(getattr(torch.nn.functional, name)(x, t)), rel=1e-10)
    assert it.baselines.chance_nats == pytest.approx(math.log(2))
    hits = ((z > 0).double() == t).double().mean()
    assert it.accuracy == pytest.approx(float(hits))
    groups = shape[1] if len(shape) > 1 else 2
    assert len(it.per_class) == groups
    assert sum(row.loss_share for row in it.per_class) == pytest.approx(1)
    order = z.flatten().argsort().numpy()
    p, right = z.sigmoid().flatten().numpy(), t.flatten().numpy()
    parts = np.array_split(order, 15)
    error = sum(len(k) * abs(p[k].mean() - right[k].mean()) for k in parts) / len(p)
    assert it.calibration.expected_error == pytest.approx(error, rel=1e-9)


def test_positive_weights() -> None:
    z, t = torch.randn(40, 3).double(), torch.randint(2, (40, 3)).double()
    settings: dict[str, Any] = {
        "pos_weight": torch.rand(3).double() + 1,
        "weight": torch.rand(40, 3).double(),
    }
    found = explain(torch.nn.BCEWithLogitsLoss(**settings), z, t)
    value = float(torch.nn.functional.binary_cross_entropy_with_logits(z, t, **settings))
    assert found.value == pytest.approx(value, rel=1e-12)
    base = of_classes(found).baselines
    assert base.entropy_nats + base.kl_nats == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "settings", "error"),
    [
        ("cross_entropi", {}, OptionError),
        (torch.nn.Linear(2, 2), {}, OptionError),
        ("cross_entropy", {"gamma": 2}, OptionError),
        ("cross_entropy", {"language": "fr"}, OptionError),
        ("nll_loss", {}, DomainError),
        ("linear_cross_entropy", {}, OptionError),
    ],
)
def test_what_cannot_be_explained_is_refused(
    loss: Any, settings: dict[str, Any], error: type[LossaryError]
) -> None:
    x, y = scores()
    with pytest.raises(error, match="explain"):
        explain(loss, x, y, **settings)


def test_a_derived_loss_with_a_forward_of_its_own_is_not_taken_for_its_parent() -> None:
    class Focal(torch.nn.CrossEntropyLoss):
        def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return super().forward(input, target) ** 2

    with pytest.raises(OptionError, match="Focal"):
        explain(Focal(), *scores())


def test_a_score_that_is_nan_is_named() -> None:
    x, y = scores()
    x[17, 3] = torch.nan
    with pytest.raises(DomainError, match="example 17"):
        explain("cross_entropy", x, y)


def test_as_many_targets_as_predictions() -> None:
    x, y = scores()
    with pytest.raises(LossaryError, match="batch_size"):
        explain("cross_entropy", x, y[:-1])
