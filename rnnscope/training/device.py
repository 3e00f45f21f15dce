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
from rnnscope.text.display import counted
from rnnscope.training.options import PrecisionName

Precision = Literal["float32", "bfloat16"]

_TRIALS = 7
_TRIAL_SECONDS = 0.6
_WORTHWHILE = 1.15
"""How many times as fast bfloat16 must be to be chosen: timings vary on a busy machine."""


def available_devices() -> list[str]:
    """The devices that `--device` takes here, best first."""
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
    """The peak of a GPU's memory, in words; nothing for a CPU: every progress report has its memory."""
    if device.type != "cuda":
        return ()
    return (f"at most {torch.cuda.max_memory_allocated(device) / 2**20:,.0f} MiB of the GPU's memory",)


def physical_cores() -> int:
    """The cores that this process may use: a second thread per core gains nothing here."""
    physical = psutil.cpu_count(logical=False) or 1
    process = psutil.Process()
    allowed = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else physical
    return max(1, min(physical, allowed))


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Inside, matrix products run in `precision`; weights and states stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def step_seconds(trial: nn.Module, ids: torch.Tensor, precision: Precision) -> float:
    """How long one step forward and back takes."""
    start = time.perf_counter()
    with autocast(ids.device, precision):
        logits, _ = trial(ids)
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
    """The type of matrix products, and why. `auto` times a few steps of each on a copy of the model.

    measure: how many seconds a step takes. trial_seconds: after this time no further trial starts.

    Leaves the model and the random numbers of the run as they are. Raises DeviceError.
    """
    if device.type == "mps":
        if name == "bfloat16":
            raise DeviceError("bfloat16 is not trained with on mps; use --precision float32")
        return "float32", "float32 on mps"
    if name != "auto":
        return name, f"{name}, as asked"
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "float32", "float32: this GPU has no bfloat16"
    # In bfloat16 the weights are cast at every step, so that they do not lie in one piece.
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
    """How many times as fast a step is in bfloat16, by the fastest step of each."""
    precisions: tuple[Precision, ...] = ("float32", "bfloat16")
    fastest = dict.fromkeys(precisions, math.inf)
    latest = time.perf_counter() + trial_seconds
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for trial_number in range(_TRIALS):
            for precision in precisions:  # in turns, so that a busy moment affects both
                seconds = measure(precision)
                if trial_number > 0:  # the first one compiles kernels and fills caches
                    fastest[precision] = min(fastest[precision], seconds)
            if trial_number > 0 and time.perf_counter() > latest:
                break
    return fastest["float32"] / fastest["bfloat16"]
