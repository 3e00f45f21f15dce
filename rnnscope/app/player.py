"""Plays the snapshots of a run: one after another at a speed, one by one, or at a place that is named.

player.seek(1_200)        shows the snapshot nearest to a step, and pauses
player.tick(now)          shows the next one when it is time to
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rnnscope.app.actions import Action
from rnnscope.app.question import Question
from rnnscope.app.scope import Scope
from rnnscope.errors import OptionError
from rnnscope.replay.biography import BORN, births
from rnnscope.replay.moment import Curve, nearest, step_of

SNAPSHOTS_PER_SECOND = 2.0
"""At a speed of 1×."""
SLOWEST, FASTEST = 1 / 8, 64.0
"""Limits of the speed, as a multiple."""


@dataclass(frozen=True)
class Playing:
    """The state of a player."""

    steps: tuple[int, ...] = ()
    """The snapshots."""
    step: int = 0
    """The one that is shown, or will be as soon as it is computed."""
    plays: bool = False
    speed: float = 1.0

    @property
    def place(self) -> int:
        """The number of snapshots before the present one."""
        return bisect_left(self.steps, self.step)

    @property
    def is_at_the_end(self) -> bool:
        return not self.steps or self.step >= self.steps[-1]

    @property
    def speed_name(self) -> str:
        """Such as `2×` or `½×`."""
        fractions = {0.5: "½", 0.25: "¼", 0.125: "⅛"}
        return f"{fractions.get(self.speed) or f'{self.speed:g}'}×"


class Player:
    """Which snapshot is shown, and when the next one follows."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("play", ("space",), "Play / pause the snapshots", "replay", "play", 1, "start stop film"),
        Action(
            "snapshot_back",
            ("left_parenthesis",),
            "Previous snapshot",
            "replay",
            "snapshot",
            4,
            "step earlier frame",
        ),
        Action(
            "snapshot_on",
            ("right_parenthesis",),
            "Next snapshot",
            "replay",
            "snapshot",
            4,
            "step later frame",
        ),
        Action("slower", ("less_than_sign",), "Half as fast", "replay", "speed", 6, "speed rate"),
        Action("faster", ("greater_than_sign",), "Twice as fast", "replay", "speed", 6, "speed rate"),
        Action(
            "place",
            ("colon",),
            "Go to a step, a percentage, or the first snapshot with loss<1.5 or score>0.9",
            "replay",
            "go to",
            8,
            "seek jump step loss score",
        ),
        Action(
            "next_place",
            ("N",),
            "Next snapshot at which the neuron's score passes 0.9",
            "replay",
            synonyms="birth jump seek biography",
        ),
    )

    def __init__(
        self,
        scope: Scope,
        *,
        show: Callable[[Playing], object],
        losses: Callable[[], Curve],
        scores: Callable[[], Curve],
        waits: Callable[[], bool] = lambda: False,
        speed: float = 1.0,
    ) -> None:
        """show: called when another snapshot, or another state, is to be shown.

        losses, scores: the validation losses, and the scores of the chosen neuron. waits: whether further
        snapshots are to be expected, so that the player does not stop at the last.
        """
        self._scope = scope
        self._show = show
        self._losses, self._scores = losses, scores
        self._waits = waits
        self._state = Playing(speed=speed)
        self._due: float | None = None

    @property
    def state(self) -> Playing:
        return self._state

    # -- called by the screen --------------------------------------------------------------------------------

    def open(self, steps: Sequence[int], *, plays: bool) -> None:
        """Begin with the first of these snapshots."""
        self._set(steps=tuple(steps), step=steps[0], plays=plays)

    def update(self, steps: Sequence[int]) -> None:
        """The snapshots have changed; the nearest takes the place of one that is gone."""
        known = tuple(steps)
        if known and known != self._state.steps:
            self._set(steps=known, step=nearest(known, self._state.step))

    def skip(self, steps: Sequence[int], step: int | None) -> None:
        """The present snapshot cannot be shown: show another one, or the nearest, and go on playing."""
        known = tuple(steps)
        if known:
            self._set(steps=known, step=nearest(known, self._state.step) if step is None else step)

    def seek(self, step: float) -> None:
        """Show the snapshot nearest to a step, and pause."""
        if self._state.steps:
            self._set(step=nearest(self._state.steps, step), plays=False)

    def move(self, by: int) -> None:
        """Show the snapshot `by` places further, and pause."""
        state = self._state
        if state.steps:
            place = max(0, min(state.place + by, len(state.steps) - 1))
            self._set(step=state.steps[place], plays=False)

    def tick(self, now: float, *, is_ready: bool) -> None:
        """Go on if it is time to. is_ready: whether the present snapshot is on the screen.

        At a speed beyond what can be computed, every snapshot is shown as soon as it is there; beyond what
        can be drawn, some are left out.
        """
        state = self._state
        if not state.plays or not is_ready:
            return
        interval = 1 / (SNAPSHOTS_PER_SECOND * state.speed)
        if self._due is None:
            self._due = now + interval
        if now < self._due:
            return
        if state.is_at_the_end:
            if not self._waits():
                self._set(plays=False)
            return
        passed = 1 + int(max(0.0, now - self._due) / interval) if now - self._due < 1.0 else 1
        self._due = max(self._due + passed * interval, now)
        self._set(step=state.steps[min(state.place + passed, len(state.steps) - 1)])

    # -- actions ---------------------------------------------------------------------------------------------

    def action_play(self) -> None:
        state = self._state
        if not state.plays and state.is_at_the_end and not self._waits() and state.steps:
            self._set(step=state.steps[0], plays=True)
        else:
            self._set(plays=not state.plays)

    def action_snapshot_back(self) -> None:
        self.move(-1)

    def action_snapshot_on(self) -> None:
        self.move(+1)

    def action_slower(self) -> None:
        self._set(speed=max(SLOWEST, self._state.speed / 2))

    def action_faster(self) -> None:
        self._set(speed=min(FASTEST, self._state.speed * 2))

    def action_place(self) -> None:
        def accept(answer: str) -> str | None:
            try:
                step = step_of(answer, self._state.steps, losses=self._losses(), scores=self._scores())
            except OptionError as error:
                return str(error)
            self.seek(step)
            return None

        if self._state.steps:
            hint = "a step, 40%, loss<1.5, score>0.9   Enter   Esc"
            self._scope.prompt(Question("go to", "", hint, accept))

    def action_next_place(self) -> None:
        """Go to the next step at which the score rises to 0.9, or to the first again."""
        scores = self._scores()
        if not scores:
            self._scope.announce("press / to find a feature first")
            return
        rises = births(scores)
        after = bisect_right(rises, self._state.step)
        if rises:
            self.seek(rises[after % len(rises)])
        else:
            best = max(value for _, value in scores)
            self._scope.announce(f"the score stays below {BORN:g}; its highest so far is {best:.2f}")

    def _set(self, **changes: object) -> None:
        before = self._state
        self._state = replace(before, **changes)  # type: ignore[arg-type]
        if self._state.plays != before.plays or self._state.speed != before.speed:
            self._due = None
        if self._state != before:
            self._show(self._state)
