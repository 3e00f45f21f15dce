"""A talk: a list of scenes in a TOML file, each a command with a screen, and notes for the speaker.

title = "What a recurrent network learns"

[[scene]]
command = "inspect archive-lstm --find quotes"
note = "Wait until the unit switches on inside the quotes."

[[scene]]
command = "replay runs/NAME --speed 4x"
zoom = "sample"
"""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from rnnscope.errors import OptionError, similar
from rnnscope.files import read_regular_file
from rnnscope.strict_json import JsonError, decode

_LARGEST_BYTES = 1 << 20


@dataclass(frozen=True)
class Scene:
    """One scene; the docstrings of the fields are the comments of a new file."""

    command: str
    """What would be typed after `rnnscope`: inspect, replay, watch, compare, learn or train."""
    title: str = ""
    """Shown for a few seconds when the scene opens."""
    note: str = ""
    """For the speaker alone, in the terminal of --notes."""
    layout: str = ""
    """The layout of the panels, such as reading or gates."""
    zoom: str = ""
    """A panel that fills the screen, such as passage, gates or loss."""
    present: bool = False
    """Whether only the passage, a caption and the gates are shown, double-spaced."""

    @property
    def words(self) -> list[str]:
        """The command and its arguments. Raises OptionError for an open quote."""
        try:
            return shlex.split(self.command)
        except ValueError as error:
            raise OptionError(f"{self.command}: {str(error).lower()}") from None

    @property
    def name(self) -> str:
        """The title, or the command."""
        return self.title or self.command


@dataclass(frozen=True)
class Talk:
    """The scenes of a talk."""

    title: str = ""
    clicker: bool = False
    """Whether Page Down and Page Up go to the next and the previous scene, as clickers send them."""
    scenes: tuple[Scene, ...] = field(default_factory=tuple)


def read_talk(path: Path) -> Talk:
    """The talk in a file. Raises OptionError, which names the file and the scene."""
    try:
        text = read_regular_file(path, max_bytes=_LARGEST_BYTES).decode()
    except FileNotFoundError:
        advice = f"rnnscope present --new {path} writes an example"
        raise OptionError(f"there is no file {path}; {advice}") from None
    except OSError as error:
        raise OptionError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError:
        raise OptionError(f"{path}: it is not UTF-8 text") from None
    try:
        return parse_talk(text)
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from None


def parse_talk(text: str) -> Talk:
    """The talk in TOML text. Raises OptionError for a mistake."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = str(error)
        raise OptionError(f"it is not TOML: {message[:1].lower()}{message[1:]}") from None
    _require_known(values, ("title", "clicker", "scene"), "")
    scenes = values.get("scene", [])
    if not isinstance(scenes, list) or not scenes:
        raise OptionError("it has no scene: begin each with [[scene]] and a command")
    found = []
    for number, scene in enumerate(scenes, 1):
        where = f"scene {number}"
        if not isinstance(scene, dict):
            raise OptionError(f"{where} is no table: begin it with [[scene]]")
        _require_known(scene, [each.name for each in fields(Scene)], f"{where}: ")
        try:
            found.append(decode(Scene, scene, where))
        except JsonError as error:
            raise OptionError(str(error)) from None
        if not found[-1].words:
            raise OptionError(f"{where}: the command is empty")
    try:
        return Talk(
            decode(str, values.get("title", ""), "title"),
            decode(bool, values.get("clicker", False), "clicker"),
            tuple(found),
        )
    except JsonError as error:
        raise OptionError(str(error)) from None


def _require_known(values: Mapping[str, object], names: tuple[str, ...] | list[str], where: str) -> None:
    for name in values:
        if name not in names:
            near = similar(name, names)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
            raise OptionError(f"{where}there is no key {name}; {hint}")
