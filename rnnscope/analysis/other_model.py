"""A second model that an analysis compares with the session's, on the same text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnscope.analysis.query import Context

if TYPE_CHECKING:
    from rnnscope.network.model import CharRNN
    from rnnscope.text.long import LongText
    from rnnscope.text.vocabulary import Vocabulary
    from rnnscope.tracing.reader import TextReader


@dataclass(frozen=True, eq=False)
class OtherModel:
    """A model by its name, with the training options that its file records."""

    network: CharRNN
    name: str
    options: Mapping[str, Any]


def open_other(name: str) -> OtherModel:
    """A model file, a run, RUN@STEP, a sample model, or another program's checkpoint.

    Raises CheckpointError.
    """
    from rnnscope.network.checkpoint import load_model
    from rnnscope.network.formats import read_header
    from rnnscope.network.locate import model_name, resolve_model

    path = resolve_model(name)
    options = read_header(path).training.get("options")
    return OtherModel(load_model(path), model_name(path), options if isinstance(options, dict) else {})


def reader_of(context: Context, other: CharRNN) -> TextReader:
    """The text of the session, read by another model.

    Its state is zeroed where that of the session's model is, at the beginnings of documents.
    """
    from rnnscope.tracing.reader import TextReader

    reader = context.reader
    same = other.vocabulary.kind == context.model.vocabulary.kind
    text = reader.text if same else _as_kind(reader.text, other.vocabulary.kind)
    return TextReader(other, text, document_separator=reader.document_separator)


def unknown_share(vocabulary: Vocabulary, text: str, kind: str) -> float:
    """The share of a text's characters that a vocabulary lacks. kind: the kind of the text."""
    converted = _converted(text, kind, vocabulary.kind)
    known = set(vocabulary.symbols)
    return sum(symbol not in known for symbol in converted) / max(1, len(converted))


def _as_kind(text: LongText, kind: str) -> LongText:
    """A text of characters as one of bytes, or the reverse."""
    from rnnscope.text.long import LongText

    content = text.read(0, text.count())
    raw = content.encode("utf-8" if text.kind == "characters" else "latin-1", "replace")
    return LongText.of(raw, text.name, "bytes" if kind == "bytes" else "characters")


def _converted(text: str, kind: str, wanted: str) -> str:
    """A text of bytes, one character each, as characters, or the reverse."""
    if kind == wanted:
        return text
    if wanted == "bytes":
        return text.encode("utf-8", "replace").decode("latin-1")
    return text.encode("latin-1").decode("utf-8", "replace")
