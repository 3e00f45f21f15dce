"""The tabs of a panel that shares its place with others, as parts of its title.

find  next  heat map  second  contexts … 1/14        where there is room for names
find ‹1/14›                                          where there is not
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

GAP = 2


@dataclass(frozen=True)
class Part:
    """A piece of the title; a click on it shows `panel`."""

    text: str
    kind: Literal["active", "other"]
    panel: str = ""


@dataclass(frozen=True)
class Tabs:
    """The panels of one place, with their headings, of which one is in front."""

    panels: tuple[str, ...]
    names: tuple[str, ...]
    at: int

    def neighbor(self, by: int) -> str:
        """The panel some tabs further; after the last comes the first."""
        return self.panels[(self.at + by) % len(self.panels)]

    def all_names(self) -> list[Part]:
        """The name of every tab."""
        return self._names(0, len(self.names))

    def short(self) -> list[Part]:
        """The active tab, and its number between arrows."""
        number = f"{self.at + 1}/{len(self.panels)}"
        return [
            Part(self.names[self.at], "active", self.panels[self.at]),
            Part(f" ‹{number[: len(number) // 2]}", "other", self.neighbor(-1)),
            Part(f"{number[len(number) // 2 :]}›", "other", self.neighbor(+1)),
        ]

    def strip(self, room: int) -> list[Part]:
        """All names, or the page of them with the active one, and its number; `short` if none fits."""
        names = self.all_names()
        if width(names) <= room:
            return names
        number = Part(f" {self.at + 1}/{len(self.panels)}", "other", self.neighbor(+1))
        start = 0
        while start <= self.at:
            before = [Part("… ", "other", self.panels[start - 1])] if start else []
            stop = start
            while stop < len(self.names):
                after = [Part(" …", "other", self.panels[stop + 1])] if stop + 1 < len(self.names) else []
                page = [*before, *self._names(start, stop + 1), *after, number]
                if width(page) > room:
                    break
                found = page
                stop += 1
            if stop == start:
                break
            if self.at < stop:
                return found
            start = stop
        return self.short()

    def _names(self, start: int, stop: int) -> list[Part]:
        parts: list[Part] = []
        for i in range(start, stop):
            if i > start:
                parts.append(Part(" " * GAP, "other"))
            parts.append(Part(self.names[i], "active" if i == self.at else "other", self.panels[i]))
        return parts


def width(parts: Sequence[Part]) -> int:
    """The columns of all parts together; names are of narrow characters."""
    return sum(len(part.text) for part in parts)
