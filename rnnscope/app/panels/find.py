"""Find on the inspect screen: the neurons for a feature, the linear probe, chance; below, all features.

▎ find  column, Spearman ρ                   held-out half
▎ best 1/97        ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆  0.91
▎ linear probe     ▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆▆ 0.93
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import Find, FindResult
from rnnscope.app.actions import Action
from rnnscope.app.marks import Marks
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.places import FindNext, Places, Span
from rnnscope.app.question import Question
from rnnscope.app.scope import Neuron
from rnnscope.app.search_words import as_query
from rnnscope.app.shared import FIND
from rnnscope.errors import RnnscopeError
from rnnscope.progress import Progress
from rnnscope.render import find_bars
from rnnscope.render.report import BLANK, Line, Report, Run, words
from rnnscope.selection import Label
from rnnscope.session import Session

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope

Rank = Callable[[str, Mapping[Neuron, Label]], object]
"""Shows the neurons in the order of a search's results."""


class FindAnalysis:
    """Asks what to find, ranks the neurons by it, and lists what is known of every built-in feature."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (FIND,)

    def __init__(
        self, scope: ScreenScope, marks: Marks, places: Places, rank: Rank, shown: Callable[[], range]
    ) -> None:
        """rank: shows the neurons in the order of a result. shown: the characters of the page in sight."""
        self._scope = scope
        self._marks = marks
        self._places = places
        self._rank = rank
        self._shown = shown
        self._result: FindResult | None = None
        self._search = ""
        self._gains: dict[str, FindResult] = {}
        self.panel = ResultPanel(
            scope,
            "find",
            "press / to search: feature, regex or marked spans",
            id="find",
            press=self.action_find,
            run=self._run,
        )

    def start(self) -> None:
        """List the features, and search for each in the background, to see what a probe adds."""
        self._list()
        session = self._scope.session
        if session is not None:
            self._scope.jobs.stream(
                "feature scores",
                lambda progress: _scores(session, progress),
                lane="background",
                activity="scoring features",
                on_result=self._add_gain,
                on_error=self._scope.announce_error,
            )

    def action_find(self) -> None:
        marked = bool(self._marks.marks)
        names = ("marked", *FEATURES) if marked else tuple(FEATURES)
        hint = "a feature (↑↓, Tab), a regular expression   before:… after:…   marked   Enter   Esc"
        value = "marked" if marked else ""
        self._scope.prompt(Question("find", value, hint, self.find, suggestions=names))

    @property
    def search(self) -> str:
        """What was searched for last, as it is typed; empty if it was not a feature or a pattern."""
        return self._search

    def find(
        self,
        answer: str,
        *,
        chooses_neuron: bool = True,
        chooses_place: bool = True,
        then: Callable[[], object] = lambda: None,
    ) -> str | None:
        """Search for a feature or a pattern; returns an error message if the text is not a query.

        chooses_neuron: select the best neuron. chooses_place: go to where the feature is on. then: called
        after the result is shown.
        """
        text = answer.strip()
        marks = self._marks.marks
        if not text:
            return "a feature, a regular expression, or marked"
        if text.lower() == "marked":
            if not marks:
                return "mark a span first: v starts and ends a positive one, V a negative one; or drag"
            query = Find(spans=marks)
        else:
            query = as_query(text)
        self._search = "" if query.spans else text
        query = replace(query, characters=self._scope.characters)

        def show(result: FindResult) -> None:
            self._show(query, result, chooses_neuron=chooses_neuron, chooses_place=chooses_place)
            then()

        self._places.expect()
        self.panel.ask(query, show, focus=False)
        return None

    def next_of_label(self) -> FindNext | None:
        """Finds where the feature of the selected neuron's label is on; None without a label."""
        selection = self._scope.selection
        name = (
            "" if selection is None or selection.label is None else selection.label.feature.replace(" ", "-")
        )
        if name not in FEATURES:
            return None
        query = Find(feature=name)
        return lambda session, position, progress: next_on(session, query, position, progress)

    # -- results ---------------------------------------------------------------------------------------------

    def _show(self, query: Find, result: FindResult, *, chooses_neuron: bool, chooses_place: bool) -> None:
        """The table in the order of the result, its best neuron chosen, and the passage where it is on."""
        self._result = result
        self._list()
        if not result.results:
            return
        best: dict[Neuron, Label] = {}
        for each in result.results:
            best.setdefault((each.layer, each.unit), Label.of(each, result.feature))
        self._rank(f"by {find_bars.feature_name(result)}", best)
        if chooses_neuron:
            first = result.results[0]
            self._scope.select_neuron(first.layer, first.unit, quantity=first.quantity, coloring="neuron")
        if result.positives:
            was_awaited = self._places.seek(
                lambda session, position, progress: next_on(session, query, position, progress)
            )
            if not was_awaited and chooses_place:
                self._come_to(query)

    def _come_to(self, query: Find) -> None:
        """Go to where the feature is on, unless that is in sight."""
        session, selection = self._scope.session, self._scope.selection
        if session is None or selection is None:
            return
        start = selection.start + self._shown().start

        def arrive(span: Span | None) -> None:
            if span is not None and span[0] - selection.start not in self._shown():
                self._scope.go_to(span[0])

        self._scope.jobs.submit(
            "place",
            lambda progress: next_on(session, query, start, progress, begins=False),
            lane="page",
            on_result=arrive,
            on_error=self._scope.announce_error,
        )

    def _add_gain(self, result: FindResult) -> None:
        self._gains[result.feature] = result
        self._list(keep_place=True)

    def _list(self, *, keep_place: bool = False) -> None:
        """What was found last, then every feature: the best neuron, and what the probe adds."""
        lines: list[Line] = []
        if self._result is not None:
            lines += find_bars.lines(self._result)
            if self._result.positives:
                lines.append(words("N: next match", "text", choice=Run("next_place")))
            lines.append(BLANK)
        if self._gains:
            ranked = sorted(self._gains.values(), key=lambda each: -find_bars.share(_probe(each), each))
            lines.append(words("best neuron → linear probe", "dim"))
            lines += [find_bars.gain(each) for each in ranked]
            lines.append(BLANK)
        lines.append(words("press / to search: feature, regex or marked spans", "dim", "press / to search"))
        rest = [name for name in FEATURES if name not in self._gains]
        lines += [words(name.replace("-", " "), "text", choice=Run("find", name)) for name in rest]
        subject = "feature scores" if self._result is None else find_bars.subject(self._result)
        legend = "held-out half" if self._result is not None or self._gains else ""
        self.panel.show_report(Report(subject, legend, tuple(lines)), keep_place=keep_place)

    def _run(self, choice: Run, again: bool) -> None:
        if again and choice.action == "find":
            self.find(choice.argument)
        elif again and choice.action == "next_place":
            self._places.action_next_place()


def _probe(result: FindResult) -> float:
    single = result.results[0].held_out if result.results else 0.0
    return max(result.probe.held_out, single)


def _scores(session: Session, progress: Progress) -> Iterator[FindResult]:
    """What is found of each built-in feature on the text's beginning, without those that hardly occur."""
    for number, name in enumerate(FEATURES):
        try:
            query = Find(feature=name, characters=_SCORED)
            yield session.ask(query, progress.part(number / len(FEATURES), (number + 1) / len(FEATURES)))
        except RnnscopeError:
            continue  # the text has too little of it to be searched for


_SCORED = 20_000


def next_on(
    session: Session, query: Find, position: int, progress: Progress, *, begins: bool = True
) -> Span | None:
    """The first stretch, at `position` or after it, where a boolean feature is on; else the first of all.

    begins: it must begin there, and not only continue.
    """
    reader = session.reader
    first: Span | None = None
    start, at, was_on = 0, 0, False
    length = reader.length(progress)
    for values in query.target().pieces(reader.read, length):
        on = values > 0
        edges = np.flatnonzero(np.diff(np.concatenate(([was_on], on)).astype(np.int8)))
        for edge in edges.tolist():
            if on[edge]:
                start = at + edge
                continue
            span = (start, at + edge)
            if span[0] >= position or (not begins and span[1] > position):
                return span
            first = first or span
        was_on = bool(on[-1]) if len(on) else was_on
        at += len(values)
        progress(at / max(1, length))
    if was_on and (start >= position or not begins):
        return start, at
    return first or ((start, at) if was_on else None)
