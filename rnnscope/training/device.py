"""Chooses the device, the precision and the number of threads; each choice comes with a description."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Literal

import psutil
import torch
from torch import nn

from rnnscope.errors import DeviceError
from rnnscope.network.model import Observer
from rnnscope.text.display import counted
from rnnscope.training.options import PrecisionName

Precision = Literal["float32", "bfloat16"]

_TRIALS = 7
_TRIAL_SECONDS = 0.6
_WORTHWHILE = 1.15
"""The minimum speedup at which bfloat16 is chosen: timings vary on a busy machine."""


def available_devices() -> list[str]:
    """The values of `--device` available on this machine, best first."""
    devices = ["cpu"]
    if torch.backends.mps.is_available():
        devices.insert(0, "mps")
    if torch.cuda.is_available():
        devices.insert(0, "cuda")
    return devices


def choose_device(name: str, available: Sequence[str] | None = None) -> torch.device:
    """The device called `name`, or the best where that is `auto`. Raises DeviceError.

    available: the devices to choose from, best first; by default those of this machine.
    """
    if available is None:
        available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise DeviceError(
            f"this machine has no {name} for PyTorch; --device takes auto or {', '.join(available)}"
        )
    return torch.device(name)


def device_title(device: torch.device) -> str:
    """Such as `cpu, 2 threads` or `cuda, NVIDIA H200`."""
    if device.type == "cuda":
        return f"cuda, {torch.cuda.get_device_name(device)}"
    if device.type == "mps":
        return "mps, Apple GPU"
    return f"cpu, {counted(torch.get_num_threads(), 'thread')}"


def memory_note(device: torch.device) -> tuple[str, ...]:
    """A note on the peak memory of a GPU; none for a CPU, since progress events report its memory."""
    if device.type != "cuda":
        return ()
    return (f"at most {torch.cuda.max_memory_allocated(device) / 2**20:,.0f} MiB of the GPU's memory",)


def physical_cores() -> int:
    """The number of physical cores available to this process: hyper-threads do not speed up training."""
    physical = psutil.cpu_count(logical=False) or 1
    process = psutil.Process()
    allowed = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else physical
    return max(1, min(physical, allowed))


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Context in which matrix products run in `precision`; weights and states stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def step_seconds(
    trial: nn.Module, ids: torch.Tensor, precision: Precision, *, observer: Observer | None = None
) -> float:
    """Seconds for one forward and backward step; observer: as for `CharRNN.forward`."""
    start = time.perf_counter()
    with autocast(ids.device, precision):
        logits, _ = trial(ids, observer=observer)
    torch.autograd.backward(nn.functional.cross_entropy(logits.float().flatten(0, 1), ids.flatten()))
    if ids.is_cuda:
        torch.cuda.synchronize(ids.device)
    return time.perf_counter() - start


def choose_precision(
    name: PrecisionName,
    model: nn.Module,
    device: torch.device,
    sequence_length: int,
    batch_size: int,
    *,
    measure: Callable[[nn.Module, torch.Tensor, Precision], float] = step_seconds,
    trial_seconds: float = _TRIAL_SECONDS,
) -> tuple[Precision, str]:
    """The type of matrix products, and the reason. `auto` times a few steps of each on a copy of the model.

    measure: how many seconds a step takes. trial_seconds: after this time no further trial starts.

    Does not change the model or the random state of the run. Raises DeviceError.
    """
    if device.type == "mps":
        if name == "bfloat16":
            raise DeviceError("bfloat16 is not trained with on mps; use --precision float32")
        return "float32", "float32 on mps"
    if name != "auto":
        return name, f"{name}, as asked"
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "float32", "float32: this GPU has no bfloat16"
    # In bfloat16 the weights are cast at every step, so they are not contiguous.
    warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")
    trial = copy.deepcopy(model).train()
    ids = torch.zeros(sequence_length, batch_size, dtype=torch.int64, device=device)
    gain = _gain_of_bfloat16(lambda precision: measure(trial, ids, precision), device, trial_seconds)
    if gain >= _WORTHWHILE:
        return "bfloat16", f"bfloat16: measured {gain:.1f} times as fast as float32"
    return "float32", f"float32: bfloat16 measured {gain:.1f} times as fast"


def _gain_of_bfloat16(
    measure: Callable[[Precision], float], device: torch.device, trial_seconds: float
) -> float:
    """The speedup of a step in bfloat16, from the fastest step of each."""
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    fastest = dict.fromkeys(precisions, math.inf)
    latest = time.perf_counter() + trial_seconds
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for trial_number in range(_TRIALS):
            for precision in precisions:  # alternating, so that background load affects both
                seconds = measure(precision)
                if trial_number > 0:  # the first one compiles kernels and fills caches
                    fastest[precision] = min(fastest[precision], seconds)
            if trial_number > 0 and time.perf_counter() > latest:
                break
    return fastest["float32"] / fastest["bfloat16"]
