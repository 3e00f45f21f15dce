"""`rnnscope export`, and the display of traces and colored texts in a notebook."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import rnnscope
from rnnscope.cli import main
from rnnscope.errors import OptionError
from rnnscope.export.colored import PREVIEW
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.model import CharRNN
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.tracing.record import record
from rnnscope.tracing.trace import Trace
from tests.unit.pages import Page, notebook_html

_TEXT = "To be, or not to be:\n\nthat is\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.safetensors"
    vocabulary = Vocabulary.of(_TEXT)
    architecture = Architecture("lstm", len(vocabulary), 6, 2)
    network = CharRNN(architecture, vocabulary, generator=torch.Generator().manual_seed(5))
    save_model(network, path, {"step": 1234, "train_nats": 1.5, "held_out_nats": 2.25})
    return path


def test_the_command_writes_a_page_with_the_model_s_name_and_losses(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text(_TEXT)
    target = tmp_path / "page.html"
    arguments = ["export", str(model), str(tmp_path / "text"), "--unit", "2/3", "--quantity", "output"]
    assert main([*arguments, "-o", str(target)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{target}: {len(_TEXT)} characters colored by neuron 2/3, output\n"
    assert err == ""
    source = target.read_text()
    assert Page(source).copied == _TEXT
    for fact in ("small.safetensors", "LSTM 2×6", "step 1,234", "train 1.5000 nats", "held out 2.2500 nats"):
        assert fact in source
    target.write_text("old")
    assert main([*arguments, "-o", str(target)]) == 0
    assert target.read_text() == source


@pytest.mark.parametrize("quantity", ["cell", "surprise"])
def test_a_part_of_a_text_has_the_values_of_a_run_over_all(
    model: Path, tmp_path: Path, quantity: str
) -> None:
    text = _TEXT * 60
    (tmp_path / "text").write_text(text)
    trace = record(network := load_model(model), network.vocabulary.encode(text))
    expected = np.tanh(trace["1/cell"][:, 2])
    if quantity == "surprise":
        expected = np.concatenate(([np.nan], trace.surprise_bits))
    target = tmp_path / "numbers.npz"
    arguments = ["export", str(model), str(tmp_path / "text"), "--unit", "1/2", "--quantity", quantity]
    for start, length in ((0, 1), (1, 200), (777, 333)):
        chosen = ["--start", str(start), "--length", str(length), "-o", str(target)]
        assert main([*arguments, *chosen]) == 0
        with np.load(target) as arrays:
            assert int(arrays["start"]) == start
            assert "".join(map(chr, arrays["code_points"].tolist())) == text[start : start + length]
            np.testing.assert_allclose(arrays["values"], expected[start : start + length], atol=1e-5)
    assert main([*arguments, "-o", str(target)]) == 0
    with np.load(target) as arrays:
        np.testing.assert_allclose(arrays["values"], expected, atol=1e-5)


@pytest.mark.parametrize("quantity", ["cell", "output", "surprise"])
@pytest.mark.parametrize(("start", "length"), [(0, None), (0, 1), (1, 200), (50, 50), (333, 111), (599, 9)])
def test_a_text_is_colored_in_stretches_as_at_once(
    model: Path, quantity: str, start: int, length: int | None
) -> None:
    text = (_TEXT * 20)[:200] + "漢" + (_TEXT * 20)[201:]
    loaded = rnnscope.load(model)
    stop = len(text) if length is None else start + length
    part = {"start": start, "length": length}
    whole = rnnscope.color(rnnscope.Session(loaded, text), "1/2", quantity)[start:stop]
    for stretch in (50, 7):
        colored = rnnscope.color(rnnscope.Session(loaded, text), "1/2", quantity, stretch=stretch, **part)
        assert "".join(map(chr, colored.code_points.tolist())) == text[start:stop]
        assert colored.start == start
        np.testing.assert_allclose(colored.values, whole.values, atol=1e-5)
        assert (colored.raw is None) == (quantity != "cell")


def test_a_start_beyond_the_text_is_an_error(model: Path) -> None:
    session = rnnscope.Session(rnnscope.load(model), _TEXT)
    with pytest.raises(OptionError, match=f"the start is 90, but the text has {len(_TEXT)} characters"):
        rnnscope.color(session, "1/0", start=90)


def test_a_page_of_a_long_text_is_its_beginning_and_says_so(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text(_TEXT * 700)
    for suffix in ("html", "svg"):
        arguments = ["export", str(model), str(tmp_path / "text"), "--unit", "1/0"]
        assert main([*arguments, "-o", str(tmp_path / f"p.{suffix}")]) == 0
        out = capsys.readouterr().out
        assert "20,000 characters colored by neuron 1/0, cell\n" in out
        left = f"{700 * len(_TEXT) - 20_000:,}"
        assert f"{left} characters not written; choose others with --start and --length" in out


def test_characters_outside_the_vocabulary_are_shown_as_typed_and_counted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("be ß or 漢\r\n")
    target = tmp_path / "page.html"
    assert main(["export", str(model), str(tmp_path / "text"), "--unit", "1/0", "-o", str(target)]) == 0
    out = capsys.readouterr().out
    assert "1 CRLF line breaks are read as LF\n" in out
    assert "2 characters not in the vocabulary; shown as typed, read as ␣\n" in out
    assert Page(target.read_text()).copied == "be ß or 漢\n"


def test_a_text_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "bytes.safetensors"
    save_model(CharRNN(Architecture("gru", 256, 4), Vocabulary.of_bytes()), path, {})
    (tmp_path / "text").write_bytes("é\r\n".encode() + b"\xff")
    for suffix in ("html", "json", "csv"):
        arguments = ["export", str(path), str(tmp_path / "text"), "--unit", "1/0", "-o"]
        assert main([*arguments, str(tmp_path / f"t.{suffix}")]) == 0
    loaded = json.loads((tmp_path / "t.json").read_text())
    assert loaded["quantity"] == "hidden"
    assert bytes(loaded["bytes"]) == "é\r\n".encode() + b"\xff"
    assert len(loaded["values"]) == 5
    assert (tmp_path / "t.csv").read_text().splitlines()[1].startswith("0,195,\\xc3,")
    assert [glyph for _, _, glyph in Page((tmp_path / "t.html").read_text()).cells] == list("��␍↵�")


def test_the_help_says_which_of_the_exported_values_are_squashed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert (
        "numbers also hold the recorded state as `cell`, and `cell_squashed`, which equals `values`" in shown
    )
    assert "surprisal per character (no neuron needed)" in shown
    assert "Unknown characters are read as <unk>, or as a space." in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["-o", "x.pdf", "--unit", "1/0"],
            "unsupported extension .pdf; use .html, .svg, .json, .csv or .npz",
        ),
        (["-o", "page", "--unit", "1/0"], "page has no extension; use .html, "),
        (["-o", "no/x.svg", "--unit", "1/0"], "the directory no does not exist; create it or choose another"),
        (["-o", "x.svg"], "the unit is missing; give one of 1/0 to 2/5, or the quantity surprise"),
        (["-o", "x.svg", "--unit", "1/6"], "LSTM 2×6 has no unit 1/6; use LAYER/UNIT from 1/0 to 2/5"),
        (["-o", "x.svg", "--unit", "37"], "LSTM 2×6 has no unit 37; use LAYER/UNIT from 1/0 to 2/5"),
        (
            ["-o", "x.svg", "--unit", "1/0", "--quantity", "reset"],
            "LSTM 2×6 has no quantity reset; use one of input, forget, ",
        ),
        (["-o", "x.svg", "--unit", "1/0", "--start", "-1"], "--start is -1, but must be 0 or more"),
        (["-o", "x.svg", "--unit", "1/0", "--start", "31"], "--start is 31, but "),
        (["-o", "x.svg", "--unit", "1/0", "--length", "0"], "--length is 0, but must be at least 1"),
        (["--unit", "1/0"], "-o FILE is missing; see rnnscope export --help"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str],
    complaint: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_text(_TEXT)
    assert main(["export", str(model), "text", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text"]


def test_a_notebook_is_shown_traces_and_colored_texts(model: Path, tmp_path: Path) -> None:
    loaded = rnnscope.load(model)
    colored = loaded.color(_TEXT, "2/1", "hidden")
    assert np.array_equal(colored.values, loaded.trace(_TEXT)["2/hidden"][:, 1])
    assert repr(colored) == f"<{len(_TEXT)} characters colored by neuron 2/1, hidden>"
    shown = Page(notebook_html(colored))
    assert shown.copied == _TEXT
    assert shown.tags == {"div", "style", "h1", "p", "pre", "i"}
    assert "held out 2.2500 nats" in notebook_html(colored)
    colored.save(tmp_path / "t.svg")
    assert ElementTree.parse(tmp_path / "t.svg")

    trace = loaded.trace(_TEXT)
    assert isinstance(trace, Trace)
    assert repr(trace).startswith(f"<trace of {len(_TEXT)} characters, LSTM 2×6: 1/input, ")
    assert "surprise of each character" in notebook_html(trace)
    assert f"2/hidden: {len(_TEXT)} × 6 each" in notebook_html(trace)
    assert Page(notebook_html(trace)).copied == _TEXT
    with pytest.raises(OptionError, match="has no unit 3/0"):
        rnnscope.color(trace, "3/0")
    assert np.array_equal(rnnscope.color(trace, "2/1", "hidden").values, colored.values)


def test_a_notebook_is_shown_the_beginning_of_a_long_text(model: Path) -> None:
    text = _TEXT * (PREVIEW // len(_TEXT) + 2)
    colored = rnnscope.load(model).color(text, "1/0")
    source = notebook_html(colored)
    assert Page(source).copied == text[:PREVIEW]
    assert f"… and {len(text) - PREVIEW:,} more characters" in source
