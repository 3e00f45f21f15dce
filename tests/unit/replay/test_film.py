"""Frames of a run that other code trained: every number is that of its snapshot."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from rnnscope.errors import CheckpointError, RunError
from rnnscope.replay.film import PASSAGE_CHARACTERS, Film, Settings
from rnnscope.training.run import Run
from tests.scripted_run import STEPS, TEXT, ScriptedRun, activations, write_run


def test_every_frame_is_computed_from_its_snapshot(run: ScriptedRun) -> None:
    film = Film(run.directory, str(run.text))
    assert film.steps == STEPS
    samples = {}
    for step in film.steps:
        frame = film.frame(step)
        expected, log_probabilities = activations(run.snapshot(step), TEXT[:PASSAGE_CHARACTERS])
        assert frame.trace.text == TEXT[: len(frame.trace)]
        assert (frame.step, frame.trace.step, frame.elapsed_seconds) == (step, step, step / 10)
        for quantity, values in expected.items():
            np.testing.assert_allclose(frame.trace[f"1/{quantity}"], values, atol=1e-5)
        np.testing.assert_allclose(frame.trace.log_probabilities, log_probabilities, atol=1e-5)
        samples[step] = frame.sample
    _check_sample(run, samples[64])
    assert samples[0].text != samples[64].text


def _check_sample(run: ScriptedRun, sample: object) -> None:
    """The probabilities of a sample are the network's, after the line break that it begins with."""
    text, probabilities = "\n" + sample.text, sample.probabilities  # type: ignore[attr-defined]
    _, expected = activations(run.snapshot(64), text)
    symbols = sorted(set(TEXT))
    truth = [np.exp(expected[t, symbols.index(text[t + 1])]) for t in range(len(text) - 1)]
    np.testing.assert_allclose(probabilities, truth, atol=1e-5)


def test_settings_hold_for_all_frames(run: ScriptedRun) -> None:
    film = Film(run.directory, str(run.text))
    settings = Settings(passage='a "bell" at seven', prime="the ", temperature=0.5)
    frames = [film.frame(step, settings) for step in (8, 64, 8)]
    assert frames[0] is frames[2], "kept"
    assert film.kept(8) is None, "another passage"
    assert [frame.trace.text for frame in frames] == ['a "bell" at seven'] * 3
    assert [frame.sample.prime for frame in frames] == ["the "] * 3
    again = Film(run.directory, str(run.text)).frame(8, settings)
    assert again.sample.text == frames[0].sample.text, "one seed"
    other = film.frame(8, Settings(passage='a "bell" at seven', prime="the ", temperature=0.5, samples=1))
    assert other.sample.text != frames[0].sample.text
    later = film.frame(8, Settings(at=0.5))
    assert later.trace.text.startswith(("the bell", "she said")), "from the beginning of a line"
    assert TEXT.find(later.trace.text) >= 0


def test_few_frames_are_kept_in_memory(run: ScriptedRun) -> None:
    film = Film(run.directory, str(run.text), kept_bytes=1)
    for step in film.steps:
        film.frame(step)
    assert [step for step in film.steps if film.kept(step)] == list(STEPS[-4:])


def test_damaged_missing_and_foreign_snapshots_are_left_out_with_a_reason(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    run.snapshot(64).write_bytes(run.snapshot(64).read_bytes()[:-40])
    run.snapshot(8).write_bytes(b"")
    shutil.copy("sample_models/archive-gru.safetensors", run.snapshot(16))
    film = Film(run.directory, str(run.text))
    run.snapshot(4).unlink()
    for step, reason in ((8, "not a safetensors file"), (16, "another network"), (4, "cannot be read")):
        with pytest.raises(CheckpointError, match=reason):
            film.frame(step)
    assert film.steps == tuple(step for step in STEPS if step not in (4, 8, 16, 64))
    assert "cut short" in film.damaged[64], "the text was opened with the newest that can be read"
    assert film.frame(48).trace.text


def test_new_snapshots_of_a_running_run_appear(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    later = tmp_path / "64"
    run.snapshot(64).rename(later)
    run.snapshot(48).write_bytes(b"")
    film = Film(run.directory, str(run.text))
    with pytest.raises(CheckpointError):
        film.frame(48)
    assert not film.refresh()
    later.rename(run.snapshot(64))
    shutil.copy(run.snapshot(32), run.snapshot(48))
    os.utime(run.snapshot(48), (1, 1))
    assert film.refresh()
    assert film.steps == STEPS
    assert film.frame(48).trace.text


@pytest.mark.parametrize("has_log", [True, False])
def test_a_text_is_found_without_the_record_of_a_run(tmp_path: Path, has_log: bool) -> None:
    run = write_run(tmp_path, has_log=has_log)
    film = Film(run.directory)
    assert len(film.frame(64).trace) > 100, "the newest network wrote it"
    assert film.source == "written by the model"
    assert film.frame(0).trace.text == film.frame(64).trace.text


def test_directories_without_a_film_are_errors(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist"):
        Film(tmp_path / "none")
    with pytest.raises(RunError, match="holds no run"):
        Film(tmp_path)
    Run.create(tmp_path / "run", {"options": {}}).close()
    with pytest.raises(RunError, match="has no snapshots to replay"):
        Film(tmp_path / "run")
    run = write_run(tmp_path / "damaged")
    for step in STEPS:
        run.snapshot(step).write_bytes(b"")
    with pytest.raises(RunError, match="no snapshot can be read"):
        Film(run.directory).frame(64)
