"""The questions of the screens. Those of a run: each reads the state of the controls and changes it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from rnnscope.analysis.features import FEATURES
from rnnscope.app.panels.prompt import LINE_BREAK, Question
from rnnscope.training.controls import Controls

HOTTEST = 5.0
_FACTORS = (1e-4, 1e4)
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
SHORTEST_PASSAGE = 2


def temperature(controls: Controls) -> Question:
    """Any temperature from 0, which always takes the likeliest character."""
    before = controls.state.temperature

    def accept(answer: str) -> str | None:
        value = number(answer)
        if value is None or not 0 <= value <= HOTTEST:
            return f"a number from 0 to {HOTTEST:g}, such as 0.8"
        controls.set(temperature=value)
        return None

    def nudge(written: str, by: int) -> str:
        value = number(written)
        return str(nudge_temperature(controls, by, before if value is None else value))

    return Question(
        "temperature",
        f"{before:g}",
        "↑↓ by 0.1   0: always the likeliest   Enter   Esc",
        accept,
        nudge,
        lambda: controls.set(temperature=before),
    )


def nudge_temperature(controls: Controls, by: int, start: float | None = None) -> float:
    """One tenth up or down; returns the new temperature."""
    base = controls.state.temperature if start is None else start
    value = round(min(HOTTEST, max(0.0, base + 0.1 * by)), 2)
    controls.set(temperature=value)
    return value


def learning_rate(controls: Controls) -> Question:
    """A factor on the schedule's rate."""
    before = controls.state.learning_rate_factor

    def accept(answer: str) -> str | None:
        value = number(answer.lstrip(" ×x*"))
        if value is None or not _FACTORS[0] <= value <= _FACTORS[1]:
            return f"a factor from {_FACTORS[0]:g} to {_FACTORS[1]:g}, such as 0.5"
        controls.set(learning_rate_factor=value)
        return None

    def nudge(written: str, by: int) -> str:
        value = number(written.lstrip(" ×x*"))
        return f"{scale_rate(controls, by, before if value is None else value):g}"

    return Question(
        "learning rate ×",
        f"{before:g}",
        "↑ doubles, ↓ halves   1: as scheduled   Enter   Esc",
        accept,
        nudge,
        lambda: controls.set(learning_rate_factor=before),
    )


def scale_rate(controls: Controls, by: int, start: float | None = None) -> float:
    """Double or halve the factor; returns the new one."""
    base = controls.state.learning_rate_factor if start is None else start
    value = min(_FACTORS[1], max(_FACTORS[0], base * 2.0**by))
    controls.set(learning_rate_factor=value)
    return value


def prime(controls: Controls) -> Question:
    """What the sample goes on from."""

    def accept(answer: str) -> str | None:
        controls.set(prime=answer)
        controls.sample_now()
        return None

    return Question(
        "begin with",
        _in_one_row(controls.state.prime),
        "the sample goes on from it   Enter   Esc",
        accept,
    )


def passage(controls: Controls) -> Question:
    """A text, or a place in the held-out text."""
    state = controls.state
    shown = _in_one_row(state.passage) if state.passage is not None else f"{100 * state.passage_at:g}%"

    def accept(answer: str) -> str | None:
        if not answer.strip():
            controls.set(passage=None, passage_at=0.0)
        elif place := _PERCENT.fullmatch(answer):
            percent = float(place[1])
            if percent > 100:
                return "a place in the held-out text is 0% to 100%"
            controls.set(passage=None, passage_at=percent / 100)
        elif len(answer) < SHORTEST_PASSAGE:
            return "a passage has two characters at least"
        else:
            controls.set(passage=answer)
        controls.trace_now()
        return None

    def nudge(written: str, by: int) -> str:
        place = _PERCENT.fullmatch(written)
        if place is None:
            return written
        percent = min(100.0, max(0.0, float(place[1]) + by))
        controls.set(passage=None, passage_at=percent / 100)
        controls.trace_now()
        return f"{percent:g}%"

    def restore() -> None:
        controls.set(passage=state.passage, passage_at=state.passage_at)
        controls.trace_now()

    return Question(
        "passage",
        shown,
        "a text, or 40% into the held-out one   ↑↓   Enter   Esc",
        accept,
        nudge,
        restore,
    )


def find(accept: Callable[[str], str | None], *, marked: bool | None = None) -> Question:
    """Who knows something. `marked` says whether stretches are marked; None that they cannot be."""
    names = ("marked", *FEATURES) if marked else tuple(FEATURES)
    hint = "a feature (Tab), a regular expression   before:… after:…"
    hint += "" if marked is None else "   marked"
    return Question("find", "marked" if marked else "", f"{hint}   Enter   Esc", accept, suggestions=names)


def finish(controls: Controls, announce: Callable[[str], None]) -> Question:
    """Whether to end the run; it cannot be taken back."""

    def accept(answer: str) -> str | None:
        if answer.strip().lower() not in ("n", "no"):
            controls.set(finish=True, paused=False)
            announce("annealing: the learning rate falls to zero, then the run ends")
        return None

    return Question("finish?", "", "Enter anneals and ends the run   Esc goes on", accept)


def number(text: str) -> float | None:
    """A finite number, with a point or a comma; None where it is none."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _in_one_row(text: str) -> str:
    return text.replace("\n", LINE_BREAK)
