"""The layouts of the train screen.

    80×24                        120×40                       200×60
    loss    | sample             loss    | sample             loss    | sample | heat map
    passage    | next            passage | next               passage | next   |
    gates                        gates   | heat map           gates            | gradient

The table of neurons is a tab of the heat map; find and contexts of the heat map, the sample or the gradient.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnscope.app.layout import GAP_COLUMNS, LARGE, Block, Blocks, Row

REPORTS = ("find", "contexts")
"""Result panels of the train screen."""
_CHARTS = ("loss", "gradient")
_NEURONS = ("map", "neurons", *REPORTS)
_TEXTS = ("next", "sample", *REPORTS)


def _overview(width: int, height: int, inner: int) -> tuple[Block, ...]:
    if width >= 160 and height >= 48:
        left = (
            Row(15, (("loss", 66), ("sample", 58))),
            Row(16, (("passage", 66), ("next", 58))),
            Row(23, (("gates", 1),)),
        )
        right = (Row(39, ((("map", "neurons"), 1),)), Row(16, ((("gradient", *REPORTS), 1),)))
        return Block(126, left), Block(68, right)
    if width >= 160 and height >= 28:
        left = (
            Row(11, ((_CHARTS, 66), ("sample", 58))),
            Row(12, (("passage", 66), ("next", 58))),
            Row(11, (("gates", 1),)),
        )
        return Block(126, left), Block(68, (Row(1, ((_NEURONS, 1),)),))
    if width >= 100 and height >= 28:
        rows = (
            Row(11, ((_CHARTS, 64), ("sample", 50))),
            Row(12, (("passage", 64), ("next", 50))),
            Row(11, (("gates", 64), (_NEURONS, 50))),
        )
        return (Block(1, rows),)
    next_width = max(17, min(34, round(0.33 * (inner - GAP_COLUMNS))))
    low = height < 40
    narrow = [
        Row(7, ((_CHARTS, 39), (("sample", *_NEURONS) if low else "sample", 37))),
        Row(7, (("passage", inner - GAP_COLUMNS - next_width), ("next", next_width))),
        Row(5 if height < 28 else 7, (("gates", 1),)),
    ]
    if not low:
        narrow.append(Row(7, ((_NEURONS, 1),)))
    return (Block(1, tuple(narrow)),)


def _reading(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(20, (("passage", 1),)), Row(14, (("next", 1), (("sample", *REPORTS), 1))))),)


def _gates(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(10, (("passage", 3), (_TEXTS, 2))), Row(20, (("gates", 1),)))),)


def _heat_map(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(10, (("passage", 3), (_TEXTS, 2))), Row(22, (("map", 1),)))),)


def _charts(width: int, height: int, inner: int) -> tuple[Block, ...]:
    if width >= 100:
        side = (Row(14, (("gradient", 1),)), Row(14, ((("sample", *REPORTS), 1),)))
        return Block(66, (Row(1, (("loss", 1),)),)), Block(48, side)
    return (Block(1, (Row(13, (("loss", 1),)), Row(7, (("gradient", 1), (("sample", *REPORTS), 1))))),)


def _analysis(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(12, (("passage", 1), ("neurons", 1))), Row(16, (("find", 1), ("contexts", 1))))),)


def _large(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(12, ((_CHARTS, 1),)), Row(12, ((("sample", "passage", *REPORTS), 1),)))),)


TRAIN_LAYOUTS: Mapping[str, Blocks] = {
    "overview": _overview,
    "reading": _reading,
    "gates": _gates,
    "heat map": _heat_map,
    "charts": _charts,
    "analysis": _analysis,
    LARGE: _large,
}
