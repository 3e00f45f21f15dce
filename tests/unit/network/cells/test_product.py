"""Products on a CPU, by whichever kernel."""

from __future__ import annotations

import pytest
import torch

from rnnscope.network.cells import product as module
from rnnscope.network.cells.product import laid_out, product, product_added


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("with_bias", [False, True])
def test_a_product_is_that_of_float64(dtype, with_bias) -> None:
    draw = torch.Generator().manual_seed(0)
    rows, weight = (torch.randn(*shape, generator=draw, dtype=dtype) for shape in ((7, 13), (5, 13)))
    bias = torch.randn(5, generator=draw, dtype=dtype) if with_bias else None
    expected = rows.double() @ weight.double().t() + (0 if bias is None else bias.double())
    torch.testing.assert_close(product(rows, weight, bias).double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_added_is_left_as_it_was(dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    rows, weight, added = (
        torch.randn(*shape, generator=draw, dtype=dtype) for shape in ((7, 13), (5, 13), (7, 5))
    )
    before = added.clone()
    expected = rows.double() @ weight.double().t() + added.double()
    torch.testing.assert_close(product_added(rows, weight, added).double(), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(added, before)


def test_turned_matrices_are_multiplied_too() -> None:
    draw = torch.Generator().manual_seed(0)
    rows, weight = torch.randn(13, 7, generator=draw).t(), torch.randn(13, 5, generator=draw).t()
    expected = rows.double() @ weight.double().t()
    torch.testing.assert_close(product(rows, weight).double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_a_weight_laid_out_for_some_rows_serves_any(dtype, rows) -> None:
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(40, 24, generator=draw, dtype=dtype)
    laid = laid_out(weight, 7)
    values, added = (torch.randn(rows, n, generator=draw, dtype=dtype) for n in (24, 40))
    expected = values.double() @ weight.double().t()
    torch.testing.assert_close(product(values, laid).double(), expected, atol=1e-5, rtol=1e-5)
    expected += added.double()
    torch.testing.assert_close(product_added(values, laid, added).double(), expected, atol=1e-5, rtol=1e-5)


def test_a_build_without_the_kernel_multiplies_all_the_same(monkeypatch) -> None:
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    monkeypatch.setattr(module, "_fastest", module._fastest.__wrapped__)
    torch.testing.assert_close(
        product(torch.eye(3), torch.arange(9.0).view(3, 3)).t(), torch.arange(9.0).view(3, 3)
    )
    torch.testing.assert_close(product_added(torch.eye(3), torch.eye(3), torch.ones(3, 3)), torch.eye(3) + 1)
    weight = torch.arange(6.0).view(3, 2)
    assert torch.equal(laid_out(weight, 8), weight)
