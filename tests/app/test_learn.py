"""The course: every chapter driven to its end by keys, and by the mouse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from textual.pilot import Pilot

from rnnscope.app.actions import actions_of
from rnnscope.app.app import RnnscopeApp
from rnnscope.app.learn.course import CHAPTERS, NAMES
from rnnscope.app.learn.figure import Figure, lines_of
from rnnscope.app.learn.race import RaceChapter
from rnnscope.app.learn_layout import TEXT_ROWS
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.learn import LearnScreen
from rnnscope.app.screens.train import TrainScreen
from rnnscope.commands import learn as command
from rnnscope.learn import gates, hello, unroll, vanish
from tests.app.waiting import text_of, until

CELLS = (("rnn", "RNN"), ("lstm", "LSTM"), ("gru", "GRU"))


@asynccontextmanager
async def learning(
    name: str = "", *, quiz: bool = False, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Pilot[int], LearnScreen]]:
    screen = LearnScreen(NAMES.index(name) + 1 if name else 0, quiz=quiz, now=lambda: 0.0)
    async with RnnscopeApp(screen, theme="dark", depth="truecolor").run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, screen


async def press_to(pilot: Pilot[int], screen: LearnScreen, heading: str) -> None:
    """Press Enter until a step of this heading is shown, at most through all steps."""
    for _ in screen.course.chapter.steps:
        if screen.course.step.heading == heading:
            return
        await pilot.press("enter")
    raise AssertionError(heading)


async def click_on(pilot: Pilot[int], figure: Figure, words: str) -> None:
    """Click on the first cell of words that the figure shows."""
    for y in range(figure.size.height):
        x = figure.render_line(y).text.find(words)
        if x >= 0:
            await pilot.click(figure, offset=(x, y))
            return
    raise AssertionError(words)


async def test_the_contents_open_a_chapter_by_keys_and_by_mouse() -> None:
    async with learning() as (pilot, screen):
        assert all(name in text_of(screen) for name in NAMES)
        await pilot.press("down", "down", "enter")
        assert screen.course.chapter.name == NAMES[2]
        await pilot.press("escape")
        assert screen.course.number == 0
        await click_on(pilot, screen.figure, "unroll")
        assert screen.course.chapter.name == "unroll"
        for number, name in enumerate(NAMES, 1):
            await pilot.press(str(number))
            assert screen.course.chapter.name == name
            assert f"{number} {name}" in text_of(screen)
        await pilot.press("enter", "backspace", "backspace")
        assert screen.course.chapter.name == NAMES[-2]
        await pilot.press("escape")
        assert f"▸ {len(NAMES) - 1}" in text_of(screen)


async def test_hello_is_nudged_trained_and_writes_hello() -> None:
    async with learning("hello") as (pilot, screen):
        assert "writes hoeol   loss 5.47   step 0" in text_of(screen)
        await press_to(pilot, screen, "Change a weight")
        await pilot.press("right", "up", "up")
        expected = hello.nudge(hello.start(), hello.Weight("W_hh", 0, 1), 0.2)
        np.testing.assert_allclose(screen.course.chapter.state.W_hh, expected.W_hh)
        row = next(line for line in text_of(screen).splitlines() if "hidden 1" in line)
        shown = [f"{value:.2f}".replace("-", "−") for value in hello.forward(expected).hidden[:, 0]]
        assert row.split()[3:7] == shown
        await pilot.press("left_parenthesis", "left_parenthesis")
        np.testing.assert_array_equal(screen.course.chapter.state.W_hh, hello.start().W_hh)
        await press_to(pilot, screen, "Gradient descent")
        await pilot.press("s", "s")
        network = hello.step(hello.step(hello.start()))
        assert f"loss {hello.forward(network).loss:.2f}   step 2" in text_of(screen)
        np.testing.assert_array_equal(screen.course.chapter.state.W_hy, network.W_hy)
        await press_to(pilot, screen, "Training")
        await pilot.press(*"s" * 10, "space")
        await until(pilot, lambda: screen.course.chapter.state.steps >= 14)
        assert "writes hello" in text_of(screen)
        assert "space pause" in text_of(screen)
        await pilot.press("space", "0")
        assert "writes hoeol   loss 5.47   step 0" in text_of(screen)
        await click_on(pilot, screen.figure, "4.25")
        assert screen.course.chapter.chosen == hello.Weight("W_hy", 3, 2)
        await pilot.press("tab", "tab")
        assert screen.course.chapter.chosen == hello.Weight("W_xh", 0, 0)
        await pilot.press("enter")
        assert screen.course.chapter.name == "unroll"


async def test_the_quiz_hides_the_answer_until_enter() -> None:
    async with learning("hello", quiz=True) as (pilot, screen):
        await press_to(pilot, screen, "Output")
        step = screen.course.step
        assert step.question.split()[-1] in text_of(screen)
        assert "writes ?????" in text_of(screen)
        assert "↓" not in "".join(screen.figure.render_line(y).text for y in range(15))
        assert "Enter answer" in text_of(screen)
        await pilot.press("enter")
        assert screen.course.step is step
        assert "writes hoeol" in text_of(screen)
        assert "lowers the others" in " ".join(text_of(screen).split())
        await pilot.press("enter", "a")
        assert screen.course.step.heading == "Change a weight"
        assert not screen.course.hides_answer
        await pilot.press(str(NAMES.index("neurons") + 1))  # which asks without the quiz, too
        assert screen.course.hides_answer
        await pilot.press("enter")
        assert not screen.course.hides_answer


async def test_unroll_cuts_terms_and_shows_what_is_left() -> None:
    async with learning("unroll") as (pilot, screen):
        await press_to(pilot, screen, "Truncation")
        assert "0 of 36 terms cut   cosine 1.00" in text_of(screen)
        await pilot.press(*["down"] * 5)
        found = unroll.gradient(unroll.State(truncation=4))
        shown = " ".join(text_of(screen).split())
        assert (
            f"kept {found.truncated:.2f} of the whole gradient {found.whole:.2f}".replace("-", "−") in shown
        )
        assert f"19 of 36 terms cut cosine {found.cosine:.2f}" in shown
        assert screen.figure.render_line(2).text.count("╳") == 2
        assert f"({found.terms[8, 4]:.2f})".replace("-", "−") in screen.figure.render_line(10).text
        await press_to(pilot, screen, "States are not cut")
        await pilot.press("right", "up", "s")
        state = screen.course.chapter.state
        assert (state.row, state.column, state.network.steps) == (0, 0, 1)
        assert "W_hh[1,1]" in text_of(screen)
        await pilot.press("enter")
        assert screen.course.chapter.name == "vanish"


async def test_vanish_has_three_numbers_that_move_the_curves() -> None:
    async with learning("vanish", size=(120, 40)) as (pilot, screen):
        await press_to(pilot, screen, "Exploding")
        await pilot.press(*["up"] * 5)
        shown = text_of(screen)
        assert f"RNN {vanish.rnn_norms(1.5)[20]:.2g}" in shown
        assert "RNN ρ 1.5" in shown
        await press_to(pilot, screen, "Clipping by norm")
        clipped = vanish.clipping(vanish.State(radius=1.5)).clipped
        assert f"{clipped} of 24 batches clipped" in text_of(screen)
        assert text_of(screen).count("░") > clipped
        await press_to(pilot, screen, "Forget-gate bias")
        await pilot.press(*["up"] * 4)
        assert screen.course.chapter.state == vanish.State(radius=1.5, forget_bias=2.0)
        assert f"LSTM {vanish.lstm_norms(2.0)[20]:.2g}" in text_of(screen)
        await click_on(pilot, screen.figure, " 5.0 ")
        assert screen.course.chapter.chosen == "clip"
        await pilot.press("enter")
        assert screen.course.chapter.name == "gates"


async def test_gates_read_a_typed_text_with_every_cell() -> None:
    async with learning("gates") as (pilot, screen):
        await pilot.press("e", "ctrl+u", *"a", "quotation_mark", *"bc", "enter")
        await pilot.pause()
        assert screen.course.chapter.state.text == 'a"bc'
        await pilot.press("pagedown", "right", "right")
        steps = gates.read(gates.start(text='a"bc'))
        assert f"c = f·c(t−1) + i·g = 1.00·{steps[2].cell:.2f}" in text_of(screen)
        await press_to(pilot, screen, "Change a weight")
        await pilot.press(*["down"] * 12)
        changed = gates.nudge(gates.start(text='a"bc'), "forget", "bias", -6.0)
        assert screen.course.chapter.state == changed
        await press_to(pilot, screen, "Variants")
        for cell in ("peephole", "coupled", "gru"):
            await pilot.press("o")
            state = screen.course.chapter.state
            assert (state.cell, state.text) == (cell, 'a"bc')
        shown = text_of(screen)
        assert "h = (1−z)·n + z·h(t−1)" in shown
        assert "forget" not in shown.replace("forget-gate", "")
        await pilot.press("space")
        await until(pilot, lambda: not screen.course.chapter.is_playing)
        assert screen.course.chapter.cursor == 3


async def test_the_race_runs_pauses_and_begins_again_with_other_numbers() -> None:
    async with learning("race", quiz=True) as (pilot, screen):
        chapter = screen.course.chapter
        assert isinstance(chapter, RaceChapter)
        await until(pilot, lambda: "1-gram 3.30" in text_of(screen))
        await pilot.press(*["down"] * 4, "space")
        await until(pilot, lambda: chapter.state.step >= 4)
        await pilot.press("space")
        assert chapter.state.numbers.hidden_size == 8
        assert not chapter.activity
        await press_to(pilot, screen, "Who is first?")
        assert "GRU 4." not in text_of(screen)
        await pilot.press("enter")
        shown = text_of(screen)
        assert all(f"{name} {chapter.state.losses[cell][-1]:.2f}" in shown for cell, name in CELLS)
        assert chapter.state.samples["gru"].splitlines()[0][:20] in shown
        await press_to(pilot, screen, "Samples")
        before = chapter.state.samples
        await pilot.press("down", "down")
        await until(pilot, lambda: chapter.state.samples != before)
        assert chapter.state.numbers.temperature == 0.6
        await press_to(pilot, screen, "Equal in what?")
        await pilot.press("enter", "o")
        assert (chapter.state.numbers.equal, chapter.state.step) == ("parameters", 0)
        await pilot.press("enter")
        assert screen.course.chapter.name == "neurons"


async def test_chapters_are_drawn_at_every_size() -> None:
    async with learning() as (pilot, screen):
        for size in ((60, 16), (200, 60), (120, 40)):
            await pilot.resize_terminal(*size)
            for number, name in enumerate(NAMES, 1):
                await pilot.press(str(number))
                rows = [screen.figure.render_line(y).text.rstrip() for y in range(screen.figure.size.height)]
                assert f" {name}" in rows[0]
                assert sum(map(bool, rows)) >= 6


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_the_texts_of_a_chapter_fit_at_80_columns(chapter: type) -> None:
    for step in chapter.steps:
        assert sum(map(len, lines_of(step.text, step.answer, 74))) <= TEXT_ROWS, step.heading
        assert sum(map(len, lines_of(step.text, step.question, 74))) <= TEXT_ROWS, step.heading
        assert bool(step.question) <= bool(step.answer)
        assert bool(step.hides) <= bool(step.question)


def test_the_command_names_the_chapters_of_the_course() -> None:
    assert command.CHAPTERS == NAMES


def test_keys_of_the_app_are_those_of_the_other_screens() -> None:
    own = {key: action for action in actions_of(LearnScreen.OWNERS) for key in action.keys}
    for screen in (TrainScreen, InspectScreen):
        other = {key: action for action in actions_of(screen.OWNERS) for key in action.keys}
        shared = {key for key in own.keys() & other.keys() if own[key] == other[key]}
        assert {"escape", "S", "T", "question_mark", "q", "M", "z", "ctrl+p"} <= shared
