"""Work shared among threads, each of which does its share alone.

Products of a few hundred rows are too small for torch to share them well: two threads that each take half of
the rows, all the way, wait for one another less often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Self, TypeVar

import torch

T = TypeVar("T")


class Threads:
    """A context in which work is shared among as many threads as torch may use; one is the caller's own."""

    def __init__(self) -> None:
        self.count = torch.get_num_threads()
        self._pool: ThreadPoolExecutor | None = None

    def each(self, work: Callable[[T], None], items: Iterable[T]) -> None:
        """Do the work for every item. Raises what the first of them raised."""
        if self.count > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(self.count, initializer=torch.set_num_threads, initargs=(1,))
        for _ in map(work, items) if self._pool is None else self._pool.map(work, items):
            pass

    def slices(self, rows: int, least: int) -> list[slice]:
        """As many equal parts of so many rows as there are threads, each of `least` rows or more."""
        parts = max(1, min(self.count, rows // least))
        return [slice(*borders) for borders in pairwise(rows * part // parts for part in range(parts + 1))]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            torch.set_num_threads(self.count)  # or new threads would take the pool's for what all are to use
