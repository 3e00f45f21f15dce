"""A run: the directory that holds all that a training said and learned, so that nothing is ever lost.

    run.json              what was asked for, of which program, on which machine, and when it was started
    events.jsonl          what was said (see log.py)
    baselines.json        the losses of models without a network
    best.safetensors      the weights of the lowest held-out loss
    last.safetensors      the newest weights, for whoever looks
    resume.safetensors    all that is needed to go on: weights, optimiser, random state, position, state
    snapshots/STEP.safetensors    weights in half precision, along the way
    run.lock              held by the one process that writes

Every file is replaced as a whole, and each is complete by itself. So that the newest weights and what belongs
to them cannot be torn apart by a kill between two files, resume.safetensors holds last.safetensors once more,
byte for byte: a run that is opened again first puts those bytes back where they differ.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import filelock
import numpy as np
from safetensors import SafetensorError, safe_open

from rnnscope.errors import RunError
from rnnscope.files import remove_temporaries, write_atomically, write_json
from rnnscope.training.events import Event
from rnnscope.training.log import EventLog, LogReader, as_one_run

if TYPE_CHECKING:
    from torch import Tensor

    from rnnscope.network.model import CharRNN

FORMAT = 1
HEADER, LOG, BASELINES, LOCK = "run.json", "events.jsonl", "baselines.json", "run.lock"
BEST, LAST, RESUME, SNAPSHOTS = "best.safetensors", "last.safetensors", "resume.safetensors", "snapshots"

_INFO = "rnnscope_resume"
_WEIGHTS = "last.safetensors"
"""The tensor of resume.safetensors that is the file last.safetensors, as bytes."""


class Run:
    """The writing end of a run directory; one process at a time.

    Every method that writes may raise OSError, on a full disk for one; the files there before stay intact.
    """

    def __init__(self, directory: Path, lock: filelock.BaseFileLock, log: EventLog) -> None:
        """Use `create` or `reopen`."""
        self.directory = directory
        self._lock = lock
        self._log = log
        self._is_open = True

    @classmethod
    def create(cls, directory: Path, header: Mapping[str, Any]) -> Run:
        """Begin a run in a directory, which is made where there is none.

        Raises RunError when there is a run already, or when the directory cannot be written.
        """
        return cls._locked(directory, dict(header))

    @classmethod
    def reopen(cls, directory: Path) -> Run:
        """Open a run again and mend what a kill left; `record_start` follows once training can begin.

        Raises RunError when there is no run, when another process writes it, or when it is damaged.
        """
        read_run(directory)  # so that no lock is left in a directory that holds no run
        return cls._locked(directory, None)

    @classmethod
    def _locked(cls, directory: Path, header: dict[str, Any] | None) -> Run:
        """Open the directory under its lock; with a header a new run, without one the run that is there."""
        lock = filelock.FileLock(directory / LOCK, timeout=0, thread_local=False)
        try:
            if header is not None:
                refuse_a_run(directory)
                directory.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            if header is not None:
                refuse_a_run(directory)
                write_json(directory / HEADER, {"format": FORMAT, **header, "started": [_now()]})
            else:
                read_run(directory)
                _mend(directory)
            return cls(directory, lock, EventLog(directory / LOG))
        except filelock.Timeout as error:
            raise RunError(
                f"{directory} is being written by another process; to look at it: rnnscope watch {directory}"
            ) from error
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError):
                raise RunError(_cannot_write(directory, error)) from error
            raise

    def record_start(self, corpus_path: str) -> None:
        """Add the present time to the starts of a run that is resumed, and keep the place of its text.

        Raises RunError when run.json cannot be written.
        """
        header = dict(read_run(self.directory).header)
        header["started"] = [*header.get("started", []), _now()]
        header["corpus"] = {**header.get("corpus", {}), "path": corpus_path}
        try:
            write_json(self.directory / HEADER, header)
        except OSError as error:
            raise RunError(_cannot_write(self.directory, error)) from error

    def write(self, event: Event) -> None:
        """Append an event to the log. Raises OSError once when the disk is full; see EventLog.write."""
        self._log.write(event)

    def save_last(
        self,
        model: CharRNN,
        training: Mapping[str, object],
        resume: Mapping[str, Tensor],
        resume_info: Mapping[str, object],
    ) -> None:
        """Write the newest weights and, with the same weights in it, all that is needed to go on from them.

        resume: tensors by name; resume_info: what fits in JSON. Both come back from `load_resume`.
        """
        import torch
        from safetensors.torch import save

        from rnnscope.network.checkpoint import save_model

        self._log.sync()  # what was said up to these weights is never behind them
        save_model(model, self.directory / LAST, training)
        weights = np.frombuffer((self.directory / LAST).read_bytes(), np.uint8).copy()
        # Copied, for safetensors takes no two tensors of one memory.
        tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in resume.items()}
        if _WEIGHTS in tensors:
            raise ValueError(f"{_WEIGHTS} is the name of the weights' own tensor")
        tensors[_WEIGHTS] = torch.from_numpy(weights)
        content = save(tensors, {_INFO: json.dumps(dict(resume_info))})
        write_atomically(self.directory / RESUME, lambda file: file.write(content))

    def save_best(self, model: CharRNN, training: Mapping[str, object]) -> None:
        """Write the weights of the lowest held-out loss."""
        from rnnscope.network.checkpoint import save_model

        save_model(model, self.directory / BEST, training)

    def save_snapshot(self, model: CharRNN, step: int, training: Mapping[str, object]) -> None:
        """Keep the weights of a step, in half precision, for good; see `snapshot_due`."""
        from rnnscope.network.checkpoint import save_model

        (self.directory / SNAPSHOTS).mkdir(exist_ok=True)
        save_model(model, self.directory / SNAPSHOTS / f"{step}.safetensors", training, half=True)

    def load_resume(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The tensors and the information of the last `save_last`; its weights are in last.safetensors.

        Raises RunError when the run was killed before its first save, or when the file is damaged.
        """
        path = self.directory / RESUME
        if not path.is_file():
            raise RunError(f"{self.directory} ended before its first save; start anew, with another --run")
        try:
            with safe_open(path, framework="pt") as file:
                info = json.loads((file.metadata() or {})[_INFO])
                tensors = {name: file.get_tensor(name) for name in file.keys() if name != _WEIGHTS}  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise RunError(_damaged(path)) from error
        if not isinstance(info, dict):
            raise RunError(_damaged(path))
        return tensors, info

    def write_baselines(self, baselines_nats: Mapping[str, float]) -> None:
        """Keep the losses of models without a network."""
        write_json(self.directory / BASELINES, dict(baselines_nats))

    def close(self) -> None:
        """Write what is remembered, then let others write. May be called twice. Raises OSError."""
        if self._is_open:
            self._is_open = False
            try:
                self._log.close()
            finally:
                self._lock.release()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class RunInfo:
    """What a run directory holds at one moment."""

    directory: Path
    header: Mapping[str, Any]
    """run.json."""
    best: Path | None
    last: Path | None
    snapshots: tuple[tuple[int, Path], ...] = ()
    """Step and file, in the order of steps."""


def read_run(directory: Path) -> RunInfo:
    """Look at a run, without a lock. Raises RunError where there is none or its run.json is damaged."""
    try:
        header = json.loads((directory / HEADER).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(_no_run(directory)) from error
    except ValueError as error:
        raise RunError(_damaged(directory / HEADER)) from error
    except OSError as error:
        raise RunError(f"{directory} cannot be read: {error.strerror}") from error
    if not isinstance(header, dict) or not isinstance(header.get("started", []), list):
        raise RunError(_damaged(directory / HEADER))
    if header.get("format") != FORMAT:
        raise RunError(f"{directory} was written by another version of rnnscope, which is needed to read it")
    found = (directory / SNAPSHOTS).glob("*.safetensors")
    snapshots = sorted((int(path.stem), path) for path in found if path.stem.isdecimal())
    best, last = directory / BEST, directory / LAST
    return RunInfo(
        directory,
        header,
        best if best.is_file() else None,
        last if last.is_file() else None,
        tuple(snapshots),
    )


def read_events(directory: Path) -> list[Event]:
    """All that a run said, as if it had never been killed and resumed. Raises RunError."""
    if not (directory / LOG).is_file():
        raise RunError(_no_run(directory))
    try:
        return as_one_run(LogReader(directory / LOG).read())
    except OSError as error:
        raise RunError(f"{directory / LOG} cannot be read: {error.strerror}") from error


def read_baselines(directory: Path) -> dict[str, float]:
    """The losses of models without a network; empty before they are known. Raises RunError when damaged."""
    path = directory / BASELINES
    try:
        losses = json.loads(path.read_bytes())
        return {str(name): float(loss) for name, loss in losses.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise RunError(_damaged(path)) from error


def new_run_directory(root: Path, corpus_name: str) -> Path:
    """Make a directory such as `runs/input-20260102-153045`. Raises RunError when it cannot be made."""
    stem = re.sub(r"[^A-Za-z0-9._]+", "-", Path(corpus_name).stem)[:40].strip("-._") or "run"
    name = f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for count in range(1, 1000):
            directory = root / (name if count == 1 else f"{name}-{count}")
            try:
                directory.mkdir()  # which claims the name, should two runs start in the same second
            except FileExistsError:
                continue
            return directory
    except OSError as error:
        raise RunError(_cannot_write(root, error)) from error
    raise RunError(f"{root} has a thousand runs of this second; choose a directory with --run")


def refuse_a_run(directory: Path) -> None:
    """Refuse a directory where no run can begin. Raises RunError."""
    if directory.exists() and not directory.is_dir():
        raise RunError(f"{directory} is not a directory; choose another --run")
    if any((directory / name).exists() for name in (HEADER, LOG, LAST, BEST)):
        raise RunError(
            f"{directory} already holds a run; go on with it by --resume {directory}, or choose another --run"
        )


def snapshot_due(step: int) -> bool:
    """Whether to keep the weights of this step: 0, the powers of 2 up to 64, then three steps an octave."""
    if step <= 64:
        return step >= 0 and step & (step - 1) == 0
    return step == round(2 ** (round(3 * math.log2(step)) / 3))


def _mend(directory: Path) -> None:
    """Undo what a kill left: half-written files, and newest weights that nothing else belongs to."""
    remove_temporaries(directory)
    remove_temporaries(directory / SNAPSHOTS)
    path = directory / RESUME
    if not path.is_file():
        return
    try:
        with safe_open(path, framework="numpy") as file:
            weights = file.get_tensor(_WEIGHTS).tobytes()
    except SafetensorError as error:
        raise RunError(_damaged(path)) from error
    last = directory / LAST
    if not last.is_file() or last.read_bytes() != weights:
        write_atomically(last, lambda file: file.write(weights))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _no_run(directory: Path) -> str:
    if not directory.exists():
        return f"{directory} does not exist; give the directory of a run, such as those below runs{os.sep}"
    return f"{directory} holds no run (there is no {HEADER}); give the directory of a run"


def _damaged(path: Path) -> str:
    return f"{path} is damaged; put a copy of it back, or start a new run with --init-from and its weights"


def _cannot_write(directory: Path, error: OSError) -> str:
    return f"{directory} cannot be written: {error.strerror or error}; choose another directory with --run"
