"""The passage shows each character on its own activation, and one cursor."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rich.color import Color
from rich.style import Style
from textual.events import MouseScrollDown

from rnnscope.app.panels.passage import Passage
from rnnscope.selection import Label, Selection
from rnnscope.theme.palette import palette, signed_steps, unit_steps
from rnnscope.tracing.trace import Trace

DARK = palette("dark", "truecolor")
TEXT_LEFT = 3
COLUMN = Label("column", 0.912, "ρ", "cell", is_negative=True)
"""The column in which text begins."""


def retold(trace: Trace, text: str) -> Trace:
    """The same kind of network on another text: values of the first characters, over and over."""
    symbols = tuple(sorted(set(text)))
    ids = np.array([symbols.index(c) for c in text], dtype=np.int32)
    rows = np.arange(len(text)) % len(trace)
    logits = np.random.default_rng(0).normal(size=(len(text), len(symbols)), scale=2)
    return dataclasses.replace(
        trace,
        symbols=symbols,
        ids=ids,
        log_probabilities=(logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32),
        activations={key: values[rows] for key, values in trace.activations.items()},
    )


def background(style: Style) -> Color | None:
    return style.bgcolor


async def test_every_characters_background_is_its_activation(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)):
        for quantity, scale in (("cell", DARK.diverging), ("hidden", DARK.diverging), ("forget", DARK.gate)):
            selection = Selection(trace, cursor=0, unit=7, quantity=quantity)
            app.show(selection)
            values = trace["1/" + quantity][:, 7].astype(np.float64)
            if quantity == "cell":
                values = np.tanh(values)
            steps = unit_steps(values) if quantity == "forget" else signed_steps(values)
            index = 0
            for y, line in enumerate(trace.text.splitlines(keepends=True), start=app.panel.body_top):
                cells = app.cells(y)[TEXT_LEFT:]
                for column, character in enumerate(line):
                    glyph, style = cells[column]
                    assert glyph == ("↵" if character == "\n" else character)
                    if index:  # the cursor stands on the first
                        assert background(style) == background(scale[steps[index]]), (quantity, index)
                        assert bool(style.underline) == (quantity != "forget" and steps[index] <= 12)
                    index += 1
            assert index == len(trace)


async def test_one_cell_is_the_cursor_and_its_line_is_marked(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)):
        cursor = trace.text.index("gentleman")
        app.show(Selection(trace, cursor=cursor))
        white = [
            (y, x, cell[0])
            for y in range(app.panel.size.height)
            for x, cell in enumerate(app.cells(y))
            if cell[1] == DARK.cursor
        ]
        assert white == [(4, TEXT_LEFT + 7, "g")]
        assert [y for y in range(24) if app.cells(y)[1][0] == "▸"] == [4]


async def test_a_moved_cursor_draws_two_lines_and_no_more(panel_app, trace: Trace, monkeypatch) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)):
        app.show(Selection(trace, cursor=3))
        app.lines()
        drawn: list[int] = []
        draw = app.panel._draw
        monkeypatch.setattr(app.panel, "_draw", lambda y: drawn.append(y) or draw(y))
        app.show(Selection(trace, cursor=20))
        app.lines()
        assert drawn == [2, 3]


async def test_a_line_break_is_dim_on_what_is_nearly_zero_and_bright_elsewhere(
    panel_app, trace: Trace
) -> None:
    text = "a\nb\n"
    told = retold(trace, text)
    values = np.full((4, 48), 0.05, dtype=np.float32)
    values[3] = 0.9
    told = dataclasses.replace(told, activations={**told.activations, "1/hidden": values})
    app = panel_app(Passage)
    async with app.run_test(size=(40, 8)):
        app.show(Selection(told, quantity="hidden"))
        quiet, loud = app.cells(1)[TEXT_LEFT + 1][1], app.cells(2)[TEXT_LEFT + 1][1]
        assert quiet.color == DARK.ink("dim").color
        assert loud.color == DARK.diverging[30].color


async def test_wide_characters_and_marks_keep_their_cells(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(40, 8)) as pilot:
        told = retold(trace, "漢e\u0301x\n")
        app.show(Selection(told, cursor=2))
        cells = app.cells(1)[TEXT_LEFT : TEXT_LEFT + 5]
        assert [glyph for glyph, _ in cells] == ["漢", "", "e\u0301", "x", "↵"]
        assert [style == DARK.cursor for _, style in cells] == [False, False, True, False, False]
        for column, index in ((1, 0), (0, 0), (2, 1), (3, 3)):
            app.scope.selected.clear()
            app.show(Selection(told, cursor=4))
            await pilot.click(Passage, offset=(TEXT_LEFT + column, 1))
            assert app.cursors == [index]


async def test_a_click_chooses_the_character_under_it(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)) as pilot:
        app.show(Selection(trace))
        await pilot.click(Passage, offset=(TEXT_LEFT + 4, 3))
        await pilot.click(Passage, offset=(95, 2))  # beyond the first line: its line break
        assert app.cursors == [trace.text.index("wrong"), 13]


KEYS = [
    ("right", "You", 1),
    ("left", "You", -1),
    ("ctrl+right", "You", 4),
    ("ctrl+left", "wrong", -4),
    ("end", "You", 63),
    ("home", "wrong", -4),
]


@pytest.mark.parametrize(("key", "at", "moved"), KEYS)
async def test_keys_move_the_cursor(panel_app, trace: Trace, key: str, at: str, moved: int) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)) as pilot:
        cursor = trace.text.index(at)
        app.panel.focus()
        app.show(Selection(trace, cursor=cursor))
        await pilot.press(key)
        assert app.cursors == [cursor + moved]


async def test_keys_pressed_one_after_another_add_up(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)) as pilot:
        app.panel.focus()
        app.show(Selection(trace, cursor=5))
        await pilot.press("right", "right", "left", "right")
        assert app.cursors == [6, 7, 6, 7]


async def test_the_cursor_stays_within_the_text(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)) as pilot:
        app.panel.focus()
        app.show(Selection(trace, cursor=0))
        await pilot.press("left", "home", "ctrl+left")
        app.show(Selection(trace, cursor=len(trace) - 1))
        await pilot.press("right", "ctrl+right", "end")
        assert app.cursors == []
        await pilot.press("ctrl+home", "ctrl+end")
        assert app.scope.positions == [0, -1]


async def test_moving_vertically_keeps_the_column_across_short_lines(panel_app, trace: Trace) -> None:
    told = retold(trace, "a long line\nx\nanother long line\n")
    app = panel_app(Passage)
    async with app.run_test(size=(60, 12)) as pilot:
        reached = []
        app.show(Selection(told, cursor=8))
        for _ in range(3):
            await pilot.press("shift+down")
            reached.append(app.scope.selection.cursor)
        assert reached == [13, 22, 22]
        await pilot.press("shift+up")
        assert app.scope.selection.cursor == 13


async def test_scrolling_is_calm(panel_app, trace: Trace) -> None:
    told = retold(trace, "".join(f"line {n:02d}\n" for n in range(40)))
    app = panel_app(Passage)
    async with app.run_test(size=(40, 11)):  # nine lines of text

        def top_with_cursor_on(line: int) -> str:
            app.show(Selection(told, cursor=8 * line))
            return app.line(2).split()[-1].rstrip("↵")

        assert [top_with_cursor_on(n) for n in (0, 6, 7, 8, 3, 2, 39, 37, 32)] == [
            "00", "00", "01", "02", "01", "00", "31", "31", "30",
        ]  # fmt: skip


async def test_the_wheel_moves_the_lines_and_not_the_cursor(panel_app, trace: Trace) -> None:
    told = retold(trace, "".join(f"line {n:02d}\n" for n in range(40)))
    app = panel_app(Passage)
    async with app.run_test(size=(40, 11)) as pilot:
        app.show(Selection(told, cursor=0))
        wheel = MouseScrollDown(app.panel, 5, 5, 0, 3, 0, False, False, False)
        app.panel.post_message(wheel)
        await pilot.pause()
        assert "line 03" in app.line(2)
        app.show(Selection(dataclasses.replace(told, step=1), cursor=0))  # new weights, same text
        assert "line 03" in app.line(2)
        assert app.scope.selected == []


async def test_surprise_colors_what_each_character_cost(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 24)):
        app.show(Selection(trace, cursor=0, coloring="surprisal"))
        for index in range(1, 13):
            p = float(np.exp(trace.log_probabilities[index - 1, trace.ids[index]]))
            step = min(32, round(32 * -np.log2(p) / 8))
            assert background(app.cells(2)[TEXT_LEFT + index][1]) == background(DARK.probability[step])
        assert "passage  surprise of each character" in app.line(0)
        assert app.line(0).rstrip().endswith("8 bits")


async def test_top_five_shows_what_follows_each_character(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(100, 30)):
        app.show(Selection(trace, cursor=0, top_five=True))
        start = len("THE FERRYMAN:\n")
        for t in range(start, start + 64):
            row = trace.log_probabilities[t].astype(np.float64)
            best = sorted(range(len(row)), key=lambda i, row=row: -row[i])[:5]
            for rank, symbol in enumerate(best):
                glyph, style = app.cells(9 + rank)[TEXT_LEFT + t - start]
                assert glyph == trace.symbols[symbol].replace("\n", "↵")
                step = round(32 * float(np.exp(row[symbol])) ** 0.8)
                assert background(style) == background(DARK.probability[step])
                assert bool(style.bold) == (symbol == trace.ids[t + 1])


async def test_lines_that_are_not_wrapped_scroll_sideways_with_the_cursor(panel_app, trace: Trace) -> None:
    told = retold(trace, "0123456789" * 12 + "\nshort\n")
    app = panel_app(Passage)
    async with app.run_test(size=(40, 8)):
        app.show(Selection(told, cursor=0))
        assert app.line(1)[TEXT_LEFT:38] == ("0123456789" * 12)[:34] + " "
        app.panel.action_wrap()
        assert app.line(1)[TEXT_LEFT:38] == ("0123456789" * 12)[:34] + "›"
        assert "short↵" in app.line(2)
        app.show(Selection(told, cursor=60))
        assert app.line(1)[2] == "‹"
        assert [glyph for glyph, style in app.cells(1) if style == DARK.cursor] == ["0"]
        app.panel.action_wrap()
        assert [glyph for y in range(8) for glyph, style in app.cells(y) if style == DARK.cursor] == ["0"]


async def test_nothing_of_a_text_acts_on_the_terminal(panel_app, trace: Trace) -> None:
    told = retold(trace, "a\x1b[2Jb\x07\x9b\u202ec\u200bd\r\n")
    app = panel_app(Passage)
    async with app.run_test(size=(40, 20)):
        app.show(Selection(told, top_five=True))
        assert "a␛[2Jb␇��c�d␍↵" in app.line(2)
        assert all(character.isprintable() for line in app.lines() for character in line)


async def test_the_title_says_what_is_colored_as_long_as_it_can(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(66, 12)) as pilot:
        app.show(Selection(trace, unit=7, quantity="forget"))
        assert app.line(0).strip(" ▎").startswith("passage  neuron 1/7, forget")
        assert app.line(0).count("▄") == 17
        assert app.line(0).strip().endswith("▄ 1")
        app.show(Selection(trace, unit=7, label=COLUMN))
        assert app.line(0).split("−1")[0].strip(" ▎") == "passage  1/7 · column · cell −, ρ 0.91"
        assert app.line(0).count("▄") == 9
        for width, subject, marks in (
            (55, "1/7 · column · cell −, ρ 0.91", 5),
            (48, "1/7 · column · cell −", 5),
            (39, "column · cell −", 3),
            (30, "column · cell −", 0),
        ):
            await pilot.resize_terminal(width, 12)
            assert app.line(0).split("−1")[0].strip(" ▎") == f"passage  {subject}"
            assert app.line(0).count("▄") == marks


async def test_own_range_spans_the_palette_and_says_its_ends(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(90, 24)):
        values = np.tanh(trace["1/cell"][:, 3].astype(np.float64))
        selection = Selection(trace, unit=3, own_range=True)
        app.show(selection)
        ends = f"own range {values.min():+.2f} ", f" {values.max():+.2f}"
        for end in ends:
            assert end.replace("-", "−") in app.line(0)
        steps = signed_steps(values / np.abs(values).max())
        bars = [style.color for glyph, style in app.cells(0) if glyph == "▄"]
        assert bars[0] == DARK.diverging_colors[steps.min()]
        assert bars[-1] == DARK.diverging_colors[steps.max()]


@pytest.mark.parametrize("depth", ["truecolor", "256", "16", "none"])
async def test_every_size_is_filled_exactly(panel_app, trace: Trace, depth: str) -> None:
    app = panel_app(Passage, depth=depth)
    async with app.run_test(size=(30, 4)) as pilot:
        app.show(Selection(trace, cursor=100, unit=7, top_five=True, label=COLUMN))
        for size in ((30, 4), (47, 9), (80, 10), (130, 40)):
            await pilot.resize_terminal(*size)
            while app.panel.size != size:  # the layout follows the terminal a moment later
                await pilot.pause(0.01)
            widths = {app.panel.render_line(y).cell_length for y in range(size[1])}
            assert widths == {size[0]}
            shown = "".join(app.lines()[1:])
            assert "▸" in shown


async def test_without_color_the_cursor_is_seen_among_strong_values(panel_app, trace: Trace) -> None:
    told = dataclasses.replace(
        trace, activations={**trace.activations, "1/hidden": np.full((len(trace), 48), 0.9)}
    )
    app = panel_app(Passage, depth="none")
    async with app.run_test(size=(60, 10)):
        app.show(Selection(told, cursor=5, quantity="hidden"))
        looks = [style for _, style in app.cells(2)[TEXT_LEFT : TEXT_LEFT + 13]]
        assert looks.count(looks[5]) == 1


async def test_a_new_theme_changes_every_cell(panel_app, trace: Trace) -> None:
    app = panel_app(Passage)
    async with app.run_test(size=(60, 20)):
        app.show(Selection(trace, top_five=True))
        dark = {style for y in range(20) for _, style in app.cells(y)}
        app.palette = palette("light", "truecolor")
        app.panel.redraw()
        light = {style for y in range(20) for _, style in app.cells(y)}
        assert not dark & light


async def test_a_page_down_leaves_one_line_in_sight(panel_app, trace: Trace) -> None:
    told = retold(trace, "".join(f"line {n:02d}\n" for n in range(40)))
    app = panel_app(Passage)
    async with app.run_test(size=(60, 10)) as pilot:
        app.show(Selection(told, cursor=0))
        await pilot.press("pagedown")
        assert app.cursors == [8 * (app.panel.body_height - 1)]


async def test_what_the_model_does_not_know_is_drawn_as_it_is_written(panel_app, trace: Trace) -> None:
    told = dataclasses.replace(retold(trace, "a    b\n"), written="a漢é\u0301 b\n")
    app = panel_app(Passage)
    async with app.run_test(size=(60, 12)):
        app.show(Selection(told, cursor=0))
        row = next(text for y in range(8) if "漢" in (text := app.panel.render_line(y).text))
        assert "a漢é\u0301 b" in row
