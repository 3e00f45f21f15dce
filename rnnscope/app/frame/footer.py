"""The footer: the keys of the most used actions, as many as fit; a click on one does what the key does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.actions import ALWAYS_SHOWN, Action, Registry
from rnnscope.app.widget_palette import ink_of

_GAP = 2


@dataclass(frozen=True)
class Entry:
    """Keys with one label, such as `←→ cursor`."""

    actions: tuple[Action, ...]
    label: str

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(action.shown_keys[0] for action in self.actions)

    @property
    def width(self) -> int:
        return sum(map(len, self.keys)) + 1 + len(self.label)


def entries(actions: Sequence[Action], labels: Mapping[str, str]) -> list[Entry]:
    """The entries of a footer in order; `labels` rename actions for now, such as pause into `resume`."""
    found: list[Entry] = []
    for action in actions:
        label = labels.get(action.id, action.label)
        if not label:
            continue
        if found and found[-1].label == label:
            found[-1] = Entry((*found[-1].actions, action), label)
        else:
            found.append(Entry((action,), label))
    return found


def fitting(entries: Sequence[Entry], width: int) -> tuple[list[Entry], list[Entry]]:
    """The entries of the left and of the right edge, of which as many as fit."""
    right = [entry for entry in entries if entry.actions[0].id in ALWAYS_SHOWN]
    room = width - sum(entry.width + _GAP for entry in right)
    left: list[Entry] = []
    for entry in entries:
        if entry in right:
            continue
        room -= entry.width + _GAP
        if room < 0:
            break
        left.append(entry)
    return left, right


class Footer(Widget):
    """One row of entries."""

    def __init__(self, registry: Registry, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._registry = registry
        self._labels: dict[str, str] = {}
        self._places: list[tuple[range, str]] = []

    def rename(self, labels: Mapping[str, str]) -> None:
        """What some actions are called for now; an empty label leaves one out."""
        if dict(labels) != self._labels:
            self._labels = dict(labels)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        left, right = fitting(entries(self._registry.actions, self._labels), width)
        self._places.clear()
        segments: list[Segment] = []
        x = 0
        gap = (
            width - sum(entry.width for entry in (*left, *right)) - _GAP * max(0, len(left) + len(right) - 2)
        )
        for i, entry in enumerate((*left, *right)):
            blank = 0 if i == 0 else max(0, gap) if i == len(left) else _GAP
            segments.append(Segment(" " * blank, ink_of(self)))
            x = self._put(entry, x + blank, segments)
        return Strip(segments).adjust_cell_length(width, ink_of(self))

    def _put(self, entry: Entry, x: int, segments: list[Segment]) -> int:
        """Append an entry's segments and remember which columns do what; returns the column after it."""
        last = len(entry.actions) - 1
        for i, (action, key) in enumerate(zip(entry.actions, entry.keys, strict=True)):
            segments.append(Segment(key, ink_of(self, "strong", bold=True)))
            end = x + len(key) + (1 + len(entry.label) if i == last else 0)
            self._places.append((range(x, end), action.id))
            x += len(key)
        segments.append(Segment(" " + entry.label, ink_of(self, "mute")))
        return x + 1 + len(entry.label)

    async def on_click(self, event: events.Click) -> None:
        for columns, action in self._places:
            if event.x in columns:
                event.stop()
                await self._registry.run(action)
                return

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The tooltip is of the entry under the pointer."""
        found = next((action for columns, action in self._places if event.x in columns), None)
        self.tooltip = next((a.help for a in self._registry.actions if a.id == found), None)
