"""A made-up trace, so that panels are tested without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.app import App, ComposeResult

from rnnscope.analysis.query import Query
from rnnscope.app.actions import Registry
from rnnscope.app.panels.panel import Panel
from rnnscope.app.question import Question
from rnnscope.network.architecture import Architecture
from rnnscope.selection import Selection
from rnnscope.theme.palette import Depth, Theme, palette
from rnnscope.tracing.trace import Trace

PASSAGE = (
    "THE FERRYMAN:\n"
    'You wrong me, sir; the bell was rung at "seven" and not before.\n'
    "I am a gentleman of the quay, and that, hearing of her clock,\n"
    "Her patience (and her ledger), I am bold to show myself\n"
    "a forward guest within your house.\n\n"
    "[[Notice]] The tide is 4.2 ells at noon; see page 12.\n"
)


def make_trace(text: str = PASSAGE, hidden_size: int = 48, layers: int = 1, seed: int = 0) -> Trace:
    """An LSTM-like trace whose gates, cell and hidden state obey the LSTM's equations."""
    random = np.random.default_rng(seed)
    symbols = tuple(sorted(set(text)))
    ids = np.array([symbols.index(c) for c in text], dtype=np.int32)
    length, vocabulary = len(text), len(symbols)
    logits = random.normal(size=(length, vocabulary)).astype(np.float32)
    logits[np.arange(length - 1), ids[1:]] += 4.0
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    activations = {}
    for layer in range(1, layers + 1):

        def smooth(scale: float, shift: float) -> np.ndarray:
            noise = random.normal(size=(length + 5, hidden_size))
            return scale * np.stack([noise[t : t + 5].mean(axis=0) for t in range(length)]) + shift

        gates = {
            name: 1 / (1 + np.exp(-smooth(6.0, shift)))
            for name, shift in (("input", -1.0), ("forget", 2.0), ("output", 1.0))
        }
        candidate = np.tanh(smooth(4.0, 0.0))
        cell = np.zeros((length, hidden_size))
        state = np.zeros(hidden_size)
        for t in range(length):
            state = gates["forget"][t] * state + gates["input"][t] * candidate[t]
            cell[t] = state
        values = {**gates, "candidate": candidate, "cell": cell, "hidden": gates["output"] * np.tanh(cell)}
        for name, array in values.items():
            activations[f"{layer}/{name}"] = array.astype(np.float32)
    shape = Architecture("lstm", vocabulary, hidden_size, layers)
    return Trace(shape, symbols, ids, logits.astype(np.float32), activations)


@pytest.fixture(scope="session")
def trace() -> Trace:
    return make_trace()


class FakeScope:
    """Remembers what a panel asked of its screen; `select` changes the selection, as a screen does."""

    def __init__(self) -> None:
        self.selection: Selection | None = None
        self.characters = 20_000
        self.length = 0
        self.panel: Panel | None = None
        self.selected: list[dict[str, object]] = []
        """The fields that were to be changed, one after another."""
        self.positions: list[int] = []
        self.asked: list[tuple[str, Query[Any], Callable[[Any], object]]] = []
        self.announced: list[str] = []
        self.questions: list[Question] = []
        self.shown: list[str] = []

    def show(self, selection: Selection) -> None:
        """Let the panel show a selection."""
        self.selection = selection
        if self.panel is not None:
            self.panel.show(selection)

    def select(self, **changes: object) -> None:
        self.selected.append(changes)
        if self.selection is not None:
            self.show(self.selection.moved(**changes))

    def select_neuron(self, layer: int, unit: int, **changes: object) -> None:
        self.select(layer=layer, unit=unit, **changes)

    def select_quantity(self, quantity: str) -> None:
        self.select(quantity=quantity)

    def toggle_characters(self) -> None:
        self.characters = 0 if self.characters else 20_000

    def close_prompt(self) -> None:
        pass

    def go_to(self, position: int) -> None:
        self.positions.append(position)

    def ask(self, key: str, query: Query[Any], on_result: Callable[[Any], object]) -> None:
        self.asked.append((key, query, on_result))

    def announce(self, message: str, severity: str = "note") -> None:
        self.announced.append(message)

    def prompt(self, question: Question) -> None:
        self.questions.append(question)

    def show_panel(self, panel: str, *, focus: bool = False) -> None:
        self.shown.append(panel)


class PanelApp(App[None]):
    """One panel that fills the screen, with a fake scope; its keys work as on a screen."""

    AUTO_FOCUS = ""

    def __init__(
        self, make: Callable[[FakeScope], Panel], theme: Theme = "dark", depth: Depth = "truecolor"
    ) -> None:
        super().__init__()
        self.scope = FakeScope()
        self.panel = self.scope.panel = make(self.scope)
        self.palette = palette(theme, depth)
        self.registry = Registry((self.panel,))
        for action in self.registry.actions:
            self.bind(",".join(action.keys), f"act('{action.id}')")

    def compose(self) -> ComposeResult:
        yield self.panel

    async def action_act(self, action: str) -> None:
        await self.registry.run(action)

    def show(self, selection: Selection) -> None:
        self.scope.show(selection)

    @property
    def cursors(self) -> list[object]:
        """The characters that were chosen."""
        return [changes["cursor"] for changes in self.scope.selected if "cursor" in changes]

    def cells(self, y: int) -> list[tuple[str, Style]]:
        """Glyph and style of each cell of a line; a wide glyph is followed by an empty one."""
        found: list[tuple[str, Style]] = []
        for text, style, _ in self.panel.render_line(y):
            for character in text:
                width = cell_len(character)
                if width == 0:
                    found[-1] = (found[-1][0] + character, found[-1][1])
                else:
                    found += [(character, style or Style())] + [("", style or Style())] * (width - 1)
        return found

    def line(self, y: int) -> str:
        """The text of a line."""
        return self.panel.render_line(y).text

    def lines(self) -> list[str]:
        """The text of every line, without the blanks at their ends."""
        return [self.line(y).rstrip() for y in range(self.panel.size.height)]


@pytest.fixture
def panel_app() -> type[PanelApp]:
    return PanelApp
