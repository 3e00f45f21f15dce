"""The figure of the chapter neurons: a passage colored by a unit, and one prompt at several temperatures.

1/116   AUC 0.98   inside quotation marks
He said "not before noon" and left.            amber low, blue high
        ▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔▔                      where the feature is on
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from rnnscope.app.learn.canvas import Canvas, decimal
from rnnscope.app.learn.chapter import Chapter, Host, Step
from rnnscope.app.question import Question
from rnnscope.app.scope import error_line
from rnnscope.learn import neurons
from rnnscope.progress import Progress
from rnnscope.text.display import glyph
from rnnscope.theme.palette import signed_steps, unit_steps

if TYPE_CHECKING:
    from rnnscope.session import Session

MODEL = "archive-lstm"
_TEXT_CHARACTERS, _TEXT_SEED = 20_000, 20_005
_WRITTEN = 400


@dataclass(frozen=True)
class Shown:
    """What the figure shows: the neuron, or the samples of a prompt from a seed."""

    neuron: int = 0
    samples: bool = False
    prompt: str = "The "
    seed: int = 1


class NeuronsChapter(Chapter[Shown]):
    """Neurons of a trained LSTM, to be guessed."""

    name = "neurons"
    title = "what single neurons of a trained LSTM detect"
    summary = "guess what a neuron of a trained LSTM detects; temperature"
    steps = (
        *(
            Step(
                f"Neuron {number}",
                "The text is colored by one unit of a trained LSTM: blue is high, amber low. Read a few "
                "lines: what does it follow?",
                f"Answer: {description}. The marks below the text show where that holds. ←→ show the "
                "other neurons.",
                f"What does this neuron detect? ({number} of {len(neurons.FEATURES)})",
                emphasis="passage",
                hides="label",
                always_asks=True,
            )
            for number, (_, description) in enumerate(neurons.FEATURES, 1)
        ),
        Step(
            "Selected and scored",
            "Each neuron is the best on one half of a text, scored on the other half. AUC: 0.5 is chance, 1 "
            "is perfect; ρ is a rank correlation.",
            "Other features have no such neuron: they are spread over many units.",
            emphasis="label",
        ),
        Step(
            "Temperature",
            "Logits are divided by the temperature before the softmax. The same prompt and seed at five "
            "temperatures; s takes another seed, e another prompt.",
            "At 0.2 the text repeats safe phrases; at 1.5 spelling breaks down.",
            "At which temperature does it repeat itself, at which does spelling break down?",
            emphasis="samples",
            hides="temperature",
        ),
    )
    keys: ClassVar = {
        "choose_left": "neuron",
        "choose_right": "neuron",
        "advance": "another",
        "edit_text": "prompt",
        "reset": "reset",
    }

    def __init__(self, host: Host, open_session: Callable[[Progress], Session] | None = None) -> None:
        """open_session: gives the model and its text; by default a sample model and a new text."""
        super().__init__(host, Shown())
        self._open_session = open_session or _opened
        self._session: Session | None = None
        self._found: dict[int, neurons.Neuron] = {}
        self._written: dict[tuple[str, int], tuple[str, ...]] = {}
        self._activity = ""

    # -- the model -------------------------------------------------------------------------------------------

    def begin(self) -> None:
        if self._session is None:
            self._submit("loading the model", self._open_session, self._take_session)
        else:
            self._compute()

    def end(self) -> None:
        self.host.jobs.cancel("neurons")
        self._activity = ""

    @property
    def activity(self) -> str:
        return self._activity

    def _take_session(self, session: Session) -> None:
        self._session = session
        self._compute()

    def _compute(self) -> None:
        """Compute what the figure lacks, then the other neurons."""
        session, state = self._session, self.state
        if session is None:
            return
        key = state.prompt, state.seed
        if state.samples and key not in self._written:
            network = session.reader.model
            assert network is not None
            self._submit(
                "writing",
                lambda progress: neurons.samples(network, state.prompt, _WRITTEN, state.seed),
                lambda found: self._keep_samples(key, found),
            )
            return
        missing = [at for at in range(len(neurons.FEATURES)) if at not in self._found]
        if missing:
            at = state.neuron if state.neuron in missing else missing[0]
            feature = neurons.FEATURES[at][0]
            self._submit(
                "searching neurons",
                lambda progress: neurons.neuron(session, feature, progress),
                lambda found: self._keep_neuron(at, found),
            )

    def _keep_samples(self, key: tuple[str, int], found: tuple[str, ...]) -> None:
        self._written[key] = found
        self._compute()

    def _keep_neuron(self, at: int, found: neurons.Neuron) -> None:
        self._found[at] = found
        self._compute()

    def _submit(self, activity: str, run: Callable[[Progress], Any], take: Callable[[Any], object]) -> None:
        def taken(found: Any) -> None:
            self._activity = ""
            take(found)
            self.host.refresh_figure()

        self._activity = activity
        self.host.jobs.submit(
            "neurons", run, on_result=taken, on_error=lambda error: self.host.announce(error_line(error))
        )

    # -- keys ------------------------------------------------------------------------------------------------

    def arrive(self, step: int) -> None:
        is_last = step == len(self.steps) - 1
        neuron = min(step, len(neurons.FEATURES) - 1) if step < len(neurons.FEATURES) else self.state.neuron
        self._use(replace(self.state, neuron=neuron, samples=is_last))

    def choose(self, by: int) -> None:
        neuron = (self.state.neuron + by) % len(neurons.FEATURES)
        self._use(replace(self.state, neuron=neuron, samples=False))

    def advance(self) -> bool:
        if self.state.samples:
            self._use(replace(self.state, seed=self.state.seed + 1))
        return False

    def edit(self) -> None:
        def accept(answer: str) -> str | None:
            self._use(replace(self.state, samples=True, prompt=answer))
            self.host.refresh_figure()
            return None

        self.host.ask(Question("prompt", self.state.prompt, "Enter   Esc", accept))

    def _use(self, state: Shown) -> None:
        self.set(state)
        self._compute()

    # -- drawing ---------------------------------------------------------------------------------------------

    def draw(self, canvas: Canvas) -> None:
        if self.state.samples:
            self._draw_samples(canvas)
            return
        found = self._found.get(self.state.neuron)
        if found is None:
            canvas.put(0, 0, f"{self._activity or 'loading'}…", "dim")
            return
        hides = canvas.look.hides("label")
        ink = canvas.palette.ink
        x = canvas.put(0, 0, f"neuron {found.name}", ink("strong", bold=True)) + 3
        x = canvas.put(x, 0, found.quantity, "dim") + 3
        metric = "AUC" if found.metric == "auc" else "ρ"
        score = "?" if hides else f"{metric} {decimal(found.score)}"
        x = canvas.label(x, 0, score, "label", "strong") + 3
        description = neurons.FEATURES[self.state.neuron][1]
        sign = "" if found.direction > 0 else ", low values"
        canvas.put(x, 0, "?" if hides else description + sign, "text")
        self._draw_passage(canvas, found, hides=hides)

    def _draw_passage(self, canvas: Canvas, found: neurons.Neuron, *, hides: bool) -> None:
        """The text in its own lines, each with the marks of the feature below it."""
        is_gate = found.quantity not in ("cell", "hidden", "candidate")
        styles = canvas.palette.cells(is_gate)
        steps = unit_steps(found.values) if is_gate else signed_steps(found.values)
        x, y = 0, 2
        first = found.text.find("\n") + 1  # the first line is cut
        for at in range(first, len(found.text)):
            character = found.text[at]
            if y + 1 >= canvas.height:
                return
            if x >= canvas.width:
                x, y = 0, y + 2
            canvas.put(x, y, glyph(character), styles[steps[at]])
            if not hides and found.is_on[at] > 0:
                mark = "▔" if found.metric == "auc" else " ▁▂▃▄▅▆▇█"[round(8 * float(found.is_on[at]))]
                canvas.put(x, y + 1, mark, "mint")
            x += 1
            if character == "\n":
                x, y = 0, y + 2

    def _draw_samples(self, canvas: Canvas) -> None:
        state = self.state
        written = self._written.get((state.prompt, state.seed))
        canvas.put(0, 0, f"prompt “{state.prompt}”   seed {state.seed}", "dim")
        if written is None:
            canvas.put(0, 2, f"{self._activity or 'loading'}…", "dim")
            return
        rows = max(2, (canvas.height - 2) // len(written))
        hides = canvas.look.hides("temperature")
        for number, (temperature, text) in enumerate(zip(neurons.TEMPERATURES, written, strict=True)):
            y = 2 + number * rows
            label = "T ?" if hides else f"T {temperature:g}"
            canvas.put(0, y, label, canvas.palette.ink("strong", bold=True))
            width = canvas.width - 8
            shown = "".join(glyph(each) for each in text)
            for row in range(rows - 1 if rows > 2 else rows):
                canvas.put(8, y + row, shown[row * width : (row + 1) * width], "text")


def _opened(progress: Progress) -> Session:
    import rnnscope
    from rnnscope.corpora.archive import archive_text

    return rnnscope.Session(rnnscope.load(MODEL), archive_text(_TEXT_CHARACTERS, seed=_TEXT_SEED))
