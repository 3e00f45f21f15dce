"""The text of a training run: read and split by its options, or located for a trained model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import platformdirs

from rnnscope.corpora.named import corpus_name, resolve_text
from rnnscope.errors import OptionError, RunError, TextError
from rnnscope.network.header import Header
from rnnscope.progress import NO_PROGRESS, Progress
from rnnscope.text.corpus import Corpus, load_corpus
from rnnscope.text.vocabulary import Vocabulary
from rnnscope.training.options import TrainOptions
from rnnscope.training.run import HEADER, read_run


def split_text(
    text: str,
    options: TrainOptions,
    vocabulary: Vocabulary | None = None,
    *,
    grow: bool = False,
    progress: Progress = NO_PROGRESS,
) -> Corpus:
    """The text as the options split it.

    text: a file, `-`, or the name of a corpus. vocabulary, grow: as in `load_corpus`. Raises TextError,
    OptionError, Cancelled.
    """
    corpus = load_corpus(
        resolve_text(text),
        encoding=options.encoding,
        held_out=options.held_out,
        test=options.test,
        minimum_count=options.minimum_count,
        vocabulary=vocabulary,
        grow=grow,
        document_separator=options.document_separator,
        cache=Path(platformdirs.user_cache_dir("rnnscope")),
        progress=progress,
    )
    name = corpus_name(corpus.path)
    return corpus if name is None else replace(corpus, name=name)


def same_text(
    text: str,
    sha256: str,
    trained: Path,
    options: TrainOptions,
    vocabulary: Vocabulary | None,
    *,
    grow: bool = False,
    progress: Progress = NO_PROGRESS,
) -> Corpus:
    """As `split_text`, for the text of the run or model `trained`.

    Raises RunError if it cannot be read or differs.
    """
    advice = "put it back, or name its new place as TEXT"
    try:
        corpus = split_text(text, options, vocabulary, grow=grow, progress=progress)
    except TextError as error:
        raise RunError(f"{error}; {trained} needs the text it was trained on: {advice}") from error
    if corpus.sha256 != sha256:
        raise RunError(
            f"{text} is not the text that {trained} was trained on: {advice}; a new run with --init-from may "
            "use another text"
        )
    return corpus


def training_corpus(path: Path, header: Header, place: str | None = None) -> Corpus:
    """The text of the run that wrote the model at `path`, with the splits of the training.

    place: the path of the text; by default the last known one. Raises RunError if the model does not record
    its text, or if the text cannot be read or differs.
    """
    recorded, corpus_record = header.training.get("options"), header.training.get("corpus")
    sha256 = corpus_record.get("sha256") if isinstance(corpus_record, dict) else None
    if not isinstance(recorded, dict) or not isinstance(sha256, str):
        raise RunError(f"{path} does not say which text it was trained on: name a text to evaluate")
    options = TrainOptions.from_json(recorded)
    return same_text(place or _last_place(path) or options.text, sha256, path, options, header.vocabulary)


def _last_place(path: Path) -> str | None:
    """The path at which the run of a model file last read its text."""
    if not (path.parent / HEADER).is_file():
        return None
    record = read_run(path.parent).header.get("corpus")
    place = record.get("path") if isinstance(record, dict) else None
    return place if isinstance(place, str) else None


def require_split(split: str, size: int, path: Path) -> None:
    """Raise OptionError for a split that is too short to evaluate."""
    if size < 2:
        option = {"validation": "--held-out 0.1", "test": "--test 0.1"}.get(split, "a longer text")
        raise OptionError(f"the text of {path} has no {split} split: train with {option}")
