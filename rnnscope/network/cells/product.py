"""Products of a batch and a matrix on a CPU, where no gradient is asked for.

torch multiplies float32 matrices with MKL, which on an AMD processor leaves half of each register empty, but
runs its own LSTM with oneDNN, which does not. A step taken here by hand is to cost what the LSTM's own does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class _Kernels:
    multiplied: Callable[[Tensor, Tensor, Tensor | None], Tensor]
    added: Callable[[Tensor, Tensor, Tensor], Tensor]
    laid_out: Callable[[Tensor, int], Tensor]


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """rows (…, I) · weight (O, I)ᵀ + bias (O,): (…, O), without gradients."""
    if _suits(rows, weight):
        return _fastest().multiplied(rows, weight, bias)
    return functional.linear(rows, weight, bias)


def product_added(rows: Tensor, weight: Tensor, added: Tensor) -> Tensor:
    """rows (B, I) · weight (O, I)ᵀ + added (B, O): (B, O), without gradients."""
    if _suits(rows, weight):
        return _fastest().added(rows, weight, added)
    return _added(rows, weight, added)


def laid_out(weight: Tensor, rows: int) -> Tensor:
    """The same weight as a product of about so many rows reads it, which else is laid out anew every time."""
    return _fastest().laid_out(weight, rows) if _suits(weight, weight) else weight


def _added(rows: Tensor, weight: Tensor, added: Tensor) -> Tensor:
    return torch.addmm(added, rows, weight.t())


def _suits(rows: Tensor, weight: Tensor) -> bool:
    return rows.device.type == "cpu" and rows.dtype == weight.dtype == torch.float32


@cache
def _fastest() -> _Kernels:
    """oneDNN's products where this build of torch has them: private names, so they are tried once."""
    plain = _Kernels(functional.linear, _added, lambda weight, _: weight)
    try:
        kernel, lay_out = torch.ops.mkldnn._linear_pointwise, torch.ops.mkldnn._reorder_linear_weight
        rows, weight = torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        for each in (weight, lay_out(weight, 2)):
            found = kernel(rows, each, None, "none", [], "")
            summed = kernel.binary(rows, rows, each, None, "add")
            if not (torch.equal(found, weight.t()) and torch.equal(summed, weight.t() + rows)):
                return plain
    except (AttributeError, RuntimeError, NotImplementedError):
        return plain

    # What is not laid out row by row is multiplied number by number, in 500 times as long.

    def in_rows(weight: Tensor) -> Tensor:
        return weight if weight.is_mkldnn else weight.contiguous()

    def multiplied(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        found: Tensor = kernel(rows.contiguous(), in_rows(weight), bias, "none", [], "")
        return found

    def added_to(rows: Tensor, weight: Tensor, added: Tensor) -> Tensor:
        found: Tensor = kernel.binary(rows.contiguous(), added, in_rows(weight), None, "add")
        return found

    def packed(weight: Tensor, rows: int) -> Tensor:
        found: Tensor = lay_out(weight.contiguous(), rows)
        return found

    return _Kernels(multiplied, added_to, packed)
