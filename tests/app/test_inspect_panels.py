"""What each panel of the inspect screen asks, shows, and maps on the passage."""

from __future__ import annotations

import re

import numpy as np
import pytest
from textual.pilot import Pilot

from rnnscope.analysis.ablation import Ablate
from rnnscope.analysis.contexts import Contexts
from rnnscope.analysis.factors import Factors
from rnnscope.analysis.find import Find
from rnnscope.analysis.ngrams import NgramPage, Ngrams
from rnnscope.analysis.saliency import Saliency
from rnnscope.app.frame.prompt import Prompt
from rnnscope.app.screens.inspect import InspectScreen
from tests.app.looking import lines_of, panel_text, seen, settled, shown, text_of
from tests.app.real import TEXT, session
from tests.app.waiting import until

SIZES = [(80, 24), (120, 40), (200, 60)]


async def click_line(pilot: Pilot[int], screen: InspectScreen, panel: str, words: str) -> None:
    """Click the row of a panel that has some words."""
    row = next(y for y, line in enumerate(lines_of(screen, panel)) if words in line)
    await pilot.click(f"#{panel}", offset=(4, row))
    await settled(pilot)


def title_of(screen: InspectScreen, panel: str) -> str:
    """The two rows of the title of a panel with tabs."""
    return "\n".join(lines_of(screen, panel)[:2])


# -- finding -----------------------------------------------------------------------------------------------


async def test_a_search_ranks_the_table_and_chooses_the_best_neuron() -> None:
    async with shown(session(), (200, 60)) as (pilot, screen):
        await pilot.press("slash", *"bracket", "tab", *["backspace"] * 20, *"quotes", "enter")
        await settled(pilot)
        result = session().ask(Find(feature="quotes", characters=20_000))
        best = result.results[0]
        assert (seen(screen).layer, seen(screen).unit) == (best.layer, best.unit)
        assert seen(screen).quantity == best.quantity
        assert screen.table.ranking is not None
        assert screen.table.ranking.order[0] == (best.layer, best.unit)
        assert "by quotes" in lines_of(screen, "neurons")[0]
        assert f"{best.held_out:.2f}" in panel_text(screen, "find")
        assert f"{result.probe.held_out:.2f}" in panel_text(screen, "find")
        await pilot.press("escape")
        assert "by quotes" not in lines_of(screen, "neurons")[0]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("quote", Find(feature="quotes", characters=20_000)),
        ("Round Brackets", Find(feature="round-brackets", characters=20_000)),
        ("l+", Find(pattern="l+", characters=20_000)),
        ("after:x", Find(pattern="x", where="after", characters=20_000)),
        ("before:x", Find(pattern="x", where="before", characters=20_000)),
    ],
)
async def test_what_is_typed_is_a_feature_or_a_pattern(typed: str, expected: Find) -> None:
    async with shown(session()) as (pilot, screen):
        assert screen.find.find(typed) is None
        assert screen.find.panel.last_query == expected
        await settled(pilot)


async def test_marked_spans_are_searched_for() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("slash", *"marked", "enter")
        assert screen.query_one(Prompt).display  # nothing is marked yet
        await pilot.press("escape", "v", *["right"] * 9, "v", "slash", "enter")
        await settled(pilot)
        ((start, stop, _),) = screen.marks.marks
        assert screen.find.panel.last_query == Find(spans=((start, stop, True),), characters=20_000)


async def test_next_match_goes_from_one_place_where_the_feature_is_on_to_the_next() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("ctrl+home")
        await settled(pilot)
        await pilot.press("slash", *"ferry|FERRY|Notice", "enter")
        await settled(pilot)
        places = [match.start() for match in re.finditer("ferry|FERRY|Notice", TEXT)]
        for _ in range(4):
            before = seen(screen).position
            await pilot.press("N")
            await settled(pilot)
            assert seen(screen).position == min(place for place in places if place > before)


async def test_an_error_in_a_pattern_is_announced() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("slash", "(", "enter")
        await settled(pilot)
        assert screen.banner.display


async def test_neurons_are_labeled_and_features_scored_in_the_background() -> None:
    async with shown(session()) as (pilot, screen):
        await settled(pilot)
        assert screen.table.ranking is not None
        assert screen.table.ranking.labels
        assert "best of each feature" in lines_of(screen, "neurons")[0]
        assert "→" in panel_text(screen, "find")


# -- the neuron that is chosen -----------------------------------------------------------------------------


async def test_contexts_follow_the_neuron_and_lead_to_their_places() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("C")
        await settled(pilot)
        assert f"{seen(screen).neuron}, {seen(screen).quantity}" in title_of(screen, "contexts")
        await pilot.press("down")
        result = screen.contexts.panel.result
        assert isinstance(screen.contexts.panel.last_query, Contexts)
        assert result is not None
        places = {each.position for each in result.highest}  # type: ignore[attr-defined]
        await until(pilot, lambda: seen(screen).position in places)
        screen.scope.select(unit=3)
        await until(pilot, lambda: "1/3, " in title_of(screen, "contexts"))


async def test_saturation_is_plotted_and_a_click_chooses_the_nearest_neuron() -> None:
    async with shown(session(), (200, 60)) as (pilot, screen):
        await pilot.press("A")
        await settled(pilot)
        assert screen.saturation.result is not None
        assert "●" in panel_text(screen, "saturation")
        screen.scope.select(unit=2)
        result = screen.saturation.result.gates[0]
        plot = [line[7:] for line in lines_of(screen, "saturation")[3:-1]]
        row, column = next((y, row.index("●")) for y, row in enumerate(plot) if "●" in row)
        screen.scope.select(unit=3)
        await pilot.click("#saturation", offset=(column + 7, row + 3))
        await settled(pilot)
        chosen = seen(screen).unit
        assert abs(result.right[chosen] - result.right[2]) < 0.1
        assert abs(result.left[chosen] - result.left[2]) < 0.1
        for size in ((80, 24), (120, 40), (200, 60)):
            await pilot.resize_terminal(*size)
            lines = lines_of(screen, "saturation")
            top = screen.saturation.body_top
            assert lines[top].strip("▎ ").startswith("input")
            assert lines[top + 1].strip("▎ ").startswith("1 ")
            assert [line.strip("▎ ").partition(" ")[0] for line in lines].count("shut") == 1
            assert lines[-2].strip("▎ ").startswith("0 ")
            assert lines[-1].strip("▎").split() == ["0", "open", "1"] * 3


@pytest.mark.parametrize(("key", "panel"), [("x", "ablation"), ("m", "match"), ("i", "saliency")])
async def test_an_analysis_is_shown_in_its_panel_and_on_the_passage(key: str, panel: str) -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press(key)
        if key == "x":
            await pilot.press("enter")
        await settled(pilot)
        assert panel in screen.stage.arrangement
        assert len([line for line in lines_of(screen, panel) if line.strip()]) > 3
        assert (seen(screen).coloring == "overlay") is (key != "m")
        await pilot.press("escape")
        assert seen(screen).coloring == "neuron"


async def test_a_clamp_slides_and_the_passage_shows_the_change_in_loss() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("x", "up", "up", "enter")
        await settled(pilot)
        query = screen.ablation.panel.last_query
        assert isinstance(query, Ablate)
        assert (query.value, query.units) == (0.2, (seen(screen).neuron,))
        result = session().ask(query)
        overlay = seen(screen).overlay
        assert overlay is not None
        start = seen(screen).start
        changes = np.clip(result.delta_nats, -1, 1)
        np.testing.assert_allclose(overlay.values[query.start + 1 - start :], changes, atol=1e-5)
        await pilot.press("escape", "escape", "x", *"*", "enter")
        assert screen.query_one(Prompt).query_one("#hint").has_class("complaint")  # none is starred
        await pilot.press("escape", "asterisk")
        first = seen(screen).neuron
        await pilot.press("down")
        if seen(screen).neuron == first:  # the last of the table
            await pilot.press("up")
        await pilot.press("asterisk", "x", "backspace", "*", "enter")
        await settled(pilot)
        query = screen.ablation.panel.last_query
        assert isinstance(query, Ablate)
        assert len(query.units) == 2


async def test_the_slider_clamps_where_it_is_clicked() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("x", "enter")
        await settled(pilot)
        await click_line(pilot, screen, "ablation", "█")
        query = screen.ablation.panel.last_query
        assert isinstance(query, Ablate)
        assert query.value < -0.9


async def test_attribution_is_of_the_character_at_the_cursor() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("i")
        await settled(pilot)
        result = session().ask(Saliency(seen(screen).position))
        overlay = seen(screen).overlay
        assert overlay is not None
        expected = seen(screen).along(result.start, result.connectivity)
        np.testing.assert_allclose(overlay.values, expected, atol=1e-6)
        await pilot.press("escape", "ctrl+home")
        await settled(pilot)
        await pilot.press("i")
        assert "first character" in text_of(screen)


# -- comparisons -------------------------------------------------------------------------------------------


async def test_differences_from_n_grams_color_every_page() -> None:
    async with shown(session(), (200, 60)) as (pilot, screen):
        await pilot.press("P")
        await settled(pilot)
        result = session().ask(Ngrams(characters=20_000))
        assert f"{result.order}-gram" in panel_text(screen, "ngrams")
        start, length = seen(screen).start, len(seen(screen).trace)
        page = session().ask(NgramPage(start, start + length, characters=20_000))
        overlay = seen(screen).overlay
        assert overlay is not None
        np.testing.assert_allclose(overlay.values, page.nats / 3, atol=1e-5)
        screen.scope.go_to(len(TEXT) - 1)
        await settled(pilot)
        assert seen(screen).start > 0
        assert seen(screen).coloring == "overlay"
        await pilot.press("escape")
        screen.scope.go_to(0)
        await settled(pilot)
        assert seen(screen).coloring == "neuron"


@pytest.mark.parametrize(("key", "panel"), [("E", "errors"), ("B", "brackets")])
async def test_a_line_opens_its_places_and_closes(key: str, panel: str) -> None:
    async with shown(session(), (200, 60)) as (pilot, screen):
        await pilot.press(key)
        await settled(pilot)
        await pilot.press("z")
        closed = panel_text(screen, panel)
        await pilot.press("down", "enter")
        opened = panel_text(screen, panel)
        assert opened != closed
        await pilot.press("down", "enter")
        await settled(pilot)
        await pilot.press("up", "enter")


async def test_gradients_are_charted_and_compared_with_a_model_by_name() -> None:
    async with shown(session(), (200, 60)) as (pilot, screen):
        await pilot.press("d")
        await settled(pilot)
        rows = lines_of(screen, "gradients")
        assert "compared with" in title_of(screen, "gradients")
        assert any("LSTM" in row for row in rows[2:-2])
        await pilot.press("left")
        assert "LSTM cell " in title_of(screen, "gradients")
        await pilot.press("escape", "enter", *"nowhere", "enter")
        assert screen.query_one(Prompt).query_one("#hint").has_class("complaint")
        await pilot.press("escape", "D")
        assert screen.query_one(Prompt).display


# -- how much is searched ----------------------------------------------------------------------------------


async def test_searches_read_the_beginning_or_all_and_the_panel_says_which() -> None:
    async with shown(session(TEXT * 8), (120, 40)) as (pilot, screen):
        length = len(TEXT) * 8
        await pilot.press("C")
        await settled(pilot)
        assert f"first 20,000 of {length:,}; L searches all" in panel_text(screen, "contexts")
        await pilot.press("L")
        await settled(pilot)
        query = screen.contexts.panel.last_query
        assert isinstance(query, Contexts)
        assert query.characters == 0
        assert "L searches all" not in panel_text(screen, "contexts")
        await until(pilot, lambda: "whole text searched" in lines_of(screen, "header")[0])
        await pilot.press("L")
        await settled(pilot)
        await click_line(pilot, screen, "contexts", "L searches all")
        assert screen.scope.characters == 0


# -- the heat map and the second neuron --------------------------------------------------------------------


async def test_the_heat_map_has_the_tables_order_and_is_shown_by_its_keys() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("y")
        await pilot.pause()
        assert screen.heat_map.display
        await pilot.press("z")
        met = []
        for _ in range(4):
            met.append(screen.heat_map.kind)
            await pilot.press("y")
        assert sorted(met) == ["index", "similar", "slowest", "table"]
        await pilot.press("minus", "minus")
        assert "4 characters per column" in title_of(screen, "map")


async def test_factors_color_the_passage_and_up_and_down_go_through_them() -> None:
    async with shown(session()) as (pilot, screen):
        await pilot.press("F")
        await settled(pilot)
        assert screen.factors.is_on
        start, length = seen(screen).start, len(seen(screen).trace)
        result = session().ask(Factors(1, start=start, stop=start + length, characters=20_000))
        await pilot.press("down")
        overlay = seen(screen).overlay
        assert overlay is not None
        np.testing.assert_allclose(overlay.values, np.minimum(result.factors.along[:, 1], 1), atol=1e-4)
        await pilot.press("F")
        assert not screen.factors.is_on
        assert seen(screen).unit == result.factors.strongest(1, 1)[0]
        await pilot.press("F", "escape")
        assert not screen.factors.is_on


async def test_a_second_neuron_is_pinned_below_then_beside_then_no_more() -> None:
    async with shown(session()) as (pilot, screen):
        first = (seen(screen).layer, seen(screen).unit)
        await pilot.press("ampersand", "down")
        second = seen(screen).second
        assert second is not None
        assert (second.layer, second.unit, second.place) == (*first, "under")
        await pilot.press("ampersand")
        await pilot.pause()
        assert screen.second.display
        assert f"{first[0]}/{first[1]}" in title_of(screen, "second")
        await pilot.press("ampersand")
        assert seen(screen).second is None


# -- analyses without a panel ------------------------------------------------------------------------------


async def test_an_analysis_without_a_panel_is_in_the_palette_and_shown_in_the_common_one() -> None:
    async with shown(session()) as (pilot, screen):
        offered = {action.id: action for action in screen.registry.actions}
        action = offered["analyze_histogram"]
        assert action.help.startswith("Analyze: histogram")
        await screen.registry.run(action.id)
        await settled(pilot)
        assert "histogram" in panel_text(screen, "result")
        query = screen.analyses.panel.last_query
        assert query is not None
        assert (query.layer, query.unit) == (seen(screen).layer, seen(screen).unit)  # type: ignore[attr-defined]


async def test_generating_continues_the_text_from_the_cursor() -> None:
    async with shown(session()) as (pilot, screen):
        at = seen(screen).position
        await pilot.press("r")
        await settled(pilot)
        read, text = TEXT[max(0, at - 1000) : at + 1], seen(screen).trace.text
        assert text.startswith(read)
        assert len(text) > len(read)
        await pilot.press("escape")
        await settled(pilot)
        assert seen(screen).trace.text.startswith(TEXT[seen(screen).start :][:200])
        assert seen(screen).position == at
