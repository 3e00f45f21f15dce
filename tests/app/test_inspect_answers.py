"""What is typed on the inspect screen is taken as it is shown, and what cannot be read is said."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from rich.style import Style
from textual import events
from textual.widgets import Input

from rnnscope.analysis.ablation import Clamp
from rnnscope.analysis.contexts import Contexts
from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import Find, FindResult
from rnnscope.analysis.matching import Match, MatchedUnit, MatchResult
from rnnscope.analysis.writing import Writer
from rnnscope.app.frame.model_header import ModelHeader
from rnnscope.app.panels.result import ResultPanel
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.progress import Progress
from rnnscope.render.report import Place, Report, words
from tests.app.conftest import PASSAGE
from tests.app.looking import FakeSession, panel_text, seen, settled, shown
from tests.app.real import TEXT, session
from tests.app.waiting import until


def messages(screen: InspectScreen) -> list[str]:
    return [notice.message for notice in screen.banner.log_of_messages]


# -- generated text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
@pytest.mark.parametrize("at", ["home", "end"])
async def test_what_is_generated_is_in_sight_while_and_after_it_is_written(
    size: tuple[int, int], at: str
) -> None:
    async with shown(session(), size) as (pilot, screen):
        await pilot.press("ctrl+home" if at == "home" else "ctrl+end")
        await settled(pilot)
        await pilot.press("r")
        await until(pilot, lambda: screen.paging.turned is not None and not screen.paging.is_original)
        assert seen(screen).cursor in screen.passage.shown
        screen.generating.stop()
        await settled(pilot)
        assert seen(screen).cursor == len(seen(screen).trace) - 1
        assert seen(screen).cursor in screen.passage.shown


def heads(screen: InspectScreen) -> list[tuple[str, Style]]:
    """The violet blocks of the passage, and the character where a generated text begins."""
    violet = screen.passage.palette.ink("violet").color
    rows = (screen.passage.render_line(y) for y in range(screen.passage.size.height))
    parts = (part for row in rows for part in row if part.style is not None and part.style.color == violet)
    return [(part.text, part.style) for part in parts if part.style is not None]


async def test_a_text_is_generated_with_the_clamped_unit_until_it_is_stopped() -> None:
    real = session()
    model = real.reader.model
    async with shown(real, (200, 60), writing_speed=60.0) as (pilot, screen):
        await pilot.press("x", *"0.9", "enter")
        await settled(pilot)
        screen.scope.go_to(20)
        await settled(pilot)
        unit = seen(screen).unit
        await pilot.press("r")
        await until(pilot, lambda: not screen.paging.is_original and len(seen(screen).trace) > 21 + 20)
        footer = screen.footer.render_line(0).text
        assert footer.startswith("space stop  r restart")
        assert f"1/{unit} at 0.9" in screen.passage.render_line(0).text
        (first, begin), (head, _) = heads(screen)
        assert (begin.reverse, head) == (True, "█"), "a violet cell begins it, a violet block writes it"
        await pilot.press("space")
        await pilot.pause()
        written = seen(screen).trace
        assert seen(screen).cursor == len(written) - 1
        assert first == written.text[21].replace("\n", "↵")
        assert [text for text, _ in heads(screen)] == [first], "nothing is being written"
        assert screen.footer.render_line(0).text.startswith("r continue")
        writer = Writer(model, real.reader.ids(0, 21).tolist(), seed=1)
        writer.write(len(written) - 21, [Clamp(1, unit, 0.9)])
        assert written.ids[21:].tolist() == writer.written
        np.testing.assert_allclose(written["1/hidden"][:, unit], 0.9, atol=1e-6)

        await pilot.press("r")
        await until(pilot, lambda: len(seen(screen).trace) > len(written) + 12)
        assert seen(screen).trace.text.startswith(written.text), "r continues it"
        await pilot.press("left", "left")  # the cursor stays where the user puts it
        chosen = seen(screen).cursor
        length = len(seen(screen).trace)
        await until(pilot, lambda: len(seen(screen).trace) > length)
        assert seen(screen).cursor == chosen
        await pilot.press("r")  # again, from where it began
        await until(pilot, lambda: len(seen(screen).trace) < length)
        assert seen(screen).trace.text[:21] == written.text[:21]
        await pilot.press("escape", "escape")
        await until(pilot, lambda: screen.paging.is_original)
        await settled(pilot)
        assert not heads(screen)
        assert "space" not in screen.footer.render_line(0).text


# -- searching ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["quo", "QUO"])
async def test_enter_accepts_the_completion_that_is_shown(typed: str) -> None:
    fake = FakeSession()
    async with shown(fake) as (pilot, screen):
        await pilot.press("slash", *typed, "enter")
        await settled(pilot)
        assert not screen.prompt.display
        asked = [query for query in fake.asked_of(Find) if query.characters == screen.scope.characters]
        assert asked[-1].feature == "quotes"


async def test_down_and_up_walk_the_suggestions_that_begin_with_what_was_typed() -> None:
    async with shown(FakeSession()) as (pilot, screen):
        await pilot.press("slash", "down", "down", "up")
        line = screen.prompt.query_one(Input)
        assert line.value == next(iter(FEATURES))
        line.value = ""
        starts = [name for name in FEATURES if name.startswith("wor")]
        await pilot.press("w", "o", "r", "up")
        assert line.value == starts[-1]
        await pilot.press("down", "down")
        assert line.value == starts[1]


async def test_the_first_down_skips_the_line_that_extends_the_search(panel_app) -> None:
    app = panel_app(lambda scope: ResultPanel(scope, "contexts", "", id="contexts"))
    async with app.run_test(size=(60, 12)) as pilot:
        app.scope.length = 150_000
        report = Report(
            lines=(words("highest"), words("one", choice=Place(7)), words("two", choice=Place(9)))
        )
        app.panel.ask(Contexts(1, 0, characters=20_000), lambda result: app.panel.show_report(report))
        app.scope.asked[-1][2](None)
        assert "L searches all" in app.line(2)
        app.panel.focus()
        await pilot.press("down", "down", "up", "up")
        assert app.scope.positions == [7, 9, 7], "and ↑ reaches it"
        assert app.line(2).startswith("▎▸")


async def test_what_no_suggestion_begins_with_is_taken_as_it_is() -> None:
    fake = FakeSession()
    async with shown(fake) as (pilot, _):
        await pilot.press("slash", *"(quo", "right_parenthesis", "enter")
        await settled(pilot)
        assert fake.asked_of(Find)[-1].pattern == "(quo)"


async def test_the_next_match_waits_for_the_search() -> None:
    real = session()
    answered = threading.Event()

    def answer(fake: FakeSession, query: Find, progress: Progress) -> FindResult:
        answered.wait(20)
        return real.ask(query)

    fake = FakeSession(TEXT, {Find: answer})
    async with shown(real) as (pilot, screen):
        fake.reader = real.reader  # type: ignore[assignment]
        screen.scope.use(fake)  # type: ignore[arg-type]
        await pilot.press("ctrl+home", "slash", *"(seven)", "enter", "N")
        await pilot.pause()
        assert not screen.prompt.display
        assert any("once the search has answered" in message for message in messages(screen))
        answered.set()
        await until(pilot, lambda: screen.find.panel.result is not None)
        await settled(pilot)
        assert seen(screen).position == TEXT.index("seven")
        await pilot.press("N")
        await settled(pilot)
        assert seen(screen).position == TEXT.index("seven", TEXT.index("seven") + 1)


# -- typed text --------------------------------------------------------------------------------------------


async def test_unknown_characters_are_named_once_each() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("e")
        line = screen.query_one(Input)
        line.value = "a ñandú 漢 a"
        await settled(pilot)
        noted = [message for message in messages(screen) if "vocabulary" in message]
        assert len(noted) == 1
        for expected in ("'ñ'", "'ú'", "'漢'", "shown as typed, read as '␣'"):
            assert expected in noted[0]
        line.value = "a ñandú 漢 a é"
        await settled(pilot)
        noted = [message for message in messages(screen) if "vocabulary" in message]
        assert len(noted) == 2
        assert noted[1].startswith("'é' is not in")


async def test_a_text_that_is_cut_says_so_once() -> None:
    async with shown(session(), (80, 24)) as (pilot, screen):
        await pilot.press("e")
        line = screen.query_one(Input)
        line.post_message(events.Paste(PASSAGE * 100))
        await settled(pilot)
        line.value += "a"
        await settled(pilot)
        cut = [message for message in messages(screen) if "only the first 20,000 of" in message]
        assert len(cut) == 1
        assert len(seen(screen).trace) == 20_000


# -- the header and lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "expected"), [(120, "model's validation loss 1.571 nats"), (80, "model's loss 1.571")]
)
async def test_the_header_says_whose_loss_it_is(width: int, expected: str) -> None:
    async with shown(size=(width, 30)) as (_, screen):
        assert expected in screen.query_one(ModelHeader).render_line(0).text


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ((), "no unit is active exactly here"),
        ((MatchedUnit(1, 7, 1),), "no other range has any of them active"),
    ],
)
async def test_an_empty_match_list_says_so(units: tuple[MatchedUnit, ...], expected: str) -> None:
    result = MatchResult(0, 3, "THE", 1, "cell", 0.3, units, (), 286)
    fake = FakeSession(answers={Match: lambda fake, query, progress: result})
    async with shown(fake) as (pilot, screen):
        await pilot.press("m")
        await settled(pilot)
        assert expected in panel_text(screen, "match")
