"""The facts of `rnnscope analyze` as tables, for people."""

from __future__ import annotations

import math
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rnnscope.commands.output import say, say_styled
from rnnscope.text.display import glyph, label

_MOSTLY = 0.9  # a gate is mostly shut, or open, where it is so at this share of positions
_LISTED = 8
_BAR = 24
_EXTREMES = 8
_STEPS_BACK = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000)


def print_analyses(found: dict[str, Any]) -> None:
    """Print a table for each analysis; nothing that a text holds can act on the terminal."""
    tables: list[RenderableType] = []
    if "saturation" in found:
        tables.append(_saturation(found["saturation"]))
    if "ngrams" in found:
        tables += [_ngrams(found["ngrams"]), _extremes(found["ngrams"])]
    if "errors" in found:
        tables.append(_errors(found["errors"]))
    if "matches" in found:
        tables += [_matches(of_closer) for of_closer in found["matches"]] or [
            Text("nothing in the text closes anything")
        ]
    if "gradients" in found:
        tables.append(_gradients(found["gradients"]))
    if "selection" in found:
        tables += [_selected(found["selection"]), _matched(found["selection"])]
    for number, table in enumerate(tables):
        if number:
            say("")
        if isinstance(table, Table) and table.title:
            say_styled(Text(str(table.title), style="bold"))
            table.title = None  # Rich would fold it to the width of its table
        say_styled(table)


def _table(title: str, *columns: str) -> Table:
    """The first column holds names, the others numbers."""
    table = Table(title=Text(title), box=None, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", header_style="dim")
    return table


def _saturation(found: dict[str, Any]) -> RenderableType:
    if not found["gates"]:
        return Text("saturation: a plain RNN has no gates")
    table = _table(
        f"saturation over {found['positions']:,} characters",
        "gate",
        "shut < 0.1",
        "open > 0.9",
        "mostly shut",
        "mostly open",
    )
    table.add_column("the most open", header_style="dim", overflow="fold")
    for gate in found["gates"]:
        left, right = gate["left"], gate["right"]
        most_open = sorted(range(len(right)), key=lambda unit: -right[unit])[:_LISTED]
        table.add_row(
            f"{gate['layer']} {gate['gate']}",
            _percent(sum(left) / len(left)),
            _percent(sum(right) / len(right)),
            f"{sum(share > _MOSTLY for share in left)} of {len(left)}",
            f"{sum(share > _MOSTLY for share in right)} of {len(right)}",
            " ".join(f"{gate['layer']}/{unit}" for unit in most_open if right[unit] > 0),
        )
    return table


def _ngrams(found: dict[str, Any]) -> RenderableType:
    table = _table("loss", "", "nats", "bits")
    for order, nats in found["by_order"].items():
        best = ", the best" if order == str(found["order"]) else ""
        table.add_row(f"{order}-gram{best}", f"{nats:.4f}", f"{nats / math.log(2):.4f}")
    network = found["network_nats"]
    table.add_row(Text("the model", style="bold"), f"{network:.4f}", f"{network / math.log(2):.4f}")
    return table


def _extremes(found: dict[str, Any]) -> RenderableType:
    table = _table(
        f"where the model and the {found['order']}-gram differ most",
        "character",
        "position",
        "model",
        "n-gram",
        "nats ahead",
    )
    for told in (*found["ahead"][:_EXTREMES], *found["behind"][:_EXTREMES][::-1]):
        text = Text(_quoted(told["before"]), style="dim")
        text.append(label(told["character"]), style="bold not dim")
        table.add_row(
            text,
            f"{told['position']:,}",
            _percent(told["network"]),
            _percent(told["ngram"]),
            f"{told['difference_nats']:+.2f}",
        )
    return table


def _errors(found: dict[str, Any]) -> RenderableType:
    share = found["errors"] / max(1, found["characters"])
    table = _table(
        f"{found['errors']:,} errors in {found['characters']:,} characters, {_percent(share)}: "
        "what would have helped",
        "oracle",
        "errors",
        "share",
    )
    table.add_column("")
    table.add_column("of them", header_style="dim", overflow="fold")
    for bucket in found["buckets"]:
        levels = [level for level in bucket["levels"] if level["name"] != "all"]
        table.add_row(
            bucket["name"],
            f"{bucket['count']:,}",
            _percent(bucket["share"]),
            "█" * round(bucket["share"] * _BAR),
            "  ".join(f"{level['name']}: {level['count']:,}" for level in levels),
        )
    return table


def _matches(of_closer: dict[str, Any]) -> RenderableType:
    table = _table(
        f"loss at {of_closer['closer']} against how far back it was opened, {of_closer['pairs']:,} pairs",
        "characters back",
        "pairs",
        "model, nats",
        "n-gram, nats",
        "nats ahead",
    )
    for each in of_closer["bins"]:
        low, high = each["from"], each["to"]
        table.add_row(
            f"{low:,}" if low == high else f"{low:,} to {high:,}",
            f"{each['count']:,}",
            f"{each['network_nats']:.3f}",
            f"{each['ngram_nats']:.3f}",
            f"{each['ngram_nats'] - each['network_nats']:+.3f}",
        )
    return table


def _gradients(found: list[dict[str, Any]]) -> RenderableType:
    columns = [
        f"{network['title']}, layer {layer}"
        for network in found
        for layer in range(1, len(network["layers"]) + 1)
    ]
    table = _table("gradient of a loss at the hidden state, by steps back", "steps back", *columns)
    norms = [layer for network in found for layer in network["layers"]]
    last = len(norms[0]) - 1
    for back in sorted({*(step for step in _STEPS_BACK if step < last), last}):
        table.add_row(f"{back:,}", *(f"{layer[back]:.2e}" for layer in norms))
    return table


def _selected(found: dict[str, Any]) -> RenderableType:
    neurons = " ".join(
        f"{'−' if neuron['sign'] < 0 else '+'}{neuron['layer']}/{neuron['unit']}"
        for neuron in found["neurons"]
    )
    table = _table(f"on over exactly {found['start']:,}:{found['stop']:,}", "", "")
    table.columns[1].justify = "left"
    table.add_row("text", Text(_quoted(found["text"])))
    table.add_row("neurons", Text(neurons or f"none: no {found['quantity']} beyond ±{found['threshold']:g}"))
    return table


def _matched(found: dict[str, Any]) -> RenderableType:
    table = _table("where else", "characters", "shared", "Jaccard")
    table.add_column("text", header_style="dim", overflow="fold")
    for each in found["matches"]:
        table.add_row(
            f"{each['start']:,}:{each['stop']:,}",
            f"{each['shared']} of {len(found['neurons'])}",
            f"{each['jaccard']:.3f}",
            Text(_quoted(each["text"])),
        )
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _quoted(text: str) -> str:
    return "".join(map(glyph, text))
