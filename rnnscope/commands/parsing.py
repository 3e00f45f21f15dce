"""Parse arguments into the dataclass of a command's options, with tyro; errors are one line.

The help of an option is the docstring of its field.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from itertools import pairwise
from textwrap import dedent
from types import MappingProxyType
from typing import Annotated, Any, TypeVar, get_type_hints

import tyro
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from rnnscope.errors import OptionError, suggestion

Options = TypeVar("Options")

_CONFIG = (
    tyro.conf.DisallowNone,  # None is the value of an omitted option
    tyro.conf.PositionalMetavarFromFieldName,
)
_WITH_NO = ("tied",)
"""Flags that the configuration may set, with an option `--no-…`."""
# tyro prints errors in a box; its edges are spaces if standard output is not UTF-8.
_EDGES = re.compile(r"^[│ ] | *│?$")
_RULE = re.compile(r"^ *[─-]{8,}$", re.MULTILINE)
_MISSING = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
_OPTIONAL = re.compile(r"no type matching .* Got errors: - <class '\w+'>: ")
_CHOICE = re.compile(r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def parse(
    kind: type[Options],
    command: str,
    arguments: Sequence[str],
    examples: Sequence[str] = (),
    *,
    help_command: str = "",
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> Options | None:
    """Parse `arguments` into a `kind`; None if the help was printed, which ends with `examples`.

    help_command: the command in a reference to the help, if it is not `command`. defaults: values of options
    that are not in `arguments`, in place of the defaults of `kind`. A field `given` of `kind` is set to the
    names of the options in `arguments`. Raises OptionError.
    """
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            options = tyro.cli(
                kind, prog=f"rnnscope {command}", args=arguments, config=_CONFIG, registry=_registry()
            )
    except SystemExit as end:
        if not end.code:
            if examples:
                print("\nexamples:", *examples, sep="\n  ")  # noqa: T201
            return None
        raise OptionError(
            f"{_one_line(errors.getvalue())}; see rnnscope {help_command or command} --help"
        ) from None
    typed = given_in(arguments)
    changes = {name: value for name, value in defaults.items() if name not in typed}
    if is_dataclass(options) and any(field.name == "given" for field in fields(options)):
        changes["given"] = typed
    return replace(options, **changes) if changes else options  # type: ignore[type-var]


def given_in(arguments: Sequence[str]) -> frozenset[str]:
    """The names of the options in `arguments`: an option may be given with its default value."""
    words = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    return frozenset(word.removeprefix("--").removeprefix("no-").replace("-", "_") for word in words)


def _one_line(box: str) -> str:
    """The message in tyro's box, and its suggestion for a misspelled option, as one line."""
    _title, *lines = _COLOR.sub("", box).splitlines()
    content = "\n".join(_EDGES.sub("", line) for line in lines if not line.startswith("╰"))
    above, *below = [part for part in _RULE.split(content) if part.strip()]
    if missing := [names.split(", ")[0].split(" [")[0] for names in _MISSING.findall(above)]:
        return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
    message = _OPTIONAL.sub("", " ".join(above.split()).removeprefix("Error parsing ").rstrip("."))
    if choice := _CHOICE.search(message):
        word, argument, choices = choice.groups()
        known = re.findall(r"'([^']*)'", choices)
        return f"{argument}: there is no {word}; {suggestion(word, known)}"
    if below and "Perhaps you meant" in below[0] and (near := re.search(r"--[\w-]+", below[0])):
        message += f"; did you mean {near[0]}?"
    return message[:1].lower() + message[1:]


def field_docs(kind: type) -> dict[str, str]:
    """The docstrings of a dataclass's fields, each on one line."""
    try:
        tree = ast.parse(dedent(inspect.getsource(kind)))
    except (OSError, TypeError):  # a class without source has its help in annotations
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    docs = {}
    for field, after in pairwise(body):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            docs[field.target.id] = " ".join(str(after.value.value).split())
    return docs


def _default_of(field: Field[Any]) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return tyro.MISSING if field.default is MISSING else field.default


def _default_hint(default: str) -> str:
    """The default in the help; empty if there is none, and for flags."""
    return "" if default in ("None", "''", "False") else f"(default: {default})"


def _registry() -> ConstructorRegistry:
    """Parsers of dataclasses, whose help omits empty defaults, and of numbers, with plain error messages."""
    registry = ConstructorRegistry()
    readers: dict[type, tuple[str, Callable[[str], Any], str]] = {
        int: ("N", int, "a whole number"),
        float: ("X", _finite, "a number"),
    }

    @registry.struct_rule
    def _(info: StructTypeInfo) -> StructConstructorSpec | None:
        if not is_dataclass(info.type):
            return None
        types: dict[str, Any] = get_type_hints(info.type, include_extras=True)
        plain = get_type_hints(info.type)
        help_texts = field_docs(info.type)
        hint = tyro.conf.arg(help_behavior_hint=_default_hint)

        def annotated(name: str) -> Any:
            """The type of a field; the default of a flag is False, which has no option."""
            if plain[name] is bool and name not in _WITH_NO:
                return Annotated[types[name], hint, tyro.conf.FlagCreatePairsOff]
            return Annotated[types[name], hint]

        return StructConstructorSpec(
            instantiate=info.type,
            fields=tuple(
                StructFieldSpec(
                    name=field.name,
                    type=annotated(field.name),
                    default=_default_of(field),
                    helptext=help_texts.get(field.name),
                )
                for field in fields(info.type)
            ),
        )

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
