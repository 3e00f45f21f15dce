"""Optimisers against their papers' equations, written out in float64."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from rnnscope.training.optimizers import Optimizer, add_l1, clip, matrices
from rnnscope.training.options import OptimizerName, TrainOptions

Array = NDArray[np.float64]
NAMES: tuple[OptimizerName, ...] = ("adamw", "adam", "rmsprop", "adagrad", "sgd")
RATE, MOMENTUM, SMOOTHING, DECAY = 0.02, 0.9, 0.95, 0.1


def equations(name: str, weight: Array, gradients: list[Array], decay: float) -> Array:
    """The weight after one update a gradient."""
    first, second = np.zeros_like(weight), np.zeros_like(weight)
    for t, gradient in enumerate(gradients, 1):
        if name == "adamw":
            weight = weight * (1 - RATE * decay)
        else:
            gradient = gradient + decay * weight
        if name in ("adamw", "adam"):
            first = MOMENTUM * first + (1 - MOMENTUM) * gradient
            second = SMOOTHING * second + (1 - SMOOTHING) * gradient**2
            mean, square = first / (1 - MOMENTUM**t), second / (1 - SMOOTHING**t)
            weight = weight - RATE * mean / (np.sqrt(square) + 1e-8)
        elif name == "rmsprop":
            second = SMOOTHING * second + (1 - SMOOTHING) * gradient**2
            weight = weight - RATE * gradient / (np.sqrt(second) + 1e-8)
        elif name == "adagrad":
            second = second + gradient**2
            weight = weight - RATE * gradient / (np.sqrt(second) + 1e-10)
        else:
            first = MOMENTUM * first + gradient
            weight = weight - RATE * (gradient + MOMENTUM * first)
    return weight


def layer() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(4, 3)


def options(name: OptimizerName) -> TrainOptions:
    return TrainOptions(
        optimizer=name, learning_rate=RATE, momentum=MOMENTUM, smoothing=SMOOTHING, weight_decay=DECAY
    )


def updated(
    model: nn.Module, optimizer: Optimizer, count: int, seed: int, rate: float = RATE
) -> list[list[Array]]:
    """Make `count` updates from random gradients, which are returned, a list a parameter."""
    generator = torch.Generator().manual_seed(seed)
    given: list[list[Array]] = [[] for _ in model.parameters()]
    for _ in range(count):
        for parameter, gradients in zip(model.parameters(), given, strict=True):
            parameter.grad = torch.randn(parameter.shape, generator=generator)
            gradients.append(parameter.grad.double().numpy())
        optimizer.step(rate)
    return given


@pytest.mark.parametrize("name", NAMES)
def test_updates_are_those_of_the_paper_and_only_matrices_decay(name: OptimizerName) -> None:
    model = layer()
    before = [parameter.detach().double().numpy() for parameter in model.parameters()]
    given = updated(model, Optimizer(model, options(name)), 6, seed=1)
    for parameter, start, gradients in zip(model.parameters(), before, given, strict=True):
        expected = equations(name, start, gradients, DECAY if parameter.dim() == 2 else 0.0)
        np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_optimizer_goes_on_to_the_bit(name: OptimizerName) -> None:
    one, other = layer(), layer()
    optimizer = Optimizer(one, options(name))
    updated(one, optimizer, 4, seed=1)
    kept = {key: value.clone() for key, value in optimizer.tensors().items()}
    assert kept, "there is something to remember"

    other.load_state_dict(one.state_dict())
    restored = Optimizer(other, options(name))
    updated(other, restored, 1, seed=9)  # of which nothing may stay
    other.load_state_dict(one.state_dict())
    restored.restore(kept)
    updated(one, optimizer, 4, seed=2)
    updated(other, restored, 4, seed=2)
    for left, right in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(left, right)


def test_the_rate_can_be_set_at_every_step() -> None:
    model = layer()
    optimizer = Optimizer(model, options("sgd"))
    before = model.weight.detach().clone()
    updated(model, optimizer, 3, seed=1, rate=0.0)
    assert torch.equal(model.weight, before)
    updated(model, optimizer, 1, seed=1, rate=0.1)
    assert not torch.equal(model.weight, before)


def test_an_optimizer_of_another_kind_is_not_restored() -> None:
    model = layer()
    with pytest.raises(KeyError):
        Optimizer(model, options("adamw")).restore(Optimizer(model, options("sgd")).tensors())


def test_the_compiler_stays_where_it_is() -> None:
    """Importing it takes longer than all else before the first step."""
    program = (
        "import sys, torch; from torch import nn; from rnnscope.training.options import TrainOptions;"
        "from rnnscope.training.optimizers import Optimizer, clip;"
        "model = nn.Linear(2, 2); model(torch.ones(1, 2)).sum().backward();"
        "clip(list(model.parameters()), 1.0, 1.0); Optimizer(model, TrainOptions()).step(0.1);"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_l1_adds_the_sign_of_matrices() -> None:
    model = layer()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    add_l1(matrices(model), 0.5)
    assert torch.equal(model.weight.grad, 1 + 0.5 * model.weight.detach().sign())
    assert torch.equal(model.bias.grad, torch.ones(3))


def graded(*values: float) -> list[nn.Parameter]:
    parameters = [nn.Parameter(torch.zeros(1)) for _ in values]
    for parameter, value in zip(parameters, values, strict=True):
        parameter.grad = torch.tensor([value])
    return parameters


def gradients(parameters: list[nn.Parameter]) -> list[float]:
    return [float(parameter.grad) for parameter in parameters if parameter.grad is not None]


def test_clipping_by_norm_scales_and_tells_the_norm_before() -> None:
    parameters = graded(3.0, -4.0)
    assert float(clip(parameters, norm=1.0, value=0.0)) == pytest.approx(5.0)
    assert gradients(parameters) == pytest.approx([0.6, -0.8], rel=1e-5)
    assert float(clip(parameters, norm=10.0, value=0.0)) == pytest.approx(1.0, rel=1e-5)
    assert gradients(parameters) == pytest.approx([0.6, -0.8], rel=1e-5), "a small gradient is left alone"


def test_clipping_by_value_comes_before_clipping_by_norm() -> None:
    parameters = graded(3.0, -4.0, 0.5)
    assert float(clip(parameters, norm=0.0, value=1.0)) == pytest.approx(np.sqrt(25.25))
    assert gradients(parameters) == [1.0, -1.0, 0.5]
    parameters = graded(30.0, -40.0)
    clip(parameters, norm=1.0, value=1.0)
    assert gradients(parameters) == pytest.approx([0.5**0.5, -(0.5**0.5)], rel=1e-5)


def test_without_clipping_gradients_stay() -> None:
    parameters = graded(300.0, -400.0)
    assert float(clip(parameters, norm=0.0, value=0.0)) == 500.0
    assert gradients(parameters) == [300.0, -400.0]
