"""Exported files have the colors and numbers of the trace, and no text becomes markup."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from rnnscope.errors import OptionError
from rnnscope.export.colored import ColoredText
from rnnscope.export.page import page
from rnnscope.export.picture import COLUMNS, picture
from rnnscope.network.architecture import Architecture
from rnnscope.network.model import CharRNN
from rnnscope.selection import Label, Selection
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.theme.colors import DARK, LIGHT
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace
from tests.unit.pages import Page, notebook_html

_HOSTILE = "</pre></title><script>alert(1)</script> <!-- & &amp; ]]> \" ' <img src=x onerror=y> {}</style>\n"
_ODD = "é e\u0301 漢字 a\tb \x1b[31m\x00\u202e\u200b😀\u2028 fl\ufffe\n"
_TEXT = "To be, or not to be:\n\nthat is\n"
_SVG = "{http://www.w3.org/2000/svg}"


_PARTS = ((0, 7), (7, len(_TEXT)))


def _trace(text: str, cell: str = "lstm", activation: str = "tanh") -> Trace:
    vocabulary = Vocabulary.of(text)
    architecture = Architecture(cell, len(vocabulary), 6, 2, activation=activation)  # type: ignore[arg-type]
    model = CharRNN(architecture, vocabulary, generator=torch.Generator().manual_seed(5)).eval()
    with torch.no_grad():
        for tensor in model.tensors().values():
            tensor.mul_(4.0)  # so that values reach their ends
    return record(model, vocabulary.encode(text))


def test_every_character_of_a_page_has_the_color_and_the_title_of_its_value() -> None:
    trace = _trace(_TEXT)
    shown = Page(page(ColoredText.of(Selection(trace, layer=2, unit=3, quantity="cell"), start=1000)))
    values = np.tanh(trace["2/cell"][:, 3].astype(np.float64))
    assert shown.copied == _TEXT
    assert len(shown.cells) == len(_TEXT)
    for index, (look, title, glyph) in enumerate(shown.cells):
        assert look.split()[0] == f"s{round(16 * (values[index] + 1))}"
        assert glyph == _TEXT[index].replace("\n", "↵")
        name = {" ": "␣", "\n": "↵"}.get(glyph, glyph)
        raw = trace["2/cell"][index, 3]
        shown_values = f"cell {raw:+.3f}, tanh {values[index]:+.3f}".replace("-", "−")
        assert title == f"{1000 + index:,}  {name}  {shown_values}"
    assert len({look for look, _, _ in shown.cells}) > 8


def test_unknown_characters_are_exported_as_written(tmp_path: Path) -> None:
    trace = replace(_trace(_TEXT), written=_TEXT.replace("be", "漢e"))
    colored = ColoredText.of(Selection(trace, layer=1, unit=0, quantity="hidden"))
    assert Page(page(colored)).copied == trace.written
    colored.save(tmp_path / "page.json")
    assert "漢" in json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))["text"]


@pytest.mark.parametrize(("quantity", "scale"), [("cell", "diverging"), ("forget", "gate")])
def test_a_page_has_the_palettes_of_both_themes(quantity: str, scale: str) -> None:
    source = page(ColoredText.of(Selection(_trace(_TEXT), quantity=quantity)))
    light, dark = source.split("@media (prefers-color-scheme:dark)")
    for part, colors in ((light, LIGHT), (dark, DARK)):
        palette = getattr(colors, scale)
        for step, (ink, ground) in enumerate(zip(palette.foregrounds, palette.backgrounds, strict=True)):
            assert f".rnnscope.{scale} .s{step}{{color:{ink};background:{ground}}}" in part
    negative = ",".join(f".rnnscope.diverging .s{step}" for step in range(13))
    assert (f"\n{negative}{{text-decoration:underline}}\n" in source) == (scale == "diverging")
    assert source.count("underline}") == (scale == "diverging")


def test_hostile_text_does_not_become_markup() -> None:
    selection = Selection(_trace(_HOSTILE), label=Label(_HOSTILE, 0.9, "AUC", "cell"))
    text = ColoredText.of(selection, facts=(_HOSTILE,))
    source = page(text)
    shown = Page(source)
    assert shown.copied == _HOSTILE
    assert shown.tags == {"html", "head", "meta", "title", "style", "body", "div", "h1", "p", "pre", "i"}
    assert shown.attributes <= {"charset", "name", "content", "http-equiv", "class", "title"}
    for outside in ("http:", "https:", "url(", "@import", "//"):
        assert outside not in source
    tree = ElementTree.fromstring(picture(text))
    assert {element.tag for element in tree.iter()} == {
        _SVG + name for name in ("svg", "title", "style", "rect", "text")
    }


def test_marks_stay_with_their_base_and_controls_become_pictures() -> None:
    trace = _trace(_ODD)
    shown = Page(page(ColoredText.of(Selection(trace, quantity="hidden"))))
    glyphs = [glyph for _, _, glyph in shown.cells]
    assert "e\u0301" in glyphs
    assert "漢" in glyphs
    assert "😀" in glyphs
    title = next(title for _, title, glyph in shown.cells if glyph == "e\u0301")
    assert re.fullmatch(r"2  e  [+−]\S+ · 3  ◌\u0301  [+−]\S+", title)
    assert "".join(glyphs) == "é e\u0301 漢字 a→b ␛[31m␀��😀↵ fl�↵"
    assert not set(page(ColoredText.of(Selection(trace)))) & set("\x00\x1b\u202e\u200b\ufffe")


def test_a_picture_puts_every_character_into_its_cell() -> None:
    text = ColoredText.of(Selection(_trace(_ODD + _TEXT)))
    tree = ElementTree.fromstring(picture(text))
    cell = 8.4
    rows: dict[float, list[tuple[float, float, str]]] = {}
    for rectangle in tree.iter(_SVG + "rect"):
        if rectangle.get("height") == "20" and float(rectangle.get("width", "0")) != cell / 2:
            row = rows.setdefault(float(rectangle.get("y", "")), [])
            row.append(
                (float(rectangle.get("x", "")), float(rectangle.get("width", "")), rectangle.get("class", ""))
            )
    lines = [row for _, row in sorted(rows.items())]
    widths = [len("é e 漢漢字字 a→b ␛[31m␀��😀😀↵ fl�↵"), 21, 1, 8]
    assert [round(sum(width for _, width, _ in line) / cell) for line in lines] == widths
    for line in lines:
        x = 24.0
        for left, width, _ in line:
            assert left == pytest.approx(x, abs=0.01)
            x += width
    fitted = {
        t.text: float(t.get("textLength", "0")) for t in tree.iter(_SVG + "text") if t.get("textLength")
    }
    assert fitted["漢"] == pytest.approx(2 * cell)
    assert fitted["e\u0301"] == pytest.approx(cell)
    steps = np.rint(16 * (np.tanh(_trace(_ODD + _TEXT)["1/cell"][:, 0].astype(np.float64)) + 1)).astype(int)
    drawn = [int(look[1:]) for _, width, look in lines[1] for _ in range(round(width / cell))]
    start = len(_ODD)
    assert drawn == steps[start : start + 21].tolist()


def test_right_to_left_text_keeps_the_order_of_its_cells_in_a_picture() -> None:
    hebrew, arabic = "שָׁלוֹם", "سلام (١٢)"
    line = f"a {hebrew} b {arabic} 漢字 c\n"
    tree = ElementTree.fromstring(picture(ColoredText.of(Selection(_trace(line)))))
    drawn = sorted(
        (float(text.get("x", "")), float(text.get("textLength", "")) / 8.4, text.text or "")
        for text in tree.iter(_SVG + "text")
        if text.get("textLength")
    )
    assert "".join(text for _, _, text in drawn).replace(" ", "") == line.replace(" ", "").replace("\n", "↵")
    for _, cells, text in drawn:
        base = [character for character in text if not unicodedata.combining(character)]
        assert cells == pytest.approx(sum(2 if character in "漢字" else 1 for character in base))
        if any(unicodedata.bidirectional(character) in ("R", "AL") for character in text):
            assert len(base) == 1  # alone, so that no viewer reorders it
    ends = [x + cells * 8.4 for x, cells, _ in drawn]
    assert all(end <= start + 0.01 for end, (start, _, _) in zip(ends, drawn[1:], strict=False))


def test_long_lines_and_long_facts_are_broken_in_a_picture() -> None:
    text = ColoredText.of(Selection(_trace("word " * 100)), facts=("x" * 150, *["fact"] * 30))
    tree = ElementTree.fromstring(picture(text))
    width = float(tree.get("width", ""))
    for rectangle in tree.iter(_SVG + "rect"):
        if rectangle.get("class") != "panel":
            assert float(rectangle.get("x", "")) + float(rectangle.get("width", "")) <= width - 23
    assert all(len(element.text or "") <= COLUMNS for element in tree.iter(_SVG + "text"))
    assert float(tree.get("height", "")) == 48 + 20 * (1 + 4 + 2 + 5)


def test_numbers_are_those_of_the_trace(tmp_path: Path) -> None:
    trace = _trace(_ODD + _TEXT)
    text = ColoredText.of(Selection(trace, layer=1, unit=4, quantity="forget"), start=7, facts=("a", "b"))
    values = trace["1/forget"][:, 4]
    for suffix in ("json", "csv", "npz"):
        text.save(tmp_path / f"t.{suffix}")
    loaded = json.loads((tmp_path / "t.json").read_text("ascii"))
    assert loaded["text"] == _ODD + _TEXT
    assert (loaded["unit"], loaded["quantity"], loaded["start"]) == ("1/4", "forget", 7)
    assert loaded["facts"] == ["a", "b"]
    assert np.array_equal(np.array(loaded["values"], np.float32), values)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert [int(row["position"]) for row in rows] == list(range(7, 7 + len(values)))
    assert "".join(chr(int(row["code_point"])) for row in rows) == _ODD + _TEXT
    assert np.array_equal(np.array([row["value"] for row in rows], np.float32), values)
    assert not set((tmp_path / "t.csv").read_text()) & set("\x00\x1b\t\u202e")
    with np.load(tmp_path / "t.npz") as arrays:
        assert np.array_equal(arrays["values"], values)
        assert "".join(map(chr, arrays["code_points"].tolist())) == _ODD + _TEXT
        assert str(arrays["unit"]) == "1/4"


@pytest.mark.parametrize(
    ("cell", "quantity", "activation"),
    [
        ("lstm", "cell", "tanh"),
        ("peephole", "cell", "softsign"),
        ("multiplicative", "factor", "tanh"),
        ("multiplicative", "factor", "softsign"),
    ],
)
def test_quantities_without_bounds_are_exported_as_recorded_and_as_colored(
    cell: str, quantity: str, activation: str, tmp_path: Path
) -> None:
    trace = _trace(_TEXT, cell, activation)
    raw = trace[f"1/{quantity}"][:, 2] * np.float32(20)
    trace = replace(trace, activations={**trace.activations, f"1/{quantity}": trace[f"1/{quantity}"] * 20})
    expected = np.tanh(raw) if activation == "tanh" else raw / (1 + abs(raw))
    assert abs(raw).max() > 1
    text = ColoredText.joined(
        [ColoredText.of(Selection(trace, unit=2, quantity=quantity))[a:b] for a, b in _PARTS]
    )
    for suffix in ("json", "csv", "npz"):
        text.save(tmp_path / f"t.{suffix}")
    loaded = json.loads((tmp_path / "t.json").read_text())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert (loaded["quantity"], loaded["squash"]) == (quantity, activation)
    with np.load(tmp_path / "t.npz") as arrays:
        assert str(arrays["squash"]) == activation
        for name, values in ((quantity, raw), (f"{quantity}_squashed", expected)):
            np.testing.assert_allclose(arrays[name], values, rtol=1e-6)
            np.testing.assert_allclose(loaded[name], values, rtol=1e-6)
            np.testing.assert_allclose([float(row[name]) for row in rows], values, rtol=1e-6)
        np.testing.assert_array_equal(arrays["values"], arrays[f"{quantity}_squashed"])
    assert loaded["values"] == loaded[f"{quantity}_squashed"]
    assert f"{quantity} {raw[0]:+.3f}, {activation} {expected[0]:+.3f}".replace("-", "−") in page(text)
    for source in (page(text), picture(text)):
        assert f"{activation}({quantity})" in source


def test_the_first_character_has_no_surprise(tmp_path: Path) -> None:
    trace = _trace(_TEXT)
    text = ColoredText.of(Selection(trace, coloring="surprisal"))
    text.save(tmp_path / "t.json")
    values = json.loads((tmp_path / "t.json").read_text())["values"]
    assert values[0] is None
    rows = np.arange(len(trace) - 1)
    expected = -trace.log_probabilities[rows, trace.ids[1:]] / np.log(2)
    assert values[1:] == pytest.approx(expected.tolist(), rel=1e-5)
    assert text.title(0) == "0  T  no prediction"
    assert text.title(1) == f"1  o  {expected[0]:.2f} bits"
    text.save(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "0,84,T,"


def test_surprise_needs_no_cell_state() -> None:
    trace = _trace(_TEXT, "gru")
    text = ColoredText.of(Selection(trace, coloring="surprisal"))
    np.testing.assert_allclose(text.values[1:], trace.surprise_bits)
    assert f"<trace of {len(_TEXT)} characters, GRU 2×6: 1/reset, " in repr(trace)
    assert Page(notebook_html(trace)).copied == _TEXT


def test_a_file_shows_the_selection_of_the_screen(tmp_path: Path) -> None:
    selection = Selection(
        _trace(_TEXT), unit=2, quantity="hidden", own_range=True, label=Label("column", 0.9, "ρ", "hidden")
    )
    text = ColoredText.of(selection, facts=("mine",))
    text.save(tmp_path / "view.HTML")
    source = (tmp_path / "view.HTML").read_text()
    assert "<h1>1/2 · column · hidden +, ρ 0.90</h1>" in source
    assert "own range" in source
    looks = {look.split()[0] for look, _, _ in Page(source).cells}
    assert looks & {"s0", "s32"}  # stretched to at least one end
    with pytest.raises(
        OptionError, match=r"^unsupported extension \.pdf; use \.html, \.svg, \.json, \.csv or"
    ):
        text.save(tmp_path / "x.pdf")
    with pytest.raises(OptionError, match=r"^view has no extension; use \.html"):
        text.save(tmp_path / "view")


def test_exporting_a_trace_does_not_import_torch() -> None:
    program = (
        "import sys, rnnscope.export.write, rnnscope.export.subject\n"
        "assert not {'torch', 'textual'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_empty_text_is_a_page_too() -> None:
    trace = _trace(_TEXT)
    nothing = replace(
        trace,
        ids=trace.ids[:0],
        log_probabilities=trace.log_probabilities[:0],
        activations={name: values[:0] for name, values in trace.activations.items()},
    )
    for selection in (Selection(nothing), Selection(nothing, coloring="surprisal")):
        text = ColoredText.of(selection)
        assert Page(page(text)).cells == []
        assert ElementTree.fromstring(picture(text)) is not None
