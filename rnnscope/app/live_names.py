"""Names of the neurons while the network learns: labels, and a notice when a feature is first detected.

    request a trace ──▶ training loop ──▶ Traced.named ──▶ Names, in a job ──▶ table, title, notice
         ▲                                                      │
         └──────────── after the time that keeps its share ◀────┘

Each result is of the first characters of the validation text. Until the user chooses a neuron, the one with
the best label is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rnnscope.analysis.find import strength
from rnnscope.analysis.names import Names, NamesResult, NeuronLabel, opening_place
from rnnscope.app.actions import Action
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.errors import RnnscopeError
from rnnscope.progress import Progress
from rnnscope.selection import Label
from rnnscope.session import Session
from rnnscope.tracing.trace import Trace

if TYPE_CHECKING:
    from rnnscope.app.screen_scope import ScreenScope

SHARE = 0.015
"""How much of the time naming may take, besides the traces that it needs."""
_FIRST_SECONDS = 3.0
"""From the first trace to the first request."""
_NOTICED = 0.9
"""The held-out score, AUC or Spearman's correlation, at which a feature is announced."""
_BETTER = 0.1
"""The shown neuron is replaced by one whose label is stronger by more than this."""


@dataclass(frozen=True)
class Noticed:
    """A neuron that was announced."""

    label: NeuronLabel
    step: int

    @property
    def message(self) -> str:
        shown = Label.of(self.label, self.label.feature)
        neuron = f"{self.label.layer}/{self.label.unit}"
        return f"{neuron} now tracks {shown.feature}, {shown.scored}, step {self.step:,}; I shows it"


class LiveNames:
    """Asks for names again and again, shows them, and announces what is new."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "noticed",
            ("I",),
            "Go to the neuron of the last notice",
            "navigation",
            synonyms="tracks feature label new message",
        ),
    )

    def __init__(
        self,
        scope: ScreenScope,
        table: NeuronTable,
        *,
        request: Callable[[], object],
        has_ended: Callable[[], bool],
        now: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
    ) -> None:
        """request: asks the training loop for a trace to name neurons by. has_ended: whether no more come.

        now: the clock by which requests are spaced. worked: the time that a thread has worked.
        """
        self._scope = scope
        self._table = table
        self._request = request
        self._has_ended = has_ended
        self._now = now
        self._worked = worked
        self._next: float | None = None
        """When the next trace is requested; None before the first trace, and while one is on its way."""
        self._names: NamesResult | None = None
        self._known: set[str] = set()
        """The features that were announced, or detected by the first names."""
        self._last: Noticed | None = None

    @property
    def has_names(self) -> bool:
        return self._names is not None

    def restart(self) -> None:
        """A run begins, or is resumed: what its network detects at first is no news."""
        self._names, self._known, self._next = None, set(), None

    def keep_up(self) -> None:
        """Request a trace if it is time to."""
        if self._next is not None and self._now() >= self._next and not self._has_ended():
            self._next = None
            self._request()

    def take_trace(self, named: Trace | None) -> None:
        """named: a trace that was requested; None with a trace of the passage alone."""
        if named is None:
            if self._next is None and self._names is None and not self._is_naming:
                self._next = self._now() + _FIRST_SECONDS
            return

        def ask(progress: Progress) -> NamesResult:
            with self._spaced():
                return Session.of_trace(named).ask(Names(characters=len(named)), progress)

        self._scope.jobs.submit(
            "names", ask, on_result=lambda names: self._show(names, named), on_error=self._refuse
        )

    @property
    def _is_naming(self) -> bool:
        return any(job.key == "names" for job in self._scope.jobs.active)

    @contextmanager
    def _spaced(self) -> Iterator[None]:
        """Context after which the next request waits for as long as keeps the share of this thread's work."""
        began = self._worked()
        try:
            yield
        finally:
            self._next = self._now() + (self._worked() - began) / SHARE

    def _refuse(self, error: Exception) -> None:
        """A text that is too short has no names; another error is announced."""
        if not isinstance(error, RnnscopeError):
            self._scope.announce_error(error)

    # -- results ---------------------------------------------------------------------------------------------

    def _show(self, names: NamesResult, trace: Trace) -> None:
        is_first = self._names is None
        self._names = names
        self._table.set_names(names)
        self._choose(names)
        self._scope.show_again()
        new = self._newly_detected(names, trace)
        if not is_first:
            for label in sorted(new, key=lambda label: label.held_out):
                self._last = Noticed(label, trace.step)
                self._scope.announce(self._last.message, on_click=self.action_noticed)

    def _choose(self, names: NamesResult) -> None:
        """Show the neuron with the best label, unless the user has chosen one or the shown one is as good."""
        selection = self._scope.selection
        if selection is None or self._scope.is_chosen or not names.labels:
            return
        best = names.labels[0]
        shown = self._table.label_of((selection.layer, selection.unit), selection.quantity)
        is_first = selection.label is None
        if is_first or shown is None or shown.strength < strength(best.score, best.metric) - _BETTER:
            self._scope.suggest_neuron(best.layer, best.unit)
            place = opening_place(selection.trace, best)
            if place is not None:
                self._scope.suggest_place(selection.start + place)

    def _newly_detected(self, names: NamesResult, trace: Trace) -> list[NeuronLabel]:
        """The best units of features that need memory and passed the threshold for the first time."""
        found = []
        for name, scores in names.scores.items():
            unit = int(scores.strength.argmax())
            is_detected = scores.needs_memory and scores.held_out[unit] >= _NOTICED
            if is_detected and name not in self._known:
                self._known.add(name)
                found.append(scores.label(trace.architecture, unit))
        return found

    def action_noticed(self) -> None:
        """Show the neuron that was announced last, in its quantity, at a place where its feature is on."""
        selection = self._scope.selection
        if self._last is None or selection is None:
            self._scope.announce(f"no neuron has passed {_NOTICED} for a feature yet")
            return
        label = self._last.label
        place = opening_place(selection.trace, label)
        cursor = selection.cursor if place is None else place
        self._scope.select_neuron(
            label.layer, label.unit, quantity=label.quantity, coloring="neuron", cursor=cursor
        )
