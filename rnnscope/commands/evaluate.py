"""`rnnscope eval`: how well a model predicts a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from rnnscope.commands.arguments import AllowNonfinite, AsJson, ModelName
from rnnscope.commands.output import print_json, print_table
from rnnscope.errors import OptionError

if TYPE_CHECKING:
    from rnnscope.network.header import Header
    from rnnscope.text.corpus import Ids
    from rnnscope.text.documents import Starts

EXAMPLES = (
    "rnnscope eval archive-lstm archive",
    "rnnscope eval runs/NAME --split validation --json",
)


@dataclass(frozen=True)
class Options:
    """Measure how well a model predicts a text: its loss in nats, bits per character, and perplexity."""

    model: ModelName
    text: Annotated[str, tyro.conf.Positional] = ""
    """The text to evaluate on: a file, archive, python or shakespeare, or - for standard input (required
    unless --split)."""
    split: Literal["train", "validation", "test"] | None = None
    """Evaluate on this split of the training text (TEXT: its new path, if it moved)."""
    window: int | None = None
    """Reset the state to zero every N characters; by default the state is carried across the text."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute."""
    json: AsJson = False
    allow_nonfinite: AllowNonfinite = False


def run(options: Options) -> int:
    if options.window is not None and options.window < 1:
        raise OptionError(f"--window is {options.window}, but must be at least 1")

    from rnnscope.network.formats import read_header
    from rnnscope.network.locate import resolve_model

    path = resolve_model(options.model)
    ids, starts = _text(options, path, read_header(path))  # before torch is imported

    from rnnscope.network.checkpoint import load_model
    from rnnscope.training.device import choose_device
    from rnnscope.training.evaluate import evaluate
    from rnnscope.training.memory import out_of_memory_explained

    with out_of_memory_explained("choose another --device, or a smaller model"):
        result = evaluate(
            load_model(path, allow_nonfinite=options.allow_nonfinite),
            ids,
            window=options.window,
            document_starts=starts,
            device=choose_device(options.device),
        )
    if options.json:
        print_json(
            {
                "loss_nats": result.loss_nats,
                "bits_per_character": result.bits_per_character,
                "perplexity": result.perplexity,
                "characters": result.characters,
                "window": result.window,
            }
            | ({} if options.split is None else {"split": options.split})
        )
        return 0

    print_table(
        {
            "loss": f"{result.loss_nats:.4f} nats per character",
            "": f"{result.bits_per_character:.4f} bits per character",
            "perplexity": f"{result.perplexity:.3f}",
            "characters": f"{result.characters:,} predicted",
            "text": options.text if options.split is None else f"{options.split} split",
            "state": "carried across the text" if result.window is None else f"zero every {result.window:,}",
        }
        | ({"documents": f"{len(starts) + 1:,}, each from a zero state"} if len(starts) else {})
    )
    return 0


def _text(options: Options, path: Path, header: Header) -> tuple[Ids, Starts]:
    """The ids to evaluate on, and the positions at which documents begin in them."""
    from rnnscope.text.documents import NO_DOCUMENTS, document_starts

    if options.split is None:
        from rnnscope.corpora.named import resolve_text
        from rnnscope.text.corpus import load_ids

        if not options.text:
            raise OptionError("TEXT is missing: name a text, or a part of the training text with --split")
        ids = load_ids(resolve_text(options.text), header.vocabulary)
        separator = header.document_separator
        if separator is None:
            return ids, NO_DOCUMENTS
        return ids, document_starts(ids, header.vocabulary, separator)

    from rnnscope.training.corpus import require_split, training_corpus

    corpus = training_corpus(path, header, options.text or None)
    require_split(options.split, len(corpus.ids_of(options.split)), path)
    return corpus.ids_of(options.split), corpus.starts_in(options.split)
