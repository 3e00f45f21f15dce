"""Regular expressions typed by a user: bounded in size, and matched in bounded time while other threads run.

The standard library's matcher holds the interpreter, so that an expression with nested repeats would freeze a
screen. The regex package lets other threads run and takes a time limit, but it expands repeats:
`a{99999999}` fills the memory before anything is matched. So the expanded size of an expression is computed
first, and recursion, which is unbounded, is rejected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

from rnnscope.errors import OptionError

Span = tuple[int, int]

_MOST_SECONDS = 10.0
_LONGEST = 10_000
_LARGEST = 100_000
"""The maximum expanded size of an expression, in characters."""

_LONG = 300
"""The regex package prepares a literal text of this size in 0.01 s, and one of 5,000 characters in 26 s."""
_NO_PREPARATION = "(?!)|"
"""Begins an expression that has no literal text to prepare."""

_RECURSION = re.compile(r"(?<!\\)\(\?(?:R|&|P>|[+-]?[0-9])")
_TOKEN = re.compile(
    r"""(?P<escaped> \\ (?: [pPN]\{[^{}]*\} | . ) )
      | (?P<charset> \[ \^? \]? (?: \\. | [^\]\\] )* \] )
      | (?P<count> \{ (?P<content> [^{}]* ) \} )
      | (?P<open> \( )
      | (?P<close> \) )
      | (?P<other> . )""",
    re.VERBOSE | re.DOTALL,
)


class Expression:
    """A regular expression in Python's syntax; ^ and $ match at line breaks."""

    def __init__(
        self, written: str, *, ascii_only: bool = False, most_seconds: float = _MOST_SECONDS
    ) -> None:
        """most_seconds: how long one stretch of text may take. Raises OptionError if `written` is invalid."""
        self.written = written
        self._most_seconds = most_seconds
        _require_bounded(written)
        flags = regex.MULTILINE | (regex.ASCII if ascii_only else 0)
        try:
            prefix = _NO_PREPARATION if written_out(written) > _LONG else ""
            self._compiled = regex.compile(prefix + written, flags)
        except (regex.error, OverflowError, RecursionError, MemoryError) as error:
            raise OptionError(f"{_shown(written)} is not a regular expression: {error}") from error

    def spans(self, text: str, start: int = 0) -> Iterator[Span]:
        """The matches from `start` on, in order. Raises OptionError at the time limit."""
        try:
            for match in self._compiled.finditer(text, start, timeout=self._most_seconds, concurrent=True):
                yield match.span()
        except (TimeoutError, MemoryError) as error:
            raise self._endless() from error

    def span_at(self, text: str, start: int) -> Span | None:
        """The match that begins at `start`, if any. Raises OptionError at the time limit."""
        try:
            match = self._compiled.match(text, start, timeout=self._most_seconds, concurrent=True)
        except (TimeoutError, MemoryError) as error:
            raise self._endless() from error
        return None if match is None else match.span()

    def _endless(self) -> OptionError:
        return OptionError(
            f"{_shown(self.written)} takes more than {self._most_seconds:g} s on a part of the text; "
            "avoid repeats within repeats, such as (a+)+"
        )


def _require_bounded(written: str) -> None:
    if not written:
        raise OptionError("the regular expression is empty")
    if len(written) > _LONGEST:
        raise OptionError(f"the regular expression is too long: {len(written):,} of {_LONGEST:,} characters")
    if _RECURSION.search(written):
        raise OptionError(f"{_shown(written)} calls itself or a group: recursion is not supported")
    if written_out(written) > _LARGEST:
        raise OptionError(f"{_shown(written)} repeats too often: at most {_LARGEST:,} characters written out")


def written_out(expression: str) -> int:
    """The size of an expression, in characters, with every counted repeat expanded.

    A repeat counts with its maximum, so this is an upper bound.
    """
    groups, last = [0], 0
    for token in _TOKEN.finditer(expression):
        match token.lastgroup:
            case "open":
                groups.append(0)
                last = 0
            case "close" if len(groups) > 1:
                last = groups.pop() + 1
                groups[-1] += last
            case "count":
                times = max((int(number[:9]) for number in re.findall("[0-9]+", token["content"])), default=1)
                groups[-1] += last * (times - 1)
                last *= max(1, times)
            case _:
                last = 1
                groups[-1] += last
    return sum(groups)


def _shown(written: str) -> str:
    return repr(written if len(written) <= 60 else written[:59] + "…")
