"""The layouts of the replay screen; the timeline is under the loss, as wide as that.

    80×24                        120×40                       200×60
    loss     | sample            loss     | sample            loss     | sample  | heat map
    timeline |                   timeline |                   timeline |         |
    passage  | next              passage  | next              passage  | next    |
    gates    |                   gates    | heat map          gates    | neurons | find

The table of neurons, find and contexts are tabs of the heat map or of the sample.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnscope.app.layout import LARGE, Block, Blocks, Row

REPORTS = ("find", "contexts")
"""Result panels of the replay screen."""
_NEURONS = ("map", "neurons", *REPORTS)
_TEXTS = ("sample", *REPORTS)
_TIMELINE = Row(6, (("timeline", 1),))


def _overview(width: int, height: int, inner: int) -> tuple[Block, ...]:
    if width >= 160 and height >= 48:
        return (
            _column(66, loss=14, timeline=7, passage=15, gates=17),
            _column(58, sample=22, next=15, neurons=17),
            Block(68, (Row(35, (("map", 1),)), Row(20, ((REPORTS, 1),)))),
        )
    if width >= 160 and height >= 28:
        return (
            _column(66, loss=9, timeline=6, passage=12),
            _column(58, sample=16, next=12),
            Block(68, (Row(13, (("gates", 1),)), Row(15, ((_NEURONS, 1),)))),
        )
    if width >= 100 and height >= 28:
        right = (Row(16, (("sample", 1),)), Row(10, (("next", 1),)), Row(8, ((_NEURONS, 1),)))
        return _column(64, loss=9, timeline=6, passage=10, gates=8), Block(50, right)
    low = (Row(13, ((("sample", *_NEURONS), 1),)), Row(7, (("next", 1),)))
    return _column(46, loss=5, timeline=3, passage=6, gates=4), Block(30, low)


def _reading(width: int, height: int, inner: int) -> tuple[Block, ...]:
    rows = (_TIMELINE, Row(16, (("passage", 1),)), Row(12, (("next", 1), (_TEXTS, 1))))
    return (Block(1, rows),)


def _gates(width: int, height: int, inner: int) -> tuple[Block, ...]:
    rows = (_TIMELINE, Row(9, (("passage", 3), (("next", *_TEXTS), 2))), Row(18, (("gates", 1),)))
    return (Block(1, rows),)


def _heat_map(width: int, height: int, inner: int) -> tuple[Block, ...]:
    rows = (_TIMELINE, Row(9, (("passage", 3), (("next", *_TEXTS), 2))), Row(18, (("map", 1),)))
    return (Block(1, rows),)


def _charts(width: int, height: int, inner: int) -> tuple[Block, ...]:
    rows = (Row(15, (("loss", 1),)), Row(9, (("timeline", 1),)), Row(9, (("next", 1), (_TEXTS, 1))))
    return (Block(1, rows),)


def _analysis(width: int, height: int, inner: int) -> tuple[Block, ...]:
    rows = (_TIMELINE, Row(11, (("passage", 1), ("neurons", 1))), Row(14, (("find", 1), ("contexts", 1))))
    return (Block(1, rows),)


def _column(width: int, **heights: int) -> Block:
    """Panels one below the other."""
    return Block(width, tuple(Row(height, ((panel, 1),)) for panel, height in heights.items()))


def _large(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(14, ((("passage", "sample", "loss"), 1),)), Row(10, (("timeline", 1),)))),)


REPLAY_LAYOUTS: Mapping[str, Blocks] = {
    "overview": _overview,
    "reading": _reading,
    "gates": _gates,
    "heat map": _heat_map,
    "charts": _charts,
    "analysis": _analysis,
    LARGE: _large,
}
