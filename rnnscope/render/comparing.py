"""The network beside n-grams: what both lose, errors by what would have helped, closing brackets.

network     ▆▆▆▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0.598
7-gram best ▆▆▆▆▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 0.694      azure is the network, gray the n-gram
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from rnnscope.analysis.compare import MatchDistances
from rnnscope.analysis.errors import Bucket, Level
from rnnscope.analysis.words import CLOSERS
from rnnscope.app.asking.answers import DistancesFound, ErrorsFound, NgramsFound
from rnnscope.render.report import BLANK, Choice, Ink, Line, Place, Report, Run, bar, excerpt, words
from rnnscope.theme.palette import Palette

RANGE_NATS = 3.0
"""A difference that has the strongest color; what is larger looks the same."""
_EXTREMES = 20
_AROUND = 100
_FIRST = 3
"""Places of each level that an opened bucket lists; the level itself opens the rest."""
_MOST = 500
_ERROR = -0.8
_NAME = 12
_VALUE = 5


def ngrams(found: NgramsFound) -> Report:
    """The mean loss of the network and of every order, and where the two differ most."""
    comparison = found.comparison
    ahead = comparison.ngram_nats - comparison.network_nats
    told = f"{abs(ahead):.3f} nats {'ahead of' if ahead >= 0 else 'behind'} the {comparison.order}-gram"
    most = max(*comparison.by_order.values(), comparison.network_nats)

    def line(name: str, nats: float, ink: str, bold: bool) -> Line:
        token = "strong" if bold else "text"
        value = f"{nats:.3f}"
        return bar(
            name, [(nats / most, ink)], value, name_width=_NAME, value_width=_VALUE, token=token, bold=bold
        )

    lines = [
        words(f"the network is {told}", "strong", told),
        line("network", comparison.network_nats, "azure", True),
    ]
    for order, nats in sorted(comparison.by_order.items(), reverse=True):
        is_best = order == comparison.order
        lines.append(line(f"{order}-gram{' best' if is_best else ''}", nats, "mute", is_best))
    lines += [*_learned("n-grams", found.learned, found.start, found.text), BLANK]
    ranked = comparison.ranked
    for name, places in (("network", ranked[:_EXTREMES]), (f"{comparison.order}-gram", ranked[::-1])):
        lines.append(words(f"where the {name} knew more, by how many nats", "dim"))
        for at in places[:_EXTREMES].tolist():
            value = f"{comparison.difference[at - 1]:+.1f}".replace("-", "−")
            lines.append(_compared(found.text, comparison.difference, found.start, at, value))
    return Report("beside n-grams, nats per character", f"{len(found.text):,} characters", tuple(lines))


def _compared(text: str, difference: NDArray[np.float64], start: int, at: int, value: str) -> Line:
    """A character in its place, on the colors of the difference."""
    first, stop = max(0, at - _AROUND), min(len(text), at + _AROUND)
    nats = np.concatenate(([0.0], difference[max(0, first - 1) : stop - 1]))[-(stop - first) :]
    return excerpt(
        text[first:stop], nats / RANGE_NATS, at - first, value, gate=False, choice=Place(start + at)
    )


def distances(found: DistancesFound, opened: str = "") -> Report:
    """Of each closing character the mean losses by how far back it was opened; a bin opens its positions."""
    lines: list[Line] = []
    for of_closer in found.distances:
        lines += [BLANK] if lines else []
        lines += _bins(found, of_closer, opened)
    if not lines:
        lines = [words("no bracket or quote is closed in what was judged", "strong")]
    lines += [
        BLANK,
        words("bars: mean nats at what closes", "dim"),
        words("a line opens its places", "dim"),
        *_learned("n-grams", found.learned, found.start, found.text),
    ]
    subject = f"loss by distance, network beside the {found.order}-gram"
    return Report(subject, f"{len(found.text):,} characters", tuple(lines))


def _bins(found: DistancesFound, of: MatchDistances, opened: str) -> list[Line]:
    most = max(float(np.nanmax([*of.network_nats, *of.ngram_nats])), 1e-9)
    told = f"{CLOSERS[of.closer]} … {of.closer}"
    lines = [_head(f"{told:<9} {len(of.positions):>4,}×", ["network", f"{found.order}-gram"])]
    for number, count in enumerate(of.counts.tolist()):
        if not count:
            continue
        low, high = int(of.edges[number]), int(of.edges[number + 1]) - 1
        name = f"{low}" if low == high else f"{low}–{high}"
        both = float(of.network_nats[number]), float(of.ngram_nats[number])
        choice = Run("bin", f"{number}{of.closer}")
        lines.append(_pair(f"{name:<9} {count:>4,}×", [nats / most for nats in both], both, choice))
        if choice.argument == opened:
            lines += [
                _plain(found.text, found.start, at, "", 0.6) for at in of.of_bin(number)[:_MOST].tolist()
            ]
    return lines


_PAIR_NAME = 15


def _pair(name: str, shares: Sequence[float], values: Sequence[float], choice: Choice) -> Line:
    """A name and two bars side by side, each with its value."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = _room(width)
        row = [Segment(f"{name:<{_PAIR_NAME}}", ink("text"))]
        for share, value, color in zip(shares, values, ("azure", "mute"), strict=True):
            cells = round(room * min(1.0, max(0.0, share)))
            row += [
                Segment(" " + "▆" * cells, ink(color)),
                Segment("▁" * (room - cells), ink("faint")),
                Segment(f" {value:.2f}"[:_VALUE], ink("text")),
            ]
        return row

    return Line(draw, choice)


def _head(left: str, names: Sequence[str]) -> Line:
    """The head of two columns of bars."""

    def draw(palette: Palette, ink: Ink, width: int) -> list[Segment]:
        room = _room(width) + _VALUE
        columns = "".join(f" {name[:room]:<{room}}" for name in names)
        return [Segment(f"{left[:_PAIR_NAME]:<{_PAIR_NAME}}{columns}"[:width], ink("dim"))]

    return Line(draw)


def _room(width: int) -> int:
    """Cells of each of the two bars."""
    return max(1, (width - _PAIR_NAME) // 2 - _VALUE - 1)


def errors(found: ErrorsFound, opened: str = "") -> Report:
    """The paper's breakdown, oracle by oracle. An opened one shows its levels, an opened level its places."""
    breakdown = found.breakdown
    share = len(breakdown.errors) / max(1, breakdown.characters)
    told = f"p < 0.5 at {share:.1%} of characters"
    lines = [words(told.replace("p", "p of what came", 1), "strong", told)]
    bucket_opened, _, level_opened = opened.partition("/")
    for bucket in breakdown.buckets:
        share = breakdown.share(bucket)
        lines.append(
            bar(
                bucket.name,
                [(share, "azure")],
                f"{share:.1%}",
                name_width=_NAME,
                value_width=6,
                token="strong",
                bold=True,
                choice=Run("bucket", bucket.name) if len(bucket) else None,
            )
        )
        if bucket.name == bucket_opened:
            for level in bucket.levels:
                lines += _level(found, bucket, level, is_opened=level.name == level_opened)
    lines += [
        BLANK,
        words("Enter or a click opens a line", "dim"),
        *_learned("n-grams and words", found.learned, found.start, found.text),
    ]
    return Report("what would have helped", f"{breakdown.characters:,} characters", tuple(lines))


_LEVELS = {
    "n-gram": "the {} gives it more than a half",
    "memory": "its word was in the last {} characters",
    "rare word": "its word is {} times in what was learned",
    "word start": "it follows a {}",
    "punctuation": "it is punctuation",
    "the rest": "{} would have made it a half",
}


def _level(found: ErrorsFound, bucket: Bucket, level: Level, *, is_opened: bool) -> list[Line]:
    """What a level stands for, how many errors it holds, and some or all of them."""
    if not len(level):
        return []
    name = f"{level.name}-gram" if bucket.name == "n-gram" else level.name
    told = f"{len(level):,}: {_LEVELS[bucket.name].format(name)}"
    shown = level.positions[: _MOST if is_opened else _FIRST].tolist()
    is_all = len(shown) == len(level) and not is_opened
    lines = [words(told, "text", choice=None if is_all else Run("bucket", f"{bucket.name}/{level.name}"))]
    return lines + [_plain(found.text, found.start, at, "", _ERROR) for at in shown]


def _learned(what: str, source: str, start: int, text: str) -> list[Line]:
    """What was learned from, and what was judged."""
    judged = f"judged on the {len(text):,} characters from {start:,} on", f"judged from {start:,} on"
    return [
        words(f"{what} learned from {source}", "dim", f"learned from {source}", f"from {source}"),
        words(judged[0], "dim", judged[1]),
    ]


def _plain(text: str, start: int, at: int, value: str, mark: float) -> Line:
    """A character in its place, marked."""
    first = max(0, at - _AROUND)
    shown = text[first : at + _AROUND]
    values = np.zeros(len(shown), np.float32)
    values[at - first] = mark
    return excerpt(shown, values, at - first, value, gate=False, choice=Place(start + at))
