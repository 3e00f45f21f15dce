"""The replay screen over a run that other code trained: every number on it is that of the snapshot."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.screens.replay import ReplayScreen
from rnnscope.replay.film import Film
from rnnscope.training.controls import ControlState
from tests.app.test_structure import agree
from tests.app.waiting import text_of, until
from tests.scripted_run import STEPS, TEXT, ScriptedRun, activations, greedy, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> ScriptedRun:
    return write_run(tmp_path_factory.mktemp("scripted"))


@asynccontextmanager
async def shown(
    run: ScriptedRun,
    size: tuple[int, int] = (200, 60),
    *,
    plays: bool = False,
    now: Callable[[], float] = lambda: 0.0,
) -> AsyncIterator[tuple[Pilot[int], ReplayScreen]]:
    """The screen once it shows its first snapshot; samples are greedy."""
    film = Film(run.directory, str(run.text))
    screen = ReplayScreen(film, plays=plays, state=ControlState(temperature=0.0), now=now)
    app = RnnscopeApp(screen, theme="dark", depth="truecolor")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: screen.frame is not None or app.failure is not None)
        yield pilot, screen


async def at(pilot: Pilot[int], screen: ReplayScreen, step: int) -> None:
    await until(pilot, lambda: screen.frame is not None and screen.frame.step == step)


async def test_every_number_is_that_of_a_float64_loop_over_the_snapshot(run: ScriptedRun) -> None:
    async with shown(run) as (pilot, screen):
        agree(screen)
        await pilot.press("U")  # the gates panel has no top five then
        for step in STEPS[::4]:
            screen.player.seek(step)
            await at(pilot, screen, step)
            check(run, screen, step)
            assert f"step {step:>2}" in screen.header.render_line(0).text
        before = screen.scope.selection
        for key in ("right", "right", "down", "g"):
            await pilot.press(key)
        check(run, screen, 64)
        await pilot.press("(", "(")
        await at(pilot, screen, 32)
        check(run, screen, 32)
        selection = screen.scope.selection
        assert before is not None
        assert selection is not None
        assert selection.cursor == before.cursor + 2, "the cursor, the neuron and the quantity stay"
        assert (selection.neuron, selection.quantity) != (before.neuron, before.quantity)


def check(run: ScriptedRun, screen: ReplayScreen, step: int) -> None:
    """The predictions, the gates, the colors and the sample."""
    selection = screen.scope.selection
    assert selection is not None
    cursor, unit = selection.cursor, selection.unit
    values, log_probabilities = activations(run.snapshot(step), TEXT[:2000])
    probabilities = np.exp(log_probabilities[cursor])
    shown_text = text_of(screen)
    for probability in np.sort(probabilities)[-4:]:
        assert f"{100 * probability:.1f} %" in shown_text
    surprisal = -log_probabilities[cursor, sorted(set(TEXT)).index(TEXT[cursor + 1])] / np.log(2)
    entropy = -(probabilities * np.log2(probabilities)).sum()
    assert f"surprisal {surprisal:.2f} bits" in shown_text
    assert f"entropy {entropy:.1f} bits" in shown_text
    for quantity in ("input", "forget", "output"):
        row = next(line for line in shown_text.splitlines() if line.strip().startswith(quantity))
        assert f"{values[quantity][cursor, unit]:.2f}" in row
    for quantity in ("cell", "hidden"):
        assert f"{values[quantity][cursor, unit]:+.2f}".replace("-", "−") in shown_text
    expected = values[selection.quantity][:, unit]
    squashed = np.tanh(expected) if selection.quantity == "cell" else expected
    np.testing.assert_allclose(selection.values, squashed, atol=1e-5)
    assert screen.frame is not None
    assert screen.frame.sample.text.startswith(greedy(run.snapshot(step), 40))
    first_words = screen.frame.sample.text.split("\n")[0][:30].strip()
    assert first_words in "\n".join(screen.samples.render_line(y).text for y in range(20))


async def test_a_biography_has_the_score_of_the_neuron_at_every_snapshot(run: ScriptedRun) -> None:
    spans = [match.span() for match in re.finditer('"[^"]*"', TEXT)]
    inside = np.array([any(start <= i < stop for start, stop in spans) for i in range(len(TEXT))])
    block = np.arange(len(TEXT)) // -(-len(TEXT) // 16)
    selection_half, held_out = block % 2 == 0, block % 2 == 1
    async with shown(run) as (pilot, screen):
        await pilot.press("slash")
        await pilot.press(*'"[^"]*"', "enter")
        await until(pilot, lambda: len(screen.find.curve()) == len(STEPS))
        chosen = screen.scope.selection
        assert chosen is not None

        def score(step: int) -> float:
            values = activations(run.snapshot(step), TEXT)[0][chosen.quantity][:, chosen.unit]
            sign = 1 if roc_auc_score(inside[selection_half], values[selection_half]) >= 0.5 else -1
            return float(roc_auc_score(inside[held_out], sign * values[held_out]))

        curve = dict(screen.find.curve())
        assert [*curve] == [*STEPS]
        for step in STEPS:
            assert curve[step] == pytest.approx(score(step), abs=1e-4)
        for step in (64, 12):
            screen.player.seek(step)
            await at(pilot, screen, step)
            lines = [screen.timeline.render_line(y).text for y in range(screen.timeline.size.height)]
            assert f"AUC {score(step):.2f}" in "".join(lines)
            assert f"snapshot {STEPS.index(step) + 1} of {len(STEPS)}" in lines[0]
        assert '"[^"]*"' in lines[3]
        assert "by " in screen.table.subject()
        await pilot.press("down")
        assert dict(screen.find.curve()) != curve, "another neuron's, at once"


async def test_keys_and_mouse_move_through_the_snapshots_and_settings_hold(run: ScriptedRun) -> None:
    time = 0.0
    async with shown(run, (120, 40), now=lambda: time) as (pilot, screen):
        await pilot.press(")")
        await at(pilot, screen, 1)
        await pilot.press("colon", *"loss", "less_than_sign", "2", "enter")
        first = next(step for step, nats in run.losses if nats < 2)
        await at(pilot, screen, next(step for step in STEPS if step >= first))
        await pilot.click(screen.timeline, offset=(4, 1))
        await at(pilot, screen, 0)
        width = screen.timeline.size.width
        await pilot.mouse_down(screen.timeline, offset=(12, 1))
        await pilot.hover(screen.timeline, offset=(width - 18, 1))
        await pilot.mouse_up(screen.timeline, offset=(width - 18, 1))
        await at(pilot, screen, 64)
        await pilot.click(screen.loss, offset=(8, 3))
        await until(pilot, lambda: screen.player.state.step < 8)
        screen.timeline.focus()
        await pilot.press("end", "left")
        await at(pilot, screen, 48)
        assert "step 48" in screen.loss.render_line(0).text
        await pilot.press("e", *["backspace"] * 5, *"she said to them", "enter")
        await until(pilot, lambda: screen.frame is not None and screen.frame.trace.text == "she said to them")
        await pilot.press("(")
        await at(pilot, screen, 32)
        assert screen.frame is not None
        assert screen.frame.trace.text == "she said to them"
        values = activations(run.snapshot(32), "she said to them")[0]
        np.testing.assert_allclose(screen.frame.trace["1/hidden"], values["hidden"], atol=1e-5)
        await pilot.press("p", "語", "enter")
        await until(pilot, lambda: "characters has no" in text_of(screen))
        assert screen.controls.state.prime == ""
        await pilot.press("escape", "greater_than_sign", "space")
        assert "▶ 2×" in screen.timeline.render_line(0).text
        screen.tick()
        time = 0.3
        screen.tick()
        await at(pilot, screen, 48)


async def test_a_damaged_snapshot_is_skipped_and_said_and_new_ones_appear(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    later = tmp_path / "later"
    run.snapshot(64).rename(later)
    run.snapshot(2).write_bytes(b"not a model")
    time = 0.0
    async with shown(run, (80, 24), now=lambda: time) as (pilot, screen):
        await pilot.press(")", ")")
        await at(pilot, screen, 3)
        assert "2.safetensors is not a model" in text_of(screen)
        assert screen.player.state.steps == tuple(step for step in STEPS if step not in (2, 64))
        shutil.copy(later, run.snapshot(64))
        time = 3.0
        await until(pilot, lambda: screen.player.state.steps[-1] == 64)
        await pilot.press("colon", *"100", "percent_sign", "enter")
        await at(pilot, screen, 64)


async def test_scoring_is_cancelled_and_a_feature_that_is_nowhere_is_refused(run: ScriptedRun) -> None:
    async with shown(run, (120, 40)) as (pilot, screen):
        await pilot.press("slash", *"zebra", "enter")
        await until(pilot, lambda: "zebra is nowhere" in text_of(screen))
        assert screen.find.life() is None
        screen.find.find("the")
        assert screen.find.cancel()
        assert not screen.find.cancel(), "once"
        await pilot.pause(0.2)
        assert len(screen.find.curve()) <= 1
        await pilot.press("escape", "slash", *"the", "enter")
        await until(pilot, lambda: len(screen.find.curve()) == len(STEPS))
