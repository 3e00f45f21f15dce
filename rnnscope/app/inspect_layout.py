"""The layout of the inspect screen.

    80×24                  120×40                    200×60
    neurons | passage      neurons | passage         neurons | passage | next
    gates   | find         find    | gates           find    | gates   | heat map

The find panel shares its place with several others; at 200×60 next and heat map have separate places.
"""

from __future__ import annotations

from rnnscope.app.layout import Block, Row

FIRST = "find"
SHARED = (
    *("find", "next", "map", "second", "contexts", "saturation", "match", "ablation", "saliency"),
    *("errors", "ngrams", "brackets", "gradients", "result"),
)
"""The panels that share one place, in order."""
OWN_PLACE = ("next", "map")
"""Panels with a separate place in the layout of three columns."""


def inspect_turns(width: int, height: int) -> tuple[str, ...]:
    """The panels that share one place at this size."""
    wide = is_wide(width, height)
    return tuple(panel for panel in SHARED if not (wide and panel in OWN_PLACE))


def inspect_blocks(width: int, height: int, inner: int, chosen: str) -> tuple[Block, ...]:
    """The blocks of panels for a terminal of this size, left to right."""
    if is_wide(width, height):
        shared = FIRST if chosen in OWN_PLACE else chosen
        return (
            Block(62, (Row(34, (("neurons", 1),)), Row(21, ((shared, 1),)))),
            Block(70, (Row(26, (("passage", 1),)), Row(29, (("gates", 1),)))),
            Block(60, (Row(14, (("next", 1),)), Row(41, (("map", 1),)))),
        )
    if width >= 100 and height >= 28:
        return (
            Block(48, (Row(23, (("neurons", 1),)), Row(12, ((chosen, 1),)))),
            Block(66, (Row(11, (("passage", 1),)), Row(24, (("gates", 1),)))),
        )
    return (Block(1, (Row(12, (("neurons", 36), ("passage", 40))), Row(8, (("gates", 36), (chosen, 40))))),)


def is_wide(width: int, height: int) -> bool:
    """Whether there is room for three columns."""
    return width >= 160 and height >= 40
