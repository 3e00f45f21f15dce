"""A template grammar with memory: slots expand to values that one document remembers.

A lore file holds rules. `= name` starts a rule with one alternative per line, `: name` one with alternatives
separated by commas; a name such as `weather@winter` adds alternatives for one season. In an alternative:

    {thing}          the remembered value, or else a new expansion of the rule
    {thing.s}        one of its forms, here the plural;  {Thing} starts with a capital
    {x=thing}        expand, remember as x, write;       {x?thing}  expand only if x is not remembered
    {!x=thing}       remember without writing
    {one|two|}       one of the alternatives, which may contain slots
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
"""The exponent of the rank-frequency law of the words of a list and the phrases of a rule (Zipf)."""
FAVORITES = 2
"""The rank offset of the same law: about this many first entries are equally frequent (Mandelbrot)."""


class Remembered(Protocol):
    """A value with several written forms, such as a person: `name`, `he`, `trade`."""

    def form(self, name: str) -> str:
        """The value in one of its forms, by name."""


@dataclass(frozen=True)
class Slot:
    """A slot: the key to expand, its form, and the name under which to remember the value."""

    key: str
    form: str
    remember: str
    keep: bool
    silent: bool
    capital: bool


@dataclass(frozen=True)
class Choice:
    """A choice between alternatives."""

    options: tuple[Template, ...]


Template = tuple["str | Slot | Choice", ...]

_SLOT = re.compile(r"(!?)(?:(\w+)([=?]))?(\w+)(?:\.(\w+))?")


@cache
def parse(template: str) -> Template:
    """Parse a template into literal text, slots and choices. Raises ValueError."""
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
    """The names of the rules that are lists of words."""
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
    """Random choices from `random.random()` alone: its sequence is the same in all Python versions."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random
        self._bags: dict[str, list[int]] = {}

    def below(self, bound: int) -> int:
        """An integer in 0..bound-1."""
        return int(self._random() * bound)

    def between(self, low: int, high: int) -> int:
        """An integer in low..high, inclusive."""
        return low + self.below(high - low + 1)

    def happens(self, probability: float) -> bool:
        """True with the given probability."""
        return self._random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One option, all equally probable."""
        return options[self.below(len(options))]

    def shuffled(self, options: Iterable[T]) -> list[T]:
        """The options in random order."""
        left = list(options)
        return [left.pop(self.below(len(left))) for _ in range(len(left))]

    def draw(self, name: str, options: tuple[T, ...], steepness: float = PHRASES_STEEPNESS) -> T:
        """One option from a shuffled bag with many copies of the first options and one of the last."""
        bag = self._bags.get(name)
        if not bag:
            count = len(options)
            shares = ((count + FAVORITES) / (rank + 1 + FAVORITES) for rank in range(count))
            copies = [at for at, share in enumerate(shares) for _ in range(round(share**steepness))]
            bag = self._bags[name] = self.shuffled(copies)
        return options[bag.pop()]


class Memory:
    """The remembered values of one document, such as its date, its people and its sum of money."""

    def __init__(
        self, chance: Chance, makers: dict[str, Callable[[Memory], Remembered]], season: str
    ) -> None:
        self.chance = chance
        self.season = season
        self.values: dict[str, str | Remembered] = {}
        self._makers = makers
        self._used: set[str] = set()

    def write(self, rule: str) -> str:
        """An expansion of a rule with its articles corrected."""
        return self.write_template("{" + rule + "}")

    def write_within(self, length: int, rule: str) -> str:
        """The first expansion of a rule of at most `length` characters."""
        return next(words for words in iter(lambda: self.write(rule), None) if len(words) <= length)

    def write_template(self, template: str) -> str:
        """An expansion of a template with its articles corrected."""
        return forms.with_articles(self.expand(template))

    def draw_line(self, rule: str) -> str:
        """One alternative of a rule, not expanded."""
        return self._unused(rule, rules()[rule])

    def expand(self, template: str) -> str:
        """An expansion of a template with its articles as they are."""
        return self._expand(parse(template))

    def remembers(self, value: object) -> bool:
        """Whether the document has remembered this very object."""
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
        return self._expand(parse(self._unused(name, alternatives)))

    def _unused(self, name: str, alternatives: tuple[str, ...]) -> str:
        """A phrase that this document has not used yet; any phrase once all are used."""
        left = tuple(phrase for phrase in alternatives if "{" in phrase and phrase not in self._used)
        while True:
            phrase = self.chance.draw(name, alternatives, PHRASES_STEEPNESS)
            if phrase in left or not left:
                self._used.add(phrase)
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
    """A form of a string: `s` plural, `ed` past, `ing`, `es` third person, `head`, `caps`, `title`."""
    return _FORMS[form](text)
