"""Settings of linear cross-entropy that torch lacks, and what its errors teach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import lossary.functional as F
import lossary.nn as nn
from lossary.core import checks
from lossary.core.errors import ClassIndexError, DtypeError, LossaryError, OptionError, ShapeError

INF, NAN = float("inf"), float("nan")
X, W = torch.randn(6, 4), torch.randn(5, 4)
Y = torch.tensor([0, 4, -100, 2, 2, 1])
NOTHING = torch.full((6,), -100)
BOTH = ["linear_cross_entropy", "linear_cross_entropy_with_statistics"]


@pytest.fixture(params=["held", "in chunks"], autouse=True)
def every_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that are held, and scores that go by in chunks."""
    if request.param == "in chunks":
        monkeypatch.setattr("lossary.kernels.select.SMALL_SCORES", 0)


def loss(**options: Any) -> Tensor:
    return F.linear_cross_entropy(X, W, Y, **options)


def refused(kind: type[LossaryError], *given: Any, name: str = BOTH[0], **options: Any) -> str:
    """The message, which must name the function that was called, and teach."""
    with pytest.raises(kind) as caught:
        getattr(F, name)(*(given or (X, W, Y)), **options)
    said = str(caught.value)
    assert said.startswith(f"{name}: ")
    assert "\n  expected: " in said
    return said


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("divisor", "kind", "said"),
    [
        (0, OptionError, "got divisor=0, though targets count (their weight is 5)"),
        (0.0, OptionError, "divisor=(target != ignore_index).sum()"),
        (-3, OptionError, "got divisor=-3"),
        (NAN, OptionError, "got divisor=nan"),
        (INF, OptionError, "overflowed"),
        (True, DtypeError, "got divisor=True of type bool"),
        ("8", DtypeError, "fix: float(divisor)"),
        ([8], DtypeError, "got divisor=[8] of type list"),
        (torch.tensor(0), OptionError, "though targets count (their weight is 5)"),
        (torch.tensor(-1.0), OptionError, "got divisor=-1.0"),
        (torch.tensor(NAN), OptionError, "got divisor=nan"),
        (torch.tensor([3, 2]), ShapeError, "fix: divisor.sum()"),
        (torch.tensor([]), ShapeError, "shape (0,)"),
        (torch.tensor(True), DtypeError, "fix: mask.sum()"),
        (torch.tensor(1j), DtypeError, "complex64"),
        (torch.tensor(5.0, requires_grad=True), OptionError, "fix: divisor.detach()"),
    ],
)
def test_divisors_that_cannot_be_right(
    name: str, divisor: Any, kind: type[LossaryError], said: str
) -> None:
    assert said in refused(kind, name=name, divisor=divisor)
    assert (
        said in refused(kind, X, W, Y.where(Y >= 0, 3), name=name, divisor=divisor) or "5" in said
    )
    with pytest.raises(kind):
        nn.LinearCrossEntropyLoss(4, 5)(X, Y, divisor=divisor)


@pytest.mark.parametrize(
    "divisor", [7, 7.0, np.float32(7), np.int64(7), *map(torch.tensor, (7, [7], [[7.0]]))]
)
def test_divisors_of_one_number(divisor: Any) -> None:
    expected = loss(reduction="sum") / 7
    found = loss(divisor=divisor)
    assert found.shape == ()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("divisor", [0, 0.0, torch.tensor(0), torch.tensor([0.0])])
def test_a_mean_over_nothing_is_0_whoever_divides(divisor: Any) -> None:
    x, w = X.clone().requires_grad_(), W.clone().requires_grad_()
    value = F.linear_cross_entropy(x, w, NOTHING, divisor=divisor)
    assert value == F.linear_cross_entropy(X, W, NOTHING) == 0
    for grad in torch.autograd.grad(value, (x, w)):
        assert not grad.any()
    # Rows of probabilities always count, but for weights of 0.
    soft = torch.softmax(torch.randn(6, 5), 1)
    assert "weight is 6" in refused(OptionError, X, W, soft, divisor=divisor)
    assert F.linear_cross_entropy(X, W, Y, divisor=divisor, weight=torch.zeros(5)) == 0


def test_values_of_tensors_are_read_only_where_that_is_free() -> None:
    """Not while compiling, under a transform, on another device, or when asked not to."""
    with checks.value_checks("off"):
        assert loss(divisor=torch.tensor(0)) == 0
        with pytest.raises(OptionError):
            loss(divisor=-1)
    each = torch.func.vmap(lambda d: loss(divisor=d))(torch.tensor([0.0, 2.0, 4.0]))
    total = loss(reduction="sum")
    torch.testing.assert_close(each, torch.stack([total * 0, total / 2, total / 4]))
    meta = [t.to("meta") for t in (X, W, Y)]
    assert F.linear_cross_entropy(*meta, divisor=torch.tensor(5)).is_meta
    for divisors in ((3, 4, 5), (2.5, 3.5, 4.5), (torch.tensor(5), torch.tensor(6))):
        torch.compiler.reset()
        compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
        for divisor in divisors:
            torch.testing.assert_close(compiled(divisor=divisor), loss(divisor=divisor))

    def by_length(x: Tensor) -> Tensor:
        return F.linear_cross_entropy(x, W, NOTHING[:1].expand(len(x)), divisor=len(x))

    dynamic = torch.compile(by_length, fullgraph=True, backend="eager", dynamic=True)
    assert dynamic(X) == dynamic(X[:3]) == 0


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"z_loss": -1.0}, OptionError, "got z_loss=-1.0"),
        ({"z_loss": INF}, OptionError, "got z_loss=inf"),
        ({"z_loss": NAN}, OptionError, "got z_loss=nan"),
        ({"z_loss": "1e-4"}, DtypeError, "fix: float(z_loss)"),
        ({"z_loss": True}, DtypeError, "a switch where a size belongs"),
        ({"z_loss": None}, DtypeError, "leave out z_loss"),
        ({"z_loss": torch.tensor(1e-4)}, DtypeError, "z_loss.item()"),
        ({"logit_softcap": 0}, OptionError, "fix: logit_softcap=None"),
        ({"logit_softcap": -30.0}, OptionError, "got logit_softcap=-30.0"),
        ({"logit_softcap": NAN}, OptionError, "got logit_softcap=nan"),
        ({"logit_softcap": "30"}, DtypeError, "fix: float(logit_softcap)"),
        ({"logit_softcap": True}, DtypeError, "got logit_softcap=True of type bool"),
        ({"divisor": 3, "reduction": "sum"}, OptionError, "divisor with reduction='sum'"),
        ({"reduction": "avg"}, OptionError, "avg is not valid"),
        ({"label_smoothing": 1.5}, OptionError, "label_smoothing must be"),
        ({"weight": torch.ones(4)}, ShapeError, "all 5 classes"),
        ({"ignore_index": 1.5}, DtypeError, "got ignore_index=1.5"),
    ],
)
def test_settings_that_make_no_sense(
    name: str, options: dict[str, Any], kind: type[LossaryError], said: str
) -> None:
    assert said in refused(kind, name=name, **options)
    own = {k: v for k, v in options.items() if k in ("z_loss", "logit_softcap")}
    if own:
        with pytest.raises(kind):
            nn.LinearCrossEntropyLoss(4, 5, **own)


@pytest.mark.parametrize("cap", [INF, 1e300, 10**30, 1e25])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_cap_far_above_all_scores_is_none(cap: float, dtype: torch.dtype) -> None:
    x, w = (t.clone().to(dtype).requires_grad_() for t in (X, W))
    values = [F.linear_cross_entropy(x, w, Y, logit_softcap=c) for c in (cap, None)]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(v, (x, w)) for v in values))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_the_penalty_weighs_with_the_smoothed_mass(kind: str, smoothing: float) -> None:
    x, w, weight = X.double(), W.double(), torch.rand(5).double()
    scores = x @ w.T
    q = torch.nn.functional.one_hot(Y.clamp(min=0), 5).double()
    target = Y
    if kind == "soft":
        q = target = torch.softmax(torch.randn(6, 5).double(), 1)
    q = q * (1 - smoothing) + smoothing / 5
    mass = (q * weight).sum(1)
    mass = mass if kind == "soft" else mass.masked_fill(Y < 0, 0)
    options: dict[str, Any] = {"weight": weight, "label_smoothing": smoothing, "reduction": "none"}
    plain = F.linear_cross_entropy(x, w, target, **options)
    found = F.linear_cross_entropy(x, w, target, z_loss=0.1, **options)
    torch.testing.assert_close(found - plain, 0.1 * mass * scores.logsumexp(1) ** 2)


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("given", "kind", "fix"),
    [
        ((X, W.T, Y), ShapeError, "linear_weight.T"),
        ((X, W[0], Y), ShapeError, "linear_weight.unsqueeze(0)"),
        ((X, torch.randn(5, 7), Y), ShapeError, "print(input.shape, linear_weight.shape)"),
        ((X.view(2, 3, 4), W, Y), ShapeError, "input.flatten(0, -2) and target.flatten()"),
        ((X, W, Y[:, None]), ShapeError, "target.squeeze(-1)"),
        ((X, W, Y.clamp(min=0).view(2, 3)), ShapeError, "target.flatten()"),
        ((X, W, Y[:3]), ShapeError, "compare both shapes"),
        ((X, W.double(), Y), DtypeError, "linear_weight.to(input.dtype)"),
        ((X.bfloat16(), W, Y), DtypeError, "call the loss under torch.autocast too"),
        ((X, W.half(), Y), DtypeError, "input.to(linear_weight.dtype)"),
        ((X, W, Y + 1), ClassIndexError, "a last layer with 6 or more outputs"),
        ((X, W, Y.float()), DtypeError, "target.long()"),
        ((X, W.tolist(), Y), DtypeError, "torch.as_tensor(linear_weight)"),
    ],
)
def test_errors_name_what_was_called_and_the_fix(
    name: str, given: tuple[Any, ...], kind: type[LossaryError], fix: str
) -> None:
    assert fix in refused(kind, *given, name=name).split("\n  fix: ")[1]


def test_biases_and_examples_of_another_shape() -> None:
    said = refused(ShapeError, linear_bias=torch.zeros(4))
    assert "the bias of another layer" in said
    deep = torch.randn(5, 3, 4)
    assert "input.unsqueeze(0)" in refused(ShapeError, X[0], deep, torch.zeros(3).long())
    masses = torch.randint(2, (6, 5))
    assert "target.argmax(1)" in refused(DtypeError, X, W, masses)


def test_type_checkers_see_our_arguments() -> None:
    """Of torch's own function and module mypy, which reads this file, would refuse these."""
    module = nn.LinearCrossEntropyLoss(4, 5, z_loss=1e-4, logit_softcap=30.0)
    w = module.linear.weight
    by_hand = nn.functional.linear_cross_entropy(
        X, w, Y, z_loss=1e-4, logit_softcap=30.0, divisor=5
    )
    torch.testing.assert_close(module(X, Y, divisor=5), by_hand)
