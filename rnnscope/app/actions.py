"""All one can do on a screen, told once: bindings, footer, help, palette and README come from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Group = Literal["look", "search", "text", "training", "screen"]

GROUP_TITLES: dict[Group, str] = {
    "look": "looking",
    "search": "finding out",
    "text": "what is read and written",
    "training": "training",
    "screen": "the screen",
}


@dataclass(frozen=True)
class Action:
    """One thing to do. Its method is `action_ID` of the screen (or of the application)."""

    id: str
    keys: tuple[str, ...]
    description: str
    """A line of plain words: tooltip, help and command palette."""
    group: Group
    label: str = ""
    """What the footer calls it; neighbors with one label share an entry. Empty: not in the footer."""
    live: bool = False
    """Whether it needs a training loop in this process."""

    @property
    def shown_keys(self) -> tuple[str, ...]:
        """The keys as a reader knows them, the one for the footer first."""
        return tuple(key_name(key) for key in self.keys)

    @property
    def binding(self) -> Binding:
        return Binding(
            ",".join(self.keys), self.id, self.description, show=False, tooltip=self.description, id=self.id
        )


_KEY_NAMES = {
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "tab": "Tab",
    "shift+tab": "Shift+Tab",
    "escape": "Esc",
    "enter": "Enter",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "asterisk": "*",
    "apostrophe": "'",
    "f1": "F1",
    "shift+up": "Shift+↑",
    "shift+down": "Shift+↓",
    "shift+left": "Shift+←",
    "shift+right": "Shift+→",
    "ctrl+home": "Ctrl+Home",
    "ctrl+end": "Ctrl+End",
    "ctrl+left": "Ctrl+←",
    "ctrl+right": "Ctrl+→",
    "ctrl+c": "Ctrl+C",
    "ctrl+p": "Ctrl+P",
    "ctrl+q": "Ctrl+Q",
    "ctrl+s": "Ctrl+S",
}


def key_name(key: str) -> str:
    """A key as a reader knows it, such as `←` for `left`."""
    return _KEY_NAMES.get(key, key)


TRAIN: tuple[Action, ...] = (
    # in the order in which the footer offers them, as many as fit
    Action("pause", ("space",), "Pause training, or go on", "training", "pause", live=True),
    Action("back", ("escape",), "Step back: prompt, notice, enlarged panel, find or contexts", "screen"),
    Action("cursor_left", ("left", "h"), "Cursor to the character before", "look", "cursor"),
    Action("cursor_right", ("right",), "Cursor to the character after", "look", "cursor"),
    Action("neuron_up", ("up", "k"), "Neuron above, in the heat map's order", "look", "neuron"),
    Action("neuron_down", ("down", "j"), "Neuron below, in the heat map's order", "look", "neuron"),
    Action("quantity", ("g",), "Next quantity: input, forget, … cell, hidden", "look", "quantity"),
    Action("find", ("slash",), "Find who knows a feature or a pattern, step after step", "search", "find"),
    Action("temperature", ("t",), "Set the sample's temperature", "text", "temperature"),
    Action("learning_rate", ("l",), "Set the learning rate's factor", "training", "learning rate", live=True),
    Action("finish", ("f",), "Anneal the learning rate and end the run", "training", "finish", live=True),
    Action("save", ("s",), "Save a checkpoint now", "training", "save", live=True),
    Action("contexts", ("C",), "Top contexts: where the neuron is highest and lowest", "search", "contexts"),
    Action("zoom", ("z",), "Enlarge the focused panel, or put it back", "screen", "zoom"),
    Action("top_five", ("5",), "The five likeliest characters under every character", "look", "top five"),
    Action("passage", ("e",), "Type, paste or choose the passage", "text", "passage"),
    Action("units", ("u",), "Loss in nats, bits or perplexity", "look", "units"),
    Action("quantity_back", ("G",), "The quantity before", "look"),
    Action("layer_down", ("left_square_bracket",), "The layer below", "look"),
    Action("layer_up", ("right_square_bracket",), "The layer above", "look"),
    Action("word_left", ("ctrl+left", "b"), "Cursor to the word before", "look"),
    Action("word_right", ("ctrl+right", "w"), "Cursor to the next word", "look"),
    Action("line_up", ("shift+up", "K"), "Cursor one line up", "look"),
    Action("line_down", ("shift+down", "J"), "Cursor one line down", "look"),
    Action("page_up", ("pageup",), "Cursor one page up", "look"),
    Action("page_down", ("pagedown",), "Cursor one page down", "look"),
    Action("line_start", ("home",), "Cursor to the beginning of its line", "look"),
    Action("line_end", ("end",), "Cursor to the end of its line", "look"),
    Action("first", ("ctrl+home",), "Cursor to the first character", "look"),
    Action("last", ("ctrl+end",), "Cursor to the last character", "look"),
    Action("own_range", ("n",), "Colors span the neuron's own range", "look"),
    Action("surprise", ("c",), "Color the passage by surprise, or by the neuron", "look"),
    Action("order", ("y",), "The heat map's rows in another order", "look"),
    Action("other_panel", ("o",), "Another panel: loss, gradient, find, contexts", "screen"),
    Action("warmer", ("plus", "equals_sign"), "Temperature up by 0.1", "text"),
    Action("cooler", ("minus",), "Temperature down by 0.1", "text"),
    Action("prime", ("p",), "Set what the sample begins with", "text"),
    Action("sample", ("r",), "Write a new sample now", "text"),
    Action("rate_down", ("less_than_sign",), "Halve the learning rate", "training", live=True),
    Action("rate_up", ("greater_than_sign",), "Double the learning rate", "training", live=True),
    Action("next_panel", ("tab",), "Focus the next panel", "screen"),
    Action("previous_panel", ("shift+tab",), "Focus the panel before", "screen"),
    Action("hide", ("x",), "Hide the focused panel; its neighbors take the room", "screen"),
    Action("show_all", ("X",), "Show hidden panels again", "screen"),
    Action("messages", ("m",), "Read what was announced so far", "screen"),
    Action("screenshot", ("S", "ctrl+s"), "Write a picture of the screen (SVG)", "screen"),
    Action("theme", ("T",), "Dark or light", "screen"),
    Action("command_palette", ("ctrl+p",), "Search all actions", "screen"),
    Action("help", ("question_mark", "f1"), "Keys and colors", "screen", "help"),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "Save and leave", "screen", "quit"),
)

ALWAYS_SHOWN = ("command_palette", "help", "quit")
"""These stand at the footer's right edge, whatever else fits."""


def offered(*, live: bool) -> tuple[Action, ...]:
    """The actions of a train screen; of one that only watches where `live` is false."""
    return tuple(action for action in TRAIN if live or not action.live)


def bindings(actions: Iterable[Action]) -> list[Binding]:
    return [action.binding for action in actions]


def table(actions: Iterable[Action]) -> str:
    """A Markdown table of keys, for the README."""
    lines = ["| key | what it does |", "|---|---|"]
    for title, members in grouped(actions).items():
        lines.append(f"| **{title}** | |")
        lines.extend(f"| {_code(action.shown_keys)} | {action.description} |" for action in members)
    return "\n".join(lines)


def grouped(actions: Iterable[Action]) -> dict[str, list[Action]]:
    """Actions by the titles of their groups, in the order of the groups."""
    found: dict[str, list[Action]] = {title: [] for title in GROUP_TITLES.values()}
    for action in actions:
        found[GROUP_TITLES[action.group]].append(action)
    return {title: members for title, members in found.items() if members}


def _code(keys: tuple[str, ...]) -> str:
    return " ".join(f"`{key}`" for key in keys)
