"""The figure of the chapter race: validation losses of three networks, n-gram lines, and their samples.

  3 ⠉⠉⠒⢄                          1-gram 3.30
  2     ⠑⠒⠤⣀⣀                     RNN 1.77
        ┈┈┈┈┈┈┈⠒⠒⠤                GRU 1.53
    1   10   100   1k  steps
RNN   The ferry and the
LSTM  …
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from rich.segment import Segment

from rnnscope.app.learn.canvas import Canvas, decimal
from rnnscope.app.learn.chapter import Chapter, Host, Step
from rnnscope.app.learn.curves import Curve, draw_curves
from rnnscope.app.scope import error_line
from rnnscope.learn import race
from rnnscope.learn.race import CELLS, STEPS, Cell, Numbers, Prepared, Race, Standing
from rnnscope.progress import Progress

_JOB = "race"
_TITLES: dict[Cell, str] = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
_TOKENS: dict[Cell, str] = {"rnn": "amber", "lstm": "azure", "gru": "mint"}
_SIZES = (8, 16, 32, 48, 64, 96, 128, 192, 256)
_RATES = (0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05)
_TEMPERATURES = (0.1, 2.0)
_LOW, _HIGH = 1.0, 5.0
_NAMES = 13


class RaceChapter(Chapter[Standing]):
    """An RNN, an LSTM and a GRU train side by side."""

    name = "race"
    title = "RNN, LSTM and GRU train side by side"
    summary = "RNN, LSTM and GRU train on one text; n-gram models"
    steps = (
        Step(
            "Three networks",
            "An RNN, an LSTM and a GRU with 64 hidden units each read the same text in the same order, at"
            " the same learning rate. space starts the race and pauses it.",
            emphasis="size",
        ),
        Step(
            "Validation loss",
            "The curves are the loss on text that was not trained on, in nats per character: mean "
            "−log p of the true next one. Both axes are logarithmic.",
            "All begin near log 89 = 4.49: with 89 characters, each is equally likely.",
            "Which loss has a network that gives all 89 characters the same probability?",
            emphasis="loss",
            hides="uniform",
        ),
        Step(
            "n-gram models",
            "Dotted: models that only count. A 3-gram model predicts a character from the two before it.",
            "All three pass the 1-gram within 16 steps and the 2-gram within 100. None reaches the 5-gram "
            "within 1,000.",
            "How many steps until the networks pass the 2-gram model?",
            emphasis="loss",
            hides="ngrams",
        ),
        Step(
            "Who is first?",
            "Let the race run to about step 1,000.",
            "The GRU leads. The LSTM starts slowly, and passes the RNN at about step 900: the curve of the "
            "RNN flattens first.",
            "Which one leads after 100 steps, and which after 1,000?",
            emphasis="loss",
            hides="curves",
        ),
        Step(
            "Samples",
            "Below: what each network writes, with the same random numbers. Words come first, then "
            "quotes, brackets and indentation. Change the temperature with ↑↓.",
            emphasis="samples temperature",
        ),
        Step(
            "Equal in what?",
            "An LSTM has four matrices where the RNN has one, so it has more weights. o begins a race "
            "with equal numbers of parameters.",
            "Then the RNN has 141 hidden units, and at step 1,000 it is ahead of the LSTM with its 64.",
            "With equal numbers of parameters, which network has the most hidden units?",
            emphasis="size",
            hides="size",
        ),
    )
    keys: ClassVar = {
        "run": "start",
        "choose_left": "choose",
        "choose_right": "choose",
        "raise": "change",
        "lower": "change",
        "switch": "equal",
        "next_group": "",
        "reset": "reset",
    }

    def __init__(self, host: Host, prepare: Callable[[Progress], Prepared] | None = None) -> None:
        """prepare: gives the text; by default the beginning of the archive."""
        super().__init__(host, Standing())
        self._prepare = prepare or (lambda progress: race.prepared(progress=progress))
        self._text: Prepared | None = None
        self._race: Race | None = None
        self._activity = ""

    @property
    def groups(self) -> tuple[tuple[Hashable, ...], ...]:
        return (("hidden_size",), ("learning_rate",), ("temperature",))

    # -- the race --------------------------------------------------------------------------------------------

    @property
    def activity(self) -> str:
        return self._activity

    def begin(self) -> None:
        if self._text is None:
            self._activity = "counting n-grams"
            self.host.jobs.submit(_JOB, self._prepare, on_result=self._take_text, on_error=self._fail)

    def end(self) -> None:
        self.is_playing = False
        self._activity = ""
        self.host.jobs.cancel(_JOB)

    def toggle(self) -> None:
        """Start, pause or continue the race."""
        if self.is_playing:
            self.end()
        else:
            self.is_playing = True
            self._start()

    def advance(self) -> bool:
        """Show how far the race is; the steps are taken in the job."""
        if self._race is not None:
            self.state = self._race.standing
        return self.is_playing

    def _start(self) -> None:
        """Continue the race in a job, once there is a text."""
        text = self._text
        if text is None:
            self.begin()
            return
        contest = self._race = self._race or Race(text, self.state.numbers)
        self._activity = "training"
        self.host.jobs.stream(
            _JOB,
            contest.run,
            on_result=self._show,
            on_error=self._fail,
            on_done=self._finish,
        )

    def _take_text(self, text: Prepared) -> None:
        self._text, self._activity = text, ""
        if self.is_playing:
            self._start()
        self.host.refresh_figure()

    def _show(self, standing: Standing) -> None:
        self.state = standing
        self.host.refresh_figure()

    def _finish(self) -> None:
        self.is_playing, self._activity = False, ""
        self.host.refresh_figure()

    def _fail(self, error: Exception) -> None:
        self.is_playing, self._activity = False, ""
        self.host.announce(error_line(error))
        self.host.refresh_figure()

    def arrive(self, step: int) -> None:
        """Choose the number that the step is about."""
        meant = self.steps[step].emphasis
        if "size" in meant:
            self.chosen = "hidden_size"
        elif "temperature" in meant:
            self.chosen = "temperature"

    # -- keys ------------------------------------------------------------------------------------------------

    def change(self, by: int) -> None:
        numbers = self.state.numbers
        if self.chosen == "temperature":
            low, high = _TEMPERATURES
            self._resample(round(min(max(numbers.temperature + by / 10, low), high), 1))
        elif self.chosen == "hidden_size":
            self._begin_with(replace(numbers, hidden_size=_beside(_SIZES, numbers.hidden_size, by)))
        else:
            self._begin_with(replace(numbers, learning_rate=_beside(_RATES, numbers.learning_rate, by)))

    def switch(self, by: int) -> None:
        numbers = self.state.numbers
        equal = "parameters" if numbers.equal == "units" else "units"
        self._begin_with(replace(numbers, equal=equal))  # type: ignore[arg-type]

    def reset(self) -> None:
        self._begin_with(Numbers())

    def _begin_with(self, numbers: Numbers) -> None:
        """Begin again with other numbers; a race that runs runs on."""
        runs = self.is_playing
        self.end()
        self._race, self.state = None, Standing(numbers)
        if runs:
            self.toggle()

    def _resample(self, temperature: float) -> None:
        runs, contest = self.is_playing, self._race
        self.end()
        self.state = replace(self.state, numbers=replace(self.state.numbers, temperature=temperature))
        if contest is not None:
            self.host.jobs.submit(
                _JOB,
                lambda progress: contest.resample(temperature),
                on_result=self._show,
                on_error=self._fail,
                on_done=self.toggle if runs else lambda: None,
            )

    # -- drawing ---------------------------------------------------------------------------------------------

    def headline(self, canvas: Canvas) -> list[Segment]:
        ink = canvas.palette.ink
        return [
            Segment("step ", ink("dim")),
            Segment(f"{self.state.step:,}", ink("strong", bold=True)),
            Segment(f" of {STEPS:,}", ink("dim")),
        ]

    def draw(self, canvas: Canvas) -> None:
        self._draw_numbers(canvas)
        tall = canvas.height >= 20
        per_sample = max(1, (canvas.height - 12) // 6) if tall else 1
        samples = len(CELLS) * (per_sample + (1 if tall else 0))
        top = 2 if tall else 1
        chart = canvas.height - top - samples
        self._draw_losses(canvas, (0, top, canvas.width, chart))
        self._draw_samples(
            canvas, canvas.height - samples, per_sample, stride=per_sample + (1 if tall else 0)
        )

    def _draw_numbers(self, canvas: Canvas) -> None:
        numbers, ink = self.state.numbers, canvas.palette.ink
        shown: tuple[tuple[str, str, str, Any], ...] = (
            ("hidden_size", "size", "hidden units ", numbers.hidden_size),
            ("learning_rate", "rate", "learning rate ", f"{numbers.learning_rate:g}"),
            ("temperature", "temperature", "temperature ", f"{numbers.temperature:.1f}"),
        )
        x = 0
        for knob, part, label, value in shown:
            style = canvas.palette.cursor if knob == self.chosen else ink("strong", bold=True)
            x = canvas.label(x, 0, label, part)
            x = canvas.put(x, 0, f" {value} ", style, knob) + 2
        canvas.label(x, 0, f"equal {numbers.equal}", "size")

    def _draw_losses(self, canvas: Canvas, box: tuple[int, int, int, int]) -> None:
        standing, look = self.state, canvas.look
        baselines = {} if self._text is None or look.hides("ngrams") else dict(self._text.baselines)
        if look.hides("uniform"):
            baselines.pop("uniform", None)
        levels = [(f"{name} {decimal(nats)}", nats) for name, nats in baselines.items()]
        curves = []
        if not look.hides("curves"):
            steps = np.array(standing.steps, np.float64)
            for cell, losses in standing.losses.items():
                name = f"{_TITLES[cell]} {decimal(losses[-1])}"
                curves.append(Curve(name, np.array(losses), _TOKENS[cell], at=np.maximum(steps, 1.0)))
        draw_curves(
            canvas,
            box,
            curves,
            low=_LOW,
            high=_HIGH,
            steps=STEPS,
            x_label="steps",
            levels=levels,
            names_width=_NAMES,
            logarithmic=True,
        )

    def _draw_samples(self, canvas: Canvas, top: int, rows: int, *, stride: int) -> None:
        standing, ink = self.state, canvas.palette.ink
        for number, cell in enumerate(CELLS):
            y = top + number * stride
            canvas.put(0, y, _TITLES[cell], ink(_TOKENS[cell], bold=True))
            if canvas.look.hides("size"):
                continue
            facts = ""
            if standing.parameters:
                facts = f"{standing.sizes[cell]} units, {standing.parameters[cell]:,} weights"
            if rows > 1:
                canvas.put(0, y + 1, facts.partition(", ")[0], "mute")
                canvas.put(0, y + 2, facts.partition(", ")[2] if rows > 2 else "", "mute")
                if rows > 3 and standing.step:
                    canvas.put(0, y + 3, f"{1e3 * standing.step_seconds[cell]:.0f} ms a step", "mute")
            left = 16 if rows > 1 else 5
            text = standing.samples.get(cell, "")
            if not text and number == 0:
                canvas.put(left, y, "space starts the race" if not self._activity else "", "dim")
            if rows == 1 and "size" in canvas.look.emphasis and facts:
                canvas.put(left, y, facts, "text")
                continue
            width = canvas.width - left
            for row in range(rows):
                canvas.put(left, y + row, text[row * width : (row + 1) * width])


def _beside(values: tuple[Any, ...], value: Any, by: int) -> Any:
    """The value so many places after another one, within the ends."""
    return values[min(max(values.index(value) + by, 0), len(values) - 1)]
