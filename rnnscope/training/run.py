"""A run: the directory with all output of a training run.

    run.json              options, program and machine, and when the run was started and resumed
    events.jsonl          the log (see log.py); the one process that writes the run holds a lock on it
    baselines.json        the losses of models without a network
    best.safetensors      the weights with the lowest validation loss
    last.safetensors      the newest weights
    resume.safetensors    everything needed to resume: weights, optimizer, random state, position, state
    snapshots/STEP.safetensors    weights in half precision, along the way

Every file is replaced atomically and is complete by itself. A process may be killed between writing the
newest weights and the state that belongs to them, so resume.safetensors contains a copy of last.safetensors:
when a run is reopened, last.safetensors is restored from it if they differ. A checksum over all of
resume.safetensors is verified first.

No file of a run is written through a symbolic link.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rnnscope.errors import RunError
from rnnscope.files import is_locked, read_regular_file, remove_temporaries, write_atomically, write_json
from rnnscope.network.locate import SNAPSHOTS
from rnnscope.strict_json import JsonError, decode, parse, read_json
from rnnscope.training.events import Event
from rnnscope.training.log import EventLog, LogReader, as_one_run, condensed, is_drawn
from rnnscope.training.snapshots import MOST, superfluous

if TYPE_CHECKING:
    from torch import Tensor

    from rnnscope.network.model import CharRNN

FORMAT = 1
HEADER, LOG, BASELINES = "run.json", "events.jsonl", "baselines.json"
BEST, LAST, RESUME = "best.safetensors", "last.safetensors", "resume.safetensors"

_INFO = "rnnscope_resume"
_CHECKSUM = "sha256"
_NO_CHECKSUM = "0" * 64
"""The placeholder of the checksum while it is computed."""
_WEIGHTS = "last.safetensors"
"""The tensor of resume.safetensors that holds the file last.safetensors, as bytes."""
_LARGEST_JSON = 16 << 20
_LARGEST_RESUME = 1 << 40


class Run:
    """The writing end of a run directory; one process at a time.

    Every method that writes may raise OSError, for example on a full disk; existing files stay
    intact.
    """

    def __init__(self, directory: Path, header: Mapping[str, Any], log: EventLog) -> None:
        """Use `create` or `reopen`."""
        self.directory = directory
        self._header = header
        self._baselines: dict[str, float] = {}
        self._log = log
        self._is_open = True

    @classmethod
    def create(cls, directory: Path, header: Mapping[str, Any]) -> Run:
        """Begin a run in a directory, which is created if needed.

        Raises RunError if it already holds a run or cannot be written.
        """
        return cls._locked(directory, dict(header))

    @classmethod
    def reopen(cls, directory: Path) -> Run:
        """Reopen a run and repair the effects of a kill; call `record_start` once training can begin.

        Raises RunError if there is no run, if another process writes it, or if it is damaged.
        """
        read_run(directory)  # so that no log is created in a directory without a run
        return cls._locked(directory, None)

    @classmethod
    def _locked(cls, directory: Path, header: dict[str, Any] | None) -> Run:
        """Open and lock the directory: a new run with a header, an existing run without."""
        log: EventLog | None = None
        try:
            if header is not None:
                refuse_a_run(directory)
                directory.mkdir(parents=True, exist_ok=True)
            log = EventLog(directory / LOG)
            if header is not None:
                refuse_a_run(directory)
                header = {"format": FORMAT, "started": [_now()], **header}
                write_json(directory / HEADER, header)
            else:
                header = dict(read_run(directory).header)
                _repair(directory)
            return cls(directory, header, log)
        except BlockingIOError as error:
            raise RunError(_is_written(directory)) from error
        except BaseException as error:
            if log is not None:
                log.close()
            if isinstance(error, OSError):
                raise RunError(_cannot_write(directory, error)) from error
            raise

    def record_start(self, corpus_path: str) -> None:
        """Record the current time as a start of a resumed run, and the path of its text.

        Raises RunError if run.json cannot be written.
        """
        header = dict(self._header)
        header["started"] = [*header.get("started", []), _now()]
        header["corpus"] = {**header.get("corpus", {}), "path": corpus_path}
        try:
            write_json(self.directory / HEADER, header)
        except OSError as error:
            raise RunError(_cannot_write(self.directory, error)) from error
        self._header = header

    def write(self, event: Event) -> None:
        """Append an event to the log. Raises OSError once if the disk is full; see EventLog.write."""
        self._log.write(event)

    def restore(self) -> str | None:
        """Recreate what was removed: the directory, the log, run.json, baselines.json.

        Returns a description of what was missing, or None. Raises OSError, and RunError if another process
        has begun to write the run.
        """
        missing = []
        if not self.directory.is_dir():
            missing.append("the directory")
            self.directory.mkdir(parents=True, exist_ok=True)
        if not self._log.is_in_place:
            missing.append(LOG)
            try:
                self._log.write_again()
            except BlockingIOError as error:
                raise RunError(_is_written(self.directory)) from error
        for name, content in ((HEADER, self._header), (BASELINES, self._baselines)):
            if content and not (self.directory / name).is_file():
                missing.append(name)
                write_json(self.directory / name, content)
        return f"{self.directory}: {', '.join(missing)} had been removed; written again" if missing else None

    def save_last(
        self,
        model: CharRNN,
        training: Mapping[str, object],
        resume: Mapping[str, Tensor],
        resume_info: Mapping[str, object],
    ) -> None:
        """Write the newest weights, and the resume file, which contains them and everything needed to resume.

        resume: tensors by name. resume_info: JSON values. Both are returned by `load_resume`.
        """
        import torch
        from safetensors.torch import save

        from rnnscope.network.checkpoint import model_bytes

        self._log.sync()  # the log must never lag behind the weights
        weights = model_bytes(model, training)
        # Copied, because safetensors rejects tensors that share memory.
        tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in resume.items()}
        if _WEIGHTS in tensors:
            raise ValueError(f"{_WEIGHTS} is a reserved name")
        tensors[_WEIGHTS] = torch.frombuffer(bytearray(weights), dtype=torch.uint8)
        info = json.dumps(dict(resume_info), allow_nan=False)
        content = _with_checksum(save(tensors, {_INFO: info, _CHECKSUM: _NO_CHECKSUM}))
        write_atomically(self.directory / LAST, lambda file: file.write(weights))
        write_atomically(self.directory / RESUME, lambda file: file.write(content))

    def save_best(self, model: CharRNN, training: Mapping[str, object]) -> None:
        """Write the weights with the lowest validation loss."""
        from rnnscope.network.checkpoint import save_model

        save_model(model, self.directory / BEST, training)

    def save_snapshot(
        self, model: CharRNN, step: int, training: Mapping[str, object], *, most: int = MOST
    ) -> None:
        """Write a snapshot of the weights in half precision, and keep at most `most`; see snapshots.py.

        It does not wait for the disk: a snapshot that a power failure damages is skipped when it is read.
        """
        from rnnscope.network.checkpoint import model_bytes

        directory = self.directory / SNAPSHOTS
        directory.mkdir(exist_ok=True)
        _refuse_a_link(directory)
        content = model_bytes(model, training, half=True)
        path = directory / f"{step}.safetensors"
        write_atomically(path, lambda file: file.write(content), durable=False)
        saved = dict(snapshots_in(self.directory))
        for superfluous_step in superfluous(saved, step, most):
            saved[superfluous_step].unlink(missing_ok=True)

    def load_resume(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The tensors and the information of the last `save_last`; its weights are in last.safetensors.

        None if the run ended before its first save. Raises RunError if the file is damaged.
        """
        from safetensors.torch import load

        resume = _read_resume(self.directory)
        if resume is None:
            return None
        tensors = load(resume.content)
        del tensors[_WEIGHTS]
        return tensors, resume.info

    def copy_to(self, directory: Path) -> Run:
        """Begin a copy of the run in another directory, if the disk is full.

        The log and the best weights are copied; `save_last` writes the rest. Raises RunError and OSError.
        """
        copy = Run.create(directory, self._header)
        try:
            copy._log.append_raw(self._log.content() + self._log.unwritten())
            if self._baselines:
                copy.write_baselines(self._baselines)
            if (self.directory / BEST).is_file():
                best = read_regular_file(self.directory / BEST, max_bytes=_LARGEST_RESUME)
                write_atomically(directory / BEST, lambda file: file.write(best))
        except BaseException:
            copy.close()
            raise
        return copy

    def write_baselines(self, baselines_nats: Mapping[str, float]) -> None:
        """Write baselines.json, the losses of n-gram models."""
        self._baselines = dict(baselines_nats)
        write_json(self.directory / BASELINES, self._baselines)

    def close(self) -> None:
        """Write everything buffered and release the lock. May be called twice. Raises OSError."""
        if self._is_open:
            self._is_open = False
            self._log.close()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class RunInfo:
    """The content of a run directory at one moment."""

    directory: Path
    header: Mapping[str, Any]
    """run.json."""
    best: Path | None
    last: Path | None
    snapshots: tuple[tuple[int, Path], ...] = ()
    """Steps and files, sorted by step."""


def read_run(directory: Path) -> RunInfo:
    """Read a run without locking it. Raises RunError if there is none or its run.json is damaged."""
    path = directory / HEADER
    try:
        header = decode(dict[str, Any], read_json(path, max_bytes=_LARGEST_JSON))
        decode(list[str], header.get("started", []), "started")
        decode(dict[str, Any], header.get("corpus", {}), "corpus")
        decode(dict[str, Any], header.get("options", {}), "options")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(_no_run(directory)) from error
    except JsonError as error:
        raise RunError(_damaged(path, error)) from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    if header.get("format") != FORMAT:
        raise RunError(f"{directory} was written by another version of rnnscope, which is needed to read it")
    best, last = directory / BEST, directory / LAST
    return RunInfo(
        directory,
        header,
        best if best.is_file() else None,
        last if last.is_file() else None,
        snapshots_in(directory),
    )


def snapshots_in(directory: Path) -> tuple[tuple[int, Path], ...]:
    """The steps and files of the snapshots in a run directory, sorted by step."""
    found = (directory / SNAPSHOTS).glob("*.safetensors")
    return tuple(sorted((int(path.stem), path) for path in found if re.fullmatch("[0-9]{1,16}", path.stem)))


def is_being_written(directory: Path) -> bool:
    """Return True if a process is writing the run. Raises OSError."""
    return is_locked(directory / LOG)


def read_events(directory: Path) -> list[Event]:
    """All events of a run, without repeated steps of a resumed run. Raises RunError."""
    if not (directory / LOG).is_file():
        has_run = (directory / HEADER).is_file()
        raise RunError(f"{directory / LOG} is missing" if has_run else _no_run(directory))
    try:
        return as_one_run(LogReader(directory / LOG).read())
    except OSError as error:
        raise RunError(f"{directory / LOG} cannot be read: {error.strerror}") from error


def read_curves(directory: Path) -> list[Event]:
    """The events that charts show. Raises RunError."""
    return condensed(filter(is_drawn, read_events(directory)))


def read_baselines(directory: Path) -> dict[str, float]:
    """The losses of n-gram models; empty before they are computed. Raises RunError if damaged."""
    path = directory / BASELINES
    try:
        return decode(dict[str, float], read_json(path, max_bytes=_LARGEST_JSON))
    except FileNotFoundError:
        return {}
    except JsonError as error:
        raise RunError(f"{path} is damaged: {error}; remove it to go without") from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error


def new_run_directory(root: Path, corpus_name: str) -> Path:
    """Create a directory such as `runs/input-20260102-153045`. Raises RunError if that fails."""
    stem = re.sub(r"[^A-Za-z0-9._]+", "-", Path(corpus_name).stem)[:40].strip("-._") or "run"
    name = f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        for count in range(1, 1000):
            directory = root / (name if count == 1 else f"{name}-{count}")
            try:
                directory.mkdir()  # atomic, for two runs that start in the same second
            except FileExistsError:
                continue
            return directory
    except OSError as error:
        raise RunError(_cannot_write(root, error)) from error
    raise RunError(f"{root} has a thousand runs of this second; choose a directory with --run")


def refuse_a_run(directory: Path) -> None:
    """Raise RunError if no run can begin in a directory."""
    if directory.exists() and not directory.is_dir():
        raise RunError(f"{directory} is not a directory; choose another --run")
    log = directory / LOG
    if (log.is_file() and log.stat().st_size > 0) or any(
        os.path.lexists(directory / name) for name in (HEADER, LAST, BEST)
    ):
        raise RunError(
            f"{directory} already holds a run; continue it with --resume {directory}, or choose another --run"
        )


@dataclass(frozen=True)
class _Resume:
    """The content of resume.safetensors, verified."""

    content: bytes
    info: dict[str, Any]
    weights: bytes
    """The matching file last.safetensors."""


def _read_resume(directory: Path) -> _Resume | None:
    """The content of the resume file; None if there is none. Raises RunError if it is damaged."""
    path = directory / RESUME
    try:
        content = read_regular_file(path, max_bytes=_LARGEST_RESUME)
        return _parsed_resume(content)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}") from error
    except (JsonError, KeyError, TypeError, ValueError) as error:
        reason = error if isinstance(error, JsonError) else "it is torn"
        raise RunError(_damaged(path, reason)) from error


def _parsed_resume(content: bytes) -> _Resume:
    from safetensors import SafetensorError, deserialize

    end = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 10 or end > len(content):
        raise JsonError("it is cut short")
    header = decode(dict[str, Any], parse(content[8:end]))
    metadata = decode(dict[str, str], header["__metadata__"], "__metadata__")
    checksum = metadata.get(_CHECKSUM)  # earlier versions wrote none
    if checksum is not None and checksum != _checksum(content, checksum):
        raise JsonError("its checksum differs")
    try:
        deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise JsonError("it is torn") from error
    start, stop = decode(list[int], header[_WEIGHTS]["data_offsets"])
    info = decode(dict[str, Any], parse(metadata[_INFO]))
    return _Resume(content, info, content[end + start : end + stop])


def _with_checksum(content: bytes) -> bytes:
    """The file with its checksum in place of the zeros in its header."""
    return content.replace(_NO_CHECKSUM.encode(), _checksum(content, _NO_CHECKSUM).encode(), 1)


def _checksum(content: bytes, present: str) -> str:
    """SHA-256 of the whole file, with zeros in place of its checksum."""
    end = 8 + int.from_bytes(content[:8], "little")
    digest = hashlib.sha256(content[:end].replace(present.encode(), _NO_CHECKSUM.encode(), 1))
    digest.update(memoryview(content)[end:])
    return digest.hexdigest()


def _repair(directory: Path) -> None:
    """Repair the effects of a kill: temporary files, and newest weights that differ from the resume file.

    Raises RunError if the resume file is damaged; then nothing is replaced.
    """
    remove_temporaries(directory)
    if not (directory / SNAPSHOTS).is_symlink():
        remove_temporaries(directory / SNAPSHOTS)
    resume = _read_resume(directory)
    last = directory / LAST
    if resume is not None and (not last.is_file() or last.read_bytes() != resume.weights):
        write_atomically(last, lambda file: file.write(resume.weights))


def _refuse_a_link(directory: Path) -> None:
    if not stat.S_ISDIR(os.lstat(directory).st_mode):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(directory))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _no_run(directory: Path) -> str:
    if not directory.exists():
        return f"{directory} does not exist; give the directory of a run, such as those below runs{os.sep}"
    return f"{directory} holds no run (there is no {HEADER}); give the directory of a run"


def _is_written(directory: Path) -> str:
    return f"{directory} is being written by another process; to look at it: rnnscope watch {directory}"


def _damaged(path: Path, reason: object) -> str:
    return (
        f"{path} is damaged: {reason}; put a copy of it back, or train its weights further in a new run: "
        f"--init-from {path.parent}"
    )


def _cannot_write(directory: Path, error: OSError) -> str:
    path = error.filename or directory
    return f"{path} cannot be written: {error.strerror or error}; choose another directory with --run"
