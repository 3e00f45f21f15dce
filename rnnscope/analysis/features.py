"""Text features: a boolean or a number per character.

The feature at t depends on characters 0..t: an opening quote is inside its quotes, the closing one is not; at
a line break the column is 0. A few features look ahead up to 256 characters (does this apostrophe open a
quotation?).

    values(text)["quotes"]          (T,) bool
    values(text)["column"]          (T,) int32

A text is read in pieces, in linear time and a few numbers are carried from piece to piece, so texts can be
of any length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.scanning import (
    AHEAD,
    BEHIND,
    Bools,
    Codes,
    Ints,
    Memory,
    among,
    comes_next,
    counted,
    depth,
    latched,
    member,
    since,
    upcoming,
)
from rnnscope.errors import OptionError, suggestion

Kind = Literal["boolean", "number"]
Values: TypeAlias = Bools | Ints

_SOON = 10
_LONGEST_NAME = 40
_TAB = 4
_PIECE = 1 << 16


class Piece:
    """A piece of text, and the features of its positions, computed lazily.

    codes: (rows, n + ahead) int32 code points; features are computed for the first n.
    """

    def __init__(self, codes: Codes, n: int, memory: Memory) -> None:
        self.n = n
        self.memory = memory
        self.ahead = codes
        self.wide = np.concatenate([memory.behind, codes], axis=1)
        self.codes = codes[:, :n]

    def before(self, distance: int) -> Codes:
        """The character `distance` before each position, including positions ahead."""
        return self.wide[:, BEHIND - distance : self.wide.shape[1] - distance]

    def after(self, distance: int) -> Codes:
        """The character `distance` after each position, including positions ahead; 0 beyond the end."""
        moved = np.zeros_like(self.ahead)
        moved[:, : moved.shape[1] - distance] = self.ahead[:, distance:]
        return moved

    def spelled(self, words: str) -> Bools:
        """True at the last character of each occurrence of `words`, including positions ahead."""
        found: Bools = self.ahead == ord(words[-1])
        for distance, symbol in enumerate(reversed(words[:-1]), start=1):
            found &= self.before(distance) == ord(symbol)
        return found

    # For all positions, including those ahead.

    @cached_property
    def _newlines(self) -> Bools:
        found: Bools = self.ahead == ord("\n")
        return found

    @cached_property
    def _blanks(self) -> Bools:
        """Line breaks that end an empty line, and so a paragraph."""
        before = self.before(1)
        lone = (before == ord("\n")) | ((before == ord("\r")) & (self.before(2) == ord("\n")))
        found: Bools = self._newlines & lone
        return found

    @cached_property
    def _word_like(self) -> Bools:
        """Letters, digits, underscores, and an apostrophe between two letters."""
        apostrophe = (
            among(self.ahead, "'’") & member(self.before(1), "letter") & member(self.after(1), "letter")
        )
        return member(self.ahead, "word") | apostrophe

    @cached_property
    def _stops(self) -> Bools:
        """Ends of sentences: . ! ? before white space, a closing mark or the end."""
        follows = self.after(1)
        ends = member(follows, "space") | among(follows, "\"'’”)»]\0")
        return among(self.ahead, ".!?…") & ends

    # For the first n positions.

    @cached_property
    def _newline(self) -> Bools:
        return self._newlines[:, : self.n]

    @cached_property
    def _blank(self) -> Bools:
        return self._blanks[:, : self.n]

    @cached_property
    def _word_starts(self) -> Bools:
        word = self._word_like[:, : self.n]
        before = np.empty_like(word)
        before[:, 1:] = word[:, :-1]
        before[:, 0] = self.memory.recall("in a word") > 0
        self.memory.keep("in a word", word)
        return word & ~before

    def quotes(self) -> Values:
        n, memory = self.n, self.memory
        straight = counted(self.codes == ord('"'), self._blank, memory, 'straight "') % 2 == 1
        curly = latched(among(self.codes, "“„«"), among(self.codes, "”»") | self._blank, memory, "curly")
        apostrophe = ord("'")
        is_doubled = (self.before(1) == apostrophe) | (self.after(1) == apostrophe)  # wiki bold and italics
        mark = among(self.ahead, "'’‘") & ~((self.ahead == apostrophe) & is_doubled)
        closes = mark & ~member(self.before(1), "space") & ~self._is_word_after
        may_open = mark & ~member(self.before(1), "word") & ~member(self.after(1), "space") & ~closes
        closed_after = upcoming(closes)
        opens = may_open & (closed_after < AHEAD) & (closed_after < upcoming(self._blanks))
        single = latched(opens[:, :n], closes[:, :n] | self._blank, memory, "single")
        inside: Bools = straight | curly | single
        return inside

    @cached_property
    def _is_word_after(self) -> Bools:
        return member(self.after(1), "word")

    @cached_property
    def _round(self) -> Ints:
        return depth(self.codes == ord("("), self.codes == ord(")"), self._blank, self.memory, "(")

    @cached_property
    def _square(self) -> Ints:
        return depth(self.codes == ord("["), self.codes == ord("]"), self._blank, self.memory, "[")

    @cached_property
    def _curly(self) -> Ints:
        never = np.zeros_like(self._newline)  # code has empty lines between braces
        return depth(self.codes == ord("{"), self.codes == ord("}"), never, self.memory, "{")

    def round_brackets(self) -> Values:
        return self._round > 0

    def square_brackets(self) -> Values:
        return self._square > 0

    def curly_brackets(self) -> Values:
        return self._curly > 0

    def bracket_depth(self) -> Values:
        return self._round + self._square + self._curly

    def comment(self) -> Values:
        n, memory = self.n, self.memory
        slashes = self.spelled("//") & (self.before(2) != ord(":"))
        hash_sign = (self.ahead == ord("#")) & member(self.before(1), "space") & among(self.after(1), " !#")
        of_line = latched((slashes | hash_sign)[:, :n], self._newline, memory, "line comment")
        opens = (self.spelled("/*")[:, :n] & ~of_line) | self.spelled("<!--")[:, :n]
        closes = self.spelled("*/")[:, :n] | self.spelled("-->")[:, :n]
        of_block = latched(opens, closes, memory, "block comment")
        return of_line | of_block

    def url(self) -> Values:
        starts = np.zeros_like(self.ahead, np.bool_)
        for scheme in ("http://", "https://", "ftp://", "www."):
            ends = self.spelled(scheme)
            reach = max(0, starts.shape[1] - len(scheme) + 1)
            starts[:, :reach] |= ends[:, len(scheme) - 1 :]
        starts &= ~member(self.before(1), "word")
        ends = member(self.codes, "space") | among(self.codes, "<>\"'(){}|\\^`’”")
        return latched(starts[:, : self.n], ends, self.memory, "url")

    def column(self) -> Values:
        return since(self._newline, self.memory, "column")

    @cached_property
    def _leading(self) -> Bools:
        """Spaces and tabs before the first other character of a line."""
        blank = among(self.codes, " \t")
        solid = counted(~blank & ~self._newline, self._newline, self.memory, "solid")
        leading: Bools = blank & (solid == 0)
        return leading

    def indentation(self) -> Values:
        return self._leading

    def indent(self) -> Values:
        widths = 1 + (_TAB - 1) * (self.codes == ord("\t")).astype(np.int32)
        return counted(widths * self._leading, self._newline, self.memory, "indent")

    def line_in_paragraph(self) -> Values:
        return counted(self._newline, self._blank, self.memory, "line")

    def word_in_line(self) -> Values:
        return counted(self._word_starts, self._newline, self.memory, "word in line")

    def word_in_sentence(self) -> Values:
        ends = self._stops[:, : self.n] | self._blank
        return counted(self._word_starts, ends, self.memory, "word in sentence")

    def word_length(self) -> Values:
        word = self._word_like[:, : self.n]
        return counted(word, ~word, self.memory, "word length")

    def word(self) -> Values:
        return self._word_like[:, : self.n]

    def upper_case(self) -> Values:
        return member(self.codes, "upper")

    def digit(self) -> Values:
        return member(self.codes, "digit")

    def after_newline(self) -> Values:
        return self._newline

    def sentence_end_soon(self) -> Values:
        return upcoming(self._stops)[:, : self.n] <= _SOON

    def line_end_soon(self) -> Values:
        return upcoming(self._newlines)[:, : self.n] <= _SOON

    def speaker(self) -> Values:
        """`First Citizen:` and `HAMLET.` at the start of a line, up to the mark."""
        starts = (self.before(1) == ord("\n")) & member(self.ahead, "upper")
        after_space = self.before(1) == ord(" ")
        in_name = member(self.ahead, "letter") | among(self.ahead, " .'’-")
        in_name &= ~(member(self.ahead, "lower") & after_space)
        in_capitals = member(self.ahead, "upper") | among(self.ahead, " '’-")
        name = self._names(starts, in_name, ":", 1)
        return name | self._names(starts, in_capitals, ".", 2)

    def _names(self, starts: Bools, in_name: Bools, mark: str, shortest: int) -> Bools:
        """Inside runs of `in_name` that begin at `starts` and end before `mark`."""
        length = upcoming(~in_name)
        is_marked = comes_next(self.ahead == ord(mark), ~in_name)
        named = starts & in_name & is_marked & (length >= shortest) & (length <= _LONGEST_NAME)
        n = self.n
        return latched(named[:, :n], ~in_name[:, :n], self.memory, f"speaker {mark}")


@dataclass(frozen=True)
class Feature:
    """A built-in feature: its name, a description, and the function that computes it for a piece of text."""

    name: str
    kind: Kind
    description: str
    read: Callable[[Piece], Values]


FEATURES: Mapping[str, Feature] = {
    feature.name: feature
    for feature in (
        Feature(
            "quotes", "boolean", "inside a quotation, of double, single or typographic marks", Piece.quotes
        ),
        Feature("round-brackets", "boolean", "inside ( )", Piece.round_brackets),
        Feature("square-brackets", "boolean", "inside [ ]", Piece.square_brackets),
        Feature("curly-brackets", "boolean", "inside { }", Piece.curly_brackets),
        Feature("bracket-depth", "number", "number of open brackets of any kind", Piece.bracket_depth),
        Feature("comment", "boolean", "inside a comment: // # /* */ <!-- -->", Piece.comment),
        Feature("url", "boolean", "inside a web address", Piece.url),
        Feature("column", "number", "characters since the last line break", Piece.column),
        Feature(
            "indentation", "boolean", "inside the spaces or tabs at the start of a line", Piece.indentation
        ),
        Feature("indent", "number", "leading spaces; a tab counts as 4", Piece.indent),
        Feature("line-in-paragraph", "number", "lines since the last empty line", Piece.line_in_paragraph),
        Feature("word-in-line", "number", "words started in this line", Piece.word_in_line),
        Feature("word-in-sentence", "number", "words started in this sentence", Piece.word_in_sentence),
        Feature("word-length", "number", "letters of this word so far", Piece.word_length),
        Feature("word", "boolean", "inside a word", Piece.word),
        Feature("upper-case", "boolean", "an upper-case letter", Piece.upper_case),
        Feature("digit", "boolean", "a digit", Piece.digit),
        Feature(
            "after-newline",
            "boolean",
            "a line break has just been read",
            Piece.after_newline,
        ),
        Feature(
            "sentence-end-soon", "boolean", "a sentence ends within 10 characters", Piece.sentence_end_soon
        ),
        Feature("line-end-soon", "boolean", "a line ends within 10 characters", Piece.line_end_soon),
        Feature("speaker", "boolean", "inside a speaker's name at the start of a line", Piece.speaker),
    )
}
"""The built-in features by name, in display order."""


def feature(name: str) -> Feature:
    """The built-in feature called `name`. Raises OptionError for an unknown name."""
    if name in FEATURES:
        return FEATURES[name]
    raise OptionError(f"there is no feature {name!r}; {suggestion(name, FEATURES)}")


class Scanner:
    """Reads rows of text in parallel, one piece after another."""

    def __init__(self, features: Iterable[Feature], memory: Memory | None = None) -> None:
        """Continue from `memory`, or start one row at the beginning of its text."""
        self._features = tuple(features)
        self.memory = Memory(1) if memory is None else memory

    def read(self, codes: NDArray[np.integer], n: int) -> dict[str, Values]:
        """The features (rows, n) of the next n characters of every row.

        codes: (rows, n + up to 256) code points; the characters after the first n are only looked at, and
        read again.
        """
        piece = Piece(codes.astype(np.int32, copy=False), n, self.memory)
        found = {each.name: each.read(piece) for each in self._features}
        self.memory.leave(piece.wide, n)
        return found


def values(text: str, names: Iterable[str] | None = None) -> dict[str, NDArray[np.bool_] | NDArray[np.int32]]:
    """Each named feature (T,) of a text, or all of them. Raises OptionError for an unknown name."""
    features = list(FEATURES.values()) if names is None else [feature(name) for name in names]
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int32)[None]
    scanner = Scanner(features)
    pieces = []
    for start in range(0, len(text), _PIECE):
        stop = min(start + _PIECE, len(text))
        pieces.append(scanner.read(codes[:, start : stop + AHEAD], stop - start))
    return {
        each.name: np.concatenate([piece[each.name][0] for piece in pieces])
        if pieces
        else np.zeros(0, np.bool_ if each.kind == "boolean" else np.int32)
        for each in features
    }
