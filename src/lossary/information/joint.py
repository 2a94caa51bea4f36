"""Measures of a joint table: what two variables tell about each other."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lossary.core.distributions import Distribution, Logits
from lossary.core.dtypes import autocast_dtype, wide_dtype
from lossary.core.errors import OptionError, ShapeError, teach
from lossary.entropies._checks import check_dim
from lossary.entropies._numerics import kl_terms, log_or_masked, log_softmax
from lossary.information._read import Mass, answer, check_values, log_base, mass, wrapped


def mutual_information(
    joint: Distribution, *, dims: Sequence[int] = (-2, -1), base: float | None = None
) -> Tensor:
    r"""How much knowing one of two variables tells about the other.

    .. math:: I(X; Y) = \sum_{x, y} p(x, y) \log\frac{p(x, y)}{p(x)\,p(y)}
       = D\bigl(p(x, y) \,\|\, p(x)\,p(y)\bigr)

    Symmetric; 0 exactly when the two are independent; at most the smaller of their
    entropies. Written, like :func:`~lossary.information.kl_divergence`, so that no term is
    negative.

    Shape: ``joint`` holds one table along ``dims`` (X, then Y), both reduced. The whole table
    sums to 1. ``Logits`` are normalised over the whole table.
    Dtype: floating, kept; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DomainError, OptionError.
    Reference: Shannon (1948); Cover & Thomas (2006), Elements of information theory, 2.3.

    >>> mutual_information(torch.tensor([[0.5, 0.0], [0.0, 0.5]]), base=2)
    tensor(1.)
    """
    scale = log_base("mutual_information", base)
    table, dtype = _read_table("mutual_information", joint, dims)
    rows, columns = _marginal(table, -1), _marginal(table, -2)
    product = rows.p * columns.p
    possible = table.log_p > -torch.inf
    d = (rows.log_p - torch.where(possible, table.log_p, 0)) + columns.log_p
    d = torch.where(possible, d, torch.inf)
    terms = kl_terms(table.p, product, d)
    return answer(terms.sum((-2, -1)), scale, dtype)


def conditional_entropy(
    joint: Distribution, *, dims: Sequence[int] = (-2, -1), base: float | None = None
) -> Tensor:
    r"""How uncertain the second variable is once the first is known: H(Y | X).

    .. math:: H(Y \mid X) = -\sum_{x, y} p(x, y) \log\frac{p(x, y)}{p(x)} = H(X, Y) - H(X)

    X lies along ``dims[0]``, Y along ``dims[1]``; for H(X | Y) exchange them.

    Shape: ``joint`` holds one table along ``dims``, both reduced. The whole table sums to 1.
    Dtype: floating, kept; computed wider and rounded once.
    Units: nats; ``base=2`` gives bits.
    Raises: ShapeError, DtypeError, DomainError, OptionError.
    Reference: Shannon (1948); Cover & Thomas (2006), Elements of information theory, 2.2.

    >>> conditional_entropy(torch.tensor([[0.25, 0.25], [0.0, 0.5]]), base=2)
    tensor(0.5000)
    """
    scale = log_base("conditional_entropy", base)
    table, dtype = _read_table("conditional_entropy", joint, dims)
    possible = table.log_p > -torch.inf
    # A row that cannot happen is given one outcome, so that its softmax exists.
    alive = possible.any(-1, keepdim=True)
    given_row = log_softmax(torch.where(alive, table.log_p, 0))
    surprise = 0 - torch.where(possible, given_row, 0)
    return answer((table.p * surprise).sum((-2, -1)), scale, dtype)


def _read_table(where: str, joint: Distribution, dims: Sequence[int]) -> tuple[Mass, torch.dtype]:
    """The table in its last two dimensions, X then Y, wide; and the dtype to answer in."""
    if not isinstance(dims, (tuple, list)) or len(dims) != 2:
        came = f"got dims={dims!r}"
        expected = "two dimensions: that of X, then that of Y"
        raise OptionError(teach(where, came, expected, fix="dims=(-2, -1)"))
    one = wrapped(where, "joint", joint, -1, dims)
    t = one.tensor
    _check_dims(where, t, dims)
    x, y = (dim % t.dim() for dim in dims)
    if x == y:
        came = f"got dims={tuple(dims)} for a joint of shape {tuple(t.shape)}"
        raise ShapeError(teach(where, came, "two different dimensions", fix="dims=(-2, -1)"))
    check_values(where, "joint", one, (x, y))
    wide = t.to(wide_dtype(t)).movedim((x, y), (-2, -1))
    if not isinstance(one, Logits):
        return mass(one, wide), autocast_dtype(t)
    flat = mass(one, wide.flatten(-2))
    shape = wide.shape
    return Mass(flat.p.reshape(shape), flat.log_p.reshape(shape)), autocast_dtype(t)


def _check_dims(where: str, t: Tensor, dims: Sequence[int]) -> None:
    """Refuse what is no table, and dimensions that it lacks."""
    came = f"got a joint of shape {tuple(t.shape)} and dims={tuple(dims)}"
    if t.dim() < 2:
        cause = "the distribution of one variable, where a table of two belongs"
        fix = "p_x.unsqueeze(-1) * p_y_given_x is the table of X and Y"
        raise ShapeError(teach(where, came, "a table: dims of X and of Y", cause, fix))
    if not all(isinstance(dim, int) and -t.dim() <= dim < t.dim() for dim in dims):
        expected = f"dims from {-t.dim()} to {t.dim() - 1}"
        raise ShapeError(teach(where, came, expected, fix="dims=(-2, -1) are the last two"))
    for dim in dims:
        check_dim(where, "joint", t, dim)


def _marginal(table: Mass, over: int) -> Mass:
    """The distribution of one variable, the other summed out, kept as a dimension of 1."""
    p = table.p.sum(over, keepdim=True)
    top = table.log_p.detach().amax(over, keepdim=True)
    top = torch.where(top == -torch.inf, 0, top)
    # From logarithms: the marginal of a row whose entries all underflow is still right.
    total = (table.log_p - top).exp().sum(over, keepdim=True)
    return Mass(p, log_or_masked(total) + top)
