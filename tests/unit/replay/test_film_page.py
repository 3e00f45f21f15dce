"""The page of a film: its numbers are those of the snapshots, and it stays small."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnscope.analysis.find import Find
from rnnscope.cli import main
from rnnscope.errors import OptionError
from rnnscope.export.film_page import film_page
from rnnscope.replay.biography import score_at
from rnnscope.replay.film import Film, Settings
from rnnscope.replay.film_data import CHARACTERS, film_data
from tests.scripted_run import STEPS, TEXT, ScriptedRun, activations, write_run

PASSAGE = TEXT[:CHARACTERS]


def data_in(page: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    return data


def array(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape) / 255


def test_the_page_has_what_the_snapshots_compute(run: ScriptedRun) -> None:
    film = Film(run.directory, str(run.text))
    page = film_page(film_data(film, units=((1, 3, "auto"), (1, 4, "input")), query=Find(feature="quotes")))
    data = data_in(page)
    count, length = len(STEPS), len(PASSAGE)
    assert data["steps"] == list(STEPS)
    assert "".join(data["glyphs"][i] for i in data["ids"]) == PASSAGE.replace("\n", "↵")
    assert [unit["name"] for unit in data["units"][:2]] == ["1/3, cell", "1/4, input"]
    given = array(data["probabilities"], count, length)
    predicted = np.frombuffer(base64.b64decode(data["predicted"]), np.uint8).reshape(count, length, 3)
    predicted_p = array(data["predictedProbabilities"], count, length, 3)
    ids = np.array([sorted(set(TEXT)).index(character) for character in PASSAGE])
    for number, step in enumerate(STEPS):
        values, log_probabilities = activations(run.snapshot(step), PASSAGE)
        probabilities = np.exp(log_probabilities)
        for unit in data["units"]:
            at, quantity = unit["name"].split(", ")
            expected = values[quantity][:, int(at.removeprefix("1/"))]
            shown = array(unit["values"], count, length)[number]
            shown = shown if unit["kind"] == "gate" else 2 * shown - 1
            expected = np.tanh(expected) if quantity == "cell" else expected
            np.testing.assert_allclose(shown, expected, atol=1 / 255 + 1e-5)
        np.testing.assert_allclose(
            given[number, 1:], probabilities[np.arange(length - 1), ids[1:]], atol=0.5 / 255 + 1e-5
        )
        best = np.sort(probabilities, axis=1)[:, :-4:-1]
        np.testing.assert_allclose(predicted_p[number], best, atol=0.5 / 255 + 1e-5)
        np.testing.assert_allclose(
            probabilities[np.arange(length)[:, None], predicted[number]], best, atol=1e-5
        )
    frame = film.frame(64)
    sample = data["samples"][-1]
    assert "".join(sample["characters"]) == frame.sample.text
    np.testing.assert_allclose(
        array(sample["probabilities"], -1), frame.sample.probabilities, atol=0.5 / 255 + 1e-5
    )
    assert data["heldOut"] == [[step, pytest.approx(nats, abs=1e-4)] for step, nats in run.losses]


def test_units_have_the_scores_of_a_search_at_every_snapshot(run: ScriptedRun) -> None:
    film = Film(run.directory, str(run.text))
    query = Find(pattern='"[^"]*"', characters=4000)
    data = film_data(film, query=query)
    for number, step in enumerate(STEPS):
        every = score_at(film, step, query, Settings())
        for unit in data.units[:4]:
            expected = every.of(unit.layer, unit.unit, unit.quantity)
            assert unit.scores[number] == pytest.approx(expected, abs=1e-6)
    assert {unit.feature for unit in data.units[:4]} == {'"[^"]*"'}
    assert len({(unit.layer, unit.unit) for unit in data.units}) == len(data.units)
    with pytest.raises(OptionError, match="no unit 1/99"):
        film_data(film, units=((1, 99, "cell"),))


def test_a_page_has_as_many_units_as_there_is_room_for(run: ScriptedRun) -> None:
    film = Film(run.directory, str(run.text))
    few = film_data(film, most_bytes=len(STEPS) * len(PASSAGE) * 12)
    assert len(few.units) == 2
    assert len(film_data(film, most_bytes=1).units) == 1


def test_the_command_writes_a_page_that_loads_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path)
    run.snapshot(6).write_bytes(b"")
    shutil.copy(run.text, tmp_path / "<b>.txt")
    output = tmp_path / "film.html"
    arguments = ["replay", str(run.directory), str(tmp_path / "<b>.txt"), "--export", str(output)]
    assert main([*arguments, "--unit", "1/2", "--find", "quotes"]) == 0
    said = capsys.readouterr().out
    assert "skipped: " in said
    assert "6.safetensors is not a model" in said
    assert f"{output}: {len(STEPS) - 1} snapshots" in said
    page = output.read_text(encoding="utf-8")
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|src=|@import|url\(", page)
    assert "<b>" not in page.split("<script")[0]
    assert data_in(page)["units"][0]["name"] == "1/2, cell"
    for wrong, reason in (
        (["--export", str(tmp_path / "film.txt")], "not an HTML file"),
        (["--export", str(tmp_path / "none" / "film.html")], "does not exist"),
        (["--export", str(output), "--unit", "2/0"], "there is no layer 2"),
        (["--export", str(output), "--unit", "x"], "x is not a unit"),
        (["--export", str(output), "--find", "zebra"], "zebra is nowhere"),
    ):
        assert main(["replay", str(run.directory), *wrong]) == 2
        assert reason in capsys.readouterr().err
