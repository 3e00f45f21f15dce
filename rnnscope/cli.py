"""The command line: run one command, and turn its errors into one line and an exit status.

Only the module of that command is imported, so that `rnnscope --help` answers at once.

    exit status    0  done    2  an error to correct    1  unsaved, or an internal error    128 + N  signal N
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import warnings
from collections.abc import Sequence

from rnnscope import __version__
from rnnscope.commands import COMMANDS, module_of, parsed
from rnnscope.errors import (
    OUT_OF_MEMORY,
    OptionError,
    RnnscopeError,
    is_out_of_memory,
    notes_of,
    os_error_line,
    suggestion,
)

_HELP = f"""\
rnnscope: a microscope for recurrent networks in the terminal

first steps:
  rnnscope inspect          look inside a trained LSTM
  rnnscope train archive    train your own on a generated text, or on any text file; q saves and quits

usage: rnnscope COMMAND [arguments]

{chr(10).join(f"  {name:10} {summary}" for name, summary in COMMANDS.items())}

  rnnscope COMMAND --help   options and examples of a command
  rnnscope --version        the version
  --debug                   with any command: show the traceback of an error
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status. arguments: by default those of the process."""
    _prepare_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    shows_traceback = "--debug" in given
    if shows_traceback:
        given.remove("--debug")
    try:
        with warnings.catch_warnings():
            if not shows_traceback:
                warnings.simplefilter("ignore")  # of NumPy and PyTorch: they name a line of source code
            return _run(given)
    except BrokenPipeError:
        _drop_output()
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:
        if shows_traceback:
            raise
        _complain(_worded(error))
        if isinstance(error, OSError):
            _drop_output()
        if isinstance(error, RnnscopeError):
            return error.exit_status
        return 2 if isinstance(error, OSError) or is_out_of_memory(error) else 1


def _prepare_streams() -> None:
    """Replace characters that the output encoding lacks, and keep closed descriptors from being reused."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _drop_output() -> None:
    """Discard standard output, so that Python does not report a failed flush at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(given: list[str]) -> int:
    if sys.stdout is None:
        raise OptionError("standard output is closed; send it to a file, or to /dev/null")
    if not given or given[0] in ("-h", "--help", "help"):
        print(_HELP, end="")  # noqa: T201
        return 0
    name, *rest = given
    if name in ("-V", "--version"):
        print(f"rnnscope {__version__}")  # noqa: T201
        return 0
    if name not in COMMANDS:
        raise OptionError(f"there is no command {name}; {suggestion(name, COMMANDS)}")
    options = parsed(name, rest)
    if options is None:  # help was printed
        return 0
    status: int = module_of(name).run(options)
    sys.stdout.flush()
    return status


def _worded(error: Exception) -> str:
    if isinstance(error, RnnscopeError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return os_error_line(error)
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    return f"internal error: {type(error).__name__}: {error}{notes_of(error)}; --debug shows where"


def _complain(message: str) -> None:
    """Print an error in one line, escaped for the terminal."""
    from rnnscope.text.display import safe

    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # there is no other place to report it
            print(f"rnnscope: {safe(' '.join(message.split()))}", file=sys.stderr)  # noqa: T201
