"""English word forms for the archive: plurals, articles, verb endings, numbers in words."""

from __future__ import annotations

import re

VOWELS = "aeiou"

IRREGULAR_PLURALS = {
    "man": "men", "goose": "geese", "tooth": "teeth", "loaf": "loaves", "knife": "knives",
    "shelf": "shelves", "leaf": "leaves", "thief": "thieves", "half": "halves", "scarf": "scarves",
    "sheep": "sheep", "trout": "trout", "cod": "cod", "salmon": "salmon", "penny": "pence",
    "bellows": "bellows", "alderman": "aldermen", "pike": "pike", "perch": "perch", "plaice": "plaice",
    "dormouse": "dormice", "brother-in-law": "brothers-in-law", "sister-in-law": "sisters-in-law",
    "muffin-man": "muffin-men", "midwife": "midwives",
}  # fmt: skip

IRREGULAR_PASTS = {
    "sell": "sold", "lend": "lent", "weigh": "weighed", "mend": "mended", "pawn": "pawned",
    "bury": "buried",
}  # fmt: skip

_DOUBLING = {"label", "tar", "thud", "wrap"}

_UNITS = (
    "nought", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ["nought", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
             "nine": "ninth", "twelve": "twelfth"}  # fmt: skip


def head(phrase: str) -> str:
    """The head noun of a phrase: `bag of flour` gives `bag`, `brass key` gives `key`."""
    return re.split(r" (?:of|for|with|from|in|on|to|about) ", phrase)[0].rsplit(" ", 1)[-1]


def plural(phrase: str) -> str:
    """The plural of a noun phrase: `pot of jam` gives `pots of jam`."""
    noun = head(phrase)
    start = re.split(r" (?:of|for|with|from|in|on|to|about) ", phrase)[0].rfind(noun)
    return phrase[:start] + _plural_noun(noun) + phrase[start + len(noun) :]


def _plural_noun(noun: str) -> str:
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    if noun.endswith("y") and noun[-2] not in VOWELS:
        return noun[:-1] + "ies"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    return noun + "s"


def _on_first_word(phrase: str, change: dict[str, str], regular: str) -> str:
    verb, space, rest = phrase.partition(" ")
    if verb in change:
        return change[verb] + space + rest
    if verb in _DOUBLING:
        return verb + verb[-1] + regular + space + rest
    if regular == "ed" and verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied" + space + rest
    stem = verb[:-1] if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) else verb
    if regular == "ed" and verb.endswith("e"):
        stem = verb[:-1]
    return stem + regular + space + rest


def past(phrase: str) -> str:
    """The past tense of a verb phrase: `sell the clock` gives `sold the clock`."""
    return _on_first_word(phrase, IRREGULAR_PASTS, "ed")


def present_participle(phrase: str) -> str:
    """The -ing form of a verb phrase: `wind the clock` gives `winding the clock`."""
    return _on_first_word(phrase, {"die": "dying", "lie": "lying", "tie": "tying"}, "ing")


def third_person(phrase: str) -> str:
    """The third person singular: `carry a goat` gives `carries a goat`."""
    verb, space, rest = phrase.partition(" ")
    irregular = {"have": "has", "be": "is", "do": "does", "go": "goes"}
    return (
        irregular.get(verb, _plural_noun(verb) if verb not in ("leaf", "half") else verb + "s") + space + rest
    )


def number_words(number: int) -> str:
    """A number below 1,000 in words: 212 gives `two hundred and twelve`."""
    if number < 20:
        return _UNITS[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_UNITS[number % 10]}" if number % 10 else "")
    rest = f" and {number_words(number % 100)}" if number % 100 else ""
    return f"{_UNITS[number // 100]} hundred{rest}"


def ordinal_words(number: int) -> str:
    """`first`, `twenty-second`, `hundredth`."""
    stem, dash, last = number_words(number).rpartition("-")
    if last in _ORDINALS:
        return stem + dash + _ORDINALS[last]
    return stem + dash + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def ordinal_digits(number: int) -> str:
    """`1st`, `22nd`, `13th`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


_ARTICLE = re.compile(r"\b([Aa])n?(\s+[\"'(\[]*)([A-Za-z]+)")
_SPOKEN_CONSONANT = re.compile(r"(?:one|once|uni(?!n|m)|use|usu|uti|ewe|eu|ub|ur[ai]n)", re.IGNORECASE)
_SILENT_H = re.compile(r"(?:hour|honest|honou?r|heir)", re.IGNORECASE)


def with_articles(text: str) -> str:
    """The text with each indefinite article chosen by the sound of the next word: a ewe, an hour."""

    def chosen(match: re.Match[str]) -> str:
        word = match[3]
        vowel = (word[0].lower() in VOWELS and not _SPOKEN_CONSONANT.match(word)) or bool(
            _SILENT_H.match(word)
        )
        return match[1] + ("n" if vowel else "") + match[2] + word

    return _ARTICLE.sub(chosen, text)
