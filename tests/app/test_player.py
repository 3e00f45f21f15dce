"""The player: when the next snapshot follows, and where the keys go."""

from __future__ import annotations

from rnnscope.app.player import FASTEST, SLOWEST, Player, Playing
from tests.app.conftest import FakeScope

STEPS = (0, 1, 2, 4, 8, 16, 32)


class Shown:
    """A player with what it showed."""

    def __init__(self, **options: object) -> None:
        self.scope = FakeScope()
        self.states: list[Playing] = []
        self.losses = [(4, 3.0), (16, 1.2)]
        self.scores: list[tuple[int, float]] = []
        self.player = Player(
            self.scope,
            show=self.states.append,
            losses=lambda: self.losses,
            scores=lambda: self.scores,
            **options,  # type: ignore[arg-type]
        )

    @property
    def step(self) -> int:
        return self.player.state.step

    def answer(self, text: str) -> str | None:
        self.player.action_place()
        return self.scope.questions[-1].accept(text)


def test_two_snapshots_a_second_are_shown_at_a_speed_of_one() -> None:
    shown = Shown()
    shown.player.open(STEPS, plays=True)
    seen = []
    for tick in range(100):
        shown.player.tick(tick * 0.05, is_ready=True)
        seen.append(shown.step)
    assert [seen[int(second / 0.05)] for second in (0, 0.45, 0.55, 1.05, 1.55, 3.1)] == [0, 0, 1, 2, 4, 32]
    assert not shown.player.state.plays, "the last one ends it"
    shown.player.action_play()
    assert (shown.step, shown.player.state.plays) == (0, True)


def test_a_snapshot_that_is_not_computed_yet_holds_the_next_one_up() -> None:
    shown = Shown(speed=4.0)
    shown.player.open(STEPS, plays=True)
    shown.player.tick(0.0, is_ready=True)
    shown.player.tick(0.3, is_ready=False)
    assert shown.step == 0
    shown.player.tick(0.31, is_ready=True)
    assert shown.step > 0


def test_snapshots_are_left_out_beyond_the_ticks() -> None:
    shown = Shown(speed=FASTEST)
    shown.player.open(tuple(range(1000)), plays=True)
    for tick in range(21):
        shown.player.tick(tick * 0.05, is_ready=True)
    assert 115 <= shown.step <= 135, "128 in a second"
    assert len(shown.states) <= 22


def test_keys_change_speed_and_snapshot_and_pause() -> None:
    shown = Shown()
    player = shown.player
    player.open(STEPS, plays=True)
    player.action_snapshot_on()
    assert (shown.step, player.state.plays) == (1, False)
    for _ in range(20):
        player.action_snapshot_on()
    assert (shown.step, player.state.is_at_the_end) == (32, True)
    player.action_snapshot_back()
    assert shown.step == 16
    for _ in range(12):
        player.action_faster()
    assert player.state.speed == FASTEST
    for _ in range(20):
        player.action_slower()
    assert (player.state.speed, player.state.speed_name) == (SLOWEST, "⅛×")
    player.seek(5)
    assert (shown.step, player.state.place) == (4, 3)


def test_places_are_steps_and_conditions() -> None:
    shown = Shown()
    shown.player.open(STEPS, plays=True)
    assert shown.answer("9") is None
    assert (shown.step, shown.player.state.plays) == (8, False)
    assert shown.answer("loss<1.5") is None
    assert shown.step == 16
    assert shown.answer("loss<1") == "the validation loss never falls below 1"
    shown.player.action_next_place()
    assert shown.scope.announced == ["press / to find a feature first"]
    shown.scores = [(0, 0.5), (2, 0.95), (4, 0.8), (8, 0.92), (32, 0.97)]
    places = []
    for _ in range(3):
        shown.player.action_next_place()
        places.append(shown.step)
    assert places == [2, 8, 2], "after the last the first again"
    shown.scores = [(0, 0.5), (2, 0.86)]
    shown.player.action_next_place()
    assert shown.scope.announced[-1] == "the score stays below 0.9; its highest so far is 0.86"


def test_a_run_that_grows_is_waited_for() -> None:
    growing = True
    shown = Shown(waits=lambda: growing)
    shown.player.open(STEPS, plays=True)
    shown.player.move(len(STEPS))
    shown.player.action_play()
    for tick in range(30):
        shown.player.tick(tick * 0.1, is_ready=True)
    assert (shown.step, shown.player.state.plays) == (32, True)
    shown.player.update((*STEPS, 64))
    shown.player.tick(3.1, is_ready=True)
    assert shown.step == 64
    shown.player.update((0, 16, 48))
    assert shown.step == 48, "the nearest, where one is gone"
