"""Events as JSON objects, one on each line of `events.jsonl`, and back.

    {"event": "evaluated", "step": 200, "elapsed_seconds": 4.1, "held_out_nats": 2.0131, …}

After these three a record has the fields of its event. A number that is not finite is written as null and
read as NaN. Traces, pauses, baselines (see baselines.json) and samples at other temperatures are not written.

The file is untrusted: a record is checked against the types and ranges of its event when it is read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from functools import cache
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.architecture import Architecture
from rnnscope.strict_json import JsonError, decode, dump, parse, shown
from rnnscope.training.events import Evaluated, Event, Finished, Progress, Sampled, Saved, Started, Warned

EVENTS: dict[str, type[Event]] = {
    "started": Started,
    "progress": Progress,
    "evaluated": Evaluated,
    "sampled": Sampled,
    "saved": Saved,
    "warned": Warned,
    "finished": Finished,
}
"""The name of each kind of event that is written."""

_NAMES = {kind: name for name, kind in EVENTS.items()}

_ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "steps": (np.int64, 0),
    "losses_nats": (np.float64, 6),
    "gradient_norms": (np.float64, 4),
    "probabilities": (np.float32, 3),
}
"""Field → the type of its numbers, and the significant digits that are written."""

_RANGES: dict[str, tuple[float, float]] = {
    "elapsed_seconds": (0, 1e10),
    "remaining_seconds": (0, 1e10),
    "fraction": (0, 1),
    "epoch": (0, 1e12),
    "characters_per_second": (0, 1e15),
    "temperature": (0, 1e300),
    "step": (0, 2**53),
    "characters": (0, 2**53),
    "parameters": (0, 2**53),
    "memory_bytes": (0, 2**53),
    "train_characters": (0, 2**53),
    "held_out_characters": (0, 2**53),
    "characters_per_step": (0, 2**53),
    "unknown_characters": (0, 2**53),
}
"""Field → the range of its numbers."""

_MAY_BE_NAN = ("characters_per_second", "epoch")


def to_json(event: Event) -> dict[str, Any] | None:
    """The record of an event; None for kinds that are not written."""
    name = _NAMES.get(type(event))
    if name is None:
        return None
    record: dict[str, Any] = {
        "event": name,
        "step": int(event.step),
        "elapsed_seconds": _number(event.elapsed_seconds, 9),
    }
    if isinstance(event, Progress):
        record["loss_nats"] = _number(_mean(event.losses_nats), 7)
        record["gradient_norm"] = _number(_mean(event.gradient_norms), 7)
    for field in fields(event):
        if field.name not in record:
            record[field.name] = _plain(field.name, getattr(event, field.name))
    if isinstance(event, Sampled) and event.characters in ((), tuple(event.text)):
        del record["characters"]
    return record


def from_json(record: object) -> Event | None:
    """The event of a record; None for a kind unknown to this version.

    Raises JsonError if `to_json` could not have written the record.
    """
    if not isinstance(record, dict):
        raise JsonError("it is not a JSON object")
    name = record.get("event")
    kind = EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        return None
    hints = _hints(str(name))
    values = {f.name: _value(f.name, hints[f.name], record[f.name]) for f in fields(kind) if f.name in record}
    if kind is Sampled and "characters" not in values:
        values["characters"] = tuple(values.get("text", ""))
    try:
        event: Event = kind(**values)
    except TypeError as error:
        raise JsonError(str(error).partition("() ")[2]) from error
    _check(event)
    return event


def from_line(line: bytes) -> Event | None:
    """The event of a line of the file, as `from_json`. Raises JsonError."""
    return from_json(parse(line))


def to_line(record: dict[str, Any]) -> bytes:
    """One line of the file; ASCII, so that it is safe to print in a terminal."""
    return dump(record, separators=(",", ":")).encode() + b"\n"


def merged(events: Sequence[Progress]) -> Progress:
    """One event with the steps of several; its other fields are those of the last."""
    last = events[-1]
    if len(events) == 1:
        return last
    ratios = [event.update_ratio_log10 for event in events if event.update_ratio_log10 is not None]
    return replace(
        last,
        steps=np.concatenate([event.steps for event in events]),
        losses_nats=np.concatenate([event.losses_nats for event in events]),
        gradient_norms=np.concatenate([event.gradient_norms for event in events]),
        update_ratio_log10=ratios[-1] if ratios else None,
    )


def thinned(event: Progress, group: int) -> Progress:
    """The event with each `group` consecutive steps as one: their means, under the number of the last."""
    starts = np.arange(0, len(event.steps), group)
    if group == 1 or len(starts) == 0:
        return event
    ends = np.append(starts[1:], len(event.steps))
    return replace(
        event,
        steps=event.steps[ends - 1],
        losses_nats=np.add.reduceat(event.losses_nats, starts) / (ends - starts),
        gradient_norms=np.add.reduceat(event.gradient_norms, starts) / (ends - starts),
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _number(value: float, digits: int) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        digits = _ARRAYS[name][1]
        numbers = value.tolist()
        return numbers if digits == 0 else [_number(number, digits) for number in numbers]
    if isinstance(value, Architecture):
        return asdict(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float | np.floating):
        return _number(float(value), 7)
    if isinstance(value, np.bool_ | np.integer):
        return value.item()
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()  # a path may contain bytes that are not UTF-8
    return value


@cache
def _hints(name: str) -> dict[str, Any]:
    return get_type_hints(EVENTS[name])


def _value(name: str, kind: Any, value: object) -> Any:
    """A field's value, of the type that the event declares."""
    if name in _ARRAYS:
        return _array(name, value)
    if kind is float and value is None:
        return math.nan
    return decode(kind, value, name)


def _array(name: str, value: object) -> NDArray[Any]:
    if isinstance(value, list) and all(type(item) in (int, float, type(None)) for item in value):
        try:
            with np.errstate(over="ignore"):  # a probability of 1e308 becomes infinite, and is rejected
                return np.array(value, dtype=_ARRAYS[name][0])
        except (TypeError, OverflowError):
            pass
    raise JsonError(f"{name} is {shown(value)}, not a list of numbers")


def _check(event: Event) -> None:
    """Raise JsonError for numbers out of range, and lists of different lengths."""
    for name, (low, high) in _RANGES.items():
        value = getattr(event, name, None)
        if not isinstance(value, int | float) or (name in _MAY_BE_NAN and math.isnan(value)):
            continue
        if not low <= value <= high:
            raise JsonError(f"{name} is {value:g}, out of range")
    match event:
        case Progress():
            if not len(event.steps) == len(event.losses_nats) == len(event.gradient_norms):
                raise JsonError("steps, losses_nats and gradient_norms differ in length")
            if len(event.steps) and (event.steps[0] < 0 or (np.diff(event.steps) <= 0).any()):
                raise JsonError("steps are not in order")
        case Sampled():
            if len(event.probabilities) != len(event.characters):
                raise JsonError("characters and probabilities differ in length")
            if ((event.probabilities < 0) | (event.probabilities > 1)).any():
                raise JsonError("probabilities are out of range")
        case Started():
            _check_architecture(event.architecture)


def _check_architecture(shape: Architecture) -> None:
    sizes = (shape.hidden_size, shape.layers, shape.vocabulary_size, shape.embedding_size)
    if min(sizes[:2]) < 1 or min(sizes) < 0 or max(sizes) > 2**31:
        raise JsonError("architecture has a size out of range")
