"""Turn a finished run into a sample model, in half precision if that raises the loss by less than 0.001 nat.

    python sample_models/publish.py runs/archive-lstm data/input.txt archive-lstm

The recorded loss is that of the saved weights on the whole held-out part, with the state carried.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rnnscope.network.checkpoint import load_model, save_model
from rnnscope.network.formats import read_header
from rnnscope.network.locate import resolve_model
from rnnscope.text.corpus import load_corpus
from rnnscope.training.evaluate import evaluate

_LARGEST_INCREASE_NATS = 0.001


def publish(run: str, text: Path, name: str) -> None:
    """Write NAME.safetensors into the directory of this script, from the best weights of a run on `text`."""
    source = resolve_model(run)
    model, training = load_model(source), dict(read_header(source).training)
    options = dict(training["options"])
    corpus = load_corpus(
        text, held_out=options["held_out"], test=options["test"], vocabulary=model.vocabulary
    )
    full = evaluate(model, corpus.held_out).loss_nats
    with tempfile.TemporaryDirectory() as directory:
        halved = Path(directory) / "half.safetensors"
        save_model(model, halved, training, half=True)
        half = evaluate(load_model(halved), corpus.held_out).loss_nats
    is_half = half - full < _LARGEST_INCREASE_NATS
    # The hash identifies the text; paths of this machine are left out.
    first = options["init_from"]
    options.update(text=text.name, run=None, resume=None, init_from=first and Path(first).name)
    training.update(
        options=options,
        corpus={"name": text.name, "sha256": corpus.sha256},
        held_out_nats=half if is_half else full,
    )
    destination = Path(__file__).parent / f"{name}.safetensors"
    save_model(model, destination, training, half=is_half)
    size = destination.stat().st_size
    print(
        f"{name}: float32 {full:.4f}, float16 {half:.4f} nats; kept {'float16' if is_half else 'float32'}, "
        f"{size:,} bytes"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Turn a finished run into a sample model.")
    parser.add_argument("run")
    parser.add_argument("text", type=Path)
    parser.add_argument("name")
    chosen = parser.parse_args()
    publish(chosen.run, chosen.text, chosen.name)


if __name__ == "__main__":
    main()
