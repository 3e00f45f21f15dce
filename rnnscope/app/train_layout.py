"""The layout of the train screen.

    80×24                        120×40                       200×60
    loss    | sample             loss    | sample             loss    | sample | neurons
    passage    | next            passage | next               passage | next   |
    gates                        gates   | neurons            gates            | gradient

Find and contexts replace the sample or the neurons, or appear between neurons and gradient.
"""

from __future__ import annotations

from rnnscope.app.layout import GAP_COLUMNS, Block, Row

REPORTS = ("find", "contexts")
"""Result panels of the train screen."""


def train_turns(width: int, height: int) -> tuple[str, ...]:
    """The panels that share one place at this size, in order."""
    return ("loss", *REPORTS) if width >= 160 and height >= 48 else ("loss", "gradient", *REPORTS)


def train_blocks(width: int, height: int, inner: int, chosen: str) -> tuple[Block, ...]:
    """The blocks of panels for a terminal of this size; `chosen` is the panel in the shared place."""
    chart = "gradient" if chosen == "gradient" else "loss"
    report = chosen if chosen in REPORTS else None
    if width >= 160 and height >= 28:
        tall = height >= 48
        rows = (15, 16, 23) if tall else (11, 12, 11)
        left = (
            Row(rows[0], (("loss" if tall else chart, 66), ("sample", 58))),
            Row(rows[1], (("passage", 66), ("next", 58))),
            Row(rows[2], (("gates", 1),)),
        )
        column = ["neurons", *([report] if report else []), *(["gradient"] if tall else [])]
        heights = {1: (35,), 2: (44, 11) if tall else (20, 15), 3: (24, 19, 11)}[len(column)]
        right = tuple(Row(high, ((name, 1),)) for high, name in zip(heights, column, strict=True))
        return Block(126, left), Block(68, right)
    if width >= 100 and height >= 28:
        rows_of_two = (
            Row(11, ((chart, 64), ("sample", 50))),
            Row(12, (("passage", 64), ("next", 50))),
            Row(11, (("gates", 64), (report or "neurons", 50))),
        )
        return (Block(1, rows_of_two),)
    next_width = max(17, min(34, round(0.33 * (inner - GAP_COLUMNS))))
    low = height < 40
    narrow = [
        Row(7, ((chart, 39), (report if report and low else "sample", 37))),
        Row(7, (("passage", inner - GAP_COLUMNS - next_width), ("next", next_width))),
        Row(5 if height < 28 else 7, (("gates", 1),)),
    ]
    if not low:
        narrow.append(Row(7, ((report or "neurons", 1),)))
    return (Block(1, tuple(narrow)),)
