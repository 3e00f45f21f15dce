"""The commands, each in a module: its options, its examples, and `run`, which returns the exit status."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

COMMANDS = {
    "train": "train a model on a text, live, or resume a run",
    "watch": "follow a run that another process writes",
    "replay": "play back the training of a run, snapshot by snapshot",
    "inspect": "look inside a trained model",
    "compare": "compare two models, or two steps of a run, on one text",
    "learn": "learn how recurrent networks work: an interactive course",
    "sample": "generate text",
    "eval": "measure how well a model predicts a text",
    "trace": "record every gate and state along a text",
    "find": "find neurons that detect a feature",
    "analyze": "saturation, contexts, ablation, saliency, errors, n-grams and more",
    "export": "write a colored text as a page, a picture or numbers",
    "report": "write a report on a run as one HTML page",
    "import": "convert another program's checkpoint to a model file",
    "corpus": "write a text to train on to a file",
    "info": "show the metadata of a model or a run",
    "config": "show the configuration file, with every key explained",
    "present": "show the scenes of a talk",
    "serve": "show the screen of a command in a web page",
    "completion": "print a script that completes commands in bash, zsh or fish",
}

_MODULES = {"eval": "evaluate", "import": "import_model"}  # `eval` is a built-in name


def parsed(command: str, arguments: Sequence[str]) -> Any | None:
    """The options of a command; None if its help was printed. Raises OptionError."""
    module = module_of(command)
    if hasattr(module, "parse"):  # a command with its own parser
        return module.parse(arguments)
    from rnnscope.commands.configured import config_for
    from rnnscope.commands.parsing import parse

    config = config_for(module.Options, arguments)
    defaults = {} if config is None else {"theme": config.theme}
    return parse(module.Options, command, arguments, module.EXAMPLES, defaults=defaults)


def module_of(command: str) -> Any:
    """The module of a command."""
    return importlib.import_module(f"rnnscope.commands.{_MODULES.get(command, command)}")
