"""Ledgers: accounts in crowns, groats and pence, stock books, ferry traffic, and debts.

     3rd  To 14 tallow candles at 4 p.. . . . . .    0    4    8
     5th  To mending the clock. . . . . . . . . .    2   11    0
    ------------------------------------------------------------
          Total                                      2   15    8

Every total is the sum of its column, with 12 pence to the groat and 20 groats to the crown.
"""

from __future__ import annotations

from rnnscope.corpora.archive import forms
from rnnscope.corpora.archive.grammar import Chance, Memory
from rnnscope.corpora.archive.letters import punctuated, wrapped
from rnnscope.corpora.archive.world import WEEKDAYS, Day, Money, Person, new_memory

WIDTH = 60
COLUMN = 5
"""The width of a column of numbers."""
ENTRY = 38
"""The longest entry of an account, in characters."""


def ledger(chance: Chance) -> str:
    """One page of a ledger, of one of four kinds."""
    memory = new_memory(chance)
    for binding in ("me=person", "third=person", "witness=person", "pl=place", "obj=object", "sum=money"):
        memory.expand("{!" + binding + "}")
    writer = memory.values["me"]
    assert isinstance(writer, Person)
    kinds = (_accounts, _accounts, _stock, _traffic, _debts)
    title, body = kinds[chance.below(len(kinds))](memory)
    today = memory.values["today"]
    assert isinstance(today, Day)
    kept = f"Kept by {writer.form('')}, {writer.trade}. {today.form('month')} {today.form('year')}."
    notes = [
        wrapped(f"({_capital(punctuated(memory.write('ledger_note') + '.'))})")
        for _ in range(chance.between(1, 3))
    ]
    label = wrapped(f"[{memory.write('ledgerlabel')}.]")
    return "\n\n".join([label, f"{wrapped(title.upper())}\n{wrapped(kept)}", "\n".join(body), *notes])


def _rows(
    rows: list[tuple[str, list[int]]], headings: list[str], final: list[tuple[str, list[int]]]
) -> list[str]:
    """A ruled table: labels, dot leaders, numbers; totals below a second rule."""
    widths = [max(COLUMN, len(heading) + 2) for heading in headings[1:]]
    room = WIDTH - sum(widths)

    def line(label: str, cells: list[str], leader: str = ". ") -> str:
        gap = room - len(label)
        led = (" " + leader * gap)[:gap] if len(label) % 2 else (leader[::-1] * gap)[:gap]
        return label + led + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))

    rule = "-" * WIDTH
    written = [line(headings[0], headings[1:], "  "), rule]
    written += [line(label, [str(figure) for figure in cells]) for label, cells in rows]
    written.append(rule)
    written += [line(label, [str(figure) for figure in cells], "  ") for label, cells in final]
    return written


def _accounts(memory: Memory) -> tuple[str, list[str]]:
    chance = memory.chance
    goods = [(memory.write_within(22, "ware"), chance.between(3, 80)) for _ in range(chance.between(3, 6))]
    rows, total, received = [], 0, 0
    dates = sorted(chance.between(1, 28) for _ in range(chance.between(6, 16)))
    for number in dates:
        if chance.happens(0.6):
            ware, price = chance.pick(goods)
            count = chance.between(2, 24)
            entry = f"To {count} {forms.plural(ware)} at {Money(price).short()}"
            pence = count * price
        else:
            entry, pence = (
                f"To {memory.write_within(ENTRY, 'service')}",
                chance.between(1, 60) * chance.pick([2, 6, 12]),
            )
        date = forms.ordinal_digits(number).rjust(4)
        total += pence
        rows.append((f"{date}  {entry}", list(Money(pence).parts())))
    finals = [("      Total", list(Money(total).parts()))]
    if chance.happens(0.6):
        received = chance.between(1, total)
        finals.append(("      Received on account", list(Money(received).parts())))
        finals.append(("      Still owing", list(Money(total - received).parts())))
    title = f"Account of {memory.expand('{third}')} at {_bare(memory)}"
    return title, _rows(rows, ["Date", "cr.", "gr.", "p."], finals)


def _bare(memory: Memory) -> str:
    writer = memory.values["me"]
    assert isinstance(writer, Person)
    return writer.workplace


def _stock(memory: Memory) -> tuple[str, list[str]]:
    chance = memory.chance
    rows = []
    for _ in range(chance.between(5, 12)):
        before, came = chance.between(0, 90), chance.between(0, 40)
        sold = chance.between(0, before + came)
        rows.append(
            (
                _capital(forms.plural(memory.write_within(24, "ware"))),
                [before, came, sold, before + came - sold],
            )
        )
    return f"Stock book of {_bare(memory)}", _rows(
        rows, ["Goods", "Before", "Came", "Sold", "Left"], [_sums(rows, "All")]
    )


def _traffic(memory: Memory) -> tuple[str, list[str]]:
    chance = memory.chance
    kinds = chance.shuffled(
        ["Foot", "Carts", "Goats", "Geese", "Prams", "Sheep", "Clergy", "Tubs", "Casks", "Bees"]
    )[:4]
    rows = []
    for weekday in WEEKDAYS[: chance.between(5, 7)]:
        counts = [chance.between(0, limit) for limit in (120, 40, 20, 9)]
        rows.append((f"{weekday}, {memory.write_within(12, 'hour')}", [*counts, sum(counts)]))
    return "Traffic of the ferry at " + memory.expand("{pl.bare}"), _rows(
        rows, ["Crossing", *kinds, "All"], [_sums(rows, "The week")]
    )


def _debts(memory: Memory) -> tuple[str, list[str]]:
    chance = memory.chance
    rows = []
    for _ in range(chance.between(5, 11)):
        owed = chance.between(2, 160)
        paid = chance.between(0, owed) if chance.happens(0.7) else 0
        debtor = memory.expand("{!debtor=person}{debtor.initial}")
        rows.append(
            (
                f"{debtor}, for {chance.between(2, 30)} {forms.plural(memory.write_within(20, 'ware'))}",
                [owed, paid, owed - paid],
            )
        )
    title = f"Debts to {memory.expand('{me}')}, in groats"
    return title, _rows(rows, ["Debtor", "Owed", "Paid", "Owing"], [_sums(rows, "All debts")])


def _sums(rows: list[tuple[str, list[int]]], label: str) -> tuple[str, list[int]]:
    return label, [sum(column) for column in zip(*(cells for _, cells in rows), strict=True)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
