"""A made-up trace, so that panels are tested without torch."""

from __future__ import annotations

import numpy as np
import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.app import App, ComposeResult
from textual.message import Message

from rnnscope.app.messages import CursorMoved, NeuronChosen, QuantityChosen
from rnnscope.app.panels.panel import Panel
from rnnscope.network.architecture import Architecture
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


class PanelApp(App[None]):
    """One panel that fills the screen, and what it said; a test that needs the focus gives it."""

    AUTO_FOCUS = ""

    def __init__(self, panel: Panel, theme: Theme = "dark", depth: Depth = "truecolor") -> None:
        super().__init__()
        self.panel = panel
        self.palette = palette(theme, depth)
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_cursor_moved(self, message: CursorMoved) -> None:
        self.heard.append(message)

    def on_neuron_chosen(self, message: NeuronChosen) -> None:
        self.heard.append(message)

    def on_quantity_chosen(self, message: QuantityChosen) -> None:
        self.heard.append(message)

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
