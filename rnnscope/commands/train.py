"""`rnnscope train`: from options to a training session, on a screen or in a log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from rnnscope.commands.reading import Say, has_screen, read_plainly
from rnnscope.errors import OptionError
from rnnscope.training.controls import Controls
from rnnscope.training.options import TrainOptions


@dataclass(frozen=True)
class Options:
    """Learn a text live: watch the loss fall, read what the network writes, look into its neurons.

    Without a terminal, or with --plain, it is a log. q or Ctrl-C saves and ends; --resume goes on.
    """

    train: tyro.conf.OmitArgPrefixes[TrainOptions]
    """The text, the network, the training and the run."""
    plain: bool = False
    """A log in place of the screen."""
    json: bool = False
    """The events of the run as JSON, one a line, in place of the screen."""


def run(options: Options) -> int:
    chosen = options.train
    if chosen.resume is not None:
        from rnnscope.training.run import read_run

        read_run(Path(chosen.resume))
    elif chosen.text:
        from rnnscope.text.reading import check_text

        check_text(chosen.text, as_bytes=chosen.encoding == "bytes")
    else:
        raise OptionError("TEXT is missing: name a text to learn, or a run to go on with by --resume RUN")

    def start(controls: Controls, say: Say) -> None:
        from rnnscope.training.session import train

        train(chosen, controls, say)

    if not has_screen(plain=options.plain, json=options.json):
        return read_plainly(start, json=options.json)

    from rnnscope.app.app import run_train_screen

    run_train_screen(start, title=chosen.text or str(chosen.resume))
    return 0
