"""The papers of Pellwick, a town that never was: endless text for character models, by our own grammar."""

from rnnscope.corpora.archive.documents import archive_text, write_archive

__all__ = ["archive_text", "write_archive"]
