"""A talk: its file, its scenes one after another, and the notes in a second terminal."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from textual.pilot import Pilot

from rnnscope.app.app import RnnscopeApp
from rnnscope.app.performance import PlayedTalk, Position, read_position
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.app.screens.runs import RunsScreen
from rnnscope.cli import main
from rnnscope.commands.present import example, make, notes_of
from rnnscope.errors import OptionError
from rnnscope.network.architecture import Architecture
from rnnscope.network.checkpoint import save_model
from rnnscope.network.model import CharRNN
from rnnscope.talk import Scene, Talk, parse_talk
from rnnscope.text.vocabulary import Vocabulary
from tests.unit.training.test_overview import begun, evaluated

TEXT = 'A scene, "on stage", of (some) text.\n' * 30


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """Three scenes: a model, two runs, and the model again."""
    vocabulary = Vocabulary.of(TEXT)
    shape = Architecture("lstm", len(vocabulary), 8, 1)
    model = CharRNN(shape, vocabulary, generator=torch.Generator().manual_seed(3))
    save_model(model, tmp_path / "model.safetensors", {})
    (tmp_path / "text.txt").write_text(TEXT)
    for name in ("one", "two"):
        with begun(tmp_path / "runs", name) as run:
            run.write(evaluated(5, 1.5))
    inspect = f"inspect {tmp_path}/model.safetensors {tmp_path}/text.txt --fresh"
    return Talk(
        "a talk",
        clicker=True,
        scenes=(
            Scene(inspect, "the model", note="say hello"),
            Scene(f"watch {tmp_path}/runs", note="many runs"),
            Scene(f"{inspect} --neuron 1/3 --quantity forget", "a gate", zoom="passage"),
        ),
    )


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    for _ in range(500):
        await pilot.pause(0.02)
        if holds():
            return
    raise AssertionError


async def test_scenes_open_one_after_another_and_keep_their_state(talk: Talk, tmp_path: Path) -> None:
    place = tmp_path / "position.json"
    times = iter(range(100, 1000))
    played = PlayedTalk(talk, make, position_file=place, clock=lambda: float(next(times)))
    first = played.first
    app = RnnscopeApp(first, theme="dark", depth="truecolor", performance=played)
    async with app.run_test(size=(100, 30)) as pilot:
        assert isinstance(first, InspectScreen)
        await until(pilot, lambda: first.scope.selection is not None)
        assert read_position(place) == Position(0, 100.0, 101.0)
        await pilot.press("down", "down")
        chosen = first.scope.selection
        assert chosen is not None

        await pilot.press("question_mark", "f9")  # from the help, too
        second = app.screen
        assert isinstance(second, RunsScreen)
        await until(pilot, lambda: len(second.runs) == 2)
        position = read_position(place)
        assert position is not None
        assert position.scene == 1

        await pilot.press("pagedown")
        third = app.screen
        assert isinstance(third, InspectScreen)
        await until(pilot, lambda: third.scope.selection is not None)
        shown = third.scope.selection
        assert shown is not None
        assert (shown.layer, shown.unit, shown.quantity) == (1, 3, "forget")
        assert [panel.id for panel in third.stage.panels] == ["passage"]
        await pilot.press("f9")
        assert app.screen is third  # the last one

        await pilot.press("pageup", "f8")
        assert app.screen is first
        again = first.scope.selection
        assert again is not None
        assert (again.layer, again.unit) == (chosen.layer, chosen.unit)
        await pilot.press("f8")
        assert app.screen is first
        await pilot.press("q")
    played.end()
    position = read_position(place)
    assert position is not None
    assert position.has_ended


def test_the_notes_show_the_scene_the_next_one_and_the_clock(talk: Talk) -> None:
    def printed(position: Position | None, now: float) -> str:
        console = Console(file=io.StringIO(), width=60)
        console.print(notes_of(talk, position, now))
        return console.file.getvalue()  # type: ignore[attr-defined]

    assert "has not begun" in printed(None, 0)
    text = printed(Position(0, 100, 160), 185)
    for part in ("a talk   1:25   scene 0:25", "1/3  the model", "say hello", "next: watch"):
        assert part in text
    assert "next: the end" in printed(Position(2, 100, 160), 185)


def test_every_scene_of_the_example_opens() -> None:
    talk = parse_talk(example())
    assert len(talk.scenes) >= 12
    for scene in talk.scenes:
        screen, prepare = make(scene)
        assert callable(prepare)
        assert not scene.zoom or scene.zoom == "passage"
        screen.jobs.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it has no scene: begin each with"),
        ("x = 1 2", "it is not TOML: expected newline or end of document after a statement (at line 1"),
        ("titel = 1", "there is no key titel; did you mean title?"),
        ("[[scene]]\nnote = 'a'", "scene 1 lacks 'command'"),
        ("[[scene]]\ncommand = 3", "scene 1.command is 3, not a text"),
        ("[[scene]]\ncommand = 'inspect'\nzom = 'x'", "scene 1: there is no key zom; did you mean zoom?"),
        ("[[scene]]\ncommand = ' '", "scene 1: the command is empty"),
        ("[[scene]]\ncommand = 'inspect \"a'", "no closing quotation"),
        ("clicker = 1\n[[scene]]\ncommand = 'inspect'", "clicker is 1, not true or false"),
        ("scene = [1]", "scene 1 is no table"),
    ],
)
def test_a_mistake_in_a_talk_is_one_line(text: str, reason: str) -> None:
    with pytest.raises(OptionError) as error:
        parse_talk(text)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("info archive-gru", "scene 1: info has no screen; a scene has one of inspect, replay,"),
        ("inspect archive-gr", "scene 1: there is no model archive-gr"),
        ("inspect archive-gru --neuron 1/999", "scene 1: --neuron: there is no neuron 1/999"),
        ("replay nowhere", "scene 1: nowhere"),
        ("inspect --help", "scene 1: inspect --help shows a help text"),
        ("inspect --no-such", "scene 1: unrecognized option"),
    ],
)
def test_a_scene_that_cannot_open_is_said_at_the_start(
    command: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "talk.toml"
    path.write_text(f"[[scene]]\ncommand = {command!r}\n")
    assert main(["present", str(path)]) == 2
    assert reason in capsys.readouterr().err


def test_a_new_talk_replaces_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "talk.toml"
    assert main(["present", str(path)]) == 2
    assert f"rnnscope present --new {path} writes an example" in capsys.readouterr().err
    assert main(["present", "--new", str(path)]) == 0
    assert parse_talk(path.read_text()).title
    assert main(["present", str(path), "--new"]) == 2
    assert "exists; remove it" in capsys.readouterr().err
    assert main(["present", str(path), "--scene", "99"]) == 2
    assert "--scene is 99, but must be from 1 to 12" in capsys.readouterr().err
