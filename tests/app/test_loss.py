"""The charts of a run: what stands where, what is read, and what never moves."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.events import MouseEvent, MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot

from rnnscope.app.axes import StepAxis
from rnnscope.app.history import History, Series
from rnnscope.app.panels.chart import Chart, Content
from rnnscope.app.panels.gradient import Gradient
from rnnscope.app.panels.loss import Loss, LossUnits, spread
from rnnscope.app.plot import Columns
from rnnscope.theme.palette import Depth, palette
from rnnscope.training.events import Compared, Evaluated, Progress, Warned
from tests.app.conftest import make_trace
from tests.app.fake import progress, started

BASELINES = {"uniform": 4.17, "1-gram": 3.35, "2-gram": 2.49, "3-gram": 1.99, "5-gram": 1.56}


def train_loss(step: np.ndarray | float) -> np.ndarray | float:
    return 4.17 * np.asarray(step) ** -0.11


def told(history: History, first: int, last: int) -> None:
    """Steps first..last, with noise about them from step 30 on, and an evaluation at the last one."""
    steps = np.arange(first, last + 1)
    noise = 1 + 0.02 * np.random.default_rng(first).normal(size=len(steps)) * (steps > 30)
    norms = 0.4 * noise
    history.add(Progress(last, 1.0, steps, train_loss(steps) * noise, norms, 0.0013, 1e5, 1.0, -2.9))
    held_out = float(train_loss(last)) * (1 + 0.04 * max(0.0, math.log10(last) - 1))
    history.add(Evaluated(last, 1.0, held_out, 1000, True))


def made_up_history(steps: int = 9_273, *, baselines: bool = True) -> History:
    history = History()
    if baselines:
        history.add(Compared(0, 0.0, BASELINES))
    for first in range(1, steps + 1, 100):
        told(history, first, min(first + 99, steps))
    return history


class Stage(App[None]):
    """One panel of a given size, without the focus."""

    AUTO_FOCUS = ""

    def __init__(self, panel: Chart, depth: Depth) -> None:
        super().__init__()
        self.panel = panel
        self.palette = palette("dark", depth)

    def compose(self) -> ComposeResult:
        yield self.panel


@asynccontextmanager
async def on_stage(
    panel: Chart, width: int = 64, height: int = 11, depth: Depth = "truecolor"
) -> AsyncIterator[Pilot[None]]:
    panel.styles.width, panel.styles.height = width, height
    async with Stage(panel, depth).run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield pilot


def axis_of(chart: Chart) -> StepAxis:
    assert chart._picture is not None
    return chart._picture.steps


def lines(panel: Chart) -> list[str]:
    return [panel.render_line(y).text for y in range(panel.size.height)]


def cells(panel: Chart, y: int) -> Iterator[tuple[int, str, Style]]:
    """Column, character and style of every cell of a line."""
    x = 0
    for segment in panel.render_line(y):
        for character in segment.text:
            yield x, character, segment.style or Style()
            x += 1


def test_a_series_gathers_into_columns_as_a_loop_does() -> None:
    random = np.random.default_rng(0)
    series = Series()
    series.extend(np.arange(1, 3_001), 2 + random.random(3_000))
    axis = StepAxis(1, 3_000, 60)
    columns = Columns.of(series, axis)
    edges = axis.edges()
    for column in range(60):
        inside = (series.steps >= edges[column]) & (series.steps < edges[column + 1])
        if not inside.any():
            assert np.isnan(columns.smooth[column])
            continue
        assert columns.low[column] == series.low[inside].min()
        assert columns.high[column] == series.high[inside].max()
        assert columns.smooth[column] == pytest.approx(series.smooth[inside].mean())


def test_labels_that_collide_are_pushed_up_and_stay_within() -> None:
    assert spread([0, 2, 4, 7, 7, 8], 9) == [0, 2, 4, 6, 7, 8]
    assert spread([8, 8, 8], 9) == [6, 7, 8]
    assert spread([0, 0, 0, 3], 9) == [0, 1, 2, 3]
    assert spread([5, 5, 5, 5, 5, 5], 6) == [0, 1, 2, 3, 4, 5]


async def test_names_stand_in_the_order_of_their_values() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        chart.show_history(made_up_history())
        beside = [line[49:62].split() for line in lines(chart)[1:10]]
        found = {" ".join(parts[:-1]): float(parts[-1]) for parts in beside if parts}
        assert set(found) == {*BASELINES, "train", "held out"}
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert found["uniform"] == 4.17
        assert found["held out"] == pytest.approx(float(chart.history.held_out.smooth[-1]), abs=0.006)


async def test_in_a_low_panel_baselines_go_first_and_the_network_stays() -> None:
    chart = Chart(Loss())
    async with on_stage(chart, 39, 7):
        chart.show_history(made_up_history())
        text = "\n".join(lines(chart))
        assert "1-gram" not in text
        assert "3-gram" not in text
        for name in ("held out", "train", "uniform", "2-gram", "5-gram"):
            assert name in text
        assert "steps" not in text, "the axis of steps needs a higher panel"


async def test_title_tells_unit_and_best() -> None:
    loss = Loss()
    chart = Chart(loss)
    units = LossUnits(chart, loss)
    async with on_stage(chart):
        history = made_up_history()
        chart.show_history(history)
        best = history.best
        assert best is not None
        assert "nats per character" in lines(chart)[0]
        assert lines(chart)[0].rstrip().endswith(f"best {best.nats:.3f} at 9,273")
        units.action_units()
        assert f"best {best.nats / math.log(2):.3f}" in lines(chart)[0]
        units.action_units()
        assert "perplexity" in lines(chart)[0]
        assert f"best {math.exp(best.nats):.3f}" in lines(chart)[0]
        units.action_units()
        assert loss.unit.name == "nats per character"


async def test_steps_are_labeled_and_the_present_one_is_at_the_end() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        chart.show_history(made_up_history())
        axis = lines(chart)[10]
        assert axis.split() == ["1", "10", "100", "1k", "9,273", "steps"]
        assert axis.index("9,273") + 5 == 2 + 5 + 41, "ends where the plot ends"


async def test_before_any_step_it_says_what_it_waits_for() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        assert "waiting for the first step" in "\n".join(lines(chart))
        chart.show_history(made_up_history(1, baselines=False))
        assert "waiting" not in "\n".join(lines(chart))


async def test_limits_only_grow_while_a_run_goes_on() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        history = made_up_history(50, baselines=False)
        seen = []
        for last in range(100, 6_000, 300):
            told(history, history.step + 1, last)
            chart.show_history(history)
            assert chart._limits is not None
            seen.append(chart._limits)
        lows, highs = zip(*seen, strict=True)
        assert list(lows) == sorted(lows, reverse=True)
        assert list(highs) == sorted(highs)
        assert len(set(seen)) < len(seen), "they grow in strides"
        history.add(Compared(history.step, 1.0, {"uniform": 5.5}))
        chart.show_history(history)
        assert chart._limits[1] >= 5.5


async def test_held_out_is_drawn_only_where_it_parts_from_train() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        chart.show_history(made_up_history())
        amber = chart.palette.ink("amber")
        drawn = [x for y in range(1, 10) for x, _, style in cells(chart, y) if style == amber]
        assert drawn, "late in the run the two are apart"
        # 0.04 (log10(n) − 1) reaches a dot of 36 over ln(4.3/1.4) near step 50
        steps = [float(axis_of(chart).step(2 * (x - 7))) for x in drawn]
        assert min(steps) > 30


async def test_the_raw_values_lie_around_the_curve_and_never_hide_it() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        chart.show_history(made_up_history())
        azure, raw = chart.palette.ink("azure"), chart.palette.ink("raw")
        drawn = {style for y in range(1, 10) for _, c, style in cells(chart, y) if "\u2800" < c <= "\u28ff"}
        assert {azure, raw} <= drawn
        curves = {azure, chart.palette.ink("amber")}
        columns = {
            x for y in range(1, 10) for x, c, style in cells(chart, y) if style in curves and c > "\u2800"
        }
        assert columns == set(range(7, 48)), "a curve runs from the first column to the last"


async def test_the_crosshair_reads_values_and_escape_puts_it_away() -> None:
    chart = Chart(Loss())
    async with on_stage(chart) as pilot:
        history = made_up_history()
        chart.show_history(history)
        chart.focus()
        await pilot.press("left", "left", "left")
        step = chart.crosshair_step
        assert step is not None
        row = history.train.nearest(step)
        assert history.train.steps[row] == step
        title = lines(chart)[0]
        assert f"step {step:,}  train {history.train.smooth[row]:.3f}  held out " in title
        crosshair = chart.palette.ink("text", on="crosshair").bgcolor
        columns = {x for y in range(1, 10) for x, _, style in cells(chart, y) if style.bgcolor == crosshair}
        assert columns == {7 + 41 - 3}
        before = step
        await pilot.press("right")
        assert chart.crosshair_step is not None
        assert chart.crosshair_step > before
        await pilot.press("escape")
        assert chart.crosshair_step is None
        assert "nats per character" in lines(chart)[0]


async def test_the_mouse_reads_values_and_a_click_keeps_them() -> None:
    chart = Chart(Loss())
    async with on_stage(chart) as pilot:
        chart.show_history(made_up_history())
        await pilot.hover(Chart, offset=(20, 5))
        assert chart.crosshair_column == 20 - 7
        await pilot.hover(Chart, offset=(55, 5))
        assert chart.crosshair_column is None
        await pilot.click(Chart, offset=(30, 5))
        await pilot.hover(Chart, offset=(20, 5))
        assert chart.crosshair_column == 30 - 7


@pytest.mark.parametrize("keys", [1, 3, 30])
async def test_the_crosshair_stays_at_its_step_while_the_run_goes_on(keys: int) -> None:
    chart = Chart(Loss())
    async with on_stage(chart, 64, 11) as pilot:
        history = made_up_history(100)
        chart.show_history(history)
        chart.focus()
        await pilot.press(*["left"] * keys)
        step = chart.crosshair_step
        for last in (200, 1_000, 9_000):
            told(history, history.step + 1, last)
            chart.show_history(history)
            assert chart.crosshair_step == step
            assert f"step {step}  train" in lines(chart)[0]
            assert chart.crosshair_column is not None
            crosshair = chart.palette.ink("text", on="crosshair").bgcolor
            columns = {
                x for y in range(1, 10) for x, _, style in cells(chart, y) if style.bgcolor == crosshair
            }
            assert columns == {7 + chart.crosshair_column}


async def test_every_press_reads_another_step_until_the_first() -> None:
    chart = Chart(Loss())
    async with on_stage(chart, 64, 11) as pilot:
        chart.show_history(made_up_history(300))
        chart.focus()
        await pilot.press("left")
        met = [chart.crosshair_step]
        while met[-1] != 1:
            await pilot.press("left")
            assert chart.crosshair_step is not None
            assert met[-1] is not None
            assert chart.crosshair_step < met[-1]
            met.append(chart.crosshair_step)
        await pilot.press("left")
        assert chart.crosshair_step == 1
        assert met[-3:] == [3, 2, 1]


@pytest.mark.parametrize("width", [39, 50, 64, 120])
async def test_reading_a_value_leaves_the_best_in_sight(width: int) -> None:
    chart = Chart(Loss())
    async with on_stage(chart, width, 11) as pilot:
        history = made_up_history()
        chart.show_history(history)
        chart.focus()
        await pilot.press("left", "left")
        assert history.best is not None
        title = lines(chart)[0]
        assert f"best {history.best.nats:.3f}" in title
        assert f"step {chart.crosshair_step:,}" in title


# -- losses of zero ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [[], [2.0, 1.0, 0.5]])
async def test_a_loss_of_zero_has_a_curve_and_no_two_equal_labels(rest: list[float]) -> None:
    loss = Loss()
    chart = Chart(loss)
    units = LossUnits(chart, loss)
    async with on_stage(chart):
        history = History()
        losses = np.array([*rest, *[0.0] * 40])
        steps = np.arange(1, len(losses) + 1)
        history.add(Progress(len(losses), 1.0, steps, losses, losses + 1, 0.001, 1e5, 1.0))
        history.add(Evaluated(len(losses), 1.0, -0.0, 1000, True))
        for _ in range(3):
            chart.show_history(history)
            azure = chart.palette.ink("azure")
            drawn = {x for y in range(1, 10) for x, c, style in cells(chart, y) if style == azure and c > "⠀"}
            assert len(drawn) >= 30
            labels = [line[:7].strip() for line in lines(chart)[1:10]]
            written = [label for label in labels if label]
            assert len(set(written)) == len(written)
            assert "-0" not in "".join(lines(chart))
            units.action_units()


async def test_zoom_shows_the_last_half_and_pan_what_came_before() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        chart.show_history(made_up_history())
        chart.toggle_log()
        chart.zoom_in()
        axis = axis_of(chart)
        assert (axis.low, axis.high) == pytest.approx((4637, 9273), abs=1)
        assert "steps 4,637–9,273" in lines(chart)[0]
        assert "uniform" not in "\n".join(lines(chart)), "far from what is shown"
        chart.pan(-1)
        axis = axis_of(chart)
        assert (axis.low, axis.high) == pytest.approx((2319, 6955), abs=1)
        chart.pan(-9)
        assert axis_of(chart).low == pytest.approx(1)
        chart.zoom_out()
        axis = axis_of(chart)
        assert (axis.low, axis.high) == (1, 9273)


async def test_the_wheel_zooms_at_the_mouse_and_a_drag_shows_its_steps() -> None:
    chart = Chart(Loss())
    async with on_stage(chart) as pilot:
        history = made_up_history()
        chart.show_history(history)
        chart.focus()
        whole = axis_of(chart)

        async def wheel(kind: type[MouseEvent], column: int) -> None:
            await pilot._post_mouse_events([kind], Chart, (7 + column, 5), button=0)

        there = float(axis_of(chart).step(2 * 10 + 1))
        await wheel(MouseScrollUp, 10)
        axis = axis_of(chart)
        assert whole.low < axis.low < axis.high < whole.high
        assert float(axis.step(2 * 10 + 1)) == pytest.approx(there, rel=0.05)
        await wheel(MouseScrollDown, 10)
        assert (axis_of(chart).low, axis_of(chart).high) == pytest.approx((whole.low, whole.high))
        # A drag from column 10 to column 30 selects, and shows these steps when the button is released.
        edges = axis_of(chart).step([20, 62])
        await pilot.mouse_down(Chart, offset=(7 + 10, 4))
        await pilot.hover(Chart, offset=(7 + 30, 6))
        crosshair = chart.palette.ink("text", on="crosshair").bgcolor
        assert {x for x, _, style in cells(chart, 4) if style.bgcolor == crosshair} == set(range(17, 38))
        await pilot.mouse_up(Chart, offset=(7 + 30, 6))
        axis = axis_of(chart)
        assert (axis.low, axis.high) == pytest.approx(edges)
        await pilot.press("escape", "escape")
        assert (axis_of(chart).low, axis_of(chart).high) == (whole.low, whole.high)
        # To the end of the run, it follows the run; a double click shows all again.
        await pilot.mouse_down(Chart, offset=(7 + 30, 4))
        await pilot.mouse_up(Chart, offset=(7 + 40, 4))
        low = axis_of(chart).low
        told(history, 9_274, 9_400)
        chart.show_history(history)
        assert (axis_of(chart).low, axis_of(chart).high) == pytest.approx((low, 9_400))
        await pilot.click(Chart, offset=(20, 5), times=2)
        assert axis_of(chart).low == 1


@pytest.mark.parametrize("height", [11, 7])
async def test_a_divergence_is_marked_at_its_column(height: int) -> None:
    chart = Chart(Loss())
    async with on_stage(chart, 64, height):
        history = made_up_history()
        history.add(Warned(300, 1.0, "the loss ran away", kind="divergence"))
        chart.show_history(history)
        column = next(x for x, c, _ in cells(chart, height - 1) if c == "!")
        axis = axis_of(chart)
        assert column - 7 == int(axis.dot(300) / 2)


@pytest.mark.parametrize("height", [20, 7])
async def test_rules_mark_where_a_run_changed_its_course(height: int) -> None:
    chart = Chart(Loss())
    async with on_stage(chart, 120, height):
        history = made_up_history()
        history.add(started(make_trace()))
        history.add(replace(started(make_trace()), step=2_000, resumed=True))
        history.add(Warned(300, 1.0, "the loss ran away", kind="divergence"))
        annealing = replace(progress(9_274, 9_400), phase="annealing")
        for event in (annealing, replace(annealing, steps=annealing.steps + 127)):
            history.add(event)
        chart.show_history(history)
        axis = axis_of(chart)
        columns = {x - 7 for y in range(1, height) for x, c, _ in cells(chart, y) if c == "┆"}
        expected = {step: int(axis.dot(step) / 2) for step in (300, 2_000, 9_274)}
        assert columns == {*expected.values()}
        shown = "\n".join(lines(chart))
        assert ("annealing" in shown, "resumed" in shown, "rewound" in shown) == (True, True, True)
        row = next(line for line in lines(chart) if "resumed" in line)
        assert row.index("resumed") - 7 in (expected[2_000] + 1, expected[2_000] - len("resumed"))
        curve = chart.palette.ink("azure").color
        assert len({x for y in range(height) for x, _, style in cells(chart, y) if style.color == curve}) > 90


async def test_an_update_repaints_only_rows_that_differ() -> None:
    chart = Chart(Loss())
    async with on_stage(chart):
        history = made_up_history()
        chart.show_history(history)
        before = lines(chart)
        kept = {y: chart.render_line(y) for y in range(11)}
        told(history, 9_274, 9_280)
        chart.show_history(history)
        after = lines(chart)
        changed = [y for y in range(11) if chart.render_line(y) is not kept[y]]
        assert {y for y in range(11) if before[y] != after[y]} <= set(changed)
        assert len(changed) < 11


async def test_without_color_the_envelope_goes_and_held_out_has_another_glyph() -> None:
    chart = Chart(Loss())
    async with on_stage(chart, depth="none"):
        chart.show_history(made_up_history())
        for y in range(11):
            for _, _, style in cells(chart, y):
                assert style.color is None
                assert style.bgcolor is None
        shown = lines(chart)
        assert sum("o held out" in line for line in shown) == 1, "the gutter names the glyphs"
        assert sum("⠒ train" in line for line in shown) == 1
        assert sum(line[:50].count("o") for line in shown[1:-1]) > 3


SIZES = [(30, 4), (30, 50), (46, 8), (64, 11), (130, 4), (130, 50)]


@pytest.mark.parametrize("depth", ["truecolor", "256", "16", "none"])
@pytest.mark.parametrize("kind", [Loss, Gradient])
async def test_every_line_fills_the_panel_at_any_size(kind: type[Content], depth: Depth) -> None:
    chart = Chart(kind())
    histories = [made_up_history(steps) for steps in (0, 1, 7, 9_273)]
    async with on_stage(chart, 130, 50, depth) as pilot:
        for width, height in SIZES:
            chart.styles.width, chart.styles.height = width, height
            await pilot.pause()
            assert chart.size == (width, height)
            for history in histories:
                history.add(Warned(5, 1.0, "the loss ran away", kind="divergence"))
                chart.show_history(history)
                assert [chart.render_line(y).cell_length for y in range(height)] == [width] * height


async def test_gradient_tells_learning_rate_and_where_clipping_begins() -> None:
    chart = Chart(Gradient())
    async with on_stage(chart, 84, 11):
        chart.show_history(made_up_history())
        title = lines(chart)[0]
        assert "norm (clip 1)" in title
        assert "log₁₀ Δw/w −2.9   learning rate 0.0013" in title
        clipping = next(y for y in range(1, 10) if lines(chart)[y].split()[:1] == ["1"])
        assert "┈" in lines(chart)[clipping]
        assert lines(chart)[10].rstrip().endswith("9,273 steps")


async def test_a_narrow_gradient_shortens_its_subject_then_keeps_the_learning_rate_alone() -> None:
    for width, update in ((68, True), (50, False)):
        chart = Chart(Gradient())
        async with on_stage(chart, width, 11):
            chart.show_history(made_up_history())
            title = lines(chart)[0]
            assert "norm" in title
            assert "learning rate 0.0013" in title
            assert ("Δw/w" in title) is update
