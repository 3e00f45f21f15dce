"""Parses the text of the find prompt into a query."""

from __future__ import annotations

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import Find


def as_query(text: str) -> Find:
    """The query for the name of a built-in feature, or for a regular expression.

    With the prefix `before:` or `after:` positions before or after a match are positive, otherwise those
    within a match. Feature names may be singular or plural; to search for such a word itself, put it in
    parentheses: `(quote)`.
    """
    name = text.lower().replace(" ", "-")
    for candidate in (name, f"{name}s", name.removesuffix("s")):
        if candidate in FEATURES:
            return Find(feature=candidate)
    where, _, pattern = text.partition(":")
    if pattern and where == "before":
        return Find(pattern=pattern, where="before")
    if pattern and where == "after":
        return Find(pattern=pattern, where="after")
    return Find(pattern=text)


def name_of(query: Find) -> str:
    """The name of a search in messages."""
    return query.feature or query.pattern or "marked spans"
