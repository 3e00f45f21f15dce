"""`rnnscope present`: a talk, scene by scene, and its notes in a second terminal."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import platformdirs
import tyro

from rnnscope.commands import module_of, parsed
from rnnscope.commands.output import print_text
from rnnscope.commands.reading import has_screen, leave_at_once
from rnnscope.config import load_config
from rnnscope.errors import OptionError, RnnscopeError
from rnnscope.talk import Scene, Talk, read_talk
from rnnscope.theme.colors import ThemeChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from rnnscope.app.app import MainScreen
    from rnnscope.app.performance import Position
    from rnnscope.progress import Progress

SCREENS = ("inspect", "replay", "watch", "compare", "learn", "train")
"""The commands that a scene may have."""
_FRAMES = "120"
_LOOK_SECONDS = 0.2

EXAMPLES = (
    "rnnscope present --new talk.toml     write an example that runs on the sample models",
    "rnnscope present talk.toml           F9 and F8 go to the next and the previous scene",
    "rnnscope present talk.toml --notes   notes, next scene and clock, in a second terminal",
)


@dataclass(frozen=True)
class Options:
    """Show the scenes of a talk: F9 opens the next one, F8 the previous one; all other keys work, too."""

    talk: Annotated[Path, tyro.conf.Positional]
    """The file with the scenes."""
    new: bool = False
    """Write an example to the file, which must not exist."""
    notes: bool = False
    """Show the notes of the present scene, for a second terminal."""
    scene: int = 1
    """Begin with this scene."""
    theme: ThemeChoice = "auto"
    """Colors of the screens; auto asks the terminal for its background."""
    large: bool = False
    """Begin with the large layout: one or two panels and double-spaced text, for a large font."""
    record: Path | None = None
    """Record the talk in this new file, as an asciicast for asciinema."""


def run(options: Options) -> int:
    if options.new:
        return _write_example(options.talk)
    talk = read_talk(options.talk)
    if options.notes:
        return _show_notes(talk, position_file(options.talk))
    if not 1 <= options.scene <= len(talk.scenes):
        raise OptionError(f"--scene is {options.scene}, but must be from 1 to {len(talk.scenes)}")
    for number, scene in enumerate(talk.scenes, 1):  # on stage it would be too late
        with_scene(options.talk, number, scene, make)
    if not has_screen(plain=False, json=False):
        raise OptionError("present needs a terminal")

    os.environ.setdefault("TEXTUAL_FPS", _FRAMES)
    from rnnscope.app.app import RnnscopeApp, show
    from rnnscope.app.performance import PlayedTalk

    def made(scene: Scene) -> tuple[MainScreen, Callable[[Progress], object]]:
        screen, prepare = make(scene)
        if options.large and not scene.layout:
            screen.stage.open_large()
        return screen, prepare

    played = PlayedTalk(talk, made, start=options.scene - 1, position_file=position_file(options.talk))
    first = played.first
    app = RnnscopeApp(first, theme=options.theme, config=load_config(), performance=played)
    try:
        status = show(app, record=options.record)
    finally:
        played.end()
    leave_at_once(status, first.jobs)
    return status


def make(scene: Scene) -> tuple[MainScreen, Callable[[Progress], object]]:
    """The screen of a scene, and what computes ahead what it shows first. Raises RnnscopeError."""
    command, *arguments = scene.words
    if command not in SCREENS:
        raise OptionError(f"{command} has no screen; a scene has one of {', '.join(SCREENS)}")
    options = parsed(command, arguments)
    if options is None:
        raise OptionError(f"{scene.command} shows a help text, no screen")
    made = module_of(command).opened(options)
    panels = made.screen.stage
    if scene.layout and scene.layout not in panels.layouts:
        raise OptionError(f"there is no layout {scene.layout}; there are {', '.join(panels.layouts)}")
    return made.screen, made.prepare


def with_scene(path: Path, number: int, scene: Scene, make: Callable[[Scene], Any]) -> None:
    """Check a scene. Raises OptionError, which names the file and the scene."""
    try:
        make(scene)
    except (RnnscopeError, OSError) as error:
        raise OptionError(f"{path}: scene {number}: {error}") from None


def position_file(talk: Path) -> Path:
    """Where a talk says which scene is shown."""
    name = hashlib.sha256(os.fsencode(talk.resolve())).hexdigest()[:16]
    return platformdirs.user_state_path("rnnscope", appauthor=False) / "talks" / f"{name}.json"


# -- notes -----------------------------------------------------------------------------------------------


def _show_notes(talk: Talk, position: Path) -> int:
    """Show the notes of the scene that is on stage, until Ctrl-C or the end of the talk."""
    from rich.console import Console
    from rich.live import Live

    from rnnscope.app.performance import read_position

    console = Console()
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while True:
            now = read_position(position)
            live.update(notes_of(talk, now, time.time()), refresh=True)
            if not console.is_terminal or (now is not None and now.has_ended):
                return 0
            time.sleep(_LOOK_SECONDS)


def notes_of(talk: Talk, position: Position | None, now: float) -> RenderableType:
    """The clock, the scene with its notes, and the next one."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.text import Text

    if position is None or position.scene >= len(talk.scenes):
        return Text("the talk has not begun: rnnscope present in the other terminal", style="dim")
    scene = talk.scenes[position.scene]
    following = talk.scenes[position.scene + 1] if position.scene + 1 < len(talk.scenes) else None
    clock = f"{_clock(now - position.began)}   scene {_clock(now - position.scene_began)}"
    return Group(
        Text(f"{talk.title or 'talk'}   {clock}", style="bold"),
        Rule(style="dim"),
        Text(f"{position.scene + 1}/{len(talk.scenes)}  {scene.name}", style="bold"),
        Padding(Text(scene.note.strip() or "no note"), (1, 2)),
        Text("next: " + (following.name if following is not None else "the end"), style="dim"),
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}"


# -- a new file --------------------------------------------------------------------------------------------


def _write_example(path: Path) -> int:
    """Write an example. Raises OptionError if the file exists."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example())
    except FileExistsError:
        raise OptionError(f"{path} exists; remove it, or give another name") from None
    except OSError as error:
        raise OptionError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    print_text(f"{path}: edit it, and show it by rnnscope present {path}")
    return 0


def example() -> str:
    """A talk on the sample models, with every key explained."""
    from rnnscope.commands.parsing import field_docs

    docs = field_docs(Scene)
    keys = "\n".join(f"#   {each.name:8} {docs[each.name]}" for each in fields(Scene))
    return _EXAMPLE.replace("KEYS", keys)


_EXAMPLE = """\
# A talk for rnnscope present. Each [[scene]] is a command with a screen:
#
KEYS
#
# F9 opens the next scene, F8 the previous one. In a second terminal: rnnscope present FILE --notes

title = "What a recurrent network learns"
clicker = false   # true: Page Down and Page Up turn to the next and the previous scene

[[scene]]
title = "A trained network"
command = "inspect archive-lstm --fresh"
note = '''
Blue is high, amber is low. The neuron switches on where its feature begins.
Arrow keys move through the text and the neurons.
'''

[[scene]]
title = "Quotes"
command = "inspect archive-lstm --find quotes --fresh"
note = "Which neuron knows that it is inside quotes? Selected on one half of the text, scored on the other."

[[scene]]
title = "For the last row"
command = "inspect archive-lstm --find comment --fresh"
present = true
note = "Double spacing, a caption, the gates. Esc shows all panels again."

[[scene]]
title = "Does the network use it?"
command = "inspect archive-lstm --find quotes --view ablate --fresh"
note = "x clamps the neuron to 0: where does the loss rise?"

[[scene]]
title = "Where a prediction comes from"
command = "inspect archive-lstm --view attribution --fresh"
note = "i: the gradient of one prediction with respect to the characters before it."

[[scene]]
title = "Gradients through time: LSTM and RNN"
command = "inspect archive-lstm --view gradient-flow --fresh"
note = "The RNN forgets within a few steps; the cell state of the LSTM keeps the gradient."

[[scene]]
title = "LSTM against GRU"
command = "compare archive-lstm archive-gru"
note = "Which characters does each predict better? Units that correlate."

[[scene]]
title = "A plain RNN"
command = "inspect archive-rnn --fresh"
layout = "reading"
note = "The same text under a plain RNN: fewer neurons with a meaning."

[[scene]]
title = "Live training"
command = "train archive --minutes 5"
note = "From babble to words. Leave it running and come back to it with F8."

[[scene]]
title = "Gates"
command = "inspect archive-gru --fresh"
layout = "gates"
note = "A GRU has two gates and no cell state."

[[scene]]
title = "Shakespeare"
command = "inspect shakespeare --fresh"
note = "r lets it write on from the cursor."

[[scene]]
title = "Thank you"
command = "inspect archive-lstm --fresh"
zoom = "passage"
note = "Questions."
"""
