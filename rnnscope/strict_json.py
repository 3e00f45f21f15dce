"""Reads JSON from untrusted files: bounded, finite, and of the types that a dataclass declares.

    header = decode(RunHeader, parse(data))      # or JsonError: 'options.layers' is true, not a whole number

`parse` refuses what JSON allows and no file of ours holds: deep nesting, a duplicate name, NaN and the
infinities, whole numbers beyond 2^53 and halves of surrogate pairs.
"""

from __future__ import annotations

import functools
import json
import math
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from rnnscope.files import read_regular_file

T = TypeVar("T")

DEPTH = 32
"""How deep lists and objects may be nested."""

LARGEST_INTEGER = 2**53
"""The largest integer that every JSON reader represents exactly."""

_LONGEST_SHOWN = 40


class JsonError(ValueError):
    """JSON that is not valid or not of the type that was expected; the message names the place."""


def read_json(path: Path, *, max_bytes: int) -> Any:
    """The value in a file. Raises JsonError, and OSError, also if it is not a regular file."""
    return parse(read_regular_file(path, max_bytes=max_bytes))


def parse(data: bytes | str) -> Any:
    """The value of JSON text. Raises JsonError."""
    try:
        value = json.loads(data, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except JsonError:
        raise
    except RecursionError:
        raise JsonError("it is nested too deeply") from None
    except ValueError:  # also of bytes that are not UTF-8, and of numbers of thousands of digits
        raise JsonError("it is not JSON") from None
    _check(value)
    return value


def decode(kind: type[T], value: object, where: str = "") -> T:
    """The value as `kind`: a dataclass, or any type that its fields may have.

    Names that the dataclass does not declare are ignored, for files of later versions.

    Raises: JsonError, which names the field that has another type; what the dataclass raises itself.
    """
    return cast("T", _decode(kind, value, where))


def dump(value: object, *, separators: tuple[str, str] = (", ", ": ")) -> str:
    """The value as JSON in one line of ASCII, which `parse` accepts.

    null stands for NaN and the infinities, and ? for a byte of a file name that is not UTF-8.

    Raises TypeError for other values.
    """
    try:
        text = json.dumps(value, allow_nan=False, separators=separators)
    except ValueError:
        text = ""
    if text and "\\ud" not in text:
        return text
    return json.dumps(_writable(value), allow_nan=False, separators=separators)


def _writable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_writable(name): _writable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(inner) for inner in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(value: object) -> str:
    """A value of such a file for a message: ASCII, one line, at most 40 characters."""
    if isinstance(value, str | bytes | list | tuple | dict):
        value = _cut(value)
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def _cut(value: Any) -> Any:
    return dict(list(value.items())[:8]) if isinstance(value, dict) else value[: 2 * _LONGEST_SHOWN]


def _refuse_constant(name: str) -> None:
    raise JsonError(f"{name} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise JsonError("it gives a name twice")
    return value


def _check(value: Any) -> None:
    """Raise JsonError for values that `parse` rejects, without recursion."""
    level: list[Any] = [value]
    for _ in range(DEPTH + 1):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                _check_text(item)
            elif kind is float:
                if not math.isfinite(item):  # 1e999
                    raise JsonError("a number is too large")
            elif kind is int:
                if abs(item) > LARGEST_INTEGER:
                    raise JsonError("a whole number is too large")
            elif kind is list:
                below += item
            elif kind is dict:
                below += item
                below += item.values()
        if not below:
            return
        level = below
    raise JsonError("it is nested too deeply")


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise JsonError("a text has half of a surrogate pair") from None


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if kind is Any or kind is object:
        return value
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind in (bool, int, str, type(None)) or kind is None:
        if type(value) is (type(None) if kind is None else kind):
            return value
    elif origin is Literal:
        if any(type(value) is type(choice) and value == choice for choice in get_args(kind)):
            return value
    elif origin in (Union, types.UnionType):
        return _first_that_fits(get_args(kind), value, where)
    elif origin in (tuple, list) and isinstance(value, list):
        item = get_args(kind)[0]
        return origin(_decode(item, each, f"{where}[{i}]") for i, each in enumerate(value))
    elif origin in (dict, Mapping) or getattr(origin, "__name__", "") == "Mapping":
        if isinstance(value, dict):
            item = get_args(kind)[1]
            return {name: _decode(item, each, _below(where, name)) for name, each in value.items()}
    elif is_dataclass(kind) and isinstance(value, dict):
        return _decode_fields(kind, value, where)
    elif getattr(origin, "__name__", "") == "ndarray" and isinstance(value, list):
        return _array(kind, value, where)
    raise JsonError(f"{where or 'it'} is {shown(value)}, not {_named(kind)}")


def _first_that_fits(kinds: Iterable[Any], value: Any, where: str) -> Any:
    errors = []
    for kind in kinds:
        try:
            return _decode(kind, value, where)
        except JsonError as error:
            errors.append(error)
    raise errors[0]


def _array(kind: Any, value: list[Any], where: str) -> Any:
    """A one-dimensional array of numbers, of the type that `NDArray[…]` names."""
    import numpy as np

    kinds = {type(each) for each in value}
    if not kinds <= {int, float}:
        raise JsonError(f"{where or 'it'} is {shown(value)}, not a list of numbers")
    number = get_args(get_args(kind)[1])[0]
    if issubclass(number, np.integer) and (
        float in kinds or any(not np.iinfo(number).min <= each <= np.iinfo(number).max for each in value)
    ):
        raise JsonError(f"{where or 'it'} is {shown(value)}, not a list of {np.dtype(number).name}")
    return np.array(value, number)


def _decode_fields(kind: Any, value: Mapping[str, Any], where: str) -> Any:
    hints, found = _hints(kind), {}
    for field in fields(kind):
        if field.name in value:
            found[field.name] = _decode(hints[field.name], value[field.name], _below(where, field.name))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise JsonError(f"{where or 'it'} lacks {field.name!r}")
    return kind(**found)


def _below(where: str, name: str) -> str:
    name = name if name.isidentifier() and name.isascii() and len(name) <= _LONGEST_SHOWN else shown(name)
    return f"{where}.{name}" if where else name


def _named(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    if kind in names:
        return names[kind]
    return "a list" if origin in (tuple, list) else "an object" if kind is not None else "null"
