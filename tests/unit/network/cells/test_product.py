"""Products on a CPU, whichever library computes them."""

from __future__ import annotations

import pytest
import torch

from rnnscope.network.cells.product import prepared, product


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(7, 13, 5), (64, 200, 300)])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_products_equal_those_in_float64(dtype, rows, inputs, outputs, with_bias, transposed) -> None:
    draw = torch.Generator().manual_seed(0)
    x, weight = torch.randn(3, rows, inputs, generator=draw), torch.randn(outputs, inputs, generator=draw)
    if transposed:
        x, weight = x.transpose(0, 1), weight.t().contiguous().t()
    bias = torch.randn(outputs, generator=draw) if with_bias else None
    expected = x.double() @ weight.double().t() + (0 if bias is None else bias.double())

    x, weight, bias = (None if each is None else each.to(dtype) for each in (x, weight, bias))
    for matrix in (weight, prepared(weight, rows), prepared(weight, 10_000)):
        found = product(x, matrix, bias)
        assert found.dtype == dtype
        torch.testing.assert_close(found.double(), expected, atol=2e-4, rtol=1e-5)


def test_only_large_float32_products_are_prepared() -> None:
    weight = torch.ones(300, 200)
    assert prepared(weight, 1) is weight
    assert prepared(weight.double(), 10_000).dtype == torch.float64
    assert not prepared(weight.bfloat16(), 10_000).is_mkldnn
    assert prepared(weight, 10_000).is_mkldnn == torch.backends.mkldnn.is_available()
