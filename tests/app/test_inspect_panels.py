"""The panels that set a network beside others: gradient flow, n-grams, brackets, errors; keys and mouse."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from textual.pilot import Pilot

from rnnscope.analysis.effects import GradientFlow
from rnnscope.app.asking.answers import Answer, GradientsFound
from rnnscope.app.asking.requests import ComparePage, FindErrors, FindGradients, FindNgrams, Request
from rnnscope.app.panels.flow import FlowChart, in_words
from rnnscope.app.panels.footer import Footer
from rnnscope.app.panels.prompt import Prompt
from rnnscope.app.panels.reports import ReportPanel
from rnnscope.app.panels.title import ModelHeader
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.render import comparing
from rnnscope.theme.palette import Depth, Theme
from tests.app import findings
from tests.app.conftest import PanelApp
from tests.app.findings import EVERYTHING, JUDGED_FROM, TEXT, comparison, flow
from tests.app.looking import Answering, seen, settled, shown, text_of, working

SIZES = [(80, 24), (120, 40), (200, 60)]


def lines_of(screen: InspectScreen, panel: str) -> list[str]:
    """What a panel's rows say, without the blanks at their ends."""
    widget = screen.query_one(f"#{panel}")
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def click_line(pilot: Pilot[int], screen: InspectScreen, panel: str, told: str) -> None:
    """Click the row of a panel that says something."""
    rows = lines_of(screen, panel)
    row = next(y for y, line in enumerate(rows) if told in line)
    await pilot.click(f"#{panel}", offset=(4, row))
    await settled(pilot)


# -- gradient flow -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_gradients_are_charted_beside_another_network_in_words_too(size: tuple[int, int]) -> None:
    async with shown(working(EVERYTHING, TEXT), size) as (pilot, screen):
        await pilot.press("d")
        await settled(pilot)
        assert screen.focused is screen.query_one(FlowChart)
        rows = lines_of(screen, "gradients")
        assert "beside archive-rnn" in rows[0]
        assert any("LSTM" in row for row in rows[1:-2])
        assert any("RNN" in row for row in rows[1:-2])
        assert "LSTM" in rows[-2]
        assert "RNN" in rows[-1]
        for row in rows[-2:]:
            assert " at 100" in row or "after 100" in row
            assert "…" not in row


def test_how_fast_a_gradient_fades_is_told_in_words() -> None:
    halving = GradientFlow("RNN 1×8", 0.5 ** (np.arange(101)[None] / 3), 64)
    assert in_words(halving)[0] == "half is left after 3 steps, 1 % after 20, 9e-11 of it after 100"
    slow = GradientFlow("LSTM 1×8", 0.5 ** (np.arange(101)[None] / 50), 64)
    assert in_words(slow)[0] == "half is left after 50 steps, .25 of it after 100"
    still = GradientFlow("LSTM 1×8", np.ones((1, 101)), 64)
    assert in_words(still)[0] == "more than half is left after 100 steps"
    two = GradientFlow("LSTM 2×8", np.array([[3.0, 0.3, 0.03], [4.0, 0.4, 0.04]]), 64)
    assert in_words(two)[0] == "half is left after 1 steps, .010 of it after 2"
    for faded in (halving, slow, still):
        lengths = [len(told) for told in in_words(faded)]
        assert lengths == sorted(lengths, reverse=True)


async def test_values_are_read_along_the_chart_by_keys_and_by_mouse() -> None:
    async with shown(working(EVERYTHING, TEXT)) as (pilot, screen):
        await pilot.press("d")
        await settled(pilot)
        chart = screen.query_one(FlowChart)
        await pilot.press("left")
        told = chart.subject()
        back, _, values = told.partition(" back: ")
        assert 90 <= int(back) <= 100
        assert values.startswith("LSTM ")
        assert "RNN " in values
        await pilot.hover("#gradients", offset=(8, 3))
        await settled(pilot)
        assert int(chart.subject().partition(" ")[0]) <= 5
        await pilot.press("escape")
        assert "beside" in chart.subject()


async def test_values_of_both_networks_are_read_where_there_is_little_room() -> None:
    async with shown(working(EVERYTHING, TEXT), (80, 24)) as (pilot, screen):
        await pilot.press("d", *["left"] * 12)
        await settled(pilot)
        title = lines_of(screen, "gradients")[0]
        assert "LSTM ." in title
        assert "RNN " in title


async def test_another_network_is_named_by_enter_by_a_click_and_by_its_key() -> None:
    asked: list[Request] = []

    def find(request: Request) -> list[Answer]:
        asked.append(request)
        return findings.find_gradients(request)

    async with shown(working({**EVERYTHING, FindGradients: find}, TEXT)) as (pilot, screen):
        await pilot.press("d")
        await settled(pilot)
        prompt = screen.query_one(Prompt)
        await pilot.press("enter", *"nowhere", "enter")
        await settled(pilot)
        assert prompt.display
        assert prompt.query_one("#hint").has_class("complaint")
        await pilot.press("escape")
        await pilot.click("#gradients", offset=(4, screen.query_one(FlowChart).size.height - 1))
        await settled(pilot)
        await pilot.press(*"archive-g", "tab", "enter")
        await settled(pilot)
        assert asked == [FindGradients(), FindGradients("archive-gru")]
        assert "beside archive-gru" in lines_of(screen, "gradients")[0]
        await pilot.press("D")
        assert prompt.display


@pytest.mark.parametrize(("theme", "depth"), [("dark", "none"), ("light", "16"), ("dark", "256")])
async def test_the_two_networks_are_told_apart_without_colors(theme: Theme, depth: Depth) -> None:
    chart = FlowChart()
    app = PanelApp(chart, theme, depth)
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        same = np.full((1, 101), 0.5)
        low = np.full((1, 101), 0.01)
        request = FindGradients()
        chart.chart(
            GradientsFound(
                request, GradientFlow("LSTM 1×8", same, 9), GradientFlow("RNN 1×8", low, 9), "other", 0.0
            )
        )
        await pilot.pause()
        rows = [row for row in app.lines() if any(0x2800 < ord(c) < 0x2900 for c in row)]
        plot = [list(row[7:-14]) for row in rows]
        solid, dotted = plot[0], plot[-1]
        assert all(c != " " for c in solid[1:-1])
        assert 0.3 < sum(c == " " for c in dotted) / len(dotted) < 0.7
        assert "LSTM" in rows[0]
        assert "RNN" in rows[-1]


async def test_layers_have_names_and_what_was_only_drawn_says_so() -> None:
    async with shown(working(EVERYTHING, TEXT), (200, 60)) as (pilot, screen):
        await pilot.press("d")
        await settled(pilot)
        found = GradientsFound(
            FindGradients(), flow("LSTM 2×48", 12, 0.001, 2), flow("LSTM 2×8", 4, 0, 2), "", 0.07
        )
        screen.take(found)
        await settled(pilot)
        text = "\n".join(lines_of(screen, "gradients"))
        for expected in ("this 1", "this 2", "other 1", "other 2", "LSTM 2×8, untrained", "untrained LSTM"):
            assert expected in text, expected
        screen.take(replace(found, name="mine"))
        await settled(pilot)
        await pilot.press("z")
        await settled(pilot)
        assert "7% of the characters are unknown to it" in "\n".join(lines_of(screen, "gradients"))


# -- n-grams -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_orders_are_bars_and_the_passage_shows_who_knew_more(size: tuple[int, int]) -> None:
    async with shown(working(EVERYTHING, TEXT), size) as (pilot, screen):
        await pilot.press("p")
        await settled(pilot)
        text = "\n".join(lines_of(screen, "ngrams"))
        best = comparison()
        assert f"{best.ngram_nats - best.network_nats:.3f} nats ahead of the 7-gram" in text
        assert f"{best.network_nats:.3f}" in text
        assert "7-gram best" in text
        overlay = seen(screen).overlay
        assert overlay is not None
        assert seen(screen).coloring == "overlay"
        assert overlay.ends == ("−3", "+3 nats")
        expected = best.difference / comparing.RANGE_NATS
        np.testing.assert_allclose(overlay.values[JUDGED_FROM + 1 :], expected, atol=1e-6)


async def test_the_most_different_characters_are_listed_and_lead_to_their_places() -> None:
    async with shown(working(EVERYTHING, TEXT), (200, 60)) as (pilot, screen):
        await pilot.press("p")
        await settled(pilot)
        ahead = int(comparison().ranked[0]) + JUDGED_FROM
        await pilot.press("down")
        await settled(pilot)
        assert seen(screen).cursor == ahead
        await pilot.press("z")
        await settled(pilot)
        rows = lines_of(screen, "ngrams")
        header = next(y for y, row in enumerate(rows) if "where the 7-gram knew more" in row)
        await pilot.click("#ngrams", offset=(5, header + 1))
        await settled(pilot)
        assert seen(screen).cursor == int(comparison().ranked[-1]) + JUDGED_FROM


async def test_another_page_is_compared_anew_and_never_has_the_colors_of_the_last() -> None:
    text = TEXT * 12
    asked: list[Request] = []

    def compare_page(request: Request) -> list[Answer]:
        assert isinstance(request, ComparePage)
        asked.append(request)
        value = 3.0 if request.start else -3.0
        nats = np.full(request.stop - request.start, value, np.float32)
        return [findings.PageCompared(request, request.start, 7, nats)]

    async with shown(working({**EVERYTHING, ComparePage: compare_page}, text)) as (pilot, screen):
        await pilot.press("p")
        await settled(pilot)
        assert asked == [ComparePage(0, 3000)]
        screen.go_to(9000)
        await settled(pilot)
        assert asked[1:] == [ComparePage(screen.start, screen.start + len(seen(screen).trace))]
        overlay = seen(screen).overlay
        assert overlay is not None
        assert (overlay.values == 1).all()
        await pilot.press("escape")
        await settled(pilot)
        assert seen(screen).coloring == "neuron"
        screen.go_to(0)
        await settled(pilot)
        assert len(asked) == 2
        assert seen(screen).coloring == "neuron"


async def test_marks_go_with_their_characters_and_other_colors_stay_behind_with_theirs() -> None:
    async with shown(working(EVERYTHING, TEXT * 12)) as (pilot, screen):
        await pilot.press("v", "right", "v")
        first, stop, _ = screen.marks[0]
        screen.go_to(9000)
        await settled(pilot)
        overlay = seen(screen).overlay
        assert overlay is not None
        assert not overlay.values.any()
        screen.go_to(50)
        await settled(pilot)
        overlay = seen(screen).overlay
        assert overlay is not None
        assert np.flatnonzero(overlay.values).tolist() == [*range(first, stop)]
        await pilot.press("escape", "escape", "i")
        await settled(pilot)
        assert seen(screen).coloring == "overlay"
        screen.go_to(9000)
        await settled(pilot)
        assert seen(screen).overlay is None
        assert seen(screen).coloring == "neuron"


async def test_escape_drops_what_is_being_counted() -> None:
    release = threading.Event()

    def slow(request: Request) -> list[Answer]:
        release.wait(5)
        return findings.find_ngrams(request)

    slowly: dict[type, Answering] = {**EVERYTHING, FindNgrams: slow}
    async with shown(working(slowly, TEXT)) as (pilot, screen):
        await pilot.press("p")
        await settled(pilot)
        assert "counting n-grams" in screen.query_one(ModelHeader).render_line(0).text
        taken = [ticket for ticket in screen.desk._taken if isinstance(ticket.request, FindNgrams)]
        await pilot.press("escape")
        assert "counting" not in screen.query_one(ModelHeader).render_line(0).text
        assert [ticket.is_dropped() for ticket in taken] == [True]
        release.set()
        await settled(pilot)


# -- brackets and errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_a_bin_of_distances_opens_its_places_by_keys_and_by_mouse(size: tuple[int, int]) -> None:
    async with shown(working(EVERYTHING, TEXT), size) as (pilot, screen):
        await pilot.press("B")
        await settled(pilot)
        rows = lines_of(screen, "distances")
        assert any("network" in row and "7-gram" in row for row in rows)
        closing = [JUDGED_FROM + at for at, c in enumerate(findings.judged()) if c == ")"]
        await pilot.press("down", "enter", "down")
        await settled(pilot)
        assert seen(screen).cursor == closing[0]
        await pilot.press("down")
        await settled(pilot)
        assert seen(screen).cursor == closing[1]
        await pilot.press("up", "up", "enter")  # shut again
        await settled(pilot)
        report = screen.query_one("#distances", ReportPanel)._report
        assert len(report.lines) == len(comparing.distances(findings.find_distances(FindErrors())[0]).lines)  # type: ignore[arg-type]
        await click_line(pilot, screen, "distances", "8–15")
        await click_line(pilot, screen, "distances", "(and her")
        assert seen(screen).cursor == closing[0]


@pytest.mark.parametrize("size", SIZES)
async def test_buckets_of_errors_open_levels_and_places_by_keys_and_by_mouse(size: tuple[int, int]) -> None:
    async with shown(working(EVERYTHING, TEXT), size) as (pilot, screen):
        await pilot.press("E")
        await settled(pilot)
        assert "of characters" in "\n".join(lines_of(screen, "errors"))
        found = findings.find_errors(FindErrors())[0]
        assert isinstance(found, findings.ErrorsFound)
        (level, *_) = [level for level in found.breakdown.buckets[0].levels if len(level) > 3]
        await pilot.press("down", "enter")
        await settled(pilot)
        text = "\n".join(lines_of(screen, "errors"))
        assert f"{len(level):,}: the {level.name}-gram gives it" in text
        await pilot.press("down", "down")
        await settled(pilot)
        assert seen(screen).cursor == JUDGED_FROM + int(level.positions[0])
        await pilot.press("up", "enter")  # the level: all its places
        await settled(pilot)
        report = screen.query_one("#errors", ReportPanel)._report
        places = [line.choice for line in report.lines if isinstance(line.choice, comparing.Place)]
        assert len(places) >= len(level)
        await pilot.press("up", "enter")
        await settled(pilot)
        await click_line(pilot, screen, "errors", "memory")
        memory = next(level for level in found.breakdown.buckets[1].levels if len(level))
        await click_line(pilot, screen, "errors", "in the last")
        first = next(row for row, line in enumerate(lines_of(screen, "errors")) if "in the last" in line)
        await pilot.click("#errors", offset=(5, first + 1))
        await settled(pilot)
        assert seen(screen).cursor == JUDGED_FROM + int(memory.positions[0])


async def test_what_is_opened_is_in_sight_and_the_line_stays_chosen_when_another_shuts() -> None:
    async with shown(working(EVERYTHING, TEXT), (80, 24)) as (pilot, screen):
        await pilot.press("E")
        await settled(pilot)
        panel = screen.query_one("#errors", ReportPanel)
        await click_line(pilot, screen, "errors", "the rest")  # the last row in sight
        rows = lines_of(screen, "errors")
        at = next(y for y, row in enumerate(rows) if "the rest" in row)
        assert at <= len(rows) - 4
        assert "would have made it a half" in rows[at + 1]
        await pilot.press("up", "enter")
        await settled(pilot)
        assert panel._at is not None
        assert panel._report.lines[panel._at].choice == comparing.Run("bucket", "punctuation")
        await pilot.press("down", "down")
        while "rest" not in lines_of(screen, "errors")[-2]:
            await pilot.press("down")
            await settled(pilot)
            assert panel._at < len(panel._report.lines)
            if panel._report.lines[panel._at].choice == comparing.Run("bucket", "the rest"):
                break
        await pilot.press("enter")
        await settled(pilot)
        assert panel._report.lines[panel._at].choice == comparing.Run("bucket", "the rest")


@pytest.mark.parametrize("panel", ["errors", "ngrams", "distances", "gradients"])
async def test_each_panel_comes_by_mouse_alone_and_a_click_on_its_hint_asks(panel: str) -> None:
    async with shown(working(EVERYTHING, TEXT), (200, 60)) as (pilot, screen):
        footer = screen.query_one(Footer).render_line(0).text
        while not screen.query_one(f"#{panel}").display:
            await pilot.click("#footer", offset=(footer.index("o panel"), 0))
        await settled(pilot)
        hint = lines_of(screen, panel)[2:3] if panel != "gradients" else lines_of(screen, panel)[1:2]
        await pilot.click(f"#{panel}", offset=(6, 1 if panel == "gradients" else 2))
        await settled(pilot)
        assert hint[0].strip()
        assert hint[0] not in lines_of(screen, panel)
        assert "characters" in "".join(lines_of(screen, panel)) or "steps" in lines_of(screen, panel)[-1]


async def test_each_panel_comes_from_the_list_of_all_actions() -> None:
    async with shown(working(EVERYTHING, TEXT)) as (pilot, screen):
        row = text_of(screen).splitlines()[-1]
        await pilot.click("#footer", offset=(row.index("Ctrl+P") - 2, 0))
        await settled(pilot)
        assert pilot.app.screen is not screen
        await pilot.press(*"The network beside", "enter")
        for _ in range(3):
            await settled(pilot)
        assert screen.query_one("#ngrams").display
