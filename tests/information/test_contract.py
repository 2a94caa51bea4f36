"""Every measure under every transform of torch, any shape and any dtype."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo
from torch import Tensor

from lossary import information as info
from lossary.core.distributions import Logits, LogProbs, Probs
from tests.information.measures import ONE, TWO, Case

# torch's own forward mode loads decompositions that it has not yet moved off torch.jit.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

NAMED = ["entropy", "renyi_entropy 0.5", "tsallis_entropy 2.0"]
NAMED += ["cross_entropy", "kl_divergence", "jensen_shannon 0.1", "alpha_divergence 0.3"]
NAMED += ["renyi_divergence 2.0", "renyi_divergence 0.5", "hellinger", "bhattacharyya"]
SOME = [case for case in ONE + TWO if case.name in NAMED]
VARIATION = next(case for case in TWO if case.name == "total_variation")


def rows(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    x, y = (torch.randn(shape, generator=rng, dtype=torch.float64) for _ in range(2))
    return x, y


def of_scores(case: Case) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, y: case(Logits(x), Logits(y))


@pytest.mark.parametrize("case", [*SOME, VARIATION], ids=str)
def test_gradients_of_every_order(case: Case) -> None:
    x, y = (t.requires_grad_() for t in rows(2, 3))
    assert torch.autograd.gradcheck(of_scores(case), (x, y))
    if case is not VARIATION:
        assert torch.autograd.gradgradcheck(of_scores(case), (x, y))


@pytest.mark.parametrize("case", SOME, ids=str)
def test_probabilities_are_differentiable_twice(case: Case) -> None:
    """Through a softmax, so that finite differences stay on the simplex."""

    def f(x: Tensor, y: Tensor) -> Tensor:
        return case(Probs(x.softmax(-1)), LogProbs(y.log_softmax(-1)))

    x, y = (t.requires_grad_() for t in rows(2, 3))
    assert torch.autograd.gradcheck(f, (x, y))
    assert torch.autograd.gradgradcheck(f, (x, y))


@pytest.mark.parametrize("case", [*SOME, VARIATION], ids=str)
def test_function_transforms(case: Case) -> None:
    x, y = rows(3, 4)
    f = of_scores(case)
    single = torch.stack([f(a, b) for a, b in zip(x, y, strict=True)])
    torch.testing.assert_close(f(x, y), single)
    torch.testing.assert_close(torch.func.vmap(f)(x, y), single)
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(f(leaf, y).sum(), leaf)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(f))(x, y), grad)
    pushed = torch.func.jvp(lambda a: f(a, y), (x,), (torch.ones_like(x) * x,))[1]
    torch.testing.assert_close(pushed, (grad * x).sum(-1))
    hessian = torch.func.hessian(f)(x[0], y[0])
    reference = torch.autograd.functional.hessian(lambda a: f(a, y[0]), x[0])
    torch.testing.assert_close(hessian, reference)


COMPILED = ["kl_divergence", "renyi_divergence 0.5"]


@pytest.mark.parametrize("case", [c for c in SOME if c.name in COMPILED], ids=str)
def test_compiles_whole(case: Case) -> None:
    torch._dynamo.reset()
    x, y = rows(3, 4)

    def f(x: Tensor, p: Tensor) -> Tensor:
        return (case(Logits(x), p) + case(p, LogProbs(x.log_softmax(-1)))).sum()

    compiled: Any = torch.compile(f, fullgraph=True, backend="aot_eager")
    eager_in, compiled_in = ([x.clone().requires_grad_(), y.softmax(-1)] for _ in range(2))
    eager, traced = f(*eager_in), compiled(*compiled_in)
    torch.testing.assert_close(traced, eager)
    eager.backward()
    traced.backward()
    torch.testing.assert_close(compiled_in[0].grad, eager_in[0].grad)


def test_compiles_the_measures_of_tables_and_samples() -> None:
    torch._dynamo.reset()

    def f(x: Tensor) -> Tensor:
        table = info.mutual_information(Logits(x)) + info.conditional_entropy(Logits(x))
        events = info.self_information(Logits(x)).mean() + info.kl_estimate(x, 2 * x).mean()
        return table + events

    x = rows(3, 4)[0]
    compiled: Any = torch.compile(f, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), f(x))


@pytest.mark.parametrize("case", ONE + TWO, ids=str)
def test_dim_is_moved(case: Case) -> None:
    x, y = rows(2, 5, 3)
    last = case(Logits(x.movedim(1, -1)), Logits(y.movedim(1, -1)))
    assert last.shape == (2, 3)
    torch.testing.assert_close(case(Logits(x, dim=1), Logits(y.movedim(1, 0), dim=0)), last)
    p, q = x.softmax(1), y.softmax(1)
    torch.testing.assert_close(case.measure(*(p, q)[: case.arguments], dim=1), last)


@pytest.mark.parametrize("case", ONE + TWO, ids=str)
def test_empty_batch_and_single_outcome(case: Case) -> None:
    x, y = (torch.zeros(0, 3, requires_grad=True) for _ in range(2))
    empty = case(Logits(x), Logits(y))
    assert empty.shape == (0,)
    one = torch.ones(2, 1)
    want = torch.ones(2) if case.name == "perplexity" else torch.zeros(2)
    assert torch.equal(case(one, one), want)
    assert not case(one, one).signbit().any()


@pytest.mark.parametrize("case", ONE + TWO, ids=str)
def test_equal_arguments_and_untouched_inputs(case: Case) -> None:
    x, _ = (t.float() for t in rows(4, 6))
    p = x.softmax(-1)
    before = p.clone()
    if case in TWO and case.name != "cross_entropy":
        assert torch.equal(case(p, p), torch.zeros(4))
        assert torch.equal(case(Logits(x), Logits(x)), torch.zeros(4))
        assert (case(p, Logits(x)) >= 0).all()
    case(p, p)
    assert torch.equal(p, before)


@pytest.mark.parametrize("case", ONE + TWO, ids=str)
def test_backward_twice_on_a_retained_graph(case: Case) -> None:
    x, y = (t.requires_grad_() for t in rows(2, 3))
    total = case(Logits(x), Logits(y)).sum()
    if not total.requires_grad:
        return
    first = torch.autograd.grad(total, x, retain_graph=True)[0]
    torch.testing.assert_close(torch.autograd.grad(total, x)[0], first, rtol=0, atol=0)


def test_dtypes_promote() -> None:
    p, q = torch.full((4,), 0.25, dtype=torch.bfloat16), torch.zeros(4, dtype=torch.float64)
    assert info.kl_divergence(p, Logits(q)).dtype == torch.float64
    assert info.kl_divergence(p, Logits(q.float())).dtype == torch.float32
    assert info.kl_divergence(p, Logits(q.half())).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert info.entropy(p).dtype == torch.float32


@pytest.mark.parametrize("n", [10**6])
def test_a_million_outcomes(n: int) -> None:
    p = torch.full((n,), 1 / n)
    torch.testing.assert_close(info.entropy(p), torch.tensor(float(n)).log())
    x = torch.zeros(n)
    y = 1e-3 * torch.ones(n)
    y[::2] = 0
    got = info.kl_divergence(Logits(x), Logits(y)).item()
    # log of the mean of exp(u) for u = +-5e-4, that is log cosh.
    assert got == pytest.approx(
        torch.tensor(5e-4, dtype=torch.float64).cosh().log().item(), rel=1e-5
    )
    torch.testing.assert_close(info.perplexity(Logits(x)), torch.tensor(float(n)))


def test_infinite_where_the_truth_is_ruled_out() -> None:
    p, q = torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0])
    for measure in (info.kl_divergence, info.cross_entropy, info.chi_squared_divergence):
        assert measure(p, q) == torch.inf
    assert info.renyi_divergence(p, q, 2) == torch.inf
    assert info.bhattacharyya_distance(torch.tensor([1.0, 0.0]), q) == torch.inf
    assert info.jensen_shannon_divergence(torch.tensor([1.0, 0.0]), q, base=2) == 1
    x = torch.tensor([-torch.inf, 0.0], requires_grad=True)
    value = info.cross_entropy(p, Logits(x))
    value.backward()
    assert value == torch.inf
    assert x.grad is not None
    assert not x.grad.isnan().any()


def test_the_study() -> None:
    """The figures of the notebook behind the project."""
    p, u, q = torch.tensor([0.4, 0.6]), torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0])
    assert round(info.entropy(p).item(), 3) == 0.673
    assert info.entropy(q) == 0
    assert round(info.kl_divergence(u, p).item(), 4) == 0.0204
    assert info.kl_divergence(u, q) == torch.inf
    assert round(-info.self_information(torch.tensor(0.3)).item(), 4) == -1.2040
