"""The help page: keys, colors, glossary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from textual.binding import Binding

from rnnscope.app.actions import Action, grouped, key_name
from rnnscope.app.pages.page import Line, Writer, wrapped
from rnnscope.app.panels.panel import Panel
from rnnscope.app.widget_palette import logo
from rnnscope.theme.palette import Palette

_KEY_WIDTH = 15
_WORD_WIDTH = 14
_MARGIN = 2
_LEAST_ROOM = 16
"""Columns that a description needs next to its name."""

COLORS = (
    ("neuron", "background of a character: amber and underlined below zero, blue above, plain near zero"),
    ("gate", "0 is closed, 1 is open"),
    ("probability", "predicted probability of the character"),
    ("cursor", "the only white cell: the same character in every panel"),
)

GLOSSARY = (
    ("loss", "mean −log p of the next character, in nats; bits are nats / ln 2, perplexity is e to the nats"),
    ("train", "training loss, moving average over the last tenth of the run; raw values in the darker shade"),
    (
        "held out",
        "loss on the validation split (end of the text, never trained on): the number to compare",
    ),
    ("2-gram …", "n-gram model with 1, 2, … characters of context"),
    ("surprisal", "−log₂ p of the true next character, in bits; 1 bit is a coin toss"),
    ("entropy", "the expected surprisal, in bits"),
    ("rank", "how many characters were at least as probable as the true one"),
    ("neuron", "1/97 is unit 97 of layer 1; layers count from 1, units from 0"),
    (
        "cell",
        "the cell state c of an LSTM: kept (forget gate × previous c) + written (input gate × candidate)",
    ),
    ("hidden", "the hidden state h, seen by the next layer: output gate × tanh(cell)"),
    ("input", "input gate: how much of the candidate is written into the cell"),
    ("forget", "forget gate: how much of the cell is kept; 1 keeps all"),
    ("output", "output gate: how much of the cell the hidden state shows"),
    (
        "update, reset",
        "a GRU's gates: how much of the state is kept, how much of it the candidate sees",
    ),
    ("temperature", "of samples: < 1 more predictable, > 1 more random; 0 is greedy"),
    ("gradient", "norm of the gradient before clipping"),
    (
        "gradient flow",
        "norm of the gradient of a loss by the hidden state so many steps earlier",
    ),
    ("update", "log₁₀ of the update's norm over the weights' norm; about −3 is healthy"),
    (
        "best feature",
        "the built-in feature the neuron separates best, chosen on half of the text, scored on the rest; "
        "¬ where the neuron is low",
    ),
    (
        "AUC",
        "area under the ROC curve for feature on vs. off: 0.5 chance, 1 perfect; ρ: Spearman's correlation",
    ),
    (
        "linear probe",
        "a linear model on all neurons: it detects features that no single neuron encodes",
    ),
    ("chance", "best score on shuffled labels; treat anything below as noise"),
    ("sat, sel", "saturation and selectivity of a neuron on the page"),
    ("annealing", "learning rate decays to zero; usually gains about 0.1 nat"),
)


def help_writer(actions: Sequence[Action], panels: Iterable[Panel]) -> Writer:
    """Writes the help for these actions, and for the keys that panels have with the focus."""
    sections = {
        title: [("  ".join(action.shown_keys), action.help) for action in members]
        for title, members in grouped(actions).items()
    }
    sections |= _panel_sections(panels)

    def write(palette: Palette, width: int) -> list[Line]:
        columns = 2 if width >= 110 else 1
        column_width = (width - 2 * _MARGIN - 4 * (columns - 1)) // columns
        blocks = [_keys(palette, title, rows, column_width) for title, rows in sections.items()]
        blocks += [_colors(palette, column_width), _glossary(palette, column_width)]
        lines = _side_by_side(_split(blocks, columns), column_width, palette)
        ink = palette.ink
        title = [*logo(palette), Segment("  keys, colors, glossary   ", ink("dim"))]
        title += [Segment("Esc", ink("strong", bold=True)), Segment(" back", ink("mute"))]
        return [[], _indented(title, palette), [], *(_indented(line, palette) for line in lines), []]

    return write


def _panel_sections(panels: Iterable[Panel]) -> dict[str, list[tuple[str, str]]]:
    """Keys and help of panels, which go before the screen's; panels with the same keys share a section."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for panel in panels:
        bindings = Binding.make_bindings(type(panel).BINDINGS)
        rows = tuple((key_name(binding.key), binding.tooltip) for binding in bindings)
        if rows:
            found.setdefault(rows, []).append(panel.heading)
    return {f"with the focus on {' or '.join(names)}": list(rows) for rows, names in found.items()}


def _keys(palette: Palette, title: str, rows: Sequence[tuple[str, str]], width: int) -> list[Line]:
    lines = [_heading(palette, part) for part in wrapped(title, width)]
    for keys, description in rows:
        room = width - max(_KEY_WIDTH, len(keys) + 2)
        if room < _LEAST_ROOM:
            lines += _stacked(palette, Segment(keys, palette.ink("strong", bold=True)), description, width)
            continue
        first, *more = wrapped(description, room)
        lines.append(
            [
                Segment(f"{keys:<{width - room}}", palette.ink("strong", bold=True)),
                Segment(first, palette.ink("text")),
            ]
        )
        lines.extend([Segment(" " * (width - room) + rest, palette.ink("text"))] for rest in more)
    return [*lines, []]


def _colors(palette: Palette, width: int) -> list[Line]:
    lines = [_heading(palette, "colors")]
    scales = {"neuron": palette.diverging, "gate": palette.gate, "probability": palette.probability}
    for name, meaning in COLORS:
        lines.extend(_word(palette, name, meaning, width))
        if name in scales:
            ends = ("−1 ", " +1") if name == "neuron" else (" 0 ", " 1")
            cells = max(2, min(17, width - 6))
            ramp = [Segment(" ", scales[name][round(32 * i / (cells - 1))]) for i in range(cells)]
            indent = Segment(" " * max(0, min(_WORD_WIDTH, width - cells - 6)), palette.ink("text"))
            dim = palette.ink("dim")
            lines.append([indent, Segment(ends[0], dim), *ramp, Segment(ends[1], dim)])
    return [*lines, []]


def _glossary(palette: Palette, width: int) -> list[Line]:
    lines = [_heading(palette, "glossary")]
    for word, meaning in GLOSSARY:
        lines.extend(_word(palette, word, meaning, width))
    return [*lines, []]


def _word(palette: Palette, word: str, meaning: str, width: int) -> list[Line]:
    if width - _WORD_WIDTH < _LEAST_ROOM:
        return _stacked(palette, Segment(word, palette.ink("strong")), meaning, width)
    first, *more = wrapped(meaning, width - _WORD_WIDTH)
    indent = " " * _WORD_WIDTH
    return [
        [Segment(f"{word:<{_WORD_WIDTH}}", palette.ink("strong")), Segment(first, palette.ink("text"))],
        *([Segment(indent + rest, palette.ink("text"))] for rest in more),
    ]


def _stacked(palette: Palette, name: Segment, meaning: str, width: int) -> list[Line]:
    """A name, and its meaning below it, where there is no room for two columns."""
    below = wrapped(meaning, width - _MARGIN)
    return [[name], *([Segment(" " * _MARGIN + line, palette.ink("text"))] for line in below)]


def _heading(palette: Palette, title: str) -> Line:
    return [Segment(title, palette.ink("azure", bold=True))]


def _split(blocks: Sequence[list[Line]], columns: int) -> list[list[Line]]:
    """The blocks in columns of about equal height, in order."""
    if columns == 1:
        return [[line for block in blocks for line in block]]
    heights = [len(block) for block in blocks]
    cut = min(range(1, len(blocks)), key=lambda i: max(sum(heights[:i]), sum(heights[i:])))
    return [[line for block in part for line in block] for part in (blocks[:cut], blocks[cut:])]


def _side_by_side(columns: Sequence[list[Line]], width: int, palette: Palette) -> list[Line]:
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
