"""`rnnscope eval`: how well a model predicts a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from rnnscope.commands.output import say_json
from rnnscope.errors import OptionError


@dataclass(frozen=True)
class Options:
    """Measure how well a model predicts a text: its loss in nats, bits per character, and perplexity."""

    model: Annotated[str, tyro.conf.Positional]
    """A model file, a run directory (its best), or the name of a sample model."""
    text: Annotated[str, tyro.conf.Positional]
    """The text, all of it: a file, or - for standard input."""
    window: int | None = None
    """Start from a zero state every so many characters; by default the state is carried across the text."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    json: bool = False
    """Print one JSON object."""
    allow_nonfinite: bool = False
    """Load weights that are NaN or infinite, too."""


def run(options: Options) -> int:
    if options.window is not None and options.window < 1:
        raise OptionError(f"--window is {options.window}, but must be at least 1")

    from rnnscope.network.header import read_header
    from rnnscope.network.locate import resolve_model
    from rnnscope.text.corpus import load_ids

    path = resolve_model(options.model)
    ids = load_ids(options.text, read_header(path).vocabulary)  # before torch: a bad text is told at once

    from rnnscope.network.checkpoint import load_model
    from rnnscope.training.device import choose_device
    from rnnscope.training.evaluate import evaluate

    result = evaluate(
        load_model(path, allow_nonfinite=options.allow_nonfinite),
        ids,
        window=options.window,
        device=choose_device(options.device),
    )
    if options.json:
        say_json(
            {
                "loss_nats": result.loss_nats,
                "bits_per_character": result.bits_per_character,
                "perplexity": result.perplexity,
                "characters": result.characters,
                "window": result.window,
            }
        )
        return 0

    from rnnscope.commands.tables import print_table

    print_table(
        {
            "loss": f"{result.loss_nats:.4f} nats per character",
            "": f"{result.bits_per_character:.4f} bits per character",
            "perplexity": f"{result.perplexity:.3f}",
            "characters": f"{result.characters:,} predicted",
            "state": "carried across the text" if result.window is None else f"zero every {result.window:,}",
        }
    )
    return 0
