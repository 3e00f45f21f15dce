"""The figure of the chapter shapes: one model as a generator, a classifier and a tagger.

            ledger  ▆▆▆▆▆▆▁▁▁  0.64                output     p     l     a     y
output                        ●                    states     ● ──▶ ● ──▶ ● ──▶ ●
states      ● ──▶ ● ──▶ ● ──▶ ●                    input      D
input       D     e     a     r
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnscope.app.learn.canvas import Canvas, decimal
from rnnscope.app.learn.chapter import Chapter, Host, Step
from rnnscope.app.question import Question
from rnnscope.app.scope import error_line
from rnnscope.learn import shapes
from rnnscope.progress import Progress
from rnnscope.text.display import glyph

if TYPE_CHECKING:
    from rnnscope.network.model import CharRNN

MODEL = "archive-lstm"
NAMES = ("one to many", "many to one", "many to many")
_WRITTEN = 600
_BOXES = 9
_BOX = 6
_LEAD = 10
_BAR = 24


@dataclass(frozen=True)
class Shown:
    """What the figure shows: the shape, the first symbol, the document, and the seed of the sample."""

    shape: int = 0
    symbol: int = 0
    document: int = 0
    seed: int = 1
    typed: str = ""
    """A text that was typed in place of a document."""


class ShapesChapter(Chapter[Shown]):
    """One trained model, used in three ways."""

    name = "shapes"
    title = "one to many, many to one, many to many"
    summary = "one model as a generator, a classifier and a tagger"
    steps = (
        Step(
            "One to many: a generator",
            "The model reads one symbol and then its own output, character after character. ←→ choose the "
            "symbol, s writes another sample.",
            "The first symbol decides what kind of text follows: try [, # and D.",
            "Which kind of text follows each symbol?",
            emphasis="input output",
            hides="output",
        ),
        Step(
            "Many to one: a classifier",
            "A linear read-out of the state after the last character says which of five kinds of document it "
            "was. ←→ choose a document, e takes your own text.",
            "Only the read-out was trained for this, in closed form, on 320 other documents.",
            "Which kind is this document? And how often will a linear read-out be right?",
            emphasis="output",
            hides="output",
        ),
        Step(
            "Many to many: a tagger",
            "The same with the state after every character: is it inside quotation marks? Amber is outside, "
            "blue inside; the row below has the truth.",
            "Each character is tagged as soon as it is read: the tag changes at the mark itself.",
            "Where will the tags be wrong?",
            emphasis="output",
            hides="output",
        ),
    )
    keys: ClassVar = {
        "choose_left": "choose",
        "choose_right": "choose",
        "advance": "another",
        "switch": "shape",
        "edit_text": "text",
        "reset": "reset",
    }

    def __init__(self, host: Host, load: Callable[[Progress], CharRNN] | None = None) -> None:
        """load: gives the model; by default a sample model."""
        super().__init__(host, Shown())
        self._load = load or _loaded
        self._network: CharRNN | None = None
        self._classifier: shapes.Classifier | None = None
        self._tagger: shapes.Tagger | None = None
        self._samples: dict[tuple[int, int], str] = {}
        self._beliefs: dict[tuple[int, str], NDArray[np.float64]] = {}
        self._activity = ""

    # -- the model -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        if self._network is None:
            self._submit("loading the model", self._load, self._take_network)
        else:
            self._compute()

    def end(self) -> None:
        self.host.jobs.cancel("shapes")
        self._activity = ""

    @property
    def activity(self) -> str:
        return self._activity

    def _take_network(self, network: CharRNN) -> None:
        self._network = network
        self._compute()

    def _compute(self) -> None:
        """Compute what the figure lacks, one thing after another."""
        network, state = self._network, self.state
        if network is None:
            return
        key = state.symbol, state.seed
        if state.shape == 0 and key not in self._samples:
            self._submit(
                "writing", lambda progress: _written(network, *key), self._keeper(self._samples, key)
            )
        elif state.shape == 1 and self._classifier is None:
            self._submit(
                "training the read-out",
                lambda progress: shapes.classifier(network, progress),
                lambda found: self._keep(classifier=found),
            )
        elif state.shape == 2 and self._tagger is None:
            self._submit(
                "training the read-out",
                lambda progress: shapes.tagger(network, progress),
                lambda found: self._keep(tagger=found),
            )
        elif state.shape and (read_out := self._read_out) is not None:
            text = self.text
            if (state.shape, text) not in self._beliefs:
                self._submit(
                    "reading",
                    lambda progress: shapes.belief(network, read_out, text),
                    self._keeper(self._beliefs, (state.shape, text)),
                )

    def _submit(self, activity: str, run: Callable[[Progress], Any], take: Callable[[Any], object]) -> None:
        def taken(found: Any) -> None:
            self._activity = ""
            take(found)
            self.host.refresh_figure()

        self._activity = activity
        self.host.jobs.submit(
            "shapes", run, on_result=taken, on_error=lambda error: self.host.announce(error_line(error))
        )

    def _keeper(self, kept: dict[Any, Any], key: Any) -> Callable[[Any], None]:
        def keep(found: Any) -> None:
            kept[key] = found
            self._compute()

        return keep

    def _keep(self, **found: Any) -> None:
        self._classifier = found.get("classifier", self._classifier)
        self._tagger = found.get("tagger", self._tagger)
        self._compute()

    @property
    def _read_out(self) -> shapes.ReadOut | None:
        found = self._classifier if self.state.shape == 1 else self._tagger
        return None if found is None else found.read_out

    @property
    def _documents(self) -> shapes.Documents | None:
        found = self._classifier if self.state.shape == 1 else self._tagger
        return None if found is None else found.tested

    @property
    def text(self) -> str:
        """The text that the classifier or the tagger reads."""
        if self.state.typed or self._documents is None:
            return self.state.typed
        return self._documents.texts[self._document_number]

    @property
    def _document_number(self) -> int:
        """The documents of the kinds take turns."""
        documents = self._documents
        assert documents is not None
        of_each = len(documents.texts) // len(shapes.KINDS)
        at = self.state.document % len(documents.texts)
        return at % len(shapes.KINDS) * of_each + at // len(shapes.KINDS)

    # -- keys ------------------------------------------------------------------------------------------------

    def arrive(self, step: int) -> None:
        self._use(replace(self.state, shape=step, typed=""))

    def choose(self, by: int) -> None:
        state = self.state
        if state.shape == 0:
            self._use(replace(state, symbol=(state.symbol + by) % len(shapes.SYMBOLS)))
        else:
            self._use(replace(state, document=max(0, state.document + by), typed=""))

    def switch(self, by: int) -> None:
        self._use(replace(self.state, shape=(self.state.shape + by) % len(NAMES), typed=""))

    def advance(self) -> bool:
        if self.state.shape == 0:
            self._use(replace(self.state, seed=self.state.seed + 1))
        else:
            self.choose(+1)
        return False

    def edit(self) -> None:
        def accept(answer: str) -> str | None:
            if not answer:
                return "type at least one character"
            self._use(replace(self.state, shape=max(1, self.state.shape), typed=answer))
            self.host.refresh_figure()
            return None

        self.host.ask(Question("text", "", "a text of your own   Enter   Esc", accept))

    def _use(self, state: Shown) -> None:
        self.set(state)
        self._compute()

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas) -> None:
        state, ink = self.state, canvas.palette.ink
        x = 0
        for number, name in enumerate(NAMES):
            is_shown = number == state.shape
            x = canvas.put(x, 0, name, ink("azure" if is_shown else "mute", bold=is_shown)) + 3
        hides = canvas.look.hides("output")
        if state.shape == 0:
            self._draw_generator(canvas, hides=hides)
        elif state.shape == 1:
            self._draw_classifier(canvas, hides=hides)
        else:
            self._draw_tagger(canvas, hides=hides)

    def _draw_generator(self, canvas: Canvas, *, hides: bool) -> None:
        state = self.state
        written = self._samples.get((state.symbol, state.seed), "")
        symbol = shapes.SYMBOLS[state.symbol]
        outputs = ["?"] * _BOXES if hides else [*written[:_BOXES]]
        _diagram(canvas, 1, [symbol], outputs, feeds=True)
        x = canvas.put(0, 7, "symbol    ", "dim")
        for number, each in enumerate(shapes.SYMBOLS):
            style = canvas.palette.cursor if number == state.symbol else canvas.palette.ink("text")
            x = canvas.put(x, 7, f" {glyph(each)} ", style) + 1
        _paragraph(canvas, 9, "" if hides else symbol.lstrip("\n") + written)

    def _draw_classifier(self, canvas: Canvas, *, hides: bool) -> None:
        text, found, belief = self.text, self._classifier, self._beliefs.get((1, self.text))
        best = -1 if belief is None or hides else int(belief[-1].argmax())
        _diagram(canvas, 1, [*text[:_BOXES]], ["", "?" if best < 0 else shapes.KINDS[best]], many=True)
        if found is None:
            canvas.put(0, 7, f"{self._activity or 'loading'}…", "dim")
            return
        truth = -1 if self.state.typed else found.tested.kinds[self._document_number]
        for kind, name in enumerate(shapes.KINDS):
            ink = canvas.palette.ink("strong" if kind == best else "text", bold=kind == best)
            share = 0.0 if belief is None or hides else float(belief[-1, kind])
            cells = round(_BAR * share)
            canvas.put(1, 6 + kind, name, ink)
            canvas.put(_LEAD, 6 + kind, "▆" * cells, "azure" if kind == best else "mute")
            canvas.put(_LEAD + cells, 6 + kind, "▁" * (_BAR - cells), "faint")
            canvas.put(_LEAD + _BAR + 1, 6 + kind, "?" if hides else decimal(share), ink)
            if kind == truth and not hides:
                canvas.put(_LEAD + _BAR + 7, 6 + kind, "◀ true", "mint")
        tested = len(found.tested.texts)
        words = f"{found.accuracy:.1%} of {tested} new documents are classified right (chance: 20 %)"
        canvas.put(1, 11, "right: ?" if hides else words, "strong")
        number = "your text" if self.state.typed else f"document {self.state.document + 1}"
        canvas.put(1, 12, f"{number}, {len(text)} characters: {shown_in_a_row(text)}", "dim")
        _paragraph(canvas, 14, text)

    def _draw_tagger(self, canvas: Canvas, *, hides: bool) -> None:
        text, found, belief = self.text, self._tagger, self._beliefs.get((2, self.text))
        truth = shapes.tags(text)
        start = max(0, int(truth.argmax()) - canvas.width // 3) if truth.any() else 0
        tags = None if belief is None or hides else belief[:, 1] > 0.5
        marks = ["?"] * _BOXES
        if tags is not None:
            marks = ["in" if is_inside else "out" for is_inside in tags[start : start + _BOXES]]
        _diagram(canvas, 1, [*text[start : start + _BOXES]], marks, many=True)
        if found is None:
            canvas.put(0, 7, f"{self._activity or 'loading'}…", "dim")
            return
        words = (
            f"{found.accuracy:.1%} of the characters are tagged right, {found.recall:.1%} of those inside; "
            f"{found.share:.1%} are inside"
        )
        canvas.put(1, 7, "tagged right: ?" if hides else words, "strong")
        y = 9
        while y + 1 < canvas.height and start < len(text):
            for x, character in enumerate(text[start : start + canvas.width]):
                at = start + x
                style = canvas.palette.ink("text")
                if belief is not None and not hides:
                    style = canvas.palette.diverging[round(32 * float(belief[at, 1]))]
                canvas.put(x, y, character, style)
                if truth[at] and not hides:
                    canvas.put(x, y + 1, "▔", "mint")
            y += 2
            start += canvas.width


def _loaded(progress: Progress) -> CharRNN:
    import rnnscope

    return rnnscope.load(MODEL).network


def _written(network: CharRNN, symbol: int, seed: int) -> str:
    from rnnscope.network.sampling import Sampler

    sampler = Sampler(network)
    sampler.feed(network.vocabulary.encode(shapes.SYMBOLS[symbol]).tolist())
    stream = sampler.stream(_WRITTEN, temperature=0.7, seed=seed)
    return network.vocabulary.decode([each for each, _ in stream])


def _diagram(
    canvas: Canvas,
    top: int,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    many: bool = False,
    feeds: bool = False,
) -> None:
    """The network unrolled in time: outputs, states and inputs in three rows.

    many: an input at every step. feeds: outputs are the inputs of the next steps. Two outputs of which the
    first is empty stand for a single one at the end.
    """
    count = min(_BOXES, max(1, (canvas.width - _LEAD) // _BOX))
    canvas.label(0, top, "output", "output")
    canvas.put(0, top + 2, "state", "dim")
    canvas.label(0, top + 4, "input", "input")
    at_end = len(outputs) == 2 and not outputs[0]
    for number in range(count):
        x = _LEAD + number * _BOX
        canvas.put(x, top + 2, "●", "azure")
        if number + 1 < count:
            canvas.put(x + 2, top + 2, "─▶", "mute")
        output = (
            (outputs[1] if number == count - 1 else "") if at_end else "".join(outputs[number : number + 1])
        )
        if output:
            canvas.put(
                x, top, output if len(output) > 1 else glyph(output), canvas.palette.ink("strong", bold=True)
            )
            canvas.put(x, top + 1, "↑", "mute")
        given = "".join(inputs[number : number + 1]) if many or not number else ""
        if given:
            canvas.put(x, top + 4, glyph(given), "text")
            canvas.put(x, top + 3, "↑", "mute")
        elif feeds and outputs[number - 1 : number]:
            canvas.put(x, top + 4, glyph(outputs[number - 1]), "mute")
            canvas.put(x, top + 3, "↑", "mute")


def _paragraph(canvas: Canvas, y: int, text: str) -> None:
    """A text in its own lines, as far as there is room."""
    for line in text.split("\n"):
        for start in range(0, max(1, len(line)), canvas.width):
            if y < canvas.height:
                canvas.put(0, y, line[start : start + canvas.width])
            y += 1


def shown_in_a_row(text: str) -> str:
    """A text with a glyph for each line break."""
    return "".join(map(glyph, text))
