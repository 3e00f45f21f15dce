"""All neurons along the passage: the right color in the right place, in an order that keeps still."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rich.cells import cell_len
from textual.events import MouseScrollDown

from rnnscope.app.columns import window
from rnnscope.app.panels.heatmap import HeatMap
from rnnscope.app.slowness import slowest_first
from rnnscope.selection import Selection
from rnnscope.theme.palette import palette
from rnnscope.tracing.trace import Trace
from tests.app.conftest import FakeScope

DARK = palette("dark", "truecolor")


def heat_map(scope: FakeScope) -> HeatMap:
    return HeatMap(scope, id="map")


def order_by_a_loop(values: np.ndarray) -> list[int]:
    keys = []
    for unit in range(values.shape[1]):
        x = values[:, unit].astype(float)
        x = x - x.mean()
        lagged = sum(x[t] * x[t + 4] for t in range(len(x) - 4)) / sum(x * x)
        keys.append((np.sqrt((x * x).mean()) < 0.28, -lagged, unit))
    return [unit for _, _, unit in sorted(keys)]


def later(trace: Trace, step: int, seed: int) -> Trace:
    """The same passage through other weights."""
    random = np.random.default_rng(seed)
    hidden = np.tanh(random.normal(size=trace["1/hidden"].shape)).astype(np.float32)
    return dataclasses.replace(trace, step=step, activations={**trace.activations, "1/hidden": hidden})


def test_slow_neurons_come_first_and_those_that_hardly_move_last(trace: Trace) -> None:
    hidden = trace["1/hidden"].copy()
    hidden[:, 3] = 0.5 + 0.1 * np.sin(np.arange(len(trace)) / 40)  # slow, but hardly moves
    hidden[:, 5] = np.sign(np.sin(np.arange(len(trace)) / 40))  # slow
    hidden[:, 7] = np.where(np.arange(len(trace)) % 2, 1, -1)  # at lag 4 an alternation looks slow too
    order = slowest_first(hidden)
    assert order.tolist() == order_by_a_loop(hidden)
    assert set(order[:2].tolist()) == {5, 7}


def test_order_of_a_passage_shorter_than_the_lag() -> None:
    assert sorted(slowest_first(np.zeros((3, 4), dtype=np.float32)).tolist()) == [0, 1, 2, 3]


async def test_each_half_block_has_the_colors_of_its_two_neurons(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):
        selection = Selection(trace, cursor=100, unit=int(slowest_first(trace["1/hidden"])[0]))
        app.show(selection)
        order = slowest_first(trace["1/hidden"])
        shown = window(trace, 100, 50 - 4 - 4)
        for row in range(9):
            line = app.cells(2 + row)
            for column in (0, 20, 41):
                index = int(shown.indices[column])
                upper, lower = (trace["1/hidden"][index, unit] for unit in order[2 * row : 2 * row + 2])
                glyph, style = line[2 + 4 + column]
                assert glyph == "▀"
                assert style.color == DARK.diverging_colors[round(16 * (float(upper) + 1))]
                assert style.bgcolor == DARK.diverging_colors[round(16 * (float(lower) + 1))]
            assert app.line(2 + row)[2:5].strip() == str(order[2 * row])


async def test_a_gate_is_shown_in_mint_in_the_same_order(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):
        unit = int(slowest_first(trace["1/hidden"])[0])
        app.show(Selection(trace, cursor=100, unit=unit))
        ids = [line[2:5] for line in app.lines()[2:]]
        app.show(Selection(trace, cursor=100, unit=unit, quantity="forget"))
        assert [line[2:5] for line in app.lines()[2:]] == ids
        assert "forget, slowest first, 18 of 48" in app.line(0)
        value = float(trace["1/forget"][int(window(trace, 100, 42).indices[0]), unit])
        assert app.cells(2)[6][1].color == DARK.gate_colors[round(32 * value)]
        app.show(Selection(trace, cursor=100, unit=unit, quantity="candidate"))
        assert "hidden, slowest first" in app.line(0)


async def test_the_selected_neuron_is_bold_and_always_in_sight(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):
        for unit in range(48):
            app.show(Selection(trace, cursor=100, unit=unit))
            strong = DARK.ink("strong", bold=True)
            bold = [
                line[2:5].strip()
                for y, line in enumerate(app.lines())
                if y > 1 and app.cells(y)[4][1] == strong
            ]
            assert bold == [str(unit)]


async def test_rows_keep_their_places_while_a_network_learns(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):

        def ids() -> list[str]:
            return [line[2:5] for line in app.lines()[2:]]

        unit = int(slowest_first(later(trace, 1000, 1)["1/hidden"])[0])
        app.show(Selection(later(trace, 1000, 1), unit=unit))
        before = ids()
        app.show(Selection(later(trace, 1999, 2), unit=unit))
        assert ids() == before
        app.show(Selection(later(trace, 2000, 2), unit=unit))
        doubled = ids()
        assert doubled != before
        app.show(Selection(later(trace, 2001, 3), unit=unit))
        assert ids() == doubled
        app.panel.order_by("slowest")
        assert ids() != doubled
        assert str(unit) in "".join(ids())


async def test_neighbors_follow_the_order(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):
        assert app.panel.neighbor(1) is None
        order = slowest_first(trace["1/hidden"]).tolist()
        app.show(Selection(trace, unit=order[5]))
        assert [app.panel.neighbor(by) for by in (-1, 1, -99, 99)] == [
            order[4],
            order[6],
            order[0],
            order[-1],
        ]


async def test_a_click_chooses_neuron_and_character(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)) as pilot:
        order = slowest_first(trace["1/hidden"]).tolist()
        app.show(Selection(trace, cursor=100, unit=order[0]))
        await pilot.click(HeatMap, offset=(2 + 4 + 7, 2 + 3))
        chosen, moved = app.scope.selected
        assert chosen == {"layer": 1, "unit": order[6]}
        assert moved == {"cursor": window(trace, 100, 42).first + 7}


async def test_what_is_under_the_mouse_is_told_and_nothing_is_chosen(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 12)) as pilot:
        app.panel.styles.height = 11
        await pilot.pause()
        order = slowest_first(trace["1/hidden"]).tolist()
        app.show(Selection(trace, cursor=100, unit=order[0]))
        await pilot.hover(HeatMap, offset=(2 + 4 + 7, 2 + 3))
        value = float(trace["1/hidden"][window(trace, 100, 42).first + 7, order[6]])
        assert f"hidden of 1/{order[6]} here: {value:+.2f}".replace("-", "−") in app.line(0)
        assert not app.scope.selected


async def test_the_wheel_scrolls_to_the_last_neuron_and_back(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)) as pilot:
        order = slowest_first(trace["1/hidden"]).tolist()
        app.show(Selection(trace, cursor=100, unit=order[0]))
        for _ in range(30):
            await pilot._post_mouse_events([MouseScrollDown], HeatMap)
        assert app.line(10)[2:5].strip() in {str(order[-1]), str(order[-2])}


async def test_without_color_signs_tell_the_values(panel_app, trace: Trace) -> None:
    app = panel_app(heat_map, depth="none")
    async with app.run_test(size=(50, 11)):
        order = slowest_first(trace["1/hidden"])
        app.show(Selection(trace, cursor=100, unit=int(order[0])))
        shown = window(trace, 100, 42)
        for row in range(9):
            for column in range(42):
                v = (
                    round(16 * (float(trace["1/hidden"][int(shown.indices[column]), order[row]]) + 1)) / 16
                    - 1
                )
                sign = "·" if abs(v) < 0.25 else ("+-" if abs(v) < 0.6 else "#=")[v < 0]
                assert app.line(2 + row)[6 + column] == sign


@pytest.mark.parametrize("depth", ["truecolor", "256", "16", "none"])
@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_every_line_fills_the_panel_at_any_size(
    panel_app, trace: Trace, theme: str, depth: str
) -> None:
    app = panel_app(heat_map, theme, depth)
    async with app.run_test(size=(130, 50)) as pilot:
        for width, height in [(30, 4), (30, 50), (50, 11), (130, 4), (130, 50)]:
            app.panel.styles.width, app.panel.styles.height = width, height
            await pilot.pause()
            for unit in (0, 47):
                app.show(Selection(trace, cursor=100, unit=unit))
                assert [cell_len(app.line(y)) for y in range(height)] == [width] * height
                assert any(app.line(y)[2:5].strip() == str(unit) for y in range(2, height))


async def test_before_any_trace_it_waits(panel_app) -> None:
    app = panel_app(heat_map)
    async with app.run_test(size=(50, 11)):
        assert "loading" in "".join(app.lines())
