"""Find on the replay screen: the neurons for a feature at the present snapshot, and their scores at all.

The scores of all units are computed in the background, one snapshot after another from coarse to fine, and
are kept for the last few features. The neuron that is best at the last snapshot is selected when its scores
are there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import EveryScore, Find, FindResult, strength
from rnnscope.app.actions import Action
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.panels.timeline import Life
from rnnscope.app.question import Question
from rnnscope.app.scope import Neuron, error_line
from rnnscope.app.search_words import as_query, name_of
from rnnscope.app.shared import FIND
from rnnscope.errors import CheckpointError
from rnnscope.render import find_bars
from rnnscope.render.report import BLANK, Line, Report, Run, words
from rnnscope.replay.biography import Biographies, score_at
from rnnscope.replay.film import Film, Settings
from rnnscope.replay.moment import Curve
from rnnscope.selection import Label

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope

_KEPT = 8
"""Features whose scores are kept."""
_LEAST_SHARE = 0.5
"""How far from chance, 0..1, a neuron's score is that is labeled with the feature."""


class ReplayFind:
    """Searches the present snapshot, and scores all units at every snapshot."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (FIND,)

    def __init__(
        self,
        scope: ScreenScope,
        film: Film,
        *,
        settings: Callable[[], Settings],
        step: Callable[[], int],
        on_life: Callable[[], object],
        show_contexts: Callable[[], object],
    ) -> None:
        """settings: those of the frames. step: the present snapshot. on_life: called when `life` may differ.

        show_contexts: shows those of the chosen neuron.
        """
        self._scope = scope
        self._film = film
        self._settings = settings
        self._step = step
        self._on_life = on_life
        self._show_contexts = show_contexts
        self._lives: Biographies | None = None
        self._kept: list[Biographies] = []
        self._is_cancelled = False
        self._is_scoring = False
        self._selects = False
        """Whether the best neuron at the last snapshot is selected once it is known: the user asked."""
        self.panel = ResultPanel(
            scope,
            "find",
            "press / to search for a feature or a regex",
            id="find",
            press=self.action_find,
            run=self._run,
            on_show=self.search,
        )

    # -- what the screen shows -------------------------------------------------------------------------------

    def life(self) -> Life | None:
        """The scores of the chosen neuron; None before the first search."""
        lives, selection = self._lives, self._scope.selection
        if lives is None or selection is None:
            return None
        metric, steps = lives.metric, self._film.steps
        if metric is None:
            return None
        known = sum(step in lives.scores for step in steps)
        scores = lives.of(selection.layer, selection.unit, selection.quantity)
        return Life(_named(lives.query), metric, scores, known / max(1, len(steps)))

    def curve(self) -> Curve:
        """The scores of the chosen neuron, as steps and values."""
        life = self.life()
        return [] if life is None else [(score.step, score.value) for score in life.scores]

    def labels(self) -> dict[Neuron, Label]:
        """All neurons with their scores at the present snapshot, best first; none before those are known."""
        score = self._score_now
        found: dict[Neuron, Label] = {}
        if score is not None:
            for column in score.best_first():
                layer, unit, _ = score.columns[column]
                if (layer, unit) not in found:
                    found[layer, unit] = self._label(score, column)
        return found

    def label_of(self, neuron: Neuron, quantity: str | None) -> Label | None:
        """The feature of the search, where a neuron detects it at the present snapshot, in this quantity."""
        score = self._score_now
        if score is None:
            return None
        columns = [
            score.columns.column(*neuron, each)
            for layer, each in score.columns.keys
            if layer == neuron[0] and quantity in (None, each)
        ]
        best = max(columns, key=lambda column: float(score.score[column]), default=None)
        if best is None or score.held_out[best] <= score.null:
            return None
        is_found = strength(float(score.held_out[best]), score.metric) >= _LEAST_SHARE
        return self._label(score, best) if is_found else None

    @property
    def _score_now(self) -> EveryScore | None:
        """The scores at the present snapshot."""
        return None if self._lives is None else self._lives.scores.get(self._step())

    def _label(self, score: EveryScore, column: int) -> Label:
        assert self._lives is not None
        return Label(
            _named(self._lives.query),
            float(score.held_out[column]),
            "AUC" if score.metric == "auc" else "ρ",
            score.columns[column][2],
            bool(score.direction[column] < 0),
            strength(float(score.score[column]), score.metric),
        )

    @property
    def title(self) -> str:
        """What the table of neurons is ranked by; empty without a search."""
        return "" if self._lives is None else f"by {_named(self._lives.query)}"

    # -- searching -------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        hint = "a feature (↑↓, Tab), a regular expression   before:… after:…   Enter   Esc"
        self._scope.prompt(Question("find", "", hint, self.find, suggestions=tuple(FEATURES)))

    def find(self, asked: str) -> str | None:
        """Search for a feature or a pattern; returns an error message if the text is not a query."""
        text = asked.strip()
        if not text:
            return "a feature, or a regular expression"
        query = as_query(text)
        begun = Biographies.begun(query, _of_text(self._settings()))
        known = [each for each in self._kept if (each.query, each.settings) == (begun.query, begun.settings)]
        self._lives = known[0] if known else begun
        self._selects, self._is_cancelled = True, False
        self._stop()
        self.panel.show_report(Report(name_of(query), "", (words("finding…", "dim"),)))
        self._scope.show_panel("find")
        self._select_best()
        self.search()
        self.keep_up()
        return None

    def search(self) -> None:
        """Search the present snapshot, if the panel is in sight."""
        if self._lives is None or not self.panel.display:
            return
        step = self._step()
        self._scope.ask("find", self._lives.query, lambda result: self._list(result, step))

    def restart(self) -> None:
        """The passage has changed: the same search on it, from the first snapshot."""
        if self._lives is not None:
            self._lives = Biographies.begun(self._lives.query, _of_text(self._settings()))
            self._stop()
            self._on_life()
            self.keep_up()

    def cancel(self) -> bool:
        """Stop computing scores; those that are known remain. Returns True if a job was under way."""
        was_scoring = self._is_scoring
        if was_scoring:
            self._is_cancelled = True
            self._stop()
            self._scope.announce("scoring is cancelled; / and the same feature continues it")
        return was_scoring

    def _stop(self) -> None:
        self._scope.jobs.cancel("biography")
        self._is_scoring = False

    def keep_up(self) -> None:
        """Score the next snapshot, unless that is under way or was cancelled."""
        lives = self._lives
        if lives is None or self._is_cancelled or self._is_scoring:
            return
        missing = lives.missing(self._film.steps)
        if missing:
            present = self._step()
            step = present if present in missing and len(lives.scores) > 0 else missing[0]
            self._is_scoring = True
            self._scope.jobs.submit(
                "biography",
                lambda progress: score_at(self._film, step, lives.query, lives.settings, progress),
                activity="scoring",
                on_result=lambda score: self._add(lives, step, score),
                on_error=self._refuse,
                on_done=self._go_on,
            )

    def _go_on(self) -> None:
        self._is_scoring = False
        self.keep_up()

    def _add(self, lives: Biographies, step: int, score: EveryScore) -> None:
        if self._lives is not lives:
            return
        self._lives = lives.with_score(step, score)
        others = [each for each in self._kept if (each.query, each.settings) != (lives.query, lives.settings)]
        self._kept = [self._lives, *others][:_KEPT]
        self._select_best()
        self._on_life()

    def _select_best(self) -> None:
        """Select the best neuron of the last snapshot, if the user asked for it and it is known."""
        lives, steps = self._lives, self._film.steps
        score = lives.scores.get(steps[-1]) if lives is not None and steps else None
        if self._selects and score is not None:
            self._selects = False
            layer, unit, quantity = score.columns[score.best_first()[0]]
            self._scope.select_neuron(layer, unit, quantity=quantity, coloring="neuron")

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, CheckpointError):  # a damaged snapshot: the film leaves it out
            self._scope.announce(f"{error_line(error)}; it is skipped", "warning")
            return
        self._lives, self._selects = None, False
        self._scope.announce_error(error)
        why = [words(part) for part in error_line(error).split(": ")]
        self.panel.show_report(Report("no result", "", (*why, BLANK, *_offered())))
        self._on_life()

    def _list(self, result: FindResult, step: int) -> None:
        lines: list[Line] = [*find_bars.lines(result), BLANK]
        if result.results:
            lines.append(words("N: where the chosen neuron's score passes 0.9", "text", choice=Run("birth")))
        lines += [words("press / to search again, or choose one:", "dim"), *_offered()]
        report = Report(find_bars.subject(result), f"step {step:,}", tuple(lines))
        self.panel.show_report(report, keep_place=True)

    def _run(self, choice: Run, again: bool) -> None:
        if again and choice.action == "find":
            self._scope.close_prompt()
            self.find(choice.argument)
        elif again and choice.action == "contexts":
            self._show_contexts()


def _of_text(settings: Settings) -> Settings:
    """The settings that scores depend on."""
    return replace(Settings(), passage=settings.passage, at=settings.at)


def _named(query: Find) -> str:
    return name_of(query).replace("-", " ")


def _offered() -> list[Line]:
    """The features that can be looked for."""
    return [words(name.replace("-", " "), "text", choice=Run("find", name)) for name in FEATURES]
