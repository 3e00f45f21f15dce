"""`rnnscope serve`: the screens of other commands in a web page."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import tyro

from rnnscope.commands import COMMANDS, parsed
from rnnscope.commands.output import print_text
from rnnscope.errors import OptionError

SCREENS = tuple(
    name for name in ("train", "watch", "inspect", "replay", "learn", "compare") if name in COMMANDS
)
"""The commands with a screen."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

EXAMPLES = (
    "rnnscope serve inspect archive-lstm                a page on http://localhost:8000",
    "rnnscope serve --visitors 30 --host 0.0.0.0 inspect   for a class, without a password",
)


@dataclass(frozen=True)
class Options:
    """Show the screen of a command in a web page: rnnscope serve [options] inspect archive-lstm."""

    command: Annotated[tuple[str, ...], tyro.conf.Suppress] = ()
    host: str = "localhost"
    """The address to listen on. Another address than localhost opens the page to other computers, without a
    password."""
    port: int = 8000
    """The port to listen on; 0 takes a free one."""
    visitors: int = 4
    """The maximum number of pages at the same time; each runs the command in a process."""


def parse(arguments: Sequence[str]) -> Options | None:
    """The options, and the command with its arguments. Raises OptionError."""
    from rnnscope.commands.parsing import parse as parse_options

    at = next((i for i, word in enumerate(arguments) if word in SCREENS), len(arguments))
    own, command = arguments[:at], tuple(arguments[at:]) or ("inspect",)
    if at == len(arguments) and (other := next((word for word in own if word in COMMANDS), None)):
        raise OptionError(f"{other} has no screen; serve one of {', '.join(SCREENS)}")
    options = parse_options(Options, "serve", own, EXAMPLES)
    if options is None:
        return None
    if parsed(command[0], command[1:]) is None:  # its help was printed
        return None
    return replace(options, command=command)


def run(options: Options) -> int:
    if not 0 <= options.port <= 65535:
        raise OptionError(f"--port is {options.port}, but must be from 0 to 65535")
    if options.visitors < 1:
        raise OptionError(f"--visitors is {options.visitors}, but must be at least 1")
    try:
        from rnnscope.app.web import serve
    except ImportError as error:
        raise OptionError("serve needs textual-serve: pip install 'rnnscope[serve]'") from error

    title = shlex.join(("rnnscope", *options.command))
    command = shlex.join((sys.executable, "-m", "rnnscope", *options.command))
    if options.host not in _LOOPBACK:
        print_text(
            f"{title} is open to every computer that reaches {options.host}, without a password: "
            "visitors can press all of its keys, but cannot open or write other files"
        )
    serve(
        command,
        title=title,
        host=options.host,
        port=options.port,
        visitors=options.visitors,
        on_start=lambda url: print_text(f"{title}: {url}   Ctrl+C ends it"),
    )
    return 0
