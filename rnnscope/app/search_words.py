"""What is typed into the find prompt, as a query."""

from __future__ import annotations

from rnnscope.analysis.features import FEATURES
from rnnscope.analysis.find import Find


def as_query(text: str) -> Find:
    """A built-in feature by its name, `before:` or `after:` a regular expression, or one to be inside of.

    The singular and the plural of a feature's name are the same feature. `(quote)` is the pattern of those
    letters.
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
    """What a search is called while it runs."""
    return query.feature or query.pattern or "marked spans"
