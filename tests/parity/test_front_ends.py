"""Every query gives one answer, whoever asks: the Python API, the command line and the screens.

A query without an example here fails the first test, so that a new analysis cannot be left out.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.cells import cell_len

import rnnscope
from rnnscope.analysis import QUERIES
from rnnscope.analysis.query import Query
from rnnscope.cli import main
from rnnscope.commands.analyze import parse
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.render import render
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.theme.palette import palette
from tests.unit.pages import notebook_html

TEXT = "".join(
    f'"Entry {number}", he said (and wrote [{number * 7 % 10}]): it is\n'
    + "no more than a line.\n\n" * (number % 3)
    for number in range(60)
)
TRAINING_TEXT = TEXT[::-1] * 2

EXAMPLES: dict[str, dict[str, Any]] = {
    "brackets": {},
    "errors": {},
    "compare": {"other": "archive-gru", "limit": 3, "sample": 20},
    "gradient-flow": {"distance": 10, "losses": 4},
    "ngrams": {"limit": 3},
    "saturation": {},
    "names": {},
    "contexts": {"layer": 2, "unit": 3, "limit": 4},
    "histogram": {"layer": 1, "unit": 5, "quantity": "forget"},
    "match": {"start": 40, "stop": 43, "threshold": 0.2},
    "factors": {"layer": 2, "count": 4, "stop": 30},
    "ablate": {"units": ("1/3", "2/4"), "mean": True, "sample": 40},
    "saliency": {"position": 200, "window": 50},
}
"""The fields that a query has no default for, by its name; everything else is asked with its defaults."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a small LSTM and the text that every front end reads."""
    directory = tmp_path_factory.mktemp("parity")
    vocabulary = Vocabulary.of(TEXT)
    generator = torch.Generator().manual_seed(3)
    model = CharRNN(Architecture("lstm", len(vocabulary), 12, 2), vocabulary, generator=generator)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.normal_(std=0.8, generator=generator)
    (directory / "text.txt").write_text(TEXT)
    (directory / "training.txt").write_text(TRAINING_TEXT)
    save_model(model, directory / "model.safetensors", {"options": {"text": str(directory / "training.txt")}})
    return directory


def example(name: str) -> Query[Any]:
    return QUERIES[name](**EXAMPLES[name])


def arguments_of(query: Query[Any]) -> list[str]:
    """The options that name the fields which differ from their defaults."""
    arguments = []
    for field in dataclasses.fields(query):
        value = getattr(query, field.name)
        if value == field.default:
            continue
        option = f"--{field.name.replace('_', '-')}"
        if value is True:
            arguments.append(option)
            continue
        values = value if isinstance(value, tuple) else (value,)
        arguments += [option, *map(str, values)]
    return arguments


def test_every_query_has_an_example() -> None:
    assert set(EXAMPLES) == set(QUERIES)


@pytest.mark.parametrize("name", QUERIES)
def test_the_example_of_the_help_is_valid(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", name, "--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    first = shown.index("examples:") + 1
    assert shown[first:] == [
        f"  rnnscope analyze archive-lstm archive {name} {QUERIES[name].example}",
        f"  rnnscope analyze runs/NAME notes.txt {name} {QUERIES[name].example} --json",
    ]
    options = parse(shown[first].split()[2:])
    assert options.query.check(rnnscope.load("archive-lstm").architecture) is None


@pytest.mark.parametrize("name", QUERIES)
def test_the_command_line_prints_what_a_session_answers(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = example(name)
    session = rnnscope.Session.open(str(home / "model.safetensors"), str(home / "text.txt"))
    expected = session.ask(query).to_dict()
    given = ["analyze", str(home / "model.safetensors"), str(home / "text.txt"), name, *arguments_of(query)]
    assert main([*given, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == json.loads(json.dumps(expected, allow_nan=False))


@pytest.mark.parametrize("name", QUERIES)
def test_a_result_is_printed_and_shown_in_a_notebook(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = example(name)
    session = rnnscope.Session.open(str(home / "model.safetensors"), str(home / "text.txt"))
    html = notebook_html(session.ask(query))
    assert "<script" not in html
    given = ["analyze", str(home / "model.safetensors"), str(home / "text.txt"), name, *arguments_of(query)]
    assert main(given) == 0
    out, _ = capsys.readouterr()
    assert out.strip()
    assert "\x1b" not in out


@pytest.mark.parametrize("name", QUERIES)
def test_the_lines_of_a_result_fit_any_width(name: str, home: Path) -> None:
    session = rnnscope.Session.open(str(home / "model.safetensors"), str(home / "text.txt"))
    report = render(session.ask(example(name)))
    colors = palette("dark", "truecolor")
    for width in (40, 57, 80, 120):
        for line in report.lines:
            row = line.draw(colors, colors.ink, width)
            assert sum(cell_len(segment.text) for segment in row) <= width
