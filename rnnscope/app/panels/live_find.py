"""Find on the train screen: the best neuron for a feature in each new trace, and how its score has changed.

best 1/97        ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆  0.97        below it the best score of every search,
since 4,200      ▁▁▂▂▃▅▅▆▆▇▇        +0.35        gray where chance does as well

While the panel is in sight each new trace is searched for the same question: one search at a time, and so
seldom that searching takes a few per cent of a core. The neuron stays selected until the user asks again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import Find, FindResult
from rnnscope.app.actions import Action
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.question import Question
from rnnscope.app.scope import Neuron, error_line
from rnnscope.app.search_words import as_query, name_of
from rnnscope.app.shared import FIND
from rnnscope.render import find_bars
from rnnscope.render.report import BLANK, Ink, Line, Report, Run, Unit, words
from rnnscope.selection import Label, Selection
from rnnscope.session import Session
from rnnscope.theme.palette import Palette
from rnnscope.tracing.trace import Trace

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope

_SHARE = 0.03
"""How much of the time searching may take."""
_PATIENCE_SECONDS = 1.0
"""How long a question waits for a longer trace than the passage's."""
_LEAST_SHARE = 0.5
"""How far from chance, 0..1, a neuron's score is that is labeled with the feature."""
_BLOCKS = "▁▂▃▄▅▆▇"


@dataclass(frozen=True)
class Score:
    """The best neuron's score in one search, and that of shuffled labels."""

    step: int
    best: float
    chance: float


@dataclass(frozen=True, eq=False)
class Course:
    """The last result for a question, and the scores of all on the same text, oldest first."""

    result: FindResult
    trace: Trace
    """The trace that the last result is of."""
    scores: tuple[Score, ...]

    @classmethod
    def begun(cls, result: FindResult, trace: Trace) -> Course:
        return cls(result, trace, (_score(result, trace),))

    def after(self, result: FindResult, trace: Trace) -> Course:
        """Append a result. A result on another text starts a new history, as scores are not comparable."""
        if not self.is_of(trace):
            return Course.begun(result, trace)
        earlier = tuple(score for score in self.scores if score.step < trace.step)
        return Course(result, trace, (*earlier, _score(result, trace)))

    def is_of(self, trace: Trace) -> bool:
        """Whether a trace is of the same text."""
        return len(trace) == len(self.trace) and bool((trace.ids == self.trace.ids).all())

    def label(self, neuron: Neuron) -> Label | None:
        """How well a neuron detects the feature; None where it is not among the best."""
        for each in self.result.results:
            if (each.layer, each.unit) == neuron:
                return Label.of(each, self.result.feature)
        return None


@dataclass(frozen=True)
class Turns:
    """One search at a time, and how long the next one waits."""

    began: float | None = None
    """When the search that is under way began."""
    next: float = 0.0
    """The earliest time for another, unless the user asks."""

    def ended(self, now: float) -> Turns:
        """The turns once a search has ended: the next one waits for as long as keeps its share."""
        began = now if self.began is None else self.began
        return Turns(None, now + (now - began) / _SHARE)


class LiveFind:
    """Finds the neurons for a feature, again and again while the network learns."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (FIND,)

    def __init__(
        self,
        scope: ScreenScope,
        *,
        show_contexts: Callable[[], object],
        is_prompt_open: Callable[[], bool],
        set_searching: Callable[[bool], object],
        has_ended: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """show_contexts: shows those of the chosen neuron. is_prompt_open: whether a question is being typed.

        set_searching: asks the training loop for longer traces. has_ended: whether no more traces come.
        now: the clock by which searches are spaced.
        """
        self._scope = scope
        self._show_contexts = show_contexts
        self._is_prompt_open = is_prompt_open
        self._set_searching = set_searching
        self._has_ended = has_ended
        self._now = now
        self._query: Find | None = None
        self._course: Course | None = None
        self._trace: Trace | None = None
        """The passage and the text that follows it, where that was traced."""
        self._selects = False
        """Whether the best neuron of the next result is selected: the user asked."""
        self._patience_ends = 0.0
        self._turns = Turns()
        self.panel = ResultPanel(
            scope,
            "find",
            "press / to search for a feature or a regex",
            id="find",
            press=self.action_find,
            run=self._run,
            on_selection=self._follow,
        )

    @property
    def course(self) -> Course | None:
        """The last result, and the scores of all."""
        return self._course

    @property
    def query(self) -> Find | None:
        """The query for each trace."""
        return self._query

    def start(self) -> None:
        """List what can be looked for."""
        lines = (words("type what to find, or choose one:", "dim"), *_offered())
        self.panel.show_report(Report("find neurons for a feature", "", lines))

    def action_find(self) -> None:
        """Ask what to find; what is traced for it starts now, so that the result is there sooner."""
        self._scope.show_panel("find")
        hint = "a feature (↑↓, Tab), a regular expression   before:… after:…   Enter   Esc"
        self._scope.prompt(Question("find", "", hint, self.find, suggestions=tuple(FEATURES)))
        self.keep_up()

    def find(self, asked: str) -> str | None:
        """Set the query for each trace; returns an error message if the text is not a query."""
        text = asked.strip()
        if not text:
            return "a feature, or a regular expression"
        self._query, self._course, self._selects = as_query(text), None, True
        self._turns = Turns()
        self._patience_ends = self._now() + _PATIENCE_SECONDS
        self._scope.jobs.cancel("find")
        self.panel.show_report(Report(name_of(self._query), "", (words("finding…", "dim"),)))
        self._scope.show_panel("find")
        self.keep_up()
        return None

    # -- the run ---------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Clear the scores: the run is read from its beginning."""
        self._course = None

    def take_trace(self, searched: Trace | None) -> None:
        """searched: the newest trace of the passage and of what follows it."""
        self._trace = searched

    def keep_up(self) -> None:
        """Search the newest trace where it is time to."""
        is_shown = self.panel.display
        self._set_searching(is_shown and (self._query is not None or self._is_prompt_open()))
        selection = self._scope.selection
        if selection is not None and is_shown and self._query is not None and self._turns.began is None:
            self._search(self._query, selection, self._now())

    def _search(self, query: Find, selection: Selection, now: float) -> None:
        trace = selection.trace if self._trace is None else self._trace
        if self._trace is None and now < self._patience_ends and not self._has_ended():
            return
        if now >= self._turns.next and (self._course is None or self._course.trace is not trace):
            self._turns = replace(self._turns, began=now)
            self._scope.jobs.submit(
                "find",
                lambda progress: Session.of_trace(trace).ask(query, progress),
                on_result=lambda result: self._show(result, trace),
                on_error=self._refuse,
                on_done=self._end,
            )

    def _end(self) -> None:
        self._turns = self._turns.ended(self._now())
        self.keep_up()

    def _show(self, result: FindResult, trace: Trace) -> None:
        before = self._course
        self._course = Course.begun(result, trace) if before is None else before.after(result, trace)
        selects, self._selects = self._selects, False
        if selects and result.results:
            best = result.results[0]
            self._scope.select_neuron(best.layer, best.unit, quantity=best.quantity, coloring="neuron")
        else:
            self._scope.show_again()
        self._list(keep_place=before is not None)

    def _refuse(self, error: Exception) -> None:
        self._query, self._selects = None, False
        self._scope.announce_error(error)
        why = [words(part) for part in error_line(error).split(": ")]
        lines = (*why, BLANK, words("choose another:", "dim"), *_offered())
        self.panel.show_report(Report("no result", "", lines))

    def _list(self, *, keep_place: bool) -> None:
        if self._course is not None:
            selection = self._scope.selection
            chosen = (selection.layer, selection.unit) if selection is not None else None
            self.panel.show_report(_report(self._course, chosen), keep_place=keep_place)

    # -- the selection ---------------------------------------------------------------------------------------

    def label_of(self, neuron: Neuron, quantity: str | None) -> Label | None:
        """The feature of the question, where a neuron detects it in this quantity, or in any."""
        course = self._course
        label = None if course is None else course.label(neuron)
        if course is None or label is None or label.score <= course.result.null:
            return None
        is_strong = find_bars.share(label.score, course.result) >= _LEAST_SHARE
        return label if is_strong and quantity in (None, label.quantity) else None

    def _follow(self, before: Selection | None, selection: Selection) -> None:
        if before is not None and (before.layer, before.unit) != (selection.layer, selection.unit):
            self._list(keep_place=True)

    def _run(self, choice: Run, again: bool) -> None:
        if not again:
            return
        if choice.action == "find":
            self._scope.close_prompt()
            self.find(choice.argument)
        elif choice.action == "contexts":
            self._show_contexts()


def _report(course: Course, chosen: Neuron | None) -> Report:
    """The last result, the scores that led to it, and the chosen neuron's where it is not the best."""
    result = course.result
    best, *others = find_bars.lines(result)
    lines = [best, _scores(course.scores, result), *others]
    if chosen is not None and result.results:
        first = result.results[0]
        if chosen != (first.layer, first.unit):
            lines.insert(2, _chosen(course, chosen))
        contexts = f"top contexts of {chosen[0]}/{chosen[1]}"
        lines.append(words(contexts, "text", choice=Run("contexts")))
    lines += [BLANK, words("press / to search again, or choose one:", "dim"), *_offered()]
    return Report(find_bars.subject(result), f"step {course.trace.step:,}", tuple(lines))


def _offered() -> list[Line]:
    """The features that can be looked for."""
    return [words(name.replace("-", " "), "text", choice=Run("find", name)) for name in FEATURES]


def _chosen(course: Course, chosen: Neuron) -> Line:
    """The score of the chosen neuron."""
    label, name = course.label(chosen), f"chosen {chosen[0]}/{chosen[1]}"
    if label is None:
        return words(f"{name:<{find_bars.NAME}} is not among the best", "dim")
    return find_bars.scored(name, label.score, course.result, "azure", choice=Unit(*chosen))


def _scores(scores: Sequence[Score], result: FindResult) -> Line:
    """The best score of every search; those that shuffled labels reach too in gray."""
    first, last = scores[0], scores[-1]

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        name = f"since {first.step:,}"
        room = max(1, width - find_bars.NAME - find_bars.VALUE - 2)
        shown = (
            scores
            if len(scores) <= room
            else [scores[(i + 1) * len(scores) // room - 1] for i in range(room)]
        )
        row = [Segment(f"{name:<{find_bars.NAME}.{find_bars.NAME}} ", ink("mute"))]
        for score in shown:
            height = max(0.0, min(1.0, find_bars.share(score.best, result)))
            block = _BLOCKS[min(len(_BLOCKS) - 1, int(height * len(_BLOCKS)))]
            row.append(Segment(block, ink("azure" if score.best > score.chance else "mute")))
        gain = f"{last.best - first.best:+.2f}".replace("-", "−") if len(scores) > 1 else ""
        return [
            *row,
            Segment(" " * (room - len(shown) + 1), ink("text")),
            Segment(f"{gain:>{find_bars.VALUE}}", ink("dim")),
        ]

    return Line(draw)


def _score(result: FindResult, trace: Trace) -> Score:
    return Score(trace.step, result.results[0].held_out if result.results else 0.0, result.null)
