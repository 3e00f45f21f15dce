"""The footer: the keys of the focused panel, then those of the most used actions, as many as fit.

A click on an entry does what the key does. Help and quit are always at the right edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.actions import ALWAYS_SHOWN, Action, Registry
from rnnscope.app.panels.panel import Panel
from rnnscope.app.widget_palette import ink_of

_GAP = 2
_SHIFT = "Shift+"


@dataclass(frozen=True)
class Entry:
    """Keys with one label, such as `←→ cursor`."""

    actions: tuple[Action, ...]
    label: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys as they are printed, such as `←`, `→`; or `PgUp`, `/PgDn`; or `Shift+←`, `→`."""
        first, *others = [action.shown_keys[0] for action in self.actions]
        if first.startswith(_SHIFT):
            return (first, *(key.removeprefix(_SHIFT) for key in others))
        return (first, *(key if len(key) == 1 else f"/{key}" for key in others))

    @property
    def width(self) -> int:
        return sum(map(len, self.keys)) + 1 + len(self.label)


def by_use(actions: Sequence[Action], registry: Registry, panel: Panel | None) -> list[Action]:
    """The keys of the focused panel, its actions and its tabs, then the others.

    Actions whose key the panel uses itself are left out. None stands for the panel that has the focus
    when the screen opens: there the order is that of all actions.
    """
    if panel is None:
        return [*actions]
    with_focus = [action for action in panel.focus_actions() if action.label]
    taken = {key for action in with_focus for key in action.keys}
    first = [*registry.of_panel(panel)]
    if panel.tabs is not None:
        first += [action for action in actions if action.id in ("previous_tab", "next_tab")]
    others = [*first, *(action for action in actions if action not in first)]
    return [*with_focus, *(action for action in others if taken.isdisjoint(action.keys[:1]))]


def entries(actions: Sequence[Action], labels: Mapping[str, str]) -> list[Entry]:
    """The entries of a footer in order; `labels` rename actions for now, such as pause into `resume`."""
    found: list[Entry] = []
    for action in actions:
        label = labels.get(action.id, action.label)
        if not label or not action.keys:
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
        self._first: tuple[str, ...] = ()
        self._instead: tuple[Action, ...] = ()
        self._places: list[tuple[range, Action]] = []

    def on_mount(self) -> None:
        self.watch(self.screen, "focused", self._follow)

    def _follow(self) -> None:
        self.refresh()

    def rename(self, labels: Mapping[str, str], *, first: Sequence[str] = ()) -> None:
        """What some actions are called for now; an empty label leaves one out. first: what begins the row."""
        if (dict(labels), tuple(first)) != (self._labels, self._first):
            self._labels, self._first = dict(labels), tuple(first)
            self.refresh()

    def show_instead(self, actions: Sequence[Action]) -> None:
        """Show these actions only; none restores the others."""
        self._instead = tuple(actions)
        self.refresh()

    def _shown(self) -> list[Entry]:
        if self._instead:
            return entries(self._instead, {})
        focused = self.screen.focused
        panel = focused if isinstance(focused, Panel) else None
        if panel is not None and f"#{panel.id}" == self.screen.AUTO_FOCUS:
            panel = None
        actions = by_use(self._registry.actions, self._registry, panel)
        return entries(sorted(actions, key=lambda action: action.id not in self._first), self._labels)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        left, right = fitting(self._shown(), width)
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
            self._places.append((range(x, end), action))
            x += len(key)
        segments.append(Segment(" " + entry.label, ink_of(self, "mute")))
        return x + 1 + len(entry.label)

    async def on_click(self, event: events.Click) -> None:
        action = self._action_at(event.x)
        if action is None:
            return
        event.stop()
        if self._registry.offers(action.id) and not self._instead:
            await self._registry.run(action.id)
        else:
            self.app.simulate_key(action.keys[0])

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The tooltip is of the entry under the pointer."""
        action = self._action_at(event.x)
        self.tooltip = None if action is None else action.help

    def _action_at(self, x: int) -> Action | None:
        return next((action for columns, action in self._places if x in columns), None)
