"""Products of a batch and a matrix on a CPU, where no gradient is asked for.

torch multiplies float32 matrices with MKL, which on an AMD processor leaves half of each register empty, but
runs its own LSTM with oneDNN, which does not. A step taken here by hand is to cost what the LSTM's own does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]
Sum = Callable[[Tensor, Tensor, Tensor], Tensor]


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """rows (…, I) · weight (O, I)ᵀ + bias (O,): (…, O), without gradients."""
    if _suits(rows, weight):
        return _fastest()[0](rows, weight, bias)
    return functional.linear(rows, weight, bias)


def product_added(rows: Tensor, weight: Tensor, added: Tensor) -> Tensor:
    """rows (B, I) · weight (O, I)ᵀ + added (B, O): (B, O), without gradients."""
    if _suits(rows, weight):
        return _fastest()[1](rows, weight, added)
    return _added(rows, weight, added)


def _added(rows: Tensor, weight: Tensor, added: Tensor) -> Tensor:
    return torch.addmm(added, rows, weight.t())


def _suits(rows: Tensor, weight: Tensor) -> bool:
    return rows.device.type == "cpu" and rows.dtype == weight.dtype == torch.float32


@cache
def _fastest() -> tuple[Product, Sum]:
    """oneDNN's products where this build of torch has them: private names, so they are tried once."""
    plain: tuple[Product, Sum] = functional.linear, _added
    try:
        kernel = torch.ops.mkldnn._linear_pointwise
        rows, weight = torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        found = kernel(rows, weight, None, "none", [], "")
        summed = kernel.binary(rows, rows, weight, None, "add")
        if not (torch.equal(found, weight.t()) and torch.equal(summed, weight.t() + rows)):
            return plain
    except (AttributeError, RuntimeError, NotImplementedError):
        return plain

    # What is not laid out row by row is multiplied number by number, in 500 times as long.

    def multiplied(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        found: Tensor = kernel(rows.contiguous(), weight.contiguous(), bias, "none", [], "")
        return found

    def added_to(rows: Tensor, weight: Tensor, added: Tensor) -> Tensor:
        found: Tensor = kernel.binary(rows.contiguous(), added, weight.contiguous(), None, "add")
        return found

    return multiplied, added_to
