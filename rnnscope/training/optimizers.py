"""The optimisers by name, and what is done to gradients before they are used."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from rnnscope.training.options import TrainOptions


def build_optimizer(model: nn.Module, options: TrainOptions) -> torch.optim.Optimizer:
    """The optimiser that `options` name, over the model's parameters; only matrices decay.

    Adam: Kingma & Ba 2015; its decoupled decay: Loshchilov & Hutter 2019; RMSProp: Tieleman & Hinton 2012;
    Adagrad: Duchi et al. 2011; SGD with momentum as in Sutskever et al. 2013.
    """
    groups = [
        {"params": matrices(model), "weight_decay": options.weight_decay},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    rate, betas = options.learning_rate, (options.momentum, options.smoothing)
    match options.optimizer:
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, betas=betas, fused=True)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, betas=betas, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, alpha=options.smoothing, foreach=True)
        case "adagrad":
            return torch.optim.Adagrad(groups, lr=rate, fused=matrices(model)[0].is_cpu)
        case "sgd":
            nesterov = options.momentum > 0
            return torch.optim.SGD(groups, lr=rate, momentum=options.momentum, nesterov=nesterov, fused=True)


def matrices(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that regularisation acts on; biases and peepholes are left alone."""
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
    before = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    if value > 0:
        nn.utils.clip_grad_value_(parameters, value)
    if norm > 0:
        now = (
            before
            if value == 0
            else nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        )
        nn.utils.clip_grads_with_norm_(parameters, norm, now)
    return before


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def optimizer_tensors(optimizer: torch.optim.Optimizer, model: nn.Module) -> dict[str, Tensor]:
    """All that the optimiser remembers, as `NAME/KEY`, where NAME is the parameter's."""
    return {
        f"{name}/{key}": value
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, model: nn.Module, tensors: Mapping[str, Tensor]
) -> None:
    """The reverse of `optimizer_tensors`, in the very types that were saved."""
    parameters = dict(model.named_parameters())
    optimizer.state.clear()
    for key, value in tensors.items():
        name, _, what = key.rpartition("/")
        parameter = parameters[name]
        # an unfused optimiser counts its steps on the CPU, wherever the weights are
        device = parameter.device if value.dim() or optimizer.defaults.get("fused") else "cpu"
        optimizer.state[parameter][what] = value.detach().clone().to(device)
