"""torch's transforms: compile, grad, vmap, jvp and hessian see the same loss as eager code."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from tests.cases import BY_NAME, LOSSES
from tests.inputs import Tensors
from tests.rows import Loss, leaves, upstream_for, value_and_gradients

ROWS = [pytest.param(loss, id=loss.name) for loss in LOSSES]
# Its values are read (lengths), which no transform over the batch can do; torch's neither.
NO_BATCH = ("ctc_loss", "linear_cross_entropy")


@pytest.fixture(autouse=True)
def fresh_dynamo() -> Iterator[None]:
    """No compiled code from one test may serve another."""
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled_equals_eager(loss: Loss, tensors: Tensors, backend: str) -> None:
    """Value and gradients of every reduction, traced in one piece."""
    options = loss.always
    for reduction in ("none", "mean"):

        def f(*call: Tensor, reduction: str = reduction) -> Tensor:
            return loss.function(*call, **options, reduction=reduction)

        compiled = torch.compile(f, backend=backend, fullgraph=True, dynamic=False)
        eager = value_and_gradients(loss, tensors, lambda t, f=f: f(*t))
        traced = value_and_gradients(loss, tensors, lambda t, g=compiled: g(*t))
        flat = zip((eager[0], *eager[1]), (traced[0], *traced[1]), strict=True)
        for a, b in flat:
            if loss.function_name == "binary_cross_entropy":
                # Traced code cannot tell a leaf: what is inf for a leaf is held finite there.
                a, b = a.nan_to_num(), b.nan_to_num()
            rtol = 1e-5 if loss.multiplies else 2e-6
            torch.testing.assert_close(a, b, rtol=rtol, atol=1e-30, equal_nan=True)


# torch.func.jvp itself still uses what torch deprecates.
JVP = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")
COMPILE = pytest.mark.filterwarnings(
    # kl_div's standing advice, from ours and from torch's own.
    "ignore:.*'mean' divides the total loss:UserWarning",
    # torch.compile's own use of deprecated parts of torch and Python.
    "ignore::DeprecationWarning:torch",
)


@COMPILE
@pytest.mark.parametrize("loss", ROWS)
def test_compiled_in_one_graph_equals_eager(loss: Loss) -> None:
    compiled_equals_eager(loss, loss.tensors(loss.regimes[0], torch.float32), "aot_eager")


@COMPILE
@pytest.mark.slow
@pytest.mark.parametrize("loss", ROWS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_every_regime_compiled_equals_eager(loss: Loss, dtype: torch.dtype) -> None:
    for regime in loss.regimes:
        torch._dynamo.reset()
        compiled_equals_eager(loss, loss.tensors(regime, dtype), "aot_eager")


@COMPILE
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "cross_entropy",
        "cross_entropy[soft]",
        "nll_loss",
        "binary_cross_entropy_with_logits",
        "kl_div",
        "mse_loss",
        "cosine_embedding_loss",
        "triplet_margin_loss",
    ],
)
def test_inductor_equals_eager(name: str) -> None:
    loss = BY_NAME[name]
    compiled_equals_eager(loss, loss.tensors("ordinary", torch.float32), "inductor")


def scalar(loss: Loss, tensors: Tensors, which: int) -> Callable[[Tensor], Tensor]:
    """The summed loss as a function of one tensor."""

    def f(t: Tensor) -> Tensor:
        call = (*tensors[:which], t, *tensors[which + 1 :])
        return loss.call(call, loss.always, reduction="sum")

    return f


@pytest.mark.parametrize("loss", ROWS)
def test_func_grad_equals_backward(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    for which in loss.differentiable:
        f = scalar(loss, tensors, which)
        call = leaves(loss, tensors)
        value = loss.call(call, loss.always, reduction="sum")
        (expected,) = torch.autograd.grad(value, call[which])
        found = torch.func.grad(f)(tensors[which])
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15, equal_nan=True)


@JVP
@pytest.mark.parametrize("loss", ROWS)
def test_jvp_equals_gradient_times_direction(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    for which in loss.differentiable:
        if not tensors[which].isfinite().all() or loss.regimes[0] == "certain":
            continue
        f = scalar(loss, tensors, which)
        direction = torch.randn(tensors[which].shape, generator=loss.rng("jvp")).double()
        both = torch.func.jvp(f, (tensors[which],), (direction,))
        value, tangent = both[0], both[1]
        gradient = torch.func.grad(f)(tensors[which])
        torch.testing.assert_close(value, f(tensors[which]), rtol=1e-12, atol=0)
        finite = torch.where(gradient.isfinite(), gradient, 0)
        torch.testing.assert_close(tangent, (finite * direction).sum(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ROWS)
def test_vmap_equals_a_loop(loss: Loss) -> None:
    if loss.function_name in NO_BATCH:
        which = 0 if loss.function_name == "linear_cross_entropy" else None
        if which is None:
            pytest.skip("torch.vmap cannot read lengths, which say what a CTC batch holds")
    batches = [loss.tensors(loss.regimes[0], torch.float64, salt=i) for i in range(3)]
    stacked = tuple(torch.stack(ts) for ts in zip(*batches, strict=True))
    found = torch.vmap(lambda *t: loss.call(t, loss.always, reduction="none"))(*stacked)
    expected = torch.stack([loss.call(t, loss.always, reduction="none") for t in batches])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15, equal_nan=True)
    i = loss.differentiable[0]
    inner = torch.func.grad(lambda *t: loss.call(t, loss.always, reduction="sum"), argnums=i)
    loop = torch.stack([inner(*t) for t in batches])
    torch.testing.assert_close(
        torch.vmap(inner)(*stacked), loop, rtol=1e-12, atol=1e-15, equal_nan=True
    )


@JVP
@pytest.mark.parametrize("loss", [p for p, r in zip(ROWS, LOSSES, strict=True) if r.smooth])
def test_hessian_equals_double_backward(loss: Loss) -> None:
    tensors = loss.tensors(loss.regimes[0], torch.float64)
    which = loss.differentiable[0]
    f = scalar(loss, tensors, which)
    forward_over_reverse = torch.func.hessian(f)(tensors[which])
    reverse_over_reverse = torch.autograd.functional.hessian(f, tensors[which])
    assert forward_over_reverse.isfinite().all()
    torch.testing.assert_close(forward_over_reverse, reverse_over_reverse, rtol=1e-9, atol=1e-13)
    symmetric = forward_over_reverse.reshape(tensors[which].numel(), -1)
    torch.testing.assert_close(symmetric, symmetric.T, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("loss", ROWS)
def test_saved_tensor_hooks_and_checkpointing_see_the_same_gradient(loss: Loss) -> None:
    from torch.utils.checkpoint import checkpoint

    tensors = loss.tensors(loss.regimes[0], torch.float32)
    plain = value_and_gradients(loss, tensors, lambda t: loss.call(t, loss.always))
    call = leaves(loss, tensors)
    value = checkpoint(lambda *t: loss.call(t, loss.always), *call, use_reentrant=False)
    grads = torch.autograd.grad(value, [call[i] for i in loss.differentiable], upstream_for(value))
    for a, b in zip(grads, plain[1], strict=True):
        assert torch.equal(a.nan_to_num(5), b.nan_to_num(5))
