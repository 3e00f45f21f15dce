"""The layouts of the inspect screen.

    80×24                  120×40                    200×60
    neurons | passage      neurons | passage         neurons | passage | next
    gates   | find         find    | gates           find    | gates   | heat map

The find panel shares its place with several others; at 200×60 next and heat map have separate places.
"""

from __future__ import annotations

from collections.abc import Mapping

from rnnscope.app.layout import LARGE, Block, Blocks, Row

SHARED = (
    *("find", "next", "map", "second", "contexts", "saturation", "match", "ablation", "saliency"),
    *("errors", "ngrams", "brackets", "gradients", "compare", "result"),
)
"""The panels that share one place, in order."""


def _overview(width: int, height: int, inner: int) -> tuple[Block, ...]:
    if width >= 160 and height >= 40:
        return (
            Block(62, (Row(34, (("neurons", 1),)), Row(21, ((_tabs("next", "map"), 1),)))),
            Block(70, (Row(26, (("passage", 1),)), Row(29, (("gates", 1),)))),
            Block(60, (Row(14, (("next", 1),)), Row(41, (("map", 1),)))),
        )
    if width >= 100 and height >= 28:
        return (
            Block(48, (Row(23, (("neurons", 1),)), Row(12, ((SHARED, 1),)))),
            Block(66, (Row(11, (("passage", 1),)), Row(24, (("gates", 1),)))),
        )
    return (Block(1, (Row(12, (("neurons", 36), ("passage", 40))), Row(8, (("gates", 36), (SHARED, 40))))),)


def _reading(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(24, (("passage", 1),)), Row(11, (("next", 1), (_tabs("next"), 1))))),)


def _gates(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(10, (("passage", 3), (SHARED, 2))), Row(20, (("gates", 1),)))),)


def _heat_map(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(10, (("passage", 3), (_tabs("map"), 2))), Row(22, (("map", 1),)))),)


def _charts(width: int, height: int, inner: int) -> tuple[Block, ...]:
    charts = ("saturation", "gradients")
    return (
        Block(1, (Row(9, (("passage", 3), (_tabs(*charts), 2))), Row(20, tuple((c, 1) for c in charts)))),
    )


def _analysis(width: int, height: int, inner: int) -> tuple[Block, ...]:
    if width >= 100 and height >= 28:
        rows = (Row(16, (("neurons", 1),)), Row(18, (("passage", 1),)))
        return (Block(48, rows), Block(66, (Row(1, ((SHARED, 1),)),)))
    return (Block(1, (Row(8, (("neurons", 1), ("passage", 1))), Row(12, ((SHARED, 1),)))),)


def _tabs(*without: str) -> tuple[str, ...]:
    """The panels that share a place where these have their own."""
    return tuple(panel for panel in SHARED if panel not in without)


def _large(width: int, height: int, inner: int) -> tuple[Block, ...]:
    return (Block(1, (Row(16, (("passage", 1),)), Row(8, (("gates", 1),)))),)


INSPECT_LAYOUTS: Mapping[str, Blocks] = {
    "overview": _overview,
    "reading": _reading,
    "gates": _gates,
    "heat map": _heat_map,
    "charts": _charts,
    "analysis": _analysis,
    LARGE: _large,
}
