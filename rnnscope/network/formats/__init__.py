"""Checkpoint formats. This file is their registry; `Format` says what a format's module defines.

Checkpoints may come from anyone, so a format trusts nothing in them: it runs no code of theirs, and checks
every number against the true size of its file before memory is allocated. Models are written in the native
format alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from rnnscope.errors import CheckpointError
from rnnscope.network.formats import ml5, native
from rnnscope.network.header import Header
from rnnscope.strict_json import JsonError

if TYPE_CHECKING:
    from torch import Tensor

R = TypeVar("R")


class Format(Protocol):
    """What a format's module defines. No module of a format imports torch before it reads weights.

    All but `matches` raise CheckpointError or JsonError, whose message does not repeat the path, and OSError.
    """

    NAME: str
    """The program that writes such checkpoints."""

    def matches(self, path: Path, /) -> bool:
        """Whether `path` looks like such a checkpoint, by its name or its files' names. Raises nothing."""

    def files(self, path: Path, /) -> tuple[Path, ...]:
        """The files that the checkpoint consists of."""

    def read_header(self, path: Path, /) -> Header:
        """The architecture and the vocabulary, checked against the sizes of the tensors."""

    def read_weights(self, path: Path, /) -> tuple[Header, dict[str, Tensor]]:
        """The header, and the tensors with the names, shapes and gate order of a native file."""


FOREIGN: tuple[Format, ...] = (ml5,)
"""The formats of other programs, which are only read."""


def is_foreign(path: Path) -> bool:
    """Whether `path` is a checkpoint of another program."""
    return any(each.matches(path) for each in FOREIGN)


def format_of(path: Path) -> Format:
    """The format of a checkpoint: the native one where no other matches."""
    return next((each for each in FOREIGN if each.matches(path)), native)


def read_header(path: Path) -> Header:
    """The header of a checkpoint. Raises CheckpointError where it is missing, damaged or unknown."""
    return _read(path, format_of(path).read_header)


def read_weights(path: Path) -> tuple[Header, dict[str, Tensor]]:
    """The header and the tensors of a checkpoint, unchecked. Raises CheckpointError as `read_header`."""
    return _read(path, format_of(path).read_weights)


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that a checkpoint consists of. Raises CheckpointError as `read_header`."""
    return _read(path, format_of(path).files)


def _read(path: Path, read: Callable[[Path], R]) -> R:
    try:
        return read(path)
    except OSError as error:
        raise CheckpointError(f"{error.filename or path} cannot be read: {error.strerror}") from None
    except (CheckpointError, JsonError) as error:
        raise CheckpointError(f"{path} is not a model of {format_of(path).NAME}: {error}") from None
