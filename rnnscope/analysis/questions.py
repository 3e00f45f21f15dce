"""What is looked for in a text: built-in features, a regular expression, or labels made by hand.

A question answers for a whole text that is in memory, or along the lanes in which a long one is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rnnscope.analysis.along import Along, Answers, Asked, Passage
from rnnscope.analysis.features import Scanner, feature
from rnnscope.analysis.lanes import Lanes
from rnnscope.analysis.scanning import AHEAD, Bools
from rnnscope.analysis.statistics import centred_ranks
from rnnscope.analysis.stopping import Stop, heed
from rnnscope.analysis.surveyed import BuiltInAlong, split
from rnnscope.errors import OptionError
from rnnscope.text.patterns import Expression

Where = Literal["inside", "before", "after"]

_BLOCK = 4096
_AROUND = 1024
"""A match that is longer may be cut where a long text is read in lanes."""


class Question(ABC):
    """Something that holds, or a number, at the positions of a text."""

    asked: tuple[Asked, ...]

    @abstractmethod
    def over(self, text: str) -> Answers:
        """Of a whole text: one row."""

    @abstractmethod
    def along(self, passage: Passage, lanes: Lanes, should_stop: Stop | None = None) -> Along:
        """Of a long one. Raises Stopped."""


class BuiltIn(Question):
    """Some of the built-in features. Raises OptionError for a name that is none."""

    def __init__(self, names: Iterable[str]) -> None:
        features = [feature(name) for name in names]
        self.features = sorted(features, key=lambda each: each.kind)  # booleans first
        self.asked = tuple(Asked(each.name, each.kind) for each in self.features)

    def over(self, text: str) -> Answers:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int32)
        scanner = Scanner(self.features)
        pieces = [
            split(scanner.read(codes[None, start : start + _BLOCK + AHEAD], min(_BLOCK, len(codes) - start)))
            for start in range(0, len(codes), _BLOCK)
        ]
        booleans, numbers = zip(*pieces, strict=True)
        return Answers(np.concatenate(booleans, axis=2), np.concatenate(numbers, axis=2).astype(np.float32))

    def along(self, passage: Passage, lanes: Lanes, should_stop: Stop | None = None) -> Along:
        return BuiltInAlong(self.features, self.asked, passage, lanes, should_stop)


class Pattern(Question):
    """Where a regular expression matches, or the one position just before or after a match."""

    def __init__(self, pattern: str, where: Where = "inside") -> None:
        """Raises OptionError for what is no regular expression."""
        self.expression = Expression(pattern)
        self._where = where
        name = pattern if where == "inside" else f"just {where} {pattern}"
        self.asked = (Asked(name, "boolean"),)

    def over(self, text: str) -> Answers:
        return Answers(self.marked(text)[None, None], np.zeros((0, 1, len(text)), np.float32))

    def marked(self, text: str) -> Bools:
        """(T,)"""
        marked = np.zeros(len(text), np.bool_)
        for start, stop in self.expression.spans(text):
            self.mark(marked, start, stop)
        return marked

    def mark(self, marked: Bools, start: int, stop: int) -> None:
        """Mark what a match of [start, stop) marks; places may lie outside."""
        first, last = {
            "inside": (start, stop),
            "before": (start - 1, start),
            "after": (stop, stop + 1),
        }[self._where]
        marked[max(0, first) : max(0, last)] = True

    def along(self, passage: Passage, lanes: Lanes, should_stop: Stop | None = None) -> Along:
        return _PatternAlong(self, passage, lanes, should_stop)


class _PatternAlong(Along):
    def __init__(self, pattern: Pattern, passage: Passage, lanes: Lanes, should_stop: Stop | None) -> None:
        super().__init__(pattern.asked, lanes)
        self._starts, self._read = lanes.starts.tolist(), 0
        self._scans = []
        scan = _Scan(pattern, passage, 0, [])
        for lane, start in enumerate(self._starts):
            self._scans.append(scan.copied())
            for first in range(start, start + lanes.length, _BLOCK):
                heed(should_stop)
                self.on[0, lane] += scan.marked(first, min(first + _BLOCK, start + lanes.length)).sum()

    def read(self, n: int) -> Answers:
        first = self._read
        self._read += n
        marked = np.stack(
            [
                scan.marked(start + first, start + first + n)
                for scan, start in zip(self._scans, self._starts, strict=True)
            ]
        )
        return Answers(marked[None], np.zeros((0, *marked.shape), np.float32))


class _Scan:
    """Finds the matches in a text from its beginning on, each after the last, a stretch at a time."""

    def __init__(self, pattern: Pattern, passage: Passage, at: int, spans: list[tuple[int, int]]) -> None:
        self._pattern, self._passage = pattern, passage
        self._at, self._spans = at, spans

    def copied(self) -> _Scan:
        return _Scan(self._pattern, self._passage, self._at, list(self._spans))

    def marked(self, start: int, stop: int) -> Bools:
        """Of [start, stop), which begins where the last ended."""
        while self._at <= stop and self._at < len(self._passage):
            self._advance()
        self._spans = [span for span in self._spans if span[1] >= start]
        found = np.zeros(stop - start, np.bool_)
        for first, last in self._spans:
            self._pattern.mark(found, first - start, last - start)
        return found

    def _advance(self) -> None:
        border = self._at + _BLOCK
        earliest = max(0, self._at - _AROUND)  # what looks behind may see it
        window = self._passage.text(earliest, border + _AROUND)
        for span in self._pattern.expression.spans(window, self._at - earliest):
            first, last = (earliest + place for place in span)
            if first >= border:
                break
            self._spans.append((first, last))
        ends = [last for _, last in self._spans[-1:]]
        self._at = max([border, *ends])


class Labels(Question):
    """Labels made by hand: on and off, with NaN for positions to ignore; other values are numbers."""

    def __init__(self, labels: NDArray[Any], name: str = "labels") -> None:
        """Raises OptionError for what is not one number or boolean a character."""
        if labels.ndim != 1 or labels.dtype.kind not in "biuf":
            raise OptionError(
                f"labels are an array of one number or boolean a character, not {labels.dtype} of shape "
                f"{labels.shape}"
            )
        self._values = labels.astype(np.float32)
        if np.isinf(self._values).any():
            raise OptionError("labels are numbers, or NaN for positions to ignore; one of them is infinite")
        self._is_asked = ~np.isnan(self._values)
        self._is_boolean = bool(np.isin(self._values[self._is_asked], (0, 1)).all())
        self.asked = (Asked(name, "boolean" if self._is_boolean else "number"),)

    def over(self, text: str) -> Answers:
        self._check(len(text))
        return self._answers(self._values[None], self._is_asked[None])

    def along(self, passage: Passage, lanes: Lanes, should_stop: Stop | None = None) -> Along:
        self._check(len(passage))
        return _LabelsAlong(self, lanes)

    def rows(self, starts: NDArray[np.int64], n: int) -> Answers:
        """Of the n positions after each start; numbers as ranks among all labels."""
        at = starts[:, None] + np.arange(n)
        return self._answers((self._values if self._is_boolean else self._ranks)[at], self._is_asked[at])

    def _answers(self, values: NDArray[np.float32], is_asked: Bools) -> Answers:
        none = np.zeros((0, *values.shape), np.float32)
        if self._is_boolean:
            return Answers((values == 1)[None], none, is_asked)
        return Answers(none.astype(np.bool_), np.nan_to_num(values)[None], is_asked)

    @cached_property
    def _ranks(self) -> NDArray[np.float32]:
        ranks = np.zeros_like(self._values)
        ranks[self._is_asked] = centred_ranks(self._values[None, self._is_asked])[0]
        return ranks

    def _check(self, characters: int) -> None:
        if len(self._values) != characters:
            raise OptionError(
                f"there are {len(self._values):,} labels and {characters:,} characters: give one a character"
            )


class _LabelsAlong(Along):
    def __init__(self, labels: Labels, lanes: Lanes) -> None:
        super().__init__(labels.asked, lanes)
        self._labels, self._lanes, self._read = labels, lanes, 0
        for lane in range(len(lanes)):
            whole = labels.rows(lanes.starts[lane : lane + 1], lanes.length)
            self.on[:, lane] = whole.booleans.sum(axis=(1, 2))
            self.positions[lane] = 0 if whole.is_asked is None else whole.is_asked.sum()

    def read(self, n: int) -> Answers:
        self._read += n
        return self._labels.rows(self._lanes.starts + self._read - n, n)


def question(
    feature: str | None, pattern: str | None, labels: NDArray[Any] | None, *, where: Where = "inside"
) -> Question:
    """What one of the three asks for. Raises OptionError where it is not one, or is not understood."""
    if sum(each is not None for each in (feature, pattern, labels)) != 1:
        raise OptionError("look for one thing at a time: a feature, a pattern, or labels")
    if feature is not None:
        return BuiltIn([feature])
    return Pattern(pattern, where) if pattern is not None else Labels(np.asarray(labels))
