"""Errors as bars, one for each oracle, with its levels; an opened level lists its characters."""

from __future__ import annotations

from rnnscope.analysis.errors import Bucket, ErrorsResult, Level
from rnnscope.render.report import BLANK, Line, Report, Run, bar, listed, words
from rnnscope.render.split import places, split_lines

_FIRST = 3
"""Characters of each level that an opened oracle lists; an opened level lists the rest."""
_MOST = 500
_MARK = -0.8
_NAME = 12
_VALUE = 6

_COUNTED = {
    "n-gram": "by order",
    "memory": "by characters back",
    "rare word": "by times seen",
    "word start": "after",
    "the rest": "by probability added",
}
"""What the levels of an oracle are."""
_LEVELS = {
    "n-gram": "a {} gives it more than 0.5",
    "memory": "its word is in the last {} characters",
    "rare word": "its word is {} times in the training text",
    "word start": "it follows a {}",
    "punctuation": "it is punctuation",
    "the rest": "raising its probability by {} gives 0.5",
}


def report(result: ErrorsResult, opened: str = "") -> Report:
    """opened: the oracle to expand, such as `memory`, or the level, such as `memory/100`."""
    summary = f"errors (p < 0.5): {result.error_rate:.1%} of characters"
    lines = [words(f"{summary}, by the oracle that removes them", "strong", summary, "errors (p < 0.5)")]
    opened_bucket, _, opened_level = opened.partition("/")
    for bucket in result.buckets:
        share = result.share(bucket)
        lines.append(
            bar(
                bucket.name,
                [(share, "azure")],
                f"{share:.1%}",
                name_width=_NAME,
                value_width=_VALUE,
                token="strong",
                bold=True,
                choice=Run("bucket", bucket.name) if len(bucket) else None,
            )
        )
        if bucket.name == opened_bucket:
            for level in bucket.levels:
                lines += _level(result, bucket, level, is_opened=level.name == opened_level)
        elif len(bucket.levels) > 1 and len(bucket):
            counts = [f"{level.name}: {len(level):,}" for level in bucket.levels if len(level)]
            lines.append(listed(f"  {_COUNTED[bucket.name]}", counts, "dim"))
    lines += [BLANK, *split_lines(result.split, "n-grams and words")]
    return Report("by oracle", f"{result.errors:,} errors", tuple(lines))


def _level(result: ErrorsResult, bucket: Bucket, level: Level, *, is_opened: bool) -> list[Line]:
    """The description of a level, its number of errors, and some or all of them."""
    if not len(level):
        return []
    name = f"{level.name}-gram" if bucket.name == "n-gram" else level.name
    title = f"{len(level):,}: {_LEVELS[bucket.name].format(name)}"
    shown = level.positions[: _MOST if is_opened else _FIRST].tolist()
    is_all = len(shown) == len(level) and not is_opened
    choice = None if is_all else Run("bucket", f"{bucket.name}/{level.name}")
    return [
        words(title, "text", choice=choice),
        *places(result.text, result.text_start, shown, _MARK),
    ]
