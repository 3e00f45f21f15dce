"""The user's configuration: defaults of options, and keys, in one TOML file.

    theme = "light"

    [train]
    cell = "gru"

    [keys]
    zoom = ["z", "ctrl+f"]

Options that are typed win over the file. A mistake in it is an OptionError that names the file and the key.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

import platformdirs

from rnnscope.errors import OptionError, similar
from rnnscope.files import read_regular_file
from rnnscope.strict_json import JsonError, decode
from rnnscope.theme.colors import ThemeChoice
from rnnscope.training.options import DeviceName, TrainOptions

VARIABLE = "RNNSCOPE_CONFIG"
"""The environment variable that names another file; an empty value means no file."""

_OF_ONE_RUN = ("text", "run", "resume", "rescue", "device")
"""Options of `train` that have no default in the file; `device` is a separate key."""
_LARGEST_BYTES = 1 << 20


@dataclass(frozen=True)
class Config:
    """The settings in a file; the docstrings of the fields are what `rnnscope config` prints."""

    theme: ThemeChoice = "auto"
    """Colors of the screens; auto is dark or light, as the background of the terminal is."""
    device: DeviceName = "auto"
    """Where train computes; auto takes CUDA, then MPS, then the CPU."""
    layout: Mapping[str, str] = field(default_factory=dict)
    """The layout with which a screen opens, by its name on the keys 1 to 6; otherwise the last one used."""
    train: Mapping[str, object] = field(default_factory=dict)
    """Defaults of the options of `rnnscope train`; a resumed run keeps its own."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Keys of actions, in place of the default ones; a key has one action per screen."""

    @property
    def train_options(self) -> dict[str, object]:
        """The defaults of `train` by the names of the fields of TrainOptions."""
        return {
            "device": self.device,
            **{name.replace("-", "_"): value for name, value in self.train.items()},
        }


def config_path() -> Path | None:
    """The file that `RNNSCOPE_CONFIG` names, or the one in the user's configuration directory.

    None if the variable is empty.
    """
    named = os.environ.get(VARIABLE)
    if named is None:
        return platformdirs.user_config_path("rnnscope") / "config.toml"
    return Path(named).expanduser() if named else None


def load_config() -> Config:
    """The configuration of the user; the default one where there is no file.

    Raises OptionError for a mistake in the file, and for a missing file that `RNNSCOPE_CONFIG` names.
    """
    path = config_path()
    if path is None:
        return Config()
    try:
        content = read_regular_file(path, max_bytes=_LARGEST_BYTES)
    except FileNotFoundError:
        if VARIABLE in os.environ:
            raise OptionError(f"there is no file {path}, which {VARIABLE} names") from None
        return Config()
    except OSError as error:
        raise OptionError(f"{path}: {(error.strerror or str(error)).lower()}") from error
    try:
        return parse_config(content.decode())
    except UnicodeDecodeError:
        raise OptionError(f"{path}: it is not UTF-8 text") from None
    except OptionError as error:
        raise OptionError(f"{path}: {error}") from None


def parse_config(text: str) -> Config:
    """The configuration in TOML text.

    Raises OptionError for text that is not TOML, with the line; for an unknown key, with the most similar
    one; and for a value of another type. Ranges and conflicts of the options of `train` are checked when they
    are used; names of layouts and keys of actions by the commands.
    """
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = str(error)
        raise OptionError(f"it is not TOML: {message[:1].lower()}{message[1:]}") from None
    names = [each.name for each in fields(Config)]
    for name in values:
        if name in train_names() and name not in names:
            raise OptionError(f"{name} belongs below the line [train]")
        _require_known(name, names, "")
    hints = get_type_hints(Config)
    found = {
        name: _decoded(hints[name], values[name], name) for name in ("theme", "device") if name in values
    }
    return Config(
        **found,
        layout={name: _decoded(str, at, f"layout.{name}") for name, at in _table(values, "layout").items()},
        train=_train(_table(values, "train")),
        keys=_keys(_table(values, "keys")),
    )


def field_of(name: str) -> str:
    """The field of TrainOptions of an option in the file, such as hidden_size of `hidden-size`."""
    return name.replace("-", "_")


def train_names() -> list[str]:
    """The options of `train` that may have a default in the file, such as `hidden-size`."""
    return [each.name.replace("_", "-") for each in fields(TrainOptions) if each.name not in _OF_ONE_RUN]


def _table(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = values.get(name, {})
    if not isinstance(value, dict):
        raise OptionError(f"{name} is a table: write [{name}] on a line, and its keys below")
    return value


def _keys(values: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """One key, or a list of keys, of each action."""
    found = {}
    for name, value in values.items():
        keys = (value,) if isinstance(value, str) else _decoded(tuple[str, ...], value, f"keys.{name}")
        if not keys:
            raise OptionError(f"keys.{name} is empty: name a key")
        found[name] = keys
    return found


def _train(values: Mapping[str, object]) -> dict[str, object]:
    hints, found = get_type_hints(TrainOptions), {}
    for name, value in values.items():
        if name == "device":
            raise OptionError("device stands above the first line in brackets")
        if name in _OF_ONE_RUN:
            raise OptionError(f"train.{name} belongs to one run: type it as --{name}")
        _require_known(name, train_names(), "train.")
        found[name] = _decoded(hints[field_of(name)], value, f"train.{name}")
    return found


def _require_known(name: str, names: list[str], where: str) -> None:
    if name not in names:
        near = similar(name, names)
        hint = f"did you mean {where}{near}?" if near else "rnnscope config lists all keys"
        raise OptionError(f"there is no key {where}{name}; {hint}")


def _decoded(kind: Any, value: object, where: str) -> Any:
    try:
        return decode(kind, value, where)
    except JsonError as error:
        raise OptionError(str(error)) from None
