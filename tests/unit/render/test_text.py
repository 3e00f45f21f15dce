"""Numbers and shortened texts, as axes, titles and captions show them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from rnnscope.render.ablation import wrapped
from rnnscope.render.report import listed, sides, words
from rnnscope.render.text import about, shortened, tick
from rnnscope.theme.palette import palette


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(0, 0, "0"), (0, 1, "0.0"), (2.5, 1, "2.5"), (0.15, 2, "0.15"), (1.475, 3, "1.475"), (0.0005, 4, "5e-4"),
     (0.00025, 5, "2.5e-4"), (1e-7, 7, "1e-7"), (0.01, 2, "0.01"), (500, 0, "500"), (1000, 0, "1k"),
     (2500, 0, "2.5k"), (12_500, 0, "12.5k"), (1234, 0, "1.234k"), (120_000, 0, "120k"), (1.5e6, 0, "1.5M"),
     (3e9, 0, "3G"), (1.47512, 5, "1.475")],
)  # fmt: skip
def test_axes_name_numbers_in_one_way(value: float, decimals: int, shown: str) -> None:
    assert tick(value, decimals) == shown


@given(st.floats(1e-8, 990))
@settings(max_examples=80, deadline=None)
def test_about_keeps_two_digits_and_below_a_hundredth_one(value: float) -> None:
    shown = about(value)
    assert len(shown) <= 5
    assert float(shown) == pytest.approx(value, rel=0.051 if value >= 0.01 else 0.51)


@given(st.lists(st.text(alphabet="ab漢 ", max_size=30), max_size=4), st.integers(2, 20))
@settings(max_examples=80, deadline=None)
def test_a_column_breaks_lines_after_words_and_drops_spaces_only(lines: list[str], width: int) -> None:
    text = "\n".join(lines)
    rows = wrapped(text, width)
    assert all(cell_len(part) <= width for _, part in rows)
    assert all(text[start:].startswith(part) for start, part in rows)
    assert "".join(part for _, part in rows).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    for (start, part), (after, _) in pairwise(rows):
        broken = text[start + len(part) - 1 : after + 1]
        if part.strip() and " " not in broken and "\n" not in broken:
            assert " " not in part.strip()


@given(st.lists(st.text(alphabet="ab漢", min_size=1, max_size=9), min_size=1), st.integers(0, 30))
@settings(max_examples=80, deadline=None)
def test_a_shortened_text_fits_and_ends_with_a_whole_word(words: list[str], cells: int) -> None:
    text = ", ".join(words)
    shown = shortened(text, cells)
    assert cell_len(shown) <= cells
    assert text.startswith(shown.removesuffix("…"))
    if shown != text and cell_len(words[0]) < cells:
        assert shown.removesuffix("…").split(", ") == words[: shown.count(",") + 1]


def test_captions_are_cut_after_a_word() -> None:
    assert shortened("loss by distance to the opening character", 24) == "loss by distance to the…"
    assert shortened("loss per character, intact model", 22) == "loss per character…"
    assert shortened("Donaudampfschifffahrt", 8) == "Donauda…"
    dark = palette("dark", "truecolor")

    def drawn(line: object, width: int) -> str:
        return "".join(part.text for part in line.draw(dark, dark.ink, width))  # type: ignore[attr-defined]

    assert drawn(words("51 neurons are active", "text", "51 active"), 12) == "51 active"
    assert drawn(words("gradient norm of the input"), 20) == "gradient norm of…"
    assert drawn(sides("loss per character, intact model", "0.81"), 30) == ("loss per character…       0.81")
    assert drawn(listed("by order", ["2: 32", "3: 113", "4: 135"]), 26) == "by order  2: 32  3: 113  …"
    assert drawn(listed("by order", ["2: 32"]), 30) == "by order  2: 32"
