"""`rnnscope config`: the configuration as a TOML file, with every key documented."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from rnnscope.commands.configured import SCREENS, actions_of_screens, checked_config
from rnnscope.commands.output import print_text
from rnnscope.commands.parsing import field_docs
from rnnscope.config import VARIABLE, Config, config_path, field_of, train_names
from rnnscope.training.options import TrainOptions

EXAMPLES = (
    "rnnscope config           what is in effect, with every key explained",
    "rnnscope config --path    where the file is, or where it would be",
)

_WIDTH = 100
_TABLES = ("train", "keys")


@dataclass(frozen=True)
class Options:
    """Print the configuration as a TOML file: what you have set, and the defaults behind a #.

    The file is ~/.config/rnnscope/config.toml, or the one that the environment variable RNNSCOPE_CONFIG
    names. Options that are typed win over it.
    """

    path: bool = False
    """Print the path of the file; it need not exist."""


def run(options: Options) -> int:
    if options.path:
        print_text(str(config_path() or ""))
    else:
        print_text("\n".join(lines_of(checked_config(), config_path())))
    return 0


def lines_of(config: Config, path: Path | None) -> Iterator[str]:
    """The lines of a file with this configuration; a default is a comment."""
    docs = field_docs(Config)
    yield from _heading(path)
    for name in ("theme", "device"):
        kind, default = get_type_hints(Config)[name], getattr(Config, name)
        yield ""
        yield from _comment(docs[name], kind)
        yield _setting(name, getattr(config, name), default)
    yield from _layout(config.layout, docs["layout"])
    yield from _train(config, docs["train"])
    yield from _keys(config.keys, docs["keys"])


def _heading(path: Path | None) -> Iterator[str]:
    if path is None:
        yield f"# No file is read, because {VARIABLE} is empty. These are the defaults."
    elif path.exists():
        yield f"# {path}. A line that begins with #name shows a default."
    else:
        yield f"# There is no file {path} yet. To begin one with these defaults:"
        yield f"#   mkdir -p {path.parent} && rnnscope config > {path}"
    yield "# Options that are typed win over the file."


def _layout(layout: Mapping[str, str], doc: str) -> Iterator[str]:
    from rnnscope.app.layout import LAYOUTS

    yield from ("", *_comment(f"{doc} One of {', '.join(LAYOUTS)}."), "[layout]")
    for screen in SCREENS:
        yield _setting(screen, layout.get(screen, "overview"), "overview" if screen not in layout else None)


def _train(config: Config, doc: str) -> Iterator[str]:
    kinds, docs, defaults = get_type_hints(TrainOptions), field_docs(TrainOptions), TrainOptions()
    yield from ("", *_comment(doc), "[train]")
    for name in train_names():
        field = field_of(name)
        default = getattr(defaults, field)
        yield ""
        yield from _comment(docs[field], kinds[field])
        yield _setting(name, config.train.get(name, default), default)


def _keys(keys: Mapping[str, tuple[str, ...]], doc: str) -> Iterator[str]:
    """Every action with its keys, as its help text says."""
    from rnnscope.app.actions import Action, key_name

    yield from ("", *_comment(doc), "[keys]")
    actions: dict[str, Action] = {}
    for action in (action for screen in actions_of_screens() for action in screen):
        actions.setdefault(action.id, action)
    for action in sorted(actions.values(), key=lambda each: each.id):
        default = tuple(map(key_name, action.keys))
        yield f"{_setting(action.id, keys.get(action.id, default), default):32} # {action.help}"


def _comment(doc: str, kind: Any = None) -> Iterator[str]:
    choices = f" One of {', '.join(get_args(kind))}." if get_origin(kind) is Literal else ""
    for line in textwrap.wrap(doc + choices, _WIDTH - 2):
        yield f"# {line}"


def _setting(name: str, value: object, default: object) -> str:
    if value is None:
        return f"# {name} has no default"
    return f"{'#' if value == default else ''}{name} = {_toml(value)}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
