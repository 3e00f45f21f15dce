"""The help page: every key, what the colors say, and what the numbers mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.segment import Segment
from textual.binding import Binding

from rnnscope.app.actions import Action, grouped, key_name
from rnnscope.app.panels.facts import logo
from rnnscope.app.panels.panel import Panel
from rnnscope.app.panels.passage import Passage
from rnnscope.app.screens.page import Line, Writer
from rnnscope.theme.palette import Palette

_KEY_WIDTH = 15
_WORD_WIDTH = 14
_MARGIN = 2

COLORS = (
    (
        "neuron",
        "a character's background: amber below zero and underlined, blue above, the panel's own near zero",
    ),
    ("gate", "0 is shut, 1 is open"),
    ("probability", "what the network gave to a character"),
    ("cursor", "the only white cell: the same character in every panel"),
)

WORDS = (
    ("loss", "mean −log p of the next character, in nats; bits are nats / ln 2, perplexity is e to the nats"),
    (
        "train",
        "loss on the text that is learned, smoothed over its last tenth; the raw values lie dim behind it",
    ),
    ("held out", "loss on the last part of the text, which is never learned: the figure to compare"),
    ("2-gram …", "loss on the held-out text of a model that only counts the last 1, 2, … characters"),
    ("surprise", "−log₂ p of the character that came, in bits; 1 bit is a coin toss"),
    ("entropy", "the surprise that the network expects, in bits"),
    ("rank", "how many characters were at least as likely as the one that came"),
    ("neuron", "1/97 is unit 97 of layer 1; layers count from 1, units from 0"),
    ("cell", "what an LSTM neuron remembers: kept (forget × cell before) + written (input × candidate)"),
    ("hidden", "what the neuron shows to the rest: output × tanh(cell)"),
    ("input", "how much of the candidate is written into the cell"),
    ("forget", "how much of the cell is kept; 1 keeps all"),
    ("output", "how much of the cell is shown"),
    ("update, reset", "a GRU's gates: how much stays as it was, how much of the past the candidate sees"),
    ("temperature", "below 1 a sample keeps to what is likely, above 1 it dares; 0 takes the likeliest"),
    ("gradient", "the norm of the gradient before clipping; a steady one is healthy"),
    ("gradient flow", "how strongly a loss depends on the hidden state so many steps before it"),
    ("update", "log₁₀ of the size of a step over the size of the weights; about −3 is healthy"),
    (
        "knows",
        "the built-in feature that a neuron tells best, chosen on one half of the text, scored on the other",
    ),
    (
        "AUC",
        "how surely a value tells on from off: 0.5 is chance, 1 always; ρ does so for a number, from 0",
    ),
    ("all together", "a linear probe of all neurons: what they know that none of them knows alone"),
    ("shuffled text", "the best score that chance reaches: what is not above it is nothing"),
    ("annealing", "the learning rate falls to zero, which is where the last tenth of a nat is"),
)


def help_writer(actions: Sequence[Action], panels: Iterable[Panel]) -> Writer:
    """Writes the help for these actions, and for what panels do with keys when they have the focus.

    The passage's own keys are the screen's, so they are not told twice.
    """
    sections = {
        title: [("  ".join(action.shown_keys), action.description) for action in members]
        for title, members in grouped(actions).items()
    }
    sections |= _panel_sections(panel for panel in panels if not isinstance(panel, Passage))

    def write(palette: Palette, width: int) -> list[Line]:
        columns = 2 if width >= 110 else 1
        column_width = (width - 2 * _MARGIN - 4 * (columns - 1)) // columns
        blocks = [_keys(palette, title, rows, column_width) for title, rows in sections.items()]
        blocks += [_colors(palette, column_width), _words(palette, column_width)]
        lines = _beside(_split(blocks, columns), column_width, palette)
        ink = palette.ink
        title = [*logo(palette), Segment("  every key, color and word   ", ink("dim"))]
        title += [Segment("Esc", ink("strong", bold=True)), Segment(" goes back", ink("mute"))]
        return [[], _indented(title, palette), [], *(_indented(line, palette) for line in lines), []]

    return write


def _panel_sections(panels: Iterable[Panel]) -> dict[str, list[tuple[str, str]]]:
    """Keys and descriptions of panels, which go before the screen's; those with the same keys share one."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for panel in panels:
        bindings = Binding.make_bindings(type(panel).BINDINGS)
        rows = tuple((key_name(binding.key), binding.tooltip) for binding in bindings)
        if rows:
            found.setdefault(rows, []).append(panel.heading)
    return {f"with the focus on {' or '.join(names)}": list(rows) for rows, names in found.items()}


def _keys(palette: Palette, title: str, rows: Sequence[tuple[str, str]], width: int) -> list[Line]:
    lines = [_heading(palette, part) for part in wrap(title, width)]
    for keys, description in rows:
        room = width - max(_KEY_WIDTH, len(keys) + 2)
        first, *more = wrap(description, room) or [""]
        lines.append(
            [
                Segment(f"{keys:<{width - room}}", palette.ink("strong", bold=True)),
                Segment(first, palette.ink("text")),
            ]
        )
        lines.extend([Segment(" " * (width - room) + rest, palette.ink("text"))] for rest in more)
    return [*lines, []]


def _colors(palette: Palette, width: int) -> list[Line]:
    lines = [_heading(palette, "what the colors say")]
    scales = {"neuron": palette.diverging, "gate": palette.gate, "probability": palette.probability}
    for name, meaning in COLORS:
        lines.extend(_word(palette, name, meaning, width))
        if name in scales:
            ends = ("−1 ", " +1") if name == "neuron" else (" 0 ", " 1")
            ramp = [Segment(" ", scales[name][step]) for step in range(0, 33, 2)]
            indent = Segment(" " * _WORD_WIDTH, palette.ink("text"))
            dim = palette.ink("dim")
            lines.append([indent, Segment(ends[0], dim), *ramp, Segment(ends[1], dim)])
    return [*lines, []]


def _words(palette: Palette, width: int) -> list[Line]:
    lines = [_heading(palette, "what the words mean")]
    for word, meaning in WORDS:
        lines.extend(_word(palette, word, meaning, width))
    return [*lines, []]


def _word(palette: Palette, word: str, meaning: str, width: int) -> list[Line]:
    first, *more = wrap(meaning, width - _WORD_WIDTH)
    indent = " " * _WORD_WIDTH
    return [
        [Segment(f"{word:<{_WORD_WIDTH}}", palette.ink("strong")), Segment(first, palette.ink("text"))],
        *([Segment(indent + rest, palette.ink("text"))] for rest in more),
    ]


def _heading(palette: Palette, title: str) -> Line:
    return [Segment(title, palette.ink("azure", bold=True))]


def _split(blocks: Sequence[list[Line]], columns: int) -> list[list[Line]]:
    """The blocks in columns of about equal height, in order."""
    if columns == 1:
        return [[line for block in blocks for line in block]]
    heights = [len(block) for block in blocks]
    cut = min(range(1, len(blocks)), key=lambda i: max(sum(heights[:i]), sum(heights[i:])))
    return [[line for block in part for line in block] for part in (blocks[:cut], blocks[cut:])]


def _beside(columns: Sequence[list[Line]], width: int, palette: Palette) -> list[Line]:
    fill = palette.ink("text")
    height = max(map(len, columns))
    joined: list[Line] = []
    for row in range(height):
        line: Line = []
        for i, column in enumerate(columns):
            here = column[row] if row < len(column) else []
            used = sum(segment.cell_length for segment in here)
            line += [*here, Segment(" " * (width - used + 4), fill)] if i < len(columns) - 1 else here
        joined.append(line)
    return joined


def _indented(line: Line, palette: Palette) -> Line:
    return [Segment(" " * _MARGIN, palette.ink("text")), *line]
