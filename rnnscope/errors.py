"""The errors that a user can correct.

Each message is one line: what is wrong, where, and what to do. The command line prints it and exits with 2.
"""

from __future__ import annotations

from collections.abc import Iterable


class RnnscopeError(Exception):
    """Base class of all errors that the user can correct; the message is the full explanation.

    Example::

        >>> import rnnscope
        >>> try:
        ...     rnnscope.load("archive-lstm").trace("漢字")
        ... except rnnscope.RnnscopeError as error:
        ...     print(type(error).__name__)
        TextError
    """

    exit_status = 2
    """The exit status of the command."""


class TextError(RnnscopeError):
    """A text that cannot be read, is too short, or has a character that the vocabulary lacks."""


class OptionError(RnnscopeError):
    """Options that contradict each other, or a value outside its range."""


class CheckpointError(RnnscopeError):
    """A model file that is missing, truncated, malformed, or of another program."""


class RunError(RnnscopeError):
    """A run directory that is missing, incomplete, or being written by another process."""


class UnsavedError(RunError):
    """A run that ended while its files could not be written."""

    exit_status = 1


class DeviceError(RnnscopeError):
    """A device or a precision that this machine does not have."""


OUT_OF_MEMORY = "out of memory; use a part of the text, or a smaller model"


def os_error_line(error: OSError) -> str:
    """The message of an error of the operating system: which file, and what is wrong."""
    if not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()


def is_out_of_memory(error: BaseException) -> bool:
    """Return True for a failed allocation of Python, NumPy or PyTorch, on a CPU or a GPU."""
    if isinstance(error, RuntimeError):  # PyTorch's
        return "can't allocate memory" in str(error) or "out of memory" in str(error)
    return isinstance(error, MemoryError)


def notes_of(error: BaseException) -> str:
    """The notes of an exception, as the end of its message."""
    return "".join(f"; {note}" for note in getattr(error, "__notes__", ()))


def similar(name: str, choices: Iterable[str]) -> str | None:
    """The choice that a mistyped name most resembles."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(choices), 1, 0.6)), None)


def suggestion(name: str, choices: Iterable[str]) -> str:
    """The end of a message about a mistyped name: `did you mean sample?`, or `choose one of …`."""
    choices = list(choices)
    meant = similar(name, choices)
    return f"choose one of {', '.join(choices)}" if meant is None else f"did you mean {meant}?"
