"""A grammar that remembers: templates with slots, expanded in the memory of one document.

A lore file holds rules. `= name` opens a rule with one alternative a line, `: name` one with alternatives
divided by commas; a name such as `weather@winter` adds alternatives for one season. In an alternative:

    {thing}          a remembered value, else a fresh expansion of the rule
    {thing.s}        one of its forms, here the plural;  {Thing} starts with a capital
    {x=thing}        expand, remember as x, write;       {x?thing}  only if x is not yet remembered
    {!x=thing}       remember without writing
    {one|two|}       one of these, which may hold slots themselves
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Protocol, TypeVar

from rnnscope.corpora.archive import forms

T = TypeVar("T")

WORDS_STEEPNESS = 1.2
PHRASES_STEEPNESS = 1.2
"""How much oftener the first words of a list, or phrases of a rule, are used than its last (Zipf's law)."""
FAVOURITES = 2
"""About so many of the first are used equally often (Mandelbrot's correction)."""


class Remembered(Protocol):
    """A value with several written forms, such as a person: `name`, `he`, `trade`."""

    def form(self, name: str) -> str: ...


@dataclass(frozen=True)
class Slot:
    """One pair of braces: what to expand, in which form, and under which name to remember it."""

    key: str
    form: str
    remember: str
    keep: bool
    silent: bool
    capital: bool


@dataclass(frozen=True)
class Choice:
    """Braces with bars: one of the alternatives."""

    options: tuple[Template, ...]


Template = tuple["str | Slot | Choice", ...]

_SLOT = re.compile(r"(!?)(?:(\w+)([=?]))?(\w+)(?:\.(\w+))?")


@cache
def parse(template: str) -> Template:
    """A template as literal text, slots and choices, in order."""
    parts: list[str | Slot | Choice] = []
    position = 0
    while (opening := template.find("{", position)) >= 0:
        closing = _closing_brace(template, opening)
        if opening > position:
            parts.append(template[position:opening])
        parts.append(_slot(template[opening + 1 : closing]))
        position = closing + 1
    if position < len(template):
        parts.append(template[position:])
    return tuple(parts)


def _closing_brace(template: str, opening: int) -> int:
    depth = 0
    for position in range(opening, len(template)):
        depth += {"{": 1, "}": -1}.get(template[position], 0)
        if depth == 0:
            return position
    raise ValueError(f"unclosed brace in template: {template}")


def _slot(inside: str) -> Slot | Choice:
    options = _top_level_options(inside)
    if len(options) > 1:
        return Choice(tuple(parse(option) for option in options))
    match = _SLOT.fullmatch(inside)
    if match is None:
        raise ValueError(f"not a slot: {{{inside}}}")
    silent, name, sign, key, form = match.groups(default="")
    capital = (name or key)[0].isupper()
    return Slot(_uncapital(key), form, _uncapital(name), sign == "?", bool(silent), capital)


def _uncapital(name: str) -> str:
    return name[:1].lower() + name[1:]


def _top_level_options(inside: str) -> list[str]:
    options, depth, start = [], 0, 0
    for position, character in enumerate(inside):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "|" and depth == 0:
            options.append(inside[start:position])
            start = position + 1
    return [*options, inside[start:]]


@cache
def word_lists() -> frozenset[str]:
    """The names of the rules that list single words."""
    folder = resources.files("rnnscope.corpora.archive") / "lore"
    lines = (line for path in folder.iterdir() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line[2:].strip().partition("@")[0] for line in lines if line.startswith(": "))


@cache
def rules() -> dict[str, tuple[str, ...]]:
    """Every rule of the lore files, by name."""
    gathered: dict[str, list[str]] = {}
    folder = resources.files("rnnscope.corpora.archive") / "lore"
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        for name, alternative in _alternatives(path.read_text(encoding="utf-8")):
            gathered.setdefault(name, []).append(alternative)
    return {name: tuple(alternatives) for name, alternatives in gathered.items()}


def _alternatives(text: str) -> Iterator[tuple[str, str]]:
    name, by_commas = "", False
    for line in text.splitlines():
        if line.startswith(("= ", ": ")):
            name, by_commas = line[2:].strip(), line[0] == ":"
        elif line.strip() and not line.startswith("#"):
            parts = line.split(",") if by_commas else [line]
            yield from ((name, part.strip()) for part in parts if part.strip())


class Chance:
    """Every random choice of the archive, by `random()` alone: the sequence that Python promises to keep."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random
        self._bags: dict[str, list[int]] = {}

    def below(self, bound: int) -> int:
        """An integer in 0..bound-1."""
        return int(self._random() * bound)

    def between(self, low: int, high: int) -> int:
        """An integer in low..high, both included."""
        return low + self.below(high - low + 1)

    def happens(self, probability: float) -> bool:
        return self._random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def shuffled(self, options: Iterable[T]) -> list[T]:
        left = list(options)
        return [left.pop(self.below(len(left))) for _ in range(len(left))]

    def draw(self, name: str, options: tuple[T, ...], steepness: float = PHRASES_STEEPNESS) -> T:
        """One option from a shuffled bag that holds the first ones many times and the last ones once."""
        bag = self._bags.get(name)
        if not bag:
            count = len(options)
            shares = ((count + FAVOURITES) / (rank + 1 + FAVOURITES) for rank in range(count))
            copies = [at for at, share in enumerate(shares) for _ in range(round(share**steepness))]
            bag = self._bags[name] = self.shuffled(copies)
        return options[bag.pop()]


class Memory:
    """What one document knows: its date, its people, its sum of money, whatever a template remembered."""

    def __init__(
        self, chance: Chance, makers: dict[str, Callable[[Memory], Remembered]], season: str
    ) -> None:
        self.chance = chance
        self.season = season
        self.values: dict[str, str | Remembered] = {}
        self._makers = makers
        self._said: set[str] = set()

    def tell(self, rule: str) -> str:
        """An expansion of a rule, articles agreed."""
        return self.told("{" + rule + "}")

    def tell_within(self, room: int, rule: str) -> str:
        """An expansion of a rule that is at most `room` characters long."""
        return next(words for words in iter(lambda: self.tell(rule), None) if len(words) <= room)

    def told(self, template: str) -> str:
        """An expansion of a template, articles agreed."""
        return forms.with_articles(self.expand(template))

    def draw_line(self, rule: str) -> str:
        """One alternative of a rule, its slots still open."""
        return self._unsaid(rule, rules()[rule])

    def expand(self, template: str) -> str:
        """An expansion of a template, articles as written."""
        return self._expand(parse(template))

    def knows(self, value: object) -> bool:
        return any(value is known for known in self.values.values())

    def _expand(self, template: Template) -> str:
        return "".join(part if isinstance(part, str) else self._fill(part) for part in template)

    def _fill(self, part: Slot | Choice) -> str:
        if isinstance(part, Choice):
            return self._expand(self.chance.pick(part.options))
        if part.keep and part.remember in self.values:
            value = self.values[part.remember]
        else:
            value = self._value(part.key)
            if part.remember:
                self.values[part.remember] = value
        if part.silent:
            return ""
        written = string_form(value, part.form) if isinstance(value, str) else value.form(part.form)
        return written[:1].upper() + written[1:] if part.capital else written

    def _value(self, key: str) -> str | Remembered:
        if key in self.values:
            return self.values[key]
        if key in self._makers:
            return self._makers[key](self)
        lore = rules()
        seasonal = f"{key}@{self.season}"
        alternatives = lore.get(key, ()) + lore.get(seasonal, ())
        if not alternatives:
            raise KeyError(f"no rule, maker or remembered value is called {key!r}")
        name = seasonal if seasonal in lore else key
        if key in word_lists():
            return self._expand(parse(self.chance.draw(name, alternatives, WORDS_STEEPNESS)))
        return self._expand(parse(self._unsaid(name, alternatives)))

    def _unsaid(self, name: str, alternatives: tuple[str, ...]) -> str:
        """A phrase that this document has not used yet, while there is one."""
        left = tuple(phrase for phrase in alternatives if "{" in phrase and phrase not in self._said)
        while True:
            phrase = self.chance.draw(name, alternatives, PHRASES_STEEPNESS)
            if phrase in left or not left:
                self._said.add(phrase)
                return phrase


_FORMS: dict[str, Callable[[str], str]] = {
    "": str,
    "s": forms.plural,
    "head": forms.head,
    "heads": lambda text: forms.plural(forms.head(text)),
    "ed": forms.past,
    "ing": forms.present_participle,
    "es": forms.third_person,
    "caps": str.upper,
    "title": lambda text: " ".join(word[:1].upper() + word[1:] for word in text.split(" ")),
    "cap": lambda text: text[:1].upper() + text[1:],
}


def string_form(text: str, form: str) -> str:
    """A form of plain words: `s` plural, `ed` past, `ing`, `es` third person, `head`, `caps`, `title`."""
    return _FORMS[form](text)
