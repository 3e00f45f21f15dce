"""The corpus that a model was trained on, found again with its splits."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from rnnscope.corpora.named import resolve_text
from rnnscope.errors import OptionError, RunError, TextError
from rnnscope.network.header import Header
from rnnscope.text.corpus import Corpus, load_corpus
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import HEADER, read_run


def own_corpus(path: Path, header: Header, place: str | None = None) -> Corpus:
    """The text of the run that wrote the model at `path`, with the splits of the training.

    place: where the text is now; by default where it was last. Raises RunError where the model does not say
    or the text is another, TextError where it cannot be read.
    """
    recorded, corpus_record = header.training.get("options"), header.training.get("corpus")
    sha256 = corpus_record.get("sha256") if isinstance(corpus_record, dict) else None
    if not isinstance(recorded, dict) or not isinstance(sha256, str):
        raise RunError(f"{path} does not say which text it was trained on: name a text to evaluate")
    options = TrainOptions.from_json(recorded)
    text = place or _last_place(path) or options.text
    try:
        corpus = load_corpus(
            resolve_text(text),
            encoding=options.encoding,
            held_out=options.held_out,
            test=options.test,
            vocabulary=header.vocabulary,
            document_separator=options.document_separator,
            cache=Path(platformdirs.user_cache_dir("rnnscope")),
        )
    except TextError as error:
        raise RunError(f"{error}; {path} was trained on this text: name its new place as TEXT") from error
    if corpus.sha256 != sha256:
        raise RunError(f"{text} is not the text that {path} was trained on: name its new place as TEXT")
    return corpus


def _last_place(path: Path) -> str | None:
    """Where the run of a model file last found its text."""
    if not (path.parent / HEADER).is_file():
        return None
    record = read_run(path.parent).header.get("corpus")
    place = record.get("path") if isinstance(record, dict) else None
    return place if isinstance(place, str) else None


def require_split(split: str, size: int, path: Path) -> None:
    """Raise OptionError where a split has nothing to predict."""
    if size < 2:
        option = {"validation": "--held-out 0.1", "test": "--test 0.1"}.get(split, "a longer text")
        raise OptionError(f"the text of {path} has no {split} split: train with {option}")
