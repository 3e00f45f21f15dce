"""Standard output of the commands: the one place where they print.

Text of a file, a name or an argument cannot act on the terminal, and JSON is valid whatever the numbers are.
"""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.segment import Segment, Segments

from rnnscope.strict_json import dump
from rnnscope.text.display import safe


def say(text: str, *, end: str = "\n") -> None:
    """Print text, with a picture for each control character but the line break. Raises OSError."""
    print(safe(text), end=end, flush=True)  # noqa: T201


def say_json(value: object) -> None:
    """Print one JSON object on a line, in ASCII. Raises OSError."""
    print(dump(value))  # noqa: T201


def say_styled(*parts: RenderableType) -> None:
    """Print tables and styled text. Raises OSError."""
    console = _Console()
    for part in parts:
        clean = [Segment(safe(text), style) for text, style, _ in console.render(part)]
        console.print(Segments(clean), end="" if clean and clean[-1].text.endswith("\n") else "\n")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which ends as other programs do; Rich would exit with 1."""
        raise BrokenPipeError
