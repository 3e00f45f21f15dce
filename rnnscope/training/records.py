"""Events as JSON objects, one a line of `events.jsonl`, and back.

    {"event": "evaluated", "step": 200, "elapsed_seconds": 4.1, "held_out_nats": 2.0131, …}

What a record holds beside these three is the fields of its event, so that a reader of the file sees what a
reader of the run saw. A number that is not finite is written as null and read back as NaN. Traces, baselines
(they have a file of their own) and pauses are not kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from rnnscope.network.architecture import QUANTITIES, Activation, Architecture
from rnnscope.training.events import (
    Evaluated,
    Event,
    Finished,
    FinishReason,
    Progress,
    Sampled,
    Saved,
    Started,
    Warned,
)

EVENTS: dict[str, type[Event]] = {
    "started": Started,
    "progress": Progress,
    "evaluated": Evaluated,
    "sampled": Sampled,
    "saved": Saved,
    "warned": Warned,
    "finished": Finished,
}
"""The name of each kind of event that is kept."""

_NAMES = {kind: name for name, kind in EVENTS.items()}

_ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "steps": (np.int64, 0),
    "losses_nats": (np.float64, 6),
    "gradient_norms": (np.float64, 4),
    "probabilities": (np.float32, 3),
}
"""Field → its type, and the significant digits that are written."""

_CHOICES: dict[tuple[type[Event], str], tuple[str, ...]] = {
    (Progress, "phase"): ("warm-up", "stable", "annealing", "steady"),
    (Saved, "kind"): ("last", "best", "snapshot"),
    (Warned, "kind"): ("disk", "divergence", "device", "controls", "other"),
    (Finished, "reason"): get_args(FinishReason),
}


def to_json(event: Event) -> dict[str, Any] | None:
    """The record of an event; None for the kinds that are not kept."""
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
    """The event of a record; None for a kind that this version does not know.

    Raises ValueError when the record is not one that `to_json` could have written.
    """
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    kind = EVENTS.get(str(record.get("event")))
    if kind is None:
        return None
    values = {f.name: _value(kind, f.name, str(f.type), record) for f in fields(kind) if f.name in record}
    if kind is Sampled and "characters" not in values:
        values["characters"] = tuple(values.get("text", ""))
    try:
        event: Event = kind(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error
    if isinstance(event, Progress):
        _check_lengths(event)
    return event


def to_line(record: dict[str, Any]) -> bytes:
    """One line of the file; pure ASCII, so that even a text full of escapes is harmless in a terminal."""
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def merged(events: Sequence[Progress]) -> Progress:
    """One event that tells the steps of several; what is not told per step is the latest."""
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
    """The same event, each `group` steps in a row told as one: their means, under the last one's number."""
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
    return value


def _value(kind: type[Event], name: str, annotation: str, record: dict[str, Any]) -> Any:
    """A field's value from the record, checked against how the event declares it."""
    value = record[name]
    if name in _ARRAYS:
        return _array(name, value)
    if annotation == "Architecture":
        return _architecture(value)
    if annotation == "tuple[str, ...]":
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif annotation == "float | None":
        if value is None or _is_number(value):
            return None if value is None else float(value)
    elif annotation == "float":
        if value is None or _is_number(value):
            return math.nan if value is None else float(value)
    elif annotation in ("int", "bool"):
        if type(value) is (int if annotation == "int" else bool):
            return value
    elif isinstance(value, str) and value in _CHOICES.get((kind, name), (value,)):
        return value
    raise ValueError(f"{name!r} cannot be {_short(value)}")


def _array(name: str, value: object) -> NDArray[Any]:
    if isinstance(value, list):
        try:
            array = np.array(value, dtype=_ARRAYS[name][0])
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{name!r} cannot be {_short(value)}") from error
        if array.ndim == 1:
            return array
    raise ValueError(f"{name!r} cannot be {_short(value)}")


def _architecture(value: object) -> Architecture:
    if isinstance(value, dict):
        known = {f.name: value[f.name] for f in fields(Architecture) if f.name in value}
        sizes = ("vocabulary_size", "hidden_size", "layers", "embedding_size")
        if (
            known.get("cell") in tuple(QUANTITIES)  # a tuple: what is asked for may not be hashable
            and known.get("activation", "tanh") in get_args(Activation)
            and all(type(known.get(size, 0)) is int for size in sizes)
        ):
            return Architecture(**known)
    raise ValueError(f"'architecture' cannot be {_short(value)}")


def _check_lengths(event: Progress) -> None:
    if not len(event.steps) == len(event.losses_nats) == len(event.gradient_norms):
        raise ValueError("steps, losses_nats and gradient_norms differ in length")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
