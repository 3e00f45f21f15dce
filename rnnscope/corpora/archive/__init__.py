"""A synthetic corpus from a grammar: the papers of Pellwick, a fictional town."""

from rnnscope.corpora.archive.documents import archive_text, write_archive

__all__ = ["archive_text", "write_archive"]
