"""The papers of Pellwick, a town that never was: an endless text for character models, written by a grammar of our own."""

from rnnscope.text.archive.documents import archive_text, write_archive

__all__ = ["archive_text", "write_archive"]
