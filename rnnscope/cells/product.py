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


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """rows (…, I) · weight (O, I)ᵀ + bias (O,): (…, O), without gradients."""
    if rows.device.type == "cpu" and rows.dtype == weight.dtype == torch.float32:
        return _fastest()(rows, weight, bias)
    return functional.linear(rows, weight, bias)


@cache
def _fastest() -> Product:
    """oneDNN's product where this build of torch has it: a private name, so it is tried once."""
    try:
        kernel = torch.ops.mkldnn._linear_pointwise
        rows, weight = torch.eye(2), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        found = kernel(rows, weight, None, "none", [], "")
        if not torch.equal(found, weight.t()):
            return functional.linear
    except (AttributeError, RuntimeError, NotImplementedError):
        return functional.linear

    def multiplied(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # What is not laid out row by row is multiplied number by number, in 500 times as long.
        found: Tensor = kernel(rows.contiguous(), weight.contiguous(), bias, "none", [], "")
        return found

    return multiplied
