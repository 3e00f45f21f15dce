"""The help page: keys, colors, glossary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rich.segment import Segment

from rnnscope.app.actions import Action, grouped
from rnnscope.app.pages.page import Line, Writer, has_words, title_keys, wrapped
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
        "norm of the gradient of a loss with respect to an earlier hidden state",
    ),
    ("update", "log₁₀ of the update's norm over the weights' norm; about −3 is healthy"),
    (
        "quotes · cell −",
        "what a neuron detects, and in which quantity; − where that is low when the feature is on. Ranked on "
        "one half of the text, scored on the other. A neuron is shown in this quantity; g shows another, of "
        "all neurons, until Esc or a filter",
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
    ("snapshot", "weights that a run kept along the way; a replay computes everything from them"),
    ("annealing", "learning rate decays to zero; usually gains about 0.1 nat"),
)


@dataclass(frozen=True)
class _Section:
    """Names, such as keys, and what each means."""

    title: str
    rows: Sequence[tuple[str, str]]
    are_keys: bool = True

    def with_words(self, words: str) -> _Section:
        """The rows that have all of these words; the words of the title count for every row."""
        kept = [row for row in self.rows if has_words(f"{self.title} {row[0]} {row[1]}", words)]
        return replace(self, rows=kept)


def help_writer(
    actions: Sequence[Action], panels: Iterable[Panel] = (), *, here: tuple[str, Sequence[Action]] = ("", ())
) -> Writer:
    """Writes the help for these actions, and for the keys that panels have with the focus.

    here: the heading of the focused panel, and its actions, which come first.
    """
    sections = [_of_actions(*here)] if here[1] else []
    others = grouped(action for action in actions if action not in here[1])
    sections += [_of_actions(title, members) for title, members in others.items()]
    sections += _panel_sections(panels)
    sections += [_Section("colors", COLORS, are_keys=False), _Section("glossary", GLOSSARY, are_keys=False)]

    def write(palette: Palette, width: int, words: str) -> list[Line]:
        columns = 2 if width >= 110 else 1
        column_width = (width - 2 * _MARGIN - 4 * (columns - 1)) // columns
        found = [section for each in sections if (section := each.with_words(words)).rows]
        blocks = [_written(palette, section, column_width) for section in found]
        if not found:
            blocks = [[[Segment("nothing has these words", palette.ink("dim"))]]]
        lines = _side_by_side(_split(blocks, columns), column_width, palette)
        title = [
            *logo(palette),
            Segment("  help", palette.ink("dim")),
            *title_keys(palette),
        ]
        return [[], _indented(title, palette), [], *(_indented(line, palette) for line in lines), []]

    return write


def _of_actions(title: str, actions: Iterable[Action]) -> _Section:
    return _Section(title, [("  ".join(action.shown_keys), action.help) for action in actions])


def _panel_sections(panels: Iterable[Panel]) -> list[_Section]:
    """Keys and help of panels; panels with the same keys share a section."""
    found: dict[tuple[Action, ...], list[str]] = {}
    for panel in panels:
        if panel.focus_actions():
            found.setdefault(panel.focus_actions(), []).append(panel.heading)
    return [
        _of_actions(f"with the focus on {' or '.join(names)}", actions) for actions, names in found.items()
    ]


def _written(palette: Palette, section: _Section, width: int) -> list[Line]:
    """The heading, and each name with its meaning next to it, or below it where there is no room for both."""
    lines = [[Segment(part, palette.ink("azure", bold=True))] for part in wrapped(section.title, width)]
    for name, meaning in section.rows:
        style = palette.ink("strong", bold=section.are_keys)
        least = max(_KEY_WIDTH, len(name) + 2) if section.are_keys else _WORD_WIDTH
        room = width - least
        if room < _LEAST_ROOM:
            lines += _stacked(palette, Segment(name, style), meaning, width)
        else:
            first, *more = wrapped(meaning, room)
            text = palette.ink("text")
            lines.append([Segment(f"{name:<{least}}", style), Segment(first, text)])
            lines.extend([Segment(" " * least + rest, text)] for rest in more)
        if section.title == "colors":
            lines += _ramp(palette, name, width)
    return [*lines, []]


def _ramp(palette: Palette, name: str, width: int) -> list[Line]:
    """The scale of a quantity, from end to end."""
    scales = {"neuron": palette.diverging, "gate": palette.gate, "probability": palette.probability}
    if name not in scales:
        return []
    ends = ("−1 ", " +1") if name == "neuron" else (" 0 ", " 1")
    cells = max(2, min(17, width - 6))
    ramp = [Segment(" ", scales[name][round(32 * i / (cells - 1))]) for i in range(cells)]
    indent = Segment(" " * max(0, min(_WORD_WIDTH, width - cells - 6)), palette.ink("text"))
    dim = palette.ink("dim")
    return [[indent, Segment(ends[0], dim), *ramp, Segment(ends[1], dim)]]


def _stacked(palette: Palette, name: Segment, meaning: str, width: int) -> list[Line]:
    """A name, and its meaning below it, where there is no room for two columns."""
    below = wrapped(meaning, width - _MARGIN)
    return [[name], *([Segment(" " * _MARGIN + line, palette.ink("text"))] for line in below)]


def _split(blocks: Sequence[list[Line]], columns: int) -> list[list[Line]]:
    """The blocks in columns of about equal height, in order."""
    if columns == 1:
        return [[line for block in blocks for line in block]]
    if len(blocks) == 1:
        return [blocks[0], []]
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
