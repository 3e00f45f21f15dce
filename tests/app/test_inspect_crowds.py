"""The crowd on the inspect screen: orders, factors and a second neuron, by keys and by mouse."""

from __future__ import annotations

import numpy as np

from rnnscope.analysis.factors import factorize
from rnnscope.app.asking.answers import Answer, FactorsFound
from rnnscope.app.asking.requests import FindFactors, Request
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.panels.neurons import NeuronTable
from rnnscope.app.panels.passage import Passage
from rnnscope.app.panels.second import SecondPassage
from rnnscope.theme.palette import palette
from tests.app.conftest import PASSAGE
from tests.app.looking import seen, settled, shown, text_of, traced, working


def factors_of(request: Request) -> list[Answer]:
    assert isinstance(request, FindFactors)
    values = traced(PASSAGE)["1/hidden"]
    return [FactorsFound(request, factorize(values, 6), request.start)]


async def test_y_turns_the_orders_of_the_heat_map_and_shows_it() -> None:
    async with shown(working()) as (pilot, screen):
        await pilot.press("y")
        await settled(pilot)
        heat_map = screen.query_one(HeatMap)
        assert heat_map.display
        assert screen.focused is heat_map
        met = []
        for _ in range(4):
            await pilot.press("y")
            met.append(heat_map.kind)
        assert met == ["similar", "index", "table", "slowest"]
        await pilot.press("y", "y", "y")
        await settled(pilot)
        assert heat_map.kind == "table"
        assert screen.ranking is not None
        first = screen.ranking.order[0][1]
        assert heat_map._order_for(seen(screen)).units[0] == first
        await pilot.press("s")  # the table by index: the heat map follows
        assert heat_map._order_for(seen(screen)).units.tolist() == list(range(48))


async def test_plus_and_minus_see_the_heat_map_from_nearer_and_farther() -> None:
    async with shown(working()) as (pilot, screen):
        await pilot.press("minus", "minus")
        await settled(pilot)
        assert "4 characters a column" in screen.query_one(HeatMap).subject()
        await pilot.press("plus", "equals_sign", "plus")
        assert "a column" not in screen.query_one(HeatMap).subject()


async def test_factors_stand_for_neurons_color_the_passage_and_lead_to_a_neuron() -> None:
    async with shown(working({FindFactors: factors_of})) as (pilot, screen):
        await pilot.press("F")
        await settled(pilot)
        expected = factorize(traced(PASSAGE)["1/hidden"], 6)
        overlay = seen(screen).overlay
        assert overlay is not None
        np.testing.assert_allclose(overlay.values, expected.along[:, 0])
        assert "factor 1" in text_of(screen)
        unit = seen(screen).unit
        await pilot.press("down", "down")
        overlay = seen(screen).overlay
        assert overlay is not None
        np.testing.assert_allclose(overlay.values, np.minimum(expected.along[:, 2], 1))
        assert seen(screen).unit == unit
        heat_map = screen.query_one(HeatMap)
        await pilot.click(heat_map, offset=(20, heat_map.body_top + 2))
        await settled(pilot)
        assert "factor 2 of 6" in heat_map.subject()
        await pilot.press("F")
        await settled(pilot)
        assert seen(screen).unit == int(expected.units[1].argmax())
        assert seen(screen).coloring == "neuron"
        assert "factor" not in heat_map.subject()


async def test_escape_leaves_factors_and_forgets_them() -> None:
    async with shown(working({FindFactors: factors_of})) as (pilot, screen):
        unit = seen(screen).unit
        await pilot.press("F")
        await settled(pilot)
        await pilot.press("escape")
        await settled(pilot)
        assert not screen.reads_factors
        assert (seen(screen).unit, seen(screen).coloring) == (unit, "neuron")


async def test_a_second_neuron_stands_under_the_text_then_beside_it() -> None:
    async with shown(working()) as (pilot, screen):
        screen.look(cursor=0)
        first = seen(screen)
        await pilot.press("2", "down", "down")
        await settled(pilot)
        selection, passage = seen(screen), screen.query_one("#passage", Passage)
        assert selection.second is not None
        assert (selection.second.layer, selection.second.unit) == (first.layer, first.unit)
        assert selection.unit != first.unit
        below = passage.render_line(passage.body_top + 1)
        styles = [(segment.text, segment.style) for segment in below if segment.text.startswith("▀")]
        values = selection.trace.shown(first.layer, first.quantity, first.unit)
        colors = palette("dark", "truecolor").diverging_colors
        assert styles[0][1] is not None
        assert styles[0][1].color == colors[round(16 * (float(values[0]) + 1))]
        assert sum(len(text) for text, _ in styles) == len(PASSAGE.splitlines()[0]) + 1
        await pilot.press("2")
        await settled(pilot)
        second = screen.query_one(SecondPassage)
        assert second.display
        assert f"{first.layer}/{first.unit}" in second.render_line(0).text
        assert not any("▀▀" in passage.render_line(y).text for y in range(1, 8))
        cursor = seen(screen).cursor
        await pilot.click(second, offset=(9, second.body_top + 1))
        await settled(pilot)
        assert seen(screen).cursor != cursor
        await pilot.press("2")
        await settled(pilot)
        assert seen(screen).second is None
        assert not second.display


async def test_a_wide_table_says_how_saturated_and_selective_each_neuron_is() -> None:
    async with shown(working(), (200, 60)) as (_, screen):
        table = screen.query_one(NeuronTable)
        assert "sat  sel" in table.render_line(1).text
        trace, unit = seen(screen).trace, seen(screen).unit
        gates = np.stack([trace[f"1/{gate}"][:, unit] for gate in ("input", "forget", "output")])
        saturated = np.mean((gates < 0.1) | (gates > 0.9))
        strength = np.abs(trace["1/hidden"][:, unit].astype(np.float64))
        selective = 1 - strength.mean() ** 2 / np.mean(strength**2)
        (row,) = [strip.text for strip in map(table.render_line, range(2, 50)) if "▸" in strip.text]
        assert f" {saturated:.2f} {selective:.2f} " in row
    async with shown(working(), (120, 40)) as (_, screen):
        assert "sat" not in screen.query_one(NeuronTable).render_line(1).text
