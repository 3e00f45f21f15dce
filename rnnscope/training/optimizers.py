"""The optimizers by name, regularization, and gradient clipping.

The update rules are PyTorch's functional ones, fused if available. The first use of a `torch.optim` class
would import the compiler, which takes longer than everything else before the first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adagrad import adagrad
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from rnnscope.training.options import OptimizerName, TrainOptions

_REMEMBERED: dict[OptimizerName, tuple[str, ...]] = {
    "adamw": ("mean", "square"),
    "adam": ("mean", "square"),
    "rmsprop": ("square",),
    "adagrad": ("square",),
    "sgd": ("velocity",),
}
"""The moments that each optimizer keeps, in addition to the number of steps."""


@dataclass(frozen=True)
class _Group:
    """Parameters with the same weight decay, and their moments by kind."""

    names: list[str]
    parameters: list[Tensor]
    weight_decay: float
    remembered: dict[str, list[Tensor]]
    steps: list[Tensor]


class Optimizer:
    """The update rule of the options, for the parameters of a model; only matrices are decayed.

    Adam: Kingma & Ba 2015; its decoupled decay: Loshchilov & Hutter 2019; RMSProp: Tieleman & Hinton 2012;
    Adagrad: Duchi et al. 2011; Nesterov's momentum as in Sutskever et al. 2013.
    """

    def __init__(self, model: nn.Module, options: TrainOptions) -> None:
        self._rule = options.optimizer
        self._momentum, self._smoothing = options.momentum, options.smoothing
        named = list(model.named_parameters())
        decays = [(name, parameter) for name, parameter in named if parameter.dim() >= 2]
        others = [(name, parameter) for name, parameter in named if parameter.dim() < 2]
        self._groups = (self._group(decays, options.decay), self._group(others, 0.0))

    def _group(self, named: list[tuple[str, nn.Parameter]], weight_decay: float) -> _Group:
        parameters: list[Tensor] = [parameter for _, parameter in named]
        remembered = {kind: [torch.zeros_like(p) for p in parameters] for kind in _REMEMBERED[self._rule]}
        fused = self._rule in ("adamw", "adam")  # rules that are not fused keep their steps on the CPU
        steps = [torch.zeros((), device=p.device if fused else "cpu") for p in parameters]
        return _Group([name for name, _ in named], parameters, weight_decay, remembered, steps)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update the parameters by their gradients."""
        for group in self._groups:
            gradients = [parameter.grad for parameter in group.parameters if parameter.grad is not None]
            self._update(group, gradients, rate)

    def _update(self, group: _Group, gradients: list[Tensor], rate: float) -> None:
        weights, kept, decay = group.parameters, group.remembered, group.weight_decay
        on_cpu = weights[0].is_cpu
        match self._rule:
            case "adamw" | "adam" as rule:
                (adamw if rule == "adamw" else adam)(
                    weights, gradients, kept["mean"], kept["square"], [], group.steps,
                    fused=True, amsgrad=False, beta1=self._momentum, beta2=self._smoothing,
                    lr=rate, weight_decay=decay, eps=1e-8, maximize=False,
                )  # fmt: skip
            case "rmsprop":
                rmsprop(
                    weights, gradients, kept["square"], [], [], group.steps,
                    foreach=True, lr=rate, alpha=self._smoothing, eps=1e-8, weight_decay=decay, momentum=0.0,
                    centered=False,
                )  # fmt: skip
            case "adagrad":
                adagrad(
                    weights, gradients, kept["square"], group.steps,
                    fused=on_cpu, foreach=not on_cpu, lr=rate, weight_decay=decay, lr_decay=0.0, eps=1e-10,
                    maximize=False,
                )  # fmt: skip
            case "sgd":
                velocities: list[Tensor | None] = [*kept["velocity"]]
                sgd(
                    weights, gradients, velocities,
                    fused=True, lr=rate, weight_decay=decay, momentum=self._momentum, dampening=0.0,
                    nesterov=self._momentum > 0, maximize=False,
                )  # fmt: skip

    def tensors(self) -> dict[str, Tensor]:
        """All moments and step counts, not copied, as `NAME/KIND` with the name of the parameter."""
        found: dict[str, Tensor] = {}
        for group in self._groups:
            for kind, tensors in {**group.remembered, "steps": group.steps}.items():
                found |= {f"{name}/{kind}": tensor for name, tensor in zip(group.names, tensors, strict=True)}
        return found

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the moments of an optimizer of the same kind. Raises KeyError or RuntimeError otherwise."""
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])


def matrices(model: nn.Module) -> list[nn.Parameter]:
    """The regularized parameters: all except biases and peepholes."""
    return [p for p in model.parameters() if p.dim() >= 2]


def add_l1(parameters: list[nn.Parameter], strength: float) -> None:
    """Add the gradient of strength · Σ|w|."""
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.add_(parameter.sign(), alpha=strength)


def clip(parameters: list[nn.Parameter], norm: float, value: float) -> Tensor:
    """Clip gradients in place, first each by value, then all by norm; 0 turns either off.

    Returns the norm before clipping, a scalar that stays on its device.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    before = nn.utils.get_total_norm(gradients)
    if value > 0:
        nn.utils.clip_grad_value_(parameters, value)
    if norm > 0:
        now = nn.utils.get_total_norm(gradients) if value > 0 else before
        nn.utils.clip_grads_with_norm_(parameters, norm, now)
    return before
