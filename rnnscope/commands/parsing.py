"""Arguments into the frozen dataclass that a command's options are, by tyro; complaints in one line."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from rnnscope.errors import OptionError

Options = TypeVar("Options")

_CONFIG = (
    tyro.conf.DisallowNone,  # to leave an option out says None
    tyro.conf.FlagCreatePairsOff,  # and a flag's opposite
    tyro.conf.PositionalMetavarFromFieldName,
)
# The box has edges of lines, or of blanks where standard output is not UTF-8.
_EDGES = re.compile(r"^[│ ] | *│?$")
_RULE = re.compile(r"^ *[─-]{8,}$", re.MULTILINE)
_MISSING = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
_OPTIONAL = re.compile(r"no type matching .* Got errors: - <class '\w+'>: ")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def parse(kind: type[Options], command: str, arguments: Sequence[str]) -> Options | None:
    """The options that `arguments` give, or None after their help was printed. Raises OptionError.

    A field `given` of `kind` gets the names of the options that `arguments` hold.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            options = tyro.cli(
                kind, prog=f"rnnscope {command}", args=arguments, config=_CONFIG, registry=_registry()
            )
    except SystemExit as end:
        if not end.code:
            return None
        raise OptionError(f"{_one_line(complaint.getvalue())}; see rnnscope {command} --help") from None
    return _with_given(options, arguments)


def _with_given(options: Options, arguments: Sequence[str]) -> Options:
    """Tell an option that was typed with its default value from one that was left out."""
    if not is_dataclass(options) or all(field.name != "given" for field in fields(options)):
        return options
    names = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    given = frozenset(name.removeprefix("--").replace("-", "_") for name in names)
    return replace(options, given=given)  # type: ignore[type-var]


def _one_line(box: str) -> str:
    """The heart of tyro's box: what is above its first rule, and what it suggests in place of a slip."""
    _title, *lines = _COLOR.sub("", box).splitlines()
    content = "\n".join(_EDGES.sub("", line) for line in lines if not line.startswith("╰"))
    above, *below = [part for part in _RULE.split(content) if part.strip()]
    if missing := [names.split(", ")[0] for names in _MISSING.findall(above)]:
        return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    message = _OPTIONAL.sub("", " ".join(above.split()).removeprefix("Error parsing ").rstrip("."))
    if below and "Perhaps you meant" in below[0] and (near := re.search(r"--[\w-]+", below[0])):
        message += f"; did you mean {near[0]}?"
    return message[:1].lower() + message[1:]


def _registry() -> ConstructorRegistry:
    """Numbers whose complaint is worded for people."""
    registry = ConstructorRegistry()
    readers: dict[type, tuple[str, Callable[[str], Any], str]] = {
        int: ("N", int, "a whole number"),
        float: ("X", _finite, "a number"),
    }

    @registry.primitive_rule
    def _(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
        if info.type not in readers:
            return None
        metavar, read, name = readers[info.type]

        def of(words: list[str]) -> Any:
            try:
                return read(words[0])
            except ValueError:
                raise ValueError(f"{words[0]!r} is not {name}") from None

        return PrimitiveConstructorSpec(
            nargs=1,
            metavar=metavar,
            instance_from_str=of,
            is_instance=lambda value: isinstance(value, info.type),
            str_from_instance=lambda value: [str(value)],
        )

    return registry


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError
    return number
