"""Matrix products of a batch on a CPU, without gradients.

PyTorch multiplies float32 matrices with MKL, which uses half of an AMD processor's vector width, but runs its
own LSTM with oneDNN, which uses all of it. Tensors in oneDNN's layout are multiplied by oneDNN: on an AMD
EPYC, one thread and 256 units, a step's product takes 0.6 of the time at a batch of 16 or 32 and 0.5 at 512
(`benchmarks/cells.py`); an Intel processor gains nothing and loses nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_HAS_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
_WORTH_CONVERTING = 1 << 21
"""Multiplications from which a product gains more than the conversion of its operands costs."""


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """rows (…, I) · weight (O, I)ᵀ + bias (O,): (…, O). `weight` may be one that `prepared` returned."""
    if not weight.is_mkldnn:
        weight = prepared(weight, rows.numel() // rows.shape[-1])
    if not weight.is_mkldnn or rows.dtype != torch.float32:
        return functional.linear(rows, weight, bias)
    found = functional.linear(rows.contiguous().to_mkldnn(), weight).to_dense()
    return found if bias is None else found.add_(bias)


def prepared(weight: Tensor, rows: int) -> Tensor:
    """`weight` in the layout that a product with this number of rows reads fastest."""
    suits = weight.device.type == "cpu" and weight.dtype == torch.float32 and _HAS_ONEDNN
    if suits and rows * weight.numel() >= _WORTH_CONVERTING:
        return weight.detach().contiguous().to_mkldnn()
    return weight
