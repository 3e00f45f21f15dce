"""`rnnscope completion`: a shell script that completes commands, options, models and texts.

The options are read from the help of each command, so that they always match it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro

from rnnscope.commands import COMMANDS, parsed
from rnnscope.commands.output import print_text
from rnnscope.errors import OptionError

Shell = Literal["bash", "zsh", "fish"]

EXAMPLES = (
    "rnnscope completion bash > ~/.local/share/bash-completion/completions/rnnscope",
    "rnnscope completion zsh >> ~/.zshrc",
    "rnnscope completion fish > ~/.config/fish/completions/rnnscope.fish",
)

_OPTION = re.compile(r"^. (?:-\w .*, )?(--[\w-]+)(?: (\{[^}]*\}|\[?[A-Z]))?", re.MULTILINE)


@dataclass(frozen=True)
class Options:
    """Print a script that completes commands, options, sample models and corpora.

    The examples install it; it works in every new shell. SHELL defaults to the one in $SHELL.
    """

    shell: Annotated[Shell | None, tyro.conf.Positional] = None
    """bash, zsh or fish."""


@dataclass(frozen=True)
class Option:
    """An option, as displayed in the help."""

    name: str
    takes_value: bool
    choices: tuple[str, ...]


def run(options: Options) -> int:
    shell = options.shell or Path(os.environ.get("SHELL", "")).name
    if shell not in get_args(Shell):
        raise OptionError(f"SHELL is missing: name {', '.join(get_args(Shell))}")
    print_text(_fish() if shell == "fish" else _bash(is_zsh=shell == "zsh"))
    return 0


def options_of(command: str) -> list[Option]:
    """The options of a command, from its help; for `analyze`, those of all analyses."""
    names = _analyses() if command == "analyze" else ("",)
    found: dict[str, Option] = {}
    for name in names:
        help_text = io.StringIO()
        with contextlib.redirect_stdout(help_text):
            parsed(command, [*name.split(), "--help"])
        for option, value in _OPTION.findall(help_text.getvalue()):
            choices = tuple(value[1:-1].split(",")) if value.startswith("{") else ()
            found.setdefault(option, Option(option, bool(value), choices))
    return list(found.values())


def _analyses() -> tuple[str, ...]:
    from rnnscope.analysis import QUERIES

    return tuple(QUERIES)


def arguments_of(command: str) -> tuple[str, ...]:
    """The names that a command takes besides files: models, corpora, analyses, shells."""
    from rnnscope.corpora.named import NAMES
    from rnnscope.network.locate import sample_models

    match command:
        case "train" | "corpus" | "replay":
            return NAMES
        case "learn":
            from rnnscope.commands.learn import CHAPTERS

            return CHAPTERS
        case "watch":
            return ()
        case "sample" | "info" | "import":
            return tuple(sample_models())
        case "completion":
            return get_args(Shell)
        case "analyze":
            return (*sample_models(), *NAMES, *_analyses())
        case _:
            return (*sample_models(), *NAMES)


def _bash(*, is_zsh: bool) -> str:
    """Commands first, then options, choices and names; files if nothing matches."""
    cases = []
    for command in COMMANDS:
        options = options_of(command)
        words = " ".join(option.name for option in options)
        for option in options:
            if option.takes_value:
                cases.append(f'        "{command} {option.name}") words="{" ".join(option.choices)}" ;;')
        cases.append(f'        "{command} "*) words="{" ".join(arguments_of(command))} {words}" ;;')
    lines = [
        *(["autoload -Uz compinit bashcompinit && compinit && bashcompinit"] if is_zsh else []),
        "_rnnscope() {",
        '    local word="${COMP_WORDS[COMP_CWORD]}" words=""',
        '    case "${COMP_WORDS[1]} ${COMP_WORDS[COMP_CWORD-1]}" in',
        f'        *rnnscope) words="{" ".join(COMMANDS)}" ;;',
        *cases,
        "    esac",
        '    COMPREPLY=( $(compgen -W "$words" -- "$word") )',
        "}",
        "complete -o default -F _rnnscope rnnscope",
    ]
    return "\n".join(lines)


def _fish() -> str:
    lines = [
        f'complete -c rnnscope -n __fish_use_subcommand -f -a {command} -d "{summary}"'
        for command, summary in COMMANDS.items()
    ]
    for command in COMMANDS:
        seen = f'complete -c rnnscope -n "__fish_seen_subcommand_from {command}"'
        lines.append(f'{seen} -a "{" ".join(arguments_of(command))}"')
        for option in options_of(command):
            choices = f' -x -a "{" ".join(option.choices)}"' if option.choices else " -r"
            lines.append(f"{seen} -l {option.name[2:]}{choices if option.takes_value else ''}")
    return "\n".join(lines)
