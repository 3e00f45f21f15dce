"""People, places, dates and sums of money of the archive: values with several written forms.

Money has crowns, groats and pence: 12 pence to the groat, 20 groats to the crown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from rnnscope.corpora.archive import forms
from rnnscope.corpora.archive.grammar import Chance, Memory, Remembered, rules

PENCE_PER_GROAT = 12
PENCE_PER_CROWN = 240
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"]  # fmt: skip
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
SEASONS = ("winter", "winter", "spring", "spring", "spring", "summer", "summer", "summer", "autumn", "autumn",
           "autumn", "winter")  # fmt: skip


@dataclass(frozen=True)
class Person:
    """A person. The text of `habit` follows "who", that of `treasure` follows "his" or "her"."""

    first: str
    last: str
    woman: bool
    title: str
    trade: str
    workplace: str
    street: str
    habit: str
    treasure: str

    @property
    def caps(self) -> str:
        """The speaker's name at the start of a speech."""
        return self.first.upper()

    def form(self, name: str) -> str:
        """The person in one of the forms of templates, such as `he`, `caps` or `trade`."""
        match name:
            case "":
                return f"{self.first} {self.last}"
            case "mr":
                return f"{self.title} {self.last}"
            case "he":
                return "she" if self.woman else "he"
            case "caps":
                return self.caps
            case "him":
                return "her" if self.woman else "him"
            case "his":
                return "her" if self.woman else "his"
            case "hers":
                return "hers" if self.woman else "his"
            case "himself":
                return "herself" if self.woman else "himself"
            case "man":
                return "woman" if self.woman else "man"
            case "sir":
                return "madam" if self.woman else "sir"
            case "kin":
                return "aunt" if self.woman else "uncle"
            case "initial":
                return f"{self.first[0]}. {self.last}"
        written = getattr(self, name)
        assert isinstance(written, str), f"a person has no form {name!r}"
        return written


@dataclass(frozen=True)
class Place:
    """A place, such as `the Ferry Stairs`, with its preposition."""

    name: str
    preposition: str
    known_for: str

    def form(self, name: str) -> str:
        """The place in one of the forms of templates, such as `at` or `link`."""
        match name:
            case "":
                return self.name
            case "at":
                return f"{self.preposition} {self.name}"
            case "bare":
                return self.name.removeprefix("the ").removeprefix("The ")
            case "link":
                article = "the " if self.name.startswith("the ") else ""
                return f"{article}[[{self.form('bare')}]]"
            case "linked":
                return f"{self.preposition} {self.form('link')}"
            case "slug":
                return self.form("bare").lower().replace("'", "").replace(" ", "-")
            case "fame":
                return self.known_for
        raise KeyError(f"a place has no form {name!r}")


@dataclass(frozen=True)
class Money:
    """A sum in pence."""

    pence: int

    def form(self, name: str) -> str:
        """The sum in one of the forms of templates, such as `short` or `half`."""
        match name:
            case "":
                return self.words()
            case "short":
                return self.short()
            case "half":
                return Money(self.pence // 2).words()
            case "double":
                return Money(self.pence * 2).words()
            case "more":
                return Money(self.pence + PENCE_PER_GROAT).words()
        raise KeyError(f"money has no form {name!r}")

    def parts(self) -> tuple[int, int, int]:
        """Crowns, groats and pence."""
        crowns, rest = divmod(self.pence, PENCE_PER_CROWN)
        return crowns, *divmod(rest, PENCE_PER_GROAT)

    def words(self) -> str:
        """The sum in words, such as `two crowns and sixpence`."""
        crowns, groats, pence = self.parts()
        said = [
            f"{forms.number_words(count)} {name if count == 1 else name + 's'}"
            for count, name in ((crowns, "crown"), (groats, "groat"))
            if count
        ]
        if pence:
            said.append("a penny" if pence == 1 else forms.number_words(pence) + "pence")
        return " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)

    def short(self) -> str:
        """The sum in figures, such as `2 cr. 6 p.`."""
        signs = zip(self.parts(), ("cr.", "gr.", "p."), strict=True)
        return " ".join(f"{count} {sign}" for count, sign in signs if count)


@dataclass(frozen=True)
class Number:
    """A number of at least 2, so that the counted noun is plural."""

    value: int

    def form(self, name: str) -> str:
        """The number in one of the forms of templates, such as `digits` or `nth`."""
        match name:
            case "":
                return forms.number_words(self.value)
            case "digits":
                return str(self.value)
            case "nth":
                return forms.ordinal_words(self.value)
            case "more":
                return forms.number_words(self.value + 1)
            case "fewer":
                return forms.number_words(self.value - 1)
            case "double":
                return forms.number_words(2 * self.value)
        raise KeyError(f"a number has no form {name!r}")


@dataclass(frozen=True)
class Day:
    """A date."""

    day: date

    def form(self, name: str) -> str:
        """The date in one of the forms of templates, such as `weekday` or `spoken`."""
        match name:
            case "":
                return f"{self.form('weekday')}, {self.form('short')} {self.day.year}"
            case "short":
                return f"{forms.ordinal_digits(self.day.day)} {self.form('month')}"
            case "spoken":
                return f"the {forms.ordinal_words(self.day.day)} of {self.form('month')}"
            case "weekday":
                return WEEKDAYS[self.day.weekday()]
            case "month":
                return MONTHS[self.day.month - 1]
            case "year":
                return str(self.day.year)
            case "iso":
                return self.day.isoformat()
            case "tomorrow" | "later" | "before":
                return Day(self.day + timedelta({"tomorrow": 1, "later": 5, "before": -3}[name])).form(
                    "weekday"
                )
            case "due":
                return Day(self.day + timedelta(16)).form("spoken")
        raise KeyError(f"a day has no form {name!r}")

    @property
    def season(self) -> str:
        """`winter`, `spring`, `summer` or `autumn`."""
        return SEASONS[self.day.month - 1]


@cache
def people() -> tuple[Person, ...]:
    """All people of the lore files."""
    return tuple(
        Person(first, last, sex == "f", title, trade, workplace, street, habit, treasure)
        for line in rules()["people"]
        for first, last, sex, title, trade, workplace, street, habit, treasure in [
            [part.strip() for part in line.split(";")]
        ]
    )


@cache
def places() -> tuple[Place, ...]:
    """All places of the lore files."""
    return tuple(Place(*(part.strip() for part in line.split(";"))) for line in rules()["places"])


def day(chance: Chance) -> Day:
    """A day of the years 1887 to 1896."""
    return Day(date(1887, 1, 1) + timedelta(chance.below(3652)))


def money(chance: Chance) -> Money:
    """A sum of money; even, so that it can be halved."""
    crowns, groats, pence = chance.below(14), chance.below(20), 2 * chance.below(6)
    return Money(
        max(
            2 * PENCE_PER_GROAT,
            crowns * PENCE_PER_CROWN + groats * PENCE_PER_GROAT * chance.below(2) + pence * chance.below(2),
        )
    )


def _person(memory: Memory) -> Person:
    while memory.remembers(person := memory.chance.draw("person", people())):
        pass
    return person


def _place(memory: Memory) -> Place:
    while memory.remembers(place := memory.chance.draw("place", places())):
        pass
    return place


PROPS = {"beast": "creature", "prop": "thing", "coat": "garment", "chamber": "room", "meal": "food"}
"""Values that every document remembers from its start, with the rules that expand to them."""

MAKERS: dict[str, Callable[[Memory], Remembered]] = {
    "person": _person,
    "place": _place,
    "money": lambda memory: money(memory.chance),
    "number": lambda memory: Number(memory.chance.between(2, 12)),
    "many": lambda memory: Number(memory.chance.between(13, 99)),
    "day": lambda memory: day(memory.chance),
}


def new_memory(chance: Chance) -> Memory:
    """The memory of a new document, with its date and its props."""
    today = day(chance)
    memory = Memory(chance, MAKERS, today.season)
    memory.values["today"] = today
    for name, rule in PROPS.items():
        memory.expand(f"{{!{name}={rule}}}")
    return memory
